"""How long `retdsl check` takes, the whole process, beside `python -c pass`; and how its time grows with a spec.

    python tests/benchmarks/check_latency.py [--rounds 15] [--no-bytecode] [SPEC ...]

Everything runs in turn, round by round, so that what else the machine does touches all alike. Ratios are those of the
medians and of the best rounds. Python's bytecode lies in a folder of its own and is made before, as by an
installation; with `--no-bytecode` none is written, and a run compiles what has none beside it. Large specs are those of
tests/check/big_specs.py; `growth` is the exponent of time over lines, 1 for time in proportion.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "check"))

from big_specs import big_spec  # noqa: E402 - lies in a folder of its own

RESNET = """
data eyes {
  source  = csv("labels.csv", image = image, label = label, patient = patient)
  classes = [healthy, infected]
  image   = photo => crop_circle => resize(224, 224)
}

backbone resnet = zoo(resnet152_v1)

model scores =
  resnet[global_pool]
    => Flatten
    => FullyConnected(count(eyes.classes))
    => WSoftmax(weights = inverse_frequency)

train first { model = scores  data = eyes }
"""
SIZES = (1_000, 2_000, 5_000, 10_000, 20_000)
ALONE = "python -c pass"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("specs", nargs="*", help="instead of the study and ResNet-152")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--no-bytecode", action="store_true", help="write no bytecode")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="retdsl-") as name:
        folder = Path(name)
        environment = _environment(None if arguments.no_bytecode else folder / "bytecode")
        (folder / "resnet152.retina").write_text(RESNET)
        specs = arguments.specs or ["three_answers", str(folder / "resnet152.retina")]
        _latency(specs, arguments.rounds, environment)
        if not arguments.specs:
            _growth(folder, max(1, arguments.rounds // 5), environment)


def _environment(bytecode: Path | None) -> Mapping[str, str]:
    """The environment of this process, but with the sources of this checkout, and new bytecode in a folder or none."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    for switch in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"):
        environment.pop(switch, None)
    written = {"PYTHONDONTWRITEBYTECODE": "1"} if bytecode is None else {"PYTHONPYCACHEPREFIX": str(bytecode)}
    return environment | written


def _check(spec: str) -> list[str]:
    return [sys.executable, "-m", "retdsl", "check", spec]


def _latency(specs: Sequence[str], rounds: int, environment: Mapping[str, str]) -> None:
    commands = {ALONE: [sys.executable, "-c", "pass"]}
    commands |= {f"retdsl check {Path(spec).stem}": _check(spec) for spec in specs}
    took = _interleaved(commands, rounds, environment)
    print(f"{'':<32} {'median':>10} {'best':>10}   times {ALONE}: median, best")
    for name, seconds in took.items():
        median, best = statistics.median(seconds), min(seconds)
        ratios = f"{median / statistics.median(took[ALONE]):>8.1f} {best / min(took[ALONE]):>8.1f}"
        print(f"{name:<32} {1000 * median:>7.1f} ms {1000 * best:>7.1f} ms   {ratios}")


def _growth(folder: Path, rounds: int, environment: Mapping[str, str]) -> None:
    for mistakes in (False, True):
        commands, lines = {}, {}
        for size in SIZES:
            path = folder / f"{size}{'-wrong' if mistakes else ''}.retina"
            text = big_spec(size, mistakes=mistakes)
            path.write_text(text)
            lines[str(size)] = text.count("\n")
            commands[str(size)] = _check(str(path))
        took = {name: min(seconds) for name, seconds in _interleaved(commands, rounds, environment).items()}
        print(f"\na spec of many studies, {'a mistake in each' if mistakes else 'all of them right'}")
        for name, seconds in took.items():
            print(f"{lines[name]:>8} lines {seconds:>7.2f} s {1e6 * seconds / lines[name]:>7.0f} microseconds a line")
        ends = [str(SIZES[1]), str(SIZES[-1])]
        print(f"  growth {math.log(took[ends[1]] / took[ends[0]]) / math.log(lines[ends[1]] / lines[ends[0]]):.2f}")


def _interleaved(
    commands: Mapping[str, Sequence[str]], rounds: int, environment: Mapping[str, str]
) -> dict[str, list[float]]:
    """The seconds of every round of every command, after a round that does not count."""
    took: dict[str, list[float]] = {name: [] for name in commands}
    for i in range(rounds + 1):
        for name, command in commands.items():
            started = time.perf_counter()
            done = subprocess.run(command, capture_output=True, env=environment, check=False)
            seconds = time.perf_counter() - started
            if done.returncode not in (0, 1):
                raise SystemExit(done.stderr.decode())
            if i > 0:
                took[name].append(seconds)
    return took


if __name__ == "__main__":
    main()
