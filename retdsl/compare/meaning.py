"""What values mean, where the language has several ways to say one thing.

A ratio is the same in any terms; no ratio is an equal one; `hard` of nothing is of `natural`; photographs that are not
normalised are normalised by nothing; a layer's options that are left out are at their defaults.
"""

from __future__ import annotations

from functools import reduce
from math import gcd

from retdsl.ir import Call, Node, Value
from retdsl.schema import REQUIRED
from retdsl.schema.lookup import find_node
from retdsl.schema.preparation import NORMALIZE

COMMUTATIVE = frozenset({"Add", "Multiply", "Maximum", "Minimum"})
"""Layers whose values may come in any order."""

_RATIOS = ("ratio", "from", "to")
_EQUAL = (("resample", "ratio"), ("oversample", "ratio"), ("progressive", "to"))
"""Ratios that are equal ones where there is none."""

_NATURAL = Call("natural", (("size", None), ("by", None)))
_AS_IT_IS = Call(NORMALIZE.name, (("mean", (0.0,) * 3), ("mean_image", None), ("std", (1.0,) * 3), ("scale", 1.0)))


def meant(call: Call, classes: int) -> Call:
    """A call whose options say what they mean in the one way there is to say it. classes: how many there are."""
    return Call(call.name, tuple((option, _meant(call.name, option, value, classes)) for option, value in call.options))


def _meant(name: str, option: str, value: Value, classes: int) -> Value:
    if value is None and (name, option) == ("hard", "of"):
        return _NATURAL
    if value is None and (name, option) in _EQUAL:
        return (1,) * classes
    if option not in _RATIOS:
        return meant(value, classes) if isinstance(value, Call) else value
    if not isinstance(value, tuple):
        return value
    whole = [int(part) for part in value if isinstance(part, int | float) and part == int(part)]
    if len(whole) != len(value):
        return value
    divisor = reduce(gcd, whole)
    return tuple(part // divisor for part in whole)


def normalized(call: Call | None) -> Call:
    """The last step on a photograph, also where the spec leaves it out."""
    return call or _AS_IT_IS


def computation(node: Node) -> tuple[str, tuple[tuple[str, Value], ...]]:
    """What a layer computes: its kind and all its options, whether written or not."""
    if node.op == "ReLU6":
        return "clip", (("a_min", 0.0), ("a_max", 6.0))
    given = dict(node.options)
    layer = find_node(node.op)
    for option in layer.entry.options if layer else ():
        if option.default is not REQUIRED:
            given.setdefault(option.name, option.default)
    return node.op, tuple(sorted(given.items()))


def swaps(node: Node) -> bool:
    """Whether the two inputs of a layer may change places. (A sum of three has another last bit then.)"""
    return node.op in COMMUTATIVE and len(node.inputs) == 2


def learns_or_draws(node: Node) -> bool:
    """Whether freezing changes what a layer does: it has parameters, draws random numbers, or is not known."""
    layer = find_node(node.op)
    return bool(node.parameters) or layer is None or layer.stochastic
