"""Warnings about the imbalance of the classes, each with the numbers: corrected twice, the wrong way or not at all.

Enters: what the network sees of each class, and where sampling and weights are written. Leaves: R606, R707, R708, R710.
Guaranteed: silent where a class has less than one and a half times as many photographs as another, and where the
numbers that a warning would need are not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

from retdsl.balance.epochs import base_of, is_natural, ratio_in_epoch
from retdsl.balance.numbers import about, percent, ratio_text, short
from retdsl.balance.prior import Seen, is_rule
from retdsl.diagnostics import Diagnostics, Fix, Label
from retdsl.ir import Call, Experiment, Loss
from retdsl.records import dataclass
from retdsl.schema.losses import ORDERED_LOSS
from retdsl.source import Span

NEARLY_BALANCED = 1.5
"""Classes with less than this ratio of photographs count as balanced."""

OVERSHOT = 2.0
"""Up to so many times the other way, two corrections may well be one wish: that a missed eye counts double."""

STRONG = 20.0
"""From this ratio on, a network that nothing helps to see the rare class deserves a warning."""

MARGIN = 1.1
"""What two numbers must differ by to count as different: sides of a split are never in exactly the ratio of all."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Where the spec says what concerns the classes: the model, the sampling (None for the default), and the weights of
    the model's loss.
    """

    model: Span
    sampling: Span | None
    weights: Span


@dataclass(frozen=True, slots=True)
class Pair:
    """Two classes, the first with more labels: their ratio in the labels, in an epoch, by weights, and all in all; and
    what share of all that the network sees is of the rare one.
    """

    frequent: int
    rare: int
    labels: float
    sampled: float
    weights: float
    effective: float
    share: float


@dataclass(frozen=True, slots=True)
class Ratios:
    """The classes in words, all of them in their order: in the labels, in an epoch, by weights, and all in all."""

    labels: str
    sampled: str
    weights: str
    effective: str


def check_imbalance(
    experiment: Experiment, first: Seen, seen: Seen, exact: bool, marks: Marks, out: Diagnostics
) -> None:
    """Reports what the sampling and the loss do to the classes.

    first, seen: in the first epoch and in the last, which is what the network ends with; exact: whether the labels were
    counted.
    """
    policy, loss = experiment.sampling, experiment.network.loss
    assert loss is not None, "an experiment's network has a loss"
    classes = experiment.data.classes
    for drawn in (first.drawn, seen.drawn):
        if drawn is not None and 0 in drawn:
            _report_never_drawn(classes, drawn, marks.sampling or marks.model, out)
            return
    pairs = _pairs(seen)
    ratios = Ratios(*(ratio_text(p or ()) for p in (seen.labels, seen.sampled, seen.weights, seen.effective)))
    if seen.labels is None:
        _check_blind_correction(policy, experiment.training.epochs, loss, classes, marks, out)
    elif twice := [p for p in pairs if _is_twice(p)]:
        _report_twice(min(twice, key=lambda p: p.effective), ratios, policy, loss, classes, marks, out)
    elif wrong := [p for p in pairs if _is_wrong(p)]:
        _report_wrong(max(wrong, key=lambda p: p.weights), ratios, loss, classes, marks, out)
    elif _is_uncorrected(seen, policy, loss) and (marks.sampling is None or _is_hard_of_nothing(policy)):
        _report_uncorrected(seen.labels, ratios, policy, loss, classes, exact, marks, out)


def _pairs(seen: Seen) -> list[Pair]:
    """Every two classes that are not nearly balanced."""
    labels, sampled, weights, effective = seen.labels, seen.sampled, seen.weights, seen.effective
    if labels is None or sampled is None or weights is None or effective is None:
        return []
    return [
        Pair(
            frequent=a,
            rare=b,
            labels=labels[a] / labels[b],
            sampled=sampled[a] / sampled[b],
            weights=weights[a] / weights[b],
            effective=effective[a] / effective[b],
            share=effective[b],
        )
        for a, b in permutations(range(len(labels)), 2)
        if labels[a] >= NEARLY_BALANCED * labels[b] and min(effective[a], effective[b]) > 0
    ]


def _is_twice(pair: Pair) -> bool:
    """Sampling and weights both favour the rare class, and together too much."""
    helped = pair.sampled * MARGIN < pair.labels and pair.weights * MARGIN < 1
    return helped and pair.effective * OVERSHOT * MARGIN < 1


def _is_wrong(pair: Pair) -> bool:
    """The weights favour the frequent class, and it is the one that the network sees more of."""
    return pair.weights > MARGIN and pair.effective > MARGIN


def _is_uncorrected(seen: Seen, policy: Call, loss: Loss) -> bool:
    """Photographs as they lie there, all of one weight, one class hardly among them. A focal loss is an answer, too."""
    flat = seen.weights is not None and max(seen.weights) < MARGIN * min(seen.weights)
    focal = bool(dict(loss.options).get("gamma"))
    strong = seen.labels is not None and max(seen.labels) >= STRONG * min(seen.labels)
    return is_natural(policy) and flat and not focal and strong


def _is_hard_of_nothing(policy: Call) -> bool:
    """`hard` that does not say what it is of: nobody has written that the photographs are to be as they are."""
    return policy.name == "hard" and policy["of"] is None


def _report_twice(
    pair: Pair, ratios: Ratios, policy: Call, loss: Loss, classes: Sequence[str], marks: Marks, out: Diagnostics
) -> None:
    rare, frequent = classes[pair.rare], classes[pair.frequent]
    end = " in the end" if base_of(policy).name == "progressive" else ""
    out.report(
        "R707",
        f"the imbalance is corrected twice: `{rare}` counts {short(1 / pair.effective)} times as much as `{frequent}`",
        Label(marks.weights, f"weights of {ratios.weights} on top"),
        Label(marks.sampling or marks.model, f"this makes {ratios.labels} into {ratios.sampled}{end}"),
        notes=[
            f"{_order(classes)} are {ratios.labels} in the labels, the sampling makes it {ratios.sampled}, and the "
            f"weights make it {ratios.effective}",
            f"{percent(pair.share)} of what the network sees is `{rare}`: it will give that answer too often",
        ],
        helps=_keep_one(loss, pair.rare, len(classes)),
    )


def _check_blind_correction(
    policy: Call, epochs: int, loss: Loss, classes: Sequence[str], marks: Marks, out: Diagnostics
) -> None:
    """Without the counts: a sampling that makes all classes equal, and weights that would have done the same."""
    ratio = ratio_in_epoch(policy, epochs, len(classes), None)
    if ratio is None or len(set(ratio)) > 1:
        return
    if not is_rule(loss, "inverse_frequency", "effective_number"):
        return
    equal = ratio_text((1,) * len(classes))
    out.report(
        "R707",
        f"the imbalance is corrected twice: by `{policy.name}`, and by the weights",
        Label(marks.weights, "follow from the labels, before the sampling"),
        Label(marks.sampling or marks.model, f"this makes it {equal}"),
        notes=[
            f"the sampling makes {_order(classes)} {equal}, whatever they are in the labels; the weights then turn the "
            "imbalance over, as 200 : 3 into 1 : 66.7"
        ],
        helps=_keep_one(loss, len(classes) - 1, len(classes)),
    )


def _keep_one(loss: Loss, rare: int, classes: int) -> list[str]:
    ratio = " : ".join("2" if label == rare else "1" for label in range(classes))
    plain = "`Softmax`" if loss.kind == "WSoftmax" else f"`{loss.kind}` without `weights`"
    return [
        f"keep one of the two: this sampling with {plain}, or these weights with `sampling = natural`",
        f"if a class is to count for more than its balance, say so in one place: `resample(ratio = {ratio})`",
    ]


def _report_wrong(
    pair: Pair, ratios: Ratios, loss: Loss, classes: Sequence[str], marks: Marks, out: Diagnostics
) -> None:
    rare, frequent = classes[pair.rare], classes[pair.frequent]
    resampled = abs(pair.sampled / pair.labels - 1) > MARGIN - 1
    balanced = resampled and pair.sampled < OVERSHOT
    text = f"the weights favour `{frequent}`, which is the more frequent class already"
    made = f", the sampling makes it {ratios.sampled}" if resampled else ""
    if pair.effective < pair.labels:
        text = f"the weights favour `{frequent}`, and take back a part of what the sampling gives `{rare}`"
    notes = [
        f"{_order(classes)} are {ratios.labels} in the labels{made}, and the weights make it {ratios.effective}: "
        f"{percent(pair.share)} of what the network sees is `{rare}`"
    ]
    if loss.kind == "FocalSoftmax":
        notes.append(
            "alpha = 0.25 for the rare class belongs to detectors (Lin et al. 2017), whose thousands of easy negatives "
            "in every image gamma all but silences; without gamma, 0.75 did best there"
        )
    helps, fixes = ["`inverse_frequency` weighs each class by its rarity"], list[Fix]()
    given = dict(loss.options).get("weights")
    if resampled:
        helps = ["leave the weights out: the sampling does their work" if balanced else "or leave the weights out"]
    if isinstance(given, tuple) and not balanced:
        written = f"[{', '.join(f'{float(str(weight)):.12g}' for weight in reversed(given))}]"
        helps = [f"weights stand in the order of `classes`, {', '.join(classes)}: did you mean `{written}`?", *helps]
        fixes = [Fix.at(marks.weights, written)] if marks.weights.text[:1] in "[(" else []
    places = [Label(marks.weights, f"{ratios.weights} for {_order(classes)}")]
    if resampled and marks.sampling:
        places.append(Label(marks.sampling, f"this makes {ratios.labels} into {ratios.sampled}"))
    out.report("R708", text, *places, notes=notes, helps=helps, fixes=fixes)


def _report_uncorrected(
    labels: tuple[int, ...],
    ratios: Ratios,
    policy: Call,
    loss: Loss,
    classes: Sequence[str],
    exact: bool,
    marks: Marks,
    out: Diagnostics,
) -> None:
    key = "of" if policy.name == "hard" else "sampling"
    kept = ["`hard` draws as many of each class as `natural`, which it is of"] if policy.name == "hard" else []
    weak = [f"the weights of its loss are {ratios.weights}"] if dict(loss.options).get("weights") else []
    if is_rule(loss, "effective_number"):
        weak.append("weights by `effective_number` near inverse frequency only as `beta` nears 1")
    most = max(range(len(labels)), key=labels.__getitem__)
    rarest = min(range(len(labels)), key=labels.__getitem__)
    out.report(
        "R710",
        f"nothing makes up for {short(labels[most] / labels[rarest])} photographs of `{classes[most]}` to every one of "
        f"`{classes[rarest]}`",
        Label(marks.model, "neither the loss nor the sampling"),
        notes=[
            f"there are {about(labels[most], exact)} `{classes[most]}` and {about(labels[rarest], exact)} "
            f"`{classes[rarest]}` to learn from; a network that always answers `{classes[most]}` is right "
            f"{percent(labels[most] / sum(labels))} of the time, and training finds that answer first",
            *kept,
            *weak,
        ],
        helps=[
            f"weigh the classes: `{_weighing(loss)}(weights = inverse_frequency)`",
            f"or draw one small balanced set: `{key} = balanced_subset(seed = 1)`",
            f"or draw both anew every epoch: `{key} = resample(ratio = 1 : 1)`"
            if len(classes) == 2
            else f"or draw all anew every epoch: `{key} = resample`",
            f"or say that it is meant so: `{key} = natural`",
        ],
    )


def _weighing(loss: Loss) -> str:
    """The head that does what `loss` does, with weights."""
    return loss.kind if loss.kind == ORDERED_LOSS else "WSoftmax"


def _report_never_drawn(classes: Sequence[str], drawn: tuple[int, ...], span: Span, out: Diagnostics) -> None:
    absent = [name for name, number in zip(classes, drawn, strict=True) if number == 0]
    names = ", ".join(f"`{name}`" for name in absent)
    shown = ", ".join(f"{number} `{name}`" for name, number in zip(classes, drawn, strict=True))
    text = f"an epoch draws no photograph of {names}"
    helps = ["a larger `size`, or a ratio with more of the class"]
    out.report("R606", text, Label(span, f"draws {shown}"), helps=helps)


def _order(classes: Sequence[str]) -> str:
    """`healthy : infected`, which numbers in this order stand for."""
    return "`" + " : ".join(classes) + "`"
