"""Networks by any name that somebody has for one: of the zoo, of an MXNet symbol file, of a spec and its backbones.

Enters: a word from the command line. Leaves: checked networks, each with the words that declare and cut it, and
messages. Whatever is named is declared in a spec and checked as one, so a network is seen as a study sees it. Where
nobody wrote that spec, messages do not point into it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from retdsl import compiler
from retdsl.check.backbones import DEFAULT_SHAPE
from retdsl.check.checkpoint_files import SYMBOL as SYMBOL
from retdsl.check.checkpoint_files import CheckpointFiles, params_of
from retdsl.check.checkpoints import Usable, usable_part
from retdsl.check.files import SUFFIX, exists, is_file, shipped_names, shipped_spec, zoo_networks
from retdsl.check.fixes import as_written
from retdsl.check.groups import exits, groups, guess_name, named_layers, stages
from retdsl.check.weights import network_of
from retdsl.compiler import Checked, Refused, Spec
from retdsl.diagnostics import CATALOGUE, Diagnostic, Diagnostics
from retdsl.diagnostics.suggest import did_you_mean
from retdsl.ir import Call, Network, Node, Program, Shape
from retdsl.records import dataclass, replace
from retdsl.schema.backbones import made_for
from retdsl.schema.shapes import shape_text
from retdsl.schema.spelling import spell_call
from retdsl.source import Source
from retdsl.syntax import parse
from retdsl.syntax import tree as t
from retdsl.weights.model import SUFFIXES

HOLDING_WEIGHTS = (*SUFFIXES, ".nd")
"""How files end that hold weights alone."""

_PARAMS = re.compile(r"(.+)-(\d{4}|[1-9]\d{4,5})\.params", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Seen:
    """A network to be looked at.

    title: what to call it; declared: the backbone source behind it, as `zoo(resnet50_v1)`, or None for a model;
    backbone: the name under which a spec declares it, or None if none does.
    """

    title: str
    network: Network
    declared: str | None = None
    backbone: str | None = None

    @property
    def can_be_cut(self) -> bool:
        return self.declared is not None


@dataclass(frozen=True, slots=True)
class Looked:
    """What became of a look: the networks, none after an error, the messages, and remarks in plain words."""

    networks: tuple[Seen, ...]
    messages: tuple[Diagnostic, ...] = ()
    remarks: tuple[str, ...] = ()


def is_spec(what: str) -> bool:
    """Whether a word means a spec: a study that ships, or a file that is no symbol file and no parameters."""
    if what.endswith(SUFFIX):
        return True
    if is_network(what):
        return False
    return shipped_spec(what) is not None or (exists(Path(what)) and not what.endswith((".json", *HOLDING_WEIGHTS)))


def is_network(what: str) -> bool:
    """Whether a word means one network: of the zoo, of a symbol file, or of a checkpoint's prefix."""
    return what in zoo_networks() or _prefix(what) is not None


def is_kept(what: str) -> bool:
    """Whether a word is a name of weights in the user's store."""
    return network_of(what) is not None


def is_hidden(what: str) -> bool:
    """Whether a network of the zoo and a symbol file that is here answer to one word; then it means the zoo's."""
    return what in zoo_networks() and _prefix(what) is not None


def one_network(what: str, shape: Shape | None = None) -> Looked:
    """The network that `what` names by itself, shown to inputs of `shape`, or of the size that it is made for. Relative
    paths start where the command runs.

    A file that gives several values is shown with all of them; of one whose last layers cannot be used, all before
    them is shown, because that is where it has to be cut; but not if `shape` says for what input, which may be the
    reason. Raises Refused for a word that means none.
    """
    found = None if what in zoo_networks() else _prefix(what)
    if found is None and what not in zoo_networks():
        raise no_network(what)
    title, declared = what, f"zoo({what})"
    if found is not None:
        prefix, epoch = found[0], _latest(found[0]) if found[1] is None else found[1]
        source = Call("checkpoint", (("prefix", prefix), ("epoch", epoch)))
        title, declared = Path(prefix).name, spell_call(source, "backbone source")
    hidden, checked = _checked(what, declared, shape)
    if found is not None and checked.diagnostics.errors:
        params = params_of(prefix, epoch)
        usable = usable_part(Path(prefix + SYMBOL), Path(params), shape or DEFAULT_SHAPE)
        if usable is not None and (shape is None or len(usable.outputs) > 1):
            _, part = _checked(what, declared, shape, usable.last)
            seen = _whole(part, title, declared, usable.nodes)
            why = next(item for item in checked.diagnostics if CATALOGUE[item.code].severity == "error")
            if seen:
                return Looked(seen, remarks=(_to_be_cut(usable, why),))
    side = made_for(what)
    messages = tuple(_without_hidden(checked.diagnostics, hidden, shape or (None, 3, side, side)))
    return Looked(_whole(checked, title, declared), messages)


