"""Generated programs at work, each as a process of its own: `train`, `check_data`, `write_symbols`, and what they need
beside them where retdsl is not installed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias

import retdsl
import retdsl.runtime
from retdsl.balance.counts import Reading, reading_of
from retdsl.compiler import Checked, Spec, check, compile_experiment, joined_spec, pin_weights
from retdsl.ir import DataPlan, Experiment, Program
from retdsl.records import replace
from retdsl.runtime.errors import RunError
from retdsl.runtime.files import make_folder, replacing, write_text

if TYPE_CHECKING:
    from retdsl.check.overrides import Override
    from retdsl.runtime.dataset import Dataset

WRONG = 1
"""The exit code of a program whose spec or data have errors."""

DEFECT = 70
"""The exit code of a defect of retdsl itself."""

INTERRUPTED = 130
"""The exit code of a program that was asked to end, and did."""

Look: TypeAlias = Callable[[Mapping[str, str]], bool]
"""Asks a program that has trained, and is still there, for heat maps: `images` and `file` as its options `--images` and
`--heat-maps` take them. Returns whether they are made.
"""

_EXIT_CODES = (0, WRONG, 2, DEFECT, INTERRUPTED)
"""Those that a program gives itself: see `retdsl.runtime.program`. Any other is MXNet's or the system's."""


def train(
    program: Program,
    checked: Checked,
    experiment: Experiment,
    run: Path,
    root: Path,
    options: Sequence[str] = (),
    passes: Collection[str] | None = None,
    then: Callable[[Look], None] | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> int:
    """Compiles an experiment into a run folder and runs exactly that program; returns its exit code.

    passes: as in `compile_experiment`; then, meanwhile: as in `run_program`.

    Raises RunError, and leaves the folder as it is, when a run is in it already. A new folder in which data or weights
    let no training begin is taken away again.
    """
    from retdsl.runtime.run_folder import RunFolder

    folder = RunFolder(run)
    folder.require_fresh()
    new = not run.exists()
    train_py = prepare(program, checked, experiment, run, root, passes)
    code = run_program(train_py, "--run", str(run), "--root", str(root), *options, then=then, meanwhile=meanwhile)
    if code == WRONG and new and not folder.checkpoints.exists():
        shutil.rmtree(run)
    return code


def prepare(
    program: Program,
    checked: Checked,
    experiment: Experiment,
    run: Path,
    root: Path,
    passes: Collection[str] | None = None,
) -> Path:
    """Puts the spec and the program of an experiment into a run folder; returns train.py's path. passes: as above."""
    make_folder(run)
    write_text(run / "spec.retina", joined_spec(checked.sources))
    return compile_experiment(program, pin_weights(experiment, root), run / "program", root, passes)


