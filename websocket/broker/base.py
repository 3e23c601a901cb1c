"""What a broker promises, whatever it keeps its publications in.

* Publications of one channel have consecutive ``seq`` from 1 within one ``epoch``. A new epoch means that the
  numbering began anew, and that nothing can be said about what was missed.
* Every listener sees the publications of a channel in the order of their ``seq``, each once.
* ``last`` is the newest publication, for snapshots; ``since`` replays exactly what was missed or says that it cannot.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import msgspec


class Publication(msgspec.Struct, frozen=True):
    """One message on one channel.

    Attributes:
        channel: its name.
        epoch: names the run of numbers that ``seq`` belongs to.
        seq: position in the channel, from 1.
        time: when it was published, Unix seconds.
        data: the payload as plain JSON values (dicts, lists, text, finite numbers, booleans, None). Never changed.
        body: the same as UTF-8 JSON, encoded once.
    """

    channel: str
    epoch: str
    seq: int
    time: float
    data: Any
    body: bytes


Listener = Callable[[Publication], None]


class Broker(ABC):
    """Assigns numbers and keeps history; see the module for its promises."""

    @abstractmethod
    def publish(self, channel: str, data: Any) -> Publication:
        """Numbers a payload, remembers it and hands it to the listeners before it returns.

        Args:
            channel: any name; channels need no declaration here.
            data: records or plain values.

        Raises:
            ValueError: the payload holds a NaN or an infinity; nothing was published.
        """

    @abstractmethod
    def listen(self, listener: Listener) -> None:
        """Calls ``listener`` with every publication from now on. It must not block; its errors are logged."""

    @abstractmethod
    def last(self, channel: str) -> Publication | None:
        """The newest publication of a channel, or None before the first."""

    @abstractmethod
    def since(self, channel: str, epoch: str, seq: int) -> list[Publication] | None:
        """All publications after ``seq``, oldest first; empty when nothing was missed.

        None when that cannot be said for sure: another epoch, a number from the future, or history that is gone.
        """

    @abstractmethod
    def position(self, channel: str) -> tuple[str, int]:
        """Epoch and newest ``seq`` of a channel; ``seq`` is 0 before the first publication."""
