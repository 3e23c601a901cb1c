"""The ports of this process: who gets in, and who is told at once that there is no room."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
from collections.abc import Callable
from typing import Any

from websocket import green
from websocket.http_server.answers import refusal
from websocket.http_server.connection import HttpConnection, HttpLimits, WsgiApp
from websocket.http_server.places import HttpPlaces
from websocket.supervisor import Supervised, supervise

logger = logging.getLogger(__name__)

ACCEPTS_PER_TURN = 16
"""Connections that are accepted before those that were are served: a storm of them must not hold up anybody."""

OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

PAUSE_S = 0.05
"""How long accepting rests when the system has no descriptor or no memory left."""

REFUSALS_PER_PAUSE = 64

MAX_FAREWELLS = 64
FAREWELL_S = 1.0
"""How many connections at a time that found no place are kept until they have read so, and for how long; others are
closed at once, and may see no more than that.
"""

RETRY_AFTER_S = 5


class HttpServer:
    """Accepts connections on any number of ports and serves one application on all of them.

    Args:
        app: what answers.
        places: for connections that are not WebSockets, over all ports.
        limits: of each connection.
        share_of: gives whose share of the places a peer's address counts against; empty for nobody's.
    """

    def __init__(
        self,
        app: WsgiApp,
        *,
        places: HttpPlaces,
        limits: HttpLimits,
        share_of: Callable[[str], str] = lambda address: address,
    ) -> None:
        self._app = app
        self.places = places
        self._limits = limits
        self._share_of = share_of
        self._is_ending = False
        self._farewells = 0
        self._full = refusal(503, "This process is full.", retry_after_s=RETRY_AFTER_S)
        self._ending = refusal(503, "This process is shutting down.", retry_after_s=1)
        self._reserve = _reserve_descriptor()
        self._acceptors: list[Supervised] = []

    def start(self, listener: Any) -> None:
        """Accepts connections from now on.

        Args:
            listener: a listening socket, from ``green.listen`` or of gunicorn. It stays the caller's, to be closed
                after ``stop``.
        """
        real = green.real_socket(listener)
        real.setblocking(False)
        self._acceptors.append(supervise("accept", self._accept, real, may_end=lambda: real.fileno() < 0))

    def stop(self, drain_s: float = 0.0) -> None:
        """Accepts nobody any more, ends idle connections and waits for those that are served.

        Args:
            drain_s: how long at most.
        """
        for acceptor in self._acceptors:
            acceptor.stop()
        self._acceptors.clear()
        self._is_ending = True
        with contextlib.suppress(green.DeadlineExceeded), green.deadline(drain_s):
            while len(self.places):
                self.places.evict_idle()
                green.sleep(0.05)
        for connection in self.places:
            connection.evict()

    def _accept(self, listener: socket.socket) -> None:
        accepted = 0
        while True:
            try:
                sock, peer = listener.accept()
            except BlockingIOError:
                accepted = 0
                green.wait_readable(listener)
                continue
            except OSError as error:
                if listener.fileno() < 0:
                    return
                if error.errno in OUT_OF_RESOURCES:
                    self._on_exhaustion(listener, error)
                else:
                    # the peer, or its network, was gone before we came to it (ECONNABORTED and the like); what fails
                    # for ever must not hold up everybody else
                    green.sleep(0)
                continue
            self._admit(sock, peer)
            accepted += 1
            if accepted % ACCEPTS_PER_TURN == 0:
                green.sleep(0)

    def _admit(self, sock: socket.socket, peer: Any) -> None:
        address = str(peer[0])
        share = self._share_of(address)
        why_not = self.places.refusal(share)
        if why_not is not None:
            self.places.counts.refused[why_not] += 1
            self._say_farewell(sock, self._ending if self._is_ending else self._full)
            return
        sock.setblocking(False)
        connection = HttpConnection(
            sock,
            (address, int(peer[1])),
            share,
            app=self._app,
            limits=self._limits,
            places=self.places,
            is_ending=lambda: self._is_ending,
        )
        self.places.enter(connection)
        green.spawn(connection.run)

    def _on_exhaustion(self, listener: socket.socket, error: OSError) -> None:
        """No descriptor for the connections that wait: with the one in reserve they are refused; accepting goes on."""
        logger.error("cannot accept connections reason=%s", error.strerror)
        self.places.make_room()
        for _ in range(REFUSALS_PER_PAUSE):
            if self._reserve is None:
                break
            os.close(self._reserve)
            self._reserve = None
            try:
                sock, _peer = listener.accept()
            except OSError:  # none waits any more, or the system is still short of something else
                break
            self.places.counts.refused["descriptors"] += 1
            _send_and_close(sock, self._full)
            self._reserve = _reserve_descriptor()
        green.sleep(PAUSE_S)
        if self._reserve is None:
            self._reserve = _reserve_descriptor()

    def _say_farewell(self, sock: socket.socket, answer: bytes) -> None:
        if self._farewells >= MAX_FAREWELLS:
            _send_and_close(sock, answer)
            return
        self._farewells += 1
        green.spawn(self._wait_for_end, sock, answer)

    def _wait_for_end(self, sock: socket.socket, answer: bytes) -> None:
        """Closing with unread bytes would reset the connection, and the client might not see the answer."""
        try:
            with sock, contextlib.suppress(OSError, green.DeadlineExceeded), green.deadline(FAREWELL_S):
                sock.setblocking(False)
                sock.send(answer)
                sock.shutdown(socket.SHUT_WR)
                while True:
                    green.wait_readable(sock)
                    if not sock.recv(4096):
                        return
        finally:
            self._farewells -= 1


def _send_and_close(sock: socket.socket, answer: bytes) -> None:
    with sock, contextlib.suppress(OSError):
        sock.setblocking(False)
        sock.send(answer)


def _reserve_descriptor() -> int | None:
    try:
        return os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return None
