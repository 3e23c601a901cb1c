"""One provider as we use it: its client, budget and circuit together, its unknown symbols and its statistics.

There is one ``Source`` per provider in a process, shared by all pools that use it, so that what one of them learns
(it is down, it is rate limited) counts for all.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Generic, TypeVar

import msgspec

from websocket.errors import UnknownSymbol, UpstreamError, UpstreamStatus
from websocket.providers.base import Answer, Provider, Request
from websocket.records import figure
from websocket.upstream.circuit import Circuit, CircuitState
from websocket.upstream.client import HttpClient
from websocket.upstream.rate_limit import RateLimiter, effective_budget
from websocket.upstream.source_status import SourceStatus
from websocket.upstream.track_record import TrackRecord

logger = logging.getLogger(__name__)

P_co = TypeVar("P_co", bound=Provider, covariant=True)
R = TypeVar("R")
Plan = Callable[[Collection[str]], Sequence[Request]]

DISABLED_FOR_S = 24 * 3600.0
"""How long a symbol that the provider does not know is left out."""

PROBE = "probe"
"""Topic of the asks that only find out whether a provider is well."""

LONGEST_MONTH_S = 31 * 24 * 3600.0

DUE_TOLERANCE_S = 0.5
"""So that a job that runs exactly every ``min_interval_s`` is not turned away by its own jitter."""


class _Pace(msgspec.Struct, frozen=True):
    """The last success of one topic: when it began (monotonic seconds), and how many requests it took."""

    began_at: float
    requests: int


class _Harvest:
    """What the requests of one ask have brought so far."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.unknown: dict[str, UnknownSymbol] = {}
        self.problem: UpstreamError | None = None


