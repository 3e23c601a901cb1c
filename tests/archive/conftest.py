"""A clock that stands still, and archives that are closed after the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.archive.support import Clock, archive_in
from websocket.archive.store import Archive


class Archives:
    """Starts archives in one folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._started: list[Archive] = []

    def __call__(self, folder: Path | None = None, **settings: Any) -> Archive:
        archive = archive_in(folder or self._folder, self._clock, **settings)
        self._started.append(archive)
        return archive

    def close(self) -> None:
        """Closes all."""
        for archive in self._started:
            archive.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def archives(tmp_path: Path, clock: Clock) -> Iterator[Archives]:
    made = Archives(tmp_path / "data", clock)
    yield made
    made.close()


@pytest.fixture
def archive(archives: Archives) -> Archive:
    """One with the default settings."""
    return archives()
