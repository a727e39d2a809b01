"""`data` and `sampling` declarations to plans."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from retdsl.balance.counts import Reading
from retdsl.check.counts import check_counts
from retdsl.check.evaluate import Env, evaluate
from retdsl.check.options import Context, Failed, check_call, place_of
from retdsl.check.photographs import check_image
from retdsl.check.settings import Settings, check_settings
from retdsl.diagnostics import Label
from retdsl.ir import Call, DataPlan, Value
from retdsl.schema.data import DATA_KEYS
from retdsl.source import Span
from retdsl.syntax import tree as t

PLANNED = frozenset({"source", "classes", "counts", "split", "image"})
"""Keys of a data block that a plan has fields for; all others travel as its settings."""


def check_data(declared: t.Data, ctx: Context, root: Path, reading: Reading | None = None) -> DataPlan | None:
    """The plan of a data block; None after a mistake.

    root: where relative paths start. reading: what its labels and photographs say, if known.
    """
    settings = check_settings(DATA_KEYS, declared.settings, declared.name.span, Env(), ctx)
    if settings is None:
        for setting in declared.settings:  # the image chain may have mistakes of its own
            if setting.key.name == "image" and not isinstance(setting.value, t.Illegible):
                check_image(setting.value, ctx, root)
        return None
    errors = ctx.out.errors
    classes = cast("tuple[str, ...]", settings.values["classes"])
    _check_classes(classes, settings.written["classes"], ctx)
    source, split = cast(Call, settings.values["source"]), cast(Call, settings.values["split"])
    _check_split(split, settings.place("split", declared.name.span), ctx)
    if dict(source.options).get("patient", True) is None:
        label = Label(settings.written["source"].span, "no `patient`")
        notes = ["two eyes of one patient look alike; on both sides of a split they make the figures too good"]
        example = {"csv": "patient = COLUMN", "folder": 'patient = "(p[0-9]+)_"'}.get(source.name, "patient = ...")
        helps = [f"name what tells patients apart, as in `{source.name}(..., {example})`"]
        ctx.out.report("R602", "photographs are split without knowing the patients", label, notes=notes, helps=helps)
    if source.name == "synthetic_fundus":
        _check_painted(source, classes, settings, ctx)
    counts = cast("tuple[int, ...] | None", settings.values["counts"])
    if counts is not None and len(counts) != len(classes):
        text = f"{len(counts)} counts for {len(classes)} classes"
        where = Label(settings.written["counts"].span), Label(settings.written["classes"].span, f"{len(classes)} named")
        ctx.out.report("R503", text, *where)
    image = check_image(settings.written["image"], ctx, root)
    if image is None or ctx.out.errors > errors:
        return None
    prepare, normalize, shape = image
    place = place_of(declared.name.span)
    others = tuple((key, value) for key, value in settings.values.items() if key not in PLANNED)
    plan = DataPlan(declared.name.name, source, classes, split, prepare, normalize, None, shape, place, counts, others)
    written = settings.written["source"].span
    check_counts(plan, written, settings.place("counts", written), settings.place("exclude", written), reading, ctx.out)
    if settings.values["exclude"] is not None:
        from retdsl.check.exclusion import check_exclusion

        check_exclusion(settings, reading, declared.name.span, ctx.out)
    return plan


def _check_classes(classes: Sequence[str], written: t.Expr, ctx: Context) -> None:
    if len(classes) < 2:
        notes = ["a network learns to tell classes apart"]
        label = Label(written.span, f"{len(classes)} given")
        ctx.out.report("R603", "at least two classes are needed", label, notes=notes)
    items = written.items if isinstance(written, t.Listing) else ()
    first: dict[str, Span] = {}
    for name, item in zip(classes, items, strict=False):
        if name in first:
            label = Label(item.span, "named again")
            ctx.out.report("R603", f"the class `{name}` is named twice", label, Label(first[name], "first named here"))
        first.setdefault(name, item.span)


def _check_painted(source: Call, classes: Sequence[str], settings: Settings, ctx: Context) -> None:
    """`synthetic_fundus` paints healthy and infected eyes, and nothing else."""
    here = settings.written["source"].span
    if len(classes) > 2:
        text = f"`synthetic_fundus` paints two classes, and there are {len(classes)}"
        ctx.out.report("R603", text, Label(settings.written["classes"].span), Label(here, "paints two"))
    if len(cast("tuple[Value, ...]", source["ratio"])) != 2:
        place = Label(settings.part("source", "ratio", here))
        ctx.out.report("R303", "the ratio of `synthetic_fundus` has two parts, as `200 : 3`", place)


def _check_split(split: Call, span: Span, ctx: Context) -> None:
    parts = {side: float(str(split[side])) for side in ("train", "valid", "test")}
    shown = " + ".join(f"{100 * share:g}%" for share in parts.values())
    total = sum(parts.values())
    if abs(total - 1) > 1e-9:
        label = Label(span, f"{shown} = {100 * total:g}%")
        rest = 1 - parts["train"] - parts["valid"]
        helps = [f"with train and valid as they are, `test = {100 * rest:.12g}%` is left"] if rest > 0 else []
        ctx.out.report("R601", "the parts of the split do not add up to 100%", label, helps=helps)
        return
    empty = [side for side, share in parts.items() if share == 0]
    if empty:
        notes = ["train is learned from, valid chooses the best epoch, test gives the final figures"]
        helps = (
            [f"take a part of `train` for {' and '.join(f'`{side}`' for side in empty)}"]
            if "train" not in empty
            else []
        )
        text = f"nothing is left for {' and '.join(empty)}"
        ctx.out.report("R601", text, Label(span, shown), notes=notes, helps=helps)


def check_sampling(declared: t.Sampling, ctx: Context) -> Call | None:
    """The policy of a sampling."""
    val = evaluate(declared.value, Env(), ctx.out)
    if val is None:
        return None
    call = check_call(val, "sampling policy", ctx)
    return None if isinstance(call, Failed) else call
