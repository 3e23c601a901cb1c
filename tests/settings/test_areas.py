"""The shape of the settings, and the changes that a development server and the demo mode make."""

from __future__ import annotations

import dataclasses

import pytest

from tests.settings.support import ALL
from websocket.settings import SettingInfo, Settings, Url, load_settings, with_provider_urls


class TestShape:
    def test_settings_are_frozen_and_hashable(self) -> None:
        """They are passed down as values; nobody changes them for others."""
        settings = Settings()
        assert hash(settings) == hash(load_settings({}))
        with pytest.raises(dataclasses.FrozenInstanceError):
            settings.demo = settings.demo  # type: ignore[misc]
        with pytest.raises(dataclasses.FrozenInstanceError):
            settings.redis.port = 1  # type: ignore[misc]

    def test_names_are_unique(self) -> None:
        """Each name means one thing."""
        names = [info.name for info in ALL]
        assert len(set(names)) == len(names)

    def test_names_are_no_near_misses_of_each_other(self) -> None:
        """Setting every name at once must not be taken for misspellings."""
        assert load_settings({info.name: info.default for info in ALL}) == Settings()

    @pytest.mark.parametrize("info", ALL, ids=lambda info: info.name)
    def test_every_setting_is_explained(self, info: SettingInfo) -> None:
        """In a sentence; a number that is a quantity has its unit."""
        assert info.help.endswith(".")
        assert info.name == info.name.upper()
        if info.kind.startswith("number") and not info.name.startswith("MAX_MOVE"):
            assert info.unit

    def test_provider_addresses_below_one(self) -> None:
        """As the simulator lays them out: the provider's name, then the path of its own address."""
        providers = with_provider_urls(Settings(), "http://127.0.0.1:8900").providers
        assert providers.coingecko.url == "http://127.0.0.1:8900/coingecko/api/v3"
        assert providers.coinlore.url == "http://127.0.0.1:8900/coinlore"
        assert providers.coinpaprika.url == "http://127.0.0.1:8900/coinpaprika/v1"
        assert all(isinstance(getattr(providers, field.name).url, Url) for field in dataclasses.fields(providers))

    def test_provider_addresses_leave_the_rest(self) -> None:
        """Keys and budgets stay, and the address that was set before does not matter."""
        settings = load_settings(
            {"COINGECKO_API_KEY": "k", "KRAKEN_PER_MINUTE": "7", "KRAKEN_URL": "https://example.org/elsewhere"}
        )
        moved = with_provider_urls(settings, "http://127.0.0.1:1")
        assert moved.providers.coingecko.api_key == settings.providers.coingecko.api_key
        assert moved.providers.kraken.per_minute == 7
        assert moved.providers.kraken.url == "http://127.0.0.1:1/kraken"
        assert moved.nodes.base[0] == "http://127.0.0.1:1/json_rpc/base/base-rpc.publicnode.com"
        assert moved.feeds.decrypt == "http://127.0.0.1:1/rss/decrypt"
        back = {"providers": settings.providers, "nodes": settings.nodes, "feeds": settings.feeds}
        assert dataclasses.replace(moved, **back) == settings
