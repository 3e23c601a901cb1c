"""What processes share in Redis to act as one broker: typed calls, each of them one round trip.

Below ``<REDIS_PREFIX>bus:`` (in demo mode ``<REDIS_PREFIX>demo:bus:``) there are

* ``lease``: the token of the process that collects; ends by itself,
* ``state``: a hash, see ``bus_scripts``,
* ``channels``: a set of names,
* ``stream:<channel>``: the newest publications of a channel, each an entry of epoch, seq, time and body,
* ``heartbeats``: a stream to which whoever collects adds an entry each second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import redis
from msgspec import Meta
from redis.exceptions import InvalidResponse

from websocket import green
from websocket.broker import bus_scripts
from websocket.broker.base import Publication
from websocket.broker.entries import (
    CHANNEL_MAX_LENGTH,
    FIRST,
    Beat,
    Check,
    Entry,
    EntryId,
    Head,
    check_json,
    entry_id,
    read_beat,
    read_head,
    read_publication,
)
from websocket.cache.redis_connection import CALL_DEADLINE_S, redis_client
from websocket.refused import Refused
from websocket.settings import RedisSettings

BLOCK_S = 1.0
"""How long a reader waits in Redis for something new."""

_READER_TIMEOUT_S = 3.0
_FIELDS = [b"epoch", b"seq", b"time", b"body"]
_FIELD_MAX_BYTES = bus_scripts.FIELD_MAX_BYTES
_ENTRIES_PER_READ = 16
_ENTRIES_PER_PAGE = 100
_CHANNELS_MAX = 1000

WriteOutcome = Literal["written", "lost", "renumber"]

Text = Annotated[str, Meta(max_length=200)]
Count = Annotated[int, Meta(ge=0)]


class _Claimed(msgspec.Struct, array_like=True):
    outcome: Literal["granted", "taken", "late", "restarted"]
    epoch: Annotated[str, Meta(pattern=r"^([0-9a-f]{12})?\Z")]
    fence: Count
    run: Text
    time_ms: Count
    foreign: list[Text]


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
    """What there is to follow. Nothing counts while it is not ``confirmed`` after a restart of Redis.

    Attributes:
        epoch: of the numbers; empty when there is none.
        confirmed: whether a collector has said so in this run of Redis.
        channels: their names, in their order.
        last_beat: where the heartbeats are; ``FIRST`` when there were none.
    """

    epoch: str
    confirmed: bool
    channels: list[str]
    last_beat: EntryId


class Page(NamedTuple):
    """Entries of a stream from a position on.

    Attributes:
        entries: in their order.
        is_more: whether others follow.
        last: the last position of the entries, without any that of the stream; None for what is no stream.
    """

    entries: list[Entry]
    is_more: bool
    last: EntryId | None


class Known(NamedTuple):
    """What whoever collects knows of a stream, which nobody else should write to.

    Attributes:
        last: its last position.
        remove: positions of entries that are not ours.
    """

    last: EntryId = FIRST
    remove: tuple[EntryId, ...] = ()


class Found(NamedTuple):
    """What stood behind the position that was known of a stream, before anything was added.

    Attributes:
        last: its last position now.
        is_gone: whether what was known is there no more; then nothing was added.
        is_more: whether there are more entries than could be read.
        entries: of somebody else, or our own of a call whose answer was lost.
    """

    last: EntryId
    is_gone: bool
    is_more: bool
    entries: list[Entry]


class Written(NamedTuple):
    """What came of a write, and what was found by channel. Nothing was written unless ``outcome`` says so."""

    outcome: WriteOutcome
    found: dict[str, Found]


class News(NamedTuple):
    """What a reader got at once.

    Attributes:
        entries: by channel, in their order.
        beats: last position of the heartbeats; None without one.
        beat: the newest of them; None without one that is ours.
    """

    entries: dict[str, list[Entry]]
    beats: EntryId | None
    beat: Beat | None


class Bus:
    """One connection to what is shared. Green threads must not share it.

    Its calls raise one of ``REDIS_FAILURES``.

    Args:
        client: used by this alone.
        prefix: begins the name of every key.
        refused: counts what cannot be ours.
        check: knows the payloads.
        clock: wall clock, Unix seconds.
    """

    def __init__(
        self,
        client: redis.Redis,
        prefix: str,
        *,
        refused: Refused | None = None,
        check: Check = check_json,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._refused = refused or Refused("the bus")
        self._check = check
        self._clock = clock
        self._prefix = prefix
        self._lease = f"{prefix}lease"
        self._state = f"{prefix}state"
        self._channels = f"{prefix}channels"
        self._heartbeats = f"{prefix}heartbeats"
        # as it comes: a name that is there twice must not be taken for one
        client.set_response_callback("XREAD", lambda answer, **_: answer)
        self._claim = client.register_script(bus_scripts.CLAIM)
        self._write = client.register_script(bus_scripts.WRITE)
        self._look = client.register_script(bus_scripts.LOOK)
        self._read = client.register_script(bus_scripts.READ)
        self._heads = client.register_script(bus_scripts.HEADS)
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
            answer = _typed(self._claim(keys=[self._lease, self._state], args=arguments), _Claimed)
        self._note(answer.foreign)
        term = Term(answer.epoch, answer.fence) if answer.outcome == "granted" else None
        return ClaimAnswer(answer.outcome, term, answer.run, answer.time_ms)

    def write(
        self,
        token: str,
        term: Term,
        publications: Sequence[Publication],
        streams: Mapping[str, Known],
        *,
        kept: int,
        beat: bool,
    ) -> Written:
        """Adds publications to the streams of their channels, then a heartbeat if wanted.

        Args:
            token: of this process.
            term: in which they were numbered.
            publications: those of one channel in their order.
            streams: every channel that there is, with what is known of its stream.
            kept: entries that a stream keeps.
            beat: True for a heartbeat.

        Returns:
            ``lost`` when somebody else has collected since; ``renumber`` when the epoch was ended.
        """
        names = list(streams)
        keys = [self._state, self._heartbeats, self._channels, *(self._stream(name) for name in names)]
        arguments: list[Any] = [token, term.fence, term.epoch, kept, "1" if beat else "", len(names)]
        for name, known in streams.items():
            arguments += [name, str(known.last), str(known.last.following), " ".join(map(str, known.remove))]
        numbers = {name: number for number, name in enumerate(names, 1)}
        for each in publications:
            arguments += [numbers[each.channel], each.seq, repr(each.time), each.body]
        with green.deadline(CALL_DEADLINE_S):
            outcome, found, foreign = self._write(keys=keys, args=arguments)
        self._note(_typed(foreign, list[Text]))
        return Written(
            _typed(outcome, WriteOutcome),
            {
                name: Found(_position(last), bool(is_gone), bool(is_more), self._entries(name, rows))
                for name, (last, is_gone, is_more, rows) in zip(names, found, strict=False)
            },
        )

    def look(self) -> View:
        """What there is to follow."""
        with green.deadline(CALL_DEADLINE_S):
            epoch, confirmed, names, beat = self._look(
                keys=[self._state, self._channels, self._heartbeats], args=[_CHANNELS_MAX]
            )
        channels = [name.decode(errors="replace") for name in names if len(name) <= CHANNEL_MAX_LENGTH]
        return View(epoch.decode(errors="replace"), bool(confirmed), sorted(channels), _position(beat))

    def end_epoch(self, epoch: str, unused_epoch: str) -> None:
        """Has whoever collects begin a new epoch if ``epoch`` is still the current one."""
        with green.deadline(CALL_DEADLINE_S):
            self._end_epoch(keys=[self._state], args=[epoch, unused_epoch])

    def release(self, token: str) -> None:
        """Gives the lease back if it is ours."""
        with green.deadline(CALL_DEADLINE_S):
            self._release(keys=[self._lease], args=[token])

    def heads(self, channels: Iterable[str], most: int) -> dict[str, list[tuple[EntryId, Head | None]]]:
        """Positions of the newest entries of each channel and which publications they are, newest first; None for what
        is none.
        """
        channels = list(channels)
        if not channels:
            return {}
        with green.deadline(_READER_TIMEOUT_S):
            answer: Any = self._heads(keys=[self._stream(channel) for channel in channels], args=[most])
        return {
            channel: [(_position(position), _head(row)) for position, *row in rows]
            for channel, rows in zip(channels, answer, strict=True)
        }

    def entries_after(self, channel: str, position: EntryId) -> Page:
        """What a channel's stream has behind a position, a page of it."""
        with green.deadline(_READER_TIMEOUT_S):
            last, is_more, rows = self._read(
                keys=[self._stream(channel)], args=[str(position.following), _ENTRIES_PER_PAGE]
            )
        if not last:
            self._refused.note(f"stream:{channel}", "is no stream")
            return Page([], False, None)
        return Page(self._entries(channel, rows), bool(is_more), _position(last))

    def wait_for_news(self, positions: Mapping[str, EntryId], beats: EntryId) -> News:
        """Waits at most ``BLOCK_S`` for entries behind the positions, on any channel or among the heartbeats."""
        by_stream = {self._stream(channel): channel for channel in positions}
        after: dict[Any, Any] = {stream: str(positions[channel]) for stream, channel in by_stream.items()}
        after[self._heartbeats] = str(beats)
        with green.deadline(BLOCK_S + _READER_TIMEOUT_S):
            answer: Any = self._client.xread(after, count=_ENTRIES_PER_READ, block=round(BLOCK_S * 1000))
        news = News({}, None, None)
        for name, rows in answer or ():
            stream = name.decode()
            if stream == self._heartbeats:
                news = news._replace(beats=_position(rows[-1][0]), beat=self._newest_beat(rows))
            else:
                channel = by_stream[stream]
                news.entries[channel] = self._entries(channel, [_row(*row) for row in rows])
        return news

    def disconnect(self) -> None:
        """Drops the connection; the next call makes a new one."""
        self._client.connection_pool.disconnect()

    def _stream(self, channel: str) -> str:
        return f"{self._prefix}stream:{channel}"

    def _entries(self, channel: str, rows: Iterable[Sequence[bytes]]) -> list[Entry]:
        now = self._clock()
        entries = []
        for position, *row in rows:
            publication = None
            try:
                publication = read_publication(channel, row, check=self._check, now=now)
            except (ValueError, RecursionError) as error:
                self._refused.note(f"stream:{channel}", error)
            entries.append(Entry(_position(position), publication))
        return entries

    def _newest_beat(self, rows: Iterable[tuple[bytes, Sequence[bytes]]]) -> Beat | None:
        beat = None
        for _, fields in rows:
            try:
                beat = read_beat(dict(zip(fields[::2], fields[1::2], strict=False)))
            except ValueError as error:
                self._refused.note("heartbeats", error)
        return beat

    def _note(self, foreign: Iterable[str]) -> None:
        for what in foreign:
            self._refused.note("removed", what)


