"""`ensemble` blocks: what their members have to share, so that the mean of their answers means something.

Enters: a block, the checked experiments by name (None for one with mistakes). Leaves: the ensemble, or R730 to R733.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from retdsl.check.evaluate import Env
from retdsl.check.options import Context, place_of
from retdsl.check.settings import Settings, check_settings
from retdsl.diagnostics import Label
from retdsl.ir import FOLDS, DataPlan, Ensemble, Experiment, Value
from retdsl.schema.ensembles import ENSEMBLE_KEYS
from retdsl.source import Span
from retdsl.syntax import tree as t

_PHOTOGRAPHS = ("source", "labels", "test", "exclude", "on_bad_image")
"""What says which photographs there are, and what their labels are."""


def check_ensemble(declared: t.Ensemble, experiments: Mapping[str, Experiment | None], ctx: Context) -> Ensemble | None:
    """The ensemble of a block; None after a mistake, or where an experiment has one, which has been reported."""
    checked = check_settings(ENSEMBLE_KEYS, declared.settings, declared.name.span, Env(), ctx)
    if checked is None:
        return None
    names = cast("tuple[str, ...]", checked.values["of"])
    _report_repeated(names, checked, ctx)
    members = [found for name in dict.fromkeys(names) if (found := experiments.get(name)) is not None]
    if len(members) < len(set(names)):
        return None
    errors = ctx.out.errors
    every = checked.values["folds"] is not None
    first, *others = members
    for other in others:
        _check_shared(first, other, checked, ctx)
    if every:
        for member in {member.data.name: member for member in reversed(members)}.values():
            _check_folds(member, checked, ctx)
    repeats = cast(int, checked.values["repeats"])
    ensemble = Ensemble(declared.name.name, tuple(dict.fromkeys(names)), every, repeats, place_of(declared.name.span))
    if ctx.out.errors == errors and sum(len(member.trained(folds=every, repeats=repeats)) for member in members) < 2:
        label = Label(checked.place("of", declared.name.span), "one network, trained once")
        helps = ["name several experiments, or train one several times: `repeats = 3`"]
        helps += ["or once for every fold: `folds = all`"] if first.data.split.name == FOLDS else []
        ctx.out.report("R730", f"the ensemble `{declared.name.name}` has a single member", label, helps=helps)
    return None if ctx.out.errors > errors else ensemble


def _report_repeated(names: Sequence[str], checked: Settings, ctx: Context) -> None:
    """An experiment that is named twice is a member once."""
    written = checked.written["of"]
    places: dict[str, Span] = {}
    for name, item in zip(names, written.items if isinstance(written, t.Listing) else (), strict=False):
        if name in places:
            labels = Label(item.span, "named again"), Label(places[name], "first named here")
            helps = ["leave it out"]
            ctx.out.report("R733", f"the experiment `{name}` is named twice", *labels, helps=helps)
        places.setdefault(name, item.span)


def _check_folds(member: Experiment, checked: Settings, ctx: Context) -> None:
    if member.data.split.name == FOLDS:
        return
    declared = ctx.scope.find("data", member.data.name)
    there = [] if declared is None else [Label(declared.name.span, f"is split `{member.data.split.name}`")]
    helps = [f"let `{member.data.name}` say `split = folds(5)`, or leave `folds` out"]
    text = f"`{member.name}` has no folds to be trained for"
    ctx.out.report("R732", text, Label(checked.written["folds"].span), *there, helps=helps)


def _check_shared(first: Experiment, other: Experiment, checked: Settings, ctx: Context) -> None:
    """Both must know the same classes, and be tested on the same photographs, none of which either has learned from."""
    where = Label(checked.part("of", other.name, checked.written["of"].span))
    if first.data.classes != other.data.classes:
        text = f"`{first.name}` and `{other.name}` tell other classes apart"
        notes = [f"`{one.name}`: {', '.join(one.data.classes)}" for one in (first, other)]
        ctx.out.report("R731", text, where, notes=notes, helps=["name experiments on the same data"])
        return
    ours, theirs = _photographs(first.data), _photographs(other.data)
    differs = next((key for key, value in ours.items() if value != theirs[key]), None)
    if differs is None:
        return
    labels = [where]
    for one in (other.data, first.data):
        declared = ctx.scope.find("data", one.name)
        if isinstance(declared, t.Data):
            said = next((s.value.span for s in declared.settings if s.key.name == differs), declared.name.span)
            labels.append(Label(said, f"the `{differs}` of `{one.name}`"))
    text = f"`{first.name}` and `{other.name}` are not tested on the same photographs"
    notes = [f"their data blocks have another `{differs}`; what one is tested on, another may have learned from"]
    helps = [f"let both train on `{first.data.name}`; data blocks of an ensemble may differ in `image` alone"]
    ctx.out.report("R731", text, *labels, notes=notes, helps=helps)


def _photographs(data: DataPlan) -> dict[str, Value]:
    """What decides which photographs there are and which of them are tested on; which fold validates does not."""
    split: tuple[Value, ...] = (data.split.name, *(value for key, value in data.split.options if key != "fold"))
    return {"source": data.source, **{key: data[key] for key in _PHOTOGRAPHS[1:]}, "split": split}
