"""DWT Exchange streaming service: many public data providers in, one judged feed out to many browsers.

This file imports nothing, on purpose: the package's name shadows PyPI's websocket-client, which other libraries look
for with ``import websocket``.

The way of one price, from provider to browser:

    providers/     one file per upstream: builds requests, reads answers; no I/O
    upstream/      runs the requests: time-outs, size cap, budget, circuit, failover between the sources of a pool
    price_book.py  judges every value and keeps the latest accepted one with its provenance
    services/      one file per stream: when to refresh, which pool, how the payload is made
    broker/        numbers each publication (epoch, seq), keeps the last value and a short history per channel
    hub.py         who is subscribed to what; frames each publication once and offers it to every connection
    transports/    Socket.IO, plain JSON WebSockets, HTTP API, pages, and the edge that admits clients
    wire/          WebSocket bytes below the transports: handshake, frames, connections that nobody waits for
    http_server/   HTTP/1.1 below the routes: accepts connections, reads requests, writes answers, makes room
    documentation/ the schemas and documents that /docs shows, made from the types and the catalogue

Beside it: settings/ (the only reader of the environment), errors.py (the whole tree), records.py, coins.py,
codec.py (strict JSON), catalogue.py (the channels), cache/ (memory + file, or Redis), scheduler.py (when things run),
feed_status.py and health.py (is it true and fresh?), refused.py (what cannot be ours), logs.py, green.py (the only
module that names eventlet), supervisor.py (keeps long-lived green threads running), production.py and start_check.py
(gunicorn's master and worker), and server.py (the development server).
``app.py``, beside this package, builds and connects one of each; nothing else knows all of them.
"""