def backbones_of_spec(spec: Spec) -> tuple[tuple[Seen, ...], Checked]:
    """Every backbone that a spec and the files it uses declare, whole, in their order, and what was checked for it.

    Models and experiments of the spec itself do not matter, so that somebody who looks for a cut finds one, even while
    a model has a wrong one; nor do weights, which may have another head. No networks where anything else is wrong, or
    where files of a checkpoint are not at hand.
    """
    bare = _without_weights(replace(spec.source, text=_blanked(spec.source, (t.Model, t.Train))))
    checked = compiler.check(Spec(bare, spec.root))
    if checked.diagnostics.errors:
        return (), checked
    declared = list(_backbones(checked, spec.source))
    taken = "\n".join(source.text for source in checked.sources)
    models = {name: _free(f"whole_{name}", taken) for name, _ in declared}
    more = "".join(f"\nmodel {model} = {name}" for name, model in models.items())
    whole = compiler.check(Spec(replace(bare, text=f"{bare.text}\n{more}\n"), spec.root))
    if whole.program is None:
        return (), whole
    networks = {network.name: network for network in whole.program.networks}
    return tuple(Seen(name, networks[models[name]], source, name) for name, source in declared), whole


def models_of(program: Program) -> tuple[Seen, ...]:
    """Every model of a checked spec."""
    return tuple(Seen(network.name, network) for network in program.networks)


def select(seen: Sequence[Seen], backbone: str | None, model: str | None, where: str) -> tuple[Seen, ...]:
    """Those that are asked for by name, all without a name. Raises Refused."""
    for kind, name in (("backbone", backbone), ("model", model)):
        if name is None:
            continue
        known = {one.title: one for one in seen if one.can_be_cut == (kind == "backbone")}
        if name not in known:
            there = f"it has {', '.join(known)}" if known else f"it has no {kind}"
            raise Refused(f"{where} has no {kind} `{name}`", did_you_mean(name, known) or there)
        return (known[name],)
    return tuple(seen)


def find_layer(seen: Seen, asked: str) -> str:
    """The name of the node where a cut at `asked`, a layer or a group of layers, is.

    Raises Refused if there is none such, or nothing to cut.
    """
    if not seen.can_be_cut:
        raise Refused(f"`{seen.title}` is a model, and only a backbone can be cut", "choose one with `--backbone NAME`")
    nodes = seen.network.nodes
    ends = exits(nodes, named_layers(nodes, asked))
    if not ends:
        near = guess_name(nodes, asked).question
        raise Refused(f"{seen.title} has no layer `{asked}`", near or "`retdsl layers` lists them")
    if len(ends) > 1:
        text = f"{len(ends)} values come out of the part `{asked}` of {seen.title}"
        raise Refused(text, f"name one of these layers, as `{ends[-1].name}`")
    return ends[0].name


def cut_groups(seen: Seen, *, coarse: bool = False) -> dict[str, str]:
    """The groups of layers that a backbone can be cut at, each with the layer that its value comes out of.

    coarse: only the largest ones. Of a model there are none: it cannot be cut.
    """
    nodes = seen.network.nodes
    found = groups(nodes) if seen.can_be_cut else {}
    names = stages(nodes) if coarse and found else found
    ends = {name: exits(nodes, found[name]) for name in names}
    return {name: one[0].name for name, one in ends.items() if len(one) == 1}


def suggestions(folder: Path | None = None) -> list[str]:
    """What could have been named: networks of the zoo, studies that ship, and symbol files and specs that lie here."""
    try:
        here = sorted(path.name for path in (folder or Path()).iterdir() if path.name.endswith((SYMBOL, SUFFIX)))
    except OSError:
        here = []
    return [*zoo_networks(), *shipped_names(), *here, *(n.removesuffix(SYMBOL) for n in here if n.endswith(SYMBOL))]


def no_network(what: str) -> Refused:
    """Why a word means no network, and what to do."""
    path = Path(what)
    if what.endswith(".json") and is_file(path):
        return Refused(f"{what} is not named as a symbol file", f"MXNet calls them NAME{SYMBOL}: rename it")
    if what.endswith(HOLDING_WEIGHTS) and is_file(path):
        return Refused(f"{what} holds weights, and no network", "name the network that they are for, as `resnet50_v1`")
    network = network_of(what)
    if network is not None:
        return Refused(f"`{what}` are weights in your store, and no network", f"`{network}` is what they are for")
    named = path.suffix == "" and path.name == what
    near = did_you_mean(path.name, suggestions(None if path.name == what else path.parent))
    help = near or "the zoo's networks, NAME-symbol.json or its prefix, and .retina files can be looked at"
    return Refused(f"there is nothing called `{what}`" if named else f"there is no file {what}", help)


