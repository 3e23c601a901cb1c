"""Under gunicorn: what its master and its worker do for us. ``gunicorn.conf.py`` names these functions as hooks.

The master only reads settings. Everything else that a start needs is tried in a process of its own: what the master
imports or opens is inherited by every worker, and libraries that were imported before the standard library was made
cooperative, or connections and native threads that a fork has cut off, do not work there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from websocket import green
from websocket.errors import ServiceError, StartError
from websocket.settings import Settings, load_settings
from websocket.supervisor import supervise

ROOT = Path(__file__).resolve().parents[1]

DRAIN_S = 5
"""How long answers that are under way may take when the worker ends. Open WebSockets never finish by themselves; they
are closed, and clients reconnect.
"""

GRACEFUL_TIMEOUT_S = DRAIN_S + 10
"""After so long the master kills the worker, which then saves nothing. Archive and cache have what the drain leaves."""

CHECK_TIMEOUT_S = 60

BOOT_ERROR = 3
"""gunicorn's exit code of a worker that cannot boot: it then stops instead of trying again for ever."""

RETRIED_BOOT_ERROR = 1
"""That of one that is tried again."""

RETRY_BOOT_S = 2.0


class _Loaded:
    """What the master has read, for the workers that it forks."""

    settings: Settings | None = None
    code: Mapping[str, bytes]
    """What each of our files in the master was at its start; workers inherit it."""
    is_replacement = False
    """Whether another worker of this master has served before this one."""


def read_settings() -> Settings:
    """Settings from the environment and ``.env``, which from now on are those of every worker.

    Raises:
        ServiceError: one of them cannot be used; those that were read before stay in force.
    """
    _Loaded.settings = load_settings(os.environ, ROOT / ".env")
    return _Loaded.settings


def settings_in_force() -> Settings:
    """The settings that the master has read last; where there is no master of ours, they are read now.

    So a file that is being edited does not get hold of a worker that happens to be replaced meanwhile.
    """
    return _Loaded.settings or read_settings()


def boot_failure() -> SystemExit:
    """How a worker ends that cannot boot: the first one ends the master as well; one that replaces another is tried
    again, because what ran must not be ended by a disk that was full for a moment.
    """
    return SystemExit(RETRIED_BOOT_ERROR if _Loaded.is_replacement else BOOT_ERROR)


def on_starting(arbiter: Any) -> None:
    """Refuses, in one line, what could not work; before any worker is started."""
    try:
        _check_options(arbiter.cfg)
        _check_start()
    except ServiceError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    _Loaded.code = _code_of_master()
    load, reload = arbiter.app.reload, arbiter.handle_hup
    arbiter.app.reload = lambda: _load_or_keep(arbiter.app, load)
    arbiter.handle_hup = lambda: _reload_if_sound(arbiter, reload)
    # a second worker could only fail, and gunicorn would end everything with it
    arbiter.handle_ttin = lambda: arbiter.log.warning("There can be one worker only; SIGTTIN is ignored.")


def post_fork(arbiter: Any, worker: Any) -> None:
    """In the worker: whatever keeps one from booting that replaces another, the master goes on."""
    _Loaded.is_replacement = worker.age > 1
    if _Loaded.is_replacement:
        # what gunicorn itself ends with when the application cannot be imported, or fails
        arbiter.WORKER_BOOT_ERROR = arbiter.APP_LOAD_ERROR = RETRIED_BOOT_ERROR


def post_worker_init(worker: Any) -> None:
    """Has the worker serve by our own server, and see to it that it does not outlive a killed master."""
    worker.run = lambda: _run(worker)


def worker_exit(_arbiter: Any, worker: Any) -> None:
    """Saves what is worth keeping, and ends the simulator of the demo mode."""
    service = _service()
    if service is not None:
        service.stop()
    if _Loaded.is_replacement and not worker.booted:
        green.sleep(RETRY_BOOT_S)  # before the master starts the next one


