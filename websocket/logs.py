"""Logging: to a rotating file and to standard error, one line an event."""

from __future__ import annotations

import logging
import sys
import time
from logging.handlers import RotatingFileHandler

from websocket.errors import StartError
from websocket.settings import LogSettings

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
