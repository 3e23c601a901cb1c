"""``python -m websocket.archive`` as an operator and a cron job use it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.archive.sample import damage, make_archive, writing
from tests.support.processes import Ended, run_to_end
from tests.support.service import ROOT, service_environment


class CommandLine:
    """Runs it in a folder of its own, in which the settings say that the archive is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.archive = self.data / "archive.sqlite3"
        self.env = service_environment(folder)

    def __call__(self, *arguments: object) -> Ended:
        """Its output and exit code."""
        return run_to_end(self.command(*arguments), cwd=ROOT, env=self.env)

    def command(self, *arguments: object) -> list[str]:
        """The whole command."""
        return [sys.executable, "-m", "websocket.archive", *map(str, arguments)]

    def done(self, *arguments: object) -> str:
        """The output of a command that must work, quietly."""
        ended = self(*arguments)
        assert (ended.code, ended.stderr) == (0, "")
        return str(ended.stdout)

    def refusal(self, *arguments: object) -> str:
        """The one line of a command that must not work."""
        ended = self(*arguments)
        assert ended.code == 1, ended
        assert ended.stderr.count("\n") == 1, ended.stderr
        assert ended.stdout == ""
        return str(ended.stderr)


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    """With an archive that has some rows of every kind."""
    made = CommandLine(tmp_path)
    made.data.mkdir()
    make_archive(made.archive)
    return made


def prices_in(file: Path) -> int:
    """How many prices a file holds."""
    connection = sqlite3.connect(file)
    (count,) = connection.execute("SELECT count(*) FROM prices").fetchone()
    connection.close()
    return int(count)


def test_info(command_line: CommandLine) -> None:
    """For people and for programs."""
    told = json.loads(command_line.done("info", "--json"))
    assert told["file"] == str(command_line.archive)
    assert told["rows"] == {"articles": 2, "candles": 3, "events": 0, "prices": 103, "updates": 0, "whales": 2}
    assert told["oldest"] == "2025-11-24T00:00:00.000Z"
    assert told["backups"] == []
    assert "prices: 103" in command_line.done("info")


def test_check(command_line: CommandLine) -> None:
    """0 for a whole file, 1 for one that is not: a cron job needs no more."""
    assert json.loads(command_line.done("check", "--json"))["damaged"] is False
    copy = command_line.folder / "copy.sqlite3"
    copy.write_bytes(command_line.archive.read_bytes())
    damage(copy)
    assert "copy.sqlite3" in command_line.refusal("check", copy)
    copy.write_text("no database at all")
    assert "not a database" in command_line.refusal("check", copy)


def test_backup_and_restore(command_line: CommandLine) -> None:
    """The way that is documented, with the service stopped in between."""
    with writing(command_line.archive):
        first = Path(command_line.done("backup").strip())
    assert first.parent == command_line.data / "backups"
    command_line.archive.write_text("the disk did this")
    said = command_line.done("restore", first)
    assert prices_in(command_line.archive) == 103
    assert "replaced file kept as" in said
    assert json.loads(command_line.done("info", "--json"))["events"].keys() == {"restore"}


def test_backups_that_are_too_many(command_line: CommandLine) -> None:
    """``--keep`` and ``--dir`` are stronger than the settings."""
    folder = command_line.folder / "elsewhere"
    made = [command_line.done("backup", "--dir", folder, "--keep", 2).strip() for _ in range(3)]
    assert sorted(str(file) for file in folder.iterdir()) == sorted(made[1:])


def test_restore_refuses_while_a_service_has_the_folder(command_line: CommandLine) -> None:
    """Even if its archive is off at the moment; it says which process."""
    made = command_line.done("backup").strip()
    with (command_line.data / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        assert f"in use by process {os.getpid()}" in command_line.refusal("restore", made)
    before = command_line.archive.read_bytes()
    with writing(command_line.archive):
        assert "stop the service first" in command_line.refusal("restore", made)
    assert command_line.archive.read_bytes() == before


def test_restore_refuses_a_damaged_backup(command_line: CommandLine) -> None:
    """And leaves the archive as it is."""
    made = Path(command_line.done("backup").strip())
    damage(made)
    command_line.refusal("restore", made)
    assert prices_in(command_line.archive) == 103
    assert "does not exist" in command_line.refusal("restore", "no-such-file")


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["prices"], 104),
        (["prices", "--symbol", "eth"], 4),
        (["prices", "--from", "2025-11-24T00:01:00Z", "--to", "1763942470"], 11),
        (["candles"], 3),
        (["candles", "--interval", "1h"], 2),
        (["articles", "--format", "jsonl"], 2),
        (["whales"], 3),
    ],
)
def test_export(command_line: CommandLine, arguments: list[str], lines: int) -> None:
    """To the file that is named; the format follows its name, unless it is told."""
    target = command_line.folder / "out.txt"
    assert command_line.done("export", *arguments, "--output", target) == f"{target}\n"
    # a title of the sample has a line end in it, which only CSV shows as one
    assert target.read_bytes().count(b"\n") == lines


