"""The plain WebSocket, as a client sees it: every promise of the protocol, one test each."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.documentation.contract import check_http_error
from tests.support.plain_http import get
from tests.support.processes import wait_until
from tests.transports.live_server import LiveServer
from tests.transports.test_goodbye import LIVE
from tests.wire.raw_client import BINARY, TEXT, RawClient, masked
from websocket import green
from websocket.catalogue import ENDPOINTS, GROUPS, SERVICE_NAMES, SUBSCRIBABLE, EndpointInfo, services_of
from websocket.settings import EdgeSettings
from websocket.transports import json_websocket

TIMESTAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
ACTIONS = ["subscribe", "unsubscribe", "get_status", "ping"]
BY_HAND = [endpoint for endpoint in ENDPOINTS if endpoint.subscribes is None]
AT_ONCE = [endpoint for endpoint in ENDPOINTS if endpoint.subscribes is not None]
FOURTEEN = [*SERVICE_NAMES, "system", "all"]


def path_of(endpoint: EndpointInfo) -> str:
    return endpoint.path


SUBSCRIBE_ALL = b'{"action":"subscribe","service":"all"}'
UNSUBSCRIBE_ALL = b'{"action":"unsubscribe","service":"all"}'


def publish_everything(server: LiveServer) -> None:
    """Something on each channel, as much together as the service publishes."""
    for service in SUBSCRIBABLE:
        server.publish(service, {"status": "live", "reason": None, "text": "x" * (160_000 // len(SUBSCRIBABLE))})


def greeted(server: LiveServer, path: str = "/ws") -> RawClient:
    """A client that has read all of its greeting."""
    client = server.connect(path)
    client.hear_type("welcome" if path in {"/ws", "/ws/master"} else "connection_established")
    return client


def subscribed(server: LiveServer, service: str = "news") -> RawClient:
    """A client that has read its confirmation; nothing was published before."""
    client = greeted(server)
    assert client.ask({"action": "subscribe", "service": service})["type"] == "subscription_confirmed"
    return client


# Greeting


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=path_of)
def test_first_message_is_the_greeting(server: LiveServer, endpoint: EndpointInfo) -> None:
    """On every endpoint the client learns its id and what is offered, in both shapes that clients know."""
    first = server.connect(endpoint.path).hear()
    assert (first["service"], first["type"]) == ("system", "connection_established")
    assert TIMESTAMP.match(first["timestamp"])
    assert re.match(r"^client_\d+_\d{10}$", first["data"]["client_id"])
    assert first["data"]["available_services"] == [*endpoint.services, "all"]
    assert first["client_id"] == first["data"]["client_id"]
    assert first["available_services"] == first["data"]["available_services"]


@pytest.mark.parametrize("path", ["/ws", "/ws/master"])
def test_second_message_of_the_master_is_the_welcome(server: LiveServer, path: str) -> None:
    """It groups the services and shows how to use them."""
    client = server.connect(path)
    client.hear()
    welcome = client.hear()
    assert (welcome["service"], welcome["type"]) == ("system", "welcome")
    name = {"/ws": "default", "/ws/master": "master"}[path]
    assert welcome["data"]["message"] == f"Connected to {name} WebSocket endpoint"
    assert welcome["data"]["available_services"] == {group: list(services_of(group)) for group in GROUPS}
    assert welcome["data"]["available_services"]["system"] == ["system", "all"]
    assert welcome["data"]["usage"]["subscribe"] == {"action": "subscribe", "service": "service_name"}


@pytest.mark.parametrize("endpoint", BY_HAND, ids=path_of)
def test_nothing_comes_unasked(server: LiveServer, endpoint: EndpointInfo) -> None:
    """Before a subscription there is the greeting and nothing else, whatever is published."""
    for service in SERVICE_NAMES:
        server.publish(service)
    client = server.connect(endpoint.path)
    for service in SERVICE_NAMES:
        server.publish(service)
    types = [client.hear()["type"] for _ in range(2 if endpoint.welcomes else 1)]
    assert types == ["connection_established", "welcome"][: len(types)]
    client.say({"action": "ping"})
    assert client.hear()["type"] == "pong"


@pytest.mark.parametrize("endpoint", AT_ONCE, ids=path_of)
def test_endpoint_subscribes_by_itself(server: LiveServer, endpoint: EndpointInfo) -> None:
    """It confirms, sends what is known, and follows what comes."""
    for service in endpoint.services:
        server.publish(service)
    client = server.connect(endpoint.path)
    client.hear()
    confirmed = client.hear()
    services = list(SUBSCRIBABLE) if endpoint.path == "/ws/all" else [endpoint.services[0]]
    assert (confirmed["service"], confirmed["type"]) == ("system", "subscription_confirmed")
    assert confirmed["data"]["service"] == ("all" if endpoint.path == "/ws/all" else services[0])
    assert confirmed["data"]["services"] == confirmed["data"]["subscriptions"] == services
    assert [client.hear()["service"] for _ in services] == services
    server.publish(services[-1])
    update = client.hear()
    assert (update["type"], update["seq"]) == ("update", 2)
    assert "snapshot" not in update


@pytest.mark.parametrize("path", ["/ws/", "/ws/news/"])
def test_trailing_slash_is_the_same_endpoint(server: LiveServer, path: str) -> None:
    """As on any web server."""
    assert server.connect(path).hear()["type"] == "connection_established"


# Subscriptions


def test_subscription_brings_the_last_update_at_once(server: LiveServer) -> None:
    """As a snapshot, with its number, after the confirmation."""
    server.publish("news", {"status": "live", "n": 1})
    server.publish("news", {"status": "live", "n": 2})
    client = greeted(server)
    confirmed = client.ask({"action": "subscribe", "service": "news"})
    assert (confirmed["service"], confirmed["type"]) == ("system", "subscription_confirmed")
    assert (confirmed["data"]["service"], confirmed["data"]["subscriptions"]) == ("news", ["news"])
    snapshot = client.hear()
    epoch, seq = server.broker.position("news")
    assert (snapshot["service"], snapshot["type"], snapshot["snapshot"]) == ("news", "update", True)
    assert (snapshot["epoch"], snapshot["seq"], snapshot["data"]["n"]) == (epoch, seq, 2)
    assert TIMESTAMP.match(snapshot["timestamp"])
    assert "recovered" not in snapshot


def test_subscription_before_the_first_update_brings_only_the_confirmation(server: LiveServer) -> None:
    """Nothing is invented."""
    client = subscribed(server)
    server.publish("news")
    assert client.hear()["seq"] == 1


def test_repeated_subscription_changes_nothing(server: LiveServer) -> None:
    """It is confirmed; there is no second snapshot, and no update comes twice."""
    server.publish("news")
    client = greeted(server)
    client.ask({"action": "subscribe", "service": "news"})
    client.hear()
    assert client.ask({"action": "subscribe", "service": "news"})["type"] == "subscription_confirmed"
    assert client.ask({"action": "ping"})["type"] == "pong"
    server.publish("news")
    assert client.hear()["seq"] == 2
    assert client.ask({"action": "ping"})["type"] == "pong"
    assert server.hub.count("news") == 1


def test_all_means_everything_that_is_offered(server: LiveServer) -> None:
    """On the master endpoint every service, confirmed once; also when it is one of several names."""
    client = greeted(server)
    client.ask({"action": "subscribe", "services": ["news", "all"]})
    confirmed = client.ask({"action": "subscribe", "service": "all"})
    assert (confirmed["service"], confirmed["type"]) == ("system", "subscription_confirmed")
    assert (confirmed["data"]["service"], confirmed["data"]["services"]) == ("all", list(SUBSCRIBABLE))
    assert sorted(confirmed["data"]["subscriptions"]) == sorted(SUBSCRIBABLE)
    for service in SUBSCRIBABLE:
        server.publish(service)
        assert client.hear()["service"] == service
    assert client.ask({"action": "unsubscribe", "service": "all"})["data"]["subscriptions"] == []


def test_several_services_at_once(server: LiveServer) -> None:
    """Each is confirmed by its name and begins with its snapshot; the order is the client's; duplicates count once."""
    server.publish("news")
    client = greeted(server)
    client.say({"action": "subscribe", "services": ["news", "onchain", "news"], "req_id": "a"})
    heard = [client.hear() for _ in range(3)]
    assert [(one["service"], one["type"], one["data"].get("service")) for one in heard] == [
        ("system", "subscription_confirmed", "news"),
        ("news", "update", None),
        ("system", "subscription_confirmed", "onchain"),
    ]
    assert all(one["req_id"] == "a" for one in heard)
    client.say({"action": "unsubscribe", "services": ["onchain", "news"]})
    ended = [client.hear() for _ in range(2)]
    assert {(one["service"], one["type"]) for one in ended} == {("system", "unsubscription_confirmed")}
    assert [one["data"]["service"] for one in ended] == ["onchain", "news"]
    assert server.stats()["total_subscriptions"] == 0


