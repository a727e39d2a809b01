"""Backbone declarations to lists of nodes: a network of the zoo, an MXNet checkpoint, or a block with weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from retdsl.check.evaluate import CallValue, Env, Val, describe, evaluate
from retdsl.check.files import guess_network, read_spec, shown_name, zoo_help, zoo_networks
from retdsl.check.fixes import rename_fixes
from retdsl.check.graph import UNKNOWN, Wire
from retdsl.check.options import Context, Failed, Given, check_arguments, check_value, lookup, place_of
from retdsl.check.scope import Scope, collect
from retdsl.check.weights import file_weights, zoo_weights
from retdsl.diagnostics import Diagnostics, Label
from retdsl.diagnostics.suggest import suggest
from retdsl.ir import Backbone, Call, Node, Shape, Value
from retdsl.records import dataclass, field, replace
from retdsl.schema import ENTRIES, Entry
from retdsl.schema.backbones import WEIGHTS, KnownWeights, made_for
from retdsl.source import Span
from retdsl.syntax import parse
from retdsl.syntax import tree as t

if TYPE_CHECKING:  # few studies have one, and reading it takes modules that others need not wait for
    from retdsl.check.checkpoints import Checkpoint


@dataclass(frozen=True, slots=True)
class FoundBackbone:
    """A backbone with all its nodes, before any cut. No nodes: a mistake, or files that are not at hand."""

    backbone: Backbone
    nodes: tuple[Node, ...]
    output: Wire
    input_shape: Shape | None
    known: KnownWeights | None = None
    checkpoint: Checkpoint | None = None


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
        val = evaluate(declared.value, self.env, self.out)
        if val is None:
            return failed
        if isinstance(declared.value, t.Ref) and len(declared.value.parts) == 1:
            val = Val(CallValue(t.Apply(declared.value.span, declared.value, ()), self.env), val.span)
        if not isinstance(val.value, CallValue):
            text = "a backbone comes from `zoo(...)`, `checkpoint(...)` or a block"
            helps = ['as in `zoo(efficientnet_lite0, weights = imagenet)` or `checkpoint("PREFIX", epoch = 39)`']
            self.out.report("R303", text, Label(val.span, f"this is {describe(val)}"), helps=helps)
            return failed
        call = val.value.call
        block = self.scope.find("block", call.function.name)
        if isinstance(block, t.Block):
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
        if entry.name == "zoo":
            return self._zoo(declared, call, entry) or failed
        given = check_arguments(entry, call.arguments, call.span, self.env, Context(self.scope, self.out))
        if given is None:
            return failed
        return self._checkpoint(declared, given, call) or failed

    def _report_no_zoo(self, call: t.Apply) -> None:
        """Says that a network of the zoo is named without saying that it is of the zoo."""
        name = call.function.name
        label = Label(call.function.span, "a network of the zoo")
        helps = [f"write `zoo({name}, ...)`" if call.arguments else f"write `zoo({name})`"]
        self.out.report("R205", f"there is no backbone source `{name}`", label, helps=helps)

    def _named(self, declared: t.Backbone, nodes: Sequence[Node]) -> tuple[Node, ...]:
        return tuple(replace(node, backbone=declared.name.name) for node in nodes)

    def _zoo(self, declared: t.Backbone, call: t.Apply, entry: Entry) -> FoundBackbone | None:
        """A network of the zoo; what the call gives besides `zoo`'s own options goes to the network's block."""
        extra = [a for a in call.arguments if a.name and not _names_option(a.name.name, entry)]
        own = [argument for argument in call.arguments if argument not in extra]
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
        found = zoo_weights(name, given, [argument.span for argument in extra], self.out)
        if found is None:
            return None
        load, pretrained = found
        size = pretrained.size if pretrained else made_for(name)
        shape = self.input_shape or (None, 3, size, size)
        ref = t.Ref(declared.value.span, (name,))
        nodes, output = self.elaborate(t.Apply(call.span, ref, tuple(extra)), block, scope, shape)
        source = Call(entry.name, (*given.values.items(), *self._written(extra)), place_of(call.span))
        backbone = Backbone(declared.name.name, source, load, place_of(declared.span))
        return FoundBackbone(backbone, self._named(declared, nodes), output, shape, pretrained)

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
        own = [argument for argument in call.arguments if argument.name is None or argument.name.name != WEIGHTS.name]
        asked = [argument for argument in call.arguments if argument not in own]
        load = None
        if asked:
            val = evaluate(asked[0].value, self.env, self.out)
            weights = None if val is None else check_value(val, WEIGHTS.type, context, "`weights`")
            if val is None or isinstance(weights, Failed):
                return None
            load = file_weights(weights)
            if load is None and weights is not None:
                helps = ['give a file: `weights = "FILE.params"`']
                self.out.report("R803", f"no weights `{weights}` are known for a block", Label(val.span), helps=helps)
                return None
        shape = self.input_shape or DEFAULT_SHAPE
        nodes, output = self.elaborate(t.Apply(call.span, call.function, tuple(own)), block, self.scope, shape)
        source = Call(block.name.name, (), place_of(call.span))
        backbone = Backbone(declared.name.name, source, load, place_of(declared.span))
        return FoundBackbone(backbone, self._named(declared, nodes), output, shape)

    def _checkpoint(self, declared: t.Backbone, given: Given, call: t.Apply) -> FoundBackbone | None:
        from retdsl.check.checkpoints import read_checkpoint

        shape = self.input_shape or DEFAULT_SHAPE
        found = read_checkpoint(given, call.span, shape, self.root, self.out, needed=self.needed)
        if found is None:
            return None
        source = Call("checkpoint", tuple(given.values.items()), place_of(call.span))
        backbone = Backbone(declared.name.name, source, found.load, place_of(declared.span))
        nodes = self._named(declared, found.network.nodes)
        return FoundBackbone(backbone, nodes, found.output, shape, checkpoint=found)


def _names_option(name: str, entry: Entry) -> bool:
    """Whether an argument's name is an option of `entry`, or one misspelt."""
    options = [option.name for option in entry.options]
    return name in options or bool(suggest(name, options))
