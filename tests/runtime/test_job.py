"""A job from its beginning to its end: who leads it, what ends it, and what is said then."""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from random import sample

import pytest

from retdsl.runtime.errors import RunError
from retdsl.runtime.foreman import Ending
from retdsl.runtime.job import LOGS, lead_ranks, led, log_of, tell_ending
from retdsl.runtime.place import PORTS, Place
from retdsl.runtime.run_folder import RunFolder

PROGRAM = """
import sys
import time
from pathlib import Path
from retdsl.runtime.member import Member
from retdsl.runtime.place import find_place

place = find_place()
member = Member(place)
member.take_place()
folder = Path(sys.argv[1])
print(place.name, "is there", file=sys.stderr)
if place.role == "worker":
    ranks = member.exchange(str(place.rank).encode())
    (folder / f"worker-{place.rank}").write_text(repr(ranks))
    if place.rank == int(sys.argv[2]):
        member.fail(1, "error: no photographs")
    member.exchange(b"")  # nobody is done before all have written
    member.done()
else:
    time.sleep(300)  # it ends with the job
"""


class Leading:
    """A foreman whose work is this."""

    def __init__(self, work) -> None:
        self.interrupted = 0
        self._work = work

    def interrupt(self) -> None:
        self.interrupted += 1

    def lead(self) -> Ending:
        self._work()
        return Ending(0)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_who_asks_the_process_to_end_ends_the_job_in_good_order(kind):
    before = {kind: signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM)}
    foreman = Leading(lambda: os.kill(os.getpid(), kind))
    assert led(foreman) == Ending(0)
    assert foreman.interrupted == 1
    assert {kind: signal.getsignal(kind) for kind in before} == before


def test_signals_mean_what_they_meant_after_a_defect_too():
    before = {kind: signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM)}
    with pytest.raises(ZeroDivisionError):
        led(Leading(lambda: 1 / 0))
    assert {kind: signal.getsignal(kind) for kind in before} == before


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    (tmp_path / "run" / LOGS).mkdir(parents=True)
    (tmp_path / "run" / LOGS / "worker-1.log").write_text("there\n")
    return RunFolder(tmp_path / "run")


def test_a_job_that_ended_well_says_nothing_and_leaves_no_logs(folder, capsys):
    assert tell_ending(Ending(0), folder) == 0
    assert capsys.readouterr() == ("", "")
    assert not (folder.path / LOGS).exists()


def test_a_job_that_did_not_says_why_who_and_how_to_go_on(folder, capsys):
    ending = Ending(1, "error: no photographs", ("look for them",), "worker 1 on here")
    assert tell_ending(ending, folder) == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: no photographs",
        "   = note: worker 1 on here says so",
        "   = help: look for them",
    ]
    assert (folder.path / LOGS / "worker-1.log").read_text() == "there\n"
    folder.states.mkdir()
    (folder.states / "a.state").write_text("")
    told: list[str] = []
    assert tell_ending(ending, folder, told.append) == 1
    [text] = told
    assert text.splitlines()[-1] == f"   = help: {folder.how_to_go_on()}"
    assert capsys.readouterr() == ("", "")


def test_every_process_has_a_log_of_its_own(tmp_path):
    names = [
        log_of(Place(role, rank, 2, 2, "127.0.0.1", 1), tmp_path).name
        for role, rank in (("worker", 0), ("worker", 1), ("server", 0), ("scheduler", 0))
    ]
    assert names == ["worker-0.log", "worker-1.log", "server-0.log", "scheduler.log"]


def place(port: int) -> Place:
    return Place("worker", 0, 1, 1, "127.0.0.1", port, key="secret", leads=True)


def free_port() -> int:
    """One that the system gives to nobody who asks for any."""
    for port in sample(PORTS, 100):
        with suppress(OSError), socket.socket() as found:
            found.bind(("", port))
            return port
    raise AssertionError("every port is in use")


def command(fails: int, tmp_path: Path) -> list[str]:
    return [sys.executable, "-c", PROGRAM, str(tmp_path), str(fails)]


def test_the_first_rank_starts_what_srun_does_not(tmp_path, capfd):
    folder = RunFolder(tmp_path / "run")
    assert lead_ranks(place(free_port()), command(-1, tmp_path), folder) == 0
    assert (tmp_path / "worker-0").read_text() == repr([b"0"])
    assert capfd.readouterr().err == "worker 0 is there\n", "the others speak to their logs"
    assert not (folder.path / LOGS).exists()


def test_a_job_that_its_ranks_end_says_why(tmp_path, capfd):
    folder = RunFolder(tmp_path / "run")
    assert lead_ranks(place(free_port()), command(0, tmp_path), folder) == 1
    assert "error: no photographs\n" in capfd.readouterr().err
    logs = sorted(path.name for path in (folder.path / LOGS).iterdir())
    assert logs == ["scheduler.log", "server-0.log", "worker-0.log"]


def test_a_port_that_is_in_use_is_told_before_anything_starts(tmp_path):
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(RunError, match=f"port {port} cannot be used: Address already in use") as caught:
            lead_ranks(place(port), ["false"], RunFolder(tmp_path / "run"))
    assert "RETDSL_JOB=HOST:PORT" in str(caught.value)
    assert not (tmp_path / "run").exists()
