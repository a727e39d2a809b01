"""Entries of the schema in words: how a call is written, and all that is known of an entry as plain data.

What `retdsl layers` prints and what the reference pages say comes from here.
"""

from __future__ import annotations

from typing import Any

from retdsl.ir import Call
from retdsl.schema.layers import FAMILIES
from retdsl.schema.model import REQUIRED, Entry, Layer, Option
from retdsl.schema.spelling import spell
from retdsl.schema.types import Each

OTHERS = "Other operators of MXNet"
"""The family of the layers that only the registry has."""


def signature(entry: Entry) -> str:
    """How a call is written: `sgd(lr = 0.01, momentum = 0, wd = 0)`, or just the name without options."""
    options = (
        option.name if option.default is REQUIRED else f"{option.name} = {default_text(option)}"
        for option in entry.options
    )
    return f"{entry.name}({', '.join(options)})" if entry.options else entry.name


def default_text(option: Option) -> str:
    """An option's default as a spec would say it; empty if it must be given."""
    match option.default:
        case default if default is REQUIRED:
            return ""
        case Call(name=name):
            return name  # with which options, its own entry says
        case () if not isinstance(option.type, Each):
            return "()"
        case default:
            return spell(default, option.type)


def first_sentence(doc: str) -> str:
    """What stands before the first full stop that ends a sentence, the stop included."""
    return f"{doc.split('. ')[0].rstrip('.')}."


def family(layer: Layer) -> str:
    """The family that a layer belongs to."""
    return next((name for name, layers in FAMILIES.items() if layer in layers), OTHERS)


def takes(layer: Layer) -> str:
    """What flows into a layer."""
    if layer.joins:
        return "any number of branches"
    if len(layer.inputs) == 1:
        return "one value"
    return f"the branches {{ {' | '.join(layer.inputs)} }}"


def gives(layer: Layer) -> str:
    """The shape rule in words, which is its docstring."""
    if layer.shape is None:
        return "a shape that is known when the program runs"
    return (layer.shape.__doc__ or "").rstrip(".")


def facts(entry: Entry, layer: Layer | None = None) -> dict[str, Any]:
    """All that is known of an entry, and of its layer if it is one: what `retdsl layers NAME --format json` prints."""
    known: dict[str, Any] = {
        "name": entry.name,
        "category": entry.category,
        "signature": signature(entry),
        "doc": entry.doc,
        "options": [
            {
                "name": option.name,
                "takes": option.type.words,
                "default": default_text(option) if option.default is not REQUIRED else None,
                "required": option.default is REQUIRED,
                "unnamed": option.name in entry.unnamed,
                "doc": option.doc,
            }
            for option in entry.options
        ],
        "aliases": list(entry.aliases),
        "reference": entry.reference,
    }
    if layer is not None:
        known |= {
            "family": family(layer),
            "inputs": list(layer.inputs),
            "joins": layer.joins,
            "gives": None if layer.shape is None else gives(layer),
            "learns": list(layer.learns),
            "operator": layer.operator,
        }
    return known
