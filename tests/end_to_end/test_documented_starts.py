"""Every documented command that starts the service, taken from the documents, beside a Redis and without one.

A command is run as it is written. What a test must move is moved by settings where there is one; only an address in a
command line, and the folder of an installation, are replaced in the text.
"""

from __future__ import annotations

import re
import shlex
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from chaos.cluster import get_json, internet_at
from tests.cache.redis_server import RedisServer, require_redis_server
from tests.deploy import test_containers, test_systemd
from tests.end_to_end.conftest import APP_SECRET, Services, SimulatorProcess
from tests.support.plain_http import get
from tests.support.processes import free_port, run_to_end, wait_until
from tests.support.project_copy import copy_project
from tests.support.service import CLOSED_PORT, ROOT, ServiceProcess, service_environment
from tests.transports.engine_client import emit, joined, packet
from tests.wire.raw_client import RawClient
from websocket import codec
from websocket.coins import SYMBOLS

STARTS = re.compile(
    r"\bgunicorn\b|\bstart_service\.py\b|\bscripts/run\b|\btest_crypto_service\.py\b|\bapp\.py$"
    r"|\bdocker\b.*\b(run|up)\b|\bsystemctl\b.*\b(start|restart|reload|enable)\b.*\bdwt-stream"
)
"""What starts the service, or something that starts it."""

FENCED = re.compile(r"^```\w*\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")

ONE_PORT = "gunicorn -k eventlet -w 1 --bind 0.0.0.0:5000 app:app"
BOTH_PORTS = "gunicorn app:app"
RUN = "scripts/run"
RUN_DEMO = "scripts/run --demo"
SELF_CHECK = ".venv/bin/python test_crypto_service.py"
START_CHECK = ".venv/bin/python start_service.py --check"
DEVELOPMENT = "python start_service.py"

UNHURRIED = {"BROADCAST_INTERVAL": "5", "MARKET_DATA_INTERVAL": "5", "TICK_INTERVAL": "10", "SNAPSHOT_INTERVAL": "20"}
"""Quick enough to wait for a broadcast, and slow enough for a busy machine: a job that takes longer is an error."""

UNIT_STARTS = {
    "systemctl enable --now dwt-stream@5001 dwt-stream@5002 dwt-stream@5003 dwt-stream.target",
    "systemctl enable --now dwt-stream@5004",
    "systemctl restart dwt-stream@$port",
    "systemctl start dwt-stream.target",
    "systemctl start dwt-stream@5001",
    "systemctl reload dwt-stream@5001",
}
"""They run the unit's ``ExecStart``, and ``ExecReload``, with which ``test_reload.py`` reloads."""

IMAGE_STARTS = {
    "docker compose -f deploy/docker-compose.yml up --build --detach --wait",
    "docker compose -f deploy/docker-compose.yml up --build --detach --no-deps --wait stream-5001",
    "docker run -e APP_SECRET=... -p 5000:5000 -p 7860:7860 dwt-stream",
}
"""They run the image's ``CMD``."""

TESTED = {ONE_PORT, BOTH_PORTS, RUN, RUN_DEMO, SELF_CHECK, START_CHECK, *UNIT_STARTS, *IMAGE_STARTS}

NOT_COMMANDS = {
    "gunicorn.conf.py",
    "start_service.py --check",  # the same without its Python
    "python start_service.py [--demo] [--host H] [--port P ...] [--check]",
    "gunicorn",
    "start_service.py",
    "app.py",
}
"""Names of files and programs, and a synopsis."""

# Where they are found


def documents() -> list[Path]:
    """What people read to learn how to start it."""
    own = ROOT.iterdir()
    texts = [path for entry in own if not entry.name.startswith(".") for path in [entry, *entry.rglob("*.md")]]
    deploy = ROOT / "deploy"
    others = [*deploy.glob("systemd/*"), deploy / "Dockerfile", deploy / "docker-compose.yml", ROOT / "app.py"]
    return sorted([path for path in texts if path.suffix == ".md"] + others)


def commands_in(text: str) -> Iterator[str]:
    """The commands of blocks of code and of code in the text, without comments and what stands around them."""
    blocks = FENCED.findall(text)
    rest = FENCED.sub("", text).replace("``", "`")
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += INLINE.findall(rest)
    lines += re.findall(r"^#(?: Run alone:)?\s+(docker .*)$", rest, flags=re.MULTILINE)
    lines += [line.rpartition(": ")[2] for line in re.findall(r"^# .*: systemctl .*$", rest, flags=re.MULTILINE)]
    for line in lines:
        without_comment = re.sub(r"(^|\s)#.*", "", line).strip()
        yield re.sub(r"\s+", " ", without_comment)


def starts_in(text: str) -> set[str]:
    """Those that start the service."""
    return {command for command in commands_in(text) if STARTS.search(command)} - NOT_COMMANDS


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_documented_start_is_tested(document: Path) -> None:
    assert starts_in(document.read_text()) <= TESTED


