"""The pipeline, from the name of a spec to folders that train: `read`, `check`, `compile_experiment`, `draw`, `train`.

Everything that a command does passes through here. Nothing here decides what is right or wrong with a spec.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import distributions
from pathlib import Path
from typing import IO

import retdsl
from retdsl.balance.counts import Reading, reading_of
from retdsl.check import Checked as Checked
from retdsl.check import check_source
from retdsl.check.files import SUFFIX, decoded, read_spec, shipped_names, shipped_spec
from retdsl.check.files import find_specs as find_specs
from retdsl.diagnostics import Diagnostics
from retdsl.diagnostics.fixing import Fixed, fix_text
from retdsl.diagnostics.suggest import did_you_mean
from retdsl.ir import Experiment, Program, to_json
from retdsl.runtime.errors import RunError
from retdsl.runtime.files import make_folder, write_bytes, write_text
from retdsl.source import Source, Span
from retdsl.syntax import tree as t
from retdsl.syntax.parser import parse_value


class Refused(Exception):
    """Something asked for on the command line that cannot be had: a message and what to do."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


@dataclass(frozen=True, slots=True)
class Spec:
    """A spec file that was found: its text, and where relative data paths start."""

    source: Source
    root: Path


def read(name: str, root: Path | None, out: Diagnostics) -> Spec | None:
    """The spec of a path or of a shipped study's name (`quickstart`); what is wrong goes to `out`."""
    path = Path(name)
    if not path.exists() and path.suffix == "":
        path = shipped_spec(name) or path
    if not path.exists():
        beside = path.with_name(path.name + SUFFIX)
        hint = did_you_mean(name, shipped_names())
        helps = [
            f"{hint[:-1]}, which ships with retdsl?" if hint else "studies that ship: " + ", ".join(shipped_names())
        ]
        helps = [f"did you mean {beside}?"] if beside.is_file() else helps
        out.report("R104", f"there is no file {name}", helps=helps)
        return None
    source = read_spec(path, path.name, out)
    if source is None:
        return None
    return Spec(source, (root or path.resolve().parent).resolve())


def formatted(content: bytes, name: str, out: Diagnostics) -> bytes | None:
    """What a spec file holds, in canonical layout; None if it has syntax errors, which go to `out`.

    Raises FormatDefect rather than give back a text that says anything else.
    """
    from retdsl.syntax.formatter import format_source

    source = decoded(content, name, None, out)
    text = None if source is None else format_source(source, out)
    return None if text is None else text.encode()


def overrides(pairs: Sequence[str], out: Diagnostics) -> list[t.Setting]:
    """`KEY=VALUE` texts as settings of a train block, in the language's own syntax."""
    settings: list[t.Setting] = []
    for pair in pairs:
        key, equals, value = pair.partition("=")
        source = Source(f"--set {key.strip()}", value.strip())
        if not equals or not key.strip().isidentifier():
            raise Refused(f"--set {pair}: not of the form KEY=VALUE", "as in `--set epochs=2`")
        parsed = parse_value(source.text, source.name, out)
        if parsed is not None:
            span = Span(source, 0, len(source.text))
            settings.append(t.Setting(span, t.Ident(span, key.strip()), parsed))
    return settings


def check(spec: Spec, settings: Sequence[t.Setting] = (), readings: Mapping[str, Reading] | None = None) -> Checked:
    """The checked program of a spec, with every message. readings: what its data say, from `read_data`."""
    return check_source(spec.source, spec.root, settings, readings)


def fix(spec: Spec, name: str) -> Fixed:
    """The text of a spec's file with the safe fixes of its mistakes applied. Writes nothing.

    name: as it was asked for. Raises Refused for a study that ships with retdsl: its file is not the user's.
    """
    path = spec.source.path
    if path is None or not Path(name).exists():
        raise Refused(f"{name} ships with retdsl and is not changed", "name a file of your own")
    text = path.read_bytes().decode()
    return fix_text(text, spec.source, lambda source: check_source(source, spec.root).diagnostics)


def select(program: Program, names: Sequence[str]) -> list[Experiment]:
    """The experiments of those names, all of them without names. Raises Refused."""
    known = [experiment.name for experiment in program.experiments]
    if not known:
        raise Refused(f"{program.file} has no `train` block", "add `train NAME { model = ... data = ... }`")
    for name in names:
        if name not in known:
            raise Refused(
                f"{program.file} has no experiment `{name}`", did_you_mean(name, known) or f"it has {', '.join(known)}"
            )
    return [experiment for experiment in program.experiments if not names or experiment.name in names]


