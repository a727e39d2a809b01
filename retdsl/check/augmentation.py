"""Steps of `augment` chains beside one another: their order, and whether they fit the photographs and their classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias, cast

from retdsl.check.fixes import rename_fixes
from retdsl.check.heads import classes_of
from retdsl.check.options import Context
from retdsl.diagnostics import Label
from retdsl.diagnostics.suggest import guess
from retdsl.ir import Call, DataPlan
from retdsl.schema import ENTRIES
from retdsl.schema.augmentations import CATEGORY, MIXING, OF_COLOURS
from retdsl.source import Span
from retdsl.syntax import tree as t

Step: TypeAlias = "tuple[Call, t.Expr]"
"""A checked step, and what was written."""


def check_together(steps: Sequence[Call], declared: t.Augment, ctx: Context) -> bool:
    """Whether the steps of a chain can be done in their order, and those of `one_of` be chosen from."""
    errors = ctx.out.errors
    written = list(_written(steps, declared.value))
    _check_mixing_is_last(written, ctx)
    for call, step in written:
        _check_choice(call, step, ctx)
    return ctx.out.errors == errors


def check_augmented(steps: Sequence[Call], name: str, used: Span, data: DataPlan, batch: int, ctx: Context) -> None:
    """Whether the steps of the chain called `name` fit photographs, their classes, and the batch.

    used: where a train block names the chain.
    """
    declared = ctx.scope.find("augment", name)
    if not isinstance(declared, t.Augment):
        return
    for call, step in _all(_written(steps, declared.value)):
        _check_classes(call, step, used, data, ctx)
        if call.name in OF_COLOURS and any(earlier.name == "green_channel" for earlier in data.prepare):
            text = f"`{call.name}` changes colours, and the photographs of `{data.name}` have none"
            notes = ["`green_channel` leaves one colour, so that this step would do nothing"]
            ctx.out.report("R619", text, Label(step.span), Label(used, "used here"), notes=notes)
        if call.name in MIXING and batch == 1:
            text = f"`{call.name}` blends images of one batch, and a batch is one image"
            ctx.out.report("R619", text, Label(step.span), Label(used, "used here"), helps=["give a larger `batch`"])


def _written(steps: Sequence[Call], chain: t.Expr) -> Iterator[Step]:
    """The steps of a chain with what was written; its first word is left out."""
    links = t.links_of(chain)
    yield from zip(steps, (link.step for link in links[-len(steps) :]), strict=True)


def _all(steps: Iterator[Step]) -> Iterator[Step]:
    """The steps, and those that they choose from."""
    for call, step in steps:
        yield call, step
        if call.name == "one_of":
            yield from _all(_choices(call, step))


def _choices(call: Call, step: t.Expr) -> Iterator[Step]:
    listing = _argument(step, "steps")
    items = listing.items if isinstance(listing, t.Listing) else ()
    yield from zip(cast("tuple[Call, ...]", call["steps"]), items, strict=False)


def _argument(step: t.Expr, option: str) -> t.Expr | None:
    """What was written for an option of a step; None if nothing was."""
    called = ENTRIES[CATEGORY].get(step.function.name) if isinstance(step, t.Apply) else None
    unnamed = iter(called.unnamed if called else ())
    for argument in step.arguments if isinstance(step, t.Apply) else ():
        if option == (next(unnamed, "") if argument.name is None else argument.name.name):
            return argument.value
    return None


def _check_mixing_is_last(steps: Sequence[Step], ctx: Context) -> None:
    mixing: Step | None = None
    for call, step in steps:
        if call.name in MIXING:
            mixing = mixing or (call, step)
        elif mixing is not None:
            name = mixing[0].name
            notes = ["it blends images that are ready, batch by batch, and all other steps change single ones"]
            labels = Label(step.span, "comes after it"), Label(mixing[1].span, "must come after all others")
            helps = [f"move `{name}` to the end of the chain"]
            ctx.out.report("R619", f"`{call.name}` cannot follow `{name}`", *labels, notes=notes, helps=helps)


def _check_choice(call: Call, step: t.Expr, ctx: Context) -> None:
    """What `one_of` chooses from, and how often."""
    if call.name != "one_of":
        return
    choices, weights = cast("tuple[Call, ...]", call["steps"]), call["weights"]
    for chosen, written in _choices(call, step):
        if chosen.name in MIXING:
            notes = ["`one_of` chooses for single images, and a step that blends them acts on a batch"]
            helps = [f"write `=> {chosen.name}` at the end of the chain, with a `p` of its own"]
            text = f"`{chosen.name}` cannot stand in `one_of`"
            ctx.out.report("R619", text, Label(written.span), notes=notes, helps=helps)
        _check_choice(chosen, written, ctx)
    if isinstance(weights, tuple) and len(weights) != len(choices):
        given = f"{len(weights)} weight{'s' * (len(weights) > 1)}"
        place, among = _argument(step, "weights") or step, _argument(step, "steps") or step
        labels = Label(place.span, given), Label(among.span, f"{len(choices)} steps")
        ctx.out.report("R619", f"`one_of` has {given} for {len(choices)} steps", *labels)


def _check_classes(call: Call, step: t.Expr, used: Span, data: DataPlan, ctx: Context) -> None:
    """Whether the classes that a step acts on are classes of the data."""
    named, listing = call["on"], _argument(step, "on")
    if not isinstance(named, tuple):
        return
    places = [item.span for item in listing.items] if isinstance(listing, t.Listing) else []
    for at, title in enumerate(named):
        if title in data.classes:
            continue
        place = places[at] if at < len(places) else step.span
        meant = guess(str(title), data.classes)
        helps = [meant.question or f"its classes are {', '.join(f'`{name}`' for name in data.classes)}"]
        labels = Label(place, "no such class"), Label(used, "used here"), *classes_of(data.name, len(data.classes), ctx)
        fixes = rename_fixes(meant, str(title), place, own=True)
        ctx.out.report("R620", f"`{data.name}` has no class `{title}`", *labels, helps=helps, fixes=fixes)
