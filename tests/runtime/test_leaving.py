"""A run that is told to end does so, whatever its threads wait for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tiny_study import paint

from retdsl.runtime import ahead
from retdsl.runtime.ahead import ahead as work_ahead

HERE = Path(__file__).resolve().parent
PATHS = {"PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), str(HERE)])}

PROGRAM = """
import sys
import time
from itertools import count
from pathlib import Path

from tiny_study import experiment

from retdsl.runtime import main
from retdsl.runtime.prepared import PreparedImages
from retdsl.runtime.tables import csv

kind, name = {where}.__qualname__.split(".")
real, calls = {where}, count(1)


def hangs(*arguments):
    if next(calls) == {call}:
        Path("hangs").touch()
        time.sleep(3600)
    return real(*arguments)


setattr({{"csv": csv, "PreparedImages": PreparedImages}}[kind], name, hangs)
main(experiment(Path("."), training={{"epochs": 99}}))
"""


@pytest.mark.parametrize(
    ("where", "call", "kind"),
    [("csv.read", 5, signal.SIGTERM), ("PreparedImages.__getitem__", 120, signal.SIGINT)],
)
def test_a_thread_that_hangs_on_a_file_keeps_nobody(where: str, call: int, kind: int, tmp_path: Path) -> None:
    paint(tmp_path)
    (tmp_path / "train.py").write_text(PROGRAM.format(where=where, call=call))
    command = [sys.executable, "train.py", "--run", "run", "--plain", "--no-cache"]
    process = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, **PATHS}, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 600
    while not (tmp_path / "hangs").exists() and time.monotonic() < until and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(kind)
    try:
        _, said = process.communicate(timeout=600)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert "interrupted: " in said
    assert not [path for path in (tmp_path / "run").rglob("*") if path.name.startswith(".") or path.suffix == ".tmp"]


def test_threads_that_end_are_waited_for_and_others_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "PATIENCE", 0.2)
    gate = threading.Event()

    def work(item: int) -> int:
        if item == 1:
            hangs.append(threading.current_thread())
            gate.wait()
        return item

    hangs: list[threading.Thread] = []
    results = work_ahead(work, range(9), 2, "work")
    assert next(results) == 0
    results.close()  # it would not return if it waited for the one that hangs
    for thread in threading.enumerate():
        if thread.name.startswith("work") and thread not in hangs:
            thread.join()
    assert hangs[0].is_alive()
    gate.set()
    hangs[0].join()


def test_who_stops_early_does_not_wait_for_what_never_began(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, begun = threading.Event(), []

    def work(item: int) -> int:
        begun.append(item)
        if item:
            gate.wait()
        return item

    def wait(*asked):
        gate.set()  # all that it can wait for is what has begun: the rest is given up by now
        return really(*asked)

    really = ahead.wait
    monkeypatch.setattr(ahead, "wait", wait)
    monkeypatch.setattr(ahead, "PATIENCE", 600.0)
    results = work_ahead(work, range(99), 2, "brief", waiting=20)
    assert next(results) == 0
    results.close()
    assert set(begun) <= {0, 1, 2}
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("brief")]
