"""Ordered classes: whether a head that goes by their order finds them in one, and enough of them to be ordered.

Enters: the classes of a data block, the head of a model. Leaves: R722, R723. Guaranteed: silent where the names say
nothing about an order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from retdsl.check.heads import classes_of, written_classes
from retdsl.check.options import Context
from retdsl.diagnostics import Fix, Label
from retdsl.ir import DataPlan, Loss
from retdsl.schema.losses import ORDERED_LOSS
from retdsl.source import Span

_SEVERITIES = (
    frozenset({"no", "none", "healthy", "normal", "absent", "negative"}),
    frozenset({"questionable", "borderline", "minimal"}),
    frozenset({"mild", "early"}),
    frozenset({"moderate"}),
    frozenset({"severe", "advanced"}),
    frozenset({"proliferative", "pdr"}),
)
"""Words that name how far a disease has gone, from none to the worst."""


def check_order(data: DataPlan, loss: Loss, trained: Span, ctx: Context) -> None:
    """Warns of two classes, and of grades that do not stand in their order. trained: where the model is named."""
    if loss.kind != ORDERED_LOSS:
        return
    classes = data.classes
    declared = [Label(label.span, "in this order") for label in classes_of(data.name, len(classes), ctx)]
    if len(classes) == 2:
        notes = ["of two classes there is one question, whether it is the second: just what `Softmax` answers"]
        helps = ["end the model in `Softmax`, or in `WSoftmax` where it has weights"]
        where = Label(trained, f"ends in `{ORDERED_LOSS}`")
        ctx.out.report("R722", "two classes have no order to speak of", where, *declared, notes=notes, helps=helps)
        return
    grades = _grades(classes)
    if grades is None or list(grades) in (sorted(grades), sorted(grades, reverse=True)):
        return
    right = [classes[at] for at in sorted(range(len(classes)), key=grades.__getitem__)]
    written = written_classes(data.name, ctx)
    fixes = []
    if written is not None and len(written[1]) == len(classes):
        place, texts = written
        ordered = ", ".join(texts[classes.index(name)] for name in right)
        fixes = [Fix.at(place, f"[{ordered}]")]
    ctx.out.report(
        "R723",
        f"`{ORDERED_LOSS}` takes the classes for grades in the order in which they stand, and this is another one",
        *(declared or [Label(trained)]),
        *([Label(trained, f"ends in `{ORDERED_LOSS}`")] if declared else []),
        notes=[
            f"the further apart two classes stand, the more it costs to take one for the other: here `{classes[0]}` "
            f"and `{classes[-1]}` are furthest apart"
        ],
        helps=[f"write `classes = [{', '.join(right)}]`"],
        fixes=fixes,
    )


def _grades(classes: Sequence[str]) -> list[int] | None:
    """How far each class has gone, if the names of all say so, each in another way."""
    for read in (_number, _severity):
        found = [grade for grade in map(read, classes) if grade is not None]
        if len(set(found)) == len(classes):
            return found
    return None


def _number(name: str) -> int | None:
    numbers = re.findall(r"[0-9]+", name)
    return int(numbers[0]) if len(numbers) == 1 else None


def _severity(name: str) -> int | None:
    words = set(re.split(r"[^a-z]+", name.casefold()))
    found = [at for at, of in enumerate(_SEVERITIES) if words & of]
    return found[0] if len(found) == 1 else None
