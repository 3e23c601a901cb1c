"""The broker of many processes: one of them collects, and all show the same, through Redis.

Two green threads talk to Redis. One keeps the lease, and with it the role of this process, and writes what is
published here (``_keep``). The other follows what is published elsewhere (``StreamReader``). Everything else, also
``publish``, works on the memory of this process and does not wait for Redis.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from websocket import green
from websocket.broker.base import Broker, BusStatus, Listener, Publication, Role, RoleChange, encoded
from websocket.broker.bus import Term, connect
from websocket.broker.entries import Check, check_json
from websocket.broker.history import HISTORY, Listeners
from websocket.broker.lease import CLAIM_TIMEOUT_S, LEASE_S, RENEWALS, Claim, Lease, steady_clock, unused_epoch
from websocket.broker.numbering import Numbering
from websocket.broker.outbox import Outbox
from websocket.broker.stream_reader import DEAF_AFTER_S, StreamReader
from websocket.cache.redis_connection import REDIS_FAILURES, describe_failure, redis_address
from websocket.errors import NotCollecting
from websocket.refused import Refused, Throttle
from websocket.settings import RedisSettings
from websocket.supervisor import Supervised, supervise

logger = logging.getLogger(__name__)

TRY_S = 0.5
"""Between two claims of a process that does not hold the lease."""

DEFERENCE_S = 2.0
"""After Redis was away the process that held the lease comes first: it has what was collected meanwhile."""

_SETTLE_S = CLAIM_TIMEOUT_S + 0.1
_STOP_S = 1.0
_LOOK_S = 0.02


class RedisBroker(Broker):
    """Shares publications with all processes on the same Redis and prefix.

    Args:
        settings: how to reach Redis.
        clock: wall clock, Unix seconds.
        demo: demo and real processes share nothing.
        history: publications kept per channel, here and in Redis.
        check: knows the payloads; what others publish is shown only when it passes.
        on_gained: as ``on_role_change``.
        on_lost: as ``on_role_change``.
        lease_s: how long the lease lasts; a third of that is between two heartbeats.
        steady: seconds that never go back.
    """

    def __init__(
        self,
        settings: RedisSettings,
        *,
        clock: Callable[[], float],
        demo: bool,
        history: int = HISTORY,
        check: Check = check_json,
        on_gained: RoleChange | None = None,
        on_lost: RoleChange | None = None,
        lease_s: float = LEASE_S,
        steady: Callable[[], float] = steady_clock,
    ) -> None:
        self._address = redis_address(settings)
        self._steady = steady
        self._gained = on_gained
        self._lost = on_lost
        self._listeners = Listeners()
        self._numbers = Numbering(history, listeners=self._listeners, clock=clock)
        self._refused = Refused("the bus")
        self._bus = connect(settings, demo=demo, refused=self._refused, check=check)
        self._reading_bus = connect(settings, demo=demo, refused=self._refused, check=check, waits=True)
        self._renew_s = lease_s / RENEWALS
        self._lease = Lease(self._bus, clock=steady, lease_s=lease_s)
        self._outbox = Outbox(self._bus, token=self._lease.token, kept=history, refused=self._refused)
        self._reader = StreamReader(
            self._reading_bus,
            self._numbers,
            clock=steady,
            refused=self._refused,
            on_old_epoch=self._end_epoch_soon,
        )

        self._role: Role = "seeking"
        # set while we number in the shared epoch, or did and nobody else is known to have done so since
        self._term: Term | None = None
        self._epoch_to_end: str | None = None
        self._knows_a_collector = False
        self._is_away = False
        self._has_deferred = False
        self._defers_until = 0.0
        self._renew_at = 0.0
        self._last_error: str | None = None
        self._bugs = Throttle()
        self._wake = threading.Event()
        self._settled = threading.Event()
        self._stopping = False
        self._has_ended = threading.Event()
        self._threads: list[Supervised] = []

    # what everybody sees

    def start(self) -> None:
        self._threads = [
            supervise("broker", self._keep, may_end=self._has_ended.is_set),
            supervise("broker reader", self._reader.run),
        ]

    def get_ready(self, within_s: float) -> None:
        until = self._steady() + within_s
        while not (self.collecting or self._reader.has_looked) and self._steady() < until:
            green.sleep(_LOOK_S)

    def stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        self._wake.set()
        if self._threads:
            self._has_ended.wait(_STOP_S + CLAIM_TIMEOUT_S)
        for thread in self._threads:
            thread.stop()
        self._bus.disconnect()
        self._reading_bus.disconnect()

    def on_role_change(self, *, gained: RoleChange, lost: RoleChange) -> None:
        self._gained, self._lost = gained, lost

    @property
    def collecting(self) -> bool:
        return self._role in ("collector", "alone")

    def status(self) -> BusStatus:
        trouble = self._trouble()
        says = {
            "seeking": "has stopped" if self._stopping else "looks for the others",
            "collector": "collects for all",
            "follower": "follows the process that collects",
            "alone": "collects for its own clients alone",
        }[self._role]
        outbox = 0 if self._term is None else self._outbox.waiting(self._term, self._numbers.shared)
        return BusStatus(
            role=self._role,
            healthy=trouble is None,
            detail=f"{says}, by Redis at {self._address}" + (f": {trouble}" if trouble else ""),
            silence_s=self._reader.silence_s,
            outbox=outbox + self._numbers.on_island,
            last_error=self._last_error or self._reader.last_error,
            epoch=self._numbers.epoch,
            refused=self._refused.count,
            last_refused=self._refused.last,
        )

    def listen(self, listener: Listener) -> None:
        self._listeners.add(listener)

    def last(self, channel: str) -> Publication | None:
        return self._numbers.of(channel).last(channel)

    def history(self, channel: str) -> list[Publication]:
        return self._numbers.of(channel).newer_than(channel, 0)

    def since(self, channel: str, epoch: str, seq: int) -> list[Publication] | None:
        return self._numbers.since(channel, epoch, seq)

    def position(self, channel: str) -> tuple[str, int]:
        return self._numbers.of(channel).position(channel)

    def publish(self, channel: str, data: Any) -> Publication:
        body = encoded(data)
        if self._role == "collector" and not self._lease.is_valid:
            self._settle()
        if not self.collecting:
            raise NotCollecting(f"{channel}: another process collects, or it is not known yet which one does")
        publication = self._numbers.number(channel, body)
        if self._role == "collector":
            # Before the listeners, and so before any client: what one has seen must not be lost if we die now.
            self._wake.set()
        self._listeners.tell(publication)
        return publication

    def _trouble(self) -> str | None:
        """Why what is shown here, or elsewhere, may lag behind; None when all is well."""
        if self._role == "alone" or self._is_away:
            return f"Redis cannot be used ({self._last_error})"
        if self._role == "seeking":
            return "it is not known yet who collects"
        silence = self._reader.silence_s
        if silence is None:
            return "nothing was heard through it yet"
        if silence > DEAF_AFTER_S:
            return f"nothing was heard through it for {silence:.0f} s"
        return None

    # how the role is found

    def _keep(self) -> None:
        """Finds out what we are, again and again, and writes what is to be written, until ``stop``."""
        failures = 0
        while not self._stopping:
            self._wake.clear()
            try:
                self._look_after()
                failures = 0
            except REDIS_FAILURES as error:
                failures += 1
                self._bus.disconnect()
                # a connection that broke while nothing else is wrong must not cost an island, nor health
                if failures == 1 and not self._is_away and (self._role != "collector" or self._lease.is_valid):
                    self._renew_at = 0.0
                    continue
                self._lose_redis(describe_failure(error))
            except Exception as error:  # noqa: BLE001 - it is logged
                self._bugs.exception(logger, "looking after the bus failed", error)
                self._bus.disconnect()
                self._lose_redis("a bug, see the log")
            self._settled.set()
            self._wake.wait(self._pause_s())
        self._hand_over()

    def _look_after(self) -> None:
        now = self._steady()
        if self._epoch_to_end is not None:
            self._bus.end_epoch(self._epoch_to_end, unused_epoch())
            self._epoch_to_end = None
        if self._term is None and self._is_away and not self._has_deferred:
            self._bus.look()
            self._has_deferred = True
            self._defers_until = now + DEFERENCE_S
        if self._role != "collector" or now >= self._renew_at or not self._lease.is_valid:
            if now < self._defers_until:
                return
            self._renew_at = now + self._renew_s
            self._act_on(self._lease.claim("" if self._term is None else self._term.epoch))
            self._flush(beat=True)
        else:
            self._flush(beat=False)

    def _flush(self, *, beat: bool) -> None:
        if self._role == "collector":
            assert self._term is not None
            outcome = self._outbox.flush(self._term, self._numbers.shared, beat=beat)
            if outcome == "forged":
                self._end_epoch_soon(self._term.epoch)
            elif outcome != "written":
                # somebody else has collected, or the epoch was ended: the claim tells which
                self._renew_at = 0.0
                self._wake.set()

    def _end_epoch_soon(self, epoch: str) -> None:
        """All begin a new one, with what whoever collects has."""
        self._epoch_to_end = epoch
        self._renew_at = 0.0
        self._wake.set()

    def _pause_s(self) -> float:
        if self._role != "collector":
            return TRY_S
        return max(0.0, self._renew_at - self._steady())

    def _act_on(self, claim: Claim) -> None:
        if claim.taken:
            self._follow(claim)
        elif claim.term is None:
            self._defers_until = self._steady() + DEFERENCE_S
        elif claim.term == self._term:
            self._go_on(self._term, claim)
        else:
            self._take_office(claim.term)
        self._find_redis()

    def _follow(self, claim: Claim) -> None:
        """Another process holds the lease."""
        self._knows_a_collector = True
        self._has_deferred = False
        if self._role == "follower":
            return
        was_collecting = self.collecting
        self._disown(may_be_lost=claim.restarted)
        self._numbers.drop_island()
        self._role = "follower"
        self._reader.reads_channels(True)
        logger.info("another process collects, this one follows")
        if was_collecting:
            self._tell(self._lost)

    def _go_on(self, term: Term, claim: Claim) -> None:
        """We hold the lease as before, and nobody else did meanwhile."""
        if self._role == "collector" and not claim.restarted:
            return
        if not self._outbox.compare(term, self._numbers.shared):
            self._end_epoch_soon(term.epoch)
        if self._role == "collector":
            return
        outcome = self._outbox.flush(term, self._numbers.shared, beat=True)
        if outcome == "written":
            self._numbers.rejoin()
            self._role = "collector"
        elif outcome == "forged":
            self._end_epoch_soon(term.epoch)

    def _take_office(self, term: Term) -> None:
        """The lease is ours anew, or its epoch is another than that in which we number."""
        # then nobody else can have written anything, in whichever epoch
        had_it = self._term is not None and self._term.fence == term.fence
        if self._role == "collector":
            self._isolate()
        if self._term is not None and self._term.epoch == term.epoch:
            self._disown(may_be_lost=False)
        self._term = None
        if self._numbers.has_left(term.epoch) or self._has_deferred:
            # The one that was waited for has not come back. It may have shown numbers that Redis never got.
            self._has_deferred = False
            self._epoch_to_end = term.epoch
        if self._epoch_to_end is not None:
            self._wake.set()
            return
        if not had_it:
            # nobody else can write any more: what is there now is all
            self._reader.catch_up(self._bus)
        is_ours = self._outbox.compare(term, self._numbers.shared)
        if had_it and not is_ours:
            self._epoch_to_end = term.epoch
            self._wake.set()
            return
        was_collecting = self.collecting
        self._reader.reads_channels(False)
        self._numbers.begin(term.epoch)
        self._term = term
        self._role = "collector"
        logger.info("this process collects for all epoch=%s fence=%s", term.epoch, term.fence)
        if not was_collecting:
            self._tell(self._gained)

    def _disown(self, *, may_be_lost: bool) -> None:
        """Ends our term. What only our own clients have seen has numbers that somebody else gives to something else:
        then the epoch must end.
        """
        term, self._term = self._term, None
        if term is not None and (may_be_lost or self._outbox.waiting(term, self._numbers.shared)):
            self._epoch_to_end = term.epoch
            self._numbers.leave(term.epoch)
            self._wake.set()

    def _isolate(self) -> None:
        """Goes on for our own clients alone."""
        self._numbers.isolate()
        self._reader.reads_channels(False)
        self._role = "alone"

    def _lose_redis(self, reason: str) -> None:
        """Redis does not answer, or does not do what it is asked."""
        if not self._is_away:
            logger.warning("the bus is away address=%s reason=%s", self._address, reason)
        self._is_away = True
        self._has_deferred = False
        self._last_error = reason
        if self._role == "collector":
            self._isolate()
        elif self._role == "seeking" and not self._knows_a_collector:
            self._isolate()
            self._tell(self._gained)

    def _find_redis(self) -> None:
        if self._is_away:
            self._is_away = False
            logger.info("the bus is back address=%s", self._address)

    def _settle(self) -> None:
        """Our lease is over, and nobody knows who has it: waits for one claim, and no longer than that."""
        until = self._steady() + _SETTLE_S
        while self._role == "collector" and not self._lease.is_valid and (left := until - self._steady()) > 0:
            self._settled.clear()
            self._wake.set()
            self._settled.wait(left)
        if self._role == "collector" and not self._lease.is_valid:
            self._lose_redis("no answer to a claim in time")

    def _hand_over(self) -> None:
        # from here on nobody can publish, so that what is flushed is all
        self._role = "seeking"
        try:
            with green.deadline(_STOP_S):
                if self._term is not None:
                    self._outbox.flush(self._term, self._numbers.shared, beat=True)
                    self._lease.release()
        except REDIS_FAILURES as error:
            logger.warning("the lease was not handed over reason=%s", describe_failure(error))
        finally:
            self._has_ended.set()

    def _tell(self, callback: RoleChange | None) -> None:
        if callback is None:
            return
        try:
            callback()
        except Exception:
            logger.exception("changing the role failed role=%s", self._role)
