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
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from retdsl.runtime.crew import Started
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
    message_of,
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

GOODBYE = 1.0
"""Seconds that all have to leave by themselves when the job has ended."""

DEFECT, INTERRUPTED = 70, 130


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
    """workers, servers: how many there must be; key: what all of them know; crew: starts the processes that are started
    here, one after the other; meeting: seconds until all must be there.
    """

    def __init__(
        self, listener: socket.socket, workers: int, servers: int, key: str, crew: Iterable[Started], meeting: float
    ) -> None:
        self._listener = listener
        self._port = int(listener.getsockname()[1])
        self._wanted = {SCHEDULER, *(f"server {n}" for n in range(servers)), *(f"worker {n}" for n in range(workers))}
        self._workers = workers
        self._servers = servers
        self._key = key
        self._starts = crew
        self._crew: list[Started] = []
        self._meeting = meeting
        self._selector = selectors.DefaultSelector()
        self._lines: dict[str, _Line] = {}
        self._strangers: list[_Line] = []
        self._rows: dict[int, bytes] = {}
        self._ending: Ending | None = None
        self._interrupted = self._asked_to_finish = False
        self._asked_at = 0.0
        self._left: dict[str, float] = {}
        self._stirred, self._busy = time.monotonic(), 0.0

    def interrupt(self) -> None:
        """Has the job end in good order: the first worker says what is saved. May be called by a signal's handler."""
        self._interrupted = True  # and nothing else: the handler may run in the midst of anything

    def lead(self) -> Ending:
        """Starts the crew, and stays until the job ends; then nothing that was started runs any more.

        Raises what `crew` raises where a process cannot be started.
        """
        try:
            for process in self._starts:
                self._crew.append(process)
                if self._interrupted:
                    break
            self._listener.setblocking(False)
            self._selector.register(self._listener, selectors.EVENT_READ)
            began = before = self._spoke = self._stirred = time.monotonic()
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
        if self._interrupted:
            self._finish_early(now)
        self._look_who_left(now)
        silent = [line for line in self._lines.values() if now - line.heard > PATIENCE and not line.done]
        if silent:
            line = min(silent, key=lambda one: one.heard)
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

    def _finish_early(self, now: float) -> None:
        """The first worker is asked once to finish; where not all have come yet, there is nothing to be finished."""
        if self._wanted - {*self._lines}:
            self._end(Ending(INTERRUPTED, "interrupted"))
        elif not self._asked_to_finish:
            self._asked_to_finish, self._asked_at = True, now
            self._give(self._lines[f"{WORKER} 0"], message(INTERRUPT))
        elif now - self._asked_at > PATIENCE:
            self._end(Ending(INTERRUPTED, "interrupted"))

    def _look_who_left(self, now: float) -> None:
        """The first of the crew that has left is why the job ends: others may have left because of it."""
        left: dict[str, tuple[Started, int]] = {}
        for process in self._crew:
            code = process.poll()
            there = self._lines.get(process.name)
            if code is not None and not (there is not None and there.done):
                left[process.name] = process, code
                self._left.setdefault(process.name, now)
        if not left:
            return
        first = min(left, key=lambda name: self._left[name])
        if first in self._lines and now - self._left[first] < LAST_WORDS:
            return
        if self._interrupted:
            self._end(Ending(INTERRUPTED, "interrupted"))
        process, code = left[first]
        text, help = process.why(code)
        self._end(Ending(DEFECT, f"error: {process.name} on {process.host} {text}", tuple(help)))

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
        except (OSError, BadLine, LookupError, TypeError, ValueError):  # the last three: facts of another version
            self._lost(line)

    def _lost(self, line: _Line) -> None:
        """A line has ended. What was started by us tells by its exit code why."""
        self._close(line)
        if self._lines.get(line.name) is not line or line.done:
            return
        if line.name in {process.name for process in self._crew}:
            self._left.setdefault(line.name, time.monotonic())
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
            self._fail(line, int(facts["code"]), str(facts["text"]))

    def _fail(self, line: _Line, code: int, text: str) -> None:
        """A worker says why it cannot go on."""
        if line.rank and code == INTERRUPTED:  # `mpirun` tells all of Ctrl-C, and only the first knows what is saved
            self.interrupt()
        elif not self._left.keys() - {line.name}:  # else it may fail since another one has left: that is told then
            self._end(Ending(code, text, (), f"{line.name} on {line.host}" if line.rank else ""))

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
            self._welcome = message_of(WELCOME, port=facts["port"])
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
        """Tells all that the job ends, and how; who does not leave then, of those that were started here, is ended."""
        self._selector.close()
        self._selector = selectors.DefaultSelector()
        self._listener.close()
        told = [*self._lines.values(), *(line for line in self._strangers if line.role)]
        ended = message_of(END, code=DEFECT if self._ending is None else self._ending.code)
        for line in told:
            with suppress(ValueError):  # its line is closed already
                self._selector.register(line.socket, selectors.EVENT_READ, line)
                self._give(line, ended)
        until = time.monotonic() + GOODBYE
        while time.monotonic() < until and (self._selector.get_map() or any(one.poll() is None for one in self._crew)):
            for key, events in self._selector.select(TICK / 10):
                self._take_leave(key.data, events)
        for process in self._crew:
            process.end()
        for line in [*self._lines.values(), *self._strangers]:
            line.socket.close()
        self._selector.close()

    def _take_leave(self, line: _Line, events: int) -> None:
        """What still comes counts no more, but is read: to close before could cut off what is on its way there."""
        try:
            if events & selectors.EVENT_WRITE:
                self._flush(line)
            if events & selectors.EVENT_READ and not line.socket.recv(1 << 20):
                self._close(line)
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self._close(line)


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
