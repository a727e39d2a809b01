"""`data`, `augment` and `sampling` declarations to plans."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from retdsl.balance.counts import Reading
from retdsl.check.counts import check_counts
from retdsl.check.evaluate import CallValue, Env, Val, evaluate
from retdsl.check.fixes import behind
from retdsl.check.option_messages import about, report_unknown_option
from retdsl.check.options import (
    Context,
    Failed,
    check_call,
    check_value,
    default_of,
    place_of,
)
from retdsl.diagnostics import Fix, Label
from retdsl.ir import Call, DataPlan, Shape, Value
from retdsl.records import dataclass
from retdsl.schema import ENTRIES, REQUIRED, Entry
from retdsl.schema.data import DATA_KEYS, NORMALIZE
from retdsl.schema.types import Steps, Word
from retdsl.source import Span
from retdsl.syntax import tree as t


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of a block: the checked values of all but chains, and what was written for those that the spec gives."""

    values: dict[str, Value]
    written: dict[str, t.Expr]

    def place(self, key: str, otherwise: Span) -> Span:
        """Where the value of a key was written; `otherwise` for a default."""
        return self.written[key].span if key in self.written else otherwise

    def part(self, key: str, name: str, otherwise: Span) -> Span:
        """Where `name` stands in the value of a key: an item of a list, or an option of a call."""
        value = self.written.get(key)
        for item in value.items if isinstance(value, t.Listing) else ():
            called = item.function if isinstance(item, t.Apply) else item
            if isinstance(called, t.Ref) and called.name == name:
                return item.span
        for argument in value.arguments if isinstance(value, t.Apply) else ():
            if argument.name is not None and argument.name.name == name:
                return argument.value.span
        return self.place(key, otherwise)


def check_settings(
    entry: Entry,
    settings: Sequence[t.Setting],
    name: Span,
    env: Env,
    ctx: Context,
    *,
    overriding: bool = False,
    whole: bool = True,
) -> Settings | None:
    """The keys of a block against the schema, with defaults; chains are handed on as they are.

    overriding: a later setting of the same key replaces an earlier one (inherited keys), instead of being reported.
    whole: False if missing keys are reported elsewhere, at the block that this one descends from.
    """
    written: dict[str, t.Setting] = {}
    meant: set[str] = set()
    ok = True
    known = {option.name: option for option in entry.options}
    keys = {setting.key.name for setting in settings}
    given = keys if whole else known
    for setting in settings:
        key = setting.key.name
        if key not in known:
            near, sure = report_unknown_option(entry, setting.key, known, given, ctx.out)
            if sure is None or (sure in keys and not overriding):
                meant.update(near)
                ok = False
                continue
            key = sure
        if key in written and not overriding:
            first = Label(written[key].key.span, "first given here")
            ctx.out.report("R305", f"`{key}` is given twice", Label(setting.key.span, "given again"), first)
            ok = False
        else:
            written[key] = setting
    values: dict[str, Value] = {}
    for key, option in known.items():
        if key in written and isinstance(written[key].value, t.Illegible):
            ok = False
        elif key in written and isinstance(option.type, Steps):
            continue
        elif key in written:
            val = evaluate(written[key].value, env, ctx.out)
            value = None if val is None else check_value(val, option.type, ctx, f"`{key}`")
            if val is None or isinstance(value, Failed):
                ok = False
            else:
                values[key] = value
        elif option.default is REQUIRED and (key in meant or not whole):
            ok = False
        elif option.default is REQUIRED:
            label, notes, helps = (
                Label(name, f"no `{key}`"),
                [about(option)],
                [f"add `{key} = ...`, {option.type.words}"],
            )
            ctx.out.report("R301", f"this `{entry.name}` block needs `{key}`", label, notes=notes, helps=helps)
            ok = False
        else:
            values[key] = default_of(option)
    return Settings(values, {key: setting.value for key, setting in written.items()}) if ok else None


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
    plan = DataPlan(declared.name.name, source, classes, split, prepare, normalize, None, shape, place, counts)
    written = settings.written["source"].span
    check_counts(plan, written, settings.place("counts", written), reading, ctx.out)
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


