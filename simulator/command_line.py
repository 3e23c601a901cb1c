"""``python -m simulator``: starts a simulator and says where it listens."""

from __future__ import annotations

import argparse
import errno
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence

from simulator.application import DEFAULT_REFRESH_S, Simulator
from simulator.chains import DEFAULT_BLOCK_SPEED
from simulator.parameters import ScenarioError
from simulator.scenarios import SCENARIOS
from simulator.server import NotLoopback, SimulatorServer


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs until a signal, or the end of standard input when asked to; gives the exit code.

    When ready it prints one line, ``{"listening":"http://127.0.0.1:8900"}``. A scenario that makes no sense ends it
    with 2, as every other mistake on the command line; what this machine does not allow with 1.
    """
    options = _parser().parse_args(arguments)
    simulator = Simulator(seed=options.seed, refresh_s=options.refresh_s, block_speed=options.block_speed)
    try:
        for name in options.scenario:
            _begin(simulator, name)
        server = SimulatorServer(simulator, options.host, options.port)
    except ScenarioError as error:
        return _fail(str(error), code=2)
    except NotLoopback as error:
        return _fail(str(error))
    except OSError as error:
        reason = "the port is in use" if error.errno == errno.EADDRINUSE else error.strerror
        return _fail(f"cannot listen on {options.host} port {options.port}: {reason}")

    stopped = threading.Event()
    # Raising in the main thread is safe; setting the event from a handler could meet the lock its wait holds.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with server:
            if options.until_stdin_closes:
                threading.Thread(target=_set_when_stdin_closes, args=(stopped,), daemon=True).start()
            print(json.dumps({"listening": server.url}, separators=(",", ":")), flush=True)
            stopped.wait()
    except KeyboardInterrupt:
        pass
    return 0


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, SCENARIOS))
    listing = "\n".join(f"  {name:<{width}}  {scenario.help}" for name, scenario in SCENARIOS.items())
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description="A stand-in for public data providers, on this machine only.",
        epilog=f"scenarios:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=8900, help="0 means any free one (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="one seed is one market (default: %(default)s)")
    parser.add_argument(
        "--refresh-s",
        type=_seconds,
        default=DEFAULT_REFRESH_S,
        metavar="SECONDS",
        help="how often caching providers look at the market, 0 means always (default: %(default)g)",
    )
    parser.add_argument(
        "--block-speed",
        type=_speed,
        default=DEFAULT_BLOCK_SPEED,
        metavar="FACTOR",
        help="how many times more often than every ten minutes a Bitcoin block comes (default: %(default)g)",
    )
    parser.add_argument(
        "--scenario",
        action="append",
        default=[],
        metavar="NAME[:ITEM,...]",
        help="in force from the start; an item is a provider or a parameter, as in feed_broken:kind=junk; "
        "may be given several times",
    )
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="end when standard input does, hence with the parent"
    )
    return parser


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= 65_535:
        return int(text)
    raise argparse.ArgumentTypeError("expected a number from 0 to 65535")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if 0 <= seconds <= 86_400:
        return seconds
    raise argparse.ArgumentTypeError("expected a number of seconds from 0 to 86400")


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if 1 <= speed <= 600:
        return speed
    raise argparse.ArgumentTypeError("expected a number from 1 to 600")


def _begin(simulator: Simulator, text: str) -> None:
    """Puts one scenario of the command line in force, for instance ``slow:kraken,binance,interval_s=0.1``."""
    name, colon, rest = text.partition(":")
    items = [item.strip() for item in rest.split(",")] if colon else []
    providers = [item for item in items if "=" not in item]
    settings = (item.partition("=") for item in items if "=" in item)
    simulator.scenarios.begin(name, providers or None, None, {key: _value(value) for key, _, value in settings})


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _set_when_stdin_closes(stopped: threading.Event) -> None:
    # Not sys.stdin.read(): a thread that sleeps inside it makes the interpreter's own shutdown fail.
    while os.read(0, 65_536):
        pass
    stopped.set()


def _fail(message: str, *, code: int = 1) -> int:
    print(f"simulator: {message}", file=sys.stderr)
    return code
