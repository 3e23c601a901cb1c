"""Notes what becomes of each test while it runs, so that a run that was cut off can be taken up and summed up.

A pytest plugin: ``pytest -p tests.support.run_record --record FILE``. Tests that are in the file already are left out.
As a program, ``python -m tests.support.run_record FILE ...`` says how many passed, failed and were skipped in all files
together, which failed, and why others were skipped; the exit code is 1 when one failed or a run is not finished.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import pytest

FINISHED = "finished"
STARTED = "started"

SLOWEST = 15
"""Files that are listed with the time that they took."""


def entries(path: Path) -> Iterator[dict[str, Any]]:
    """What was noted; a last line that was cut off is left out."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue


class Recorder:
    """The plugin of one run.

    Args:
        path: of the record, which is appended to.
    """

    def __init__(self, path: Path) -> None:
        self._known = {entry["test"] for entry in entries(path)}
        self._file: TextIO = path.open("a", encoding="utf-8", buffering=1)

    def pytest_collection_modifyitems(self, config: Any, items: list[pytest.Item]) -> None:
        """Leaves out what ran before, also what ended the run then."""
        done = [item for item in items if item.nodeid in self._known]
        if done:
            items[:] = [item for item in items if item.nodeid not in self._known]
            config.hook.pytest_deselected(items=done)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins; one that has nothing else in the record has ended the run."""
        self._note(nodeid, STARTED)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Its end; a failing setup or teardown counts as well."""
        self._note(report.nodeid, STARTED, seconds=report.duration)
        if report.when == "call" or report.outcome != "passed":
            self._note(report.nodeid, report.outcome, _reason(report) if report.skipped else "")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be read."""
        if report.failed:
            self._note(report.nodeid, "failed")

    def pytest_sessionfinish(self) -> None:
        """The run came to its end."""
        self._note("", FINISHED)

    def _note(self, test: str, outcome: str, reason: str = "", seconds: float = 0.0) -> None:
        entry = {"test": test, "outcome": outcome, "reason": reason, "seconds": round(seconds, 3)}
        self._file.write(json.dumps(entry) + "\n")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plugin's option."""
    parser.addoption("--record", type=Path, help="note each test's outcome in this file, and leave out those in it")


def pytest_configure(config: pytest.Config) -> None:
    """Begins to record, if a file is named."""
    path = config.getoption("--record")
    if path is not None:
        config.pluginmanager.register(Recorder(path))


def _reason(report: pytest.TestReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)


def is_finished(path: Path) -> bool:
    """Whether the newest run in a record came to its end."""
    return any(entry["outcome"] == FINISHED for entry in entries(path))


def outcomes(found: Iterable[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """The outcome and its reason by test: the worst of its parts."""
    worst: dict[str, tuple[str, str]] = {}
    order = ("passed", "skipped", STARTED, "failed")
    for entry in found:
        test, outcome = entry["test"], entry["outcome"]
        if outcome == FINISHED:
            continue
        known = worst.get(test)
        # its beginning says nothing any more once there is an end
        if (
            known is None
            or known[0] == STARTED
            or (outcome != STARTED and order.index(outcome) > order.index(known[0]))
        ):
            worst[test] = (outcome, entry["reason"])
    return worst


def summary(paths: Sequence[Path]) -> tuple[list[str], bool]:
    """Lines for people, first the slowest files and last the counts; and whether all is well."""
    every: dict[str, tuple[str, str]] = {}
    for path in paths:
        every.update(outcomes(entries(path)))
    failed = sorted(test for test, (outcome, _) in every.items() if outcome == "failed")
    ended = sorted(test for test, (outcome, _) in every.items() if outcome == STARTED)
    skipped = Counter(reason for outcome, reason in every.values() if outcome == "skipped")
    unfinished = [path for path in paths if not is_finished(path)]
    passed = sum(outcome == "passed" for outcome, _ in every.values())
    seconds = Counter[str]()
    for path in paths:
        for entry in entries(path):
            seconds[entry["test"].partition("::")[0]] += entry.get("seconds", 0.0)
    lines = [
        *(f"{time:7.1f} s {file}" for file, time in seconds.most_common(SLOWEST)),
        *(f"skipped {count}: {reason}" for reason, count in skipped.most_common()),
        *(f"FAILED {test}" for test in failed),
        *(f"FAILED {test} (ended the whole run; the others were taken up after it)" for test in ended),
        *(f"NOT FINISHED: {path.stem}" for path in unfinished),
        f"{passed} passed, {len(failed) + len(ended)} failed, {skipped.total()} skipped",
    ]
    return lines, not (failed or ended or unfinished)


if __name__ == "__main__":
    said, is_well = summary([Path(name) for name in sys.argv[1:]])
    sys.stdout.write("\n".join(said) + "\n")
    sys.exit(0 if is_well else 1)