def test_everything_that_is_tested_is_documented() -> None:
    found = {command for document in documents() for command in starts_in(document.read_text())}
    assert found == TESTED


@pytest.mark.parametrize(
    "text",
    [
        "```sh\nexport A=1\n  gunicorn -w 2 app:app  # both\n```\n",
        "or `scripts/run --port 80` instead",
        "```\nDEMO=1 .venv/bin/python \\\n    start_service.py\n```\n",
        "```sh\ndocker run dwt-stream\n```\n",
        "```sh\nsystemctl start dwt-stream@5009\n```\n",
    ],
)
def test_start_that_nobody_tests_would_be_found(text: str) -> None:
    """The test of the test above."""
    assert starts_in(text) - TESTED


def shell_lines_before(command: str) -> list[str]:
    """What the README has its readers do first, in the same block of code."""
    (block,) = (block for block in FENCED.findall((ROOT / "README.md").read_text()) if command in block)
    lines = [re.sub(r"\s+#.*", "", line) for line in block.splitlines()]
    return [line for line in lines[: lines.index(command)] if not STARTS.search(line)]


# How they are run


class Start(NamedTuple):
    """A command as it is run.

    Attributes:
        shell: what a shell gets.
        env: settings that are not those of every test.
        ports: on which it has to serve.
    """

    shell: str
    env: Mapping[str, str]
    ports: list[int]


def as_written(command: str, *, first: str = "") -> Start:
    """On ports of the test, by settings."""
    ports = [free_port(), free_port()]
    return Start(f"{first}exec {command}", {"HOST": "127.0.0.1", "PORT": f"{ports[0]},{ports[1]}"}, ports)


def one_port() -> Start:
    """The README's first line, after those before it. The address is in the command."""
    port = free_port()
    before = "\n".join(shell_lines_before(ONE_PORT))
    command = ONE_PORT.replace("0.0.0.0:5000", f"127.0.0.1:{port}")
    return Start(f"set -e\n{before}\nexec {command}", {}, [port])


def both_ports() -> Start:
    """Its second line."""
    before = "\n".join(shell_lines_before(BOTH_PORTS))
    return as_written(BOTH_PORTS, first=f"set -e\n{before}\n")


def development() -> Start:
    """What ``scripts/run`` runs, by hand."""
    return as_written(DEVELOPMENT, first=". .venv/bin/activate\n")


def unit() -> Start:
    """What systemd would run, with the unit's environment and that of the shipped file."""
    port = free_port()
    command = test_systemd.option("ExecStart").replace(test_systemd.INSTALLED, ".")
    pairs = (line.split("=", 1) for line in (test_systemd.UNITS / "env").read_text().splitlines() if "=" in line)
    from_file = dict(pair for pair in pairs if not pair[0].startswith("#"))
    own = {name: text for name, text in test_systemd.environment(port).items() if name not in ("DATA_DIR", "LOG_FILE")}
    return Start(f"exec {command}", {**own, **from_file, "APP_SECRET": APP_SECRET}, [port])


def image() -> Start:
    """What a container runs, with the image's environment."""
    (command,) = test_containers.of("CMD")
    moved = ("PATH", "PORT", "DATA_DIR", "LOG_FILE")
    env = {name: text for name, text in test_containers.environment().items() if name not in moved}
    start = as_written(shlex.join(yaml.safe_load(command)), first=". .venv/bin/activate\n")
    return start._replace(env={**env, **start.env, "APP_SECRET": APP_SECRET})