def check_image(chain: t.Expr, ctx: Context, root: Path) -> tuple[tuple[Call, ...], Call | None, Shape] | None:
    """The steps of `photo => ...`: preparation, normalize if given, and the shape `(None, 3, H, W)` that comes out."""
    steps = check_steps(chain, "photo", "image step", ctx)
    if steps is None:
        return None
    size: tuple[Value, Value] | None = None
    normalize: Call | None = None
    normalized = chain.span
    prepare: list[Call] = []
    for call, span in steps:
        if normalize is not None:
            ends = Label(normalized, "nothing may follow it")
            ctx.out.report("R604", "`normalize` must be the last step", ends, Label(span, "comes after it"))
            return None
        if call.name == NORMALIZE.name:
            normalize, normalized = call, span
            continue
        prepare.append(call)
        size = (call["height"], call["width"]) if call.name == "resize" else None
    if size is None:
        helps = ["add `=> resize(224, 224)`" + (f" behind `{prepare[-1].name}`" if prepare else "")]
        resized = any(call.name == "resize" for call in prepare)
        notes = [f"`{prepare[-1].name}` gives every photograph a size of its own again"] if resized else []
        text = "the photographs have no common size"
        fixes = [behind(chain.span, " => resize(224, 224)")]
        ctx.out.report("R604", text, Label(chain.span), notes=notes, helps=helps, fixes=fixes)
        return None
    shape = (None, 3, int(str(size[0])), int(str(size[1])))
    if normalize is not None:
        from retdsl.check.mean_image import check_mean, check_mean_image

        step = t.links_of(chain)[-1].step
        normalize = check_mean(normalize, step, normalized, ctx.out)
        if normalize is None:
            return None
        check_mean_image(normalize, step, normalized, shape, root, ctx.out)
    return tuple(prepare), normalize, shape


def check_steps(chain: t.Expr, first: str, category: str, ctx: Context) -> list[tuple[Call, Span]] | None:
    """The steps of a chain that starts with the word `first`; None after a mistake."""
    links = t.links_of(chain)
    head = links[0].step
    ok = isinstance(head, t.Ref) and head.name == first
    if not ok:
        label = Label(head.span, f"not `{first}`")
        helps, fixes = [f"write `{first} => ...`"], _start_fixes(head, first, category)
        ctx.out.report("R604", f"this chain starts with `{first}`", label, helps=helps, fixes=fixes)
    steps: list[tuple[Call, Span]] = []
    called = head.function if isinstance(head, t.Apply) else head
    is_step = isinstance(called, t.Ref) and called.name in ENTRIES[category]
    for link in links if is_step else links[1:]:
        step = link.step
        val: Val | None = None
        if isinstance(step, t.Ref):
            val = Val(Word(step.name), step.span)
        elif isinstance(step, t.Apply):
            val = Val(CallValue(step, Env()), step.span)
        else:
            ctx.out.report("R205", f"this is no {category}", Label(step.span))
        call = check_call(val, category, ctx) if val is not None else None
        if call is None or isinstance(call, Failed):
            ok = False
        else:
            steps.append((call, step.span))
    return steps if ok else None


def _start_fixes(head: t.Expr, first: str, category: str) -> list[Fix]:
    """The word that a chain starts with, in place of the other one, or before its first step."""
    called = head.function if isinstance(head, t.Apply) else head
    if isinstance(called, t.Ref) and called.name in ENTRIES[category]:
        return [Fix.at(Span(head.span.source, head.span.start, head.span.start), f"{first} => ", safe=True)]
    return [Fix.at(head.span, first, safe=head.name in ("photo", "image"))] if isinstance(head, t.Ref) else []


def check_augment(declared: t.Augment, ctx: Context) -> tuple[Call, ...] | None:
    """The steps of an augment chain."""
    steps = check_steps(declared.value, "image", "augmentation", ctx)
    return None if steps is None else tuple(call for call, _ in steps)


def check_sampling(declared: t.Sampling, ctx: Context) -> Call | None:
    """The policy of a sampling."""
    val = evaluate(declared.value, Env(), ctx.out)
    if val is None:
        return None
    call = check_call(val, "sampling policy", ctx)
    return None if isinstance(call, Failed) else call
