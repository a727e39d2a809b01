"""`data` declarations to plans."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from retdsl.balance.counts import Reading
from retdsl.check.counts import check_counts
from retdsl.check.evaluate import Env
from retdsl.check.options import Context, place_of
from retdsl.check.photographs import check_image
from retdsl.check.settings import Settings, check_settings
from retdsl.check.sources import check_sources, places_of_files
from retdsl.check.splits import check_split
from retdsl.diagnostics import Label
from retdsl.ir import Call, DataPlan
from retdsl.schema.data import DATA_KEYS
from retdsl.schema.sources import FINDINGS
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
    split = cast(Call, settings.values["split"])
    if "labels" in settings.written or _has(declared, "->", FINDINGS):
        from retdsl.check.labels import check_labels

        check_labels(settings, classes, ctx)
    check_split(settings, declared.name.span, ctx)
    for key in ("source", "test"):
        if settings.values[key] is not None:
            named = settings.written["classes"].span
            settings.values[key] = check_sources(settings.values[key], settings.written[key], classes, named, ctx)
    source = cast(Call, settings.values["source"])
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
    places = tuple((key, place_of(value.span)) for key, value in settings.written.items())
    plan = DataPlan(
        declared.name.name, source, classes, split, prepare, normalize, None, shape, place, counts, others, places
    )
    written = settings.written["source"].span
    check_counts(plan, written, settings.place("counts", written), _places(settings), reading, ctx.out)
    if settings.values["exclude"] is not None:
        from retdsl.check.exclusion import check_exclusion

        check_exclusion(settings, reading, declared.name.span, ctx.out)
    return plan


def _has(declared: t.Data, *signs: str) -> bool:
    """Whether one of the signs stands in a block, or in a setting of it from the command line."""
    texts = (declared.span.text, *(setting.value.span.text for setting in declared.settings))
    return any(sign in text for text in texts for sign in signs)


def _places(settings: Settings) -> dict[str, Span]:
    """Where the files that reading may find fault with are named."""
    places: dict[str, Span] = {}
    for key in ("test", "source"):
        if isinstance(source := settings.values[key], Call):
            places |= places_of_files(source, settings.written[key])
    if isinstance(exclude := settings.values["exclude"], Call):
        places[str(exclude["path"])] = settings.written["exclude"].span
    return places


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
