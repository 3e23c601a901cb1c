"""A running service sends what the documents say: keys, types, intervals, endpoints, names."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.contract import documents
from tests.contract.checker import (
    catalogue_faults,
    differences,
    interval_faults,
    message_faults,
    schedule_faults,
    seconds_between,
)
from tests.contract.conftest import Ports, Recording
from tests.end_to_end.feed_client import python_client
from tests.support.plain_http import get
from tests.support.processes import wait_until
from tests.support.service import ServiceProcess
from websocket.settings import describe_settings

CONTRACT = documents.contract()
"""For the parameters of tests, which are made before fixtures are."""

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("recording")]

PUBLISHED = [name for name, service in CONTRACT.services.items() if service.interval_s is not None]
AT_ONCE = [path for path, endpoint in CONTRACT.endpoints.items() if endpoint.subscribes]
BY_HAND = [path for path in CONTRACT.endpoints if path not in AT_ONCE]
ALIASES = [(alias, path) for path, endpoint in CONTRACT.endpoints.items() for alias in endpoint.aliases]


def services_at(path: str) -> set[str]:
    """The services that the documents list for an endpoint, in its section or in the tables."""
    if path in ("/ws", "/ws/master", "/ws/all"):
        return set(PUBLISHED)
    listed = {name for name, service in CONTRACT.services.items() if service.endpoint == path}
    return listed | set(CONTRACT.endpoints[path].services)


class Client:
    """A client of an endpoint, whose messages are all checked.

    Args:
        port: of the service.
        path: of the endpoint.
    """

    def __init__(self, port: int, path: str) -> None:
        self.connection: ClientConnection = connect(
            f"ws://127.0.0.1:{port}{path}", max_size=None, compression=None, proxy=None
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def receive(self, timeout_s: float = 10.0) -> dict[str, Any]:
        """The next message, which has to be as documented."""
        message: dict[str, Any] = json.loads(self.connection.recv(timeout_s))
        assert message_faults(CONTRACT, message) == []
        return message

    def ask(self, request: dict[str, Any], kind: str) -> dict[str, Any]:
        """Sends a request; gives the next message of the type that answers it."""
        self.connection.send(json.dumps(request))
        while (message := self.receive())["type"] != kind:
            assert message["type"] != "error", message
        return message


# Endpoints and messages


@pytest.mark.parametrize("path", CONTRACT.endpoints)
def test_every_message_of_an_endpoint_is_as_documented(recording: Recording, path: str) -> None:
    """Since the start of the service; the first one gives the client its id."""
    messages = recording.messages(path)
    faults = {fault for message in messages for fault in message_faults(CONTRACT, message)}
    assert faults == set()
    assert messages[0]["type"] == "connection_established"
    assert differences("client_1_1731324000", messages[0]["data"]["client_id"]) == []


@pytest.mark.parametrize("path", AT_ONCE)
def test_an_auto_subscribed_endpoint_sends_its_services(recording: Recording, path: str) -> None:
    """Without a request."""

    def seen() -> set[str]:
        return {message["service"] for message in recording.messages(path) if message["type"] == "update"}

    wanted = services_at(path)
    wait_until(lambda: seen() >= wanted, f"updates of {wanted}")
    assert seen() - {"system"} == wanted


@pytest.mark.parametrize("path", BY_HAND)
def test_an_endpoint_with_manual_subscription_sends_no_updates_unasked(recording: Recording, path: str) -> None:
    """Only what explains it."""
    messages = recording.messages(path)
    assert {message["type"] for message in messages} <= {"connection_established", "welcome"}


@pytest.mark.parametrize(
    ("path", "name"), [(path, name) for path in BY_HAND for name in (*sorted(services_at(path)), "system", "all")]
)
def test_a_service_of_an_endpoint_can_be_subscribed_to_and_left(ports: Ports, path: str, name: str) -> None:
    """Each of those listed, and ``system``, which is on all endpoints, and ``all``."""
    with Client(ports.monitoring, path) as client:
        confirmed = client.ask({"action": "subscribe", "service": name}, "subscription_confirmed")["data"]
        assert confirmed["service"] == name
        assert set(confirmed["subscriptions"]) >= (services_at(path) if name == "all" else {name})
        ended = client.ask({"action": "unsubscribe", "service": name}, "unsubscription_confirmed")["data"]
        assert ended == {**ended, "service": name, "subscriptions": []}


@pytest.mark.parametrize("path", AT_ONCE)
def test_system_can_be_subscribed_to_on_every_endpoint(ports: Ports, path: str) -> None:
    """The table says so."""
    assert CONTRACT.services["system"].endpoint == "All endpoints"
    with Client(ports.monitoring, path) as client:
        own = client.receive(), client.receive()
        assert [message["type"] for message in own] == ["connection_established", "subscription_confirmed"]
        confirmed = client.ask({"action": "subscribe", "service": "system"}, "subscription_confirmed")
        assert confirmed["data"]["service"] == "system"
        assert "system" in confirmed["data"]["subscriptions"]


@pytest.mark.parametrize(("alias", "path"), ALIASES)
def test_an_alias_sends_the_same(recording: Recording, alias: str, path: str) -> None:
    def updates(at: str) -> set[str]:
        return {json.dumps(message["data"]) for message in recording.messages(at) if message["type"] == "update"}

    wait_until(lambda: updates(alias) & updates(path), "the same update on both")


@pytest.mark.parametrize("path", ["/ws", "/ws/master"])
def test_the_welcome_lists_services_and_says_how_to_subscribe(recording: Recording, path: str) -> None:
    """With the documented words, and every service in its group."""
    message = wait_until(lambda: recording.messages(path)[1:2], "a welcome")[0]
    assert message["type"] == "welcome"
    documented = CONTRACT.examples["system welcome"]["data"]
    if path == "/ws/master":
        assert message["data"]["message"] == documented["message"]
    assert message["data"]["usage"]["subscribe"] == documented["usage"]["subscribe"]
    for name in PUBLISHED:
        group = CONTRACT.services[name].group.removesuffix(" Services").lower().replace(" ", "_")
        assert name in json.dumps(message["data"]["available_services"][group])


def test_status_counts_clients_and_lists_subscriptions(ports: Ports) -> None:
    """Of all clients that are connected now; the recorder has one on each endpoint."""
    with Client(ports.monitoring, "/ws/master") as client:
        for name in CONTRACT.examples["system status"]["data"]["subscriptions"]:
            client.ask({**CONTRACT.examples["request subscribe"], "service": name}, "subscription_confirmed")
        status = client.ask(CONTRACT.examples["request get_status"], "status")["data"]
    assert status["subscriptions"] == CONTRACT.examples["system status"]["data"]["subscriptions"]
    assert status["total_clients"] > len(CONTRACT.endpoints)
    assert seconds_between(status["connected_at"], status["last_activity"]) >= 0


def test_pong_has_the_data_of_the_ping(ports: Ports) -> None:
    with Client(ports.monitoring, "/ws") as client:
        pong = client.ask(CONTRACT.examples["request ping"], "pong")
    assert pong["data"] == CONTRACT.examples["system pong"]["data"]


@pytest.mark.parametrize("path", ["/ws/master", "/ws/data", "/ws/news"])
def test_an_invalid_service_is_an_error_with_the_available_ones(ports: Ports, path: str) -> None:
    with Client(ports.monitoring, path) as client:
        client.connection.send(json.dumps({"action": "subscribe", "service": "weather"}))
        while (error := client.receive())["type"] != "error":
            pass
    assert "Invalid service" in error["data"]["message"]
    assert set(error["data"]["available_services"]) >= services_at(path) | {"system", "all"}


def test_every_documented_type_of_message_is_met(recording: Recording, ports: Ports) -> None:
    """And no other one."""
    with Client(ports.monitoring, "/ws") as client:
        met = {client.receive()["type"], client.receive()["type"]}
        for request, kind in (
            ({"action": "subscribe", "service": "market_data"}, "subscription_confirmed"),
            ({"action": "unsubscribe", "service": "market_data"}, "unsubscription_confirmed"),
            ({"action": "get_status"}, "status"),
            ({"action": "ping"}, "pong"),
        ):
            met.add(client.ask(request, kind)["type"])
        client.connection.send(json.dumps({"action": "subscribe", "service": "weather"}))
        met.add(client.receive()["type"])
    met |= {message["type"] for message in recording.messages("/ws/all")}
    assert met == set(CONTRACT.message_types)


# What the services send, and when


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_service_that_is_live_sends_every_documented_key(recording: Recording, name: str) -> None:
    """With its type and never null; and the times inside and outside of ``data`` belong together."""
    update = recording.live(name)
    assert message_faults(CONTRACT, update) == []
    assert abs(seconds_between(update["data"]["timestamp"], update["timestamp"])) < 1


@pytest.mark.parametrize("key", ["prices", "volumes", "market_caps", "price_changes"])
def test_market_data_is_keyed_by_coin_id(recording: Recording, key: str) -> None:
    """All ten, each a number."""
    values = recording.live("market_data")["data"][key]
    assert differences(dict.fromkeys((coin.id for coin in CONTRACT.coins.values()), 1), values, key) == []


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("news", "articles"),
        ("news", "sources"),
        ("news", "categories"),
        ("sentiment", "trending_topics"),
        ("sentiment", "sentiment_by_source"),
        ("whale_tracking", "large_transactions"),
        ("pool_manager", "active_sources"),
        ("scheduler", "jobs"),
        ("huggingface", "available_models"),
        ("huggingface", "available_datasets"),
    ],
)
def test_documented_lists_have_items(recording: Recording, name: str, key: str) -> None:
    """So that the types of their items are seen at all."""
    assert recording.live(name)["data"][key]


def test_articles_come_from_the_listed_sources(recording: Recording) -> None:
    """By name, such as CoinDesk."""
    news = recording.live("news")["data"]
    assert "CoinDesk" in news["sources"]
    assert {article["source"] for article in news["articles"]} <= set(news["sources"])


def test_onchain_has_contract_events(recording: Recording) -> None:
    """The table promises them."""
    assert isinstance(recording.live("onchain")["data"]["contract_events"], list)


def test_scheduler_has_the_job_of_the_example(recording: Recording) -> None:
    """With the name that the document has for it."""
    (example,) = CONTRACT.examples["scheduler update"]["data"]["jobs"]
    assert example["id"] in [job["id"] for job in recording.live("scheduler")["data"]["jobs"]]


@pytest.mark.parametrize("name", ["market_data", "explorers"])
def test_updates_come_at_the_documented_interval(recording: Recording, name: str) -> None:
    """As their own times say. The short intervals; the others are those of the schedule."""
    interval_s = CONTRACT.services[name].interval_s
    assert interval_s is not None

    def times() -> list[str]:
        found = [update["timestamp"] for update in recording.updates(name)]
        return found if found and seconds_between(found[0], found[-1]) > 2.5 * interval_s else []

    wait_until(times, f"some updates of {name}", 60)
    wait_until(lambda: not interval_faults(interval_s, times()), "regular updates", 2 * interval_s)


def test_catalogue_has_the_documented_services(service: ServiceProcess) -> None:
    """``/ws/services``: descriptions, intervals and endpoints."""
    answer = get(f"{service.url}/ws/services").json()
    assert answer["status"] == "success"
    assert catalogue_faults(CONTRACT, answer["data"]["services"]) == []


def test_schedule_has_the_documented_intervals(recording: Recording) -> None:
    """The jobs that publish, and when each of them runs next."""
    scheduler = recording.live("scheduler")["data"]
    assert schedule_faults(CONTRACT, scheduler["jobs"], scheduler["timestamp"]) == []


# HTTP


def test_endpoints_are_listed_with_their_urls(service: ServiceProcess) -> None:
    """``/ws/endpoints``: where to connect, as whole addresses of the port that was asked; the aliases as well."""
    answer = get(f"{service.url}/ws/endpoints").json()
    assert answer["status"] == "success"
    listed = {row["url"] for row in answer["data"]["endpoints"]}
    base = service.url.replace("http", "ws", 1)
    assert listed >= {base + path for path in (*CONTRACT.endpoints, *(alias for alias, _ in ALIASES))}


def test_statistics_are_those_of_now(service: ServiceProcess, ports: Ports) -> None:
    """As many connections as rows, without those that are gone; the documented subscriptions are counted."""
    documented = CONTRACT.examples["statistics"]
    recorded = len(CONTRACT.endpoints) + len(ALIASES)

    def statistics() -> dict[str, Any] | None:
        answer = get(f"{service.url}/ws/stats").json()
        assert differences(documented, answer) == []
        data: dict[str, Any] = answer["data"]
        return data if data["total_connections"] == recorded + 1 else None

    with Client(ports.monitoring, "/ws/master") as client:
        for name in documented["data"]["subscription_counts"]:
            client.ask({"action": "subscribe", "service": name}, "subscription_confirmed")
        data = wait_until(statistics, "only those that are connected now are counted")
        assert data is not None
    assert data["total_connections"] == len(data["clients"])
    for name, count in data["subscription_counts"].items():
        assert count == sum(name in client["subscriptions"] for client in data["clients"])
    assert all(data["subscription_counts"][name] for name in documented["data"]["subscription_counts"])


@pytest.mark.parametrize("route", CONTRACT.routes)
def test_documented_routes_answer_on_both_ports(ports: Ports, route: str) -> None:
    method, path = route.split(" ")
    assert method == "GET"
    for port in ports:
        assert get(f"http://127.0.0.1:{port}{path}").json()["status"] == "success"


def test_documentation_is_where_the_document_says(ports: Ports) -> None:
    """And has its version."""
    path = urlsplit(CONTRACT.facts["API Documentation"]).path
    assert get(f"http://127.0.0.1:{ports.monitoring}{path}").status == 200
    for name in ("openapi", "asyncapi"):
        document = get(f"http://127.0.0.1:{ports.monitoring}/docs/{name}.json").json()
        assert document["info"]["version"] == CONTRACT.facts["API Version"]


# Socket.IO


def test_socketio_sends_the_documented_prices(ports: Ports, tmp_path_factory: pytest.TempPathFactory) -> None:
    """All ten coins with their names, at once after the documented subscription."""
    client = python_client(
        f"http://127.0.0.1:{ports.exchange}", {"transports": ["websocket"]}, tmp_path_factory.mktemp("client")
    )
    assert client.send("subscribe", CONTRACT.examples["subscription"])["ok"] is True
    wait_until(lambda: len(client.received("crypto-prices")[-1]) == len(CONTRACT.coins), "all coins")
    prices = client.received("crypto-prices")[-1]
    client.close()
    assert differences(CONTRACT.examples["crypto-prices"], prices) == []
    assert {row["symbol"]: row["name"] for row in prices} == {
        symbol: coin.name for symbol, coin in CONTRACT.coins.items()
    }


def test_heartbeat_is_the_documented_one(ports: Ports) -> None:
    """The first packet of a Socket.IO session says so."""
    opened = get(f"http://127.0.0.1:{ports.exchange}/socket.io/?EIO=4&transport=polling").body
    assert f"{json.loads(opened[1:])['pingInterval'] / 1000:g} seconds" == CONTRACT.intervals["Connection heartbeat"]


def test_prices_come_at_the_documented_interval(ports: Ports, tmp_path_factory: pytest.TempPathFactory) -> None:
    """They have no time of their own; that of the service is asked for when they have come."""
    interval_s = float(CONTRACT.intervals["Crypto prices"].removesuffix(" seconds"))
    client = python_client(
        f"http://127.0.0.1:{ports.exchange}", {"transports": ["websocket"]}, tmp_path_factory.mktemp("client")
    )
    client.send("subscribe", CONTRACT.examples["subscription"])
    times: list[str] = []
    while len(times) < 5 and (len(times) < 3 or interval_faults(interval_s, times)):
        client.wait_for_more("crypto-prices")
        times.append(client.send("ping", {})["timestamp"])
    client.close()
    assert interval_faults(interval_s, times) == []


def test_schedule_has_the_documented_interval_of_prices(recording: Recording) -> None:
    """The job that publishes them."""
    (job,) = (job for job in recording.live("scheduler")["data"]["jobs"] if job["id"] == "publish_crypto_prices")
    assert f"{job['interval_s']:g} seconds" == CONTRACT.intervals["Crypto prices"]


# Settings


@pytest.mark.parametrize("name", CONTRACT.environment)
def test_an_environment_variable_is_a_setting_with_its_default(name: str) -> None:
    """``localhost`` is where a Redis is looked for when none is named."""
    (setting,) = (setting for setting in describe_settings() if setting.name == name)
    word, _, default = CONTRACT.environment[name].partition(": ")
    if word == "required":
        assert "Required" in setting.help
    elif word == "optional":
        assert setting.default == ""
    else:
        assert default in (setting.default, *setting.help.replace(",", "").split())


def test_ports_are_the_documented_ones() -> None:
    """5000 for the exchange, 7860 for monitoring; both serve all."""
    (setting,) = (setting for setting in describe_settings() if setting.name == "PORT")
    urls = [endpoint.url for endpoint in CONTRACT.endpoints.values()]
    assert {str(urlsplit(url).port) for url in urls} == {"7860"}
    assert setting.default == "5000,7860"
