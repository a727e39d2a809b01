"""How long it takes to compile ResNet-152 with all passes: a new process, from the text of the spec to `train.py`.

    python tests/benchmarks/compile_time.py [--rounds 7] [--profile]

Reading, checking, every pass, the text of the program, program.json and the picture are in it; the symbols, which MXNet
writes in a process of its own, are not. MXNet must not be imported on the way. `--profile` shows where the time goes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from ratios import Ratio, at_most, in_turn, print_ratios

SPEC = """
data eyes {
  source  = csv("labels.csv", image = image, label = label, patient = patient)
  classes = [healthy, infected]
  image   = photo => crop_circle => resize(224, 224)
}

backbone deep = zoo(resnet152_v1)

model scores = deep[global_pool] => Flatten => FullyConnected(count(eyes.classes)) => Softmax

train first { model = scores  data = eyes  freeze = deep }
"""
SECONDS = 1.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--profile", action="store_true", help="show where the time goes, in this process")
    parser.add_argument("--once", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once is not None:
        compile_in(arguments.once)
        return
    with tempfile.TemporaryDirectory(prefix="retdsl-") as name:
        if arguments.profile:
            profile(Path(name))
        else:
            print_ratios(compare(Path(name), arguments.rounds))


def measure(photographs: Path, folder: Path, quick: bool) -> list[Ratio]:  # noqa: ARG001 (as every benchmark)
    return compare(folder, 3 if quick else 7)


def compare(folder: Path, rounds: int) -> list[Ratio]:
    """Seconds of the whole process, beside one that does nothing."""
    (folder / "deep.retina").write_text(SPEC)
    works = {
        "compile": [sys.executable, __file__, "--once", str(folder)],
        "nothing": [sys.executable, "-c", "pass"],
    }
    took = in_turn(works, rounds, warm_up=1)
    seconds = took["compile"].seconds
    note = f"seconds of a new process, of which Python alone takes {took['nothing'].seconds:.2f}"
    return [Ratio("compile ResNet-152, all passes", seconds, None, "s", seconds, at_most(SECONDS), note)]


def compile_in(folder: Path) -> None:
    """Compiles the spec in a folder. Fails if that has imported MXNet."""
    from retdsl import compiler
    from retdsl.diagnostics import Diagnostics

    spec = compiler.read(str(folder / "deep.retina"), None, Diagnostics())
    assert spec is not None
    program = compiler.check(spec).program
    assert program is not None
    compiler.compile_experiment(program, program.experiments[0], folder / "out", spec.root)
    assert "mxnet" not in sys.modules


def profile(folder: Path) -> None:
    from cProfile import Profile
    from pstats import Stats

    (folder / "deep.retina").write_text(SPEC)
    with Profile() as found:
        compile_in(folder)
    Stats(found).sort_stats("cumulative").print_stats(40)


if __name__ == "__main__":
    main()
