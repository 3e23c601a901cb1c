"""What the collector has published and Redis does not have yet. There is no queue: the history is what is written.

Only one process writes, so whatever else it finds in the streams is not ours. What nobody can have taken for ours is
removed. What others may have shown has a number that we give to something else: then the epoch has to end.
"""

from __future__ import annotations

from typing import Literal

from websocket.broker.base import Publication
from websocket.broker.bus import Bus, Found, Known, Term
from websocket.broker.entries import FIRST, EntryId
from websocket.broker.history import History
from websocket.refused import Refused

_BATCH_ENTRIES = 64
_BATCH_BYTES = 256_000

Flushed = Literal["written", "lost", "renumber", "forged"]


class Outbox:
    """Knows up to which number each channel is written, in one term.

    Args:
        bus: used while ``compare`` or ``flush`` run.
        token: of this process.
        kept: entries that a stream keeps.
        refused: counts what cannot be ours.
    """

    def __init__(self, bus: Bus, *, token: str, kept: int, refused: Refused) -> None:
        self._bus = bus
        self._token = token
        self._kept = kept
        self._refused = refused
        self._written: dict[str, int] = {}
        self._streams: dict[str, Known] = {}

    def compare(self, term: Term, history: History) -> bool:
        """Looks up what the streams have, after anything that may have changed that behind our back.

        Returns:
            False when there is something else than what we have under numbers of our epoch.

        Raises:
            REDIS_FAILURES: what was known before still counts.
        """
        written: dict[str, int] = {}
        streams: dict[str, Known] = {}
        is_ours = True
        for channel, heads in self._bus.heads(history.channels(), self._kept).items():
            have = {one.seq: one for one in history.newer_than(channel, 0) if one.epoch == term.epoch}
            last, remove = FIRST, []
            for position, head in heads:
                our = None if head is None or head.epoch != term.epoch else have.get(head.seq)
                if head is None or (head.epoch == term.epoch and head.seq >= min(have, default=0) and our is None):
                    remove.append(position)
                    is_ours = is_ours and head is None
                elif our is not None and head.time != our.time:
                    remove.append(position)
                    is_ours = False
                else:
                    last = max(last, position)
                    if our is not None:
                        written[channel] = max(our.seq, written.get(channel, 0))
            streams[channel] = Known(last, tuple(remove))
        self._written, self._streams = written, streams
        return is_ours

    def waiting(self, term: Term, history: History) -> int:
        """How many publications are not written."""
        return sum(
            seq - self._written.get(channel, 0)
            for channel in history.channels()
            for epoch, seq in (history.position(channel),)
            if epoch == term.epoch and seq > self._written.get(channel, 0)
        )

    def flush(self, term: Term, history: History, *, beat: bool) -> Flushed:
        """Writes what is not written and still in the history, then a heartbeat if wanted.

        Returns:
            As ``Bus.write``; or ``forged`` when others may have shown something else under numbers of our epoch.

        Raises:
            REDIS_FAILURES: what was not confirmed is written again the next time, which does no harm.
        """
        while True:
            batch, is_rest = self._batch(term, history)
            if not batch and not beat:
                return "written"
            streams = {channel: self._streams.get(channel, Known()) for channel in history.channels()}
            answer = self._bus.write(self._token, term, batch, streams, kept=self._kept, beat=beat and is_rest)
            if answer.outcome != "written":
                return answer.outcome
            for publication in batch:
                self._written[publication.channel] = publication.seq
            are_ours = [self._judge(term, history, channel, found) for channel, found in answer.found.items()]
            if not all(are_ours):
                return "forged"
            if is_rest:
                return "written"

    def _judge(self, term: Term, history: History, channel: str, found: Found) -> bool:
        """Whether nobody can have taken for ours what stood in a stream."""
        if found.is_gone:
            # all of it is written again the next time
            self._written.pop(channel, None)
            self._streams[channel] = Known()
            return True
        have = {one.seq: one for one in history.newer_than(channel, 0) if one.epoch == term.epoch}
        last = self._streams.get(channel, Known()).last
        remove: list[EntryId] = []
        is_ours = True
        for position, one in found.entries:
            our = None if one is None or one.epoch != term.epoch else have.get(one.seq)
            if one is not None and our is not None and (one.time, one.body) == (our.time, our.body):
                last = position
                continue
            remove.append(position)
            # an epoch of before is no forgery, and what is no publication at all was counted when it was read
            if one is not None and one.epoch == term.epoch:
                self._refused.note(f"stream:{channel}", f"a publication that is not ours seq={one.seq}")
                is_ours = False
        if found.is_more:
            self._refused.note(f"stream:{channel}", "more entries of others than can be read")
            is_ours = False
        if found.last not in remove:
            last = found.last
        self._streams[channel] = Known(last, tuple(remove))
        return is_ours

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
