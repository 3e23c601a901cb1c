"""Settings: what is accepted, what is refused and in which words, and that the documentation has all of them."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from websocket.errors import SettingsError
from websocket.settings import (
    Secret,
    SettingInfo,
    Settings,
    Url,
    describe_settings,
    key_setting,
    load_settings,
    render_env_example,
    render_table,
    with_provider_urls,
    with_random_secret,
)

ROOT = Path(__file__).resolve().parents[1]

ALL = describe_settings()


def error_of(environ: dict[str, str], env_file: Path | None = None) -> SettingsError:
    """The error that these values cause."""
    with pytest.raises(SettingsError) as caught:
        load_settings(environ, env_file)
    return caught.value


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


class TestDefaults:
    def test_nothing_needs_to_be_set(self) -> None:
        """The service starts without any configuration."""
        assert load_settings({}) == Settings()

    def test_an_env_file_that_is_not_there_is_empty(self, tmp_path: Path) -> None:
        """Nobody has to make one."""
        assert load_settings({}, tmp_path / ".env") == Settings()

    @pytest.mark.parametrize("text", ["", "   "])
    @pytest.mark.parametrize("info", ALL, ids=lambda info: info.name)
    def test_an_empty_value_means_the_default(self, info: SettingInfo, text: str) -> None:
        """Compose files and shells hand over empty variables."""
        assert load_settings({info.name: text}) == Settings()

    @pytest.mark.parametrize("info", ALL, ids=lambda info: info.name)
    def test_the_documented_default_is_the_default(self, info: SettingInfo) -> None:
        """What ``.env.example`` and the README show can be written and changes nothing."""
        assert load_settings({info.name: info.default}) == Settings()

    def test_documented_intervals(self) -> None:
        """The numbers that clients were promised."""
        prices = Settings().prices
        assert (prices.broadcast_interval_s, prices.market_data_interval_s) == (10, 5)
        assert Settings().server.ports == (5000, 7860)


class TestValues:
    def test_environment_is_read(self) -> None:
        """Each kind of value."""
        settings = load_settings(
            {
                "HOST": "127.0.0.1",
                "PORT": " 5001 , 5002 ",
                "STALE_AFTER": "90.5",
                "LOG_LEVEL": "DEBUG",
                "DEMO": "1",
                "TICK_PROVIDERS": "kraken,binance",
                "COINGECKO_URL": "http://localhost:8900/coingecko/api/v3",
                "COINGECKO_API_KEY": "a key",
                "KRAKEN_PER_MINUTE": "7",
            }
        )
        assert settings.server.host == "127.0.0.1"
        assert settings.server.ports == (5001, 5002)
        assert settings.prices.stale_after_s == 90.5
        assert settings.log.level == "DEBUG"
        assert settings.demo.enabled is True
        assert settings.prices.tick_providers == ("kraken", "binance")
        assert settings.providers.coingecko.url == "http://localhost:8900/coingecko/api/v3"
        assert settings.providers.coingecko.api_key.reveal() == "a key"
        assert settings.providers.kraken.per_minute == 7

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            *[(text, True) for text in ("1", "true", "YES", "On")],
            *[(text, False) for text in ("0", "False", "no", "off")],
        ],
    )
    def test_switches_take_the_usual_words(self, text: str, expected: bool) -> None:
        """As people write them."""
        assert load_settings({"DEMO": text}).demo.enabled is expected

    def test_only_the_set_value_changes(self) -> None:
        """The rest of its area stays at the defaults."""
        settings = load_settings({"REDIS_PORT": "6380"})
        assert dataclasses.replace(settings.redis, port=6379) == Settings().redis
        assert dataclasses.replace(settings, redis=Settings().redis) == Settings()

    def test_one_token_serves_both_providers(self) -> None:
        """Under the name that its company's tools read; the documents have it once."""
        providers = load_settings({"HF_TOKEN": "hf_abc"}).providers
        assert providers.huggingface.api_key.reveal() == providers.huggingface_inference.api_key.reveal() == "hf_abc"
        assert key_setting("huggingface") == key_setting("huggingface_inference") == "HF_TOKEN"
        assert key_setting("coingecko") == "COINGECKO_API_KEY"

    def test_a_provider_without_a_key_has_no_setting_for_one(self) -> None:
        """Nobody is told to set it."""
        for name in ("kraken", "nobody"):
            with pytest.raises(KeyError):
                key_setting(name)

    def test_other_variables_are_not_ours(self) -> None:
        """An environment is full of names that have nothing to do with us."""
        names = """
            PATH HOME HOSTNAME SHELL LOGNAME LANG TERM PWD USER DISPLAY TZ CI DEBUG XDG_DATA_DIRS XDG_DATA_HOME
            XDG_RUNTIME_DIR HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy PYTHONPATH VIRTUAL_ENV WEB_CONCURRENCY
            GUNICORN_CMD_ARGS FLASK_APP FLASK_DEBUG REDIS_URL REDIS_SERVICE_HOST REDIS_SERVICE_PORT
            REDIS_PORT_6379_TCP REDIS_TLS_URL KUBERNETES_SERVICE_HOST SSH_AUTH_SOCK NODE_ENV SECRET_KEY DATABASE_URL
            LOG_FORMAT GH_TOKEN GITHUB_TOKEN HF_HOME HF_HUB_OFFLINE HF_ENDPOINT
        """
        assert load_settings(dict.fromkeys(names.split(), "whatever")) == Settings()


