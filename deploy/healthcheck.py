"""Ends with 0 when the service of this container answers; with 1, and a line that says why, when it does not."""

from __future__ import annotations

import http.client
import os
import sys

TIMEOUT_S = 4.0


def main() -> int:
    """Asks the first of the ports for ``/health/live``; never through a proxy."""
    port = int(os.environ.get("PORT", "5000").split(",")[0])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/health/live")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"port {port}: {error}\n")
        return 1
    finally:
        connection.close()
    if status != http.client.OK:
        sys.stderr.write(f"port {port}: status {status}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
