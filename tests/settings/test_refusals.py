"""What is refused, and in which words."""

from __future__ import annotations

import pytest

from tests.settings.support import ALL, error_of
from websocket.settings import SettingInfo, Settings, load_settings, provider_lists


def wrong_values(info: SettingInfo) -> list[str]:
    """Values that a setting must refuse, whatever it is for. Any text is a text, a secret or a list of texts."""
    if info.kind.startswith("whole number"):
        return ["abc", "1.5", "nan", "0x10", "1,2", "--1"]
    if info.kind.startswith("number"):
        return ["abc", "nan", "inf", "-inf", "1,5", "-1", "0", "1 s"]
    if info.kind.startswith("list of whole number"):
        return ["abc", "1,x", "1.5", ",", "0", "65536", "-1"]
    return {
        "0 or 1": ["maybe", "2", "-1"],
        "address": ["example.org", "ftp://example.org", "http://", "https://[::1"],
    }.get(info.kind, ["no-such-choice", "no,such"] if info.kind.startswith("one of") else [])


WRONG = [(info.name, value) for info in ALL for value in wrong_values(info)]


class TestRefusals:
    @pytest.mark.parametrize(("name", "value"), WRONG)
    def test_wrong_value_names_the_setting_and_what_was_expected(self, name: str, value: str) -> None:
        """In one line, which has the value too."""
        info = next(info for info in ALL if info.name == name)
        if value == "0" and "at least 0" in info.kind:
            pytest.skip("0 is allowed here")
        error = error_of({name: value})
        assert error.name == name
        assert error.reason.startswith("expected ")
        assert str(error) == f"{name}: {error.reason}"
        assert "\n" not in str(error)

    @pytest.mark.parametrize(
        ("environ", "name"),
        [
            ({"PORT": "0"}, "PORT"),
            ({"PORT": "5000,70000"}, "PORT"),
            ({"MAX_CONNECTIONS": "0"}, "MAX_CONNECTIONS"),
            ({"MAX_MOVE": "1"}, "MAX_MOVE"),
            ({"MAX_MOVE_STABLE": "0"}, "MAX_MOVE_STABLE"),
            ({"STALE_AFTER": str(32 * 86400)}, "STALE_AFTER"),
            ({"LOG_BACKUPS": "-1"}, "LOG_BACKUPS"),
            ({"LOG_LEVEL": "debug"}, "LOG_LEVEL"),
            ({"REDIS_DB": "-1"}, "REDIS_DB"),
            ({"COINGECKO_PLAN": "free"}, "COINGECKO_PLAN"),
            ({"KRAKEN_PER_MONTH": "-1"}, "KRAKEN_PER_MONTH"),
            ({"BINANCE_URL": "https://example.org/?a=b"}, "BINANCE_URL"),
            ({"BINANCE_URL": "https://example.org/#a"}, "BINANCE_URL"),
            ({"BINANCE_URL": "https://example.org:0"}, "BINANCE_URL"),
            ({"BINANCE_URL": "https://example.org:http"}, "BINANCE_URL"),
            ({"TICK_PROVIDERS": ","}, "TICK_PROVIDERS"),
        ],
    )
    def test_value_out_of_its_range(self, environ: dict[str, str], name: str) -> None:
        """The ranges of single settings."""
        assert error_of(environ).name == name

    @pytest.mark.parametrize("name", provider_lists(Settings()))
    def test_unknown_provider(self, name: str) -> None:
        """The known ones are listed."""
        error = error_of({name: "kraken,mtgox"})
        assert error.name == name
        assert "'mtgox'" in error.reason
        assert "coinbase_exchange" in error.reason

    def test_provider_named_twice(self) -> None:
        """It would be asked twice."""
        assert error_of({"TICK_PROVIDERS": "kraken,kraken"}).name == "TICK_PROVIDERS"

    def test_delayed_comes_before_stale(self) -> None:
        """The other way round one of the two could never be seen."""
        error = error_of({"STALE_AFTER": "30"})
        assert (error.name, error.reason) == ("DELAYED_AFTER", "expected at most STALE_AFTER (30)")

    @pytest.mark.parametrize(
        "origin", ["example.org", "https://a.example/", "https://a.example/page", "ftp://a", "null"]
    )
    def test_origin_is_scheme_and_host(self, origin: str) -> None:
        """Anything else would never match what browsers send."""
        assert error_of({"ALLOWED_ORIGINS": f"https://good.example,{origin}"}).name == "ALLOWED_ORIGINS"

    def test_origins_with_ports_are_allowed(self) -> None:
        """And any number of them."""
        settings = load_settings({"ALLOWED_ORIGINS": "https://a.example, http://localhost:3000"})
        assert settings.server.allowed_origins == ("https://a.example", "http://localhost:3000")

    @pytest.mark.parametrize("name", ["a.b", "a b", "a&transport=polling", "x" * 33])
    def test_route_name_is_plain(self, name: str) -> None:
        """It becomes part of addresses, and of a load balancer's patterns."""
        assert error_of({"ROUTE_NAME": name}).name == "ROUTE_NAME"

    def test_route_is_the_first_port_without_a_name(self) -> None:
        """Processes of one machine differ in it by themselves."""
        assert load_settings({"PORT": "5002,7861"}).server.route == "5002"
        assert load_settings({"PORT": "5002", "ROUTE_NAME": "b-5002"}).server.route == "b-5002"

    @pytest.mark.parametrize(
        ("misspelt", "meant"),
        [
            ("REDIS_HSOT", "REDIS_HOST"),
            ("REDISHOST", "REDIS_HOST"),
            ("redis_host", "REDIS_HOST"),
            ("BROADCAST_INTERVALL", "BROADCAST_INTERVAL"),
            ("COINGECKO_APIKEY", "COINGECKO_API_KEY"),
            ("APP_SECRETS", "APP_SECRET"),
            ("STALE_AFTR", "STALE_AFTER"),
        ],
    )
    def test_misspelling_is_refused_with_what_was_meant(self, misspelt: str, meant: str) -> None:
        """It would have no effect, and nobody would notice."""
        error = error_of({misspelt: "1"})
        assert error.name == misspelt
        assert error.reason == f"is not a setting. Did you mean {meant}?"
