"""Stock Flask-SocketIO, with nothing of ours: gunicorn with its eventlet worker serves it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import eventlet
import flask
import flask_socketio

INTERVAL_S = float(os.environ["BENCH_INTERVAL"])
PAYLOAD = json.loads(Path(os.environ["BENCH_PAYLOAD"]).read_text())

app = flask.Flask(__name__)
socketio = flask_socketio.SocketIO(app, async_mode="eventlet")


@socketio.on("subscribe")  # type: ignore[untyped-decorator]
def subscribe(message: dict[str, Any]) -> None:
    """Joins the room of a channel."""
    flask_socketio.join_room(message["channel"])


def broadcast() -> None:
    """Emits for ever."""
    next_at = eventlet.hubs.get_hub().clock() + INTERVAL_S
    while True:
        eventlet.sleep(max(0.0, next_at - eventlet.hubs.get_hub().clock()))
        next_at += INTERVAL_S
        socketio.emit("crypto-prices", PAYLOAD, to="crypto-prices")


socketio.start_background_task(broadcast)
