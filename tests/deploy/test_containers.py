"""Dockerfile and docker-compose.yml agree with the repository, with the settings and with nginx.conf.

There is no container engine in the tests, so what they would do is read and not done.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.nginx_server import PROCESS_PORTS
from tests.support.processes import Ended, free_port, run_to_end
from tests.support.service import ROOT, ServiceProcess
from websocket.process import SPARE_DESCRIPTORS, wanted_room
from websocket.production import GRACEFUL_TIMEOUT_S
from websocket.settings import Settings, describe_settings, load_settings

DEPLOY = ROOT / "deploy"

PYTHONS_OWN = {"PATH", "PYTHONUNBUFFERED"}

IMAGES_OWN = {
    "PYTHON_VERSION": "3.11.9",
    "GPG_KEY": "0" * 40,
    "LANG": "C.UTF-8",
    "HOSTNAME": "0123456789ab",
    "HOME": "/",
}
"""What python:3.11-slim and Docker put into the environment."""


def instructions() -> list[tuple[str, str]]:
    """Of the Dockerfile, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def of(name: str) -> list[str]:
    """What one kind of instruction says."""
    return [rest for instruction, rest in instructions() if instruction == name]


def environment() -> dict[str, str]:
    """What the image sets."""
    return dict(pair.split("=", 1) for rest in of("ENV") for pair in shlex.split(rest))


def copied() -> list[str]:
    """What is copied from the repository."""
    return [source for rest in of("COPY") if not rest.startswith("--from") for source in rest.split()[:-1]]


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())


def processes(compose: Any) -> dict[str, Any]:
    """The services that are ours."""
    return {name: service for name, service in compose["services"].items() if name.startswith("stream-")}


# The image


def test_hadolint_finds_nothing() -> None:
    """The linter for Dockerfiles."""
    program = shutil.which("hadolint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("hadolint is missing; requirements-dev.txt has it")
        pytest.skip("hadolint is missing")
    ended = run_to_end([program, str(DEPLOY / "Dockerfile")], cwd=ROOT, env=dict(os.environ))
    assert ended.code == 0, ended.stdout


def test_everything_that_is_copied_exists_and_is_sent() -> None:
    """The list of what Docker may see lets exactly that through."""
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert sorted(sent) == sorted(source.rstrip("/") for source in copied())
    for source in copied():
        assert (ROOT / source).is_dir() == source.endswith("/"), source
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"
    assert not any(fnmatch.fnmatch(name, pattern) for name in (".env", ".git", "data") for pattern in sent)


def test_copied_files_are_a_whole_service(tmp_path: Path) -> None:
    """In a folder that holds them and nothing else, the start is checked and gunicorn's settings can be read."""
    for source in copied():
        target = tmp_path / Path(source).name
        if source.endswith("/"):
            shutil.copytree(ROOT / source, target)
        else:
            shutil.copy(ROOT / source, target)
    env = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "data"), "LOG_FILE": str(tmp_path / "log")}
    env |= {"REDIS_PORT": "1", "APP_SECRET": "a-secret-of-the-tests"}
    ended = run_to_end([sys.executable, "start_service.py", "--demo", "--check"], cwd=tmp_path, env=env)
    assert ended.code == 0, ended.stderr
    ended = run_to_end([sys.executable, "-m", "gunicorn", "--check-config", "app:app"], cwd=tmp_path, env=env)
    assert ended.code == 0, ended.stderr


def test_image_runs_as_nobody_in_particular() -> None:
    """Not as root, with a place to write and no other."""
    assert of("USER") == ["10001:10001"]
    assert "--uid 10001" in " ".join(of("RUN"))
    assert of("VOLUME") == ["/var/lib/dwt"]
    for name in ("DATA_DIR", "LOG_FILE"):
        assert environment()[name].startswith("/var/lib/dwt/")
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("CMD")


