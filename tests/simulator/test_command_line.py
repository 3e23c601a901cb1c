"""``python -m simulator`` as a program."""

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from simulator.scenarios import SCENARIOS

ROOT = Path(__file__).parents[2]


@contextmanager
def started(*arguments):
    """Starts the program on a free port; gives the process and its address, and leaves nothing behind."""
    with subprocess.Popen(
        [sys.executable, "-m", "simulator", "--port", "0", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process, json.loads(process.stdout.readline())["listening"]
        finally:
            process.kill()


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "simulator", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_it_says_where_it_listens_and_ends_with_its_standard_input():
    with started("--seed", "42", "--until-stdin-closes") as (process, url):
        assert requests.get(f"{url}/_control", timeout=5).json()["seed"] == 42
        process.stdin.close()

        assert process.wait(timeout=10) == 0
        assert process.stdout.read() == process.stderr.read() == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_quietly(number):
    with started() as (process, _):
        process.send_signal(number)

        assert process.wait(timeout=10) == 0
        assert process.stdout.read() == process.stderr.read() == ""


def test_a_slow_answer_does_not_keep_it_alive():
    with started("--scenario", "slow:kraken") as (process, url):
        response = requests.get(f"{url}/kraken/0/public/Ticker", stream=True, timeout=5)
        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=10) == 0
        response.close()


def test_scenarios_can_be_given_at_the_start():
    with started("--scenario", "outage:kraken,coinlore", "--scenario", "depeg") as (_, url):
        entries = requests.get(f"{url}/_control", timeout=5).json()["scenarios"]

    assert [(entry["scenario"], entry["providers"]) for entry in entries] == [
        ("outage", ["coinlore", "kraken"]),
        ("depeg", None),
    ]


def test_parameters_stand_beside_providers():
    with started("--scenario", "slow:kraken,interval_s=0.5", "--scenario", "feed_broken:feed=decrypt,kind=junk") as (
        _,
        url,
    ):
        slow, broken = requests.get(f"{url}/_control", timeout=5).json()["scenarios"]

    assert (slow["providers"], slow["params"]["interval_s"]) == (["kraken"], 0.5)
    assert (broken["providers"], broken["params"]["feed"], broken["params"]["kind"]) == (["rss"], "decrypt", "junk")


def test_the_pace_of_blocks_can_be_given():
    def newest_times(url):
        return [block["timestamp"] for block in requests.get(f"{url}/blockstream/api/blocks", timeout=5).json()]

    with started("--block-speed", "600") as (_, fast_url), started("--block-speed", "1") as (_, real_url):
        fast, real = newest_times(fast_url), newest_times(real_url)

    assert fast[0] - fast[-1] < 120 < real[0] - real[-1]


def test_the_refresh_step_can_be_given():
    with started("--refresh-s", "3600") as (_, url):
        row = requests.get(
            f"{url}/coingecko/api/v3/simple/price?ids=bitcoin&vs_currencies=usd&include_last_updated_at=true", timeout=5
        ).json()

    assert row["bitcoin"]["last_updated_at"] % 3_600 == 0


def test_a_taken_port_is_one_clear_line():
    with started() as (_, url):
        port = url.rpartition(":")[2]
        result = run("--port", port)

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"simulator: cannot listen on 127.0.0.1 port {port}: the port is in use\n"


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        ("storm", "unknown scenario 'storm'; expected one of normal, outage"),
        ("-storm", "unknown scenario '-storm'"),
        ("flash_crsh", "Did you mean flash_crash?"),
        ("outage:nobody", "expected some of alternative_me"),
        ("outage:", "expected some of alternative_me"),
        ("depeg:binance", "expected no providers"),
        ("depeg:price=low", "price: expected a number from 0.01 to 2"),
        ("reorg:chain=bnb", "expected one of both, bitcoin, ethereum"),
    ],
)
def test_a_scenario_that_makes_no_sense_is_refused_in_one_line(scenario, message):
    result = run("--port", "0", f"--scenario={scenario}")

    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [("--port", "70000"), ("--refresh-s", "-1"), ("--refresh-s", "soon"), ("--block-speed", "0.5")]
)
def test_wrong_numbers_are_refused(arguments):
    assert run(*arguments).returncode == 2


def test_help_lists_every_scenario():
    result = run("--help")

    assert result.returncode == 0
    assert all(f"  {name} " in result.stdout and scenario.help in result.stdout for name, scenario in SCENARIOS.items())


def test_a_foreign_address_is_refused_in_one_line():
    result = run("--port", "0", "--host", "0.0.0.0")

    assert (result.returncode, result.stdout) == (1, "")
    assert "not a loopback address" in result.stderr
    assert result.stderr.count("\n") == 1
