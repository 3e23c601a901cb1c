"""One provider as we use it. The internet is a script: what each path answers."""

from __future__ import annotations

import logging
import math
import random

import pytest

from websocket.errors import (
    AccessRefused,
    BadPayload,
    BudgetSpent,
    CircuitOpen,
    RateLimited,
    UnknownSymbol,
    UpstreamStatus,
    UpstreamTimeout,
)
from websocket.providers.base import Answer, HealthCheck
from websocket.settings import UpstreamSettings
from websocket.upstream.circuit import Circuit
from websocket.upstream.rate_limit import RateLimiter
from websocket.upstream.source import DISABLED_FOR_S, Source

SETTINGS = UpstreamSettings(failures_to_open=3, deadline_s=8)
COINS = ("BTC", "ETH", "MATIC")


class ScriptedClient:
    """Stands for ``HttpClient``: delisted symbols are refused, paths in ``errors`` fail, the rest is answered."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.delisted: set[str] = set()
        self.errors: dict[str, Exception] = {}
        self.asked: list[tuple[str, ...]] = []

    def fetch(self, provider, request) -> Answer:
        self.asked.append(request.symbols)
        self.clock.advance(0.25)
        if request.path in self.errors:
            raise self.errors[request.path]
        if self.delisted & set(request.symbols):
            raise UnknownSymbol(provider.name, request.operation, "HTTP 404", request.symbols)
        return Answer(request=request, payload=list(request.symbols), received_at=self.clock())


def symbols_of(answers) -> list[str]:
    return [symbol for answer in answers for symbol in answer.payload]


def failing(kind=UpstreamTimeout, *more) -> Exception:
    return kind("acme", "one", "went wrong", *more)


@pytest.fixture
def client(clock) -> ScriptedClient:
    return ScriptedClient(clock)


@pytest.fixture
def acme(make_provider):
    return make_provider()


@pytest.fixture
def make_source(client, clock):
    def make(provider) -> Source:
        circuit = Circuit(provider.name, SETTINGS, clock=clock, rng=random.Random(1))
        return Source(provider, client, RateLimiter(), circuit, clock=clock, wall=clock)

    return make


@pytest.fixture
def source(make_source, acme) -> Source:
    return make_source(acme)


def ask(source, symbols=COINS, plan=None, read=symbols_of):
    return source.ask(symbols, plan or source.provider.plan, read)


# asking


def test_an_ask_gives_what_the_reader_makes_of_the_answers(source, acme, client):
    """All planned requests are sent in order, and their answers read together."""
    assert ask(source, plan=acme.plan_each) == ["BTC", "ETH", "MATIC"]
    assert client.asked == [("BTC",), ("ETH",), ("MATIC",)]


def test_questions_without_symbols(source, acme):
    """A plan may need no symbols at all."""
    assert source.ask((), lambda symbols: acme.plan_each(["tip"]), len) == 1


def test_nothing_to_ask_for(source, client):
    """A provider that lists none of the symbols is not asked, and not blamed."""
    with pytest.raises(UnknownSymbol, match="lists none"):
        ask(source, plan=lambda symbols: [])
    assert client.asked == []
    assert (source.status().failed, source.state) == (0, "closed")


def test_an_error_without_any_answer_is_raised_and_counted(source, client):
    """Three in a row open the circuit; then nothing is sent."""
    client.errors["/all"] = failing()
    for _ in range(3):
        with pytest.raises(UpstreamTimeout):
            ask(source)
    with pytest.raises(CircuitOpen):
        ask(source)
    assert len(client.asked) == 3
    status = source.status()
    assert (status.state, status.failed, status.errors) == ("open", 3, {"timeout": 3, "circuit_open": 1})


def test_what_came_before_an_error_is_used(source, acme, client):
    """The second of three requests fails: the first answer is returned, the failure counted, the third not sent."""
    client.errors["/ETH"] = failing()
    assert ask(source, plan=acme.plan_each) == ["BTC"]
    assert client.asked == [("BTC",), ("ETH",)]
    status = source.status()
    assert (status.succeeded, status.failed, status.last_success) == (0, 1, None)
    assert status.last_error == "acme one: went wrong"
    assert source.due()


def test_a_rate_limit_halfway_opens_the_circuit(source, acme, client):
    """What the provider said counts, also when there was something to return."""
    client.errors["/MATIC"] = failing(RateLimited, 429, 60.0)
    assert ask(source, plan=acme.plan_each) == ["BTC", "ETH"]
    assert source.state == "open"


def test_an_answer_that_the_reader_refuses_counts(source):
    """Unbelievable answers open the circuit like silence does."""

    def refuse(answers):
        raise BadPayload("acme", "all", "expected a list")

    for _ in range(3):
        with pytest.raises(BadPayload):
            ask(source, read=refuse)
    assert source.state == "open"
    assert source.status().errors == {"bad_payload": 3}


def test_a_spent_budget_is_no_failure(make_source, make_provider, client):
    """It is raised before anything is sent; halfway, what there is is used."""
    source = make_source(make_provider(per_minute=2))
    assert ask(source, plan=source.provider.plan_each) == ["BTC", "ETH"]
    for _ in range(5):
        with pytest.raises(BudgetSpent):
            ask(source)
    assert len(client.asked) == 2
    status = source.status()
    assert (status.state, status.failed, status.errors["budget_spent"]) == ("closed", 0, 6)


def test_bugs_go_through_and_free_the_trial(source, client, clock):
    """An exception of our own is not the provider's fault, and does not block the half-open circuit."""
    client.errors["/all"] = failing()
    for _ in range(3):
        with pytest.raises(UpstreamTimeout):
            ask(source)
    clock.advance(2)
    client.errors.clear()
    with pytest.raises(ZeroDivisionError):
        ask(source, read=lambda answers: 1 / 0)
    assert ask(source) == list(COINS)
    assert source.state == "closed"


