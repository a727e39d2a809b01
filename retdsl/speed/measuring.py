"""The programs at work that measure, one after the other: of the same experiment, for every device.

Enters: an experiment. Leaves: a `Speed` for each place: the processor with one thread, with two, with four and so on up
to all, then every GPU, then the devices that the spec names if they are several. Guaranteed: each is measured by the
program that would train there, compiled for that device, in a process of its own.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from retdsl.account.arithmetic import work
from retdsl.compiler import compile_experiment
from retdsl.ir import Call, Experiment, Program
from retdsl.records import dataclass, replace
from retdsl.running import require_answer, run_program
from retdsl.runtime.bench_record import Bench
from retdsl.speed.model import Speed


@dataclass(frozen=True, slots=True)
class Asked:
    """seconds: for each stage; threads: only with so many, None for all counts; synthetic: on painted photographs;
    passes: those over the program, by name, None for all; options: more for the programs.
    """

    seconds: float = 3.0
    threads: int | None = None
    synthetic: bool = False
    passes: Collection[str] | None = None
    options: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """words: of a device; devices: as a spec names them; threads: of the processor."""

    words: str
    devices: tuple[Call, ...]
    threads: int


def measure(
    program: Program, experiment: Experiment, root: Path, asked: Asked, say: Callable[[str], None] = lambda _: None
) -> list[Speed]:
    """Every device's speed. say: is told of each before it is measured.

    Raises SystemExit where a program ends with an error: it has told what is wrong itself.
    """
    most = asked.threads or len(os.sched_getaffinity(0))
    counts = [asked.threads] if asked.threads else _counts(most)
    speeds: list[Speed] = []
    for place in _places(experiment, counts, lambda: speeds[-1].bench.gpus):
        say(place.words)
        speeds.append(Speed(place.words, _measured(program, experiment, root, asked, place), work(experiment)))
    return speeds


def _counts(most: int) -> list[int]:
    """1, 2, 4 ... and as many as there are."""
    return [*(2**power for power in range(most.bit_length()) if 2**power < most), most]


def _places(experiment: Experiment, counts: Sequence[int], gpus: Callable[[], int]) -> Iterator[_Place]:
    """gpus: how many there are, known once something was measured."""
    for count in counts:
        yield _Place("1 thread" if count == 1 else f"{count} threads", (_device("cpu", 0),), count)
    for number in range(gpus()):
        yield _Place(f"gpu({number})", (_device("gpu", number),), counts[-1])
    named = dict(experiment.training.settings).get("devices")
    if isinstance(named, tuple) and len(named) > 1:
        devices = tuple(device for device in named if isinstance(device, Call))
        words = ", ".join(f"{device.name}({device['id']})" for device in devices)
        yield _Place(words, devices, counts[-1])


def _device(kind: str, number: int) -> Call:
    return Call(kind, (("id", number),))


def _measured(program: Program, experiment: Experiment, root: Path, asked: Asked, place: _Place) -> Bench:
    settings = {**dict(experiment.training.settings), "devices": place.devices}
    there = replace(experiment, training=replace(experiment.training, settings=tuple(settings.items())))
    with tempfile.TemporaryDirectory(prefix="retdsl-") as name:
        train_py = compile_experiment(program, there, Path(name), root, asked.passes)
        answer = Path(name) / "bench.json"
        arguments = ["--bench", str(answer), "--seconds", str(asked.seconds), "--threads", str(place.threads)]
        arguments += [*(["--synthetic"] if asked.synthetic else []), *asked.options]
        code = run_program(train_py, "--root", str(root), "--plain", *arguments)
        require_answer(code)
        return Bench.of_json(json.loads(answer.read_text()))
