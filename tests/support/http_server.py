"""The HTTP server of the service around any application, in the process of the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from websocket import green
from websocket.http_server.connection import HttpLimits, WsgiApp
from websocket.http_server.places import HttpPlaces, PlaceLimits
from websocket.http_server.server import HttpServer

ROOMY = PlaceLimits(total=10_000, http=10_000, http_per_address=10_000)


class ServerInThisProcess:
    """Serves from when it is made until ``stop``."""

    def __init__(
        self,
        app: WsgiApp,
        *,
        places: PlaceLimits = ROOMY,
        limits: HttpLimits | None = None,
        websockets: Callable[[], int] = lambda: 0,
        share_of: Callable[[str], str] = lambda address: address,
    ) -> None:
        self.places = HttpPlaces(places, websockets=websockets)
        self.server = HttpServer(app, places=self.places, limits=limits or HttpLimits(), share_of=share_of)
        self.listener: Any = green.listen("127.0.0.1", 0)
        self.port: int = self.listener.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.server.start(self.listener)

    def stop(self) -> None:
        """Ends it and its HTTP connections."""
        self.server.stop()
        self.listener.close()


@contextmanager
def serving(app: WsgiApp, **options: Any) -> Iterator[ServerInThisProcess]:
    """For the time of a block."""
    server = ServerInThisProcess(app, **options)
    try:
        yield server
    finally:
        server.stop()
