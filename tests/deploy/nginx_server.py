"""nginx with the configuration that is shipped, on ports and in a folder of a test."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.plain_http import get
from tests.support.processes import Ended, free_port, run_to_end, wait_until
from tests.support.service import ROOT

CONFIGURATION = ROOT / "deploy" / "nginx.conf"

PROCESS_PORTS = (5001, 5002, 5003)
"""Of the service's processes, as shipped."""

LISTEN_PORTS = (80, 443, 5000, 7860)
"""Of nginx itself, as shipped."""

TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def shipped() -> str:
    """The configuration as it is in the repository."""
    return CONFIGURATION.read_text()


def rendered(folder: Path, ports: Mapping[int, int], *, options: Sequence[str] = ()) -> str:
    """The shipped configuration with other ports, on loopback only, that needs neither root nor ``/var``.

    Args:
        folder: where its files go.
        ports: shipped ports and what stands for them.
        options: commented lines that are turned on, by their marks: ``tls``, ``cdn``.
    """
    text = shipped()
    for option in options:
        text = re.sub(rf"^( *)#{option} ", r"\1", text, flags=re.MULTILINE)
    # in one go, or a free port could be taken for a shipped one
    numbers = "|".join(map(str, PROCESS_PORTS))
    text = re.sub(rf"(?<!\d)({numbers})(?!\d)", lambda found: str(ports[int(found[0])]), text)
    text = re.sub(r"listen \[::\]:(\d+)", lambda found: f"listen [::1]:{ports[int(found[1])]}", text)
    text = re.sub(r"listen (\d+)", lambda found: f"listen 127.0.0.1:{ports[int(found[1])]}", text)
    text = text.replace("user www-data;", "user root;" if os.getuid() == 0 else "")
    text = text.replace("/run/nginx.pid", f"{folder}/nginx.pid").replace("/var/log/nginx", str(folder))
    text = text.replace("/etc/nginx/tls", str(folder))
    own_folders = "".join(f"    {name}_temp_path {folder}/{name};\n" for name in TEMPORARY)
    return text.replace("http {\n", "http {\n" + own_folders, 1)


def require_nginx() -> None:
    """Skips the test where there is no nginx; in CI (``CI`` is set) it fails instead."""
    if shutil.which("nginx", path=_path()) is None:
        if os.environ.get("CI"):
            pytest.fail("nginx is missing; scripts/test installs it on Debian")
        pytest.skip("nginx is missing")


class NginxServer:
    """nginx before processes of the service.

    Args:
        folder: its own; the configuration and its logs go there.
        processes: the ports of the three processes.
        options: see ``rendered()``.
    """

    def __init__(self, folder: Path, processes: Sequence[int], *, options: Sequence[str] = ()) -> None:
        self.ports = {shipped: free_port() for shipped in LISTEN_PORTS}
        self.url = f"http://127.0.0.1:{self.ports[80]}"
        self.access_log = folder / "access.log"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._file = folder / "nginx.conf"
        ports = {**self.ports, **dict(zip(PROCESS_PORTS, processes, strict=True))}
        self._file.write_text(rendered(folder, ports, options=options))

    def check(self) -> Ended:
        """``nginx -t``."""
        return run_to_end(self._command("-t"), cwd=self._folder, env=dict(os.environ))

    def start(self) -> None:
        """Starts it and returns when it answers, which one of the processes must do for it."""
        with (self._folder / "output.txt").open("wb") as output:
            self._process = subprocess.Popen(
                self._command("-g", "daemon off;"), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        wait_until(self._answers, f"nginx answers; it said {(self._folder / 'output.txt').read_text()!r}")

    def stop(self) -> None:
        """Ends it and its workers at once. Idempotent."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def errors(self) -> str:
        """What it logged as errors so far."""
        return (self._folder / "error.log").read_text()

    def _command(self, *arguments: str) -> list[str]:
        program = shutil.which("nginx", path=_path())
        assert program is not None
        return [program, "-p", str(self._folder), "-c", str(self._file), "-e", f"{self._folder}/error.log", *arguments]

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "output.txt").read_text()
        try:
            return get(f"{self.url}/health/live").status == 200
        except OSError:
            return False


def _path() -> str:
    """Debian has it where only root looks."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
