"""What the documented install brings is what the documented commands need."""

from __future__ import annotations

import re
import sys
from importlib import metadata

from tests.test_import_rules import ROOT, imports_of, modules

OURS = {"app", "websocket", "simulator", "start_service"}


def required(file: str) -> dict[str, str]:
    """Version by normalised name of what a file pins itself."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return {
        normalised(name): version
        for name, separator, version in (line.partition("==") for line in lines)
        if separator and not name.startswith("#")
    }


def normalised(name: str) -> str:
    """Of a distribution, as package indexes compare them."""
    return re.sub(r"[-_.]+", "-", name).lower()


RUN_BY_USERS = [
    *modules(),
    *sorted((ROOT / "simulator").rglob("*.py")),
    *(ROOT / name for name in ("app.py", "start_service.py", "gunicorn.conf.py", "test_crypto_service.py")),
]


COMES_ALONG = {"markupsafe"}
"""A part of Flask."""


def test_everything_imported_is_required() -> None:
    """By requirements.txt itself; python test_crypto_service.py runs after an install of that alone."""
    provided = metadata.packages_distributions()
    allowed = required("requirements.txt").keys() | COMES_ALONG
    for file in RUN_BY_USERS:
        for name in {name.split(".")[0] for name in imports_of(file)} - OURS - set(sys.stdlib_module_names):
            assert normalised(provided[name][0]) in allowed, (file, name)


def test_files_do_not_contradict_each_other() -> None:
    """The one for developers includes the other, and pins nothing twice."""
    assert "-r requirements.txt" in (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    assert not required("requirements.txt").keys() & required("requirements-dev.txt").keys()
    assert "pytest" in required("requirements.txt")
