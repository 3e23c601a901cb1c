"""The API as data: every message and every answer as a type with an example, and the documents made from them.

    messages.py       what goes over the plain WebSocket and over Socket.IO, as types
    http_answers.py   the answers of the HTTP routes, as types
    payloads.py       what each channel carries
    examples/         an example of the payload of each data service: a new service adds its own, and no more
    codes.py          error codes and close codes
    protocols.py      all messages of both protocols, with examples, from the catalogue and the types
    schemas.py        JSON schemas from the types, with their docstrings as descriptions
    reference.py      the same as people read it: fields in words, examples as text
    asyncapi.py, openapi.py, markdown.py    the documents; the page is made in transports/docs.py

Nothing here runs while messages are exchanged. Tests hold every frame and every answer of a running service against
these types, so that what is documented is what is sent.
"""

API_VERSION = "2.0.0"
"""Version of the contract; the first number rises when a client that follows it would break."""