def test_one_unknown_name_among_several_refuses_all(server: LiveServer) -> None:
    """Nothing is half done."""
    client = greeted(server)
    error = client.ask({"action": "subscribe", "services": ["news", "newz"]})
    assert error["data"]["code"] == "invalid_service"
    assert server.hub.count("news") == 0


def test_unsubscription_stops_at_once(server: LiveServer) -> None:
    """After the confirmation nothing of that service comes; it may be repeated."""
    client = subscribed(server)
    for _ in range(2):
        assert client.ask({"action": "unsubscribe", "service": "news"})["type"] == "unsubscription_confirmed"
    server.publish("news")
    assert client.ask({"action": "ping"})["type"] == "pong"


@pytest.mark.parametrize(
    ("path", "group"),
    [("/ws/data", "data_collection"), ("/ws/monitoring", "monitoring"), ("/ws/integration", "integration")],
)
def test_group_endpoint_refuses_services_of_others(server: LiveServer, path: str, group: Any) -> None:
    """The error lists what is available there; "all" is the group."""
    client = greeted(server, path)
    foreign = next(name for name in SERVICE_NAMES if name not in services_of(group))
    error = client.ask({"action": "subscribe", "service": foreign, "req_id": 5})
    assert (error["type"], error["data"]["code"], error["req_id"]) == ("error", "invalid_service", 5)
    assert "Invalid service" in error["data"]["message"]
    assert error["data"]["available_services"] == [*services_of(group), "system", "all"]
    confirmed = client.ask({"action": "subscribe", "service": "all"})
    assert confirmed["data"]["services"] == [*services_of(group), "system"]


