"""The foreman of a job, led by hand: who belongs to it, whose rows are joined, and how it ends."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from unittest.mock import patch

import pytest

from retdsl.runtime import foreman
from retdsl.runtime.errors import RunError
from retdsl.runtime.foreman import DEFECT, INTERRUPTED, Ending, Foreman, listening
from retdsl.runtime.job_line import (
    ALIVE,
    DONE,
    END,
    FAILED,
    HELLO,
    INTERRUPT,
    ROWS,
    WELCOME,
    Messages,
    bundled,
    facts_of,
    message,
    message_of,
    unbundled,
)

KEY = "secret"

PATIENCE = foreman.PATIENCE
"""As it is in truth."""


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody here gives signs of life, and on a busy machine a test may stand still."""
    monkeypatch.setattr(foreman, "PATIENCE", 600.0)


class Job:
    """A foreman at work in a thread. crew: processes that it thinks it has started; begin: False for one that is not
    at work yet, and to whom processes may come already.
    """

    def __init__(
        self, workers: int = 2, crew: Iterable[object] = (), meeting: float = 600.0, *, begin: bool = True
    ) -> None:
        listener = listening(0, "127.0.0.1")
        self.address = listener.getsockname()
        self.foreman = Foreman(listener, workers, 0, KEY, crew, meeting)
        self._found: list[Ending] = []
        self._thread = threading.Thread(target=lambda: self._found.append(self.foreman.lead()), daemon=True)
        if begin:
            self.begin()

    def begin(self) -> None:
        self._thread.start()

    def ending(self) -> Ending:
        self._thread.join(timeout=600)
        assert self._found, "the job goes on"
        return self._found[0]


class Process:
    """One that says hello, and stays as long as somebody holds it."""

    def __init__(self, job: Job, role: str, rank: int = 0, workers: int = 2, key: str = KEY) -> None:
        self._socket = socket.create_connection(job.address, timeout=600)
        self._messages: Iterator[tuple[bytes, bytes]] = self._heard()
        facts = {"role": role, "rank": rank, "workers": workers, "servers": 0, "key": key, "host": "here", "port": 7}
        self.say(message_of(HELLO, **facts))

    def say(self, data: bytes) -> None:
        self._socket.sendall(data)

    def leave(self) -> None:
        self._socket.close()

    def hear(self, kind: bytes) -> bytes:
        """The next message of that kind."""
        return next(body for found, body in self._messages if found == kind)

    def _heard(self) -> Iterator[tuple[bytes, bytes]]:
        messages = Messages()
        while data := self._socket.recv(1 << 16):
            yield from messages.take(data)


class Started:
    """A process that ends with some exit code. seen: set once the foreman has seen that it has ended."""

    host = "here"

    def __init__(self, name: str = "worker 1", code: int | None = 3) -> None:
        self.name = name
        self.code = code
        self.seen = threading.Event()
        self.ended = False
        self._before: int | None = None

    def poll(self) -> int | None:
        if self._before is not None:
            self.seen.set()
        self._before = self.code
        return self.code

    def why(self, code: int) -> tuple[str, list[str]]:
        return f"ended with exit code {code}", ["look at it"]

    def end(self) -> None:
        self.ended = True


def test_rows_of_all_workers_come_in_the_order_of_ranks_and_the_first_ends_the_job() -> None:
    job = Job()
    scheduler, second, first = Process(job, "scheduler"), Process(job, "worker", 1), Process(job, "worker", 0)
    for process in (scheduler, first, second):
        assert facts_of(process.hear(WELCOME)) == {"port": 7}
    second.say(message(ROWS, b"1"))
    first.say(message(ROWS, b"0"))
    for process in (first, second):
        assert process.hear(ROWS) == bundled([b"0", b"1"])
        assert unbundled(bundled([b"0", b"1"])) == [b"0", b"1"]
    first.say(message(DONE))
    assert job.ending() == Ending(0)
    assert facts_of(second.hear(END)) == {"code": 0}


def test_a_worker_that_fails_says_why_for_all() -> None:
    job = Job()
    first, second = Process(job, "worker", 0), Process(job, "worker", 1)
    second.say(message_of(FAILED, code=1, text="error: no photographs"))
    assert job.ending() == Ending(1, "error: no photographs", (), "worker 1 on here")
    assert facts_of(first.hear(END)) == {"code": 1}


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"role": "worker", "rank": 0}, "two processes say that they are worker 0"),
        ({"role": "worker", "rank": 5}, "two processes say that they are worker 5"),
        ({"role": "worker", "rank": 1, "workers": 4}, "is of a job of 4 workers"),
    ],
)
def test_who_cannot_be_of_this_job_ends_it(others, words) -> None:
    job = Job()
    first = Process(job, "worker", 0)
    other = Process(job, **others)
    ending = job.ending()
    assert ending.code == 1
    assert words in ending.text
    for process in (first, other):
        assert facts_of(process.hear(END)) == {"code": 1}


