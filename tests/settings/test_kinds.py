"""Secrets and addresses: what is never shown."""

from __future__ import annotations

import pytest

from tests.settings.support import ALL, error_of
from websocket.settings import Secret, Settings, load_settings, with_random_secret


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
