"""Writes down what a process has imported when eventlet replaces parts of the standard library, and at each fork.

Python imports it by its name from the search path, before any other code of ours. ``WATCH_FILE`` names the file, which
gets a JSON object a line.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import sys
from typing import Any


def note(event: str, **details: Any) -> None:
    names = {name.partition(".")[0] for name in sys.modules if not name.startswith("__original_module_")}  # eventlet's
    packages = sorted(names - sys.stdlib_module_names)
    ours = sorted(name for name in sys.modules if name.startswith("websocket."))
    with open(os.environ["WATCH_FILE"], "a") as file:  # noqa: PTH123 - pathlib would be one more import
        file.write(json.dumps({"event": event, "packages": packages, "ours": ours, **details}) + "\n")


class WatchPatcher:
    """An import hook for one module."""

    def find_spec(self, name: str, *_: Any) -> Any:
        if name != "eventlet.patcher":
            return None
        sys.meta_path.remove(self)  # type: ignore[arg-type]
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        execute = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            execute(module)
            patch = module.monkey_patch

            def monkey_patch(*args: Any, **kwargs: Any) -> Any:
                note("patch")
                return patch(*args, **kwargs)

            module.monkey_patch = monkey_patch

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def note_fork() -> None:
    """What a child gets from its parent besides modules."""
    hubs = sys.modules.get("eventlet.hubs")
    hub = getattr(hubs._threadlocal, "hub", None) if hubs is not None else None
    listeners = 0 if hub is None else len(hub.get_readers()) + len(hub.get_writers())
    names = {f"{type(thing).__module__}.{type(thing).__name__}" for thing in gc.get_objects()}
    note(
        "fork",
        threads=len(os.listdir("/proc/self/task")),  # noqa: PTH208
        listeners=listeners,
        connections=sorted(name for name in names if name in ("sqlite3.Connection", "_sqlite3.Connection")),
    )


if "WATCH_FILE" in os.environ:
    sys.meta_path.insert(0, WatchPatcher())  # type: ignore[arg-type]
    os.register_at_fork(before=note_fork)
