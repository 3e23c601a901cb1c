"""Exports: every row once, in the form that was asked for, whole or not there."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.archive.sample import HOSTILE_TITLE, MONDAY, make_archive
from websocket.archive import export as export_module
from websocket.archive import files
from websocket.archive.export import KINDS, Selection, export
from websocket.archive.formats import FORMULA_BEGINNINGS
from websocket.archive.progress import Cancelled, Step, ignore
from websocket.errors import ArchiveError


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A small archive."""
    return make_archive(tmp_path / "archive.sqlite3")


def rows_of(file: Path) -> list[dict[str, Any]]:
    """What a file says, by its suffix."""
    data = file.read_bytes()
    text = (gzip.decompress(data) if file.suffix == ".gz" else data).decode()
    if ".jsonl" in file.name:
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(text.splitlines(keepends=True)))


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.csv.gz", "out.jsonl.gz"])
def test_every_price_is_in_it_once(archive: Path, tmp_path: Path, name: str) -> None:
    """Coin by coin, oldest first, with times that every program reads."""
    target = tmp_path / "exports" / name
    file_format = "csv" if ".csv" in name else "jsonl"
    assert export(archive, target, Selection(kind="prices"), file_format=file_format, report=ignore) == target
    rows = rows_of(target)
    assert [row["symbol"] for row in rows] == ["BTC"] * 100 + ["ETH"] * 3
    assert [float(row["price"]) for row in rows[:100]] == [n + 1.0 for n in range(100)]
    assert rows[1]["time"] == "2025-11-24T00:00:01.000Z"
    assert [file.name for file in target.parent.iterdir()] == [name]


def test_forms_say_the_same(archive: Path, tmp_path: Path) -> None:
    """Text is the only type of CSV; truth is ``true`` and ``false``."""
    for file_format in ("csv", "jsonl"):
        export(
            archive, tmp_path / f"out.{file_format}", Selection(kind="prices"), file_format=file_format, report=ignore
        )
    as_text = rows_of(tmp_path / "out.csv")
    as_json = rows_of(tmp_path / "out.jsonl")
    words = {True: "true", False: "false", None: ""}
    assert as_text == [
        {name: words[value] if isinstance(value, bool) else str(value) for name, value in row.items()}
        for row in as_json
    ]
    assert set(as_json[0]) == {"symbol", "time", "price", "source", "confirmed"}
    assert as_json[1]["confirmed"] is True


