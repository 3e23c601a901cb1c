"""Logging: to a rotating file and to standard error, one line an event."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from logging.handlers import RotatingFileHandler

from websocket.errors import StartError
from websocket.settings import LogSettings

SAY_INTERVAL_S = 1.0

FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s"


def set_up_logging(settings: LogSettings) -> None:
    """Sends everything of at least the set level to the log file and to standard error. May be called again.

    Raises:
        StartError: the log file cannot be written.
    """
    formatter = logging.Formatter(FORMAT, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handlers: list[logging.Handler] = [open_log_file(settings), logging.StreamHandler(sys.stderr)]
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.basicConfig(level=settings.level, handlers=handlers, force=True)
    # each request to a provider is one of our own lines already, and urllib3's would show whole addresses
    logging.getLogger("urllib3").setLevel(logging.ERROR)


def open_log_file(settings: LogSettings) -> RotatingFileHandler:
    """The log file, made when missing.

    Raises:
        StartError: it cannot be written.
    """
    try:
        return RotatingFileHandler(settings.file, maxBytes=settings.max_bytes, backupCount=settings.backups)
    except OSError as error:
        raise StartError(
            f"Cannot write the log file {settings.file} ({error.strerror}); set LOG_FILE to a file that can be written."
        ) from error


class Throttle:
    """Keeps what fails again and again from filling the log.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said_at: float | None = None
        self._last_bug: str | None = None

    def allows(self) -> bool:
        """Whether a line may be written now: at most one a second."""
        now = self._clock()
        if self._said_at is not None and now - self._said_at < SAY_INTERVAL_S:
            return False
        self._said_at = now
        return True

    def exception(self, logger: logging.Logger, message: str, error: Exception) -> None:
        """Logs a bug with its traceback when it is another than the last one, else in one line."""
        bug = repr(error)
        if self.allows():
            logger.error("%s reason=%s", message, bug, exc_info=bug != self._last_bug)
            self._last_bug = bug
