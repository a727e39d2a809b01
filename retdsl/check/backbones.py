"""Backbone declarations to lists of nodes: a network of the zoo, an MXNet checkpoint, or a block with weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from retdsl.check.evaluate import CallValue, Env, Val, describe, evaluate
from retdsl.check.files import guess_network, is_file, read_spec, shown_name, zoo_help, zoo_networks
from retdsl.check.fixes import rename_fixes
from retdsl.check.graph import UNKNOWN, Wire
from retdsl.check.options import Context, Failed, Given, check_arguments, check_value, lookup, place_of
from retdsl.check.scope import Scope, collect
from retdsl.check.weights import (
    Hash,
    Target,
    Weights,
    check_hash,
    find_weights,
    report_other_network,
    split_hash,
    weights_call,
)
from retdsl.diagnostics import Diagnostics, Label
from retdsl.diagnostics.suggest import suggest
from retdsl.ir import Backbone, Call, Node, Shape, Value
from retdsl.records import dataclass, field, replace
from retdsl.schema import ENTRIES, Entry
from retdsl.schema.backbones import WEIGHTS, known_weights, made_for
from retdsl.source import Span
from retdsl.syntax import parse
from retdsl.syntax import tree as t

if TYPE_CHECKING:  # few studies have one, and reading it takes modules that others need not wait for
    from retdsl.check.checkpoints import Checkpoint


@dataclass(frozen=True, slots=True)
class FoundBackbone:
    """A backbone with all its nodes, before any cut, and the weights that it asks for. No nodes: a mistake, or files
    that are not at hand.
    """

    backbone: Backbone
    nodes: tuple[Node, ...]
    output: Wire
    input_shape: Shape | None
    weights: Weights | None = None
    checkpoint: Checkpoint | None = None

    def check_weights(self, taken: Sequence[Node], out: Diagnostics) -> bool:
        """Whether the weights fit, as far as is known; if not, that is reported. taken: what a model needs."""
        if self.weights is None or self.weights.file is None:
            return True
        from retdsl.check.fit import check_fit

        return check_fit(self.weights, self.weights.file, self.backbone, self.nodes, taken, out)


@dataclass(slots=True)
class Found:
    """What the networks of a file have found and others may need: backbones without mistakes, by name and shape of the
    input, and the families of the zoo.
    """

    backbones: dict[tuple[str, Shape | None], FoundBackbone] = field(default_factory=dict)
    families: dict[Path, Scope] = field(default_factory=dict)


Elaborate: TypeAlias = Callable[[t.Apply, t.Block, Scope, "Shape | None"], "tuple[Sequence[Node], Wire]"]

DEFAULT_SHAPE: Shape = (None, 3, 224, 224)
"""What a backbone is shown to if neither data nor an input says otherwise: what ImageNet networks were trained on."""


@dataclass(frozen=True, slots=True)
class BackboneFinder:
    """Finds the network behind a `backbone` declaration.

    elaborate: writes out a block. found: what others have found before. needed: whether some model is built
    on the backbone, so that its files must be here.
    """

    scope: Scope
    out: Diagnostics
    env: Env
    root: Path
    input_shape: Shape | None
    elaborate: Elaborate
    found: Found
    needed: bool = True

    def find(self, declared: t.Backbone) -> FoundBackbone:
        """The backbone's nodes; an empty one after a mistake, which is reported."""
        failed = FoundBackbone(
            Backbone(declared.name.name, Call("zoo"), None, place_of(declared.span)), (), UNKNOWN, self.input_shape
        )
        value, hash = split_hash(declared.value, self.out)
        val = evaluate(value, self.env, self.out)
        if val is None:
            return failed
        if isinstance(value, t.Ref) and len(value.parts) == 1:
            val = Val(CallValue(t.Apply(value.span, value, ()), self.env), val.span)
        if not isinstance(val.value, CallValue):
            text = "a backbone comes from `zoo(...)`, `checkpoint(...)` or a block"
            helps = ['as in `zoo(efficientnet_lite0, weights = imagenet)` or `checkpoint("PREFIX", epoch = 39)`']
            self.out.report("R303", text, Label(val.span, f"this is {describe(val)}"), helps=helps)
            return failed
        call = val.value.call
        block = self.scope.find("block", call.function.name)
        if isinstance(block, t.Block):
            if hash is not None:
                self._report_hash_outside(hash)
            return self._block(declared, call, block) or failed
        blocks = self.scope.known("block")
        known = [*blocks, *ENTRIES["backbone source"]]
        if call.function.name not in ENTRIES["backbone source"] and self.scope.excuses(call.function.name, known):
            return failed
        if call.function.name not in ENTRIES["backbone source"] and call.function.name in zoo_networks():
            self._report_no_zoo(call)
            return failed
        entry = lookup("backbone source", call.function.name, call.function.span, self.out, blocks)
        if entry is None:
            return failed
        if hash is not None and entry.name != "checkpoint":
            self._report_hash_outside(hash)
        if entry.name == "zoo":
            return self._zoo(declared, call, entry) or failed
        given = check_arguments(entry, call.arguments, call.span, self.env, Context(self.scope, self.out))
        if given is None:
            return failed
        return self._checkpoint(declared, given, call, hash) or failed

    def _report_no_zoo(self, call: t.Apply) -> None:
        """Says that a network of the zoo is named without saying that it is of the zoo."""
        name = call.function.name
        label = Label(call.function.span, "a network of the zoo")
        helps = [f"write `zoo({name}, ...)`" if call.arguments else f"write `zoo({name})`"]
        self.out.report("R205", f"there is no backbone source `{name}`", label, helps=helps)

    def _report_hash_outside(self, hash: Hash) -> None:
        text = "a hash belongs to a file, and none is named before it"
        helps = ['write `weights = "FILE" sha256 "..."`, or `checkpoint("PREFIX", epoch = 39) sha256 "..."`']
        self.out.report("R303", text, Label(hash.span), helps=helps)

    def _weights(
        self, name: Value, at: Span, hash: Hash | None, network: str | None, layout: str | None
    ) -> Weights | None:
        """The weights that a backbone is given; None for none. After a mistake, those that were asked for, as if they
        were only not at hand: the network is known all the same, and what is wrong with its cuts can be said.
        """
        if name is None:
            if hash is not None:
                self._report_hash_outside(hash)
            return None
        found = find_weights(str(name), at, hash, Target(network, layout, self.root, self.needed), self.out)
        return found or Weights(weights_call(str(name), layout, None), at, str(name))

    def _named(self, declared: t.Backbone, nodes: Sequence[Node]) -> tuple[Node, ...]:
        return tuple(replace(node, backbone=declared.name.name) for node in nodes)

    def _zoo(self, declared: t.Backbone, call: t.Apply, entry: Entry) -> FoundBackbone | None:
        """A network of the zoo; what the call gives besides `zoo`'s own options goes to the network's block."""
        arguments, hash = _without_hash(call.arguments, self.out)
        extra = [a for a in arguments if a.name and not _names_option(a.name.name, entry)]
        own = [argument for argument in arguments if argument not in extra]
        written = next((a.value for a in own if a.name is None or a.name.name == "name"), None)
        if isinstance(written, t.Sum):  # `zoo(ResNet-50)`: a name in other collections, a difference here
            self._report_no_network(written.span.text, written.span)
            return None
        given = check_arguments(entry, own, call.span, self.env, Context(self.scope, self.out))
        if given is None:
            return None
        name, at = str(given.values["name"]), given.spans["name"]
        path = zoo_networks().get(name)
        if path is None:
            self._report_no_network(name, at)
            return None
        if path not in self.found.families:
            text = read_spec(path, shown_name(path), self.out, at)
            if text is None:
                return None
            self.found.families[path], _ = collect(parse(text, self.out), self.out)
        scope = self.found.families[path]
        block = scope.find("block", name)
        if not isinstance(block, t.Block):
            return None  # the file is broken, which has been reported
        asked, weights_at = given.values["weights"], given.spans.get("weights", call.span)
        if isinstance(asked, str) and known_weights(name, asked) and extra:
            report_other_network(asked, name, weights_at, [argument.span for argument in extra], self.out)
            return None
        weights = self._weights(asked, weights_at, hash, name, path.stem)
        size = weights.convention.size if weights and weights.convention else None
        shape = self.input_shape or (None, 3, *(size or (made_for(name), made_for(name))))
        ref = t.Ref(declared.value.span, (name,))
        nodes, output = self.elaborate(t.Apply(call.span, ref, tuple(extra)), block, scope, shape)
        source = Call(entry.name, (*given.values.items(), *self._written(extra)), place_of(call.span))
        return self._found(declared, source, weights, nodes, output, shape)

    def _report_no_network(self, name: str, at: Span) -> None:
        meant = guess_network(name)
        helps, fixes = [meant.question or zoo_help()], rename_fixes(meant, name, at, own=True)
        self.out.report("R208", f"the zoo has no network `{name}`", Label(at), helps=helps, fixes=fixes)

    def _written(self, arguments: Sequence[t.Argument]) -> Iterator[tuple[str, Value]]:
        """Numbers and texts among arguments, by name, to tell one network from another."""
        for argument in arguments:
            val = evaluate(argument.value, self.env, Diagnostics())
            if argument.name is not None and val is not None and isinstance(val.value, bool | int | float | str):
                yield argument.name.name, val.value

    def _block(self, declared: t.Backbone, call: t.Apply, block: t.Block) -> FoundBackbone | None:
        context = Context(self.scope, self.out)
        arguments, hash = _without_hash(call.arguments, self.out)
        own = [argument for argument in arguments if argument.name is None or argument.name.name != WEIGHTS.name]
        asked = [argument for argument in arguments if argument not in own]
        weights = None
        if asked:
            val = evaluate(asked[0].value, self.env, self.out)
            name = None if val is None else check_value(val, WEIGHTS.type, context, "`weights`")
            if val is None or isinstance(name, Failed):
                return None
            weights = self._weights(name, val.span, hash, None, None)
        shape = self.input_shape or DEFAULT_SHAPE
        nodes, output = self.elaborate(t.Apply(call.span, call.function, tuple(own)), block, self.scope, shape)
        source = Call(block.name.name, (), place_of(call.span))
        return self._found(declared, source, weights, nodes, output, shape)

    def _checkpoint(self, declared: t.Backbone, given: Given, call: t.Apply, hash: Hash | None) -> FoundBackbone | None:
        from retdsl.check.checkpoints import read_checkpoint

        shape = self.input_shape or DEFAULT_SHAPE
        found = read_checkpoint(given, call.span, shape, self.root, self.out, needed=self.needed)
        if found is None:
            return None
        params = found.files.params
        there = is_file(self.root / params)
        if hash is not None and there:
            check_hash(self.root / params, params, hash, self.out)
        load = weights_call(params, None, hash.digits if hash else None)
        weights = Weights(load, call.span, params, at_hand=there)
        source = Call("checkpoint", tuple(given.values.items()), place_of(call.span))
        whole = self._found(declared, source, weights, found.network.nodes, found.output, shape)
        return replace(whole, checkpoint=found)

    def _found(
        self,
        declared: t.Backbone,
        source: Call,
        weights: Weights | None,
        nodes: Sequence[Node],
        output: Wire,
        shape: Shape | None,
    ) -> FoundBackbone:
        load, convention = (weights.load, weights.convention) if weights else (None, None)
        backbone = Backbone(declared.name.name, source, load, place_of(declared.span), convention)
        return FoundBackbone(backbone, self._named(declared, nodes), output, shape, weights)


def _without_hash(arguments: Sequence[t.Argument], out: Diagnostics) -> tuple[list[t.Argument], Hash | None]:
    """The arguments of a call, `weights` without the hash behind it, and the hash."""
    found: list[t.Argument] = []
    hash = None
    for argument in arguments:
        if argument.name is not None and argument.name.name == "sha256":
            helps = ['write it behind the file, without comma and `=`: `weights = "FILE" sha256 "..."`']
            out.report("R302", "`sha256` is no option", Label(argument.name.span), helps=helps)
            continue
        if argument.name is not None and argument.name.name == WEIGHTS.name:
            value, hash = split_hash(argument.value, out)
            argument = replace(argument, value=value)
        found.append(argument)
    return found, hash


def _names_option(name: str, entry: Entry) -> bool:
    """Whether an argument's name is an option of `entry`, or one misspelt."""
    options = [option.name for option in entry.options]
    return name in options or bool(suggest(name, options))
