"""What the tests of settings share."""

from __future__ import annotations

from pathlib import Path

import pytest

from websocket.errors import SettingsError
from websocket.settings import describe_settings, load_settings

ALL = describe_settings()


def error_of(environ: dict[str, str], env_file: Path | None = None) -> SettingsError:
    """The error that these values cause."""
    with pytest.raises(SettingsError) as caught:
        load_settings(environ, env_file)
    return caught.value
