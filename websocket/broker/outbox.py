"""What the collector has published and Redis does not have yet. There is no queue: the history is what is written."""

from __future__ import annotations

from websocket.broker.base import Publication
from websocket.broker.bus import Bus, Term, WriteOutcome
from websocket.broker.history import History

_BATCH_ENTRIES = 64
_BATCH_BYTES = 256_000


class Outbox:
    """Knows up to which number each channel is written, in one term.

    Args:
        bus: used while ``compare`` or ``flush`` run.
        token: of this process.
        kept: entries that a stream keeps.
    """

    def __init__(self, bus: Bus, *, token: str, kept: int) -> None:
        self._bus = bus
        self._token = token
        self._kept = kept
        self._written: dict[str, int] = {}

    def compare(self, term: Term, history: History) -> None:
        """Looks up what the streams have, after anything that may have changed that behind our back.

        Raises:
            REDIS_FAILURES: what was known before still counts.
        """
        newest = self._bus.newest(history.channels())
        self._written = {
            channel: entry.publication.seq
            for channel, entry in newest.items()
            if entry.publication is not None and entry.publication.epoch == term.epoch
        }

    def waiting(self, term: Term, history: History) -> int:
        """How many publications are not written."""
        return sum(
            seq - self._written.get(channel, 0)
            for channel in history.channels()
            for epoch, seq in (history.position(channel),)
            if epoch == term.epoch and seq > self._written.get(channel, 0)
        )

    def flush(self, term: Term, history: History, *, beat: bool) -> WriteOutcome:
        """Writes what is not written and still in the history, then a heartbeat if wanted.

        Returns:
            As ``Bus.write``.

        Raises:
            REDIS_FAILURES: what was not confirmed is written again the next time, which does no harm.
        """
        while True:
            batch, is_rest = self._batch(term, history)
            if not batch and not beat:
                return "written"
            outcome = self._bus.write(self._token, term, batch, kept=self._kept, beat=beat and is_rest)
            if outcome != "written":
                return outcome
            for publication in batch:
                self._written[publication.channel] = publication.seq
            if is_rest:
                return outcome

    def _batch(self, term: Term, history: History) -> tuple[list[Publication], bool]:
        """Publications for one call, and whether that is all."""
        batch: list[Publication] = []
        size = 0
        for channel in history.channels():
            for publication in history.newer_than(channel, self._written.get(channel, 0)):
                if publication.epoch != term.epoch:
                    continue
                if batch and (len(batch) == _BATCH_ENTRIES or size + len(publication.body) > _BATCH_BYTES):
                    return batch, False
                batch.append(publication)
                size += len(publication.body)
        return batch, True