def resume(
    run: Path,
    options: Sequence[str] = (),
    keeping: Sequence[int] = (),
    then: Callable[[Look], None] | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> int:
    """Goes on with a run that was interrupted, by the program in its folder; returns its exit code.

    keeping, then, meanwhile: as in `run_program`. Raises RunError for a folder that holds no run, or not its program.
    """
    from retdsl.runtime.resuming import read_record
    from retdsl.runtime.run_folder import RunFolder

    read_record(RunFolder(run))
    train_py = run / "program" / "train.py"
    if not train_py.is_file():
        help = f"it goes on by the program that began it: python train.py --resume {run}"
        raise RunError("the program of this run is not in its folder", where=train_py, help=help)
    return run_program(train_py, "--resume", str(run), *options, keeping=keeping, then=then, meanwhile=meanwhile)


def check_data(spec: Spec, program: Program, settings: Sequence[Override] = (), *, quiet: bool = False) -> Checked:
    """The spec of a program, checked once more with what its labels and photographs say. settings: as
    in `check`; `quiet` as in `read_data`.
    """
    return check(spec, settings, readings=read_data(program, spec.root, quiet=quiet))


def read_data(program: Program, root: Path, *, quiet: bool = False) -> dict[str, Reading]:
    """Lets a program of every data block read all labels and photographs; what they say, by the block's name.

    quiet: what the programs tell people on the way is left out. Raises RunError if one fails to answer.
    """
    readings: dict[str, Reading] = {}
    for experiment in program.experiments:
        if experiment.data.name not in readings:
            with tempfile.TemporaryDirectory(prefix="retdsl-") as folder:
                train_py = compile_experiment(program, _as_declared(program, experiment), Path(folder), root)
                readings[experiment.data.name] = _read_by(train_py, root, quiet)
    return readings


def _as_declared(program: Program, experiment: Experiment) -> Experiment:
    """The experiment with the split of its data block, whatever fold it asks for itself."""
    declared = next(data for data in program.data if data.name == experiment.data.name)
    return replace(experiment, data=replace(experiment.data, split=declared.split))


def _read_by(train_py: Path, root: Path, quiet: bool) -> Reading:
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as said:
        arguments = ("--check-data", "--format", "json", "--plain", "--root", str(root))
        code = run_program(train_py, *arguments, answer=answer, said=said if quiet else None)
        answer.seek(0)
        said.seek(0)
        found = answer.read()
        if code not in (0, WRONG) or not found:
            words = said.read().decode(errors="replace").splitlines()
            raise RunError("the program that reads the photographs failed", items=words, exit_code=code or DEFECT)
        return reading_of(json.loads(found), root)


def open_data(plan: DataPlan, root: Path) -> Dataset:
    """The photographs of a data block in this process, listed and divided. Raises RunError as `Data.divided` does."""
    from retdsl.objects import data_of

    return data_of(plan).divided(root)


def write_symbols(train_py: Path, root: Path) -> int:
    """Lets the program write its symbols beside itself; returns its exit code."""
    return run_program(train_py, "--symbols", str(train_py.parent), "--root", str(root))


def run_program(
    train_py: Path,
    *arguments: str,
    answer: IO[bytes] | None = None,
    said: IO[bytes] | None = None,
    keeping: Sequence[int] = (),
    then: Callable[[Look], None] | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> int:
    """Runs a generated program as its own process, in this terminal, and returns its exit code.

    answer, said: files that take what the program says to programs and to people, instead of stdout and stderr.
    keeping: open files that it keeps open, too, so that a lock on one of them lasts as long as it runs.
    then: called once it has trained, and given how to ask it for heat maps, since it has loaded all that they need.
    meanwhile: called when it has begun, and not to take long.

    What asks this process to end (Ctrl-C, a batch system) is passed on, and the program finishes cleanly. It is born
    deaf to Ctrl-C, and listens once it can say what is saved. Raises KeyboardInterrupt if it ends before, RunError if
    it is killed.
    """
    before = {signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    try:
        command = [sys.executable, str(train_py), *arguments]
        stays = then is not None and not _is_standalone(train_py)
        if stays:
            ours, theirs = _pipes()
            command += ["--then", ",".join(map(str, theirs))]
            keeping = (*keeping, *theirs)
        process = subprocess.Popen(command, env=environment(train_py), stdout=answer, stderr=said, pass_fds=keeping)
        for kind in (signal.SIGINT, signal.SIGTERM):
            handler = signal.signal(kind, lambda *_: process.terminate())
            before.setdefault(kind, handler)
        if meanwhile is not None:
            meanwhile()
        if then is not None and stays:
            _go_on(then, ours, theirs)
        code = process.wait()
        if then is not None and not stays and code == 0:
            then(lambda _: False)
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
    if code == -signal.SIGTERM:
        raise KeyboardInterrupt
    if code not in _EXIT_CODES:
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        help = "this happens when memory runs out: use a smaller `batch`" if code == -signal.SIGKILL else None
        raise RunError(f"the program {how}", where=train_py, help=help, exit_code=DEFECT)
    return code


def require_answer(code: int) -> None:
    """Ends the command, with the same exit code, where a program that was asked something has given no answer: it has
    said why itself. Raises SystemExit.
    """
    if code != 0:
        raise SystemExit(code)


def _pipes() -> tuple[tuple[int, int], tuple[int, int]]:
    """Two pipes: the ends that this process writes to and reads from, and those that another one reads and writes."""
    (asked, asks), (told, tells) = os.pipe(), os.pipe()
    return (asks, told), (asked, tells)


def _go_on(then: Callable[[Look], None], ours: tuple[int, int], theirs: tuple[int, int]) -> None:
    """Waits until the program at the other ends has trained, and calls `then`; not at all if it ends before."""
    for end in theirs:
        os.close(end)
    with open(ours[0], "w") as asks, open(ours[1]) as told:

        def look(wanted: Mapping[str, str]) -> bool:
            print(json.dumps(dict(wanted)), file=asks, flush=True)
            return told.readline() == "made\n"

        if told.readline() == "trained\n":
            then(look)


def environment(train_py: Path) -> dict[str, str]:
    """What a program needs in its environment to find retdsl, unless a copy of it lies beside the program."""
    found = {**os.environ, "RETDSL_JOB": "none"}  # one process of ours, whatever rank a batch system gave to us
    if not _is_standalone(train_py):
        package = str(Path(retdsl.__file__).resolve().parent.parent)
        found["PYTHONPATH"] = os.pathsep.join(p for p in (package, found.get("PYTHONPATH", "")) if p)
    return found


def _is_standalone(train_py: Path) -> bool:
    """Whether a copy of retdsl lies beside a program, and is what it runs by: of this version or of another."""
    return (train_py.parent / "retdsl").is_dir()


def make_standalone(experiment: Experiment, folder: Path, root: Path) -> None:
    """Puts beside the program what it needs where retdsl is not installed: the runtime and the pretrained weights.

    root: where the paths of weights files start. Raises RunError for weights that cannot be used, or would lie over
    one another.
    """
    package = Path(retdsl.__file__).resolve().parent
    fresh, target = folder / ".retdsl-new", folder / "retdsl"
    shutil.rmtree(fresh, ignore_errors=True)
    for room in ("runtime", "weights"):
        shutil.copytree(package / room, fresh / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(package / "__init__.py", fresh / "__init__.py")
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    copied: dict[str, Path] = {}
    for found in _trained_numbers(experiment, root):
        if copied.setdefault(found.name, found) != found:
            raise RunError(
                f"two weights files are named {found.name}",
                items=(str(copied[found.name]), str(found)),
                help="rename one: a folder that runs alone keeps them side by side",
            )
        make_folder(folder / "weights")
        with replacing(folder / "weights" / found.name) as beside:
            shutil.copyfile(found, beside)
    write_text(folder / "requirements.txt", "".join(f"{line}\n" for line in runtime_requirements()))


def _trained_numbers(experiment: Experiment, root: Path) -> Iterator[Path]:
    """The files that a program reads besides photographs: weights, and a mean image. Raises RunError for weights that
    are not here, not sound, or not those that are meant.
    """
    from retdsl.runtime import pretrained
    from retdsl.runtime.arrays import open_arrays

    for backbone in experiment.network.backbones:
        if backbone.weights is not None:
            kind = getattr(pretrained, backbone.weights.name)
            source = kind(**dict(backbone.weights.options))
            path = source.locate(None, root)
            open_arrays(path, source.sha256)
            yield path
    file = None if experiment.data.normalize is None else dict(experiment.data.normalize.options).get("mean_image")
    if file is not None:
        yield pretrained.locate(str(file), None, root, "mean image")


def remove_standalone(folder: Path) -> None:
    """Takes away what an earlier `make_standalone` put beside the program; left there, it would be used."""
    if (folder / "retdsl" / "runtime" / "program.py").is_file():
        shutil.rmtree(folder / "retdsl")
        shutil.rmtree(folder / "weights", ignore_errors=True)
        (folder / "requirements.txt").unlink(missing_ok=True)


def runtime_requirements() -> list[str]:
    """What the runtime imports, as pip takes it, at the versions installed here."""
    names = ("mxnet", "numpy", "opencv-python-headless", "rich", "scikit-learn")
    installed = {d.metadata["Name"].lower(): d.version for d in distributions()}
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return [
        f"# the versions it was compiled with, on Python {python}; another Python may need others of the last three",
        *(f"{name}=={installed[name]}" for name in names if name in installed),
        "setuptools>=65; python_version >= '3.12'",
    ]
