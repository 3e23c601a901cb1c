"""Makes the whole test process cooperative, as the service is, before anything imports sockets."""

from websocket import green

green.patch()

from tests.support.browser import browser

__all__ = ["browser"]
