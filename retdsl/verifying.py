"""Whether a training that is killed goes on exactly: it is run once to its end, then killed at random and resumed.

Enters: an experiment of a checked program. Leaves: a `Trial` for every interruption, with the first file that is not as
the uninterrupted run left it. Guaranteed: the processes really end by SIGKILL, every other one at a write of a file and
the rest in the midst of computing, every third twice; the same seed chooses the same writes.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from signal import SIGKILL
from typing import Any

from retdsl import running
from retdsl.compiler import Checked
from retdsl.ir import Experiment, Program
from retdsl.records import dataclass
from retdsl.reproducing import TIMES, differences_of_runs
from retdsl.runtime.errors import RunError

PASSING = frozenset({"started", "resumed", "cache", "features"})
"""What lock.json and series.json say of the process rather than of the run."""

MADE_OF_THE_REST = frozenset({"report.html"})
"""Files that show what the others hold, times among it."""

AGAIN = 2
"""Of three interruptions this one, from 0, is followed by another, once the run has gone on."""

SOON = 30
"""It comes within so many changes of files, of which a run that goes on has about as many before it trains."""

EARLIER = 5
"""How often an earlier moment is tried where a run was done before it could be killed."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One interruption. moment: when it was, in words; after: what had been saved, or None if it came to its end
    before; difference: the first thing that is not as in the uninterrupted run, None if all is the same.
    """

    moment: str
    after: str | None
    difference: str | None


def verify(
    program: Program,
    checked: Checked,
    experiment: Experiment,
    root: Path,
    folder: Path,
    times: int,
    seed: int,
    options: Sequence[str] = (),
) -> Iterator[Trial]:
    """Runs the experiment in `folder` once, and then `times` times with an interruption. options: of the program.

    Raises RunError if a run cannot come to its end.
    """
    begun = folder / "begun"
    running.prepare(program, checked, experiment, begun, root)
    options = ("--root", str(root), "--plain", *options)
    whole = folder / "whole"
    writes = _run(begun, whole, "never", options)
    assert writes is not None  # nobody killed it
    expected = hashes_of(whole)
    start = next(at for at, (_, what) in enumerate(writes) if what == "mkdir checkpoints")
    span = writes[-1][0] - writes[start][0]
    chance = random.Random(seed)
    for number in range(times):
        run = folder / f"killed-{number + 1}"
        if number % 2 == 0:
            at = chance.randrange(start, len(writes))
            moment, said = f"write {at}", f"before `{writes[at][1]}`"
            died = _run(begun, run, moment, options) is None
        else:
            second = chance.uniform(0, span)
            died = False
            for _ in range(EARLIER):
                shutil.rmtree(run, ignore_errors=True)
                if died := _run(begun, run, f"second {second:.4f}", options) is None:
                    break
                second /= 2
            said = f"{second:.2f} s after training began"
        if died and number % 3 == AGAIN:
            more = chance.randrange(SOON)
            said += f", and {more} writes after it went on" if _killed_again(run, more) else ""
        after = _resume(run) if died else None
        found = hashes_of(run)
        names = [name for name in sorted({*expected, *found}) if expected.get(name) != found.get(name)]
        yield Trial(said, after, _difference(whole, run, names) if names else None)
        if not names:
            shutil.rmtree(run)


def hashes_of(run: Path) -> dict[str, str]:
    """The SHA-256 of what a finished run, or series, consists of, by file; times, and what tells of the process, left
    out.
    """
    found: dict[str, str] = {}
    for path in sorted(path for path in run.rglob("*") if path.is_file() and path.name not in MADE_OF_THE_REST):
        content = path.read_bytes()
        if path.suffix == ".jsonl":
            content = json.dumps([_without(json.loads(line), TIMES) for line in content.splitlines()]).encode()
        elif path.name in ("test.json", "lock.json", "series.json"):
            content = json.dumps(_without(json.loads(content), TIMES | PASSING)).encode()
        found[str(path.relative_to(run))] = sha256(content).hexdigest()
    return found


def _without(record: dict[str, Any], keys: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in keys}


def _run(begun: Path, run: Path, moment: str, options: Sequence[str]) -> list[tuple[float, str]] | None:
    """Runs the program in a folder of its own. Returns its writes, each with its second; None if it was killed."""
    shutil.copytree(begun, run)
    train_py, log = run / "program" / "train.py", run.with_suffix(".log")
    code, said = _process(train_py, _with_its_end(run, moment, log, "--run", str(run), *options))
    if code == -SIGKILL and moment != "never":
        return None
    if code != 0:
        raise RunError("the program did not come to its end", where=train_py, items=said, exit_code=max(code, 1))
    lines = [line.split(" ", 1) for line in log.read_text().splitlines()]
    return [(float(second), what) for second, what in lines]


def _killed_again(run: Path, writes: int) -> bool:
    """Goes on with a run, and kills it after so many changes of files; whether it came to that."""
    command = _with_its_end(run, f"write {writes}", run.with_suffix(".log"), "--resume", str(run), "--plain")
    return _process(run / "program" / "train.py", command)[0] == -SIGKILL


def _with_its_end(run: Path, moment: str, log: Path, *options: str) -> list[str]:
    """The program of a run as `interrupting` runs it."""
    script = Path(__file__).with_name("interrupting.py")
    return [str(script), str(run), moment, str(log), str(run / "program" / "train.py"), *options]


def _resume(run: Path) -> str:
    """Goes on with a run that was killed; returns after what."""
    train_py = run / "program" / "train.py"
    code, said = _process(train_py, [str(train_py), "--resume", str(run), "--plain"])
    if code != 0:
        raise RunError("the run could not go on", where=run, items=said, exit_code=max(code, 1))
    again = json.loads((run / "lock.json").read_bytes()).get("resumed", [])
    return str(again[-1]["after"]) if again else "its end"


def _process(train_py: Path, command: Sequence[str]) -> tuple[int, list[str]]:
    """Its exit code, and what it said to people."""
    environment = running.environment(train_py)
    done = subprocess.run(
        [sys.executable, *command], env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return done.returncode, done.stderr.decode(errors="replace").splitlines()


def _difference(whole: Path, run: Path, names: Sequence[str]) -> str:
    """The first difference in words, and where to look at it."""
    told = next((found.message for found in differences_of_runs(whole, run, [])), f"{names[0]} is not the same")
    return f"{told} ({run})"
