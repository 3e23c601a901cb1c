"""WebSocket bytes (RFC 6455): the opening handshake, frames, and connections that nobody has to wait for.

This package knows no channel and no message of ours. Plain WebSockets and Socket.IO's WebSocket transport both use it,
so both have the same limits and behaviour.
"""