def compile_experiment(program: Program, experiment: Experiment, folder: Path, root: Path | None) -> Path:
    """Writes the program of an experiment into `folder`: train.py, program.json, graph.svg. Returns train.py's path.

    root: written into the program as where relative data paths start; None: the program's own folder.
    """
    from retdsl.engines.mxnet import emit_program
    from retdsl.viz import RenderError, dot_text, draw, network_picture

    make_folder(folder)
    write_text(folder / "train.py", emit_program(experiment, None if root is None else str(root)))
    own = replace(program, experiments=(experiment,), networks=(), data=())
    write_text(folder / "program.json", json.dumps(to_json(own), indent=1, ensure_ascii=False) + "\n")
    picture = dot_text(network_picture(experiment.network, title=experiment.name))
    try:
        write_bytes(folder / "graph.svg", draw(picture, ".svg"))
    except RenderError:  # a picture that cannot be drawn here is no reason not to train
        write_text(folder / "graph.dot", picture)
    return folder / "train.py"


def make_standalone(experiment: Experiment, folder: Path, root: Path) -> None:
    """Puts beside the program what it needs where retdsl is not installed: the runtime and the pretrained weights.

    root: where the paths of weights files start. Raises RunError for weights that are not there, or that would lie over
    one another.
    """
    from retdsl.runtime import pretrained

    package = Path(retdsl.__file__).resolve().parent
    fresh, target = folder / ".retdsl-new", folder / "retdsl"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(package / "runtime", fresh / "runtime", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(package / "__init__.py", fresh / "__init__.py")
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    copied: dict[str, Path] = {}
    for backbone in experiment.network.backbones:
        if backbone.weights is not None:
            kind = getattr(pretrained, backbone.weights.name)
            found = kind(**dict(backbone.weights.options)).locate(None, root)
            if copied.setdefault(found.name, found) != found:
                raise RunError(
                    f"two weights files are named {found.name}",
                    items=(str(copied[found.name]), str(found)),
                    help="rename one: a folder that runs alone keeps them side by side",
                )
            make_folder(folder / "weights")
            write_bytes(folder / "weights" / found.name, found.read_bytes())
    write_text(folder / "requirements.txt", "".join(f"{line}\n" for line in runtime_requirements()))


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


def write_symbols(train_py: Path, root: Path) -> int:
    """Lets the program write its symbols beside itself; returns its exit code."""
    return run_program(train_py, "--symbols", str(train_py.parent), "--root", str(root))


def train(
    program: Program, checked: Checked, experiment: Experiment, run: Path, root: Path, options: Sequence[str] = ()
) -> int:
    """Compiles an experiment into a run folder and runs exactly that program; returns its exit code.

    Raises RunError, and leaves the folder as it is, when a run is in it already. A new folder in which data or weights
    let no training begin is taken away again.
    """
    from retdsl.runtime.report import RunFolder

    folder = RunFolder(run)
    folder.require_fresh()
    new = not run.exists()
    make_folder(run)
    write_text(run / "spec.retina", joined_spec(checked.sources))
    train_py = compile_experiment(program, experiment, run / "program", root)
    code = run_program(train_py, "--run", str(run), "--root", str(root), *options)
    if code == WRONG and new and not folder.checkpoints.exists():
        shutil.rmtree(run)
    return code


def check_data(spec: Spec, program: Program, *, quiet: bool = False) -> Checked:
    """The spec of a program, checked once more with what its labels and photographs say. `quiet` as in `read_data`."""
    return check(spec, readings=read_data(program, spec.root, quiet=quiet))


def read_data(program: Program, root: Path, *, quiet: bool = False) -> dict[str, Reading]:
    """Lets a program of every data block read all labels and photographs; what they say, by the block's name.

    quiet: what the programs tell people on the way is left out. Raises RunError if one fails to answer.
    """
    readings: dict[str, Reading] = {}
    for experiment in program.experiments:
        if experiment.data.name not in readings:
            with tempfile.TemporaryDirectory(prefix="retdsl-") as folder:
                train_py = compile_experiment(program, experiment, Path(folder), root)
                readings[experiment.data.name] = _read_by(train_py, root, quiet)
    return readings


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


def draw_pictures(
    program: Program, model: str | None, experiment: str | None, output: Path | None, expand: bool
) -> list[Path]:
    """Draws a model, or an experiment (the first, if neither is named) and its network; returns the files.

    Of an experiment, OUT.svg is its network and OUT-experiment.svg the way of the photographs.
    """
    from retdsl.viz import RenderError, dot_text, experiment_picture, network_picture, write

    if model is None and (experiment is not None or program.experiments):
        chosen = select(program, [experiment] if experiment else [])[0]
        path = output or Path(f"{chosen.name}.svg")
        pictures = {path: network_picture(chosen.network, expand=expand, title=chosen.name)}
        pictures[path.with_stem(f"{path.stem}-experiment")] = experiment_picture(chosen)
    else:
        networks = {network.name: network for network in program.networks}
        name = model or next(iter(networks), None)
        if name is None or name not in networks:
            raise Refused(
                f"{program.file} has no model `{name}`",
                did_you_mean(name or "", networks) or f"it has {', '.join(networks)}",
            )
        pictures = {output or Path(f"{name}.svg"): network_picture(networks[name], expand=expand)}
    for path, picture in pictures.items():
        make_folder(path.parent)
        try:
            write(dot_text(picture), path)
        except RenderError as error:
            raise Refused(error.message, error.help) from None
    return list(pictures)


def summary(runs: dict[str, Path]) -> list[dict[str, str]]:
    """The test figures of finished runs by experiment, a row a run, in words."""
    rows = []
    for name, run in runs.items():
        figures = json.loads((run / "test.json").read_text("utf-8"))
        about = ("loss", "images", "patients", "best_value", "epochs", "images_per_second")
        metrics = {k: v for k, v in figures.items() if isinstance(v, float) and k not in (*about, "seconds")}
        row = {"experiment": name, **{key: f"{value:.3f}" for key, value in metrics.items()}}
        rows.append({**row, "best epoch": str(figures["best_epoch"]), "seconds": f"{figures['seconds']:.0f}"})
    return rows


def joined_spec(sources: Sequence[Source]) -> str:
    """A spec and the files that it uses as one text, used files first and their `use` lines left out."""
    from retdsl.syntax import parse

    texts: list[str] = []
    for source in sources:
        text = source.text
        uses = [d for d in parse(source, Diagnostics()).declarations if isinstance(d, t.Use)]
        for use in reversed(uses):
            text = text[: use.span.start] + text[use.span.end :]
        texts.append(text.strip("\n") + "\n" if len(sources) == 1 else f"# {source.name}\n\n{text.strip()}\n")
    return "\n".join(texts)


def run_program(train_py: Path, *arguments: str, answer: IO[bytes] | None = None, said: IO[bytes] | None = None) -> int:
    """Runs a generated program as its own process, in this terminal, and returns its exit code.

    answer, said: files that take what the program says to programs and to people, instead of stdout and stderr.

    What asks this process to end (Ctrl-C, a batch system) is passed on, and the program finishes cleanly. It is born
    deaf to Ctrl-C, and listens once it can say what is saved. Raises KeyboardInterrupt if it ends before, RunError if
    it is killed.
    """
    environment = dict(os.environ)
    if not (train_py.parent / "retdsl").is_dir():
        package = str(Path(retdsl.__file__).resolve().parent.parent)
        environment["PYTHONPATH"] = os.pathsep.join(p for p in (package, environment.get("PYTHONPATH", "")) if p)
    before = {signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    try:
        command = [sys.executable, str(train_py), *arguments]
        process = subprocess.Popen(command, env=environment, stdout=answer, stderr=said)
        for kind in (signal.SIGINT, signal.SIGTERM):
            handler = signal.signal(kind, lambda *_: process.terminate())
            before.setdefault(kind, handler)
        code = process.wait()
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


WRONG = 1
"""The exit code of a program whose spec or data have errors."""

DEFECT = 70
"""The exit code of a defect of retdsl itself."""

_EXIT_CODES = (0, WRONG, 2, DEFECT, 130)
"""Those that a program gives itself: see `retdsl.runtime.program`. Any other is MXNet's or the system's."""
