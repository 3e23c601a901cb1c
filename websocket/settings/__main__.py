"""``python -m websocket.settings env|table``: prints ``.env.example``, or the table in the README."""

from __future__ import annotations

import sys

from websocket.settings.reference import render_env_example, render_table

RENDERERS = {"env": render_env_example, "table": render_table}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in RENDERERS:
        raise SystemExit("usage: python -m websocket.settings env|table")
    sys.stdout.write(RENDERERS[sys.argv[1]]())
