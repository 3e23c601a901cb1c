"""The HTTP/1.1 server below every route: accepts connections, reads requests, writes answers.

It serves both ways to start, inside gunicorn's worker and by itself, so that both have the same limits and the same
reading of HTTP. The protocol is h11's; what is ours is who may have a connection, for how long and for how much. It
knows no route and no message.
"""