def test_strangers_are_sent_away_and_the_job_goes_on() -> None:
    job = Job(workers=1)
    for data in (b"GET / HTTP/1.1\r\n\r\n", message(ROWS, b"x")):
        stranger = socket.create_connection(job.address, timeout=600)
        stranger.sendall(data)
        assert stranger.recv(10) == b""
    assert list(Process(job, "worker", 0, workers=1, key="guessed")._messages) == []
    worker = Process(job, "worker", 0, workers=1)
    worker.say(message(DONE))
    assert job.ending() == Ending(0)


def test_who_is_gone_ends_the_job() -> None:
    job = Job()
    there, gone = Process(job, "worker", 0), Process(job, "worker", 1)
    gone.leave()
    assert job.ending() == Ending(DEFECT, "error: worker 1 on here is gone")
    assert facts_of(there.hear(END)) == {"code": DEFECT}


def test_a_process_that_ended_before_it_came_is_told_with_what_to_do() -> None:
    ending = Job(crew=(Started(),)).ending()
    assert ending == Ending(DEFECT, "error: worker 1 on here ended with exit code 3", ("look at it",))


def test_who_does_not_come_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreman, "TICK", 0.02)  # what stands still for ten of them is not held against anybody
    job = Job(meeting=0.5, begin=False)
    there = Process(job, "worker", 1)
    job.begin()
    ending = job.ending()
    assert ending.code == 1
    assert facts_of(there.hear(END)) == {"code": 1}
    assert "2 of the 3 processes of the job did not come" in ending.text
    assert "scheduler, worker 0" in ending.text


def met(job: Job) -> list[Process]:
    """The scheduler and the workers 0 and 1, all of whom have come."""
    found = [Process(job, "scheduler"), Process(job, "worker", 0), Process(job, "worker", 1)]
    for process in found:
        process.hear(WELCOME)
    return found


def test_what_is_guaranteed_within_ten_seconds() -> None:
    most = PATIENCE + foreman.LAST_WORDS + foreman.GOODBYE + 2 * foreman.TICK
    assert most < 10


def test_who_fails_since_another_one_has_left_is_not_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreman, "LAST_WORDS", 3.0)
    left = Started("worker 1", None)
    job = Job(crew=(left,))
    _, first, _second = met(job)
    left.code = -9
    assert left.seen.wait(60)
    first.say(message_of(FAILED, code=70, text="error: a defect of retdsl: the other one does not answer"))
    assert job.ending() == Ending(DEFECT, "error: worker 1 on here ended with exit code -9", ("look at it",))


def test_who_says_why_while_it_leaves_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreman, "LAST_WORDS", 60.0)
    left = Started("worker 1", None)
    job = Job(crew=(left,))
    _, _, second = met(job)
    left.code = 1
    assert left.seen.wait(60)
    second.say(message_of(FAILED, code=1, text="error: no photographs"))
    second.leave()
    assert job.ending() == Ending(1, "error: no photographs", (), "worker 1 on here")


def test_of_several_who_have_left_the_first_is_the_reason() -> None:
    """The server stands before the worker in the crew, and leaves since that one has."""
    server, worker = Started("server 0", None), Started("worker 1", -9)
    with Looked(server, worker) as (found, look):
        look(100.0)
        server.code = -6
        look(101.0)
        assert found.ending is None
        look(110.0)
        assert found.ending is not None
        assert "worker 1" in found.ending.text


class Looked:
    """A foreman who looks when the test says so. crew: all of whom have come."""

    def __init__(self, *crew: Started) -> None:
        self._foreman = Foreman(listening(0, "127.0.0.1"), 2, 0, KEY, (), 90.0)
        self._foreman._crew = list(crew)  # type: ignore[arg-type]
        self._patience = patch.object(foreman, "PATIENCE", PATIENCE)
        self._sockets = []
        self.lines = {}
        for process in crew:
            near, far = socket.socketpair()
            role, _, rank = process.name.partition(" ")
            line = foreman._Line(near, "here", 100.0, role=role, rank=int(rank), host="here")
            self.lines[process.name] = self._foreman._lines[process.name] = line
            self._sockets += [near, far]

    @property
    def ending(self) -> Ending | None:
        return self._foreman._ending

    def __enter__(self):
        self._patience.start()
        self._foreman._spoke = 1e9
        return self, lambda now: self._foreman._look(now, 0.0)

    def __exit__(self, *_: object) -> None:
        self._patience.stop()
        self._foreman._listener.close()
        self._foreman._selector.close()
        for one in self._sockets:
            one.close()


