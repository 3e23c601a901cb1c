"""What a broker promises, whatever it keeps its publications in and however many processes share it.

* Publications of one channel have consecutive ``seq`` from 1 within one ``epoch``. A new epoch means that the
  numbering began anew, and that nothing can be said about what was missed.
* ``epoch`` and ``seq`` name one publication: whoever shows them, in whichever process, shows the same payload.
* Every listener sees the publications of a channel in the order of their ``seq``, each once. Where some could not be
  had, it sees a jump, and ``since`` does not replay across it.
* ``last`` is the newest publication, for snapshots; ``since`` replays exactly what was missed or says that it cannot.
* At most one of the processes that share a broker collects, apart from those that cannot reach the others. Only a
  process that collects may publish.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import msgspec

from websocket import codec

Role = Literal["single", "seeking", "collector", "follower", "alone"]
"""``single``: nobody else is meant to be there. ``seeking``: not known yet, or stopped. ``collector``: collects for
all. ``follower``: another one does. ``alone``: collects for its own clients, because the others cannot be reached.
"""


RECENT = 64
"""Payloads that are held decoded: the newest of each channel, which are looked at again and again. Those of the history
would take some ten times the memory of their bytes.
"""

BODY_MAX_BYTES = 1_000_000
"""Longest payload; the largest of today has about 60 kB."""

SEQ_MAX = 2**50
"""No channel gets there; every client can count so far."""


class Publication(msgspec.Struct, frozen=True):
    """One message on one channel.

    Attributes:
        channel: its name.
        epoch: names the run of numbers that ``seq`` belongs to.
        seq: position in the channel, from 1.
        time: when it was published, Unix seconds.
        body: the payload as UTF-8 JSON, encoded once.
    """

    channel: str
    epoch: str
    seq: int
    time: float
    body: bytes

    @property
    def data(self) -> Any:
        """The payload as plain JSON values: dicts, lists, text, finite numbers, booleans, None. Not to be changed."""
        return _decoded(self.body)


def encoded(data: Any) -> bytes:
    """The body of a payload.

    Raises:
        ValueError: as ``Broker.publish``.
    """
    body = codec.encode(data)
    if len(body) > BODY_MAX_BYTES:
        raise ValueError(f"a payload of {len(body)} bytes; {BODY_MAX_BYTES} are the most")
    return body


@lru_cache(maxsize=RECENT)
def _decoded(body: bytes) -> Any:
    return codec.decode(body)


class BusStatus(msgspec.Struct, frozen=True):
    """How this process and those that share the broker with it stand.

    Attributes:
        role: what this process does.
        healthy: False when what is shown here may lag behind, or when the others do not get what is collected here.
        detail: the same in words, with the reason when it is not healthy.
        silence_s: seconds since a heartbeat of the collector came through the bus; None when none ever did, or
            without a bus.
        outbox: publications that the others cannot have yet.
        last_error: the last trouble with the bus, also when it is over; None when there was none.
        epoch: of the numbers that are given, or followed, now.
        refused: how much was found in Redis that cannot be ours, since the start of the process.
        last_refused: the newest of that in words; None when there was none.
    """

    role: Role
    healthy: bool
    detail: str
    silence_s: float | None
    outbox: int
    last_error: str | None
    epoch: str
    refused: int = 0
    last_refused: str | None = None


Listener = Callable[[Publication], None]
RoleChange = Callable[[], None]


class Broker(ABC):
    """Assigns numbers and keeps history; see the module for its promises."""

    @abstractmethod
    def start(self) -> None:
        """Begins to find out who collects; returns at once. Call it once, after ``on_role_change``."""

    def get_ready(self, within_s: float) -> None:  # noqa: B027 - who is alone has nothing to wait for
        """Waits until it is known what this process does and what was published before it came, at most so long.

        Clients that are let in before cannot resume, and get no snapshot.
        """

    @abstractmethod
    def stop(self) -> None:
        """Hands over: what is still to be written is written if that takes no more than a second. Idempotent."""

    @abstractmethod
    def on_role_change(self, *, gained: RoleChange, lost: RoleChange) -> None:
        """Who is told that this process is to begin, and to stop, collecting. They must not block; errors are logged.

        Args:
            gained: called whenever ``collecting`` becomes true.
            lost: called whenever it becomes false, except by ``stop``.
        """

    @property
    @abstractmethod
    def collecting(self) -> bool:
        """True while this process is to ask the providers, and may publish."""

    @abstractmethod
    def status(self) -> BusStatus:
        """How things stand, from memory: it asks nobody."""

    @abstractmethod
    def publish(self, channel: str, data: Any) -> Publication:
        """Numbers a payload, remembers it and hands it to the listeners before it returns.

        Args:
            channel: any name; channels need no declaration here.
            data: records or plain values.

        Raises:
            ValueError: the payload holds a NaN or an infinity, or is longer than ``BODY_MAX_BYTES``; nothing was
                published.
            NotCollecting: another process collects, or it is not known yet who does; nothing was published.
        """

    @abstractmethod
    def listen(self, listener: Listener) -> None:
        """Calls ``listener`` with every publication from now on. It must not block; its errors are logged."""

    @abstractmethod
    def last(self, channel: str) -> Publication | None:
        """The newest publication of a channel, or None before the first."""

    @abstractmethod
    def history(self, channel: str) -> list[Publication]:
        """What is remembered of a channel, oldest first; the newest is ``last``."""

    @abstractmethod
    def since(self, channel: str, epoch: str, seq: int) -> list[Publication] | None:
        """All publications after ``seq``, oldest first; empty when nothing was missed.

        None when that cannot be said for sure: another epoch, a number from the future, or history that is gone.
        """

    @abstractmethod
    def position(self, channel: str) -> tuple[str, int]:
        """Epoch and newest ``seq`` of a channel; ``seq`` is 0 before the first publication."""