# symbols that the provider does not know


def test_the_culprit_is_found_and_disabled(source, client, clock, caplog):
    """A list that is refused for one symbol is asked for one by one; the others arrive, and it stays out for a day."""
    caplog.set_level(logging.WARNING)
    client.delisted = {"ETH"}
    assert ask(source) == ["BTC", "MATIC"]
    assert source.enabled(COINS) == ("BTC", "MATIC")
    assert caplog.messages == ["symbol disabled provider=acme symbol=ETH for_s=86400 reason=HTTP 404"]
    client.asked.clear()
    assert ask(source) == ["BTC", "MATIC"]
    assert client.asked == [("BTC", "MATIC")]
    status = source.status()
    assert (status.disabled_symbols, status.failed, status.succeeded) == (("ETH",), 0, 2)
    clock.advance(DISABLED_FOR_S)
    assert source.enabled(COINS) == COINS


def test_one_unknown_symbol_of_many_requests(source, acme, client):
    """Where each symbol has its own request, the refused one is disabled and the rest goes on."""
    client.delisted = {"BTC"}
    assert ask(source, plan=acme.plan_each) == ["ETH", "MATIC"]
    assert source.enabled(COINS) == ("ETH", "MATIC")


def test_a_lone_unknown_symbol(source, client):
    """Asked for alone and refused: disabled, told to the caller, no failure."""
    client.delisted = {"MATIC"}
    with pytest.raises(UnknownSymbol):
        ask(source, symbols=["MATIC"])
    assert source.status().disabled_symbols == ("MATIC",)
    assert source.status().failed == 0
    with pytest.raises(UnknownSymbol, match="lists none"):
        ask(source, symbols=["MATIC"])


def test_a_provider_that_refuses_everything_is_not_well(source, acme, client):
    """When no symbol at all is known the symbols are not to blame: a failure, nothing disabled."""
    client.delisted = set(COINS)
    for plan in (acme.plan, acme.plan_each, acme.plan):
        with pytest.raises(UpstreamStatus, match="refuses every symbol") as raised:
            ask(source, plan=plan)
        assert type(raised.value) is UpstreamStatus
    assert source.state == "open"
    assert source.enabled(COINS) == COINS


def test_an_error_while_looking_for_the_culprit(source, acme, client):
    """The search ends; what it found counts only when something was answered."""
    client.delisted = {"BTC"}

    def plan(symbols):
        return acme.plan(symbols) if len(tuple(symbols)) > 1 else acme.plan_each(symbols)

    client.errors["/ETH"] = failing()
    with pytest.raises(UpstreamTimeout):
        ask(source, plan=plan)
    assert source.enabled(COINS) == COINS
    client.delisted, client.errors = {"ETH"}, {"/MATIC": failing()}
    assert ask(source, plan=plan) == ["BTC"]
    assert source.enabled(COINS) == ("BTC", "MATIC")
    assert source.status().failed == 2


