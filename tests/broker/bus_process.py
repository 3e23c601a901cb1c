"""One process of the service as far as the broker is concerned, for tests that kill or stop it.

Publishes a count as long as it collects, and writes a line of JSON for everything that its listener hears and for each
change of its role. ``Child`` starts it.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from websocket import green
from websocket.broker.base import Publication
from websocket.broker.redis_broker import RedisBroker
from websocket.errors import NotCollecting
from websocket.settings import RedisSettings


def say(**fields: Any) -> None:
    """One line for the test."""
    sys.stdout.write(json.dumps({"at": time.time(), **fields}) + "\n")
    sys.stdout.flush()


def say_publication(one: Publication) -> None:
    """What a client of this process would get."""
    say(heard=one.seq, epoch=one.epoch, time=one.time, body=one.body.decode(), channel=one.channel)


def main(port: int, prefix: str, interval_s: float) -> None:
    """Runs until it is killed.

    Args:
        port: of Redis.
        prefix: of the keys.
        interval_s: between two publications.
    """
    broker = RedisBroker(
        RedisSettings(host="127.0.0.1", port=port, prefix=prefix),
        clock=time.time,
        demo=False,
        on_gained=lambda: say(role="gained"),
        on_lost=lambda: say(role="lost"),
    )
    # as the hub does it
    broker.listen(lambda one: green.spawn(say_publication, one))
    broker.start()
    last_status = None
    count = 0
    while True:
        status = broker.status()
        if (status.role, status.healthy) != last_status:
            last_status = (status.role, status.healthy)
            say(status=status.role, healthy=status.healthy)
        if broker.collecting:
            count += 1
            try:
                broker.publish("news", {"n": count, "by": id(broker)})
            except NotCollecting:
                say(refused=count)
        green.sleep(interval_s)
