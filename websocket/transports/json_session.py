"""The plain JSON protocol of one connection: what a client may say, and what it gets. Knows no socket and no HTTP.

Every message from us is ``{"service", "type", "data", "timestamp"}``; updates also carry ``seq`` and ``epoch``, answers
the ``req_id`` of their request.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from websocket import codec
from websocket.broker.base import Publication
from websocket.catalogue import ALL, GROUPS, SUBSCRIBABLE, SYSTEM, EndpointInfo, services_of
from websocket.errors import (
    BadRequest,
    ClientError,
    InvalidService,
    ShuttingDown,
    TooManyRequests,
    TooManySubscriptions,
    UnknownAction,
    UnsupportedData,
)
from websocket.hub import Hub
from websocket.records import to_rfc3339
from websocket.settings import EdgeSettings
from websocket.wire.connection import Connection
from websocket.wire.frames import text_frame

logger = logging.getLogger(__name__)

REQ_ID_MAX = 128

ACTIONS = ("subscribe", "unsubscribe", "get_status", "ping")

USAGE = {
    "subscribe": {"action": "subscribe", "service": "service_name"},
    "subscribe_several": {"action": "subscribe", "services": ["service_name", "service_name"]},
    "resume": {"action": "subscribe", "service": "service_name", "since": {"epoch": "epoch", "seq": 0}},
    "unsubscribe": {"action": "unsubscribe", "service": "service_name"},
    "get_status": {"action": "get_status"},
    "ping": {"action": "ping", "data": {}},
}


class Position(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a client stood in a channel: the ``epoch`` and ``seq`` of the last update that it got."""

    epoch: str
    seq: int


class ClientInfo(msgspec.Struct, kw_only=True):
    """What is known about a connected client.

    Attributes:
        client_id: ``client_<n>_<unix seconds>``.
        endpoint: the path that it opened.
        connected_at: Unix seconds.
        last_activity: when something was received from it, Unix seconds; at first when it connected.
        received: messages from it.
        answered: messages to it, publications not counted.
    """

    client_id: str
    endpoint: str
    connected_at: float
    last_activity: float
    received: int = 0
    answered: int = 0


