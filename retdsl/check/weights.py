"""What `weights = ...` of a backbone means: weights known by name, or a file."""

from __future__ import annotations

from collections.abc import Sequence

from retdsl.check.fixes import rename_fixes
from retdsl.check.options import Given
from retdsl.diagnostics import Diagnostics, Label
from retdsl.diagnostics.suggest import guess
from retdsl.ir import Call
from retdsl.schema.backbones import KNOWN_WEIGHTS, KnownWeights, known_weights
from retdsl.source import Span


def zoo_weights(
    network: str, given: Given, extra: Sequence[Span], out: Diagnostics
) -> tuple[Call | None, KnownWeights | None] | None:
    """How the weights are loaded, and what is known of them. None, with a message, if there are none such."""
    name = given.values["weights"]
    pretrained = known_weights(network, name) if isinstance(name, str) else None
    load = pretrained.load if pretrained else file_weights(name)
    if load is None and isinstance(name, str):
        names = [w.name for w in KNOWN_WEIGHTS if w.network == network]
        meant = guess(name, names)
        listed = ", ".join(f"`{known}`" for known in names)
        notes = [] if meant.names else [f"weights known by name: {listed}" if names else "none are known by name"]
        helps = [meant.question or 'give a file: `weights = "FILE.params"`']
        label, text = Label(given.spans["weights"]), f"no weights `{name}` are known for `{network}`"
        fixes = rename_fixes(meant, name, label.span, own=True)
        out.report("R803", text, label, notes=notes, helps=helps, fixes=fixes)
        return None
    if pretrained and extra:
        text = f"the weights `{name}` are those of `{network}` as it is"
        labels = [Label(extra[0], "with this it is another network"), Label(given.spans["weights"])]
        helps = ["cut the backbone, as in `NAME[global_pool]`, and put layers of your own behind"]
        out.report("R803", text, *labels, helps=helps)
        return None
    return load, pretrained


def file_weights(weights: object) -> Call | None:
    is_file = isinstance(weights, str) and ("/" in weights or weights.endswith(".params"))
    return Call("weights_file", (("path", str(weights)),)) if is_file else None