def test_single_endpoint_offers_its_service_only(server: LiveServer) -> None:
    """Also for what a client says by hand."""
    client = server.connect("/ws/news")
    client.hear_type("subscription_confirmed")
    error = client.ask({"action": "subscribe", "service": "onchain"})
    assert error["data"]["available_services"] == ["news", "system", "all"]


# The service's own notices


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=path_of)
def test_notices_can_be_subscribed_to_everywhere(server: LiveServer, endpoint: EndpointInfo) -> None:
    """Confirmed, begun with the last one, followed by every change, and ended, like any other service."""
    server.notices.report_feed(LIVE)
    client = server.connect(endpoint.path)
    client.say({"action": "unsubscribe", "service": "all"})
    client.hear_type("unsubscription_confirmed")
    confirmed = client.ask({"action": "subscribe", "service": "system"})
    assert (confirmed["service"], confirmed["type"]) == ("system", "subscription_confirmed")
    assert (confirmed["data"]["service"], confirmed["data"]["subscriptions"]) == ("system", ["system"])
    snapshot = client.hear()
    assert (snapshot["service"], snapshot["type"], snapshot["seq"]) == ("system", "update", 1)
    assert (snapshot["snapshot"], snapshot["data"]["event"]) == (True, "feed_status")
    server.notices.announce_leader()
    update = client.hear()
    assert (update["service"], update["seq"], update["data"]["event"]) == ("system", 2, "leader")
    assert (update["epoch"], "snapshot" in update) == (snapshot["epoch"], False)
    assert server.stats()["subscription_counts"]["system"] == 1
    ended = client.ask({"action": "unsubscribe", "service": "system"})
    assert (ended["type"], ended["data"]["subscriptions"]) == ("unsubscription_confirmed", [])
    server.notices.report_feed(LIVE)
    assert client.ask({"action": "ping"})["type"] == "pong"


def test_missed_notices_are_replayed(server: LiveServer) -> None:
    """By their own numbers."""
    for _ in range(3):
        server.notices.report_feed(LIVE)
    epoch, seq = server.notices.broker.position("system")
    client = greeted(server)
    since = {"epoch": epoch, "seq": seq - 2}
    confirmed = client.ask({"action": "subscribe", "service": "system", "since": since})
    assert confirmed["data"]["recovered"] is True
    assert [client.hear()["seq"] for _ in range(2)] == [seq - 1, seq]


# Resume


def positions(server: LiveServer, count: int) -> list[dict[str, Any]]:
    """Publishes, and gives where a client stands that got everything up to each."""
    epoch = server.broker.position("news")[0]
    return [{"epoch": epoch, "seq": server.publish("news", {"n": n})} for n in range(1, count + 1)]


def test_resume_replays_exactly_what_was_missed(server: LiveServer) -> None:
    """Each once, in order, and not marked as a snapshot; then the feed goes on."""
    stood = positions(server, 5)[1]
    client = greeted(server)
    client.ask({"action": "subscribe", "service": "news", "since": stood})
    missed = [client.hear() for _ in range(3)]
    assert [(one["seq"], one["data"]["n"]) for one in missed] == [(3, 3), (4, 4), (5, 5)]
    assert not any("snapshot" in one or "recovered" in one for one in missed)
    server.publish("news")
    assert client.hear()["seq"] == 6


def test_resume_with_nothing_missed_sends_nothing(server: LiveServer) -> None:
    """No snapshot: the client has it all."""
    stood = positions(server, 3)[-1]
    client = greeted(server)
    client.ask({"action": "subscribe", "service": "news", "since": stood})
    server.publish("news")
    assert client.hear()["seq"] == 4


def test_resume_from_the_very_beginning(server: LiveServer) -> None:
    """Number 0 is the position before the first update, also when there was none."""
    client = greeted(server)
    epoch = server.broker.position("news")[0]
    client.ask({"action": "subscribe", "service": "news", "since": {"epoch": epoch, "seq": 0}})
    server.publish("news")
    assert client.hear()["seq"] == 1
    late = greeted(server)
    late.ask({"action": "subscribe", "service": "news", "since": {"epoch": epoch, "seq": 0}})
    assert "snapshot" not in late.hear()


@pytest.mark.parametrize(("epoch", "recovered"), [(None, True), ("of an earlier run", False)])
def test_confirmation_says_whether_anything_is_missing(server: LiveServer, epoch: str | None, recovered: bool) -> None:
    """Also when there is nothing to send: a service that was restarted may not have published yet."""
    client = greeted(server)
    since = {"epoch": epoch or server.broker.position("news")[0], "seq": 0}
    confirmed = client.ask({"action": "subscribe", "service": "news", "since": since})
    assert (confirmed["type"], confirmed["data"]["recovered"]) == ("subscription_confirmed", recovered)


def test_confirmation_without_a_position_says_nothing_about_it(server: LiveServer) -> None:
    """Only who asks to resume is told how that went."""
    client = greeted(server)
    confirmed = client.ask({"action": "subscribe", "service": "news"})
    assert "recovered" not in confirmed["data"]