class JsonSession:
    """One client of the plain protocol.

    Args:
        endpoint: what is offered where it connected.
        info: kept up to date by the session.
        hub: subscriptions.
        limits: of the client's messages.
        count: gives the clients of the plain protocol that are connected to this process.
        clock: wall clock, Unix seconds.
        on_closed: called once at the end.
    """

    __slots__ = (
        "_clock",
        "_connection",
        "_count",
        "_endpoint",
        "_hub",
        "_limits",
        "_on_closed",
        "info",
        "subscriptions",
    )

    def __init__(
        self,
        endpoint: EndpointInfo,
        info: ClientInfo,
        hub: Hub,
        limits: EdgeSettings,
        *,
        count: Callable[[], int],
        clock: Callable[[], float],
        on_closed: Callable[[JsonSession], None],
    ) -> None:
        self._endpoint = endpoint
        self.info = info
        self._hub = hub
        self._limits = limits
        self._count = count
        self._clock = clock
        self._on_closed = on_closed
        self._connection: Connection | None = None
        self.subscriptions: list[str] = []

    def start(self, connection: Connection) -> None:
        """Greets the client; on an endpoint that subscribes by itself, does so."""
        self._connection = connection
        endpoint = self._endpoint
        self._send(
            "connection_established",
            {
                "client_id": self.info.client_id,
                "available_services": endpoint.names,
                "endpoint": endpoint.path,
                "supported_actions": ACTIONS,
            },
            client_id=self.info.client_id,
            available_services=endpoint.names,
        )
        if endpoint.welcomes:
            name = endpoint.path.removeprefix("/ws").strip("/") or "default"
            welcome = {
                "message": f"Connected to {name} WebSocket endpoint",
                "available_services": {group: services_of(group) for group in GROUPS},
                "usage": USAGE,
            }
            self._send("welcome", welcome)
        if endpoint.subscribes is not None:
            self._subscribe(self._services_of(endpoint.subscribes), endpoint.subscribes, None, {})

    # What arrives

    def on_text(self, text: str) -> None:
        """One message of the client. Whatever it is, it is answered and the connection stays."""
        self._note_arrival()
        echo: dict[str, Any] = {}
        try:
            message = self._parse(text)
            echo = _echo_of(message)
            if _is_deeper_than(message, self._limits.max_nesting):
                raise self._too_deep()
            self._dispatch(message, echo)
        except ClientError as error:
            self._send_error(error, echo)

    def on_binary(self) -> None:
        """Binary messages mean nothing here."""
        self._note_arrival()
        self._send_error(UnsupportedData("Expected a text message, got a binary one."), {})

    def on_refused(self, text: str | None) -> None:
        """The client sends, or asks for, more than it may."""
        assert self._connection is not None
        self._note_arrival()
        echo: dict[str, Any] = {}
        if text is not None:
            with contextlib.suppress(ClientError):
                echo = _echo_of(self._parse(text))
        wait_s = self._connection.rate.retry_after_s
        self._send_error(TooManyRequests("Too many messages; slow down.", retry_after_s=wait_s), echo)

    def say_goodbye(self, notice: bytes | None) -> None:
        """Tells the client that this process ends.

        Args:
            notice: frame of the notice about it, for a client that is subscribed to notices; None without one.
        """
        assert self._connection is not None
        if notice is not None and SYSTEM in self.subscriptions:
            self._connection.offer(SYSTEM, notice)
        self._send_error(ShuttingDown(), {})

    def tell_status(self) -> None:
        """Sends what ``get_status`` would, unasked, to a client that is subscribed to something."""
        if self.subscriptions:
            self._send("status", self._status())

    def on_closed(self, code: int) -> None:
        """The connection is gone."""
        if self._connection is not None:
            for service in self.subscriptions:
                self._hub.unsubscribe(self._connection, service)
        logger.debug("client left client_id=%s code=%s", self.info.client_id, code)
        self._on_closed(self)

    def _note_arrival(self) -> None:
        self.info.received += 1
        self.info.last_activity = self._clock()

    def _too_deep(self) -> ClientError:
        return BadRequest(f"Nested deeper than {self._limits.max_nesting} levels.")

    def _parse(self, text: str) -> dict[str, Any]:
        try:
            message = codec.decode(text)
        except RecursionError:
            raise self._too_deep() from None
        except ValueError:
            raise BadRequest("Expected a JSON object; this is not JSON.") from None
        if not isinstance(message, dict):
            raise BadRequest('Expected a JSON object such as {"action": "subscribe", "service": "market_data"}.')
        return message

    def _dispatch(self, message: dict[str, Any], echo: dict[str, Any]) -> None:
        action = message.get("action")
        if action == "subscribe":
            services, name = self._services_in(message)
            self._subscribe(services, name, _position_in(message, services), echo)
        elif action == "unsubscribe":
            services, name = self._services_in(message)
            self._unsubscribe(services, name, echo)
        elif action == "get_status":
            self._send("status", self._status(), **echo)
        elif action == "ping":
            data = message.get("data")
            self._send("pong", {} if data is None else data, **echo)
        else:
            said = f"Unknown action {action!r}." if isinstance(action, str) else "Expected the field action."
            raise UnknownAction(said[:200], supported_actions=list(ACTIONS))

    def _services_in(self, message: dict[str, Any]) -> tuple[list[str], str | None]:
        """The services that a request is about, and the one name for all of them, if it had one."""
        if "services" in message:
            if "service" in message:
                raise BadRequest("Expected either service or services, not both.")
            names = message["services"]
            if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
                raise BadRequest("Expected services to be a list of service names.")
            if ALL in names:
                return self._services_of(ALL), ALL
            return list(dict.fromkeys(service for name in names for service in self._services_of(name))), None
        name = message.get("service")
        if not isinstance(name, str):
            raise BadRequest("Expected the field service to be a string.")
        return self._services_of(name), name

    def _services_of(self, name: str) -> list[str]:
        """What a name stands for on this endpoint."""
        endpoint = self._endpoint
        if name == ALL:
            return list(endpoint.services)
        if name in endpoint.services:
            return [name]
        reason = f"Invalid service: {name[:64]!r}."
        if name in SUBSCRIBABLE:
            reason = f"Invalid service here: {name} is not offered on {endpoint.path}."
        raise InvalidService(reason, available_services=endpoint.names)

    # What it brings about

    def _subscribe(
        self, services: Iterable[str], name: str | None, since: Position | None, echo: dict[str, Any]
    ) -> None:
        """Confirms, then sends what each new subscription begins with.

        Args:
            services: what to subscribe to.
            name: one confirmation under this name; None for one per service.
            since: where the client stood in the only service.
            echo: fields of the request to repeat.
        """
        connection = self._connection
        assert connection is not None
        services = list(services)
        new = [service for service in services if service not in self.subscriptions]
        if len(self.subscriptions) + len(new) > self._limits.max_subscriptions:
            raise TooManySubscriptions(f"A connection may have {self._limits.max_subscriptions} subscriptions.")
        self.subscriptions += new
        # nothing yields from here on, so nothing is published between the replay and the subscription
        missed = None if since is None or not new else self._missed(new[0], since)
        told = {} if since is None else {"recovered": missed is not None}
        if name is not None:
            self._confirm("subscription_confirmed", name, services, echo, **told)
        for service in services:
            if name is None:
                self._confirm("subscription_confirmed", service, [service], echo, **told)
            if service not in new:
                continue
            last = self._hub.subscribe(connection, service)
            if missed is not None:
                for publication in missed:
                    connection.push(update_frame(publication, **echo))
            elif last is not None:
                own = update_frame(last, snapshot=True, **told, **echo) if told or echo else None
                connection.show(service, self._hub.snapshot(last), own)

    def _missed(self, service: str, since: Position) -> list[Publication] | None:
        """Exactly what was published after a position; None when that cannot be said or would be too much to send."""
        assert self._connection is not None
        missed = self._hub.broker_of(service).since(service, since.epoch, since.seq)
        # a replay that fills the queue would end the connection as too slow, and again after the next resume
        if missed is None or 2 * sum(len(one.body) for one in missed) > self._connection.room_bytes:
            return None
        return missed

    def _unsubscribe(self, services: Iterable[str], name: str | None, echo: dict[str, Any]) -> None:
        assert self._connection is not None
        services = list(services)
        for service in services:
            if service in self.subscriptions:
                self.subscriptions.remove(service)
                self._hub.unsubscribe(self._connection, service)
        for covered, label in [(services, name)] if name is not None else [([one], one) for one in services]:
            self._confirm("unsubscription_confirmed", label, covered, echo)

    def _status(self) -> dict[str, Any]:
        info = self.info
        return {
            "client_id": info.client_id,
            "endpoint": info.endpoint,
            "connected_at": to_rfc3339(info.connected_at),
            "last_activity": to_rfc3339(info.last_activity),
            "subscriptions": list(self.subscriptions),
            "total_clients": self._count(),
            "available_services": self._endpoint.names,
            "messages_received": info.received,
            "messages_sent": info.answered,
            "services": {service: self._service_state(service) for service in self._endpoint.services},
        }

    def _service_state(self, service: str) -> dict[str, Any]:
        """``{"status", "reason", "seq", "epoch"}``; status null before the service has said anything, and ``stale``
        while this process does not hear of any updates.
        """
        broker = self._hub.broker_of(service)
        last = broker.last(service)
        epoch, seq = broker.position(service)
        data = {} if last is None else last.data
        trouble = self._hub.trouble()
        status, reason = (data.get("status"), data.get("reason")) if trouble is None else ("stale", trouble)
        return {"status": status, "reason": reason, "epoch": epoch, "seq": seq}

    # What leaves

    def _confirm(self, kind: str, name: str, services: list[str], echo: dict[str, Any], **told: Any) -> None:
        data = {"service": name, "services": services, "subscriptions": list(self.subscriptions), **told}
        self._send(kind, data, **echo)

    def _send_error(self, error: ClientError, echo: dict[str, Any]) -> None:
        # at both places, as in the greeting: clients of both shapes exist
        names = {key: value for key, value in error.details.items() if key == "available_services"}
        self._send("error", error.to_wire(), **names, **echo)

    def _send(self, kind: str, data: Any, **extra: Any) -> None:
        assert self._connection is not None
        self.info.answered += 1
        message = {"service": SYSTEM, "type": kind, "data": data, "timestamp": to_rfc3339(self._clock()), **extra}
        self._connection.push(text_frame(codec.encode(message)))


