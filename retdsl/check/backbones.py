"""Backbone declarations to lists of nodes: a network of the zoo, an MXNet checkpoint, or a block with weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from retdsl.check.evaluate import CallValue, Env, Val, describe, evaluate
from retdsl.check.files import guess_network, is_file, read_spec, shown_name, zoo_help, zoo_networks
from retdsl.check.fixes import rename_fixes
from retdsl.check.graph import UNKNOWN, Wire
from retdsl.check.options import Context, Failed, Given, check_arguments, check_value, lookup, place_of
from retdsl.check.scope import Scope, collect
from retdsl.diagnostics import Diagnostics, Label
from retdsl.diagnostics.suggest import guess, suggest
from retdsl.ir import Backbone, Call, Node, Shape, Value
from retdsl.records import dataclass, field, replace
from retdsl.schema import ENTRIES, Entry
from retdsl.schema.backbones import KNOWN_WEIGHTS, WEIGHTS, KnownWeights, known_weights
from retdsl.source import Span
from retdsl.syntax import parse
from retdsl.syntax import tree as t


@dataclass(frozen=True, slots=True)
class FoundBackbone:
    """A backbone with all its nodes, before any cut. No nodes: a mistake, or files that are not at hand."""

    backbone: Backbone
    nodes: tuple[Node, ...]
    output: Wire
    input_shape: Shape | None
    known: KnownWeights | None = None


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
        source = Call(entry.name, tuple(given.values.items()), place_of(call.span))
        return self._checkpoint(declared, source, call) or failed

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
        found = self._zoo_weights(name, given, [argument.span for argument in extra])
        if found is None:
            return None
        load, pretrained = found
        shape = self.input_shape or ((None, 3, pretrained.size, pretrained.size) if pretrained else DEFAULT_SHAPE)
        ref = t.Ref(declared.value.span, (name,))
        nodes, output = self.elaborate(t.Apply(call.span, ref, tuple(extra)), block, scope, shape)
        source = Call(entry.name, (*given.values.items(), *self._written(extra)), place_of(call.span))
        backbone = Backbone(declared.name.name, source, load, place_of(declared.span))
        return FoundBackbone(backbone, self._named(declared, nodes), output, shape, pretrained)

    def _report_no_network(self, name: str, at: Span) -> None:
        meant = guess_network(name)
        helps, fixes = [meant.question or zoo_help()], rename_fixes(meant, name, at, own=True)
        self.out.report("R208", f"the zoo has no network `{name}`", Label(at), helps=helps, fixes=fixes)

    def _zoo_weights(
        self, network: str, given: Given, extra: Sequence[Span]
    ) -> tuple[Call | None, KnownWeights | None] | None:
        """How the weights are loaded, and what is known of them. None, with a message, if there are none such."""
        name = given.values["weights"]
        pretrained = known_weights(network, name) if isinstance(name, str) else None
        load = pretrained.load if pretrained else self._file_weights(name)
        if load is None and isinstance(name, str):
            names = [w.name for w in KNOWN_WEIGHTS if w.network == network]
            meant = guess(name, names)
            listed = ", ".join(f"`{known}`" for known in names)
            notes = [] if meant.names else [f"weights known by name: {listed}" if names else "none are known by name"]
            helps = [meant.question or 'give a file: `weights = "FILE.params"`']
            label, text = Label(given.spans["weights"]), f"no weights `{name}` are known for `{network}`"
            fixes = rename_fixes(meant, name, label.span, own=True)
            self.out.report("R803", text, label, notes=notes, helps=helps, fixes=fixes)
            return None
        if pretrained and extra:
            text = f"the weights `{name}` are those of `{network}` as it is"
            labels = [Label(extra[0], "with this it is another network"), Label(given.spans["weights"])]
            helps = ["cut the backbone, as in `NAME[global_pool]`, and put layers of your own behind"]
            self.out.report("R803", text, *labels, helps=helps)
            return None
        return load, pretrained

    def _written(self, arguments: Sequence[t.Argument]) -> Iterator[tuple[str, Value]]:
        """Numbers and texts among arguments, by name, to tell one network from another."""
        for argument in arguments:
            val = evaluate(argument.value, self.env, Diagnostics())
            if argument.name is not None and val is not None and isinstance(val.value, bool | int | float | str):
                yield argument.name.name, val.value

    @staticmethod
    def _file_weights(weights: object) -> Call | None:
        is_file = isinstance(weights, str) and ("/" in weights or weights.endswith(".params"))
        return Call("params_file", (("path", str(weights)),)) if is_file else None

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
            load = self._file_weights(weights)
            if load is None and weights is not None:
                helps = ['give a file: `weights = "FILE.params"`']
                self.out.report("R803", f"no weights `{weights}` are known for a block", Label(val.span), helps=helps)
                return None
        shape = self.input_shape or DEFAULT_SHAPE
        nodes, output = self.elaborate(t.Apply(call.span, call.function, tuple(own)), block, self.scope, shape)
        source = Call(block.name.name, (), place_of(call.span))
        backbone = Backbone(declared.name.name, source, load, place_of(declared.span))
        return FoundBackbone(backbone, self._named(declared, nodes), output, shape)

    def _checkpoint(self, declared: t.Backbone, source: Call, call: t.Apply) -> FoundBackbone | None:
        prefix, epoch = str(source["prefix"]), int(str(source["epoch"]))
        symbol, params = f"{prefix}-symbol.json", f"{prefix}-{epoch:04d}.params"
        missing = [name for name in (symbol, params) if not is_file(self.root / name)]
        if missing and self.needed:
            label = Label(call.span, f"no {' and no '.join(missing)}")
            notes = [f"paths start at {self.root}"]
            notes += ["what follows from its layers cannot be checked"] if symbol in missing else []
            helps = ["put the files there, or name their folder with `--root DIR`"]
            text = f"the checkpoint `{prefix}` is not here"
            if symbol not in missing:
                text = f"the parameters of the checkpoint `{prefix}` are not here"
            self.out.report("R801", text, label, notes=notes, helps=helps)
        if symbol in missing:
            return None
        from retdsl.check.imported import BadSymbol, read_symbol

        shape = self.input_shape or DEFAULT_SHAPE
        try:
            nodes, output = read_symbol(self.root / symbol, shape, place_of(call.span))
        except BadSymbol as error:
            label = Label(call.span, "this is its network")
            self.out.report("R802", f"cannot use {symbol}: {error}", label, helps=error.helps)
            return None
        load = Call("params_file", (("path", params),))
        backbone = Backbone(declared.name.name, source, load, place_of(declared.span))
        wire = Wire(output.name, output.shape)
        return FoundBackbone(backbone, self._named(declared, nodes), wire, shape)


def _names_option(name: str, entry: Entry) -> bool:
    """Whether an argument's name is an option of `entry`, or one misspelt."""
    options = [option.name for option in entry.options]
    return name in options or bool(suggest(name, options))
