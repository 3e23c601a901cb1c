"""The archive's command line: ``python -m websocket.archive info | check | export | backup | restore``.

It reads the same settings as the service, from the environment and ``.env``. Everything but ``restore`` may run beside
the service. Exit codes: 0 done, 1 it did not work (one line on standard error says why), 2 wrong arguments,
130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec
from tqdm import tqdm

from websocket import codec
from websocket.archive import backup
from websocket.archive.database import size_of
from websocket.archive.export import FORMATS, GZIP_SUFFIX, KINDS, ExportFormat, Selection, export
from websocket.archive.progress import Report, Step, ignore
from websocket.archive.restore import restore
from websocket.archive.retention import oldest_time
from websocket.archive.rows import Interval
from websocket.archive.store import archive_path
from websocket.archive.tasks import backup_folder, export_name
from websocket.cache.embedded_cache import lock_folder
from websocket.coins import SYMBOLS
from websocket.errors import ArchiveError, ServiceError
from websocket.records import parse_time, to_rfc3339
from websocket.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]

INTERRUPTED = 130
"""Exit code that shells use for Ctrl-C."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings and the arguments say about where things are.

    Attributes:
        file: the archive.
        demo: whether it is that of the demo mode.
        data_dir: ``DATA_DIR``.
        backups: folder of the backups.
        kept: backups that stay.
    """

    file: Path
    demo: bool
    data_dir: Path
    backups: Path
    kept: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the arguments say; gives the exit code."""
    options = _parser().parse_args(arguments)
    try:
        place = _place(load_settings(os.environ, ROOT / ".env"), options)
        COMMANDS[options.command](place, options)
    except ServiceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error.filename or 'output'}: {error.strerror or error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    return 0


def info(place: Place, options: argparse.Namespace) -> None:
    """What is in the archive."""
    with backup.reading(place.file) as connection:
        contents = backup.contents_of(connection)
        oldest = oldest_time(connection)
        happened = dict(connection.execute("SELECT kind, max(at) FROM events GROUP BY kind"))
    made = backup.backups(place.backups, place.file.stem)
    _tell(
        {
            "file": str(place.file),
            "size_bytes": size_of(place.file),
            "version": contents.version,
            "rows": contents.rows,
            "oldest": None if oldest is None else to_rfc3339(oldest),
            "events": {kind: to_rfc3339(at) for kind, at in happened.items()},
            "backups": [str(file) for file in made],
        },
        as_json=options.json,
    )


def check(place: Place, options: argparse.Namespace) -> None:
    """Reads every page of the archive, or of a backup."""
    file = options.checked or place.file
    with _progress("check") as report:
        contents = backup.check(file, report)
    _tell({"file": str(file), "damaged": False, "rows": contents.rows}, as_json=options.json)


def make_backup(place: Place, options: argparse.Namespace) -> None:
    """Makes a backup and removes those that are too many."""
    folder = options.dir or place.backups
    with _progress("backup") as report:
        made = backup.back_up(place.file, folder, keep=options.keep or place.kept, now=time.time(), report=report)
    sys.stdout.write(f"{made}\n")


def make_export(place: Place, options: argparse.Namespace) -> None:
    """Writes rows to a file."""
    if options.symbol is not None and options.kind not in ("prices", "candles"):
        raise ArchiveError(f"--symbol: {options.kind} have none")
    if None not in (options.start, options.end) and options.start > options.end:
        raise ArchiveError("--from: expected a time before --to")
    selection = Selection(
        kind=options.kind, start=options.start, end=options.end, symbol=options.symbol, interval=options.interval
    )
    file_format = options.format or _format_of(options.output) or "csv"
    name = export_name(selection, demo=place.demo, now=time.time(), file_format=file_format, compressed=False)
    with _progress("export") as report:
        made = export(place.file, options.output or Path(name), selection, file_format=file_format, report=report)
    sys.stdout.write(f"{made}\n")


def put_back(place: Place, options: argparse.Namespace) -> None:
    """Replaces the archive by a backup."""
    lock = lock_folder(place.data_dir, 0)
    try:
        with _progress("restore") as report:
            aside = restore(options.backup, place.file, demo=place.demo, now=time.time(), report=report)
    finally:
        os.close(lock)
    sys.stdout.write(f"{place.file}\n")
    if aside is not None:
        sys.stdout.write(f"replaced file kept as {aside}\n")


COMMANDS = {"info": info, "check": check, "backup": make_backup, "export": make_export, "restore": put_back}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m websocket.archive", description="Looks after the archive.")
    _add_place(parser, file=None, demo=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    tell = commands.add_parser("info", help="say what is in it")
    tell.add_argument("--json", action="store_true", help="for programs")
    look = commands.add_parser("check", help="read every page of it, or of a backup")
    look.add_argument("checked", type=Path, nargs="?", metavar="FILE", help="another file than the archive")
    look.add_argument("--json", action="store_true", help="for programs")
    save = commands.add_parser("backup", help="make a verified copy while it is in use")
    save.add_argument("--dir", type=Path, help="folder (default: ARCHIVE_BACKUP_DIR)")
    save.add_argument("--keep", type=_count, help="backups that stay (default: ARCHIVE_BACKUPS)")
    write = commands.add_parser("export", help="write rows to a file")
    write.add_argument("kind", choices=KINDS)
    write.add_argument("--format", choices=FORMATS, help="csv, or jsonl: a JSON object a line (default: by --output)")
    write.add_argument("--symbol", type=str.upper, choices=SYMBOLS, help="only this coin")
    write.add_argument("--interval", choices=get_args(Interval), default="1m", help="of candles (default: 1m)")
    write.add_argument("--from", type=_time, dest="start", metavar="TIME", help="RFC 3339 or Unix seconds")
    write.add_argument("--to", type=_time, dest="end", metavar="TIME", help="the same; the time itself is left out")
    write.add_argument(
        "--output", type=Path, metavar="FILE", help=f"the file; compressed if it ends with {GZIP_SUFFIX}"
    )
    back = commands.add_parser("restore", help="put a backup in its place; stop the service first")
    back.add_argument("backup", type=Path, metavar="BACKUP")
    for command in (tell, look, save, write, back):
        # without defaults, which would take the place of what was given before the command
        _add_place(command, file=argparse.SUPPRESS, demo=argparse.SUPPRESS)
    return parser


def _add_place(parser: argparse.ArgumentParser, *, file: str | None, demo: bool | str) -> None:
    """The options that say which archive; they may stand before the command and behind it."""
    parser.add_argument("--file", type=Path, default=file, help="the archive (default: as the settings say)")
    parser.add_argument("--demo", action="store_true", default=demo, help="the archive of the demo mode")


def _place(settings: Settings, options: argparse.Namespace) -> Place:
    demo = settings.demo.enabled or options.demo
    data_dir = Path(settings.storage.data_dir)
    return Place(
        file=options.file or archive_path(settings.archive, data_dir, demo=demo),
        demo=demo,
        data_dir=data_dir,
        backups=backup_folder(settings.archive, data_dir),
        kept=settings.archive.backups,
    )


def _format_of(output: Path | None) -> ExportFormat | None:
    """The format that the name of a file tells, or None."""
    name = "" if output is None else output.name.removesuffix(GZIP_SUFFIX)
    return next((known for known in FORMATS if name.endswith(f".{known}")), None)


def _time(text: str) -> float:
    try:
        return parse_time(text)
    except ValueError:
        raise argparse.ArgumentTypeError("expected RFC 3339 such as 2026-11-21T10:00:00Z, or Unix seconds") from None


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("expected a whole number from 1 on")
    return int(text)


def _tell(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(f"{codec.dumps(told)}\n")
        return
    for name, value in told.items():
        if isinstance(value, dict):
            sys.stdout.write(f"{name}:\n" + "".join(f"  {key}: {item}\n" for key, item in value.items()))
        elif isinstance(value, list):
            sys.stdout.write(f"{name}:\n" + "".join(f"  {item}\n" for item in value))
        else:
            sys.stdout.write(f"{name}: {value}\n")


@contextlib.contextmanager
def _progress(title: str) -> Iterator[Report]:
    """A bar on standard error when that is a terminal; else nothing."""
    if not sys.stderr.isatty():
        yield ignore
        return
    # its watching thread is for bars that may stand still
    tqdm.monitor_interval = 0
    with tqdm(desc=title, unit="", file=sys.stderr, leave=False) as bar:

        def report(step: Step) -> None:
            stage = f"{title}, verifying" if step.verifying else title
            is_news = (step.total, f"{stage}: ") != (bar.total, bar.desc)
            bar.total = step.total
            bar.unit = f" {step.unit}"
            bar.set_description(stage, refresh=False)
            # shown ten times a second; a new stage at once
            bar.update(step.done - bar.n)
            if is_news:
                bar.refresh()

        yield report


if __name__ == "__main__":
    sys.exit(main())
