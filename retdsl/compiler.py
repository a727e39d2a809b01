"""The pipeline, from the name of a spec to what is made of it: `read`, `check`, `compile_experiment`, `draw_pictures`.

Everything that a command does with a spec passes through here. Nothing here decides what is right or wrong with one.
What takes long to import is imported where it is used, since most often a spec is only checked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retdsl.balance.counts import Reading
from retdsl.check import Checked as Checked
from retdsl.check import check_source
from retdsl.check.files import SUFFIX, decoded, exists, is_file, read_spec, shipped_names, shipped_spec
from retdsl.check.files import find_specs as find_specs
from retdsl.check.weights import MOST_DIGITS
from retdsl.diagnostics import Diagnostics
from retdsl.diagnostics.suggest import did_you_mean
from retdsl.ir import Backbone, DataPlan, Experiment, Network, Program, Shape, to_json
from retdsl.records import dataclass, replace
from retdsl.source import Source, Span
from retdsl.syntax import tree as t
from retdsl.syntax.parser import parse_value

if TYPE_CHECKING:
    from retdsl.check.overrides import Override
    from retdsl.diagnostics.fixing import Fixed
    from retdsl.viz import Picture


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
    if not exists(path) and path.suffix == "":
        path = shipped_spec(name) or path
    if not exists(path):
        beside = path.with_name(path.name + SUFFIX)
        hint = did_you_mean(name, shipped_names())
        helps = [
            f"{hint[:-1]}, which ships with retdsl?" if hint else "studies that ship: " + ", ".join(shipped_names())
        ]
        helps = [f"did you mean {beside}?"] if is_file(beside) else helps
        out.report("R104", f"there is no file {name}", helps=helps)
        return None
    source = read_spec(path, path.name or name, out)
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


def overrides(pairs: Sequence[str], out: Diagnostics) -> list[Override]:
    """`KEY=VALUE` texts as settings of train blocks, `BLOCK.KEY=VALUE` as those of one block, in the language's syntax.

    Raises Refused for another form.
    """
    if not pairs:
        return []
    from retdsl.check.overrides import Override

    found: list[Override] = []
    for pair in pairs:
        key, equals, value = pair.partition("=")
        head, opened, part = (text.strip() for text in key.partition("("))
        *block, name = head.split(".")
        source = Source(f"--set {key.strip()}", value.strip())
        whole = not opened or part.endswith(")")
        if not (equals and whole and name.isidentifier() and len(block) <= 1 and all(map(str.isidentifier, block))):
            help = "as in `--set epochs=2`, or `--set eyes.source='csv(\"other.csv\")'` for a block's own key"
            raise Refused(f"--set {pair}: not of the form KEY=VALUE", help)
        of_part = parse_value(part[:-1], f"--set {key.strip()}", out) if opened else None
        parsed = parse_value(source.text, source.name, out)
        if parsed is not None and (of_part is not None) == bool(opened):
            span = Span(source, 0, len(source.text))
            setting = t.Setting(span, t.Ident(span, name), parsed, of_part)
            found.append(Override(t.Ident(span, block[0]) if block else None, setting))
    return found


def check(
    spec: Spec,
    settings: Sequence[Override] = (),
    readings: Mapping[str, Reading] | None = None,
    shape: Shape | None = None,
    chosen: Collection[str] = (),
) -> Checked:
    """The checked program of a spec, with every message. settings: put on top of the blocks that they name, or else of
    the experiments called `chosen`, of all without these; readings: what its data say, from `read_data`; shape: of the
    input where the spec says none.
    """
    return check_source(spec.source, spec.root, settings, readings, shape, chosen)


def fix(spec: Spec, name: str) -> Fixed:
    """The text of a spec's file with the safe fixes of its mistakes applied. Writes nothing.

    name: as it was asked for. Raises Refused for a study that ships with retdsl: its file is not the user's.
    """
    from retdsl.diagnostics.fixing import fix_text

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
        if any(name == ensemble.name for ensemble in program.ensembles):
            of = next(ensemble.of for ensemble in program.ensembles if ensemble.name == name)
            raise Refused(f"`{name}` is an ensemble, not an experiment", f"name one of its members: {', '.join(of)}")
        if name not in known:
            raise Refused(
                f"{program.file} has no experiment `{name}`", did_you_mean(name, known) or f"it has {', '.join(known)}"
            )
    return [experiment for experiment in program.experiments if not names or experiment.name in names]


def select_data(plans: Iterable[DataPlan], name: str | None) -> DataPlan:
    """The data block of that name, the first without a name. Raises Refused."""
    known = {plan.name: plan for plan in plans}
    if not known:
        raise Refused("there is no `data` block", "add `data NAME { source = ... }`")
    if name and name not in known:
        raise Refused(f"there is no data block `{name}`", did_you_mean(name, known) or f"there is {', '.join(known)}")
    return known[name or next(iter(known))]


def pin_weights(experiment: Experiment, root: Path) -> Experiment:
    """The experiment with the whole SHA-256 of every weights file that is at hand, so that its program takes no other.

    root: where paths of weights start.
    """
    from retdsl.runtime import pretrained
    from retdsl.runtime.errors import RunError
    from retdsl.weights.files import sha256_of
    from retdsl.weights.model import BadWeights

    def pinned(backbone: Backbone) -> Backbone:
        options = {} if backbone.weights is None else dict(backbone.weights.options)
        given = str(options.get("sha256", ""))
        if backbone.weights is None or len(given) == MOST_DIGITS:
            return backbone
        try:
            found = sha256_of(getattr(pretrained, backbone.weights.name)(**options).locate(None, root))
        except (RunError, BadWeights):  # whoever runs the program will say so
            return backbone
        whole = {**options, "sha256": found if found.startswith(given) else given}
        return replace(backbone, weights=replace(backbone.weights, options=tuple(whole.items())))

    network = experiment.network
    return replace(experiment, network=replace(network, backbones=tuple(map(pinned, network.backbones))))


def passes_named(names: str | None) -> tuple[str, ...]:
    """The passes that `--passes` names, `split,fold`, in the order in which they run: all of them where it is not
    given, none for `none`. Raises Refused.
    """
    from retdsl import passes

    given = [name.strip() for name in (names or "all").split(",") if name.strip()]
    if given in (["all"], ["none"]):
        return passes.ALL if given == ["all"] else ()
    for name in given:
        if name not in passes.ALL:
            known = ", ".join(passes.ALL)
            meant = did_you_mean(name, (*passes.ALL, "all", "none"))
            help = f"{meant} `none` leaves all out" if meant else f"there are {known}; `none` leaves all out"
            help = f"`{name}` stands alone, and the names of passes without it" if name in ("all", "none") else help
            raise Refused(f"--passes: there is no pass `{name}`", help)
    return tuple(name for name in passes.ALL if name in given)


def decided(program: Program, experiment: Experiment, passes: Collection[str] | None = None) -> Experiment:
    """The experiment as the passes of these names, or all, decide that it is carried out beside the others."""
    from retdsl.passes import ALL, run

    others = tuple(experiment if one.name == experiment.name else one for one in program.experiments)
    done = run(replace(program, experiments=others), ALL if passes is None else passes)
    return next(one for one in done.experiments if one.name == experiment.name)


def sharing(program: Program, passes: Collection[str]) -> list[tuple[str, ...]]:
    """The experiments of a file that share their features, group by group, if these passes decide how they run."""
    from retdsl.passes import run

    found = (tuple(sorted((e.name, *e.execution.shares_features_with))) for e in run(program, passes).experiments)
    return [group for group in dict.fromkeys(found) if len(group) > 1]


def compile_experiment(
    program: Program, experiment: Experiment, folder: Path, root: Path | None, passes: Collection[str] | None = None
) -> Path:
    """Writes the program of an experiment into `folder`: train.py, program.json, graph.svg, and, where the package
    `onnx` is installed and can say the network, NAME.onnx, the network without weights. Returns train.py's path.

    root: written into the program as where relative data paths start; None: the program's own folder. passes: those
    that decide how it is carried out, by name; None for all.
    """
    import json

    from retdsl.engines.mxnet import emit_program
    from retdsl.engines.onnx import emit_skeleton
    from retdsl.runtime.files import make_folder, write_bytes, write_text
    from retdsl.viz import RenderError, dot_text, draw, network_picture

    make_folder(folder)
    experiment = decided(program, experiment, passes)
    text = emit_program(experiment, None if root is None else str(root))
    write_text(folder / "train.py", text)
    skeleton = emit_skeleton(experiment, text)
    if skeleton is not None:
        write_bytes(folder / f"{experiment.name}.onnx", skeleton)
    own = replace(program, experiments=(experiment,), networks=(), data=(), ensembles=())
    write_text(folder / "program.json", json.dumps(to_json(own), indent=1, ensure_ascii=False) + "\n")
    picture = dot_text(
        network_picture(experiment.network, title=experiment.name, trained_from=experiment.trained_from())
    )
    try:
        write_bytes(folder / "graph.svg", draw(picture, ".svg"))
    except RenderError:  # a picture that cannot be drawn here is no reason not to train
        write_text(folder / "graph.dot", picture)
    return folder / "train.py"


def draw_pictures(
    program: Program, model: str | None, experiment: str | None, output: Path | None, expand: bool
) -> list[Path]:
    """Draws a model, or an experiment (the first, if neither is named) and its network; returns the files.

    Of an experiment, OUT.svg is its network and OUT-experiment.svg the way of the photographs.
    """
    from retdsl.viz import experiment_picture, network_picture

    if model is None and (experiment is not None or program.experiments):
        chosen = select(program, [experiment] if experiment else [])[0]
        path = output or Path(f"{chosen.name}.svg")
        pictures = {
            path: network_picture(chosen.network, expand=expand, title=chosen.name, trained_from=chosen.trained_from())
        }
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
    return _written(pictures)


def draw_backbone(network: Network, title: str, cut: str | None, output: Path | None, expand: bool) -> list[Path]:
    """Draws a network as a backbone: with its places to cut, or what a cut at node `cut` keeps; returns the file."""
    from retdsl.viz import backbone_picture

    return _written({output or Path(f"{title}.svg"): backbone_picture(network, title=title, cut=cut, expand=expand)})


def _written(pictures: Mapping[Path, Picture]) -> list[Path]:
    """Writes pictures into files. Raises Refused for what cannot be drawn or written."""
    from retdsl.runtime.files import make_folder
    from retdsl.viz import RenderError, dot_text, write

    for path, picture in pictures.items():
        make_folder(path.parent)
        try:
            write(dot_text(picture), path)
        except RenderError as error:
            raise Refused(error.message, error.help) from None
    return list(pictures)


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
