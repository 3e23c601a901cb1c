"""The documentation has all settings, and the commands that renew it print them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.settings.support import ALL
from websocket.settings import render_env_example, render_table

ROOT = Path(__file__).resolve().parents[2]


class TestDocumentation:
    def test_env_example_is_up_to_date(self) -> None:
        """``python -m websocket.settings env > .env.example`` makes it so."""
        assert (ROOT / ".env.example").read_text() == render_env_example()

    def test_readme_has_the_table(self) -> None:
        """``python -m websocket.settings table`` prints what belongs between the markers."""
        readme = (ROOT / "README.md").read_text()
        _, _, rest = readme.partition("<!-- settings -->\n")
        table, _, _ = rest.partition("<!-- /settings -->")
        assert table == render_table()

    def test_every_setting_is_in_both(self) -> None:
        """Once."""
        for info in ALL:
            assert render_env_example().count(f"\n#{info.name}={info.default}\n") == 1
            assert render_table().count(f"| `{info.name}` |") == 1

    @pytest.mark.parametrize(("argument", "expected"), [("env", render_env_example()), ("table", render_table())])
    def test_module_prints_them(self, argument: str, expected: str) -> None:
        """For whoever changes a setting."""
        command = [sys.executable, "-m", "websocket.settings", argument]
        assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == expected
