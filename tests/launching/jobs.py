"""Jobs for tests: a study that several workers train in seconds, and what one of their processes is to suffer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from spec_texts import TINY

from retdsl.runtime.checkpoint import load_parameters
from retdsl.runtime.mx import mx

ROOT = Path(__file__).resolve().parents[2]

SOON = 40
"""Seconds in which a job ends whatever happens: ten, which a busy machine may stretch, and less than `STALLED`."""

NO_STATISTICS = (
    TINY.replace('      => BatchNorm(fix_gamma = false, name = "{name}_bn")\n', "")
    .replace('    => BatchNorm(fix_gamma = false, name = "{name}_bn")\n', "")
    .replace('  => BatchNorm(fix_gamma = false, name = "{name}_bn")\n', "")
    .replace("    => Dropout(20%)\n", "")
)
"""Nothing in this study depends on who else is in a part of a batch."""


def command(name: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", "retdsl", name, *map(str, arguments)]


def variables(**more: str) -> dict[str, str]:
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", **more}


def ended(name: str, *arguments: object, folder: Path, seconds: float = 600, **more: str) -> tuple[int, str]:
    """Exit code and words of a command."""
    done = subprocess.run(
        command(name, *arguments), cwd=folder, env=variables(**more), capture_output=True, text=True, timeout=seconds
    )
    return done.returncode, done.stderr + done.stdout


def launched(folder: Path, run: str, *more: object, workers: int = 2) -> tuple[int, str]:
    return ended("launch", "study.retina", "-n", workers, "--run", run, "--threads", 1, "--plain", *more, folder=folder)


def alone(folder: Path, run: str, *more: object) -> tuple[int, str]:
    return ended("train", "study.retina", "--run", run, "--threads", 1, "--plain", *more, folder=folder)


def figures(run: Path) -> list[dict[str, object]]:
    """The lines of metrics.jsonl, without what depends on time."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if "second" not in key} for line in lines]


def parameters(run: Path, epoch: int) -> dict[str, np.ndarray]:
    return load_parameters(run / "checkpoints" / f"tiny-{epoch:04d}.params")


def distance(one: Path, other: Path, epoch: int) -> float:
    """The largest difference between parameters of two runs."""
    first, second = parameters(one, epoch), parameters(other, epoch)
    assert first.keys() == second.keys()
    return max(float(np.abs(first[name] - second[name]).max()) for name in first)


class Begun:
    """A job that goes on while the test looks at it."""

    def __init__(self, folder: Path, run: str, *more: object, workers: int = 2, name: str = "launch", **env: str):
        self.run = folder / run
        arguments = ("study.retina", "-n", workers, "--run", run, "--threads", 1, "--plain", *more)
        self.process = subprocess.Popen(
            command(name, *arguments), cwd=folder, env=variables(**env), stderr=subprocess.PIPE, text=True
        )

    def wait_for_epoch(self, epoch: int, seconds: float = 600) -> None:
        until = time.monotonic() + seconds
        path = self.run / "metrics.jsonl"
        while not (path.is_file() and path.read_text().count("\n") >= epoch):
            assert time.monotonic() < until, "no epoch was finished"
            assert self.process.poll() is None, self.process.stderr.read()
            time.sleep(0.05)

    def process_of(self, name: str) -> int:
        """The process id of a role and rank, as `worker 1`."""
        role, _, rank = name.partition(" ")
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                found = dict(pair.partition("=")[::2] for pair in path.read_text().split("\0"))
                words = (path.parent / "cmdline").read_text()
            except (OSError, UnicodeDecodeError):
                continue
            if (
                found.get("RETDSL_ROLE") == role
                and found.get("RETDSL_RANK") == (rank or "0")
                and str(self.run.name) in words
            ):
                return int(path.parent.name)
        raise AssertionError(f"there is no {name}")

    def end(self, seconds: float = 600) -> tuple[int, str, float]:
        """Exit code, words, and how long it took to end."""
        began = time.monotonic()
        _, said = self.process.communicate(timeout=seconds)
        return self.process.returncode, said, time.monotonic() - began

    def left(self) -> list[str]:
        """Processes that are still there."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_text().replace("\0", " ")
            except OSError:
                continue
            if "train.py" in words and str(self.run.name) in words:
                found.append(words)
        return found


def strike(process: int, kind: signal.Signals) -> None:
    os.kill(process, kind)


MXNET = mx.__version__
