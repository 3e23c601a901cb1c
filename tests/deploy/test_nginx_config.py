"""What the shipped nginx.conf says agrees with what the service does, and nginx takes it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import app
from tests.deploy.nginx_server import LISTEN_PORTS, PROCESS_PORTS, NginxServer, require_nginx, shipped
from tests.support.processes import free_port
from websocket.http_server.connection import HttpLimits
from websocket.settings import EdgeSettings
from websocket.wire.connection import WireLimits

NGINX_KEEPS_IDLE_S = 60
"""Default of ``keepalive_timeout`` in an upstream."""


def directives(text: str) -> str:
    """The configuration without comments."""
    return re.sub(r"^ *#.*$", "", text, flags=re.MULTILINE)


def seconds(name: str) -> int:
    """A directive's value in seconds; all places say the same."""
    found = set(re.findall(rf"\b{name} (\d+)s;", directives(shipped())))
    assert len(found) == 1, (name, found)
    return int(found.pop())


@pytest.mark.parametrize(
    "options", [[], ["tls"], ["cdn"], ["tls", "cdn"]], ids=lambda options: "+".join(options) or "-"
)
def test_nginx_takes_it_without_a_warning(tmp_path: Path, options: list[str]) -> None:
    """As shipped, and with the lines that are there to be turned on; only the certificate is the operator's."""
    require_nginx()
    ended = NginxServer(tmp_path, [free_port() for _ in PROCESS_PORTS], options=options).check()
    said = [line for line in ended.stderr.splitlines() if "exceed open file resource limit" not in line]
    if "tls" in options:
        assert "fullchain.pem" in ended.stderr
        assert not [line for line in said if "[emerg]" in line and "fullchain.pem" not in line]
        assert "unknown directive" not in ended.stderr
    else:
        assert ended.code == 0, ended
        assert not [line for line in said if "[" in line], said


def test_only_addresses_and_paths_are_exchanged_for_tests(tmp_path: Path) -> None:
    """What the tests run is what is shipped: line by line the same directives."""
    server = NginxServer(tmp_path, [free_port() for _ in PROCESS_PORTS])
    own = directives((tmp_path / "nginx.conf").read_text()).split("\n")
    own = [line for line in own if "_temp_path" not in line]
    for mine, theirs in zip(own, directives(shipped()).split("\n"), strict=True):
        if mine != theirs:
            assert re.search(r"listen|127\.0\.0\.1|upstream|stream_\d|\^\d+|pid|/var/log/nginx|^user", theirs), theirs
    assert server.ports.keys() == set(LISTEN_PORTS)


def test_connections_may_be_silent_longer_than_between_two_pings() -> None:
    """The service finds out who is dead; nginx must never be the first to lose patience."""
    socketio = app.PING_INTERVAL_S + app.PING_TIMEOUT_S
    plain = WireLimits().ping_interval_s + EdgeSettings().slow_client_timeout_s
    for name in ("proxy_read_timeout", "proxy_send_timeout"):
        assert seconds(name) > max(60, 2 * socketio, 2 * WireLimits().ping_interval_s, plain)


def test_idle_connections_end_on_the_side_of_nginx() -> None:
    """The other way round a request could meet a connection that is just being closed."""
    assert "keepalive_timeout" not in shipped().partition("upstream stream {")[2].partition("map $http_upgrade")[0]
    assert HttpLimits().idle_timeout_s > NGINX_KEEPS_IDLE_S


def test_bodies_may_be_as_large_as_messages_and_not_much_larger() -> None:
    """The service answers by itself to what is only a little too large."""
    found = re.search(r"client_max_body_size (\d+)k;", shipped())
    assert found is not None
    largest = EdgeSettings().max_message_bytes
    assert largest < int(found[1]) * 1024 <= 4 * largest


def test_every_process_has_a_way_for_new_and_for_old_sessions() -> None:
    """Each is in the pool, has an upstream of its own, and is found by the ids of its sessions."""
    text = directives(shipped())
    pool = text.partition("upstream stream {")[2].partition("}")[0]
    assert tuple(map(int, re.findall(r"server 127\.0\.0\.1:(\d+)", pool))) == PROCESS_PORTS
    own = re.findall(r"upstream stream_(\d+) +\{ server 127\.0\.0\.1:(\d+) ", text)
    assert own == [(str(port), str(port)) for port in PROCESS_PORTS]
    ways = re.findall(r'"~\^(\d+)\\\." +stream_(\d+);', text)
    assert ways == [(str(port), str(port)) for port in PROCESS_PORTS]


def test_descriptors_are_enough_for_the_connections() -> None:
    """Each connection of a worker is one."""
    text = shipped()
    connections = re.search(r"worker_connections (\d+);", text)
    descriptors = re.search(r"worker_rlimit_nofile (\d+);", text)
    assert connections is not None
    assert descriptors is not None
    assert int(descriptors[1]) >= int(connections[1]) + 1000
