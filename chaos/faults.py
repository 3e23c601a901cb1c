"""The faults, one function each: what it does to the cluster, in the order in which they are played."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import NamedTuple

from chaos.clients import Crowd
from chaos.cluster import Cluster, ClusterError, Service, wait_for
from chaos.witness import Witness

SHORT_OUTAGE_S = 10.0
PAUSE_S = 8.0
SCENARIO_S = 8.0

TAKE_OVER_S = 5.0
EXIT_S = 6.0

ALL_BUT_ONE = ("binance", "coinbase_exchange", "coingecko", "coinlore", "coinpaprika")


class Stage(NamedTuple):
    """What a fault can act on."""

    cluster: Cluster
    crowd: Crowd
    witness: Witness

    def kill_collector(self) -> Service:
        """Kills it, and sees to it that another process collects in time; gives the one that was killed."""
        collector = self.cluster.collector()
        others = [service for service in self.cluster.services if service is not collector]
        collector.kill()
        try:
            wait_for(lambda: any(service.role == "collector" for service in others), "another collects", TAKE_OVER_S)
        except ClusterError as error:
            self.witness.complain(str(error))
        return collector

    def look_at_outage(self, collector: Service) -> None:
        """Only the process that collects may claim that clients can be sent to it while Redis is away."""
        for service in self.cluster.services:
            readiness = service.readiness()
            if readiness is None or readiness["ready"] is not (service is collector):
                self.witness.complain(f"without Redis {service.name} says {readiness}")


class Fault(NamedTuple):
    """One fault.

    Attributes:
        title: for the report.
        play: causes it and takes it back; what it killed it also starts again, as a supervisor would.
        in_short: whether the short run has it.
        may_lose: whether clients that resume may get a snapshot under a new epoch instead of a replay.
        is_polite: whether every client has to be told before its connection ends.
    """

    title: str
    play: Callable[[Stage], object]
    in_short: bool
    may_lose: bool = False
    is_polite: bool = False


def _nothing(_stage: Stage) -> None:
    time.sleep(SCENARIO_S)


def _kill_collector(stage: Stage) -> None:
    killed = stage.kill_collector()
    time.sleep(2)
    killed.start()


def _kill_follower(stage: Stage) -> None:
    follower = stage.cluster.followers()[0]
    follower.kill()
    time.sleep(3)
    follower.start()


def _pause_collector(stage: Stage) -> None:
    collector = stage.cluster.collector()
    collector.send(signal.SIGSTOP)
    time.sleep(PAUSE_S)
    collector.send(signal.SIGCONT)
    time.sleep(3)


def _pause_follower(stage: Stage) -> None:
    follower = stage.cluster.followers()[0]
    follower.send(signal.SIGSTOP)
    time.sleep(PAUSE_S)
    follower.send(signal.SIGCONT)


def _kill_redis(stage: Stage) -> None:
    collector = stage.cluster.collector()
    stage.cluster.redis.kill()
    time.sleep(SHORT_OUTAGE_S)
    stage.look_at_outage(collector)
    stage.cluster.redis.start()


def _empty_redis(stage: Stage) -> None:
    stage.cluster.redis.kill()
    stage.cluster.forget_redis_data()
    time.sleep(2)
    stage.cluster.redis.start()


def _mute_redis(stage: Stage) -> None:
    collector = stage.cluster.collector()
    stage.cluster.redis.send(signal.SIGSTOP)
    time.sleep(SHORT_OUTAGE_S)
    stage.look_at_outage(collector)
    stage.cluster.redis.send(signal.SIGCONT)


def _fill_redis(stage: Stage) -> None:
    collector = stage.cluster.collector()
    stage.cluster.command_redis("CONFIG", "SET", "maxmemory", "1")
    time.sleep(SHORT_OUTAGE_S)
    stage.look_at_outage(collector)
    stage.cluster.command_redis("CONFIG", "SET", "maxmemory", "0")


def _kill_redis_and_collector(stage: Stage) -> None:
    collector = stage.cluster.collector()
    stage.cluster.redis.kill()
    collector.kill()
    time.sleep(3)
    stage.cluster.redis.start()
    time.sleep(3)
    collector.start()


def _scenario(name: str, *providers: str) -> Callable[[Stage], object]:
    def play(stage: Stage) -> None:
        stage.cluster.begin_scenario(name, *providers)
        time.sleep(SCENARIO_S)
        stage.cluster.begin_scenario("normal")

    return play


def _stall_and_vanish(stage: Stage) -> None:
    clients = stage.crowd.plain
    for client in clients[: len(clients) // 10]:
        client.stalls_until = time.monotonic() + 5
    for client in clients[len(clients) // 10 : len(clients) // 5]:
        client.vanishes = True
    time.sleep(6)


def _rolling_restart(stage: Stage) -> None:
    for service in stage.cluster.services:
        took_s = service.stop()
        if took_s > EXIT_S:
            stage.witness.complain(f"{service.name} needed {took_s:.1f} s to end")
        service.start()
        service.wait_until_ready()


FAULTS: tuple[Fault, ...] = (
    Fault("nothing (for comparison)", _nothing, in_short=True),
    Fault("the collector is killed, and started again when another collects", _kill_collector, in_short=True),
    Fault("a follower is killed, and started again after 3 s", _kill_follower, in_short=False),
    Fault("the collector is paused for 8 s", _pause_collector, in_short=True),
    Fault("a follower is paused for 8 s", _pause_follower, in_short=False),
    Fault("Redis is killed, and started again after 10 s", _kill_redis, in_short=True),
    Fault("Redis does not answer for 10 s", _mute_redis, in_short=False),
    Fault("Redis has no memory left for 10 s", _fill_redis, in_short=False),
    Fault("Redis is killed, and comes back empty", _empty_redis, in_short=False, may_lose=True),
    Fault("Redis and the collector are killed together", _kill_redis_and_collector, in_short=False, may_lose=True),
    Fault("one exchange is away", _scenario("outage", "binance"), in_short=False),
    Fault("all providers but one are away", _scenario("outage", *ALL_BUT_ONE), in_short=False),
    Fault("one source is wrong by ten", _scenario("one_source_wrong", "binance"), in_short=True),
    Fault("providers say NaN", _scenario("nan", "binance", "coingecko"), in_short=False),
    Fault("providers say 429", _scenario("rate_limited", "binance", "coingecko"), in_short=False),
    Fault("clients stall and vanish", _stall_and_vanish, in_short=False),
    Fault("the processes are restarted one after the other", _rolling_restart, in_short=True, is_polite=True),
)
