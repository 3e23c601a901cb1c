"""All messages of both protocols with examples, made from the catalogue, the payloads and the types."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from websocket.catalogue import (
    ALL,
    CHANNELS,
    CRYPTO_PRICES,
    ENDPOINTS,
    GROUPS,
    MARKET_DATA,
    SERVICES,
    SYSTEM,
    EndpointInfo,
    services_of,
)
from websocket.documentation import messages
from websocket.documentation.payloads import EXAMPLE_TIME, payload_of
from websocket.documentation.schemas import as_json, documentation_of
from websocket.feed_status import FeedStatus

ACTION_TYPES: tuple[type[messages.Action], ...] = (
    messages.SubscribeAction,
    messages.UnsubscribeAction,
    messages.GetStatusAction,
    messages.PingAction,
)
ACTIONS: tuple[str, ...] = tuple(str(action.__struct_config__.tag) for action in ACTION_TYPES)

EXAMPLE_EPOCH = "92a03bf61260"
EXAMPLE_CLIENT = "client_1_1795255200"
EXAMPLE_SID = "q1S-3ciiAcYdLBHJAAAB"


class MessageInfo(Struct, frozen=True, kw_only=True):
    """One kind of message.

    Attributes:
        key: names it within its protocol and direction, for example ``update_market_data``.
        name: what stands on the wire: its ``type``, its ``action``, or the name of its event.
        summary: what it is for, Markdown.
        type: of the message; over Socket.IO, of the event's payload.
        examples: messages of that type.
        answers: keys of the messages that may come as answers.
    """

    key: str
    name: str
    summary: str
    type: Any
    examples: tuple[Any, ...]
    answers: tuple[str, ...] = ()

    def json_examples(self) -> list[Any]:
        """The examples as JSON values."""
        return [as_json(example) for example in self.examples]


@cache
def update_type(service: str) -> type[messages.Update]:
    """``Update`` with the name and the payload of one service."""
    return msgspec.defstruct(  # type: ignore[return-value]
        "Update" + "".join(word.capitalize() for word in service.split("_")),
        [
            ("service", Annotated[str, Meta(extra_json_schema={"enum": [service]})]),
            ("data", payload_of(service).type),
        ],
        bases=(messages.Update,),
        namespace={"__doc__": f"News of `{service}`.\n\nAttributes:\n    data: the payload of `{service}`."},
        frozen=True,
        kw_only=True,
        tag_field="type",
        tag="update",
    )


def _update(service: str, **marks: Any) -> messages.Update:
    return update_type(service)(
        service=service,
        timestamp=EXAMPLE_TIME,
        data=payload_of(service).example,
        epoch=EXAMPLE_EPOCH,
        seq=1042,
        **marks,
    )


def _message(kind: type[Struct], *examples: Any, key: str = "", name: str = "", **more: Any) -> MessageInfo:
    name = name or str(kind.__struct_config__.tag)
    return MessageInfo(
        key=key or name, name=name, summary=documentation_of(kind).summary, type=kind, examples=examples, **more
    )


# Plain WebSocket


def plain_messages(endpoints: Sequence[EndpointInfo] = ENDPOINTS) -> tuple[list[MessageInfo], list[MessageInfo]]:
    """All messages of all endpoints, from the service and from clients; examples are of the first that has them."""
    sent = {message.key: message for endpoint in reversed(endpoints) for message in from_service(endpoint)}
    received = {message.key: message for endpoint in reversed(endpoints) for message in from_client(endpoint)}
    order = [message.key for endpoint in endpoints for message in from_service(endpoint)]
    return [sent[key] for key in dict.fromkeys(order)], list(received.values())


def from_service(endpoint: EndpointInfo) -> list[MessageInfo]:
    """What the service may send on an endpoint."""
    return [
        _connection_established(endpoint),
        *([_welcome(endpoint)] if endpoint.welcomes else []),
        _confirmation(messages.SubscriptionConfirmed, endpoint, [endpoint.services[0]]),
        *(_update_message(service) for service in endpoint.services),
        _confirmation(messages.UnsubscriptionConfirmed, endpoint, []),
        _status(endpoint),
        _message(
            messages.Pong,
            messages.Pong(service="system", timestamp=EXAMPLE_TIME, data={"sent": 1795255200123}, req_id=7),
        ),
        _error(endpoint),
    ]


def from_client(endpoint: EndpointInfo) -> list[MessageInfo]:
    """What a client may send on an endpoint."""
    first = endpoint.services[0]
    updates = tuple(_update_key(service) for service in endpoint.services)
    subscribe = [
        messages.SubscribeAction(service=first, req_id=1),
        messages.SubscribeAction(service=ALL),
        messages.SubscribeAction(services=endpoint.services[:2]),
        messages.SubscribeAction(service=first, since=messages.Position(epoch=EXAMPLE_EPOCH, seq=1040)),
    ]
    return [
        _message(messages.SubscribeAction, *subscribe, answers=("subscription_confirmed", *updates, "error")),
        _message(
            messages.UnsubscribeAction,
            messages.UnsubscribeAction(service=first),
            messages.UnsubscribeAction(services=endpoint.services[:2]),
            answers=("unsubscription_confirmed", "error"),
        ),
        _message(messages.GetStatusAction, messages.GetStatusAction(req_id="status-1"), answers=("status", "error")),
        _message(
            messages.PingAction, messages.PingAction(data={"sent": 1795255200123}, req_id=7), answers=("pong", "error")
        ),
    ]


def _update_key(service: str) -> str:
    return f"update_{service}"


def _update_message(service: str) -> MessageInfo:
    examples = [_update(service), _update(service, snapshot=True)]
    if service == MARKET_DATA:
        examples.append(_update(service, snapshot=True, recovered=False, req_id=1))
    return _message(update_type(service), *examples, key=_update_key(service))


def _connection_established(endpoint: EndpointInfo) -> MessageInfo:
    data = messages.ConnectionData(
        client_id=EXAMPLE_CLIENT,
        available_services=endpoint.names,
        endpoint=endpoint.path,
        supported_actions=ACTIONS,
    )
    example = messages.ConnectionEstablished(
        service="system",
        timestamp=EXAMPLE_TIME,
        data=data,
        client_id=data.client_id,
        available_services=data.available_services,
    )
    return _message(messages.ConnectionEstablished, example)


def _welcome(endpoint: EndpointInfo) -> MessageInfo:
    service = "service_name"
    requests: Sequence[messages.Action] = (
        messages.SubscribeAction(service=service),
        messages.UnsubscribeAction(service=service),
        messages.GetStatusAction(),
        messages.PingAction(data={}),
    )
    data = messages.WelcomeData(
        message="Connected to master WebSocket endpoint",
        available_services={group: services_of(group) for group in GROUPS},
        usage={str(request["action"]): request for request in map(as_json, requests)},
    )
    return _message(messages.Welcome, messages.Welcome(service="system", timestamp=EXAMPLE_TIME, data=data))


def _confirmation(
    kind: type[messages.SubscriptionConfirmed | messages.UnsubscriptionConfirmed],
    endpoint: EndpointInfo,
    subscriptions: Sequence[str],
) -> MessageInfo:
    service = endpoint.services[0]
    data = messages.SubscribedData(service=service, services=(service,), subscriptions=tuple(subscriptions))
    return _message(kind, kind(service="system", timestamp=EXAMPLE_TIME, data=data, req_id=1))


def _status(endpoint: EndpointInfo) -> MessageInfo:
    service = endpoint.services[0]
    payload = as_json(payload_of(service).example)
    data = messages.StatusData(
        client_id=EXAMPLE_CLIENT,
        endpoint=endpoint.path,
        connected_at=EXAMPLE_TIME,
        last_activity=EXAMPLE_TIME,
        subscriptions=(service,),
        total_clients=5,
        available_services=endpoint.names,
        messages_received=2,
        messages_sent=4,
        services={
            service: messages.ServiceState(
                status=payload["status"], reason=payload["reason"], epoch=EXAMPLE_EPOCH, seq=1042
            )
        },
    )
    example = messages.Status(service="system", timestamp=EXAMPLE_TIME, data=data, req_id="status-1")
    return _message(messages.Status, example)


def _error(endpoint: EndpointInfo) -> MessageInfo:
    mistakes = (
        messages.ErrorData(
            code="invalid_service",
            message="Invalid service: 'weather'.",
            temporary=False,
            available_services=endpoint.names,
        ),
        messages.ErrorData(
            code="unknown_action", message="Unknown action 'dance'.", temporary=False, supported_actions=ACTIONS
        ),
        messages.ErrorData(
            code="rate_limited", message="Too many messages; slow down.", temporary=True, retry_after_s=0.05
        ),
    )
    examples = [
        messages.Error(
            service="system", timestamp=EXAMPLE_TIME, data=mistake, available_services=mistake.available_services
        )
        for mistake in mistakes
    ]
    return _message(messages.Error, *examples)


# Socket.IO


def socketio_from_service() -> list[MessageInfo]:
    """The events of the service."""
    connected = messages.Connected(status="connected", sid=EXAMPLE_SID, timestamp=EXAMPLE_TIME)
    welcome = messages.WelcomeMessage(type="welcome", channels=CHANNELS, timestamp=EXAMPLE_TIME)
    status = payload_of(SYSTEM).example.feed
    mistake = messages.ErrorData(
        code="unknown_channel", message="There is no such channel.", temporary=False, available_channels=CHANNELS
    )
    prices = payload_of(CRYPTO_PRICES)
    return [
        _message(messages.Connected, connected, name="connected"),
        _message(messages.WelcomeMessage, welcome, name="message"),
        MessageInfo(
            key=CRYPTO_PRICES,
            name=CRYPTO_PRICES,
            summary="The prices, at once after a subscription and then with every publication. A coin without an"
            " accepted price is left out.",
            type=prices.type,
            examples=(prices.example,),
        ),
        *(
            _message(update_type(service.name), _update(service.name), key=service.name, name=service.name)
            for service in SERVICES
        ),
        _message(FeedStatus, status, name="feed-status"),
        _message(messages.ErrorData, mistake, name="error"),
    ]


def socketio_from_client() -> list[MessageInfo]:
    """The events that a client may send."""
    about = messages.ChannelEvent(channel=CRYPTO_PRICES)
    return [
        MessageInfo(
            key="subscribe",
            name="subscribe",
            summary="Joins a channel: its last publication comes at once, then every new one. May be repeated.",
            type=messages.ChannelEvent,
            examples=(about,),
            answers=("subscribe_ack", "refused_ack"),
        ),
        MessageInfo(
            key="unsubscribe",
            name="unsubscribe",
            summary="Leaves a channel. May be repeated.",
            type=messages.ChannelEvent,
            examples=(about,),
            answers=("unsubscribe_ack", "refused_ack"),
        ),
        _message(
            messages.PingEvent,
            messages.PingEvent(data={"sent": 1795255200123}),
            name="ping",
            answers=("ping_ack", "refused_ack"),
        ),
    ]


def socketio_acks() -> list[MessageInfo]:
    """What a client's event is acknowledged with, when it asked for an acknowledgement."""
    return [
        _message(
            messages.SubscribeAck,
            messages.SubscribeAck(ok=True, channel=CRYPTO_PRICES, epoch=EXAMPLE_EPOCH, seq=1042),
            name="subscribe_ack",
        ),
        _message(
            messages.UnsubscribeAck, messages.UnsubscribeAck(ok=True, channel=CRYPTO_PRICES), name="unsubscribe_ack"
        ),
        _message(
            messages.PingAck,
            messages.PingAck(ok=True, data={"sent": 1795255200123}, timestamp=EXAMPLE_TIME),
            name="ping_ack",
        ),
        _message(
            messages.RefusedAck,
            messages.RefusedAck(
                ok=False, code="bad_request", message="Expected the field channel to be a string.", temporary=False
            ),
            name="refused_ack",
        ),
    ]
