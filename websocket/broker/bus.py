"""What processes share in Redis to act as one broker: typed calls, each of them one round trip.

Below ``<REDIS_PREFIX>bus:`` (in demo mode ``<REDIS_PREFIX>demo:bus:``) there are

* ``lease``: the token of the process that collects; ends by itself,
* ``state``: a hash, see ``bus_scripts``,
* ``channels``: a set of names,
* ``stream:<channel>``: the newest publications of a channel, each an entry of epoch, seq, time and body,
* ``heartbeats``: a stream to which whoever collects adds an entry each second.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import redis

from websocket import codec, green
from websocket.broker import bus_scripts
from websocket.broker.base import Publication
from websocket.cache.redis_connection import CALL_DEADLINE_S, redis_client
from websocket.settings import RedisSettings

logger = logging.getLogger(__name__)

BLOCK_S = 1.0
"""How long a reader waits in Redis for something new."""

_READER_TIMEOUT_S = 3.0
_ENTRIES_PER_READ = 64

WriteOutcome = Literal["written", "lost", "renumber"]


class EntryId(NamedTuple):
    """Position in a stream: milliseconds and a counter."""

    ms: int
    order: int

    def __str__(self) -> str:
        return f"{self.ms}-{self.order}"


FIRST = EntryId(0, 0)
"""Before every entry."""


class Entry(NamedTuple):
    """One entry of a channel's stream; ``publication`` is None when it is not one that we would write."""

    id: EntryId
    publication: Publication | None


class Term(msgspec.Struct, frozen=True):
    """One time in office: the right to number in ``epoch`` as long as nobody else has a higher ``fence``."""

    epoch: str
    fence: int


class ClaimAnswer(msgspec.Struct, frozen=True):
    """What Redis said to a claim.

    Attributes:
        outcome: ``late`` when the claim was too old when it arrived; ``restarted`` when the run is not that which we
            know, and we have no numbers to go on with.
        term: None unless granted.
        run: names the run of the Redis server; empty when we may not ask.
        time_ms: clock of Redis.
    """

    outcome: Literal["granted", "taken", "late", "restarted"]
    term: Term | None
    run: str
    time_ms: int


class View(NamedTuple):
    """What there is to follow. Nothing counts while it is not ``confirmed`` after a restart of Redis."""

    epoch: str
    confirmed: bool
    channels: list[str]


class News(NamedTuple):
    """What a reader got at once.

    Attributes:
        entries: by channel, in their order.
        beats: last entry of the heartbeats, and how many channels it says there are; None without one.
    """

    entries: dict[str, list[Entry]]
    beats: tuple[EntryId, int] | None


