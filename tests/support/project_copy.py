"""A copy of the project, so that what a test writes into it (``.env``, broken files) meets nobody else."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

from tests.support.service import ROOT

LEFT_OUT = ("tests", "data", "node_modules", "*.log", "*.log.*", ".*")
"""Of the project's folder; of hidden files only ``.env.example`` is a part of the service, and no start reads it."""


def copy_project(folder: Path) -> Path:
    """Copies what a checkout has into a folder that does not exist yet, with a ``.venv`` that is ready; gives it.

    The packages are those of the running Python, by links, and the stamp says so: ``scripts/prepare`` installs nothing.
    """
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
    environment = folder / ".venv"
    environment.mkdir()
    for entry in Path(sys.prefix).iterdir():
        if not entry.name.startswith("stamp-"):
            (environment / entry.name).symlink_to(entry)
    requirements = (folder / "requirements.txt").read_bytes()
    version = sys.version_info
    stamp = f"{hashlib.sha256(requirements).hexdigest()} {version.major} {version.minor}\n"
    (environment / "stamp-requirements.txt").write_text(stamp)
    return folder
