"""A run of the tests is summed up, and taken up behind a test that ended it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.processes import Ended, run_to_end
from tests.support.run_record import summary
from tests.support.service import ROOT

TESTS = """
import os
import pytest

def test_first(): pass

def test_that_ends_the_run():
    if os.environ.get("ENDS"):
        os._exit(1)

@pytest.mark.skip(reason="no such program")
def test_skipped(): pass

def test_that_fails(): assert False

@pytest.fixture
def broken():
    yield
    raise RuntimeError

def test_with_a_broken_end(broken): pass
"""


def run(folder: Path, **env: str) -> Ended:
    """One run of these tests, with a record."""
    file = folder / "test_sample.py"
    file.write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.support.run_record"]
    command += ["--rootdir", str(folder), "-c", "/dev/null", "--record", str(folder / "part.record"), str(file)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", **env}
    return run_to_end(command, cwd=ROOT, env=environment, timeout_s=60)


def test_run_that_was_ended_is_taken_up_behind_the_test(tmp_path: Path) -> None:
    record = tmp_path / "part.record"
    run(tmp_path, ENDS="1")
    assert "NOT FINISHED: part" in summary([record])[0]
    again = run(tmp_path)
    assert "2 deselected" in again.stdout
    lines, is_well = summary([record])
    assert not is_well
    assert lines[-1] == "1 passed, 3 failed, 1 skipped"
    assert "skipped 1: Skipped: no such program" in lines
    assert any("test_that_ends_the_run (ended the whole run" in line for line in lines)
    assert sum(line.startswith("FAILED") for line in lines) == 3


@pytest.mark.parametrize(
    ("content", "is_well"), [("", False), ('{"test": "", "outcome": "finished", "reason": ""}\n', True)]
)
def test_nothing_at_all_is_not_well(tmp_path: Path, content: str, is_well: bool) -> None:
    """A part that never began is missed."""
    record = tmp_path / "part.record"
    record.write_text(content)
    assert summary([record])[1] is is_well


def test_file_that_cannot_be_read_fails(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text("import nothing_of_that_name\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.support.run_record"]
    command += ["--rootdir", str(tmp_path), "-c", "/dev/null", "--record", str(tmp_path / "part.record"), str(tmp_path)]
    run_to_end(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, timeout_s=60)
    assert summary([tmp_path / "part.record"])[0][-1] == "0 passed, 1 failed, 0 skipped"