def test_a_refusal_that_names_no_symbol_is_a_failure(source, client):
    """There is nothing to disable."""
    client.errors["/all"] = UnknownSymbol("acme", "all", "no such thing", ())
    with pytest.raises(UpstreamStatus) as raised:
        ask(source)
    assert type(raised.value) is UpstreamStatus
    assert source.status().failed == 1


# pace and statistics


def test_it_is_due_after_its_interval(source, clock):
    """Counted from the start of the last success, with half a second's tolerance for a job's jitter."""
    assert source.due()
    began_at = clock()
    ask(source)
    clock.now = began_at + 9.4
    assert not source.due()
    clock.now = began_at + 9.5
    assert source.due()


def test_topics_have_their_own_pace(source):
    """A refresh of one thing does not put off another."""
    source.ask(COINS, source.provider.plan, symbols_of, topic="prices")
    assert not source.due("prices")
    assert source.due("trending")


def test_a_months_budget_lasts_for_a_month(make_source, make_provider):
    """The interval is long enough for the requests that one refresh takes."""
    source = make_source(make_provider(per_month=31 * 24 * 60, min_interval_s=10))
    assert source.interval_s() == 60
    ask(source, plan=source.provider.plan_each)
    assert source.interval_s() == 180
    assert make_source(make_provider(per_month=10**9, min_interval_s=10)).interval_s() == 10


def test_the_operators_month_slows_it_down(make_source, make_provider):
    """A budget from the settings counts like a published one."""
    assert make_source(make_provider(own_per_month=31 * 24)).interval_s() == 3600


def test_status_before_anything_happened(source):
    """Unknown is None, not zero."""
    status = source.status()
    assert (status.name, status.title, status.configured, status.state) == ("acme", "Acme", True, "closed")
    unknown = (status.last_check, status.last_success, status.last_error, status.response_time_ms, status.retry_at)
    assert unknown == (None,) * 5
    assert (status.succeeded, status.failed, status.errors, status.disabled_symbols) == (0, 0, {}, ())


def test_status_after_success_and_failure(source, client, clock):
    """Times, words and counts; the last error stays after it is over."""
    began_at = clock()
    ask(source)
    client.errors["/all"] = failing(AccessRefused, 403)
    with pytest.raises(AccessRefused):
        ask(source)
    status = source.status()
    assert (status.last_success, status.last_check) == (began_at, began_at + 0.25)
    assert status.last_error == "acme one: went wrong"
    assert status.last_error_at == began_at + 0.5
    assert status.response_time_ms == 250
    assert (status.succeeded, status.failed, status.errors) == (1, 1, {"refused": 1})
    assert (status.state, status.retry_at) == ("parked", clock() + 3600)


# probing


def test_probe_is_an_ask_like_any_other(source, acme, client, monkeypatch):
    """Budget, circuit and statistics count; the pace of what services ask for does not."""
    request = acme.plan(["BTC"])[0]
    monkeypatch.setattr(acme, "health_check", lambda: HealthCheck(request, symbols_of))
    assert source.probe() is True
    assert source.due()
    assert (client.asked, source.status().succeeded) == ([("BTC",)], 1)
    client.errors["/all"] = failing()
    for _ in range(3):
        with pytest.raises(UpstreamTimeout):
            source.probe()
    with pytest.raises(CircuitOpen):
        source.probe()
    assert source.status().success_rate == 0.25


def test_probe_without_a_question_sends_nothing(source, client):
    """A provider may have none."""
    assert source.probe() is False
    assert client.asked == []


def test_probes_are_no_use(source, acme, clock, monkeypatch):
    """Who is only probed stays unused; an ask that its circuit turns away is a use."""
    monkeypatch.setattr(acme, "health_check", lambda: HealthCheck(acme.plan(["BTC"])[0], symbols_of))
    assert (source.unused_s, source.unprobed_s) == (math.inf, math.inf)
    source.probe()
    clock.advance(5)
    assert source.unused_s == math.inf
    assert 5 <= source.unprobed_s < 6
    ask(source)
    clock.advance(7)
    assert 7 <= source.unused_s < 8


def test_status_tells_the_last_hour(source, client, clock):
    """Rate and times of what was asked in it; absent before."""
    assert (source.status().success_rate, source.status().p95_ms, source.status().asks_last_hour) == (None, None, 0)
    ask(source)
    client.errors["/all"] = failing()
    with pytest.raises(UpstreamTimeout):
        ask(source)
    status = source.status()
    assert (status.asks_last_hour, status.success_rate) == (2, 0.5)
    assert status.p95_ms == pytest.approx(250)
    clock.advance(3601)
    assert source.status().asks_last_hour == 0