def _latest(prefix: str) -> int:
    """The last epoch that lies beside a symbol file; 0 if none does."""
    return max(CheckpointFiles(Path(), prefix, 0).epochs(), default=0)


def _checked(what: str, declared: str, shape: Shape | None, cut: str | None = None) -> tuple[Source, Checked]:
    """A spec of one backbone, whole or cut, that nobody has written, and what checking it gives."""
    at = "" if cut is None else f"[{as_written(cut)}]"
    hidden = Source(what, f"backbone it = {declared}\nmodel whole = it{at}\n")
    return hidden, compiler.check(Spec(hidden, Path.cwd()), shape=shape)


def _whole(checked: Checked, title: str, declared: str, nodes: tuple[Node, ...] = ()) -> tuple[Seen, ...]:
    """nodes: of the network, where they are more than those that its output needs."""
    networks = () if checked.program is None else checked.program.networks
    networks = tuple(replace(network, nodes=nodes or network.nodes) for network in networks)
    return tuple(Seen(title, _renamed(network, title), declared) for network in networks)


def _to_be_cut(usable: Usable, why: Diagnostic) -> str:
    """That a network can only be used cut, in words."""
    names = {node.name for node in usable.nodes}
    if len(usable.outputs) > 1 and names.issuperset(usable.outputs):
        cuts = " or ".join(f"`{as_written(name)}`" for name in usable.outputs)
        return f"it gives {len(usable.outputs)} values, and has to be cut: {cuts}"
    sized = "; `--size` says how large photographs are" if any("of another size" in help for help in why.helps) else ""
    return f"this is all up to `{usable.last}`, the rest cannot be used: {why.message}{sized}"


def _renamed(network: Network, name: str) -> Network:
    """The network of a backbone that nobody has named, under a name for people."""
    return replace(
        network,
        name=name,
        nodes=tuple(replace(node, backbone=name) for node in network.nodes),
        backbones=tuple(replace(backbone, name=name) for backbone in network.backbones),
    )


def _prefix(what: str) -> tuple[str, int | None] | None:
    """The prefix of a checkpoint, and its epoch if that is said, from its symbol file, its parameters, or itself."""
    params = _PARAMS.fullmatch(what)
    prefix = what.removesuffix(SYMBOL) if params is None else params.group(1)
    if not is_file(Path(prefix + SYMBOL)) or (what.endswith(".json") and prefix == what):
        return None
    return prefix, None if params is None else int(params.group(2))


def _without_hidden(messages: Iterable[Diagnostic], hidden: Source, shape: Shape) -> Iterator[Diagnostic]:
    """Messages for somebody who has not seen the spec: without places in it, and without missing parameters."""
    for message in messages:
        if message.code == "R801":
            continue
        labels = tuple(label for label in message.labels if label.span.source is not hidden)
        sized = message.code.startswith("R4") or message.message.startswith("cannot use the layer")
        text = f"`--size` says how large the photographs are; this was looked at for {shape_text(shape)}"
        help = (text,) if sized else ()
        yield replace(message, labels=labels, helps=(*message.helps, *help), fixes=())


def _backbones(checked: Checked, written: Source) -> Iterator[tuple[str, str]]:
    """The backbones that a spec and the files it uses declare, and how. written: the spec as it was."""
    for source in checked.sources:
        for declaration in parse(source, Diagnostics()).declarations:
            if isinstance(declaration, t.Backbone):
                span = declaration.value.span
                text = written.text if source.path == written.path else source.text
                yield declaration.name.name, text[span.start : span.end]


def _blanked(source: Source, kinds: tuple[type, ...]) -> str:
    """The text of a spec with blanks in place of its declarations of some kinds; all others keep their places."""
    text = source.text
    for declaration in parse(source, Diagnostics()).declarations:
        if isinstance(declaration, kinds):
            start, end = declaration.span.start, declaration.span.end
            text = text[:start] + re.sub(r"\S", " ", text[start:end]) + text[end:]
    return text


def _without_weights(source: Source) -> Source:
    """A spec with `none` for the weights of its backbones; all else keeps its place."""
    text = source.text
    for declaration in parse(source, Diagnostics()).declarations:
        value = declaration.value if isinstance(declaration, t.Backbone) else None
        for argument in value.arguments if isinstance(value, t.Apply) else ():
            span = argument.value.span
            if argument.name is not None and argument.name.name == "weights" and span.end - span.start >= len("none"):
                gone = re.sub(r"\S", " ", text[span.start : span.end])
                text = f"{text[: span.start]}none{gone[len('none') :]}{text[span.end :]}"
    return replace(source, text=text)


def _free(name: str, text: str) -> str:
    """A name that stands nowhere in a text."""
    while name in text:
        name += "_"
    return name