def connect(settings: RedisSettings, *, demo: bool, refused: Refused, check: Check, waits: bool = False) -> Bus:
    """A connection to what is shared; it is made with the first call.

    Args:
        settings: how to reach Redis.
        demo: demo and real processes share nothing.
        refused: counts what cannot be ours.
        check: knows the payloads.
        waits: True for the one that waits for news.
    """
    client = redis_client(settings, socket_timeout_s=_READER_TIMEOUT_S) if waits else redis_client(settings)
    return Bus(client, f"{settings.prefix}{'demo:' if demo else ''}bus:", refused=refused, check=check)


def _typed(answer: Any, kind: Any) -> Any:
    """An answer of a script.

    Raises:
        InvalidResponse: it is not what the script gives.
    """
    try:
        return msgspec.convert(_text(answer), kind)
    except ValueError as error:
        raise InvalidResponse(f"not an answer of ours: {error}") from error


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return [_text(item) for item in value] if isinstance(value, list) else value


def _position(text: bytes) -> EntryId:
    try:
        return entry_id(text)
    except ValueError as error:
        raise InvalidResponse(f"not a position: {text[:50]!r}") from error


def _row(position: bytes, fields: Sequence[bytes]) -> list[bytes]:
    """An entry as the scripts give it: what they take for one of ours, this does, or collector and followers differ."""
    values = list(fields[1::2])
    is_ours = list(fields[::2]) == _FIELDS and max(map(len, values[:3])) <= _FIELD_MAX_BYTES
    return [position, *values] if is_ours else [position]


def _head(row: Sequence[bytes]) -> Head | None:
    try:
        return read_head(*row) if row else None
    except ValueError:
        return None