def test_image_has_no_tools_to_build_with() -> None:
    """Packages are installed in another stage; pip does not stay."""
    assert len(of("FROM")) == 2
    last_stage = (DEPLOY / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    assert " pip uninstall " in last_stage
    assert " install " not in last_stage.replace("&& install --directory", "")
    assert "apt" not in last_stage


def test_image_ends_by_sigterm() -> None:
    """Gunicorn is the first process and gets it itself."""
    assert of("STOPSIGNAL") == ["SIGTERM"]
    assert of("CMD") == ['["gunicorn", "app:app"]']


def test_settings_of_the_image_are_settings() -> None:
    """They are all ours, and nothing that Docker or Python set is taken for a misspelling of one."""
    known = {info.name for info in describe_settings()}
    assert set(environment()) - PYTHONS_OWN <= known
    settings = load_settings({**IMAGES_OWN, **environment()})
    assert settings.server.ports == Settings().server.ports
    assert {str(port) for port in settings.server.ports} == set(" ".join(of("EXPOSE")).split())


def check_health(port: int) -> Ended:
    """Runs what the HEALTHCHECK runs."""
    (check,) = of("HEALTHCHECK")
    assert check.endswith('CMD ["python", "healthcheck.py"]')
    return run_to_end(
        [sys.executable, str(DEPLOY / "healthcheck.py")],
        cwd=ROOT,
        env={"PORT": f"{port},7860", "http_proxy": "http://127.0.0.1:1"},
    )


def test_health_check_knows_a_live_service_from_a_dead_one(tmp_path: Path) -> None:
    """It asks the first port, directly."""
    service = ServiceProcess(tmp_path)
    service.start()
    try:
        service.wait_until_live()
        assert check_health(service.port).code == 0
    finally:
        service.stop()
    ended = check_health(service.port)
    assert ended.code == 1
    assert ended.stderr.startswith(f"port {service.port}: ")
    assert "Traceback" not in ended.stderr


# All of it together


def test_each_process_has_its_own_port_volume_and_address(compose: Any) -> None:
    """And the ports are those of nginx.conf."""
    ours = processes(compose)
    assert [int(service["environment"]["PORT"]) for service in ours.values()] == list(PROCESS_PORTS)
    assert list(ours) == [f"stream-{port}" for port in PROCESS_PORTS]
    assert [service["volumes"] for service in ours.values()] == [[f"{name}:/var/lib/dwt"] for name in ours]
    assert set(compose["volumes"]) == {"redis", *ours}
    addresses = [service["networks"]["inside"]["ipv4_address"] for service in compose["services"].values()]
    assert len(set(addresses)) == len(addresses)


def test_settings_of_the_processes_are_settings(compose: Any) -> None:
    """With a secret they make a valid start, in which nginx is believed and nobody else."""
    for service in processes(compose).values():
        chosen = {
            name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", str(value)) for name, value in service["environment"].items()
        }
        assert set(chosen) <= {info.name for info in describe_settings()}
        settings = load_settings({**environment(), **chosen, "APP_SECRET": "a-secret-of-the-tests"})
        assert settings.edge.trusted_proxies == (compose["services"]["nginx"]["networks"]["inside"]["ipv4_address"],)
        assert settings.redis.host in compose["services"]
        assert service["ulimits"]["nofile"] >= wanted_room(settings.server.max_connections).total + SPARE_DESCRIPTORS


def test_secret_must_be_given(compose: Any) -> None:
    """Compose stops with a message without one; there is none in the file."""
    for service in processes(compose).values():
        assert re.fullmatch(r"\$\{APP_SECRET:\?[^}]+\}", service["environment"]["APP_SECRET"])


def test_processes_wait_for_redis_and_have_time_to_say_goodbye(compose: Any) -> None:
    """A polite end is never cut short."""
    for service in processes(compose).values():
        assert service["depends_on"] == {"redis": {"condition": "service_healthy"}}
        assert int(service["stop_grace_period"].removesuffix("s")) > GRACEFUL_TIMEOUT_S + 1
        assert service["restart"] == "unless-stopped"
        assert service["read_only"] is True


def test_redis_keeps_what_it_has_and_forgets_nothing_silently(compose: Any) -> None:
    """On disk, with a limit, refusing instead of evicting; and not reachable from outside."""
    redis = compose["services"]["redis"]
    options = shlex.split(redis["command"])
    assert options[options.index("--appendonly") + 1] == "yes"
    assert options[options.index("--maxmemory-policy") + 1] == "noeviction"
    assert "--maxmemory" in options
    assert redis["healthcheck"]["test"] == ["CMD", "redis-cli", "ping"]
    assert "ports" not in redis
    assert redis["volumes"] == ["redis:/data"]


def test_nginx_gets_the_shipped_configuration_with_the_containers_addresses(compose: Any, tmp_path: Path) -> None:
    """The very command of the container, run on the shipped file."""
    nginx = compose["services"]["nginx"]
    assert nginx["volumes"] == ["./nginx.conf:/etc/nginx/shipped.conf:ro"]
    shell, option, script = nginx["command"]
    command = script.partition(" > ")[0].replace("/etc/nginx/shipped.conf", str(DEPLOY / "nginx.conf"))
    done = subprocess.run([shell, option, command], check=True, capture_output=True, text=True, cwd=tmp_path)
    servers = re.findall(r"^ *server (\S+) max_fails=3", done.stdout, flags=re.MULTILINE)
    assert servers == [
        f"{service['networks']['inside']['ipv4_address']}:{service['environment']['PORT']}"
        for service in processes(compose).values()
    ]
    assert "127.0.0.1:50" not in done.stdout
    assert "allow 172." not in done.stdout
    published = {pair.split(":")[0] for pair in nginx["ports"]}
    assert published == set(re.findall(r"^ *listen (\d+)", done.stdout, flags=re.MULTILINE))
    assert nginx["healthcheck"]["test"][-1].endswith("/health/live")


def test_free_port_has_no_healthy_service() -> None:
    """The check of the health check: it can fail."""
    assert check_health(free_port()).code == 1
