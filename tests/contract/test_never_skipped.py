"""The contract holds or fails; what is missing on a machine does not make it pass."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documentation.npm import install_packages

HERE = Path(__file__)


def test_packages_that_cannot_be_had_fail_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On every machine, not only in CI; elsewhere they make a test be skipped."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pytest.fail.Exception, match="node is missing"):
        install_packages(tmp_path, "ws@8.18.3", may_skip=False)
    with pytest.raises(pytest.skip.Exception, match="node is missing"):
        install_packages(tmp_path, "ws@8.18.3")


@pytest.mark.parametrize("file", sorted(HERE.parent.glob("*.py")), ids=lambda file: file.name)
def test_no_test_of_the_contract_skips_itself(file: Path) -> None:
    assert file == HERE or not re.search(r"\bskip(if)?\(|importorskip|xfail", file.read_text(encoding="utf-8"))
