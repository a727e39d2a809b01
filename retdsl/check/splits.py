"""Splits against the rest of their data block, and the fold that an experiment asks for.

Enters: the checked settings of a data block. Leaves: R601, R614 and R615; of an experiment, R616.
"""

from __future__ import annotations

from typing import cast

from retdsl.balance.counts import SIDES
from retdsl.check.options import Context
from retdsl.check.settings import Settings
from retdsl.diagnostics import Fix, Label
from retdsl.ir import FOLDS, Call, DataPlan
from retdsl.records import replace
from retdsl.source import Span

WITHOUT_COLUMNS = frozenset({"folder", "synthetic_fundus", "recordio"})
"""Sources that know of every photograph its class and its patient, and nothing else."""

_SIDES = "train is learned from, valid chooses the best epoch, test gives the final figures"


def check_split(settings: Settings, name: Span, ctx: Context) -> None:
    """Reports a split that leaves a side empty, or does not fit the source or the test set. name: of the block."""
    split, test = cast(Call, settings.values["split"]), settings.values["test"]
    span = settings.place("split", name)
    match split.name:
        case "by_patient":
            _check_shares(split, span, test is not None, ctx)
        case "folds":
            _check_folds(split, settings, span, ctx)
        case "by_column":
            _check_column(split, settings, span, ctx)
    if test is not None and split["test"] not in (0, None):
        _report_two_test_sets(split, settings, span, ctx)


def _check_shares(split: Call, span: Span, tested_elsewhere: bool, ctx: Context) -> None:
    parts = {side: float(str(split[side])) for side in ("train", "valid", "test")}
    shown = " + ".join(f"{100 * share:g}%" for share in parts.values())
    total = sum(parts.values())
    if abs(total - 1) > 1e-9:
        label = Label(span, f"{shown} = {100 * total:g}%")
        rest = 1 - parts["train"] - parts["valid"]
        helps = [f"with train and valid as they are, `test = {100 * rest:.12g}%` is left"] if rest > 0 else []
        ctx.out.report("R601", "the parts of the split do not add up to 100%", label, helps=helps)
        return
    empty = [side for side, share in parts.items() if share == 0 and not (side == "test" and tested_elsewhere)]
    if empty:
        helps = (
            [f"take a part of `train` for {' and '.join(f'`{side}`' for side in empty)}"]
            if "train" not in empty
            else []
        )
        text = f"nothing is left for {' and '.join(empty)}"
        ctx.out.report("R601", text, Label(span, shown), notes=[_SIDES], helps=helps)


def _check_folds(split: Call, settings: Settings, span: Span, ctx: Context) -> None:
    if split["column"] is not None or isinstance(split["test"], str):
        _check_column_of_folds(split, settings, span, ctx)
    if split["test"] == 1:
        where = Label(settings.part("split", "test", span), "all patients")
        ctx.out.report("R601", "nothing is left for the folds", where, notes=[_SIDES])
    _check_fold(split, cast(int, split["fold"]), Label(settings.part("split", "fold", span)), (), ctx)


def _check_column_of_folds(split: Call, settings: Settings, span: Span, ctx: Context) -> None:
    """A column and its word for the test side belong together."""
    if split["column"] is None:
        where = Label(settings.part("split", "test", span), "a word of which column?")
        helps = [
            f"name it: `column = split, test = {split['test']}`",
            "or give the share of the patients: `test = 20%`",
        ]
        ctx.out.report("R614", "no column is named that says what is tested on", where, helps=helps)
    elif not isinstance(split["test"], str):
        where = Label(settings.part("split", "column", span), "names what is tested on")
        helps = ["give the word that it has for the test side: `test = test`"]
        ctx.out.report("R614", "the folds have a column, and no word of it for the test side", where, helps=helps)
    else:
        _check_words(split, settings, span, ctx)


def _check_column(split: Call, settings: Settings, span: Span, ctx: Context) -> None:
    _check_words(split, settings, span, ctx)
    if split["valid"] in (0, 1):
        empty = "valid" if split["valid"] == 0 else "train"
        where = Label(settings.part("split", "valid", span))
        ctx.out.report("R601", f"nothing is left for {empty}", where, notes=[_SIDES])
    if split["test"] is None and settings.values["test"] is None:
        where = Label(settings.part("split", "test", span))
        helps = ["give the word of the test side, or a test set of its own: `test = csv(...)`"]
        ctx.out.report("R601", "nothing is left for test", where, notes=[_SIDES], helps=helps)


