"""The log file and what is written to it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from websocket.errors import StartError
from websocket.logs import open_log_file, set_up_logging
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
        logger.info("event number=%d", number)
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
