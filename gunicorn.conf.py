"""Production settings; gunicorn reads this file by itself when it is started in this folder.

Plain ``gunicorn app:app`` serves all ports of ``PORT``; a ``--bind`` on the command line overrides them.
"""

from __future__ import annotations

# Before anything else: it decides how eventlet resolves names, which must be settled before eventlet is imported.
from websocket import green

import os
import signal
import sys
from pathlib import Path
from typing import Any

from websocket.errors import ServiceError
from websocket.settings import load_settings
from websocket.start_check import check_production_start
from websocket.supervisor import supervise

try:
    _settings = load_settings(os.environ, Path(__file__).resolve().parent / ".env")
except ServiceError as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(1)

bind = [f"{_settings.server.host}:{port}" for port in _settings.server.ports]
worker_class = green.ASYNC_MODE
workers = 1
worker_connections = _settings.server.max_connections
backlog = 4096
# longer than a load balancer keeps an idle connection, so that it is never the one to find it closed
keepalive = 75
# open WebSockets never finish by themselves; clients reconnect
graceful_timeout = 5
loglevel = _settings.log.level.lower()
# it would listen under the home directory, which a service user may not have
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Refuses, in one line, what could not work; before any worker is started."""
    try:
        if server.cfg.workers != 1:
            raise ServiceError(
                f"{server.cfg.workers} workers in one gunicorn cannot work: Socket.IO needs every request of a client"
                " in the same process. Use -w 1; to grow, start more services with a Redis behind them."
            )
        if server.cfg.preload_app:
            raise ServiceError("preload_app cannot work with green threads: leave --preload out.")
        if server.cfg.worker_class_str != green.ASYNC_MODE:
            raise ServiceError(f"{server.cfg.worker_class_str} workers cannot work: use -k {green.ASYNC_MODE}.")
        check_production_start(_settings)
    except ServiceError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


def post_worker_init(worker: Any) -> None:
    """Drops clients that never send a request, and sees to it that the worker does not outlive a killed master;
    gunicorn's other workers do that by themselves. Clients are told of the end as soon as it begins: the worker looks
    only once a second whether it should end, and then waits for its connections.
    """
    green.limit_first_request(worker, _settings.edge.handshake_timeout_s)
    supervise("master watch", _end_with_master, worker, may_end=lambda: not worker.alive)
    ends = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
    supervise("signal watch", green.watch_signals, lambda _number: _say_goodbye(), *ends)


def _end_with_master(worker: Any) -> None:
    while worker.ppid == os.getppid():
        green.sleep(1)
    worker.log.error("The master is gone: worker %s ends", worker.pid)
    _say_goodbye()
    # its main loop looks at this once a second, and then drains as after SIGTERM
    worker.alive = False


def worker_exit(server: Any, worker: Any) -> None:
    """Saves what is worth keeping, and ends the simulator of the demo mode."""
    service = _service()
    if service is not None:
        service.stop()


def _say_goodbye() -> None:
    service = _service()
    if service is not None:
        service.say_goodbye()


def _service() -> Any:
    """The service of this worker, or None when it could not be built."""
    module = sys.modules.get("app")
    return vars(module).get("service") if module is not None else None
