"""Logging: to a rotating file and to standard error, one line an event.

Clients choose what some lines say, and how often they are written. So that they cannot rotate away what matters, the
same line is written at most once a second, and of one kind only a few. What is left out is counted in the next line
that is written.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Hashable
from logging.handlers import RotatingFileHandler
from typing import Any

from websocket.errors import StartError
from websocket.settings import LogSettings

FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s"

PERIOD_S = 1.0

LINES_OF_A_KIND = 20
"""Written in one period, of those that differ in their values only: more than the sources that fail at the same time
in an outage have to say at once, and little beside the size of the file.
"""

KINDS = 1000
"""Lines that are remembered; of more, the oldest are forgotten and may come again."""

LONGEST = 2000
"""Characters of one line. No line of ours is so long, but what a client sends may be."""

FOREIGN_LOGGERS = ("gunicorn.error",)
"""Loggers with handlers of their own, which do not hand on to ours."""


class _OneLine(logging.Formatter):
    """Escapes what would begin a line of its own, or is no text: nobody can write lines in our name."""

    def __init__(self) -> None:
        super().__init__(FORMAT, "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base class calls it so
        line = super().formatMessage(record)
        if not line.isprintable():
            line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
        return line if len(line) <= LONGEST else f"{line[:LONGEST]}... ({len(line)} characters)"


class RepetitionFilter(logging.Filter):
    """Lets a line through once in a period, and a limited number of its kind; of equal tracebacks only the first.

    It may stand at several handlers: all of them write the same. ``DEBUG`` is not limited; whoever turns it on wants
    everything.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._lines = _Counts(1)
        self._kinds = _Counts(LINES_OF_A_KIND)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is to be written. The first handler decides for all."""
        if record.levelno <= logging.DEBUG:
            return True
        verdict: bool | None = record.__dict__.get("is_let_through")
        if verdict is None:
            verdict = record.__dict__["is_let_through"] = self._judge(record)
        return verdict

    def _judge(self, record: logging.LogRecord) -> bool:
        now = self._clock()
        kind = (record.name, record.levelno, str(record.msg))
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            return True  # a mistake in the call, which the handler reports
        left_out = self._lines.count((*kind, message), now)
        if left_out is None:
            return False
        of_its_kind = self._kinds.count(kind, now)
        if of_its_kind is None:
            return False
        if left_out + of_its_kind:
            record.msg, record.args = f"{message} ({left_out + of_its_kind} more like this left out)", None
        # tracebacks are long, and the same whatever the line says
        if record.exc_info and self._lines.count((*kind, _place(record.exc_info)), now) is None:
            record.exc_info = None
        return True


def _place(exc_info: Any) -> Hashable:
    """What an exception is and where it was raised."""
    kind, _, traceback = exc_info
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return kind, None if traceback is None else (traceback.tb_frame.f_code, traceback.tb_lineno)


class _Counts:
    """How often something came in its period, which begins when it comes for the first time.

    Args:
        most: how often it may come.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: dict[Hashable, tuple[float, int]] = {}

    def count(self, key: Hashable, now: float) -> int | None:
        """Counts it. None when it is once too often; else how often that was so in its last period."""
        since, count = self._found.get(key, (now, 0))
        if now - since < PERIOD_S and count:
            self._found[key] = (since, count + 1)
            return None if count >= self._most else 0
        self._found.pop(key, None)
        if len(self._found) >= KINDS:
            del self._found[next(iter(self._found))]
        self._found[key] = (now, 1)
        return max(0, count - self._most)


def set_up_logging(settings: LogSettings, clock: Callable[[], float] = time.monotonic) -> None:
    """Sends everything of at least the set level to the log file and to standard error. May be called again.

    Args:
        settings: of the log.
        clock: monotonic seconds.

    Raises:
        StartError: the log file cannot be written.
    """
    formatter = _OneLine()
    repetitions = RepetitionFilter(clock)
    handlers: list[logging.Handler] = [open_log_file(settings), logging.StreamHandler(sys.stderr)]
    for handler in handlers:
        handler.setFormatter(formatter)
        handler.addFilter(repetitions)
    logging.basicConfig(level=settings.level, handlers=handlers, force=True)
    for handler in (handler for name in FOREIGN_LOGGERS for handler in logging.getLogger(name).handlers):
        if not any(isinstance(existing, RepetitionFilter) for existing in handler.filters):
            handler.addFilter(repetitions)
    # each request to a provider is one of our own lines already, and urllib3's would show whole addresses
    logging.getLogger("urllib3").setLevel(logging.ERROR)


def open_log_file(settings: LogSettings) -> RotatingFileHandler:
    """The log file, made when missing.

    Raises:
        StartError: it cannot be written.
    """
    try:
        return RotatingFileHandler(
            settings.file,
            maxBytes=settings.max_bytes,
            backupCount=settings.backups,
            encoding="utf-8",
            errors="backslashreplace",
        )
    except OSError as error:
        raise StartError(
            f"Cannot write the log file {settings.file} ({error.strerror}); set LOG_FILE to a file that can be written."
        ) from error
