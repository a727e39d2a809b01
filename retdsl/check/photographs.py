"""Chains on photographs: the steps of any, and the order and shapes of `photo => ...`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from retdsl.check.evaluate import CallValue, Env, Val
from retdsl.check.fixes import behind
from retdsl.check.options import Context, Failed, check_call
from retdsl.diagnostics import Fix, Label
from retdsl.ir import Call, Shape
from retdsl.schema import ENTRIES
from retdsl.schema.augmentations import CATEGORY as AUGMENTATION
from retdsl.schema.augmentations import PARTICULAR
from retdsl.schema.model import ShapeError
from retdsl.schema.preparation import CATEGORY, NORMALIZE, OF_ANY_SIZE, PHOTOGRAPH_RULES, PHOTOGRAPHS
from retdsl.schema.types import Word
from retdsl.source import Span
from retdsl.syntax import tree as t


def check_image(chain: t.Expr, ctx: Context, root: Path) -> tuple[tuple[Call, ...], Call | None, Shape] | None:
    """The steps of `photo => ...`: preparation, normalize if given, and the shape `(None, C, H, W)` that comes out."""
    steps = check_steps(chain, "photo", CATEGORY, ctx)
    if steps is None:
        return None
    photographs = PHOTOGRAPHS
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
        try:
            photographs = PHOTOGRAPH_RULES[call.name](photographs, dict(call.options))
        except ShapeError as error:
            notes, helps = ([said] if said else [] for said in (error.note, error.help))
            ctx.out.report("R604", error.message, Label(span), notes=notes, helps=helps)
            return None
    if photographs.height is None or photographs.width is None:
        _report_no_size(chain, prepare, ctx)
        return None
    shape = (None, photographs.channels, photographs.height, photographs.width)
    if normalize is not None:
        from retdsl.check.mean_image import check_mean, check_mean_image

        step = t.links_of(chain)[-1].step
        normalize = check_mean(normalize, step, normalized, photographs.channels, ctx.out)
        if normalize is None:
            return None
        check_mean_image(normalize, step, normalized, shape, root, ctx.out)
    return tuple(prepare), normalize, shape


def _report_no_size(chain: t.Expr, prepare: Sequence[Call], ctx: Context) -> None:
    helps = ["add `=> resize(224, 224)`" + (f" behind `{prepare[-1].name}`" if prepare else "")]
    sized = any(call.name == "resize" for call in prepare)
    last = next((call.name for call in reversed(prepare) if call.name in OF_ANY_SIZE), "")
    notes = [f"`{last}` gives every photograph a size of its own again"] if sized else []
    fixes = [behind(chain.span, " => resize(224, 224)")]
    text = "the photographs have no common size"
    ctx.out.report("R604", text, Label(chain.span), notes=notes, helps=helps, fixes=fixes)


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
    """The steps of an augment chain; None after a mistake."""
    checked = check_steps(declared.value, "image", AUGMENTATION, ctx)
    if checked is None:
        return None
    steps = tuple(call for call, _ in checked)
    if not fit_anywhere(steps):
        from retdsl.check.augmentation import check_together

        return steps if check_together(steps, declared, ctx) else None
    return steps


def fit_anywhere(steps: Sequence[Call]) -> bool:
    """Whether steps of an augment chain can stand in any order, and be used with any photographs, as most can."""
    return not any(call.name in PARTICULAR or call["on"] is not None for call in steps)