class Source(Generic[P_co]):
    """Asks one provider, in order and within its limits.

    Green threads may share it. Two asks may run at the same time, except while the circuit is half open.

    Args:
        provider: whom to ask.
        client: sends the requests.
        limiter: has the last word before each of them.
        circuit: this provider's.
        clock: monotonic seconds.
        wall: Unix seconds.
    """

    def __init__(
        self,
        provider: P_co,
        client: HttpClient,
        limiter: RateLimiter,
        circuit: Circuit,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._provider = provider
        self._client = client
        self._limiter = limiter
        self._circuit = circuit
        self._clock = clock
        self._wall = wall
        self._disabled_until: dict[str, float] = {}
        self._paces: dict[str, _Pace] = {}
        self._used_at = self._probed_at = -math.inf
        self.record = TrackRecord(clock=clock, wall=wall)

    @property
    def provider(self) -> P_co:
        """The provider, for its requests and parsers."""
        return self._provider

    @property
    def name(self) -> str:
        """Registry name of the provider."""
        return self._provider.name

    @property
    def configured(self) -> bool:
        """False while something that it cannot work without is not set."""
        return self._provider.configured

    @property
    def state(self) -> CircuitState:
        """The state of its circuit."""
        return self._circuit.state

    @property
    def retry_in_s(self) -> float:
        """Seconds until it may be asked again; 0 when it may be asked now."""
        return self._circuit.retry_in_s

    @property
    def trouble(self) -> str | None:
        """What its last ask ended with, in words, or None when that was a success or nothing was asked yet."""
        record = self.record
        if record.last_error_at is None or (record.last_success or 0.0) > record.last_error_at:
            return None
        return record.last_error

    @property
    def unused_s(self) -> float:
        """Seconds since somebody wanted something of it, probes aside; infinite before that."""
        return self._clock() - self._used_at

    @property
    def unprobed_s(self) -> float:
        """Seconds since the last ``probe()``, also one that sent nothing; infinite before the first."""
        return self._clock() - self._probed_at

    def enabled(self, symbols: Iterable[str]) -> tuple[str, ...]:
        """The given symbols without those that this provider refused in the last 24 hours."""
        now = self._clock()
        return tuple(symbol for symbol in symbols if self._disabled_until.get(symbol, now) <= now)

    def interval_s(self, topic: str = "") -> float:
        """Least seconds between two refreshes of a topic.

        That is what the provider asks for, or more, where a month's budget has to last for a month.
        """
        budget = effective_budget(self._provider)
        if budget.per_month is None:
            return budget.min_interval_s
        pace = self._paces.get(topic)
        requests = pace.requests if pace else 1
        return max(budget.min_interval_s, LONGEST_MONTH_S / budget.per_month * requests)

    def due(self, topic: str = "") -> bool:
        """False while the last success is so recent that asking again would bring nothing new, or cost too much.

        Args:
            topic: which of several unrelated refreshes is meant; each is paced on its own.
        """
        pace = self._paces.get(topic)
        return pace is None or self._clock() - pace.began_at >= self.interval_s(topic) - DUE_TOLERANCE_S

    def ask(self, symbols: Collection[str], plan: Plan, read: Callable[[Sequence[Answer]], R], *, topic: str = "") -> R:
        """Sends the planned requests one after the other, and gives what ``read`` makes of the answers.

        A symbol that the provider does not know is disabled for a day, and the rest goes on. Where a refused request
        names several symbols, each is asked for alone, to find the culprit. An error between two requests ends the
        ask but does not lose it: what came before is read and returned, and the error is counted.

        Args:
            symbols: ours; disabled ones are left out by this method. May be empty where the plan needs none.
            plan: makes the requests for some symbols, for example ``TickerProvider.ticker_requests``.
            read: makes the result out of at least one answer, for example ``TickerProvider.parse_tickers``. An
                ``UpstreamError`` that it raises counts against the provider like any other.
            topic: as for ``due()``.

        Raises:
            CircuitOpen: not asked; nothing was sent.
            BudgetSpent: before there was any answer.
            UnknownSymbol: there is nothing left to ask for.
            UpstreamError: no answer, or one that ``read`` refuses.
        """
        began_at, began_wall = self._clock(), self._wall()
        if topic == PROBE:
            self._probed_at = began_at
        else:
            self._used_at = began_at
        requests = plan(self.enabled(symbols))
        try:
            if not requests:
                raise UnknownSymbol(self.name, "ask", "lists none of the symbols", symbols)
            ticket = self._circuit.admit(requests[0].operation)
        except UpstreamError as error:
            self.record.note_unsent(error)
            raise
        try:
            harvest = self._harvest(requests, plan)
            if not harvest.answers:
                raise harvest.problem or next(iter(harvest.unknown.values()))
            result = read(harvest.answers)
        except UpstreamError as error:
            self._note_error(ticket, error)
            raise
        except BaseException:
            # a bug of ours or the end of the process: nobody else will give the trial back
            self._circuit.withdrawn(ticket)
            raise
        if harvest.problem is not None:
            self._note_error(ticket, harvest.problem)
        else:
            self._circuit.succeeded(ticket)
            self.record.note_success(began_wall)
            self._paces[topic] = _Pace(began_at, len(requests))
        return result

    def probe(self) -> bool:
        """Asks the cheapest question that shows whether the provider is well, as any other: budget and circuit count.

        Returns:
            False when there is no such question.

        Raises:
            UpstreamError: as ``ask()``.
        """
        check = self._provider.health_check()
        if check is None:
            return False
        self.ask((), lambda _: (check.request,), check.read, topic=PROBE)
        return True

    def status(self) -> SourceStatus:
        """How it has been doing; computes only."""
        retry_in_s = self._circuit.retry_in_s
        now = self._clock()
        record, hour = self.record, self.record.score()
        return SourceStatus(
            name=self.name,
            title=self._provider.title,
            configured=self.configured,
            state=self._circuit.state,
            retry_at=self._wall() + retry_in_s if retry_in_s > 0 else None,
            last_check=record.last_check,
            last_success=record.last_success,
            last_error=record.last_error,
            last_error_at=record.last_error_at,
            response_time_ms=figure(record.response_time_ms, 1),
            succeeded=record.succeeded,
            failed=record.failed,
            errors=dict(record.errors),
            asks_last_hour=hour.asks,
            success_rate=figure(hour.success_rate, 4),
            p95_ms=figure(hour.p95_ms, 1),
            disabled_symbols=tuple(sorted(symbol for symbol, until in self._disabled_until.items() if until > now)),
        )

    def _harvest(self, requests: Sequence[Request], plan: Plan) -> _Harvest:
        harvest = _Harvest()
        try:
            for request in requests:
                self._fetch_or_narrow(request, plan, harvest)
        except UpstreamError as error:
            harvest.problem = error
        if harvest.unknown:
            self._settle_unknown(requests, harvest)
        return harvest

    def _fetch_or_narrow(self, request: Request, plan: Plan, harvest: _Harvest) -> None:
        try:
            harvest.answers.append(self._fetch(request))
            return
        except UnknownSymbol as error:
            refusal = error
        if len(refusal.symbols) == 1:
            harvest.unknown[refusal.symbols[0]] = refusal
            return
        if not refusal.symbols:
            raise UpstreamStatus(self.name, request.operation, refusal.reason, refusal.status) from refusal
        for symbol in refusal.symbols:
            try:
                for single in plan((symbol,)):
                    harvest.answers.append(self._fetch(single))
            except UnknownSymbol as error:
                harvest.unknown[symbol] = error

    def _fetch(self, request: Request) -> Answer:
        self._limiter.take(self._provider, request)
        self.record.note_request()
        began_at, answered = self._clock(), False
        try:
            answer = self._client.fetch(self._provider, request)
            answered = True
            return answer
        finally:
            self.record.note_response_time((self._clock() - began_at) * 1000, answered=answered)

    def _settle_unknown(self, requests: Sequence[Request], harvest: _Harvest) -> None:
        """Disables what was refused, unless everything was: then it is the provider that is not well."""
        asked = {symbol for request in requests for symbol in request.symbols}
        if not harvest.answers:
            if harvest.problem is not None:
                return
            if len(asked) > 1:
                first = next(iter(harvest.unknown.values()))
                reason = f"refuses every symbol ({first.reason})"
                harvest.problem = UpstreamStatus(self.name, first.operation, reason, first.status)
                return
        until = self._clock() + DISABLED_FOR_S
        for symbol, refusal in harvest.unknown.items():
            self._disabled_until[symbol] = until
            logger.warning(
                "symbol disabled provider=%s symbol=%s for_s=%.0f reason=%s",
                self.name,
                symbol,
                DISABLED_FOR_S,
                refusal.reason,
            )

    def _note_error(self, ticket: int, error: UpstreamError) -> None:
        self._circuit.failed(ticket, error)
        self.record.note_error(error)
