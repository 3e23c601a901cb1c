"""Runs cases of the Autobahn suite against a server; prints the results as JSON. Needs a process without eventlet.

Usage: ``python autobahn_client.py ws://127.0.0.1:PORT/PATH CASE...``
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from kosoku import FailureError, run_fuzzingclient


def plain(value: Any) -> Any:
    """A value that JSON can hold."""
    if isinstance(value, dict):
        return {str(getattr(key, "value", key)): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value if isinstance(value, (int, bool)) or value is None else str(value)[:200]


async def main(url: str, cases: list[str]) -> None:
    """One result a line."""
    try:
        results = await run_fuzzingclient(url, cases, concurrency=8)
    except FailureError as failure:
        results = failure.results
    for result in results:
        json.dump(
            {
                "case": result.case_id,
                "behavior": result.behavior.value,
                "behavior_close": result.behavior_close.value,
                "code": result.remote_close_code,
                "closed_by_suite": result.closed_by_me,
                "received": plain(result.received),
                "expected": plain(result.expected),
                "said": f"{result.result} {result.result_close}",
            },
            sys.stdout,
        )
        sys.stdout.write("\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
    sys.stdout.flush()
    # kosoku's native threads sometimes abort the interpreter while it is torn down
    os._exit(0)
