"""Three processes behind nginx are one service to their clients: one numbering, wherever a connection ends up."""

from __future__ import annotations

from typing import Any

from tests.deploy.conftest import PROCESSES, Cluster
from tests.deploy.nginx_server import NginxServer
from tests.support.plain_http import get
from tests.wire.raw_client import RawClient

CHANNEL = "market_data"


def client_of(port: int) -> RawClient:
    """A plain client that is greeted."""
    client = RawClient(port).open("/ws")
    assert client.hear()["type"] == "connection_established"
    return client


def subscribe(client: RawClient, **more: Any) -> RawClient:
    """Subscribes; the confirmation is read."""
    client.say({"action": "subscribe", "service": CHANNEL, **more})
    client.hear_type("subscription_confirmed")
    return client


def holders(cluster: Cluster) -> list[int]:
    """How many clients each process has."""
    return [get(f"{process.url}/ws/stats").json()["data"]["active_connections"] for process in cluster.processes]


def test_all_processes_send_the_same_numbers(cluster: Cluster, nginx: NginxServer) -> None:
    """The same epoch, and under each number the same publication."""
    clients = [subscribe(client_of(nginx.ports[80])) for _ in range(PROCESSES)]
    assert holders(cluster) == [1] * PROCESSES
    seen = [{} for _ in clients]
    for updates, client in zip(seen, clients, strict=True):
        while len(updates) < 6:
            update = client.hear_type("update")
            updates[update["epoch"], update["seq"]] = update["data"]
    assert len({epoch for updates in seen for epoch, _ in updates}) == 1
    common = set.intersection(*(set(updates) for updates in seen))
    assert common
    for position in common:
        assert all(updates[position] == seen[0][position] for updates in seen)
    for client in clients:
        client.sock.close()


def test_client_resumes_at_another_process(cluster: Cluster, nginx: NginxServer) -> None:
    """What it missed comes in order and whole, although its process is gone."""
    client = subscribe(client_of(nginx.ports[80]))
    counts = holders(cluster)
    last = client.hear_type("update")
    cluster.processes[counts.index(1)].kill()
    client.sock.close()
    # others go on, and something is missed
    watcher = subscribe(client_of(nginx.ports[80]))
    while (update := watcher.hear_type("update"))["seq"] < last["seq"] + 3:
        assert update["epoch"] == last["epoch"]
    watcher.sock.close()

    client = client_of(nginx.ports[80])
    client.say({"action": "subscribe", "service": CHANNEL, "since": {"epoch": last["epoch"], "seq": last["seq"]}})
    assert client.hear_type("subscription_confirmed")["data"]["recovered"] is True
    numbers = [client.hear_type("update")["seq"] for _ in range(4)]
    assert numbers == list(range(last["seq"] + 1, last["seq"] + 5))
    client.sock.close()