class Bus:
    """One connection to what is shared. Green threads must not share it.

    Its calls raise one of ``REDIS_FAILURES``.

    Args:
        client: used by this alone.
        prefix: begins the name of every key.
    """

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._lease = f"{prefix}lease"
        self._state = f"{prefix}state"
        self._channels = f"{prefix}channels"
        self._heartbeats = f"{prefix}heartbeats"
        self._claim = client.register_script(bus_scripts.CLAIM)
        self._write = client.register_script(bus_scripts.WRITE)
        self._look = client.register_script(bus_scripts.LOOK)
        self._end_epoch = client.register_script(bus_scripts.END_EPOCH)
        self._release = client.register_script(bus_scripts.RELEASE)

    def claim(
        self,
        token: str,
        *,
        lease_ms: int,
        unused_epoch: str,
        our_epoch: str,
        our_run: str,
        not_after_ms: int,
        within_s: float,
    ) -> ClaimAnswer:
        """Takes the lease, or makes it longer.

        Args:
            token: of this process.
            lease_ms: how long it lasts.
            unused_epoch: taken when the numbers must begin anew.
            our_epoch: of our own numbers, empty without.
            our_run: run of the Redis server that we know, empty without.
            not_after_ms: clock of Redis; from then on the claim is late. 0: never.
            within_s: longest time for the round trip.
        """
        arguments: list[Any] = [token, lease_ms, unused_epoch, our_epoch, our_run, not_after_ms]
        with green.deadline(within_s):
            outcome, epoch, fence, run, time_ms = self._claim(keys=[self._lease, self._state], args=arguments)
        term = Term(epoch.decode(), int(fence)) if outcome == b"granted" else None
        return ClaimAnswer(outcome.decode(), term, run.decode(), int(time_ms))

    def write(
        self, token: str, term: Term, publications: Sequence[Publication], *, kept: int, beat: bool
    ) -> WriteOutcome:
        """Adds publications to the streams of their channels, then a heartbeat if wanted.

        Args:
            token: of this process.
            term: in which they were numbered.
            publications: those of one channel in their order.
            kept: entries that a stream keeps.
            beat: True for a heartbeat.

        Returns:
            ``lost`` when somebody else has collected since; ``renumber`` when the epoch was ended. Then nothing was
            written.
        """
        keys = [self._state, self._heartbeats, self._channels, *(self._stream(each.channel) for each in publications)]
        arguments: list[Any] = [token, term.fence, term.epoch, kept, "1" if beat else ""]
        for each in publications:
            arguments += [each.channel, each.seq, repr(each.time), each.body]
        with green.deadline(CALL_DEADLINE_S):
            outcome: WriteOutcome = self._write(keys=keys, args=arguments).decode()
        return outcome

    def look(self) -> View:
        """What there is to follow."""
        with green.deadline(CALL_DEADLINE_S):
            epoch, confirmed, channels = self._look(keys=[self._state, self._channels])
        return View(epoch.decode(), bool(confirmed), sorted(name.decode() for name in channels))

    def end_epoch(self, epoch: str, unused_epoch: str) -> None:
        """Has whoever collects begin a new epoch if ``epoch`` is still the current one."""
        with green.deadline(CALL_DEADLINE_S):
            self._end_epoch(keys=[self._state], args=[epoch, unused_epoch])

    def release(self, token: str) -> None:
        """Gives the lease back if it is ours."""
        with green.deadline(CALL_DEADLINE_S):
            self._release(keys=[self._lease], args=[token])

    def newest(self, channels: Iterable[str]) -> dict[str, Entry]:
        """The newest entry of each channel; channels without entries are left out."""
        channels = list(channels)
        pipeline = self._client.pipeline(transaction=False)
        for channel in channels:
            pipeline.xrevrange(self._stream(channel), count=1)
        with green.deadline(CALL_DEADLINE_S):
            answers = pipeline.execute()
        return {channel: _entry(channel, rows[0]) for channel, rows in zip(channels, answers, strict=True) if rows}

    def entries_after(self, channel: str, position: EntryId) -> list[Entry]:
        """What a channel's stream has behind a position."""
        after = EntryId(position.ms, position.order + 1)
        with green.deadline(_READER_TIMEOUT_S):
            rows: Any = self._client.xrange(self._stream(channel), min=str(after))
        return [_entry(channel, row) for row in rows]

    def last_beat(self) -> EntryId:
        """Where the heartbeats are now; ``FIRST`` when there were none."""
        with green.deadline(CALL_DEADLINE_S):
            rows: Any = self._client.xrevrange(self._heartbeats, count=1)
        return _entry_id(rows[0][0]) if rows else FIRST

    def wait_for_news(self, positions: Mapping[str, EntryId], beats: EntryId) -> News:
        """Waits at most ``BLOCK_S`` for entries behind the positions, on any channel or among the heartbeats."""
        by_stream = {self._stream(channel): channel for channel in positions}
        after: dict[Any, Any] = {stream: str(positions[channel]) for stream, channel in by_stream.items()}
        after[self._heartbeats] = str(beats)
        with green.deadline(BLOCK_S + _READER_TIMEOUT_S):
            answer: Any = self._client.xread(after, count=_ENTRIES_PER_READ, block=round(BLOCK_S * 1000))
        entries: dict[str, list[Entry]] = {}
        beat = None
        for name, rows in answer or ():
            stream = name.decode()
            if stream == self._heartbeats:
                beat = (_entry_id(rows[-1][0]), int(rows[-1][1][b"channels"]))
            else:
                channel = by_stream[stream]
                entries[channel] = [_entry(channel, row) for row in rows]
        return News(entries, beat)

    def disconnect(self) -> None:
        """Drops the connection; the next call makes a new one."""
        self._client.connection_pool.disconnect()

    def _stream(self, channel: str) -> str:
        return f"{self._prefix}stream:{channel}"


def connect(settings: RedisSettings, *, demo: bool, waits: bool = False) -> Bus:
    """A connection to what is shared; it is made with the first call.

    Args:
        settings: how to reach Redis.
        demo: demo and real processes share nothing.
        waits: True for the one that waits for news.
    """
    client = redis_client(settings, socket_timeout_s=_READER_TIMEOUT_S) if waits else redis_client(settings)
    return Bus(client, f"{settings.prefix}{'demo:' if demo else ''}bus:")


def _entry(channel: str, row: tuple[bytes, dict[bytes, bytes]]) -> Entry:
    entry_id = _entry_id(row[0])
    try:
        epoch, seq, time, body = (row[1][field] for field in (b"epoch", b"seq", b"time", b"body"))
        codec.decode(body)
        publication = Publication(channel, epoch.decode(), int(seq), float(time), body)
    except (KeyError, ValueError, RecursionError) as error:
        logger.warning("an entry of the bus is not ours channel=%s id=%s reason=%s", channel, entry_id, error)
        return Entry(entry_id, None)
    return Entry(entry_id, publication)


def _entry_id(text: bytes) -> EntryId:
    ms, _, order = text.partition(b"-")
    return EntryId(int(ms), int(order))
