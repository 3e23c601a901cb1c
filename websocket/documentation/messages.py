"""The messages of both protocols. ``UNSET`` as the default of a field means that the message may come without it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from websocket.catalogue import ALL, CHANNELS, SUBSCRIBABLE

Timestamp = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        extra_json_schema={"format": "date-time"},
    ),
]
"""RFC 3339 in UTC with milliseconds and ``Z``."""

ServiceName = Annotated[str, Meta(extra_json_schema={"enum": list(SUBSCRIBABLE)})]
ServiceOrAll = Annotated[str, Meta(extra_json_schema={"enum": [*SUBSCRIBABLE, ALL]})]
Channel = Annotated[str, Meta(extra_json_schema={"enum": list(CHANNELS)})]

RequestId = Annotated[str, Meta(max_length=128)] | int

Seq = Annotated[int, Meta(ge=0)]


class ErrorData(Struct, frozen=True, kw_only=True):
    """What went wrong. Programs act on ``code``; ``message`` is for people and may change.

    Attributes:
        code: one of the error codes.
        message: the same in words.
        temporary: true when the same request may succeed later.
        available_services: what there is, after ``invalid_service``.
        available_channels: what there is, after ``unknown_channel``.
        supported_actions: what there is, after ``unknown_action``, or an unknown event.
        retry_after_s: seconds until one more message is allowed, after ``rate_limited``.
        reconnect_in_ms: milliseconds to wait before you connect again, after ``shutting_down``; differs by client.
    """

    code: str
    message: str
    temporary: bool
    available_services: tuple[ServiceOrAll, ...] | UnsetType = UNSET
    available_channels: tuple[Channel, ...] | UnsetType = UNSET
    supported_actions: tuple[str, ...] | UnsetType = UNSET
    retry_after_s: float | UnsetType = UNSET
    reconnect_in_ms: int | UnsetType = UNSET


# Plain WebSocket, from the service


class Envelope(Struct, frozen=True, kw_only=True, tag_field="type"):
    """What every message of the service has.

    Attributes:
        service: the service whose update it is; ``system`` for all else.
        timestamp: when it was made, RFC 3339 UTC.
        req_id: that of the request which this answers; left out when the request had none.
    """

    service: str
    timestamp: Timestamp
    req_id: RequestId | UnsetType = UNSET


class ConnectionData(Struct, frozen=True, kw_only=True):
    """Who the client is, and what it may do here.

    Attributes:
        client_id: ``client_<n>_<unix seconds>``.
        available_services: the names that a subscription may have on this endpoint.
        endpoint: the path that was opened.
        supported_actions: what a client may send.
    """

    client_id: str
    available_services: tuple[ServiceOrAll, ...]
    endpoint: str
    supported_actions: tuple[str, ...]


class ConnectionEstablished(Envelope, frozen=True, kw_only=True, tag="connection_established"):
    """The first message on every endpoint.

    Attributes:
        data: who the client is, and what it may do here.
        client_id: the same as in ``data``, for clients that look for it here.
        available_services: the same as in ``data``, for clients that look for it here.
    """

    data: ConnectionData
    client_id: str
    available_services: tuple[ServiceOrAll, ...]


class WelcomeData(Struct, frozen=True, kw_only=True):
    """What there is, and how to ask for it.

    Attributes:
        message: a greeting that names the endpoint.
        available_services: names of the services, by group.
        usage: for each kind of request, an example of it.
    """

    message: str
    available_services: dict[str, tuple[ServiceOrAll, ...]]
    usage: dict[str, dict[str, Any]]


class Welcome(Envelope, frozen=True, kw_only=True, tag="welcome"):
    """The second message on the endpoints that welcome.

    Attributes:
        data: what there is, and how to ask for it.
    """

    data: WelcomeData


class Update(Envelope, frozen=True, kw_only=True, tag="update"):
    """News of a service. The first one after a subscription is the last known, marked as a snapshot.

    Attributes:
        data: the payload of the service.
        epoch: names the run of numbers that ``seq`` belongs to; another one after the service was restarted.
        seq: position in the service's updates, from 1; one more with each update of an epoch. A hole means that the
            client was too slow and got only the newest.
        snapshot: true when this is the last known update, sent because of a subscription.
        recovered: false when a resume was asked for and updates are missing between the position and this one.
    """

    data: Any
    epoch: str
    seq: Seq
    snapshot: Literal[True] | UnsetType = UNSET
    recovered: Literal[False] | UnsetType = UNSET


class SubscriptionData(Struct, frozen=True, kw_only=True):
    """What a request was about, and what holds now.

    Attributes:
        service: the name in the request: a service or ``all``.
        services: the services that this stands for here.
        subscriptions: all subscriptions of the connection after the request.
    """

    service: ServiceOrAll
    services: tuple[ServiceName, ...]
    subscriptions: tuple[ServiceName, ...]


class SubscribedData(SubscriptionData, frozen=True, kw_only=True):
    """What was subscribed to.

    Attributes:
        recovered: only after ``since``: true when exactly the missed updates follow, false when updates are missing.
    """

    recovered: bool | UnsetType = UNSET


class SubscriptionConfirmed(Envelope, frozen=True, kw_only=True, tag="subscription_confirmed"):
    """Answers ``subscribe``; on endpoints that subscribe by themselves it comes unasked.

    Attributes:
        data: what was subscribed to.
    """

    data: SubscribedData


class UnsubscriptionConfirmed(Envelope, frozen=True, kw_only=True, tag="unsubscription_confirmed"):
    """Answers ``unsubscribe``.

    Attributes:
        data: what was unsubscribed from.
    """

    data: SubscriptionData


class ServiceState(Struct, frozen=True, kw_only=True):
    """Where a service stands.

    Attributes:
        status: ``data.status`` of its last update; null before the first.
        reason: why it is not ``live``, or null.
        epoch: of its last update.
        seq: of its last update; 0 before the first.
    """

    status: str | None
    reason: str | None
    epoch: str
    seq: Seq


class StatusData(Struct, frozen=True, kw_only=True):
    """The connection and the services of its endpoint.

    Attributes:
        client_id: of this connection.
        endpoint: the path that was opened.
        connected_at: RFC 3339 UTC.
        last_activity: when the client sent something last, RFC 3339 UTC.
        subscriptions: what the connection is subscribed to.
        total_clients: clients of the plain WebSocket that are connected to this process, this one among them.
        available_services: the names that a subscription may have on this endpoint.
        messages_received: messages from this client.
        messages_sent: answers to this client; updates that go to everybody are not counted.
        services: where each service of the endpoint stands, by name.
    """

    client_id: str
    endpoint: str
    connected_at: Timestamp
    last_activity: Timestamp
    subscriptions: tuple[ServiceName, ...]
    total_clients: int
    available_services: tuple[ServiceOrAll, ...]
    messages_received: int
    messages_sent: int
    services: dict[str, ServiceState]


class Status(Envelope, frozen=True, kw_only=True, tag="status"):
    """Answers ``get_status``. Also comes unasked to clients with subscriptions when this process stops hearing of
    updates, which makes every service ``stale``, and when it hears of them again.

    Attributes:
        data: the connection and the services.
    """

    data: StatusData


class Pong(Envelope, frozen=True, kw_only=True, tag="pong"):
    """Answers ``ping``.

    Attributes:
        data: what the request had in ``data``; an empty object when it had none.
    """

    data: Any


class Error(Envelope, frozen=True, kw_only=True, tag="error"):
    """Answers what cannot be done. The connection stays.

    Attributes:
        data: what went wrong.
        available_services: the same as in ``data``, for clients that look for it here.
    """

    data: ErrorData
    available_services: tuple[ServiceOrAll, ...] | UnsetType = UNSET


# Plain WebSocket, from the client


class Position(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the client stood in a service's updates.

    Attributes:
        epoch: of the last update that it got.
        seq: of the same update.
    """

    epoch: str
    seq: int


