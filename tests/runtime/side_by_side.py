"""The workers of a job within one process, for tests: each in a thread, without a foreman, without MXNet's servers."""

from __future__ import annotations

import threading

from retdsl.runtime.place import Place
from retdsl.runtime.together import Together


class Meeting:
    """Where the members of a job exchange what they have, all at once, in place of the foreman."""

    def __init__(self, count: int) -> None:
        self._bodies: list[bytes] = [b""] * count
        self._barrier = threading.Barrier(count, timeout=60)

    def exchange(self, rank: int, body: bytes) -> list[bytes]:
        self._bodies[rank] = body
        self._barrier.wait()
        found = list(self._bodies)
        self._barrier.wait()  # nobody brings the next one before all have seen this one
        return found


class Member:
    """A member of a job that needs no process of its own."""

    def __init__(self, meeting: Meeting, rank: int, count: int) -> None:
        self.place = Place("worker", rank, count, 1, "127.0.0.1", 1, local=count)
        self._meeting = meeting

    def exchange(self, body: bytes) -> list[bytes]:
        return self._meeting.exchange(self.place.rank, body)


def everywhere(count: int, do):
    """What each of so many workers gets of this, each in a thread of its own."""
    meeting = Meeting(count)
    found: list[object] = [None] * count

    def one(rank: int) -> None:
        found[rank] = do(Together(Member(meeting, rank, count)))

    threads = [threading.Thread(target=one, args=[rank]) for rank in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
