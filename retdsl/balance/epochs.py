"""How many photographs of each class an epoch draws, and in which ratio, as `retdsl.runtime.sampling` draws them.

Enters: a sampling policy, the number of the epoch, and what there is to draw of each class, where that is known.
Leaves: numbers in the order of the classes, None where they are not known. Guaranteed: the numbers are those of the
runtime, which tests compare.
"""

from __future__ import annotations

from retdsl.balance.counts import Side, largest_remainder
from retdsl.ir import Call, Value

NATURAL = Call("natural", (("size", None), ("by", None)))
"""What `hard` is `of` where the spec does not say."""


def base_of(policy: Call) -> Call:
    """The policy that says how many images of each class there are: for `hard`, the one that it is of."""
    while policy.name == "hard":
        of = policy["of"]
        policy = of if isinstance(of, Call) else NATURAL
    return policy


def by_patient(policy: Call) -> bool:
    """Whether the policy draws patients, and not photographs."""
    return dict(base_of(policy).options).get("by") == "patient"


def is_natural(policy: Call) -> bool:
    """Whether the classes are as frequent in an epoch as the photographs are."""
    return base_of(policy).name == "natural" and not by_patient(policy)


def drawn_from(policy: Call, side: Side | None) -> tuple[int, ...] | None:
    """What there is to draw of each class: photographs, or patients. None if nobody knows, or if a class has none."""
    if side is None:
        return None
    if side.drawn is not None and not is_natural(policy):
        side = side.drawn
    found = side.patients if by_patient(policy) else side.photographs
    return None if found is None or 0 in found else found


def drawn_in_epoch(policy: Call, epoch: int, classes: int, among: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """How many photographs of each class this epoch draws. epoch: from 1; among: what `drawn_from` says."""
    base = base_of(policy)
    size = dict(base.options).get("size")
    if base.name == "class_aware":
        if not isinstance(size, int):
            size = None if among is None else sum(among)
        return None if size is None else _in_turn(epoch, size, classes)
    if base.name == "natural" and size is None:
        return among
    ratio = ratio_in_epoch(base, epoch, classes, among)
    if ratio is None:
        return None
    if isinstance(size, int):
        return largest_remainder(size, ratio)
    if among is None:
        return None
    units = [number / part for number, part in zip(among, ratio, strict=True)]
    if base.name == "oversample":
        return tuple(int(part * max(units) + 0.5) for part in ratio)
    return tuple(max(1, int(part * min(units) + 1e-9)) for part in ratio)


def ratio_in_epoch(policy: Call, epoch: int, classes: int, among: tuple[int, ...] | None) -> tuple[float, ...] | None:
    """The ratio that this epoch draws the classes in, before it is rounded to photographs."""
    base = base_of(policy)
    if base.name == "natural":
        return among
    if base.name == "progressive":
        start, end = (_ratio(base[option], classes, among) for option in ("from", "to"))
        moved = min(1.0, (epoch - 1) / (_number(base["epochs"]) - 1))
        if moved in (0, 1):
            return end if moved else start
        if start is None or end is None:
            return None
        return tuple((1 - moved) * a / sum(start) + moved * b / sum(end) for a, b in zip(start, end, strict=True))
    return _ratio(dict(base.options).get("ratio"), classes, among)


def _ratio(written: Value, classes: int, among: tuple[int, ...] | None) -> tuple[float, ...] | None:
    if written == "natural":
        return among
    return tuple(float(str(part)) for part in written) if isinstance(written, tuple) else (1.0,) * classes


def _in_turn(epoch: int, size: int, classes: int) -> tuple[int, ...]:
    """Draw number g of all is of class g mod C."""
    start, stop = (epoch - 1) * size, epoch * size
    return tuple((stop - label - 1) // classes - (start - label - 1) // classes for label in range(classes))


def _number(value: Value) -> int:
    assert isinstance(value, int)
    return value
