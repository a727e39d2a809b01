"""Jobs for tests: a study that several workers train in seconds, and what one of their processes is to suffer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from spec_texts import TINY

from retdsl.runtime.checkpoint import load_parameters
from retdsl.runtime.mx import mx

ROOT = Path(__file__).resolve().parents[2]

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


HOLDS = """
import os
if os.environ.get("RETDSL_ROLE") == "worker" and os.environ.get("RETDSL_RANK") == "0":
    import time
    from retdsl.runtime.journal import Journal
    add = Journal.add
    def add_and_wait(self, line):
        add(self, line)
        while line["epoch"] == {epoch}:
            time.sleep(0.05)
    Journal.add = add_and_wait
"""
"""The first worker goes no further than the figures of an epoch, so that no job ends before a test is done with it."""


class Begun:
    """A job that goes on while the test looks at it. holds: the epoch that it does not get beyond, whose state is not
    saved yet; first: what Python does as it starts, in every process.
    """

    def __init__(self, folder: Path, run: str, *more: object, holds: int = 0, first: str = "", **env: str) -> None:
        self.run = folder / run
        found = variables(**env)
        starts = folder / f"{run}-starts"
        starts.mkdir()
        (starts / "sitecustomize.py").write_text(first + HOLDS.format(epoch=holds))
        found["PYTHONPATH"] = os.pathsep.join([str(starts), found["PYTHONPATH"]])
        arguments = ("study.retina", "-n", 2, "--run", run, "--threads", 1, "--plain", *more)
        self.process = subprocess.Popen(
            command("launch", *arguments), cwd=folder, env=found, stderr=subprocess.PIPE, text=True
        )

    def wait_for_epoch(self, epoch: int) -> None:
        path = self.run / "metrics.jsonl"
        self.wait_until(lambda: path.is_file() and path.read_text().count("\n") >= epoch)

    def wait_until(self, reached: Callable[[], bool], seconds: float = 600) -> None:
        until = time.monotonic() + seconds
        while not reached():
            assert time.monotonic() < until, "it never comes so far"
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
                and str(self.run) in words
            ):
                return int(path.parent.name)
        raise AssertionError(f"there is no {name}")

    def end(self) -> tuple[int, str]:
        """Exit code and words. It ends by itself: in less than ten seconds, but who knows what else is at work."""
        _, said = self.process.communicate(timeout=600)
        return self.process.returncode, said

    def left(self) -> list[str]:
        """Processes that are still there."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_text().replace("\0", " ")
            except OSError:
                continue
            if "train.py" in words and str(self.run) in words:
                found.append(words)
        return found


def strike(process: int, kind: signal.Signals) -> None:
    os.kill(process, kind)


MXNET = mx.__version__
