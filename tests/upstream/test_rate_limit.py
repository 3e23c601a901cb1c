"""Our own budgets, alone and shared through a real Redis."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from unittest import mock

import pytest
import redis
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from websocket import green
from websocket.errors import BudgetSpent
from websocket.providers.base import Request
from websocket.settings import RedisSettings, Secret
from websocket.upstream import rate_limit
from websocket.upstream.rate_limit import RateLimiter, effective_budget, redis_storage

NOVEMBER_30 = 1_796_083_190.0
"""2026-11-30 23:59:50 UTC."""

REQUEST = Request(operation="all", path="/all")


@pytest.fixture
def clock(clock, monkeypatch):
    """The limits library reads ``time.time`` itself, so the whole process gets this clock."""
    clock.now = NOVEMBER_30 - 20 * 86400
    monkeypatch.setattr("time.time", clock)
    return clock


@pytest.fixture
def limiter(clock) -> RateLimiter:
    return RateLimiter(clock=clock, wall=clock)


def take(limiter, provider, times: int = 1, cost: int = 1) -> None:
    for _ in range(times):
        limiter.take(provider, Request(operation="all", path="/all", cost=cost))


def spent(limiter, provider, cost: int = 1) -> BudgetSpent:
    with pytest.raises(BudgetSpent) as raised:
        take(limiter, provider, cost=cost)
    return raised.value


def test_a_minute_holds_its_budget_and_no_more(limiter, make_provider, clock):
    """The fourth request of three waits until the first is 60 s old."""
    acme = make_provider(per_minute=3)
    for _ in range(3):
        take(limiter, acme)
        clock.advance(10)
    assert spent(limiter, acme).retry_after_s == pytest.approx(30)
    clock.advance(30.1)
    take(limiter, acme)
    assert limiter.remaining(acme) == (0, None)


def test_the_window_moves(limiter, make_provider, clock):
    """Any 60 s count, not the minutes of the clock."""
    acme = make_provider(per_minute=2)
    clock.now = clock.now // 60 * 60 + 59
    take(limiter, acme, 2)
    clock.advance(2)
    spent(limiter, acme)


def test_requests_weigh_their_cost(limiter, make_provider):
    """A heavy request takes more, all of it or nothing."""
    acme = make_provider(per_minute=10)
    take(limiter, acme, cost=8)
    spent(limiter, acme, cost=3)
    assert limiter.remaining(acme) == (2, None)
    take(limiter, acme, cost=2)


def test_a_request_above_the_whole_budget_is_told_so(limiter, make_provider):
    """It would never fit, and the reason says why."""
    error = spent(limiter, make_provider(per_minute=5), cost=6)
    assert error.reason == "costs 6, more than the budget of a minute (5)"


def test_a_month_holds_its_budget_until_it_ends(limiter, make_provider, clock):
    """Requests count, not their cost; the wait lasts until the first of the next month, UTC."""
    clock.now = NOVEMBER_30
    acme = make_provider(per_minute=100, per_month=2)
    take(limiter, acme, 2, cost=5)
    assert limiter.remaining(acme) == (90, 0)
    assert spent(limiter, acme).retry_after_s == 11
    clock.advance(11)
    assert limiter.remaining(acme) == (90, 2)
    take(limiter, acme)


def test_a_refusal_takes_nothing(limiter, make_provider, clock):
    """What one budget refuses is not booked in the other."""
    monthly = make_provider("monthly", per_minute=10, per_month=1)
    take(limiter, monthly)
    spent(limiter, monthly)
    assert limiter.remaining(monthly) == (9, 0)
    minutely = make_provider("minutely", per_minute=1, per_month=10)
    take(limiter, minutely)
    spent(limiter, minutely)
    assert limiter.remaining(minutely) == (0, 9)


def test_providers_do_not_share_budgets(limiter, make_provider):
    """Each has its own."""
    take(limiter, make_provider("one", per_minute=1))
    take(limiter, make_provider("two", per_minute=1))


def test_the_operators_numbers_win(make_provider):
    """Settings replace the published limits, except where they are 0."""
    published = make_provider(per_minute=30, per_month=1000)
    assert (effective_budget(published).per_minute, effective_budget(published).per_month) == (30, 1000)
    own = make_provider(per_minute=30, own_per_minute=5, own_per_month=7)
    assert (effective_budget(own).per_minute, effective_budget(own).per_month) == (5, 7)


def test_a_restart_does_not_forget_the_month(limiter, make_provider, clock):
    """Exported usage counts in the next process, in its own month only, and never lowers a count."""
    acme = make_provider(per_month=10)
    take(limiter, acme, 4)
    usage = limiter.month_usage()
    assert usage == {"2026-11:acme": 4}
    later = RateLimiter(clock=clock, wall=clock)
    later.restore_month_usage({**usage, "2026-10:acme": 9, "garbage": 9, "2026-11:other": -3})
    assert later.remaining(acme)[1] == 6
    later.restore_month_usage({"2026-11:acme": 1})
    assert later.remaining(acme)[1] == 6
    assert later.month_usage() == usage
    clock.advance(31 * 86400)
    assert later.month_usage() == {}


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    per_minute=st.integers(1, 12),
    per_month=st.integers(1, 40),
    steps=st.lists(st.tuples(st.sampled_from([0, 1, 7, 30, 61]), st.integers(1, 5)), max_size=60),
)
def test_no_history_exceeds_a_budget(make_provider, per_minute, per_month, steps):
    """Whatever is asked when, no 60 s and no month hold more than their budget, and nothing is refused for nothing."""
    now = NOVEMBER_30 - 20 * 86400
    with mock.patch("time.time", side_effect=lambda: now) as clock:
        limiter = RateLimiter(clock=clock, wall=clock)
        acme = make_provider(per_minute=per_minute, per_month=per_month)
        taken: list[tuple[float, int]] = []
        for pause_s, cost in steps:
            now += pause_s
            lately = sum(paid for at, paid in taken if now - at <= 60)
            fits = lately + cost <= per_minute and len(taken) < per_month
            if fits:
                take(limiter, acme, cost=cost)
                taken.append((now, cost))
            else:
                assert spent(limiter, acme, cost).retry_after_s > 0


# shared through Redis


def start_redis(port: int, folder) -> subprocess.Popen:
    command = [shutil.which("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    process = subprocess.Popen([*command, "--requirepass", "s3cret"], stdout=subprocess.DEVNULL)
    probe = redis.Redis(port=port, password="s3cret")
    for _ in range(200):
        try:
            probe.ping()
        except redis.ConnectionError:
            green.sleep(0.02)
        else:
            probe.close()
            return process
    raise AssertionError("redis-server does not start")


def stop(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()


@pytest.fixture
def redis_server(tmp_path):
    """A Redis of our own: (settings, process)."""
    if shutil.which("redis-server") is None:
        assert not os.environ.get("CI"), "redis-server is missing"
        pytest.skip("redis-server is missing")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = start_redis(port, tmp_path)
    yield RedisSettings(host="127.0.0.1", port=port, password=Secret("s3cret"), prefix="t:"), process
    stop(process)


def test_processes_share_their_budgets(redis_server, make_provider):
    """Two limiters on one Redis have one budget between them, per minute and per month."""
    settings, _ = redis_server
    one, two = RateLimiter(redis_storage(settings)), RateLimiter(redis_storage(settings))
    acme = make_provider(per_minute=5, per_month=4)
    take(one, acme, 2)
    take(two, acme, 2)
    assert one.remaining(acme) == two.remaining(acme) == (1, 0)
    assert "month" in spent(one, acme).reason
    quick = make_provider("quick", per_minute=2)
    take(one, quick)
    take(two, quick)
    assert 55 < spent(one, quick).retry_after_s <= 60


def test_keys_have_the_prefix_and_end(redis_server, make_provider):
    """Everything in Redis is ours by name and goes away by itself."""
    settings, _ = redis_server
    take(RateLimiter(redis_storage(settings)), make_provider(per_month=100))
    client = redis.Redis(port=settings.port, password="s3cret", decode_responses=True)
    keys = sorted(client.keys())
    assert len(keys) == 2
    for key in keys:
        assert key.startswith("t:budget:")
        assert 0 < client.ttl(key) <= 31 * 86400


def test_demo_spends_nothing_of_the_real_budgets(redis_server, make_provider):
    """A simulated market beside the real service, on the same Redis, asks a simulated internet."""
    settings, _ = redis_server
    real, demo = RateLimiter(redis_storage(settings)), RateLimiter(redis_storage(settings, demo=True))
    acme = make_provider(per_minute=5, per_month=4)
    take(demo, acme, 4)
    assert real.remaining(acme) == (5, 4)
    assert demo.remaining(acme) == (1, 0)


def test_many_at_once_do_not_exceed_a_shared_month(redis_server, make_provider):
    """Green threads of two limiters that take at the same time get exactly the budget."""
    settings, _ = redis_server
    limiters = [RateLimiter(redis_storage(settings)) for _ in range(2)]
    acme = make_provider(per_minute=1000, per_month=10)
    outcomes: list[bool] = []

    def try_to_take(limiter: RateLimiter) -> None:
        try:
            limiter.take(acme, REQUEST)
        except BudgetSpent:
            outcomes.append(False)
        else:
            outcomes.append(True)

    for number in range(40):
        green.spawn(try_to_take, limiters[number % 2])
    with green.deadline(5):
        while len(outcomes) < 40:
            green.sleep(0.01)
    assert sum(outcomes) == 10


def test_without_redis_it_counts_alone_at_once(redis_server, make_provider, caplog, tmp_path):
    """A Redis that goes away costs no request and no count; its return brings the shared count up to date."""
    settings, process = redis_server
    now = 0.0
    one = RateLimiter(redis_storage(settings), clock=lambda: now)
    acme = make_provider(per_minute=8, per_month=8)
    take(one, acme, 3)
    stop(process)
    take(one, acme, 2)
    assert one.remaining(acme) == (3, 3)
    assert list(one.month_usage().values()) == [5]
    assert [message.split(" cause")[0] for message in caplog.messages] == ["shared budgets lost, counting alone"]
    restarted = start_redis(settings.port, tmp_path)
    try:
        now += rate_limit.SHARED_PAUSE_S
        take(one, acme)
        assert one.remaining(acme)[1] == 2
        # this Redis came back empty: it learns what was counted without it, the rest is remembered by each process
        assert RateLimiter(redis_storage(settings)).remaining(acme) == (7, 5)
    finally:
        stop(restarted)


def test_a_silent_redis_holds_nobody_up_for_long(make_provider):
    """A Redis that accepts and says nothing costs half a second once, then nothing until the pause is over."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        limiter = RateLimiter(redis_storage(RedisSettings(host="127.0.0.1", port=silent.getsockname()[1])))
        began_at = time.monotonic()
        take(limiter, make_provider(), 20)
        assert time.monotonic() - began_at < 0.9


