"""`retdsl train --resume` and `retdsl verify-resume`: processes that really die, and what is said to people."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from retdsl.cli import main
from retdsl.verifying import hashes_of

SPEC = """
data eyes {
  source  = synthetic_fundus(60, ratio = 2 : 1, seed = 1, size = 64)
  classes = [healthy, infected]
  split   = by_patient(train = 50%, valid = 25%, test = 25%, seed = 1)
  image   = photo => resize(24, 24)
}

model small =
  eyes.image
    => Convolution(4, kernel = 3, no_bias = true, name = "conv")
    => BatchNorm(fix_gamma = false, name = "bn")
    => Activation(relu, name = "relu")
    => Flatten
    => Dropout(30%)
    => FullyConnected(2)
    => WSoftmax(weights = inverse_frequency)

augment mixed = image => mixup(alpha = 0.4)

train long {
  model      = small
  data       = eyes
  augment    = mixed
  sampling   = hard(50%)
  optimizer  = nadam(lr = 0.001)
  accumulate = 2
  clip       = norm(1)
  average    = ema(decay = 0.9)
  views      = [flip_horizontal, rotate180]
  stop       = early(auc, patience = 1000000)
  validate   = every(5 batches)
  log        = every(2 batches)
  epochs     = EPOCHS
  batch      = 4
  metrics    = [auc]
  checkpoint = every(3 batches, keep = best(auc))
  seed       = 7
}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(3)
    return tmp_path


def write(epochs: int) -> None:
    Path("small.retina").write_text(SPEC.replace("EPOCHS", str(epochs)))


def begin(run: str, *more: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "retdsl",
        "train",
        "small.retina",
        "--run",
        run,
        "--plain",
        "--threads",
        "2",
        *more,
    ]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def until(process: subprocess.Popen[str], what, patience: float = 600) -> None:
    end = time.monotonic() + patience
    while not what():
        assert time.monotonic() < end
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)


def test_who_interrupts_a_run_is_told_how_to_go_on(here):
    write(100_000)
    process = begin("run")
    until(process, lambda: len(list(here.glob("run/resume/*.state"))) == 2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "go on with: retdsl train --resume run" in err
    assert "Traceback" not in err
    again = subprocess.Popen(
        [sys.executable, "-m", "retdsl", "train", "--resume", "run", "--plain"], stderr=subprocess.PIPE, text=True
    )
    line = ""
    while "going on after" not in line:
        line = again.stderr.readline()
        assert line
    assert main(["train", "--resume", "run", "--plain"]) == 1, "one at a time"
    again.send_signal(signal.SIGINT)
    again.communicate(timeout=600)
    assert again.returncode == 130


@pytest.mark.usefixtures("here")
def test_verify_resume(capfd):
    assert (
        main(["verify-resume", "small.retina", "--times", "2", "--epochs", "2", "--threads", "2", "--seed", "1"]) == 0
    )
    err = capfd.readouterr().err
    assert "1 of 2: identical" in err
    assert "2 of 2: identical" in err
    assert "long, killed 2 times: 2 of 2 ended identical" in err
    assert re.search(r"1 +before `.*identical", err)


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_verify_resume_names_what_differs(capfd, monkeypatch):
    import retdsl.verifying as verifying

    resume = verifying._resume

    def spoiled(run):
        after = resume(run)
        (run / "predictions.csv").write_text((run / "predictions.csv").read_text().replace("0.", "0.1", 1))
        return after

    monkeypatch.setattr(verifying, "_resume", spoiled)
    assert main(["verify-resume", "small.retina", "--times", "1", "--epochs", "1", "--threads", "2"]) == 1
    err = capfd.readouterr().err
    assert "error: predictions.csv differs, first in line 2" in err
    kept = Path(re.search(r"\((/.*killed-1)\)", err)[1])
    assert (kept / "predictions.csv").is_file()


def program(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "program/long/train.py", *arguments, "--root", ".", "--plain", "--threads", "1"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_twenty_of_twenty(here):
    """Killed at twenty random moments, from the first photograph to the last file; two at a time."""
    assert main(["compile", "small.retina", "-o", "program"]) == 0
    program("--run", "whole").communicate()
    expected = hashes_of(here / "whole")
    process = program("--run", "timed")
    until(process, lambda: (here / "timed" / "lock.json").exists())
    began = time.monotonic()
    process.communicate()
    took = time.monotonic() - began
    moments = random.Random(2026)

    def killed(run: Path, moment: float) -> bool:
        """Whether it was killed before its end, and ended alike then."""
        process = program("--run", run.name)
        until(process, lambda: (run / "lock.json").exists())
        time.sleep(moment)
        process.kill()
        process.communicate()
        in_time = not (run / "test.json").exists()
        resumed = program("--resume", run.name)
        said = resumed.communicate()[1]
        assert resumed.returncode == 0, said
        assert hashes_of(run) == expected
        return in_time

    with ThreadPoolExecutor(2) as pool:
        count = 0
        for first in range(0, 60, 2):
            runs = [here / f"killed-{number}" for number in (first, first + 1)]
            count += sum(pool.map(killed, runs, [moments.uniform(0, took) for _ in runs]))
            if count >= 20:
                return
    pytest.fail(f"only {count} were killed in time")


def code_of(arguments: list[str]) -> object:
    """Of wrong usage, too, with which argparse leaves."""
    try:
        return main(arguments)
    except SystemExit as left:
        return left.code


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["train"], 2, "one of the arguments FILE --resume is required"),
        (["train", "small.retina", "--resume", "run"], 2, "argument --resume: not allowed with argument FILE"),
        (["train", "--resume", "run", "--set", "epochs=9"], 2, "a changed experiment is a run of its own"),
        (["train", "--resume", "run", "--threads", "0"], 2, "--threads must be 1 or more"),
        (["train", "--resume", "run"], 1, "there is no such run"),
        (["train", "--resume", "."], 1, "this folder holds no run"),
        (["train", "--resume", "small.retina"], 1, "there is no such run"),
        (["train", "--inexact", "small.retina"], 2, "--inexact is for --resume"),
        (["verify-resume", "small.retina", "--times", "0"], 2, "--times must be 1 or more"),
    ],
)
def test_bad_usage(arguments, code, said, capsys):
    assert code_of(arguments) == code
    assert said in capsys.readouterr().err


def test_a_run_without_its_program(here, capsys):
    (here / "run").mkdir()
    (here / "run" / "lock.json").write_text(json.dumps({"experiment": "long"}))
    assert main(["train", "--resume", "run"]) == 1
    assert "python train.py --resume run" in capsys.readouterr().err