def test_of_several_who_are_silent_the_one_who_was_so_first_is_named() -> None:
    with Looked(Started("worker 0", None), Started("worker 1", None)) as (found, look):
        found.lines["worker 0"].heard = 101.0
        look(105.0)
        assert found.ending is None
        look(108.0)
        assert found.ending is not None
        assert "worker 1 on here has not been heard of for 8 s" in found.ending.text


def test_a_process_that_stays_when_its_line_is_cut_ends_the_job() -> None:
    with Looked(Started("worker 1", None)) as (found, look):
        found._foreman._lost(found.lines["worker 1"])
        look(105.0)
        assert found.ending is None
        look(107.0)
        assert found.ending is not None
        assert "worker 1 on here has not been heard of" in found.ending.text


def test_an_interrupt_disturbs_nothing_that_is_being_sent() -> None:
    """The handler of a signal runs in the midst of anything."""
    with Looked(Started("worker 0", None)) as (found, _):
        line = found.lines["worker 0"]
        line.unsent += b"half of a message"
        with memoryview(line.unsent):
            found._foreman.interrupt()
        assert line.unsent == b"half of a message"


def test_an_interrupt_has_the_first_worker_finish() -> None:
    job = Job()
    _, first, second = met(job)
    job.foreman.interrupt()
    assert first.hear(INTERRUPT) == b""
    first.say(message_of(FAILED, code=INTERRUPTED, text=""))
    assert job.ending() == Ending(INTERRUPTED)
    assert facts_of(second.hear(END)) == {"code": INTERRUPTED}


def test_a_worker_that_is_interrupted_has_the_first_one_say_what_is_saved() -> None:
    """`mpirun` tells all ranks of Ctrl-C, and whoever hears it first is not who knows what is saved."""
    job = Job()
    _, first, second = met(job)
    second.say(message_of(FAILED, code=INTERRUPTED, text=""))
    assert first.hear(INTERRUPT) == b""
    first.say(message_of(FAILED, code=INTERRUPTED, text="interrupted: epoch 3 is saved"))
    assert job.ending() == Ending(INTERRUPTED, "interrupted: epoch 3 is saved")


def test_an_interrupt_before_all_have_come_ends_the_job_at_once() -> None:
    job = Job()
    there = Process(job, "worker", 1)
    job.foreman.interrupt()
    assert job.ending() == Ending(INTERRUPTED, "interrupted")
    there.leave()


def test_a_first_worker_that_leaves_when_it_is_interrupted_was_interrupted() -> None:
    first = Started("worker 0", None)
    job = Job(crew=(first,))
    [_, worker, _] = met(job)
    job.foreman.interrupt()
    worker.hear(INTERRUPT)
    worker.leave()
    first.code = 130
    assert job.ending() == Ending(INTERRUPTED, "interrupted")


def test_an_interrupt_while_processes_are_started_ends_those() -> None:
    begun: list[Started] = []

    def crew() -> Iterator[Started]:
        for rank in range(5):
            begun.append(Started(f"worker {rank}", None))
            yield begun[-1]
            if rank == 1:
                job.foreman.interrupt()

    job = Job(workers=5, crew=crew(), begin=False)
    job.begin()
    assert job.ending() == Ending(INTERRUPTED, "interrupted")
    assert [one.ended for one in begun] == [True] * 3


def test_who_cannot_be_started_takes_the_others_along() -> None:
    first = Started("worker 0", None)

    def crew() -> Iterator[Started]:
        yield first
        raise RunError("worker 1 cannot be started")

    job = Job(crew=crew(), begin=False)
    with pytest.raises(RunError, match="worker 1 cannot be started"):
        job.foreman.lead()
    assert first.ended
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(job.address, timeout=60)


def test_the_end_comes_through_to_those_who_still_say_something() -> None:
    """Bytes that nobody reads would have the system reset the line, and what was said last may be lost with it."""
    job = Job()
    _, first, second = met(job)
    first.say(message(DONE))
    with suppress(OSError):
        for _ in range(100):
            second.say(message_of(ALIVE, moved=0, busy=0.0))
    assert facts_of(second.hear(END)) == {"code": 0}
    assert job.ending() == Ending(0)


def test_facts_of_another_version_end_the_line_and_not_the_foreman() -> None:
    job = Job()
    _, _, second = met(job)
    second.say(message_of(ALIVE))
    assert job.ending() == Ending(DEFECT, "error: worker 1 on here is gone")
