"""An asyncio event loop that works in a process of green threads."""

from __future__ import annotations

import asyncio
import asyncio.unix_events
import selectors
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from eventlet import patcher


@contextmanager
def native_event_loops() -> Iterator[None]:
    """New event loops wait and do I/O by the system's own means, not by eventlet's.

    Playwright switches between greenlets of its own. Where the standard library is cooperative, as in the tests of the
    service, its loop would wait by switching to eventlet's hub, which knows nothing of those and resumes the wrong
    one: it hangs. With native loops each of the two works, as long as the other waits.
    """
    native_os = patcher.original("os")
    with (
        mock.patch.object(asyncio, "new_event_loop", _new_native_event_loop),
        # They start Playwright's driver, and talk to it over pipes.
        mock.patch.object(asyncio.unix_events, "os", native_os),
        mock.patch.object(patcher.original("subprocess"), "os", native_os),
    ):
        yield


class _NativeSelector(selectors.SelectSelector):
    _select = staticmethod(patcher.original("select").select)


def _new_native_event_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.SelectorEventLoop(_NativeSelector())
    if sys.version_info < (3, 12):
        # The default one waits for the end of a child process in a thread, which would be a green one.
        watcher = asyncio.PidfdChildWatcher()
        watcher.attach_loop(loop)
        asyncio.set_child_watcher(watcher)
    return loop
