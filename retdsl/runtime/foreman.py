"""The foreman of a job of several processes: who is there, who is alive, and what all workers have said.

Enters: a listening socket, the processes that were started. Leaves: how the job ended. Guaranteed: whichever process
dies, fails, or is not heard of any more, the job ends within ten seconds, with all that were started, and it is said
which one it was, on which machine, and why.

Nobody is thought stuck for computing long: a thread of every process tells that it is alive. Only when no worker gets
any further, and none uses the processor either, for a minute, nothing will come any more.
"""

from __future__ import annotations

import hmac
import selectors
import signal
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

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
    bundled,
    facts_of,
    message,
    said,
)
from retdsl.runtime.place import SCHEDULER, WORKER

TICK = 0.2
"""Seconds from one look at everything to the next, if nothing happens."""

BEAT = 0.5
"""Seconds from one word to everybody to the next."""

PATIENCE = 6.0
"""Seconds without a sign of life, after which a process is stuck, or cut off."""

STALLED = 60.0
"""Seconds in which no worker gets further, nor uses the processor for as much as `A_LITTLE` of them."""

A_LITTLE = 0.5

LAST_WORDS = 1.5
"""Seconds that a process which has left has for its last words to arrive."""

DEFECT, INTERRUPTED = 70, 130


class Started(Protocol):
    """A process that belongs to the job, and that this one has started. name: its role and rank; host: where it is."""

    @property
    def name(self) -> str: ...

    @property
    def host(self) -> str: ...

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""

    def why(self, code: int) -> tuple[str, Sequence[str]]:
        """Why it has ended by itself, in words that follow its name, and what to do about it."""

    def end(self) -> None:
        """Ends it, at once, and waits for that."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended. code: the exit code; text: what is to be said, if it was not the way it should be; help: what
    to do; who: the worker that says so, if it is another than the first.
    """

    code: int
    text: str = ""
    help: tuple[str, ...] = ()
    who: str = ""


@dataclass
class _Line:
    """A connection, and what is known of whoever is at its other end."""

    socket: socket.socket
    address: str
    heard: float
    messages: Messages = field(default_factory=Messages)
    unsent: bytearray = field(default_factory=bytearray)
    role: str = ""
    rank: int = 0
    host: str = ""
    moved: int = -1
    busy: float = 0.0
    done: bool = False

    @property
    def name(self) -> str:
        return self.role if self.role == SCHEDULER else f"{self.role} {self.rank}"


