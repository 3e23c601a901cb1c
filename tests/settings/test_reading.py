"""What is accepted: defaults, values of each kind, and the ``.env`` file."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.settings.support import ALL, error_of
from websocket.settings import SettingInfo, Settings, key_setting, load_settings, render_env_example


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

    @pytest.mark.parametrize("line", ["BROADCAST_INTERVAL: 5", "=5", "DEMO_SCENARIO='normal", 'REDIS_PASSWORD "x"'])
    def test_line_that_is_no_setting_is_refused_with_its_number(self, tmp_path: Path, line: str) -> None:
        """Left out silently it would have no effect, and nobody would notice."""
        file = tmp_path / ".env"
        file.write_text(f"# a comment\n\nLOG_LEVEL=INFO\n{line}\n")
        assert str(error_of({}, file)) == ".env, line 4: expected NAME=value"
