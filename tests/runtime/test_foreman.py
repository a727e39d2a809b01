"""The foreman of a job, led by hand: who belongs to it, whose rows are joined, and how it ends."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from retdsl.runtime import foreman
from retdsl.runtime.foreman import DEFECT, Ending, Foreman, listening
from retdsl.runtime.job_line import (
    DONE,
    END,
    FAILED,
    HELLO,
    ROWS,
    WELCOME,
    Messages,
    bundled,
    facts_of,
    message,
    said,
    unbundled,
)

KEY = "secret"


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody here gives signs of life, and on a busy machine a test may stand still."""
    monkeypatch.setattr(foreman, "PATIENCE", 600.0)


class Job:
    """A foreman at work in a thread. crew: processes that it thinks it has started; begins: at once, or by `begin`."""

    def __init__(
        self, workers: int = 2, crew: tuple[object, ...] = (), meeting: float = 600.0, begins: bool = True
    ) -> None:
        listener = listening(0, "127.0.0.1")
        self.address = listener.getsockname()
        self._foreman = Foreman(listener, workers, 0, KEY, crew, meeting)
        self._found: list[Ending] = []
        self._thread = threading.Thread(target=lambda: self._found.append(self._foreman.lead()), daemon=True)
        if begins:
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
        self.say(said(HELLO, **facts))

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
    """A process that ends with some exit code."""

    name = "worker 1"
    host = "here"

    def poll(self) -> int | None:
        return 3

    def why(self, code: int) -> tuple[str, list[str]]:
        return f"ended with exit code {code}", ["look at it"]

    def end(self) -> None:
        pass


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
    second.say(said(FAILED, code=1, text="error: no photographs"))
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
    job = Job(meeting=0.5, begins=False)
    there = Process(job, "worker", 1)
    job.begin()
    ending = job.ending()
    assert ending.code == 1
    assert facts_of(there.hear(END)) == {"code": 1}
    assert "2 of the 3 processes of the job did not come" in ending.text
    assert "scheduler, worker 0" in ending.text
