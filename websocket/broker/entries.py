"""What may stand in the streams of the bus: read strictly, since anybody who reaches Redis can write there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from websocket import codec
from websocket.broker.base import BODY_MAX_BYTES, SEQ_MAX, Publication
from websocket.broker.bus_scripts import POSITION_MS_DIGITS
from websocket.records import LATEST_TIME

CLOCK_TOLERANCE_S = 86_400.0
"""How far the clock of another process may be ahead of ours. Whatever is wrong by less shows in the ages of prices."""

DEPTH_MAX = 32
"""How deeply a payload may be nested; those of today are a fifth of that."""

CHANNEL_MAX_LENGTH = 64

Check = Callable[[str, bytes], object]
"""Raises ValueError or RecursionError for what is no payload of a channel, which it gets with the body."""

EpochName = Annotated[str, Meta(pattern=r"^[0-9a-f]{12}\Z")]
Seq = Annotated[int, Meta(ge=1, le=SEQ_MAX)]


class EntryId(NamedTuple):
    """Position in a stream: milliseconds and a counter."""

    ms: int
    order: int

    def __str__(self) -> str:
        return f"{self.ms}-{self.order}"

    @property
    def following(self) -> EntryId:
        """The next position that there can be."""
        return EntryId(self.ms, self.order + 1)

    @property
    def is_possible(self) -> bool:
        """False for one that no clock gives."""
        return len(str(self.ms)) <= POSITION_MS_DIGITS


FIRST = EntryId(0, 0)
"""Before every entry."""


class Entry(NamedTuple):
    """One entry of a channel's stream; ``publication`` is None when it is not one that we would write."""

    id: EntryId
    publication: Publication | None


class Head(msgspec.Struct, frozen=True):
    """Which publication an entry says that it is."""

    epoch: EpochName
    seq: Seq
    time: Annotated[float, Meta(gt=0, le=LATEST_TIME)]


class Beat(msgspec.Struct, frozen=True):
    """What a heartbeat says: how many channels there are, and the epoch."""

    channels: Annotated[int, Meta(ge=0, le=10_000)]
    epoch: EpochName


def entry_id(text: bytes) -> EntryId:
    """A position as Redis writes it."""
    ms, _, order = text.partition(b"-")
    return EntryId(int(ms), int(order))


def read_head(epoch: bytes, seq: bytes, time: bytes) -> Head:
    """Which publication it is.

    Raises:
        ValueError: none of ours.
    """
    fields = {"epoch": epoch.decode(), "seq": seq.decode(), "time": time.decode()}
    return msgspec.convert(fields, Head, strict=False)


def read_beat(fields: dict[bytes, bytes]) -> Beat:
    """A heartbeat.

    Raises:
        ValueError: none of ours.
    """
    return msgspec.convert({key.decode(): value.decode() for key, value in fields.items()}, Beat, strict=False)


def read_publication(channel: str, row: Sequence[bytes], *, check: Check, now: float) -> Publication:
    """A publication.

    Args:
        channel: whose stream it is in.
        row: epoch, seq, time and body.
        check: knows the payloads.
        now: Unix seconds.

    Raises:
        ValueError: none that we would write.
        RecursionError: the same.
    """
    if len(row) != 4:
        raise ValueError("not the fields of a publication, or too long")
    head, body = read_head(*row[:3]), row[3]
    if head.time > now + CLOCK_TOLERANCE_S:
        raise ValueError(f"a time that has not come: {head.time!r}")
    if len(body) > BODY_MAX_BYTES:
        raise ValueError(f"{len(body)} bytes")
    publication = Publication(channel, head.epoch, head.seq, head.time, body)
    if is_deep(publication.data):
        raise ValueError("nested too deeply")
    check(channel, body)
    return publication


def is_deep(value: Any) -> bool:
    """Whether plain JSON values are nested deeper than ``DEPTH_MAX``."""
    level = [value]
    for _ in range(DEPTH_MAX):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def check_json(_channel: str, body: bytes) -> object:
    """The check of whoever does not know the payloads."""
    return codec.decode(body)
