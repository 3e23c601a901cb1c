"""Socket.IO: channels as rooms, and the events of the exchange's front end.

From us: ``connected``, ``message`` (welcome), ``feed-status``, ``error``, and an event named like the channel for each
publication. From clients: ``subscribe``, ``unsubscribe``, ``ping``; each may ask for an acknowledgement.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import flask_socketio

from websocket.broker.base import Publication
from websocket.catalogue import CHANNELS, CRYPTO_PRICES
from websocket.errors import BadRequest, ClientError, ShuttingDown, TooManyRequests, UnknownChannel
from websocket.feed_status import FeedStatus
from websocket.hub import Hub, Newest
from websocket.records import to_rfc3339

logger = logging.getLogger(__name__)

DEFAULT_ROOM = f"{CRYPTO_PRICES} by default"
"""Room of the clients that never said what they want. It is not a channel name, so nobody can subscribe to it."""


class FeedNamespace(flask_socketio.Namespace):  # type: ignore[misc]
    """The default namespace ``/``.

    Deployed front ends of this API subscribe again only on an event that Socket.IO never fires any more, so a new
    connection is in a default room with ``crypto-prices`` until its first own ``subscribe`` or ``unsubscribe``.

    Args:
        hub: whose publications are delivered, and where snapshots come from.
        feed_status: gives the status of a channel's feed, or None for a channel that has none of its own.
        clock: wall clock, Unix seconds.
    """

    def __init__(
        self,
        hub: Hub,
        *,
        feed_status: Callable[[str], FeedStatus | None],
        clock: Callable[[], float],
    ) -> None:
        super().__init__("/")
        self._hub = hub
        self._broker = hub.broker
        self._feed_status = feed_status
        self._clock = clock
        # the same object for all clients, by which the manager knows that it has the frame already
        self._payloads: Newest[Any] = Newest(_payload)
        self._actions: dict[str, Callable[[str, Any], dict[str, Any]]] = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "ping": self._ping,
        }
        # channel -> clients whose snapshot is newer than what was delivered, with how many publications had come then:
        # these must not come to them once more
        self._ahead: dict[str, dict[str, int]] = {}
        hub.attach(self._deliver)

    def trigger_event(self, event: Any, *args: Any) -> Any:
        """Dispatches what arrived; what a handler returns becomes the acknowledgement.

        Overridden because every event must get an answer: the base class ignores unknown ones in silence, and makes
        a Flask request context for each message.
        """
        if event == "connect":
            sid, _environ, *auth = args
            return self._on_connect(sid, auth[0] if auth else None)
        if event == "disconnect":
            logger.debug("client left sid=%s", args[0])
            return None
        sid, *data = args
        try:
            self._check_paid(sid)
            return {"ok": True, **self._dispatch(event, sid, data)}
        except ClientError as error:
            return self._refuse(sid, error.to_wire())
        except Exception:
            # one client's message must not end its connection, nor anybody else's
            logger.exception("message failed event=%s sid=%s", event, sid)
            return self._refuse(
                sid, {"code": "internal", "message": "This failed on our side; it is logged.", "temporary": True}
            )

    def emit_feed_status(self, status: FeedStatus) -> None:
        """Tells the subscribers of a channel what has become of its feed."""
        self._emit("feed-status", status, to=_rooms(status.channel))

    def say_goodbye(self) -> None:
        """Tells every client that this process ends, each with a wait of its own; the connections are closed by
        others.
        """
        for sid, _engine_sid in list(self.server.manager.get_participants(self.namespace, None)):
            self._emit("error", ShuttingDown().to_wire(), to=sid)

    def count(self, channel: str) -> int:
        """Clients that get a channel."""
        return sum(self.server.manager.members(self.namespace, room) for room in _rooms(channel))

    # What arrived

    def _on_connect(self, sid: str, auth: Any) -> None:
        logger.debug("client joined sid=%s", sid)
        now = to_rfc3339(self._clock())
        self._emit("connected", {"status": "connected", "sid": sid, "timestamp": now}, to=sid)
        self._emit("message", {"type": "welcome", "channels": list(CHANNELS), "timestamp": now}, to=sid)
        if not (isinstance(auth, dict) and auth.get("defaults") is False):
            self.enter_room(sid, DEFAULT_ROOM)

    def _check_paid(self, sid: str) -> None:
        """Refuses an event for which the engine asked for a token and got none."""
        socket = self._socket(sid)
        if socket is not None and socket.rate.refused:
            raise TooManyRequests("Too many messages; slow down.", retry_after_s=socket.rate.retry_after_s)

    def _socket(self, sid: str) -> Any:
        """The engine's socket of a client; None when it is gone."""
        server = self.server
        return server.eio.sockets.get(server.manager.eio_sid_from_sid(sid, self.namespace))

    def _dispatch(self, event: Any, sid: str, data: Sequence[Any]) -> dict[str, Any]:
        action = self._actions.get(event) if isinstance(event, str) else None
        if action is None:
            raise BadRequest("Unknown event.", supported_actions=list(self._actions))
        return action(sid, data[0] if data else None)

    def _subscribe(self, sid: str, data: Any) -> dict[str, Any]:
        channel = _channel_in(data)
        self._leave(sid, DEFAULT_ROOM)
        is_new = channel not in self.rooms(sid)
        self.enter_room(sid, channel)
        epoch, seq = self._broker.position(channel)
        if is_new:
            # no other green thread runs between joining and this, so nothing is missed
            last = self._broker.last(channel)
            if last is not None:
                if self._hub.arrived(channel) > self._hub.delivered(channel):
                    self._ahead.setdefault(channel, {})[sid] = self._hub.arrived(channel)
                self._emit(channel, self._payloads.of(last), to=sid)
            status = self._feed_status(channel)
            if status is not None:
                self._emit("feed-status", status, to=sid)
        return {"channel": channel, "epoch": epoch, "seq": seq}

    def _unsubscribe(self, sid: str, data: Any) -> dict[str, Any]:
        channel = _channel_in(data)
        self._leave(sid, DEFAULT_ROOM)
        self._leave(sid, channel)
        return {"channel": channel}

    def _leave(self, sid: str, room: str) -> None:
        """Ends what a client gets by a room; what was not sent yet is forgotten."""
        channel = CRYPTO_PRICES if room == DEFAULT_ROOM else room
        self.leave_room(sid, room)
        socket = self._socket(sid)
        if socket is not None and not set(_rooms(channel)) & set(self.rooms(sid)):
            socket.forget(channel)

    def _ping(self, _sid: str, data: Any) -> dict[str, Any]:
        echoed = data.get("data") if isinstance(data, dict) else None
        return {"data": echoed, "timestamp": to_rfc3339(self._clock())}

    def _refuse(self, sid: str, error: dict[str, Any]) -> dict[str, Any]:
        self._emit("error", error, to=sid)
        return {"ok": False, **error}

    # What leaves

    def _deliver(self, publication: Publication) -> None:
        channel = publication.channel
        if channel not in CHANNELS:
            return
        number = self._hub.delivered(channel) + 1
        ahead = {sid: known for sid, known in self._ahead.pop(channel, {}).items() if known >= number}
        still_ahead = {sid: known for sid, known in ahead.items() if known > number}
        if still_ahead:
            self._ahead[channel] = still_ahead
        self._emit(channel, self._payloads.of(publication), to=_rooms(channel), skip_sid=list(ahead))

    def _emit(self, event: str, data: Any, *, to: str | list[str], skip_sid: list[str] | None = None) -> None:
        self.server.emit(event, data, to=to, skip_sid=skip_sid, namespace=self.namespace)


def _rooms(channel: str) -> list[str]:
    return [channel, DEFAULT_ROOM] if channel == CRYPTO_PRICES else [channel]


def _payload(publication: Publication) -> Any:
    """The exchange's feed is a bare array; every service comes in the same envelope as on the plain WebSocket."""
    if publication.channel == CRYPTO_PRICES:
        return publication.data
    return {
        "service": publication.channel,
        "type": "update",
        "data": publication.data,
        "timestamp": to_rfc3339(publication.time),
        "epoch": publication.epoch,
        "seq": publication.seq,
    }


def _channel_in(data: Any) -> str:
    if not isinstance(data, dict):
        raise BadRequest('Expected an object such as {"channel": "crypto-prices"}.')
    channel = data.get("channel")
    if not isinstance(channel, str):
        raise BadRequest("Expected the field channel to be a string.")
    if channel not in CHANNELS:
        raise UnknownChannel("There is no such channel.", available_channels=list(CHANNELS))
    return channel