def _check_words(split: Call, settings: Settings, span: Span, ctx: Context) -> None:
    """The column of a split, and its words for the sides."""
    source = settings.values["source"]
    sources = [one for one in (source if isinstance(source, tuple) else (source,)) if isinstance(one, Call)]
    without = next((one for one in sources if one.name in WITHOUT_COLUMNS), None)
    if without is not None:
        here = Label(settings.written["source"].span, "has no columns")
        helps = [f"list the photographs in a table: `csv(..., patient = ...)` with a column `{split['column']}`"]
        ctx.out.report("R614", f"`{without.name}` has no column to split by", Label(span), here, helps=helps)
    options = dict(split.options)
    words = {side: word for side in SIDES if isinstance(word := options.get(side), str)}
    for side, word in words.items():
        first = next(other for other in words if words[other] == word)
        if first != side:
            text = f"`{word}` is the word of two sides, {first} and {side}"
            helps = [f"give `{side}` the word that the column `{split['column']}` has for it"]
            ctx.out.report("R614", text, Label(settings.part("split", side, span)), helps=helps)


def _report_two_test_sets(split: Call, settings: Settings, span: Span, ctx: Context) -> None:
    here = settings.written["test"].span
    options = dict(split.options)
    options["test"] = None if split.name == "by_column" else 0.0
    if split.name == FOLDS:  # what the column would set aside is divided into folds
        options["column"], options["train"] = None, "train"
    if split.name == "by_patient":  # what was set aside to test on is learned from
        options["train"] = round(1 - cast(float, split["valid"]), 12)
    right = _spelt(Call(split.name, tuple(options.items())))
    written = "split" in settings.written
    told = [Label(span, "sets photographs aside to test on")] if written else []
    notes = [] if written else [f"without `split`, patients are divided `{_spelt(split)}`"]
    helps = [f"write `{right}`" if written else f"add `split = {right}`"]
    fixes = [Fix.at(span, right)] if written else []
    text = "there is a test set, and the split makes another one"
    ctx.out.report(
        "R615", text, Label(here, "all of these are to test on"), *told, notes=notes, helps=helps, fixes=fixes
    )


def _spelt(split: Call) -> str:
    """A split as the language writes it; of shares, all three."""
    from retdsl.schema.spelling import spell, spell_call
    from retdsl.schema.types import Fraction

    written = spell_call(split, "split")
    if split.name != "by_patient":
        return written
    shares = ", ".join(f"{side} = {spell(split[side], Fraction())}" for side in ("train", "valid", "test"))
    others = spell_call(Call("by_patient", tuple(o for o in split.options if o[0] in ("seed", "stable"))), "split")
    return f"by_patient({shares}{others.removeprefix('by_patient').rstrip(')').replace('(', ', ', 1)})"


def with_fold(data: DataPlan, fold: int, written: Span, ctx: Context) -> DataPlan | None:
    """The plan in which that fold validates; None, and a message, if its split has no such fold.

    written: where the experiment says so.
    """
    if data.split.name != FOLDS:
        declared = ctx.scope.find("data", data.name)
        there = [] if declared is None else [Label(declared.name.span, f"is split `{data.split.name}`")]
        helps = [f"let `{data.name}` say `split = folds(5)`, or leave `fold` out"]
        ctx.out.report("R616", f"`{data.name}` is not split into folds", Label(written), *there, helps=helps)
        return None
    declared = ctx.scope.find("data", data.name)
    there = [] if declared is None else [Label(declared.name.span, f"has {data.split['k']}")]
    if not _check_fold(data.split, fold, Label(written), there, ctx):
        return None
    options = tuple((key, fold if key == "fold" else value) for key, value in data.split.options)
    return replace(data, split=Call(FOLDS, options, data.split.place))


def _check_fold(split: Call, fold: int, where: Label, there: tuple[Label, ...] | list[Label], ctx: Context) -> bool:
    k = cast(int, split["k"])
    if fold <= k:
        return True
    ctx.out.report("R616", f"there is no fold {fold} of {k}", where, *there, helps=[f"folds count from 1 to {k}"])
    return False