def compose() -> Start:
    """What compose runs: the same with the environment of a process."""
    composed = yaml.safe_load((ROOT / "deploy" / "docker-compose.yml").read_text())
    process = composed["services"]["stream-5001"]
    assert "command" not in process
    assert "entrypoint" not in process
    chosen = {name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", str(text)) for name, text in process["environment"].items()}
    start = image()
    # inside its network the name of the Redis means one
    moved = {"APP_SECRET": APP_SECRET, "PORT": start.env["PORT"], "REDIS_HOST": "127.0.0.1"}
    return start._replace(env={**start.env, **chosen, **moved})


WAYS: dict[str, Callable[[], Start]] = {
    ONE_PORT: one_port,
    BOTH_PORTS: both_ports,
    RUN: lambda: as_written(RUN),
    RUN_DEMO: lambda: as_written(RUN_DEMO),
    DEVELOPMENT: development,
    "systemd": unit,
    "image": image,
    "compose": compose,
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with its packages, without anybody's ``.env``."""
    return copy_project(tmp_path_factory.mktemp("checkout") / "project")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One for all; each service has a prefix of its own."""
    require_redis_server()
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def providers() -> Iterator[dict[str, str]]:
    """Settings that send every request for real prices to a simulator."""
    simulator = SimulatorProcess()
    wait_until(lambda: get_json(f"{simulator.url}/_control"), "the simulator answers")
    yield internet_at(simulator.url)
    simulator.kill()


@pytest.fixture
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    started = Services(tmp_path_factory.mktemp)
    yield started
    started.end()


def surroundings(redis: RedisServer, way: str) -> dict[str, dict[str, str]]:
    """With which Redis it is started, and what then has to be set; systemd and compose want one, which may be away."""
    beside = {"REDIS_PORT": str(redis.port)}
    if way in ("systemd", "compose"):
        return {"redis": beside, "redis, away": {"REDIS_PORT": str(CLOSED_PORT)}}
    found = {"embedded": {"REDIS_PORT": str(CLOSED_PORT)}, "redis": {**beside, "REDIS_HOST": "127.0.0.1"}}
    return {**found, "redis on localhost": beside} if way in TESTED else found


@pytest.mark.parametrize("way", WAYS)
def test_it_serves_prices_and_ends_politely(
    way: str, project: Path, redis: RedisServer, providers: dict[str, str], services: Services
) -> None:
    """Beside a Redis, beside one that no setting names, and without; side by side."""
    running: list[tuple[str, Start, ServiceProcess]] = []
    for name, settings in surroundings(redis, way).items():
        start = WAYS[way]()
        env = {**UNHURRIED, **providers, **start.env, **settings, "REDIS_PREFIX": f"{way}-{name}:"}
        command = ["sh", "-c", start.shell]
        service = services.start(env, command=command, port=start.ports[0], root=project, live=False)
        running.append((name, start, service))
    for name, start, service in running:
        service.wait_until_live()
        cache = get(f"{service.url}/health").json()["cache"]
        assert cache["kind"] == name.partition(" on")[0].partition(",")[0]
        assert cache["healthy"] is ("away" not in name), name
        for port in start.ports:
            address = f"http://127.0.0.1:{port}"
            wait_until(lambda url=address: has_prices(url), f"prices of {name}")  # type: ignore[misc]
    clients = [[subscribed(port) for port in start.ports] for _, start, _ in running]
    for client in chain(*clients):
        for _ in range(2):
            rows = codec.decode(next_event(client, "crypto-prices"))[1]
            assert [row["symbol"] for row in rows] == list(SYMBOLS)
    with ThreadPoolExecutor() as threads:
        ends = threads.map(lambda one: one[2].end(signal.SIGTERM), running)
    assert set(ends) == {0}
    for client in chain(*clients):
        error = codec.decode(next_event(client, "error"))[1]
        assert error["code"] == "shutting_down"
        assert error["reconnect_in_ms"] > 0
    for _, _, service in running:
        said = service.output.read_text() + service.log_file.read_text()
        assert not [line for line in said.splitlines() if re.search(r"Traceback|\bERROR\b|CRITICAL", line)]


def has_prices(address: str) -> bool:
    """All of them."""
    return [row["symbol"] for row in get(f"{address}/api/prices").json()["data"]] == list(SYMBOLS)


def subscribed(port: int) -> RawClient:
    """A Socket.IO client that gets prices from now on: those of now, and then broadcasts."""
    client = joined(port)
    emit(client, "subscribe", {"channel": "crypto-prices"}, 1)
    return client


def next_event(client: RawClient, name: str) -> str:
    """The next one of a name, as JSON; others are passed over."""
    while not (text := packet(client)).startswith(f'42["{name}"'):
        pass
    return text[2:]


@pytest.mark.parametrize("arguments", ["", " --demo"], ids=["providers", "demo"])
@pytest.mark.parametrize("is_beside_redis", [False, True], ids=["embedded", "redis"])
def test_service_checks_itself(
    is_beside_redis: bool, arguments: str, project: Path, redis: RedisServer, providers: dict[str, str], tmp_path: Path
) -> None:
    """With every price, a cache that works, and a broadcast to a Socket.IO client."""
    env = {**providers, "REDIS_PORT": str(redis.port if is_beside_redis else CLOSED_PORT)}
    ended = run_to_end(
        ["sh", "-c", SELF_CHECK + arguments],
        cwd=project,
        env=service_environment(tmp_path, {**env, "REDIS_PREFIX": f"self-check{arguments}:"}),
    )
    assert ended.code == 0, ended
    assert ended.stdout.endswith("all checks passed\n")
    assert ("cache: Redis" in ended.stdout) is is_beside_redis
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("is_beside_redis", [False, True], ids=["embedded", "redis"])
def test_start_can_be_checked_before(is_beside_redis: bool, project: Path, redis: RedisServer, tmp_path: Path) -> None:
    """What would be done is told, and nothing hinders it."""
    env = {"REDIS_PORT": str(redis.port if is_beside_redis else CLOSED_PORT), "PORT": str(free_port())}
    ended = run_to_end(["sh", "-c", START_CHECK], cwd=project, env=service_environment(tmp_path, env))
    assert (ended.code, ended.stderr) == (0, "")
    assert ("cache: Redis" in ended.stdout) is is_beside_redis
