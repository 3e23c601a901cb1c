"""What a ``_PROVIDERS`` setting asks of its providers."""

from __future__ import annotations

import pytest

from websocket.errors import SettingsError
from websocket.providers import provider_classes
from websocket.services.chosen_providers import NEEDED, check_chosen_providers
from websocket.settings import Settings, load_settings, provider_lists


def able(setting: str) -> list[str]:
    """The providers that can stand in a setting."""
    return [name for name, provider in provider_classes().items() if NEEDED[setting].lack_of(provider) is None]


def test_every_setting_that_chooses_providers_is_known() -> None:
    """Whoever adds one says what its providers must be able to do."""
    assert list(NEEDED) == list(provider_lists(Settings()))


def test_defaults_can_do_what_they_are_chosen_for() -> None:
    """The service starts without any configuration."""
    check_chosen_providers(Settings(), provider_classes())


@pytest.mark.parametrize("setting", NEEDED)
def test_any_that_are_able_may_be_chosen(setting: str) -> None:
    """In any order."""
    check_chosen_providers(load_settings({setting: ",".join(reversed(able(setting)))}), provider_classes())


@pytest.mark.parametrize("setting", NEEDED)
def test_one_that_is_not_is_refused(setting: str) -> None:
    """With the setting, the provider, what it cannot do, and those that can."""
    unable = next(name for name in provider_classes() if name not in able(setting))
    with pytest.raises(SettingsError) as caught:
        check_chosen_providers(load_settings({setting: f"{able(setting)[0]},{unable}"}), provider_classes())
    assert caught.value.name == setting
    lacks = [f"is no {contract.__name__}" for contract in NEEDED[setting].contracts]
    expected = f"expected names out of {', '.join(able(setting))}"
    assert caught.value.reason in [f"{unable!r} cannot stand here, it {lack}; {expected}" for lack in lacks]
    assert "\n" not in str(caught.value)


def test_explorer_of_another_chain_is_refused() -> None:
    """It would be asked about a chain that it does not know, and never answer."""
    with pytest.raises(SettingsError, match="does not know the chain ethereum") as caught:
        check_chosen_providers(load_settings({"EXPLORER_ETHEREUM_PROVIDERS": "blockchain_info"}), provider_classes())
    assert caught.value.name == "EXPLORER_ETHEREUM_PROVIDERS"
