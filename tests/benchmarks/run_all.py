"""All comparisons of speed, in one table: retdsl beside what an experienced user of MXNet writes by hand.

    python tests/benchmarks/run_all.py [--quick] [--only streaming ...] [--photographs ../shared/fundus]

Each benchmark is a module with a function `measure` (see `ratios`), and runs as a process of its own; one that fails
is a row that says so. Unless only some are asked for, the table goes to docs/speed-ratios.md, and its picture to
docs/images/speed.svg. Takes about 20 minutes on two processor cores, with `--quick` and smaller sizes about three;
`--quick` writes only where `--write` says so.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ratio_picture import draw
from ratios import ROOT, Ratio, Wanted, markdown, of_this_checkout, print_ratios

BENCHMARKS = {
    "compile_time": "compiling",
    "head_training": "training a head",
    "three_experiments": "several experiments of one study",
    "streaming": "a frozen part, nothing kept",
    "fine_tuning": "training everything",
    "predicting": "validation and prediction",
    "two_workers": "several processes",
}
"""Modules, in the order in which they run and are told, and what each is about."""

PAGE, PICTURE = ROOT / "docs" / "speed-ratios.md", ROOT / "docs" / "images" / "speed.svg"

LONGEST = 1800
"""Seconds after which a benchmark is taken to hang."""

DISTRIBUTIONS = ("mxnet", "onnxruntime", "numpy", "opencv-python-headless")


@dataclass(frozen=True)
class Result:
    """What a benchmark gave, or in `failure` why it gave nothing."""

    name: str
    ratios: tuple[Ratio, ...] = ()
    failure: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller sizes: about three minutes")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=BENCHMARKS, help=", ".join(BENCHMARKS))
    parser.add_argument("--photographs", type=Path, default=ROOT.parent / "shared" / "fundus", metavar="DIR")
    parser.add_argument("--write", action=argparse.BooleanOptionalAction, help="the page and the picture of the docs")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not (arguments.photographs / "labels.csv").is_file():
        parser.error(f"{arguments.photographs} has no labels.csv: name the folder of photographs with --photographs")
    if arguments.measure is not None:
        work(*arguments.measure, arguments.photographs.resolve(), arguments.quick)
        return
    whole = arguments.only is None and not arguments.quick
    writes = whole if arguments.write is None else arguments.write
    results: list[Result] = []
    for name in arguments.only or BENCHMARKS:
        began = time.perf_counter()
        print(f"{name} ...", end=" ", flush=True, file=sys.stderr)
        results.append(measured(name, arguments.photographs.resolve(), arguments.quick))
        print(f"{time.perf_counter() - began:.0f} s", flush=True, file=sys.stderr)
        if writes:  # what was measured lasts, whatever becomes of the rest
            write(results, PAGE, PICTURE)
    for result in results:
        if result.ratios:
            print_ratios(result.ratios, BENCHMARKS[result.name])
        if result.failure:
            print(f"{BENCHMARKS[result.name]}: {result.name} failed: {result.failure}\n")
    if writes:
        print(f"{PAGE}\n{PICTURE}", file=sys.stderr)
    sys.exit(1 if any(result.failure for result in results) else 0)


def measured(name: str, photographs: Path, quick: bool) -> Result:
    """Lets a benchmark run in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="retdsl-bench-") as folder:
        answer = Path(folder) / "ratios.json"
        command = [sys.executable, __file__, "--measure", name, str(answer), "--photographs", str(photographs)]
        command += ["--quick"] if quick else []
        # What it says goes into a file: a pipe would be waited for as long as anything that it started lives.
        with (Path(folder) / "said").open("w+") as said:
            options: dict[str, Any] = {"stdout": said, "stderr": said, "cwd": folder, "start_new_session": True}
            worker = subprocess.Popen(command, env=of_this_checkout(), **options)
            try:
                worker.wait(LONGEST)
            except subprocess.TimeoutExpired:
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait()
                return Result(name, failure=f"no answer for {LONGEST} seconds")
            said.seek(0)
            words = said.read().strip().splitlines()
        if not answer.exists():
            return Result(name, failure=words[-1] if words else f"ended with exit code {worker.returncode}")
        return Result(name, tuple(ratio_of(value) for value in json.loads(answer.read_text())))


def work(name: str, answer: str, photographs: Path, quick: bool) -> None:
    """In its own process: measures, and writes the ratios as JSON."""
    folder = Path(answer).parent / "work"
    folder.mkdir()
    ratios = import_module(name).measure(photographs, folder, quick)
    Path(answer).write_text(json.dumps([asdict(ratio) for ratio in ratios]))


def ratio_of(value: dict[str, Any]) -> Ratio:
    """Back from JSON."""
    return Ratio(**{**value, "wanted": None if value["wanted"] is None else Wanted(**value["wanted"])})


def write(results: list[Result], page: Path, picture: Path) -> None:
    """The page of the docs and its picture."""
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(draw([ratio for result in results for ratio in result.ratios]))
    page.write_text(page_of(results, machine(), os.path.relpath(picture, page.parent)))


def page_of(results: list[Result], facts: str, picture: str) -> str:
    """In Markdown. facts: about the machine, a sentence; picture: its path, as seen from the page."""
    parts = [
        "# How fast, in figures\n",
        "Generated by `python tests/benchmarks/run_all.py`; [speed.md](speed.md#measuring) says how it comes about.",
        "The two sides of a row took turns in one run on the same machine; what is written by hand is in",
        "`tests/benchmarks/by_hand/`.\n",
        f"{facts}\n",
        f"![ratios as bars, with what is wanted]({picture})\n",
    ]
    for result in results:
        parts.append(f"## {BENCHMARKS[result.name].capitalize()}\n")
        if result.ratios:
            parts.append(markdown(result.ratios) + "\n")
        if result.failure:
            parts.append(f"`{result.name}.py` failed: {result.failure}\n")
    return "\n".join(parts)


def machine() -> str:
    """What the figures were measured on."""
    names = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0))
    versions = ", ".join(f"{name} {found}" for name in DISTRIBUTIONS if (found := _version(name)))
    python = ".".join(map(str, sys.version_info[:3]))
    return f"Measured on {names[0] if names else 'a processor'}, {cores} cores; Python {python}, {versions}."


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
