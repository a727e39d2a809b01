"""Processes of a job on this machine: real ones, that are started, watched and ended."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from retdsl.runtime.crew import MEMORY, LocalProcess, last_words
from retdsl.runtime.place import Place, find_place

PLACE = Place("worker", 1, 3, 2, "127.0.0.1", 4567, local=2, key="secret")

STAYS = "import time; print('there', flush=True); time.sleep(300)"


class Crew:
    """Starts processes for a test, and leaves none behind."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "process.log"
        self._started: list[LocalProcess] = []

    def start(self, code: str, place: Place = PLACE) -> LocalProcess:
        process = LocalProcess(place, [sys.executable, "-c", code], self.log, os.environ)
        self._started.append(process)
        return process

    def said(self, words: str) -> str:
        """All that was said, once these words are in it."""
        return wait_for(lambda: text if words in (text := self.log.read_text()) else None)

    def end(self) -> None:
        for process in self._started:
            process.end()


def wait_for(look):
    until = time.monotonic() + 120
    while (found := look()) is None:
        assert time.monotonic() < until, "it does not come"
        time.sleep(0.02)
    return found


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    made = Crew(tmp_path)
    yield made
    made.end()


def test_it_finds_its_own_place_and_keeps_what_else_the_environment_says(crew, monkeypatch):
    monkeypatch.setenv("SAID_BESIDES", "yes")
    code = "import os; from retdsl.runtime.place import find_place; print(find_place(), os.environ['SAID_BESIDES'])"
    process = crew.start(code)
    assert process.name == "worker 1"
    assert wait_for(process.poll) == 0
    assert crew.log.read_text() == f"{find_place(PLACE.environment())} yes\n"
    assert find_place(PLACE.environment()) == PLACE


def test_the_first_worker_speaks_to_people_and_the_others_to_their_logs(crew, capfd):
    code = "import sys; print('to people'); print('louder', file=sys.stderr)"
    assert wait_for(crew.start(code, Place("worker", 0, 3, 2, "127.0.0.1", 4567)).poll) == 0
    assert crew.log.read_text() == ""
    assert capfd.readouterr() == ("to people\n", "louder\n")
    for role in ("server", "scheduler"):
        assert wait_for(crew.start(code, Place(role, 0, 3, 2, "127.0.0.1", 4567)).poll) == 0
        assert sorted(crew.log.read_text().splitlines()) == ["louder", "to people"]
    assert capfd.readouterr() == ("", "")


def test_it_is_deaf_to_what_the_terminal_says(crew):
    """Ctrl-C goes to a whole session; what ends the job in good order is the foreman's to say."""
    crew.start("import os, sys; print(os.getsid(0) == os.getpid(), repr(sys.stdin.read()), flush=True)")
    assert crew.said("\n") == "True ''\n"


def test_it_is_ended_with_all_that_it_has_started(crew):
    process = crew.start(
        f"import subprocess, sys; other = subprocess.Popen([sys.executable, '-c', {STAYS!r}]);"
        "print(f'other {other.pid}.', flush=True); other.wait()"
    )
    crew.said("there")
    other = int(crew.said(".").partition("other ")[2].partition(".")[0])
    assert process.poll() is None
    process.end()
    assert process.poll() == -signal.SIGKILL
    wait_for(lambda: True if is_gone(other) else None)
    process.end()  # it may be gone already


def is_gone(process: int) -> bool:
    """Whether a process has ended, waited for or not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


def test_why_it_ended_is_said_with_its_last_words(crew):
    process = crew.start("import sys; print('Traceback'); print('  '); print('no photographs'); sys.exit(3)")
    code = wait_for(process.poll)
    text, help = process.why(code)
    assert text == "ended with exit code 3"
    assert help == ["the last that it said: no photographs", f"all that it said is in {crew.log}"]


def test_who_was_killed_has_most_likely_had_no_memory(crew):
    process = crew.start(
        f"import os, signal; {STAYS.replace('time.sleep(300)', 'os.kill(os.getpid(), signal.SIGKILL)')}"
    )
    text, help = process.why(wait_for(process.poll))
    assert text == "was ended by SIGKILL"
    assert help[0] == MEMORY
    assert "the last that it said: there" in help


@pytest.mark.parametrize("said", [b"", b"\n  \n\t\n"])
def test_who_has_said_nothing_has_no_last_words(tmp_path, said):
    (tmp_path / "log").write_bytes(said)
    assert last_words(tmp_path / "log") == []
    assert last_words(tmp_path / "none") == []
    assert last_words(tmp_path) == []


def test_last_words_are_one_line_whatever_it_is(tmp_path):
    (tmp_path / "log").write_bytes(b"first\n" + b"\xff" * 5 + b"x" * 5000 + b"\n\n")
    [words, where] = last_words(tmp_path / "log")
    assert words.startswith("the last that it said: \N{REPLACEMENT CHARACTER}")
    assert words.endswith("x")
    assert len(words) < 400
    assert str(tmp_path / "log") in where
