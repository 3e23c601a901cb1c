"""Packages from npm, for tests that need what only they have."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TIMEOUT_S = 100


def install_packages(folder: Path, *packages: str, may_skip: bool = True) -> Path:
    """The ``node_modules`` with the packages; without node or npm the test is skipped, but never in CI.

    Args:
        folder: where they are installed.
        packages: with their versions, such as ``ws@8.18.3``.
        may_skip: False where the test has to fail instead.
    """
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-save", "--prefix", str(folder), *packages]
    try:
        for tool in ("node", "npm"):
            if shutil.which(tool) is None:
                raise FileNotFoundError(f"{tool} is missing")
        subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_S)
    except (FileNotFoundError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None)
        reason = f"no {', '.join(packages)}: {error} {said.decode(errors='replace') if said else ''}"
        if os.environ.get("CI") or not may_skip:
            pytest.fail(reason)
        pytest.skip(reason)
    return folder / "node_modules"