def _run(worker: Any) -> None:
    """The worker's main loop: serves until it is told to end, or until its master is gone."""
    service = _service()
    has_to_end = green.Event()

    def end(reason: str) -> None:
        worker.log.info("Worker %s ends: %s", worker.pid, reason)
        worker.alive = False
        has_to_end.set()
        # clients are told at once, whatever else has to be waited for
        service.say_goodbye()

    supervise("signal watch", green.watch_signals, lambda arrived: end(arrived.name), *green.ENDING_SIGNALS)
    for listener in worker.sockets:
        service.server.start(listener)
    while worker.alive:
        worker.notify()
        if os.getppid() != worker.ppid:
            end("the master is gone")
        has_to_end.wait(1.0)
    service.say_goodbye()
    service.server.stop(drain_s=DRAIN_S)


def _reload_if_sound(arbiter: Any, reload: Callable[[], None]) -> None:
    """Passes SIGHUP on if a new worker could start; what runs goes on otherwise."""
    try:
        _check_code()
        _check_start("--running")
        reload()
    except ServiceError as error:
        arbiter.log.error("Reload refused, the service goes on as it is. %s", error)


def _load_or_keep(app: Any, load: Callable[[], None]) -> None:
    """Has gunicorn read its settings, and with them ours; what was read before stays when that is refused.

    Raises:
        ServiceError: it is; for example because a file has changed since it was checked.
    """
    cfg, settings = app.cfg, _Loaded.settings
    try:
        load()
        _check_options(app.cfg)
        if app.cfg.address != cfg.address:
            # gunicorn would close its ports, and fail at those that the old worker still has
            raise StartError("HOST and PORT cannot change while it runs: restart it.")
    except (ServiceError, SystemExit) as error:
        app.cfg, _Loaded.settings = cfg, settings
        if isinstance(error, SystemExit):
            raise StartError("gunicorn cannot read its settings, see above.") from None
        raise


def _code_of_master() -> dict[str, bytes]:
    """The content of the files from which the master has our modules, by their names; of one that is gone, nothing."""
    modules = [name for name in sys.modules if name.startswith("websocket.")]
    files = [Path(str(sys.modules[name].__file__)) for name in modules]
    return {name: file.read_bytes() if file.is_file() else b"" for name, file in zip(modules, files, strict=True)}


def _check_code() -> None:
    """Refuses a worker that would be half of a new version.

    Raises:
        StartError: what it would inherit from the master is not what is on the disk.
    """
    now = _code_of_master()
    changed = [name for name, content in _Loaded.code.items() if now.get(name) != content]
    if changed:
        raise StartError(f"{changed[0]} has changed since the start: a new version needs a restart.")


def _check_start(*options: str) -> None:
    """Tries in a process of its own what a start needs.

    Raises:
        StartError: it would fail, with the reason in one line.
    """
    command = [sys.executable, "-m", "websocket.start_check", *options]
    try:
        ended = subprocess.run(
            command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False, timeout=CHECK_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise StartError(f"The check of the settings did not end within {CHECK_TIMEOUT_S} s.") from None
    if ended.returncode != 0:
        # of a traceback the last line says what it is about
        said = ended.stderr.strip().splitlines() or [f"The check of the settings ended with {ended.returncode}."]
        raise StartError(said[-1])


def _check_options(cfg: Any) -> None:
    if cfg.workers != 1:
        raise ServiceError(
            f"{cfg.workers} workers in one gunicorn cannot work: Socket.IO needs every request of a client in the same"
            " process. Use -w 1; to grow, start more services with a Redis behind them."
        )
    if cfg.preload_app:
        raise ServiceError("preload_app cannot work with green threads: leave --preload out.")
    if any(isinstance(address, str) for address in cfg.address):
        raise ServiceError("A bind to a path cannot work, because clients are told apart by address: use a TCP port.")
    if cfg.worker_class_str != green.ASYNC_MODE:
        raise ServiceError(f"{cfg.worker_class_str} workers cannot work: use -k {green.ASYNC_MODE}.")


def _service() -> Any:
    """The service of this worker, or None when it could not be built."""
    module = sys.modules.get("app")
    return vars(module).get("service") if module is not None else None