@pytest.mark.parametrize("settings", [RedisSettings(host="a" * 70), RedisSettings(password=Secret("wrong"))])
def test_an_unusable_redis_raises_nothing(redis_server, make_provider, settings):
    """A wrong host or password is a Redis that is away."""
    port = redis_server[0].port
    limiter = RateLimiter(redis_storage(RedisSettings(host=settings.host, port=port, password=settings.password)))
    acme = make_provider(per_minute=2)
    take(limiter, acme, 2)
    spent(limiter, acme)


def test_foreign_values_under_our_keys_raise_nothing(redis_server, make_provider):
    """What is no count is a Redis that cannot be used."""
    settings, _ = redis_server
    limiter = RateLimiter(redis_storage(settings))
    acme = make_provider(per_minute=5, per_month=5)
    take(limiter, acme)
    client = redis.Redis(port=settings.port, password="s3cret")
    for key in client.scan_iter():
        client.set(key, "not a number")
    take(limiter, acme)
    assert limiter.remaining(acme) == (3, 3)


def test_what_this_process_knows_is_told_without_asking_anybody(make_provider, monkeypatch):
    """Metrics are read while a Redis hangs as well; what was counted there is known here."""
    limiter = RateLimiter(redis_storage(RedisSettings(host="127.0.0.1", port=9)))
    acme = make_provider(per_minute=10, per_month=100)
    take(limiter, acme, times=3)
    monkeypatch.setattr(limiter, "_shared_pause_until", 0.0)
    monkeypatch.setattr(limiter, "_shared", object())  # whoever asked it would fail
    assert limiter.remaining_here(acme) == (7, 97)


def hold_future_requests(client: redis.Redis, key: str) -> None:
    client.lpush(key, *[str(time.time() + 86_400)] * 7)


@pytest.mark.parametrize(
    ("key", "put"),
    [
        ("minute", hold_future_requests),
        ("month", lambda client, key: client.set(key, 10**15)),
        ("month", lambda client, key: client.rpush(key, "x")),
        ("month", lambda client, key: client.set(key, b"9" * 1_000_000)),
    ],
)
def test_counts_that_cannot_be_ours_do_not_spend_a_budget(redis_server, make_provider, key, put):
    """Requests that have not come yet, or more than there can be: the process counts alone, and says so."""
    settings, _ = redis_server
    limiter = RateLimiter(redis_storage(settings))
    acme = make_provider(per_minute=7, per_month=100)
    take(limiter, acme)
    client = redis.Redis(port=settings.port, password="s3cret", decode_responses=True)
    month = f"{time.strftime('%Y-%m', time.gmtime(time.time()))}:{acme.name}"
    (name,) = (name for name in client.keys("*") if (month in name) == (key == "month"))
    client.delete(name)
    put(client, name)
    take(limiter, acme, times=6)
    assert limiter.refused.count == 1