def test_export_by_name(command_line: CommandLine) -> None:
    """``.jsonl.gz`` is compressed JSON Lines."""
    target = command_line.folder / "out.jsonl.gz"
    command_line.done("export", "prices", "--output", target)
    unpacked = subprocess.run(["gzip", "-dc", target], capture_output=True, check=True).stdout
    assert [json.loads(line)["symbol"] for line in unpacked.splitlines()].count("BTC") == 100


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["export"],
        ["export", "prices", "--symbol", "DOGE"],
        ["export", "prices", "--from", "yesterday"],
        ["export", "candles", "--interval", "5m"],
        ["backup", "--keep", "0"],
        ["restore"],
    ],
)
def test_wrong_arguments(command_line: CommandLine, arguments: list[str]) -> None:
    """2 and how it is used, as of every program."""
    ended = command_line(*arguments)
    assert ended.code == 2
    assert ended.stderr.startswith("usage: python -m websocket.archive")


def test_arguments_that_do_not_go_together(command_line: CommandLine) -> None:
    """Named in one line."""
    assert "--symbol" in command_line.refusal("export", "whales", "--symbol", "BTC")
    assert "--from" in command_line.refusal("export", "prices", "--from", "20", "--to", "10")


def test_mistakes_are_one_line(command_line: CommandLine) -> None:
    """Of the settings, and of the file."""
    command_line.archive.unlink()
    for arguments in (["info"], ["check"], ["backup"], ["export", "prices"]):
        assert "archive.sqlite3 does not exist" in command_line.refusal(*arguments)
    command_line.env["ARCHIVE_BACKUPS"] = "many"
    assert command_line.refusal("info").startswith("ARCHIVE_BACKUPS: ")


def test_demo_archive_is_another(command_line: CommandLine) -> None:
    """By option or by setting."""
    make_archive(command_line.data / "archive-demo.sqlite3", prices=5, demo=True)
    assert "prices: 8" in command_line.done("--demo", "info")
    assert command_line.done("info", "--demo") == command_line.done("--demo", "info") != command_line.done("info")
    made = command_line.done("--demo", "backup").strip()
    assert Path(made).name.startswith("archive-demo-")
    assert "simulated" in command_line.refusal("restore", made)
    command_line.env["DEMO"] = "1"
    command_line.done("restore", made)


def test_progress_is_shown_on_a_terminal(command_line: CommandLine) -> None:
    """A bar on standard error, and the result alone on standard output."""
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    with subprocess.Popen(
        command_line.command("backup"), cwd=ROOT, env=command_line.env, stdout=subprocess.PIPE, stderr=writer
    ) as process:
        os.close(writer)
        shown = b""
        while True:
            try:
                chunk = os.read(reader, 4096)
            except OSError:  # that is how a terminal says that nobody writes any more
                break
            if not chunk:
                break
            shown += chunk
        assert process.stdout is not None
        made = process.stdout.read().decode().strip()
    os.close(reader)
    assert process.returncode == 0
    assert Path(made).is_file()
    assert b"backup" in shown
    assert b"pages" in shown


def test_interrupted(command_line: CommandLine) -> None:
    """Ctrl-C tidies up and says so with the code that shells expect."""
    make_archive(command_line.data / "large.sqlite3", prices=100_000)
    target = command_line.folder / "out" / "prices.csv"
    command = command_line.command(
        "--file", command_line.data / "large.sqlite3", "export", "prices", "--output", target
    )
    with subprocess.Popen(command, cwd=ROOT, env=command_line.env, stderr=subprocess.PIPE) as process:
        hidden = target.with_name(f".{target.name}.new")
        while not hidden.exists() or hidden.stat().st_size < 100_000:
            assert process.poll() is None, "it was too quick"
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.read() == b"interrupted\n"
    assert process.returncode == 130
    assert list(target.parent.iterdir()) == []