@pytest.mark.parametrize("since", [{"epoch": "another", "seq": 1}, {"seq": 99}, {"seq": -1}, {"seq": 10**30}], ids=str)
def test_unknown_position_gets_a_snapshot_that_says_so(server: LiveServer, since: dict[str, Any]) -> None:
    """Another epoch, or a number from the future: the newest update, with recovered false."""
    stood = positions(server, 3)[-1]
    client = greeted(server)
    client.ask({"action": "subscribe", "service": "news", "since": {**stood, **since}, "req_id": "r"})
    snapshot = client.hear()
    assert (snapshot["snapshot"], snapshot["recovered"], snapshot["seq"], snapshot["req_id"]) == (True, False, 3, "r")


def test_history_that_is_gone_is_not_replayed_in_part(server: LiveServer) -> None:
    """A replay is whole or there is none."""
    stood = positions(server, 100)
    client = greeted(server)
    client.ask({"action": "subscribe", "service": "news", "since": stood[10]})
    assert client.hear()["recovered"] is False
    other = greeted(server)
    other.ask({"action": "subscribe", "service": "news", "since": stood[-60]})
    assert [other.hear()["seq"] for _ in range(59)] == list(range(42, 101))


def test_replay_that_would_be_too_much_becomes_a_snapshot(server: LiveServer) -> None:
    """A client that was away must not be closed as too slow for what it missed, again and again."""
    epoch = server.broker.position("news")[0]
    for n in range(30):
        server.publish("news", {"n": n, "text": "x" * 40_000})
    client = server.connect("/ws", receive_buffer=4096)
    client.hear_type("welcome")
    client.ask({"action": "subscribe", "service": "news", "since": {"epoch": epoch, "seq": 0}})
    snapshot = client.hear()
    assert (snapshot["seq"], snapshot["recovered"]) == (30, False)
    assert client.ask({"action": "ping"})["type"] == "pong"


@pytest.mark.parametrize("since", ["x", 5, [], {}, {"epoch": 1, "seq": 1}, {"epoch": "e", "seq": "1"}, {"epoch": "e"}])
def test_malformed_position_is_an_error(server: LiveServer, since: Any) -> None:
    """And subscribes to nothing."""
    client = greeted(server)
    error = client.ask({"action": "subscribe", "service": "news", "since": since, "req_id": 1})
    assert (error["data"]["code"], error["req_id"]) == ("bad_request", 1)
    assert server.hub.count("news") == 0


def test_position_needs_a_single_service(server: LiveServer) -> None:
    """Numbers are per service."""
    client = greeted(server)
    message = {"action": "subscribe", "services": ["news", "onchain"], "since": {"epoch": "e", "seq": 1}}
    assert client.ask(message)["data"]["code"] == "bad_request"


# Other actions


def test_status_tells_what_the_client_is_and_has(server: LiveServer) -> None:
    """Its id, its subscriptions, and how the services are."""
    server.publish("news", {"status": "stale", "reason": "the source is silent"})
    client = server.connect("/ws")
    client_id = client.hear()["client_id"]
    client.hear()
    client.ask({"action": "subscribe", "service": "onchain"})
    status = client.ask({"action": "get_status", "req_id": "s"})
    assert (status["service"], status["type"], status["req_id"]) == ("system", "status", "s")
    data = status["data"]
    assert (data["client_id"], data["endpoint"], data["subscriptions"]) == (client_id, "/ws", ["onchain"])
    assert data["services"]["news"]["status"] == "stale"
    assert data["services"]["news"]["reason"] == "the source is silent"
    assert data["services"]["onchain"]["status"] is None
    assert data["messages_received"] == 2
    assert data["total_clients"] == 1
    others = [greeted(server) for _ in range(2)]
    assert client.ask({"action": "get_status"})["data"]["total_clients"] == 3
    for other in others:
        other.leave()
    wait_until(lambda: server.websockets.clients == 1, "the others are gone")
    assert client.ask({"action": "get_status"})["data"]["total_clients"] == 1


@pytest.mark.parametrize("data", [{"t": 1.5}, [1, "two", None], "text", 0, False, {"a": {"b": []}}, "😀\x00\u2028"])
def test_ping_echoes_its_data(server: LiveServer, data: Any) -> None:
    """Whatever it is."""
    pong = greeted(server).ask({"action": "ping", "data": data, "req_id": "p"})
    assert (pong["service"], pong["type"], pong["data"], pong["req_id"]) == ("system", "pong", data, "p")


# Errors


def refused(client: RawClient, message: Any) -> Any:
    """The error that answers a message; the connection stays."""
    error = client.ask(message)
    assert (error["service"], error["type"]) == ("system", "error")
    assert TIMESTAMP.match(error["timestamp"])
    assert set(error["data"]) >= {"code", "message", "temporary"}
    assert client.ask({"action": "ping"})["type"] == "pong"
    return error


@pytest.mark.parametrize(
    "text",
    ["", " ", "hello", "{", "[]", "null", "5", '"ping"', "{'action':'ping'}", '{"action":"ping",}', "NaN", '{"a":NaN}',
     '{"a":1e999}', '{"a":"\\ud800"}', "[" * 5000, '{"a":' * 2000 + "1" + "}" * 2000, "\ufeff{}", "1" * 10_000],
)  # fmt: skip
def test_what_is_no_json_object_is_an_error(server: LiveServer, text: str) -> None:
    """Not JSON, not an object, or too deep: the connection stays."""
    assert refused(greeted(server), text)["data"]["code"] == "bad_request"


