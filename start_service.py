"""Starts the service the development way: ``python start_service.py [--demo] [--host H] [--port P ...] [--check]``."""

from __future__ import annotations

try:
    from websocket import green
except ModuleNotFoundError as missing:
    raise SystemExit(
        f"The package {missing.name} is not installed for this Python: pip install -r requirements.txt, or scripts/run."
    ) from None

green.patch()

import argparse
import dataclasses
import sys
from collections.abc import Sequence

from app import build
from websocket.errors import ServiceError, SettingsError
from websocket.production import read_settings
from websocket.server import listen_on, serve_until_signalled
from websocket.settings import Settings, with_random_secret
from websocket.start_report import report_start


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until SIGTERM or SIGINT; gives the exit code. What hinders the start is said in one line."""
    options = _parse(arguments)
    try:
        settings = _with_options(read_settings(), options)
        if options.check:
            return _check(settings)
        listeners = listen_on(settings.server.host, settings.server.ports)
        if not settings.server.app_secret:
            settings = with_random_secret(settings)
            sys.stderr.write("APP_SECRET is not set: using a random one until this process ends.\n")
        service = build(settings)
    except ServiceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    service.start()
    try:
        serve_until_signalled(service.server, listeners, on_end=service.say_goodbye)
    finally:
        service.stop()
    return 0


def _check(settings: Settings) -> int:
    """Says what a start would do, and what would hinder it; the exit code is 1 if anything would."""
    report = report_start(settings)
    sys.stdout.writelines(f"{line}\n" for line in report.lines)
    sys.stderr.writelines(f"{line}\n" for line in report.hindrances)
    return 1 if report.hindrances else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="DWT Exchange streaming service, development server.")
    parser.add_argument("--demo", action="store_true", help="feed it from a simulated internet on this machine")
    parser.add_argument("--host", help="address to listen on (default: HOST, 0.0.0.0)")
    parser.add_argument(
        "--port", type=int, nargs="+", action="extend", help="ports to listen on (default: PORT, 5000 and 7860)"
    )
    parser.add_argument("--check", action="store_true", help="validate the settings, say what would be done, and leave")
    return parser.parse_args(arguments)


def _with_options(settings: Settings, options: argparse.Namespace) -> Settings:
    server = settings.server
    if options.host:
        server = dataclasses.replace(server, host=options.host)
    if options.port:
        if not all(1 <= port <= 65535 for port in options.port):
            raise SettingsError("--port", "expected whole numbers from 1 to 65535")
        server = dataclasses.replace(server, ports=tuple(options.port))
    demo = dataclasses.replace(settings.demo, enabled=settings.demo.enabled or options.demo)
    return dataclasses.replace(settings, server=server, demo=demo)


if __name__ == "__main__":
    sys.exit(main())
