"""Production settings; gunicorn reads this file by itself when it is started in this folder.

Plain ``gunicorn app:app`` serves all ports of ``PORT``; a ``--bind`` on the command line overrides them.
"""

from __future__ import annotations

# Before anything else: gunicorn's worker class does the same, but only after this file has imported what it needs.
from websocket import green

green.patch()

import sys

from websocket import production
from websocket.errors import ServiceError

try:
    _settings = production.read_settings()
except ServiceError as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(1)

bind = [f"{_settings.server.host}:{port}" for port in _settings.server.ports]
worker_class = green.ASYNC_MODE
workers = 1
backlog = 4096
graceful_timeout = production.GRACEFUL_TIMEOUT_S
loglevel = _settings.log.level.lower()
# it would listen under the home directory, which a service user may not have
control_socket_disable = True

on_starting = production.on_starting
post_fork = production.post_fork
post_worker_init = production.post_worker_init
worker_exit = production.worker_exit