def test_too_deep_is_an_error_with_its_req_id(server: LiveServer) -> None:
    """The limit is a setting; one level less is fine."""

    def nested(levels: int) -> Any:
        value: Any = {}
        for _ in range(levels - 1):
            value = [value]
        return value

    client = greeted(server)
    error = refused(client, {"action": "ping", "data": nested(16), "req_id": 9})
    assert (error["data"]["code"], error["req_id"]) == ("bad_request", 9)
    assert client.ask({"action": "ping", "data": nested(15)})["data"] == nested(15)


@pytest.mark.parametrize("action", [None, 5, [], {}, True, "", "Subscribe", "subscribe ", "dance", "x" * 5000, "\x00"])
def test_unknown_action_lists_the_known(server: LiveServer, action: Any) -> None:
    """Also one of the wrong type, or none."""
    error = refused(greeted(server), {"action": action, "req_id": "q"})
    assert (error["data"]["code"], error["data"]["temporary"], error["req_id"]) == ("unknown_action", False, "q")
    assert error["data"]["supported_actions"] == ACTIONS


@pytest.mark.parametrize("service", ["", "newz", "NEWS", " news", "crypto-prices", "../news", "x" * 9000, "\x00😀"])
@pytest.mark.parametrize("action", ["subscribe", "unsubscribe"])
def test_unknown_service_lists_the_available(server: LiveServer, action: str, service: str) -> None:
    """The message says Invalid service."""
    error = refused(greeted(server), {"action": action, "service": service, "req_id": "q"})
    assert (error["data"]["code"], error["req_id"]) == ("invalid_service", "q")
    assert "Invalid service" in error["data"]["message"]
    assert error["data"]["available_services"] == error["available_services"] == FOURTEEN


@pytest.mark.parametrize("value", [None, 5, 1.5, True, [], ["news"], {}, {"name": "news"}])
@pytest.mark.parametrize("action", ["subscribe", "unsubscribe"])
def test_service_is_a_string(server: LiveServer, action: str, value: Any) -> None:
    """Anything else is an error."""
    assert refused(greeted(server), {"action": action, "service": value})["data"]["code"] == "bad_request"


@pytest.mark.parametrize("value", [None, 5, "news", True, {}, [], [5], [["news"]], [None], ["news", 5]])
@pytest.mark.parametrize("action", ["subscribe", "unsubscribe"])
def test_services_is_a_list_of_strings(server: LiveServer, action: str, value: Any) -> None:
    """Anything else is an error, and so is an empty list."""
    assert refused(greeted(server), {"action": action, "services": value})["data"]["code"] == "bad_request"


def test_service_and_services_exclude_each_other(server: LiveServer) -> None:
    """Which one should count?"""
    message = {"action": "subscribe", "service": "news", "services": ["onchain"]}
    assert refused(greeted(server), message)["data"]["code"] == "bad_request"


@pytest.mark.parametrize("req_id", [1, 0, -5, "a", "", "x" * 128, 10**100])
def test_req_id_comes_back_in_every_answer(server: LiveServer, req_id: Any) -> None:
    """Answers and errors alike."""
    client = greeted(server)
    for message in (
        {"action": "ping"},
        {"action": "get_status"},
        {"action": "no"},
        {"action": "subscribe"},
        {"action": "subscribe", "service": "news"},
        {"action": "unsubscribe", "service": "news"},
    ):
        assert client.ask({**message, "req_id": req_id})["req_id"] == req_id


@pytest.mark.parametrize("req_id", [1.5, True, [], {}, "x" * 129, 10**200])
def test_req_id_of_another_kind_is_an_error(server: LiveServer, req_id: Any) -> None:
    """Without an echo: it could be anything."""
    error = refused(greeted(server), {"action": "ping", "req_id": req_id})
    assert error["data"]["code"] == "bad_request"
    assert "req_id" not in error


def test_binary_message_is_an_error(server: LiveServer) -> None:
    """The connection stays."""
    client = greeted(server)
    client.send(masked(BINARY, b'{"action":"ping"}'))
    assert client.hear()["data"]["code"] == "unsupported_data"
    assert client.ask({"action": "ping"})["type"] == "pong"


def test_unknown_fields_are_ignored(server: LiveServer) -> None:
    """A newer client may say more than we understand."""
    assert greeted(server).ask({"action": "ping", "version": 7})["type"] == "pong"


