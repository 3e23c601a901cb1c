"""The service that is attacked: as in production, fed by the simulated internet, with a publication a second."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from types import TracebackType

from attacks.attackers import ATTACKS
from attacks.report import Outcome
from attacks.victim import watch
from chaos.cluster import QUICK, ROOT, Program, free_port, get_json, wait_for
from websocket.settings import describe_settings

HEAD_START_S = 1.0
"""The attack is on when the client comes."""

SECRET = "attacks-" + "0" * 16


class Stage:
    """One service for all attacks, so that what one leaves behind is seen in the next.

    Args:
        folder: for its data and its output; exists and is empty.
        settings: on top of those of the stage.
    """

    def __init__(self, folder: Path, settings: dict[str, str] | None = None) -> None:
        self.port = free_port()
        ours = {info.name for info in describe_settings()}
        environ = {
            **{name: value for name, value in os.environ.items() if name not in ours},
            **QUICK,
            "DEMO": "1",
            "APP_SECRET": SECRET,
            "REDIS_PORT": "1",
            "DATA_DIR": str(folder / "data"),
            "LOG_FILE": str(folder / "websocket.log"),
            **(settings or {}),
        }
        command = [sys.executable, "-m", "gunicorn", "-k", "eventlet", "-w", "1", "--bind", f"127.0.0.1:{self.port}"]
        self._folder = folder
        self.service = Program("service", [*command, "app:app"], environ, folder)

    def __enter__(self) -> Stage:
        self.service.start()
        ready = f"http://127.0.0.1:{self.port}/health/ready"
        wait_for(lambda: (get_json(ready) or {}).get("ready"), f"the service is ready: {self.service.said()}")
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.service.stop()

    @property
    def worker(self) -> int:
        """Process id of gunicorn's worker."""
        assert self.service.pid is not None
        return int(Path(f"/proc/{self.service.pid}/task/{self.service.pid}/children").read_text().split()[0])

    async def play(self, name: str, seconds: float) -> Outcome:
        """One attack, with a client beside it."""
        before_kb = memory_kb(self.worker)
        attacker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "attacks.attackers", name, str(self.port), str(seconds + HEAD_START_S)), cwd=ROOT
        )
        try:
            await asyncio.sleep(HEAD_START_S)
            fared = await watch(self.port, seconds)
        finally:
            await attacker.wait()
        return Outcome(
            title=(ATTACKS[name].__doc__ or name).strip(),
            fared=fared,
            grown_kb=memory_kb(self.worker) - before_kb,
            tracebacks=self.service.new_tracebacks(),
        )


def memory_kb(pid: int) -> int:
    """What a process has of the memory, KiB."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1])
