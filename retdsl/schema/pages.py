"""The reference page of the layers, written from the schema."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from retdsl.schema.layers import FAMILIES
from retdsl.schema.lookup import other_layers
from retdsl.schema.model import REQUIRED, Layer
from retdsl.schema.refused import REFUSED, Refused
from retdsl.schema.words import OTHERS, default_text, gives, signature, takes

INTRODUCTION = """# Layers

What a chain of a network can name, under MXNet's names with MXNet's options and defaults. `retdsl layers` lists them in
a terminal, `retdsl layers NAME` tells all about one. The [guide](language.md#layers) explains the layers that most
networks need; their names are words of the language, and a block cannot have them. All others give way to a block of
the same name.

Shapes stand in brackets. N is the batch, which no layer changes: what a network says of one photograph does not depend
on the others. C, H and W are channels, height and width, F features. Axis 0 is the batch, 1 the channels, 2 and 3 are
height and width; -1 is the last axis.

A layer that takes several values takes the branches of a fork, in their order: `{ left | right } => Subtract`. Every
layer takes a `name` as well.
"""

_OTHERS = """Of these, only the options are checked. What they give, and how many numbers they learn, MXNet says when
the program runs; what comes after them is checked as far as it does not depend on that.
"""

_REFUSED = """MXNet has these operators, too. In a chain they are an error, which says what this table says.
"""


def layer_page() -> str:
    """The text of `docs/layers.md`."""
    parts = [INTRODUCTION]
    for name, layers in FAMILIES.items():
        parts += [f"## {name}\n", *_tables(layers)]
    parts += [f"## {OTHERS}\n", _OTHERS, *_tables(list(other_layers()))]
    parts += ["## What cannot stand in a chain\n", _REFUSED, _refused()]
    return "\n".join(parts)


def _tables(layers: Sequence[Layer]) -> list[str]:
    """What the layers of a family do, and what their options are."""
    known = any(layer.shape is not None for layer in layers)
    heads = ("layer", "does", "takes", "gives") if known else ("layer", "does", "takes")
    rows = [
        (f"`{signature(layer.entry)}`", _doc(layer), _plain(takes(layer)), _plain(gives(layer)))[: len(heads)]
        for layer in layers
    ]
    options = [
        (f"`{layer.name}`", f"`{o.name}`", o.type.words, _default(default_text(o), o.default is REQUIRED), o.doc)
        for layer in layers
        for o in layer.entry.options
    ]
    tables = [_table(heads, rows)]
    if options:
        tables.append(_table(("layer", "option", "takes", "default", "is"), options))
    return tables


def _doc(layer: Layer) -> str:
    reference = layer.entry.reference
    return layer.entry.doc + (f" After {reference}." if reference else "")


def _default(text: str, required: bool) -> str:
    return "must be given" if required else f"`{text}`"


def _plain(words: str) -> str:
    """Words as a cell of a table has them: branches as code."""
    return words.replace("{", "`{").replace("}", "}`")


def _refused() -> str:
    reasons: dict[Refused, list[str]] = {}
    for name, refused in REFUSED.items():
        reasons.setdefault(refused, []).append(f"`{name}`")
    rows = [(", ".join(names), refused.why, refused.instead) for refused, names in reasons.items()]
    return _table(("operator", "why not", "instead"), rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