class Action(Struct, frozen=True, kw_only=True, tag_field="action"):
    """What every request has.

    Attributes:
        req_id: comes back in every answer to this request, errors included.
    """

    req_id: RequestId | UnsetType | None = UNSET


class SubscribeAction(Action, frozen=True, kw_only=True, tag="subscribe"):
    """Subscribes to one service, to several, or to ``all`` of the endpoint. May be repeated.

    Attributes:
        service: a service or ``all``. Either this or ``services``.
        services: several of these; with ``all`` among them the others need not be named.
        since: resume: send what was missed since this position. Only with a single service.
    """

    service: ServiceOrAll | UnsetType = UNSET
    services: Annotated[tuple[ServiceOrAll, ...], Meta(min_length=1)] | UnsetType = UNSET
    since: Position | UnsetType | None = UNSET


class UnsubscribeAction(Action, frozen=True, kw_only=True, tag="unsubscribe"):
    """Ends one subscription, several, or ``all`` of the endpoint. May be repeated.

    Attributes:
        service: a service or ``all``. Either this or ``services``.
        services: several of these; with ``all`` among them the others need not be named.
    """

    service: ServiceOrAll | UnsetType = UNSET
    services: Annotated[tuple[ServiceOrAll, ...], Meta(min_length=1)] | UnsetType = UNSET


