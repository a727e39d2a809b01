"""A process of a job, as it keeps in touch with its foreman.

Enters: a `Place`. Leaves: MXNet's variables for its role, and rows exchanged with the other workers. Guaranteed: a
process that is told to end, whose foreman is gone, or that hears nothing of it, leaves at once, whatever MXNet waits
for. A thread tells that the process is alive, so that a long computation is not taken for a process that is stuck.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn

from retdsl.runtime.errors import RunError
from retdsl.runtime.job_line import (
    ALIVE,
    DONE,
    END,
    FAILED,
    HELLO,
    INTERRUPT,
    ROWS,
    WELCOME,
    BadLine,
    Messages,
    facts_of,
    message,
    said,
    unbundled,
)
from retdsl.runtime.place import SCHEDULER, Place, own_host

BEAT = 0.5
"""Seconds from one sign of life to the next."""

PATIENCE = 10.0
"""Seconds without a word from the foreman, after which it is thought gone, or cut off."""

MEETING = 90.0
"""Seconds until the foreman must be there."""

LAST_WORDS = 1.0
"""Seconds that one thread has to say why this process leaves, before another one may end it."""

LOST = 70
"""The exit code of a process that has lost its foreman."""


class Member:
    """One process of a job. on_end: called, from another thread, before the process leaves because it has to.

    Raises RunError if the foreman cannot be reached.
    """

    def __init__(self, place: Place, on_end: Callable[[], None] = lambda: None) -> None:
        self.place = place
        self.on_end = on_end
        self._socket = _reach(place)
        self._sending = threading.Lock()
        self._messages = Messages()
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._heard = time.monotonic()
        self._moved = 0
        self._leaving = False
        port = _free_port(place) if place.role == SCHEDULER else 0
        self._send(
            said(
                HELLO,
                role=place.role,
                rank=place.rank,
                workers=place.workers,
                servers=place.servers,
                key=place.key,
                host=own_host(),
                pid=os.getpid(),
                port=port,
            )
        )
        self._welcome: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        for work in (self._listen, self._beat):
            threading.Thread(target=work, name=f"job {work.__name__}", daemon=True).start()

    def take_place(self) -> None:
        """Waits until the job's scheduler is there, and sets what tells MXNet of this process's role in it."""
        facts = facts_of(self._welcome.get())
        here, there = self._socket.getsockname()[0], self._socket.getpeername()[0]
        os.environ.update(
            {
                "DMLC_ROLE": self.place.role,
                "DMLC_PS_ROOT_URI": here if self.place.role == SCHEDULER else there,
                "DMLC_PS_ROOT_PORT": str(facts["port"]),
                "DMLC_NUM_WORKER": str(self.place.workers),
                "DMLC_NUM_SERVER": str(self.place.servers),
                "DMLC_NODE_HOST": here,
                "MXNET_UPDATE_ON_KVSTORE": "0",
            }
        )

    def exchange(self, body: bytes) -> list[bytes]:
        """Gives a body, and waits for those of all workers, in the order of their ranks."""
        self._moved += 1
        self._send(message(ROWS, body))
        found = unbundled(self._answers.get())
        self._moved += 1
        return found

    def moved(self) -> None:
        """Told whenever this process has come a step further."""
        self._moved += 1

    def done(self) -> None:
        """All is done that this process had to do. Waits until the job ends."""
        self._send(message(DONE))
        self._wait()

    def fail(self, code: int, text: str) -> NoReturn:
        """Tells why this process cannot go on, and leaves when all has been said. code: the exit code."""
        self._send(said(FAILED, code=code, text=text))
        self._wait()
        os._exit(code)

    def _wait(self) -> None:
        # The foreman ends the job within moments; this process leaves in `_listen` when it does.
        time.sleep(PATIENCE)

    def _send(self, data: bytes) -> None:
        try:
            with self._sending:
                self._socket.sendall(data)
        except OSError:
            self._lose("it is gone")

    def _listen(self) -> None:
        while True:
            try:
                data = self._socket.recv(1 << 20)
                if not data:
                    self._lose("it is gone")
                self._heard = time.monotonic()
                for kind, body in self._messages.take(data):
                    self._hear(kind, body)
            except OSError as error:
                self._lose(error.strerror or str(error))
            except BadLine:
                self._lose("what it says makes no sense")

    def _hear(self, kind: bytes, body: bytes) -> None:
        if kind == WELCOME:
            self._welcome.put(body)
        elif kind == ROWS:
            self._answers.put(body)
        elif kind == INTERRUPT:
            os.kill(os.getpid(), signal.SIGTERM)
        elif kind == END:
            self._leave(int(facts_of(body)["code"]))

    def _beat(self) -> None:
        before = time.monotonic()
        while True:
            time.sleep(BEAT)
            now = time.monotonic()
            if now - before > 4 * BEAT:
                self._heard = now  # this very process stood still, and could hear nothing
            before = now
            if now - self._heard > PATIENCE:
                self._lose(f"nothing has been heard of it for {PATIENCE:.0f} s")
            self._send(said(ALIVE, moved=self._moved, busy=time.process_time()))

    def _lose(self, why: str) -> NoReturn:
        host = f"{self.place.host}:{self.place.port}"
        self._leave(LOST, f"error: {self.place.name} has lost the process that leads the job at {host}: {why}")

    def _leave(self, code: int, last_words: str = "") -> NoReturn:
        was_leaving, self._leaving = self._leaving, True
        try:
            if was_leaving:
                time.sleep(LAST_WORDS)
            elif last_words:
                print(last_words, file=sys.stderr)
            self.on_end()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:  # whoever heard what it says may be gone as well, and then none of it can be said
            os._exit(code)


def _reach(place: Place) -> socket.socket:
    """A connection to the foreman, who may not be there yet. Raises RunError."""
    until = time.monotonic() + MEETING
    while True:
        try:
            found = socket.create_connection((place.host, place.port), timeout=5)
        except OSError as error:
            if time.monotonic() > until:
                raise RunError(
                    f"{place.name} cannot reach the process that leads the job: {error.strerror or error}",
                    where=f"{place.host}:{place.port}",
                    help="is the first process running, and may this machine connect to that port of it?",
                ) from None
            time.sleep(0.2)
            continue
        found.settimeout(None)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return found


def _free_port(place: Place) -> int:
    """A port for MXNet's scheduler, on this machine: the one beside the foreman's, else any."""
    for port in (place.port + 1, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except (OSError, OverflowError):
                continue
            return int(probe.getsockname()[1])
    raise RunError("no port is free for MXNet's scheduler")
