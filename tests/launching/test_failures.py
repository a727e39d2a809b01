"""Whatever happens to a process of a job ends the job soon, with words, and the run goes on from where it was."""

from __future__ import annotations

import os
import signal

import pytest
from jobs import NO_STATISTICS, SOON, Begun, distance, ended, figures, launched, strike

pytestmark = pytest.mark.slow

EPOCHS = 120
"""Those of a run that is to go on to its end, after something has happened to it early on."""

ENDLESS = ("--set", "epochs=100000")
"""A run that does not end before something happens to it, however late."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("job")
    text = NO_STATISTICS.replace("epochs    = 2", f"epochs    = {EPOCHS}")
    (found / "study.retina").write_text(text.replace("size = 64)", "size = 64)"))
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
    goes_on = who == "worker 1"
    job = Begun(folder, run, *(() if goes_on else ENDLESS))
    job.wait_for_epoch(3)
    strike(job.process_of(who), kind)
    code, said, seconds = job.end()
    assert code == 70, said
    assert seconds < SOON
    assert f"error: {who} on {os.uname().nodename} {words}" in said
    assert f"go on with: retdsl launch --resume {run}" in said
    assert "Traceback" not in said
    assert not job.left()
    if not goes_on:
        return
    code, said = ended("launch", "--resume", run, "--plain", folder=folder)
    assert code == 0, said
    assert "going on after epoch" in said
    assert distance(whole, folder / run, EPOCHS) == 0
    assert figures(whole) == figures(folder / run)


def test_ctrl_c_ends_the_job_in_good_order(folder):
    job = Begun(folder, "interrupted", *ENDLESS)
    job.wait_for_epoch(2)
    strike(job.process.pid, signal.SIGINT)
    code, said, seconds = job.end()
    assert code == 130, said
    assert seconds < SOON
    assert "interrupted: epoch" in said
    assert "go on with: retdsl launch --resume interrupted" in said
    assert not job.left()


def test_nothing_stays_behind_a_launcher_that_is_killed(folder):
    job = Begun(folder, "orphans", *ENDLESS)
    job.wait_for_epoch(1)
    strike(job.process.pid, signal.SIGKILL)
    job.process.wait()
    job.process.stderr.close()
    for _ in range(SOON * 10):
        if not job.left():
            return
        signal.sigtimedwait([], 0.1)
    raise AssertionError(job.left())