class GetStatusAction(Action, frozen=True, kw_only=True, tag="get_status"):
    """Asks for the state of the connection and of the services."""


class PingAction(Action, frozen=True, kw_only=True, tag="ping"):
    """Asks for a sign of life.

    Attributes:
        data: comes back as it is.
    """

    data: Any = UNSET


# Socket.IO, from the service


class Connected(Struct, frozen=True, kw_only=True):
    """The first event after the connection.

    Attributes:
        status: always ``connected``.
        sid: Socket.IO's name of the connection.
        timestamp: RFC 3339 UTC.
    """

    status: Literal["connected"]
    sid: str
    timestamp: Timestamp


class WelcomeMessage(Struct, frozen=True, kw_only=True):
    """The second event, which lists the channels.

    Attributes:
        type: always ``welcome``.
        channels: what can be subscribed to.
        timestamp: RFC 3339 UTC.
    """

    type: Literal["welcome"]
    channels: tuple[Channel, ...]
    timestamp: Timestamp


class SubscribeAck(Struct, frozen=True, kw_only=True):
    """The acknowledgement of ``subscribe``.

    Attributes:
        ok: true.
        channel: what was subscribed to.
        epoch: names the run of numbers that ``seq`` belongs to.
        seq: of the channel's last publication; 0 before the first.
    """

    ok: Literal[True]
    channel: Channel
    epoch: str
    seq: Seq


class UnsubscribeAck(Struct, frozen=True, kw_only=True):
    """The acknowledgement of ``unsubscribe``.

    Attributes:
        ok: true.
        channel: what was unsubscribed from.
    """

    ok: Literal[True]
    channel: Channel


class PingAck(Struct, frozen=True, kw_only=True):
    """The acknowledgement of ``ping``.

    Attributes:
        ok: true.
        data: what the event had in ``data``, or null.
        timestamp: RFC 3339 UTC.
    """

    ok: Literal[True]
    data: Any
    timestamp: Timestamp


class RefusedAck(ErrorData, frozen=True, kw_only=True):
    """The acknowledgement of an event that cannot be done; an ``error`` event says the same.

    Attributes:
        ok: false.
    """

    ok: Literal[False]


# Socket.IO, from the client


class ConnectAuth(Struct, frozen=True, kw_only=True):
    """What a client may send while it connects, as ``auth``.

    Attributes:
        defaults: false: send nothing unasked. Otherwise ``crypto-prices`` comes until the first own ``subscribe`` or
            ``unsubscribe``.
    """

    defaults: bool | UnsetType = UNSET


class ChannelEvent(Struct, frozen=True, kw_only=True):
    """What ``subscribe`` and ``unsubscribe`` are about.

    Attributes:
        channel: one of the channels.
    """

    channel: Channel


class PingEvent(Struct, frozen=True, kw_only=True):
    """Asks for a sign of life.

    Attributes:
        data: comes back in the acknowledgement.
    """

    data: Any = UNSET