def test_pages_join_without_a_seam(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever their size; and progress counts up to all rows."""
    whole = export(archive, tmp_path / "whole.csv", Selection(kind="prices"), file_format="csv", report=ignore)
    monkeypatch.setattr(export_module, "PAGE_ROWS", 7)
    steps: list[Step] = []
    paged = export(archive, tmp_path / "paged.csv", Selection(kind="prices"), file_format="csv", report=steps.append)
    assert paged.read_bytes() == whole.read_bytes()
    assert len(steps) > 15
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert {step.total for step in steps} == {103}
    assert steps[-1].done == 103


def test_selection(archive: Path, tmp_path: Path) -> None:
    """By coin and time; the end itself is not in it."""
    selection = Selection(kind="prices", symbol="BTC", start=MONDAY + 10, end=MONDAY + 20)
    steps: list[Step] = []
    file = export(archive, tmp_path / "out.jsonl", selection, file_format="jsonl", report=steps.append)
    assert [row["price"] for row in rows_of(file)] == [n + 1.0 for n in range(10, 20)]
    assert steps[0].total == 10


@pytest.mark.parametrize(("interval", "starts"), [("1m", ["00:00", "00:01"]), ("1h", ["00:00"])])
def test_candles_of_one_interval(archive: Path, tmp_path: Path, interval: Any, starts: list[str]) -> None:
    """Never both in one file."""
    selection = Selection(kind="candles", interval=interval)
    steps: list[Step] = []
    rows = rows_of(export(archive, tmp_path / "out.csv", selection, file_format="csv", report=steps.append))
    assert [row["start"] for row in rows] == [f"2025-11-24T{start}:00.000Z" for start in starts]
    assert {row["interval"] for row in rows} == {interval}
    assert steps[0].total == len(starts)


def test_transactions_have_the_names_of_the_stream(archive: Path, tmp_path: Path) -> None:
    """``from`` and ``to``, newest first."""
    rows = rows_of(export(archive, tmp_path / "w.jsonl", Selection(kind="whales"), file_format="jsonl", report=ignore))
    assert [(row["hash"], row["from"], row["to"]) for row in rows] == [("h2", "", "to2"), ("h1", "from1", "")]
    assert rows[1]["block"] == 900_000


def test_text_from_the_internet_is_not_run_by_a_spreadsheet(archive: Path, tmp_path: Path) -> None:
    """A ' goes before what would be a formula; JSON keeps every text as it is."""
    as_text = rows_of(export(archive, tmp_path / "a.csv", Selection(kind="articles"), file_format="csv", report=ignore))
    as_json = rows_of(
        export(archive, tmp_path / "a.jsonl", Selection(kind="articles"), file_format="jsonl", report=ignore)
    )
    assert as_text[1]["title"] == f"'{HOSTILE_TITLE}"
    assert as_text[1]["categories"] == "bitcoin;+markets"
    assert (as_text[1]["dated"], as_text[1]["published_at"]) == ("false", as_text[1]["seen_at"])
    assert as_json[1]["title"] == HOSTILE_TITLE
    assert as_json[1]["categories"] == ["bitcoin", "+markets"]
    assert not any(value.startswith(FORMULA_BEGINNINGS) for row in as_text for value in row.values())


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_a_file_with_names_only(tmp_path: Path, kind: Any) -> None:
    """Not an error."""
    archive = make_archive(tmp_path / "archive.sqlite3")
    selection = Selection(kind=kind, start=0.0, end=1.0)
    as_text = export(archive, tmp_path / "out.csv", selection, file_format="csv", report=ignore)
    assert as_text.read_text().count("\n") == 1
    as_json = export(archive, tmp_path / "out.jsonl", selection, file_format="jsonl", report=ignore)
    assert as_json.read_bytes() == b""


def test_same_rows_make_the_same_compressed_file(archive: Path, tmp_path: Path) -> None:
    """So that two exports can be compared."""
    first, second = (
        export(archive, tmp_path / name, Selection(kind="prices"), file_format="csv", report=ignore)
        for name in ("1.csv.gz", "2.csv.gz")
    )
    assert first.read_bytes() == second.read_bytes()


def test_failed_export_leaves_the_old_file(archive: Path, tmp_path: Path) -> None:
    """Whole, and no half of a new one beside it."""
    target = tmp_path / "out" / "out.csv"
    export(archive, target, Selection(kind="whales"), file_format="csv", report=ignore)
    before = target.read_bytes()

    def cancel(step: Step) -> None:
        if step.done:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        export(archive, target, Selection(kind="prices"), file_format="csv", report=cancel)
    assert target.read_bytes() == before
    assert [file.name for file in target.parent.iterdir()] == ["out.csv"]


def test_archive_is_not_overwritten(archive: Path, tmp_path: Path) -> None:
    """A slip that would end badly, by any name of the file."""
    (tmp_path / "link.csv").symlink_to(archive)
    before = archive.read_bytes()
    for target in (archive, tmp_path / "link.csv"):
        with pytest.raises(ArchiveError, match="itself"):
            export(archive, target, Selection(kind="prices"), file_format="csv", report=ignore)
    assert archive.read_bytes() == before


def test_no_room_no_export(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last megabytes of a disk are the archive's own."""
    monkeypatch.setattr(files, "SPARE_BYTES", 10**18)
    with pytest.raises(ArchiveError, match="not enough room"):
        export(archive, tmp_path / "out.csv", Selection(kind="prices"), file_format="csv", report=ignore)
    assert not (tmp_path / "out.csv").exists()


def test_unwritable_folder_is_one_error(archive: Path, tmp_path: Path) -> None:
    """With its name."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match="file cannot be written"):
        export(archive, tmp_path / "file" / "out.csv", Selection(kind="prices"), file_format="csv", report=ignore)
