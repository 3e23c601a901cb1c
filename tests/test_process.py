"""What the system tells about processes."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import free_port
from websocket.process import listener_of

LISTEN = """
import socket, sys
listener = socket.create_server((sys.argv[1], 0), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux tells")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_process_that_listens_is_found(host: str) -> None:
    """By the port, whatever the address."""
    with subprocess.Popen(
        [sys.executable, "-c", LISTEN, host], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            pytest.skip(f"this machine has no {host}")
        assert listener_of(int(line)) == process.pid
        process.communicate()


def test_this_process_is_no_other() -> None:
    """Nobody is told to stop the program that tells."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert listener_of(listener.getsockname()[1]) is None


def test_free_port_has_no_listener() -> None:
    """None, not an error."""
    assert listener_of(free_port()) is None
