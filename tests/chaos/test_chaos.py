"""A cluster survives the faults that matter most."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cache.redis_server import require_redis_server

ROOT = Path(__file__).resolve().parents[2]

CLIENTS = 30


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_short_form() -> None:
    """Nothing is missed, nothing wrong is shown, and nobody has to help."""
    require_redis_server()
    ended = subprocess.run(
        [sys.executable, "-m", "chaos", "--short", "--clients", str(CLIENTS)],
        cwd=ROOT,
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("ok ") == len(ended.stdout.splitlines())