def update_frame(publication: Publication, /, **extra: Any) -> bytes:
    """The frame of an update, the same for every client; ``extra`` marks a snapshot, or is for one of them."""
    head = {
        "service": publication.channel,
        "type": "update",
        "timestamp": to_rfc3339(publication.time),
        "epoch": publication.epoch,
        "seq": publication.seq,
        **extra,
    }
    # the payload is encoded already; only its envelope is new
    return text_frame(codec.encode(head)[:-1] + b',"data":' + publication.body + b"}")


def _position_in(message: dict[str, Any], services: list[str]) -> Position | None:
    since = message.get("since")
    if since is None:
        return None
    if len(services) != 1:
        raise BadRequest("Expected since only with a single service.")
    try:
        return msgspec.convert(since, Position)
    except msgspec.ValidationError as error:
        raise BadRequest(f"Expected since to be {{epoch, seq}}: {error}") from None


def _echo_of(message: dict[str, Any]) -> dict[str, Any]:
    """The fields of a request that its answers repeat."""
    req_id = message.get("req_id")
    if req_id is None:
        return {}
    if isinstance(req_id, bool) or not isinstance(req_id, (str, int)) or len(str(req_id)) > REQ_ID_MAX:
        raise BadRequest(f"Expected req_id to be a string or a whole number of at most {REQ_ID_MAX} characters.")
    return {"req_id": req_id}


def _is_deeper_than(value: Any, levels: int) -> bool:
    """Whether arrays and objects are nested in more than so many levels. Takes one pass, without recursion."""
    layer = [value]
    while layer:
        if levels == 0:
            return any(isinstance(item, (dict, list)) for item in layer)
        levels -= 1
        layer = [
            inner
            for item in layer
            if isinstance(item, (dict, list))
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return False
