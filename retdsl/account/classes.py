"""What `check --verbose` tells of the classes: what the network sees of each, and what its figures are measured on.

Enters: an experiment, and the photographs of its classes where they are known. Leaves: a section for each, in the words
of the language; what is not known is a question mark, and a sentence that says how it would be.
"""

from __future__ import annotations

from collections.abc import Sequence

from retdsl.account.section import Section
from retdsl.balance.counts import Counts, Side, shares_of
from retdsl.balance.epochs import base_of
from retdsl.balance.numbers import percent, short, whole_percent
from retdsl.balance.precision import TYPICAL, wilson
from retdsl.balance.prior import Seen, seen_by_network, shares
from retdsl.ir import DataPlan, Experiment
from retdsl.records import dataclass

UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class SeenData:
    """`Seen` for programs: of each class in the order of `classes`, null where it is not known."""

    classes: tuple[str, ...]
    exact: bool
    train: tuple[int, ...] | None
    train_patients: tuple[int, ...] | None
    drawn: tuple[int, ...] | None
    weights: tuple[float, ...] | None
    labels_share: tuple[float, ...] | None
    drawn_share: tuple[float, ...] | None
    effective_share: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class MeasuredData:
    """The sides that figures are measured on: photographs and patients of each class, null where they are not known."""

    classes: tuple[str, ...]
    exact: bool
    valid: Side | None
    test: Side | None


def seen_section(experiment: Experiment, counts: Counts | None) -> Section:
    """Class by class: photographs to learn from, what an epoch draws of them, what one weighs, the effective prior."""
    data, loss = experiment.data, experiment.network.loss
    assert loss is not None, "an experiment's network has a loss"
    side = counts.train if counts else None
    labels = side.photographs if side else None
    seen = seen_by_network(experiment.sampling, loss, len(data.classes), side, experiment.training.epochs)
    moves = base_of(experiment.sampling).name == "progressive"
    epoch = f"epoch {experiment.training.epochs}" if moves else "an epoch"
    columns = ("", "train", "", epoch, "", "weight", "the network sees")
    known = any(part is not None for part in (labels, seen.sampled, seen.weights, seen.effective))
    rows = tuple(_seen_row(name, at, seen, labels) for at, name in enumerate(data.classes)) if known else ()
    notes = [_origin(data, counts)]
    if gamma := dict(loss.options).get("gamma"):
        notes.append(f"gamma = {gamma:g} comes on top: it acts on each photograph by how sure the network is of it")
    plain = SeenData(
        classes=data.classes,
        exact=counts is not None and counts.exact,
        train=labels,
        train_patients=counts.train.patients if counts else None,
        drawn=seen.drawn,
        weights=seen.weights,
        labels_share=None if seen.labels is None else shares(seen.labels),
        drawn_share=None if seen.sampled is None else shares(seen.sampled),
        effective_share=seen.effective,
    )
    return Section("seen", "what the network sees", columns, rows, tuple(notes), plain)


def measured_section(experiment: Experiment, counts: Counts | None) -> Section:
    """Class by class: photographs to validate and to test on, and what a share of so many can mean."""
    data = experiment.data
    plain = MeasuredData(
        classes=data.classes,
        exact=counts is not None and counts.exact,
        valid=counts.valid if counts else None,
        test=counts.test if counts and not _is_uncounted(counts) else None,
    )
    title, typical = "what its figures are measured on", f"{whole_percent(TYPICAL)} means"
    if counts is None:
        return Section("measured", title, (), (), (), plain)
    patients = ("patients",) * counts.exact
    columns = ("", "valid", *patients, typical, "test", *patients, typical)
    note = f"{typical}: the 95 % interval of the truth if {whole_percent(TYPICAL)} of a class are right"
    rows = []
    for at, name in enumerate(data.classes):
        test = (UNKNOWN, UNKNOWN) if _is_uncounted(counts) else _side_cells(counts.test, at)
        rows.append((name, *_side_cells(counts.valid, at), *test))
    return Section("measured", title, columns, tuple(rows), (note,), plain)


def _seen_row(name: str, at: int, seen: Seen, labels: tuple[int, ...] | None) -> tuple[str, ...]:
    return (
        name,
        UNKNOWN if labels is None else str(labels[at]),
        _share(seen.labels, at),
        UNKNOWN if seen.drawn is None else str(seen.drawn[at]),
        _share(seen.sampled, at),
        UNKNOWN if seen.weights is None else short(seen.weights[at]),
        _share(seen.effective, at),
    )


def _share(parts: Sequence[float] | None, at: int) -> str:
    of_all = None if parts is None else shares(parts)
    return UNKNOWN if of_all is None else percent(of_all[at])


def _side_cells(side: Side, at: int) -> tuple[str, ...]:
    """Photographs, patients if they were counted, and what a measured share of `TYPICAL` may be in truth."""
    number = side.photographs[at]
    low, high = wilson(TYPICAL * number, number) if number else (0.0, 1.0)
    patients = () if side.patients is None else (str(side.patients[at]),)
    return (str(number), *patients, f"{100 * low:.0f} to {whole_percent(high)}")


def _is_uncounted(counts: Counts) -> bool:
    """Whether the test side is a test set from elsewhere that nobody has counted."""
    return counts.apart and not counts.exact and not any(counts.test.photographs)


def _origin(data: DataPlan, counts: Counts | None) -> str:
    """Where the numbers come from, or how they would come."""
    if counts is None:
        give = "" if shares_of(data.split) is None else f"give `counts = ...` in `data {data.name}`, or "
        return f"counts are not known: {give}use --data"
    total = " : ".join(map(str, counts.total))
    match counts.origin:
        case "read":
            return f"counted in the labels, {total} in all"
        case "given":
            return f"estimates from `counts = {total}` and the shares of the split; --data counts"
        case "painted":
            return f"estimates from {total}, which `synthetic_fundus` paints; --data counts"
        case "fold":
            return f"estimates for this fold, from {total} counted in the labels"
