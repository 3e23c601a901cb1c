"""The simulator as a child process: what it refuses is said in the service's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from websocket import demo
from websocket.demo import StandInInternet
from websocket.errors import SettingsError, StartError
from websocket.settings import DemoSettings


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [
        ("flash_crsh", "Did you mean flash_crash?"),
        ("outage:nobody", "expected some of "),
        ("depeg:price=low", "expected a number from "),
        ("-x", "unknown scenario '-x'; expected one of normal, "),
    ],
)
def test_scenario_that_makes_no_sense_is_a_wrong_setting(scenario: str, reason: str) -> None:
    """One line with the setting's name and what was expected."""
    stand_in = StandInInternet(DemoSettings(scenario=scenario))
    with pytest.raises(SettingsError) as caught:
        stand_in.start()
    stand_in.stop()
    assert caught.value.name == "DEMO_SCENARIO"
    assert reason in caught.value.reason
    assert "\n" not in str(caught.value)


def test_scenario_may_have_providers_and_parameters() -> None:
    """All that the simulator's own command line takes."""
    stand_in = StandInInternet(DemoSettings(scenario="slow:kraken,interval_s=0.1"))
    assert stand_in.start().startswith("http://127.0.0.1:")
    stand_in.stop()


def test_simulator_that_cannot_run_is_no_wrong_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its last words are in the one line that the service ends with."""
    monkeypatch.setattr(demo, "ROOT", tmp_path)
    stand_in = StandInInternet(DemoSettings())
    with pytest.raises(StartError, match=r"The simulator did not start: .*No module named simulator"):
        stand_in.start()
    stand_in.stop()
