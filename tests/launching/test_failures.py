"""Whatever happens to a process of a job ends the job soon, with words, and the run goes on from where it was."""

from __future__ import annotations

import os
import signal

import pytest
from jobs import NO_STATISTICS, Begun, distance, ended, figures, launched, strike

pytestmark = pytest.mark.slow

EPOCHS = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("job")
    text = NO_STATISTICS.replace("epochs    = 2", f"epochs    = {EPOCHS}")
    (found / "study.retina").write_text(text)
    return found


@pytest.fixture(scope="module")
def whole(folder):
    """A run that nothing has happened to."""
    code, said = launched(folder, "whole")
    assert code == 0, said
    return folder / "whole"


@pytest.mark.parametrize(
    ("who", "kind", "words"),
    [
        ("worker 1", signal.SIGKILL, "was ended by SIGKILL"),
        ("worker 1", signal.SIGSTOP, "has not been heard of for"),
        ("worker 0", signal.SIGKILL, "was ended by SIGKILL"),
        ("server 0", signal.SIGKILL, "was ended by SIGKILL"),
        ("scheduler", signal.SIGKILL, "was ended by SIGKILL"),
    ],
)
def test_a_process_that_is_gone_or_stuck_ends_the_job(folder, whole, who, kind, words):
    run = f"{who.replace(' ', '')}-{kind.name}"
    job = Begun(folder, run, holds=3)
    job.wait_for_epoch(3)
    strike(job.process_of(who), kind)
    code, said = job.end()
    assert code == 70, said
    assert f"error: {who} on {os.uname().nodename} {words}" in said
    assert f"go on with: retdsl launch --resume {run}" in said
    assert "Traceback" not in said
    assert not job.left()
    if kind == signal.SIGKILL and who != "worker 1":
        return
    code, said = ended("launch", "--resume", run, "--plain", folder=folder)
    assert code == 0, said
    assert "going on after epoch 2" in said
    assert distance(whole, folder / run, EPOCHS) == 0
    assert figures(whole) == figures(folder / run)


def test_ctrl_c_ends_the_job_in_good_order(folder):
    job = Begun(folder, "interrupted", holds=2)
    job.wait_for_epoch(2)
    strike(job.process.pid, signal.SIGINT)
    code, said = job.end()
    assert code == 130, said
    assert "interrupted: epoch" in said
    assert "go on with: retdsl launch --resume interrupted" in said
    assert not job.left()


LATE = """
import os, time
while os.environ.get("RETDSL_ROLE") == "scheduler":
    time.sleep(0.1)
"""

READS = """
import os
if os.environ.get("RETDSL_ROLE") == "worker":
    import time
    from pathlib import Path
    from retdsl.runtime.prepared import PreparedImages
    def load_all(*_):
        Path(f"reads-{os.environ['RETDSL_RANK']}").touch()
        while True:
            time.sleep(0.1)
    PreparedImages.load_all = load_all
"""


def test_ctrl_c_before_all_processes_have_come(folder):
    job = Begun(folder, "meeting", first=LATE)
    job.wait_until((job.run / "workers" / "worker-1.log").exists)
    strike(job.process.pid, signal.SIGINT)
    code, said = job.end()
    assert code == 130, said
    assert said.endswith("\ninterrupted\n")
    assert not job.left()


def test_ctrl_c_while_photographs_are_read(folder):
    job = Begun(folder, "reading", first=READS)
    job.wait_until(lambda: all((folder / f"reads-{rank}").exists() for rank in (0, 1)))
    strike(job.process.pid, signal.SIGINT)
    code, said = job.end()
    assert code == 130, said
    assert "interrupted: no epoch is saved yet" in said
    assert "Traceback" not in said
    assert not job.left()


def test_nothing_stays_behind_a_launcher_that_is_killed(folder):
    job = Begun(folder, "orphans", holds=1)
    job.wait_for_epoch(1)
    strike(job.process.pid, signal.SIGKILL)
    job.process.wait()
    job.process.stderr.close()
    for _ in range(600):
        if not job.left():
            return
        signal.sigtimedwait([], 0.1)
    raise AssertionError(job.left())