def test_own_fault_closes_with_its_code(server: LiveServer, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    """1011 and no detail, on the socket; the traceback is in the log, and the others go on."""
    victim, other = greeted(server), subscribed(server)

    def fail(_channel: str) -> None:
        raise RuntimeError("secret detail")

    with monkeypatch.context() as patched:
        patched.setattr(server.broker, "position", fail)
        victim.say({"action": "get_status"})
        frame = victim.frame()
    assert (frame.code, b"secret" in frame.payload) == (1011, False)
    assert victim.rest() == b""
    assert "secret detail" in caplog.text
    server.publish("news")
    assert other.hear()["seq"] == 1


def test_own_fault_in_the_greeting_closes_with_its_code(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """The handshake was answered, so an HTTP answer would be garbage on the WebSocket."""

    def fail(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(server.hub, "subscribe", fail)
    client = server.connect("/ws/news")
    assert client.hear()["type"] == "connection_established"
    assert client.hear()["type"] == "subscription_confirmed"
    assert client.end() == 1011
    assert "secret detail" in caplog.text
    server.wait_until_empty()


# Handshake


@pytest.mark.parametrize(
    ("path", "change", "method", "status"),
    [
        ("/ws/unknown", {}, "GET", 404),
        ("/ws/stats", {}, "GET", 404),
        ("/ws/news/x", {}, "GET", 404),
        ("/ws", {"Upgrade": None, "Connection": None}, "GET", 426),
        ("/ws/news", {"Upgrade": None}, "GET", 426),
        ("/ws", {}, "POST", 405),
        ("/ws", {}, "PUT", 405),
        ("/ws", {"Connection": "keep-alive"}, "GET", 400),
        ("/ws", {"Connection": None}, "GET", 400),
        ("/ws", {"Sec-WebSocket-Key": None}, "GET", 400),
        ("/ws", {"Sec-WebSocket-Key": "short"}, "GET", 400),
        ("/ws", {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAAA="}, "GET", 400),
        ("/ws", {"Sec-WebSocket-Key": "ä" * 24}, "GET", 400),
        ("/ws", {"Sec-WebSocket-Version": None}, "GET", 426),
        ("/ws", {"Sec-WebSocket-Version": "8"}, "GET", 426),
        ("/ws", {"Sec-WebSocket-Version": "13, 8"}, "GET", 426),
    ],
)
def test_handshake_is_refused_with_its_status(
    server: LiveServer, path: str, change: dict[str, str | None], method: str, status: int
) -> None:
    """With an HTTP answer that says why, in the shape of every error."""
    client = RawClient(server.port)
    client.request(path, method=method, headers=change)
    answer = client.answer()
    assert answer.status == status
    assert set(answer.json()) == {"code", "message", "temporary"}
    if status == 405:
        assert answer.headers["allow"] == "GET"
    if status == 426:
        assert answer.headers.get("upgrade") == "websocket" or answer.headers["sec-websocket-version"] == "13"
    assert server.stats()["connections_since_start"] == 0


def test_compression_and_subprotocols_are_declined(server: LiveServer) -> None:
    """The answer names none, so the client uses none."""
    client = RawClient(server.port)
    client.request(
        "/ws", headers={"Sec-WebSocket-Extensions": "permessage-deflate", "Sec-WebSocket-Protocol": "soap, chat"}
    )
    answer = client.answer()
    assert answer.status == 101
    assert not {"sec-websocket-extensions", "sec-websocket-protocol"} & set(answer.headers)


@pytest.mark.parametrize(
    "headers", [{"Upgrade": "WebSocket"}, {"Upgrade": "h2c, websocket"}, {"Connection": "keep-alive, Upgrade"}], ids=str
)
def test_headers_may_be_lists_in_any_case(server: LiveServer, headers: dict[str, str]) -> None:
    """As Firefox and proxies send them."""
    client = RawClient(server.port)
    client.request("/ws", headers=dict(headers))
    assert client.answer().status == 101


# Limits


def test_too_large_a_message_closes_with_its_code(server: LiveServer) -> None:
    """The largest allowed is answered."""
    client = greeted(server)
    text = '{"action":"ping","data":"%s"}'
    client.say(text % ("x" * (16_384 - len(text) + 2)))
    assert client.hear()["type"] == "pong"
    client.say(text % ("x" * (16_384 - len(text) + 3)))
    assert client.end() == 1009


@pytest.mark.parametrize("piece", [1, 100, 5000])
def test_fragments_do_not_get_around_the_limit(start_server: Any, piece: int) -> None:
    """It is over the whole message."""
    client = greeted(start_server(edge=EdgeSettings(message_burst=10_000)))
    client.send(masked(TEXT, b"x" * piece, fin=False) + masked(0, b"x" * piece, fin=False) * (16_384 // piece))
    assert client.end() == 1009


def test_large_message_is_refused_before_it_is_there(server: LiveServer) -> None:
    """A header that announces gigabytes reserves nothing, and gets the code as soon as the limit is passed."""
    client = greeted(server)
    client.send(masked(TEXT, b"x" * 20_000, length=2**40))
    assert client.end() == 1009


def test_burst_is_answered_in_order(server: LiveServer) -> None:
    """Fifty small messages at once are normal."""
    client = greeted(server)
    client.send(b"".join(masked(TEXT, b'{"action":"ping","req_id":%d}' % n) for n in range(50)))
    answers = [client.hear() for _ in range(50)]
    assert [answer["req_id"] for answer in answers] == list(range(50))
    assert all(answer["type"] == "pong" for answer in answers)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_flood_is_told_then_closed(start_server: Any, opcode: int) -> None:
    """The error is temporary, says when to try again and repeats the req_id; who goes on is closed with 1008."""
    server = start_server(edge=EdgeSettings(messages_per_second=0.1, message_burst=5))
    client = greeted(server)
    client.send(masked(opcode, b'{"action":"ping","req_id":7}') * 30)
    answers = [client.hear() for _ in range(15)]
    limited = [answer["data"] for answer in answers[5:]]
    assert all((data["code"], data["temporary"]) == ("rate_limited", True) for data in limited)
    assert all(data["retry_after_s"] > 0 for data in limited)
    if opcode == TEXT:
        assert all(answer["req_id"] == 7 for answer in answers)
    assert client.end() == 1008


def test_everything_at_once_is_within_the_burst(server: LiveServer) -> None:
    """A client that has just come may ask for all snapshots."""
    publish_everything(server)
    client = greeted(server)
    assert client.ask({"action": "subscribe", "service": "all"})["type"] == "subscription_confirmed"
    assert [client.hear()["service"] for _ in SUBSCRIBABLE] == list(SUBSCRIBABLE)
    assert client.ask({"action": "ping"})["type"] == "pong"


def test_answers_are_paid_by_their_bytes(start_server: Any) -> None:
    """Whoever alternates between all and nothing is told to wait until it has paid, and closed when it does not."""
    server = start_server(edge=EdgeSettings(messages_per_second=0.1))
    publish_everything(server)
    client = greeted(server)
    client.send((masked(TEXT, SUBSCRIBE_ALL) + masked(TEXT, UNSUBSCRIBE_ALL)) * 60)
    updates = limited = 0
    while (frame := client.frame()).opcode == TEXT:
        message = frame.json()
        updates += message["type"] == "update"
        if message["type"] == "error":
            limited += 1
            assert message["data"]["code"] == "rate_limited"
            assert message["data"]["retry_after_s"] > 10
    assert (frame.code, limited) == (1008, 10)
    # what it did not read before it unsubscribed is forgotten, but was paid for
    assert 0 < updates <= 3 * len(SUBSCRIBABLE)


def test_status_is_paid_by_its_bytes(start_server: Any) -> None:
    """As are all answers; what the client has them repeat is in them."""
    server = start_server(edge=EdgeSettings(messages_per_second=0.1, message_burst=20))
    client = greeted(server)
    long = "x" * 10_000
    answers = [client.ask({"action": "ping", "data": long})["type"] for _ in range(6)]
    assert answers == ["pong"] * 4 + ["error"] * 2


def test_unread_snapshots_are_replaced(server: LiveServer) -> None:
    """What waits for a client that does not read is one frame a channel, shared by all, whatever is to be repeated."""
    publish_everything(server)
    clients = [server.connect("/ws", receive_buffer=4096) for _ in range(2)]
    for number, client in enumerate(clients):
        client.hear_type("welcome")
        for n in range(3):
            client.say({"action": "subscribe", "service": "all", "req_id": f"{number} {n} {'x' * 100}"})
            client.say({"action": "unsubscribe", "service": "all"})
        client.say({"action": "subscribe", "service": "all", "req_id": 1})
    wait_until(lambda: server.stats()["messages_received"] >= 10, "all were read")
    first, second = server.connections.stalled
    assert first._slots is not None
    assert second._slots is not None
    shared = first._slots.keys() & second._slots.keys()
    assert len(shared) > 10
    assert all(first._slots[channel] is second._slots[channel] for channel in shared)
    assert server.connections.queued_bytes < 100_000


def test_snapshot_that_waited_is_still_marked(start_server: Any) -> None:
    """It comes after its confirmation, which has the fields of the request; those the snapshot leaves out."""
    server = start_server(edge=EdgeSettings(send_buffer_bytes=4096))
    publish_everything(server)
    client = server.connect("/ws", receive_buffer=4096)
    client.hear_type("welcome")
    client.say({"action": "subscribe", "service": "all"})
    wait_until(lambda: server.connections.stalled, "its snapshots wait")
    client.say({"action": "unsubscribe", "service": "news"})
    client.say({"action": "subscribe", "service": "news", "req_id": 7})
    wait_until(lambda: server.stats()["messages_received"] == 3, "all were read")
    while (message := client.hear()).get("req_id") != 7:
        pass
    assert message["type"] == "subscription_confirmed"
    while (message := client.hear())["service"] != "news":
        pass
    assert message["snapshot"] is True
    assert "req_id" not in message


def test_allowance_comes_back(start_server: Any) -> None:
    """Who waits as long as it is told is answered again."""
    server = start_server(edge=EdgeSettings(messages_per_second=50, message_burst=1))
    client = greeted(server)
    client.send(masked(TEXT, b'{"action":"ping"}') * 3)
    answers = [client.hear() for _ in range(3)]
    assert answers[-1]["data"]["code"] == "rate_limited"
    while client.ask({"action": "ping"})["type"] != "pong":
        client.silence(0.05)


def test_subscriptions_are_limited(start_server: Any) -> None:
    """The error says so; what is there stays."""
    server = start_server(edge=EdgeSettings(max_subscriptions=2))
    client = greeted(server)
    client.say({"action": "subscribe", "services": ["news", "onchain"]})
    client.hear(), client.hear()
    error = client.ask({"action": "subscribe", "service": "sentiment", "req_id": 3})
    assert (error["data"]["code"], error["req_id"]) == ("too_many_subscriptions", 3)
    assert client.ask({"action": "subscribe", "service": "news"})["type"] == "subscription_confirmed"
    client.ask({"action": "unsubscribe", "service": "news"})
    assert client.ask({"action": "subscribe", "service": "sentiment"})["type"] == "subscription_confirmed"


# What is counted


def test_stats_tell_who_is_connected(server: LiveServer) -> None:
    """Over HTTP, beside the WebSocket of the same prefix."""
    client = subscribed(server)
    reply = get(f"http://127.0.0.1:{server.port}/ws/stats")
    assert reply.status == 200
    data = reply.json()["data"]
    assert (data["active_connections"], data["total_connections"], data["total_subscriptions"]) == (1, 1, 1)
    assert data["subscription_counts"] == data["subscriptions"]
    assert data["next_offset"] is None
    assert data["subscriptions"]["news"] == 1
    (info,) = data["clients"]
    assert (info["endpoint"], info["subscriptions"], info["messages_received"]) == ("/ws", ["news"], 1)
    client.leave()


def test_stats_are_paged(server: LiveServer) -> None:
    """The newest clients first, each on one page; the counts are of all."""
    clients = [server.connect() for _ in range(7)]
    ids = [client.hear()["client_id"] for client in clients]
    url = f"http://127.0.0.1:{server.port}/ws/stats"
    listed: list[str] = []
    offset: int | None = 0
    while offset is not None:
        data = get(f"{url}?limit=3&offset={offset}").json()["data"]
        assert data["total_connections"] == 7
        listed += [client["client_id"] for client in data["clients"]]
        offset = data["next_offset"]
    assert listed == ids[::-1]
    beyond = get(f"{url}?offset=7").json()["data"]
    assert (beyond["clients"], beyond["next_offset"], beyond["total_connections"]) == ([], None, 7)


def test_stats_of_many_clients_are_a_page_with_turns_for_others(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one answer lists has an end, and others run before it is whole."""
    monkeypatch.setattr(json_websocket, "LISTED_AT_ONCE", 2)
    clients = [server.connect() for _ in range(5)]
    turns: list[str] = []
    green.spawn(lambda: turns.append("another"))
    assert len(server.websockets.stats(limit=4)["clients"]) == 4
    assert turns == ["another"]
    assert len(clients) == 5


@pytest.mark.parametrize(("host", "named"), [("a.example:7860", "a.example:7860"), ('"><b', None), ("a b", None)])
def test_endpoints_name_the_host_of_the_request(server: LiveServer, host: str, named: str | None) -> None:
    """As addresses to connect to; a host that is none is not repeated."""
    rows = get(f"http://127.0.0.1:{server.port}/ws/endpoints", Host=host).json()["data"]["endpoints"]
    base = f"ws://{named or f'localhost:{server.port}'}"
    assert {row["path"]: row["url"] for row in rows} == {each.path: base + each.path for each in ENDPOINTS}


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "offset=-1", "offset=x", "offset=1&offset=2", "page=1"])
def test_stats_refuse_nonsense(server: LiveServer, query: str) -> None:
    """By name."""
    reply = get(f"http://127.0.0.1:{server.port}/ws/stats?{query}")
    assert reply.status == 400
    assert query.partition("=")[0] in check_http_error(reply.body)["message"]


def test_last_activity_is_when_something_was_received(server: LiveServer) -> None:
    """Not when something was sent."""
    client = subscribed(server)
    (session,) = server.websockets._sessions
    session.info.last_activity = 5.0
    server.publish("news")
    client.hear()
    assert session.info.last_activity == 5.0
    client.ask({"action": "ping"})
    assert session.info.last_activity > 5.0


def test_ids_are_not_reused(server: LiveServer) -> None:
    """Each connection has its own."""
    ids = {server.connect().hear()["client_id"] for _ in range(10)}
    assert len(ids) == 10


@pytest.mark.parametrize("end", ["reset", "close", "leave"])
def test_counts_are_right_after_a_client_is_gone(server: LiveServer, end: str) -> None:
    """However it went."""
    for _ in range(20):
        getattr(subscribed(server), end)()
    server.wait_until_empty()
    stats = server.stats()
    assert (stats["active_connections"], stats["connections_since_start"], stats["total_subscriptions"]) == (0, 20, 0)
    assert stats["messages_received"] == 20
    assert sum(stats["closed"].values()) == 20
    assert server.edge._total == 0
    assert not server.edge._by_address


@pytest.mark.parametrize("path", ["/ws", "/ws/all"])
def test_client_that_vanishes_right_after_its_request_leaves_nothing(
    server: LiveServer, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer cannot be sent any more; no subscription stays behind."""
    for _ in range(20):
        client = RawClient(server.port)
        client.request(path)
        client.reset()
    # the requests are handled in order: when this one is answered, the others have been
    greeted(server).leave()
    server.wait_until_empty()
    assert server.stats()["total_subscriptions"] == 0
    assert server.stats()["active_connections"] == 0
    assert server.edge._total == 0
    assert "Traceback" not in caplog.text


def test_client_that_vanishes_while_it_subscribes_leaves_nothing(
    server: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The confirmation cannot be sent any more; the subscription must not stay behind."""
    for service in SERVICE_NAMES:
        server.publish(service, {"text": "x" * 10_000})
    for _ in range(20):
        client = greeted(server)
        client.say({"action": "subscribe", "service": "all"})
        client.reset()
    server.wait_until_empty()
    assert server.stats()["total_subscriptions"] == 0
    assert server.edge._total == 0
    assert "Traceback" not in caplog.text


def test_position_of_an_existing_subscription_is_not_recovered(server: LiveServer) -> None:
    """Nothing is replayed into a subscription that goes on, and the client is told so."""
    client = greeted(server)
    stood = positions(server, 3)[0]
    client.ask({"action": "subscribe", "service": "news"})
    client.hear()
    confirmed = client.ask({"action": "subscribe", "service": "news", "since": stood})
    assert confirmed["data"]["recovered"] is False
