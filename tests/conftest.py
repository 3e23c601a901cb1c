"""Makes the whole test process cooperative, as the service is, before anything imports sockets."""

from websocket import green

green.patch()

import signal

from tests.support.browser import browser

# A shell that starts the tests in the background has them ignore Ctrl-C, and so would every program that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

__all__ = ["browser"]