class Foreman:
    """workers, servers: how many there must be; key: what all of them know; crew: the processes that were started here;
    meeting: seconds until all must be there.
    """

    def __init__(
        self, listener: socket.socket, workers: int, servers: int, key: str, crew: Sequence[Started], meeting: float
    ) -> None:
        self._listener = listener
        self._port = int(listener.getsockname()[1])
        self._wanted = {SCHEDULER, *(f"server {n}" for n in range(servers)), *(f"worker {n}" for n in range(workers))}
        self._workers = workers
        self._servers = servers
        self._key = key
        self._crew = list(crew)
        self._meeting = meeting
        self._selector = selectors.DefaultSelector()
        self._lines: dict[str, _Line] = {}
        self._strangers: list[_Line] = []
        self._rows: dict[int, bytes] = {}
        self._ending: Ending | None = None
        self._interrupted = 0.0
        self._left: dict[str, float] = {}
        self._stirred, self._busy = time.monotonic(), 0.0

    def interrupt(self) -> None:
        """Has the job end in good order: the first worker says what is saved. May be called by a signal's handler."""
        self._interrupted = self._interrupted or time.monotonic()
        if first := self._lines.get(f"{WORKER} 0"):
            self._give(first, message(INTERRUPT))

    def lead(self) -> Ending:
        """Stays until the job ends; then nothing that was started runs any more."""
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        began = before = self._spoke = time.monotonic()
        try:
            while self._ending is None:
                for key, events in self._selector.select(TICK):
                    if key.fileobj is self._listener:
                        self._accept()
                    else:
                        self._serve(key.data, events)
                now = time.monotonic()
                if now - before > 10 * TICK:
                    self._forgive(now - before)
                    began += now - before
                before = now
                self._look(now, now - began)
            return self._ending
        finally:
            self._end_all()

    def _forgive(self, seconds: float) -> None:
        """For as long as this process itself stood still, nobody can be blamed for silence."""
        for line in self._lines.values():
            line.heard += seconds
        self._stirred += seconds
        self._left = {name: since + seconds for name, since in self._left.items()}

    def _look(self, now: float, age: float) -> None:
        """Everything that is to be looked at again and again."""
        if now - self._spoke > BEAT:
            self._spoke = now
            for line in self._lines.values():
                self._give(line, message(ALIVE))
        for process in self._crew:
            code = process.poll()
            there = self._lines.get(process.name)
            if code is None or (there is not None and there.done):
                continue
            if now - self._left.setdefault(process.name, now) > (LAST_WORDS if there is not None else 0.0):
                text, help = process.why(code)
                self._end(Ending(DEFECT, f"error: {process.name} on {process.host} {text}", tuple(help)))
        for line in self._lines.values():
            if now - line.heard > PATIENCE and not line.done and line.name not in self._left:
                text = f"error: {line.name} on {line.host} has not been heard of for {now - line.heard:.0f} s"
                help = "it is stopped, or stuck, or its machine or the network between is down"
                self._end(Ending(DEFECT, text, (help,)))
        if missing := self._wanted - {*self._lines}:
            if age > self._meeting:
                text = f"error: {len(missing)} of the {len(self._wanted)} processes of the job did not come within"
                text += f" {self._meeting:.0f} s: {', '.join(sorted(missing)[:5])}"
                help = f"have all of them been started, and can they reach port {self._port} of this machine?"
                self._end(Ending(1, text, (help,)))
        elif now - self._stirred > STALLED:
            text = f"error: no worker has got any further for {STALLED:.0f} s, nor used the processor"
            self._end(Ending(DEFECT, text, ("is there a file system, or a network, that does not answer?",)))
        if self._interrupted and now - self._interrupted > PATIENCE:
            self._end(Ending(INTERRUPTED, "interrupted"))

    def _accept(self) -> None:
        try:
            found, (address, *_) = self._listener.accept()
        except OSError:
            return
        found.setblocking(False)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = _Line(found, address, time.monotonic())
        self._strangers.append(line)
        self._selector.register(found, selectors.EVENT_READ, line)

    def _serve(self, line: _Line, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                self._flush(line)
            if events & selectors.EVENT_READ:
                data = line.socket.recv(1 << 20)
                if not data:
                    self._lost(line)
                    return
                line.heard = time.monotonic()
                for kind, body in line.messages.take(data):
                    self._hear(line, kind, body)
        except (BlockingIOError, InterruptedError):
            pass
        except (OSError, BadLine):
            self._lost(line)

    def _lost(self, line: _Line) -> None:
        """A line has ended. What was started by us tells by its exit code why."""
        self._close(line)
        if self._lines.get(line.name) is not line or line.done:
            return
        if line.name in {process.name for process in self._crew}:
            self._left.setdefault(line.name, time.monotonic())
            line.heard = time.monotonic() + LAST_WORDS
        else:
            self._end(Ending(DEFECT, f"error: {line.name} on {line.host} is gone"))

    def _close(self, line: _Line) -> None:
        if line in self._strangers:
            self._strangers.remove(line)
        with suppress(KeyError, ValueError):
            self._selector.unregister(line.socket)
        line.socket.close()

    def _hear(self, line: _Line, kind: bytes, body: bytes) -> None:
        if not line.role:
            if kind != HELLO:
                raise BadLine("no hello")
            self._admit(line, facts_of(body))
        elif kind == ALIVE:
            facts = facts_of(body)
            if line.role == WORKER:
                self._note(line, int(facts["moved"]), float(facts["busy"]))
        elif kind == ROWS:
            self._rows[line.rank] = body
            if len(self._rows) == self._workers:
                answer = message(ROWS, bundled([self._rows[rank] for rank in range(self._workers)]))
                self._rows = {}
                for rank in range(self._workers):
                    self._give(self._lines[f"{WORKER} {rank}"], answer)
        elif kind == DONE:
            line.done = True
            if line.name == f"{WORKER} 0":  # all figures and files are its own: the others have nothing left to do
                self._end(Ending(0))
        elif kind == FAILED:
            facts = facts_of(body)
            line.done = True
            who = f"{line.name} on {line.host}" if line.rank else ""
            self._end(Ending(int(facts["code"]), str(facts["text"]), (), who))

    def _note(self, line: _Line, moved: int, busy: float) -> None:
        """A worker's sign of life: how far it has come, and how long it has used the processor."""
        if moved != line.moved:
            self._stirred = time.monotonic()
        line.moved, line.busy = moved, busy
        total = sum(one.busy for one in self._lines.values())
        if total - self._busy > A_LITTLE:
            self._stirred, self._busy = time.monotonic(), total

    def _admit(self, line: _Line, facts: dict[str, object]) -> None:
        """Whoever says hello becomes one of the job, if it is one. Raises BadLine."""
        if not hmac.compare_digest(str(facts.get("key")).encode(), self._key.encode()):
            raise BadLine("a stranger")
        line.role, line.rank, line.host = str(facts["role"]), int(str(facts["rank"])), str(facts["host"])
        if (facts["workers"], facts["servers"]) != (self._workers, self._servers):
            there = f"{facts['workers']} workers and {facts['servers']} servers"
            here = f"{self._workers} and {self._servers}"
            self._end(Ending(1, f"error: {line.name} on {line.host} is of a job of {there}, this one has {here}"))
            return
        if line.name not in self._wanted or line.name in self._lines:
            self._end(Ending(1, f"error: two processes say that they are {line.name}; one is on {line.host}"))
            return
        self._strangers.remove(line)
        self._lines[line.name] = line
        if line.role == SCHEDULER:
            self._welcome = said(WELCOME, port=facts["port"])
            for one in self._lines.values():
                self._give(one, self._welcome)
        elif SCHEDULER in self._lines:
            self._give(line, self._welcome)

    def _give(self, line: _Line, data: bytes) -> None:
        line.unsent += data
        self._flush(line)

    def _flush(self, line: _Line) -> None:
        try:
            while line.unsent:
                with memoryview(line.unsent) as waiting:
                    sent = line.socket.send(waiting[: 1 << 20])
                del line.unsent[:sent]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            return  # whoever is gone is noticed when the line is read
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.unsent else 0)
        with suppress(KeyError, ValueError):
            self._selector.modify(line.socket, events, line)

    def _end(self, ending: Ending) -> None:
        """The first reason counts."""
        if self._ending is None:
            self._ending = ending

    def _end_all(self) -> None:
        code = DEFECT if self._ending is None else self._ending.code
        turned_away = (line for line in self._strangers if line.role)
        for line in (*self._lines.values(), *turned_away):
            try:
                line.socket.settimeout(0.5)
                line.socket.sendall(bytes(line.unsent) + said(END, code=code))
            except OSError:
                pass  # it is gone already, or does not listen
        until = time.monotonic() + 1.0
        while time.monotonic() < until and any(process.poll() is None for process in self._crew):
            time.sleep(0.02)
        for process in self._crew:
            process.end()
        for line in [*self._lines.values(), *self._strangers]:
            line.socket.close()
        self._listener.close()
        self._selector.close()


def listening(port: int, host: str = "") -> socket.socket:
    """A socket that takes connections; port 0 for any that is free. Raises OSError."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(256)
    except OSError:
        found.close()
        raise
    return found


def exit_in_words(code: int) -> str:
    """`was ended by SIGKILL`, `ended with exit code 3`."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
