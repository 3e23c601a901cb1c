"""The log file and what is written to it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from websocket.errors import StartError
from websocket.logs import LINES_OF_A_KIND, LONGEST, RepetitionFilter, open_log_file, set_up_logging
from websocket.settings import LogSettings

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO websocket\.test something happened name=x\n")

logger = logging.getLogger("websocket.test")


@pytest.fixture(autouse=True)
def _own_handlers() -> Iterator[None]:
    """Puts the handlers of the test run aside; logging set-up would close them."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    urllib3_level = logging.getLogger("urllib3").level
    root.handlers.clear()
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = kept
    root.setLevel(level)
    logging.getLogger("urllib3").setLevel(urllib3_level)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The log file of a test."""
    return tmp_path / "websocket.log"


def test_event_is_one_line_with_time_level_and_logger(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same in the file and on standard error."""
    set_up_logging(LogSettings(file=str(file)))
    logger.info("something happened name=%s", "x")
    assert LINE.fullmatch(file.read_text())
    assert capsys.readouterr().err == file.read_text()


def test_time_is_utc(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever zone the machine is in."""
    set_up_logging(LogSettings(file=str(file)))
    record = logger.makeRecord("websocket.test", logging.INFO, "", 0, "then", (), None)
    record.created, record.msecs = 0.25, 250.0
    logger.handle(record)
    assert file.read_text() == "1970-01-01T00:00:00.250Z INFO websocket.test then\n"


@pytest.mark.parametrize(("level", "expected"), [("DEBUG", 4), ("INFO", 3), ("WARNING", 2), ("ERROR", 1)])
def test_level_is_the_least_severe_that_is_written(file: Path, level: str, expected: int) -> None:
    """And everything above it."""
    set_up_logging(LogSettings(level=level, file=str(file)))  # type: ignore[arg-type]
    for number in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        logger.log(number, "event")
    assert len(file.read_text().splitlines()) == expected


def test_setting_up_again_doubles_no_line(file: Path) -> None:
    """The master and the worker of gunicorn both do."""
    set_up_logging(LogSettings(file=str(file)))
    set_up_logging(LogSettings(file=str(file)))
    logger.info("once")
    assert file.read_text().count("once") == 1


def test_file_is_continued(file: Path) -> None:
    """A restart does not lose what led to it."""
    file.write_text("earlier\n")
    set_up_logging(LogSettings(file=str(file)))
    logger.info("later")
    assert file.read_text().startswith("earlier\n")
    assert "later" in file.read_text()


def test_file_rotates(file: Path) -> None:
    """At its size, with as many old ones as asked for; the newest lines are in the file itself."""
    set_up_logging(LogSettings(file=str(file), max_bytes=500, backups=2))
    for number in range(100):
        logger.info(f"event {number} number=%d", number)  # noqa: G004 - each of a kind of its own
    names = sorted(path.name for path in file.parent.iterdir())
    assert names == ["websocket.log", "websocket.log.1", "websocket.log.2"]
    assert all(path.stat().st_size <= 500 for path in file.parent.iterdir())
    assert "number=99" in file.read_text()


def test_requests_of_libraries_are_not_logged(file: Path) -> None:
    """Each is a line of our own at DEBUG, without what an address may hold."""
    set_up_logging(LogSettings(level="DEBUG", file=str(file)))
    logging.getLogger("urllib3.connectionpool").debug("GET /?key=secret")
    logging.getLogger("urllib3.connectionpool").info("Starting new HTTPS connection")
    assert file.read_text() == ""


@pytest.mark.parametrize("place", ["below-a-file", "missing-folder", "folder"])
def test_file_that_cannot_be_written_is_one_clear_line(tmp_path: Path, place: str) -> None:
    """The setting is named."""
    (tmp_path / "file").touch()
    wrong = {"below-a-file": tmp_path / "file" / "log", "missing-folder": tmp_path / "no" / "log", "folder": tmp_path}
    for try_it in (set_up_logging, open_log_file):
        with pytest.raises(StartError) as caught:
            try_it(LogSettings(file=str(wrong[place])))
        assert "LOG_FILE" in str(caught.value)
        assert str(wrong[place]) in str(caught.value)
        assert "\n" not in str(caught.value)


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(file: Path) -> Clock:
    """That of the log, which is set up."""
    clock = Clock()
    set_up_logging(LogSettings(file=str(file)), clock)
    return clock


def lines(file: Path) -> list[str]:
    """What was written, without time, level and name."""
    return [line.partition("websocket.test ")[2] or line for line in file.read_text().splitlines()]


def test_same_line_is_written_once_a_second(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The next one says how many were left out; both places say the same."""
    clock = Clock()
    set_up_logging(LogSettings(file=str(file)), clock)
    for _ in range(5000):
        logger.error("request failed path=%s", "/api/news")
    clock.now = 1.0
    logger.error("request failed path=%s", "/api/news")
    expected = ["request failed path=/api/news", "request failed path=/api/news (4999 more like this left out)"]
    assert lines(file) == expected
    assert capsys.readouterr().err == file.read_text()


def test_lines_of_a_kind_are_limited(file: Path, clock: Clock) -> None:
    """Values that a client chooses do not rotate the others away; lines of another kind are written meanwhile."""
    for number in range(5000):
        logger.warning("refused origin=%s", number)
    logger.warning("something else")
    assert len(lines(file)) == LINES_OF_A_KIND + 1
    assert lines(file)[-1] == "something else"
    clock.now = 1.0
    logger.warning("refused origin=%s", "x")
    assert lines(file)[-1] == f"refused origin=x ({5000 - LINES_OF_A_KIND} more like this left out)"


def test_same_traceback_is_written_once_a_second(file: Path, clock: Clock) -> None:
    """Whatever the line above it says; another one is written beside it."""

    def fail(value: str, divisor: int) -> None:
        try:
            _ = (1 // divisor, [0][divisor])
        except (ZeroDivisionError, IndexError):
            logger.exception("failed value=%s", value)

    for number in range(10):
        fail(str(number), 0)
    assert file.read_text().count("Traceback") == 1
    assert sum("failed value=" in line for line in lines(file)) == 10
    fail("another", 1)
    assert file.read_text().count("Traceback") == 2
    clock.now = 1.0
    fail("later", 0)
    assert file.read_text().count("Traceback") == 3


def test_what_is_remembered_is_bounded(clock: Clock) -> None:
    """A library that puts values into its formats does not fill the memory."""
    (repetitions,) = (part for part in logging.getLogger().handlers[0].filters if isinstance(part, RepetitionFilter))
    for number in range(3000):
        logger.info(f"value {number}")  # noqa: G004 - as such a library does
    assert len(repetitions._lines._found) <= 1000
    assert len(repetitions._kinds._found) <= 1000


def test_nothing_is_left_out_for_those_who_look_for_a_fault(file: Path) -> None:
    """At DEBUG every line of that level is there."""
    set_up_logging(LogSettings(level="DEBUG", file=str(file)))
    for _ in range(50):
        logger.debug("asked")
    assert len(lines(file)) == 50


def test_lines_of_gunicorn_are_limited_as_well(file: Path, clock: Clock, tmp_path: Path) -> None:
    """It has handlers of its own; setting up twice judges each line once."""
    gunicorn = logging.getLogger("gunicorn.error")
    handler = logging.FileHandler(tmp_path / "gunicorn")
    gunicorn.addHandler(handler)
    gunicorn.propagate = False
    try:
        for _ in range(2):
            set_up_logging(LogSettings(file=str(file)))
        for _ in range(10):
            gunicorn.error("Invalid request")
        assert len(handler.filters) == 1
        assert (tmp_path / "gunicorn").read_text() == "Invalid request\n"
    finally:
        gunicorn.removeHandler(handler)
        gunicorn.propagate = True
        handler.close()


def test_nobody_writes_lines_in_our_name(file: Path, clock: Clock) -> None:
    """What is no text of one line is escaped, and what is too long is cut."""
    logger.info("path=%s", "/x\n2026-01-01T00:00:00.000Z INFO websocket all is well\r\x1b[2J\ud800")
    logger.info("path=%s", "x" * 100_000)
    first, second = lines(file)
    assert first == r"path=/x\n2026-01-01T00:00:00.000Z INFO websocket all is well\r\x1b[2J\ud800"
    assert len(second) < LONGEST + 100


def test_call_with_wrong_values_does_not_fail() -> None:
    """A mistake in a log call ends nothing; the handler reports it."""
    record = logger.makeRecord("websocket.test", logging.INFO, "", 0, "count=%d", ("many",), None)
    assert RepetitionFilter(Clock()).filter(record) is True