class TestEnvFile:
    def test_file_is_read(self, tmp_path: Path) -> None:
        """Comments, quotes and ``export`` as in a shell."""
        file = tmp_path / ".env"
        file.write_text("# ours\nexport HOST=127.0.0.1\nREDIS_PASSWORD='with # and \"'\nPORT=5001, 5002 # two\n")
        settings = load_settings({}, file)
        assert settings.server.host == "127.0.0.1"
        assert settings.redis.password.reveal() == 'with # and "'
        assert settings.server.ports == (5001, 5002)

    def test_environment_wins(self, tmp_path: Path) -> None:
        """So that one value can be changed for one start."""
        file = tmp_path / ".env"
        file.write_text("LOG_LEVEL=DEBUG\nREDIS_DB=3\n")
        settings = load_settings({"LOG_LEVEL": "ERROR"}, file)
        assert (settings.log.level, settings.redis.db) == ("ERROR", 3)

    def test_values_are_taken_as_they_stand(self, tmp_path: Path) -> None:
        """A password may hold what looks like a reference to another variable."""
        file = tmp_path / ".env"
        file.write_text("REDIS_PASSWORD=a${HOME}b\n")
        assert load_settings({}, file).redis.password.reveal() == "a${HOME}b"

    def test_the_example_can_be_used_as_it_is(self, tmp_path: Path) -> None:
        """And with every line switched on it still says what the defaults are."""
        file = tmp_path / ".env"
        file.write_text(render_env_example())
        assert load_settings({}, file) == Settings()
        lines = [line.removeprefix("#") for line in render_env_example().splitlines() if not line.startswith("# ")]
        file.write_text("\n".join(lines))
        assert load_settings({}, file) == Settings()

    @pytest.mark.parametrize("name", ["COMPLETELY_DIFFERENT", "PATH", "redis_host"])
    def test_every_name_in_it_must_be_a_setting(self, tmp_path: Path, name: str) -> None:
        """However far from one it is: nobody else reads this file."""
        file = tmp_path / ".env"
        file.write_text(f"{name}=1\n")
        error = error_of({}, file)
        assert error.name == name
        assert "is not a setting (in .env)" in error.reason

    def test_values_obey_the_same_rules(self, tmp_path: Path) -> None:
        """As those of the environment."""
        file = tmp_path / ".env"
        file.write_text("STALE_AFTER=abc\n")
        assert error_of({}, file).name == "STALE_AFTER"

    def test_what_is_no_text_is_refused(self, tmp_path: Path) -> None:
        """With the name of the file."""
        file = tmp_path / ".env"
        file.write_bytes(b"\xff\xfe\x00")
        assert ".env: cannot be read" in str(error_of({}, file))


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

    @pytest.mark.parametrize("name", ["TICK_PROVIDERS", "SNAPSHOT_PROVIDERS"])
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


class TestSecrets:
    SECRET = "a-secret-nobody-may-see"

    def test_secret_is_masked_wherever_it_is_shown(self) -> None:
        """In ``repr``, ``str``, formatting, and inside of everything that holds it."""
        names = [info.name for info in ALL if info.kind == "secret"]
        assert {"APP_SECRET", "REDIS_PASSWORD", "COINGECKO_API_KEY"} <= set(names)
        settings = load_settings(dict.fromkeys(names, self.SECRET))
        assert settings.redis.password.reveal() == self.SECRET
        password = settings.redis.password
        for shown in (repr(settings), str(settings), f"{password}", f"{password!r}", str([password])):
            assert self.SECRET not in shown
        # two providers share one token
        assert repr(settings).count("Secret('***')") == len(names) + 1

    def test_empty_secret_is_seen_to_be_empty(self) -> None:
        """For the question whether it is set."""
        assert not Secret()
        assert Secret("x")
        assert repr(Secret()) == "Secret('')"

    def test_short_secret_is_refused_without_repeating_it(self) -> None:
        """The message goes to logs and terminals."""
        error = error_of({"APP_SECRET": "fifteen-letters"})
        assert error.name == "APP_SECRET"
        assert "fifteen" not in str(error)
        assert load_settings({"APP_SECRET": "sixteen--letters"}).server.app_secret

    @pytest.mark.parametrize("token", ["fifteen-letters", "sixteen letters-", "sixteen-lettérs-"])
    def test_admin_token_that_cannot_be_one_is_refused_without_repeating_it(self, token: str) -> None:
        """Short, or not to be sent in a header."""
        error = error_of({"ADMIN_TOKEN": token})
        assert error.name == "ADMIN_TOKEN"
        assert "teen" not in str(error)
        assert load_settings({"ADMIN_TOKEN": "sixteen-letters-"}).server.admin_token

    def test_refused_address_is_not_repeated(self) -> None:
        """It may hold a password."""
        assert "hunter2" not in str(error_of({"UPSTREAM_PROXY": "socks5://me:hunter2@proxy:1080"}))

    def test_random_secret(self) -> None:
        """Another one each time, long enough, and nothing else changes."""
        first, second = with_random_secret(Settings()), with_random_secret(Settings())
        assert first.server.app_secret != second.server.app_secret
        assert load_settings({"APP_SECRET": first.server.app_secret.reveal()}) == first


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
