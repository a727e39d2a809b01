"""What the data were: how many photographs are on which side, how they came there, and what was left out.

Enters: lock.json, and the experiment of program.json. Leaves: a table and lines of a name and a text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from retdsl.program_json import call_of
from retdsl.report.words import counted, facts, listed
from retdsl.schema.spelling import spell_call

SIDES = {"train": "to learn from", "valid": "to validate", "test": "to test"}

CATEGORIES = {"source": "data source", "split": "split"}
"""Of the schema, by the key of a data block."""

LEAKS = {
    "patient": "patients on two sides",
    "identical": "the same photograph on two sides",
    "similar": "nearly the same photograph on two sides",
}

NAMED = 3
"""Cases that are named; the others are counted."""


@dataclass(frozen=True)
class Side:
    """Photographs, patients, and photographs of each class on a side of the split."""

    title: str
    images: int
    patients: int
    classes: tuple[int, ...]


def sides(lock: Mapping[str, Any], classes: tuple[str, ...]) -> list[Side]:
    """The sides of the split; one that has nothing is left out."""
    found = lock.get("split") or {}
    return [
        Side(title, one["images"], one.get("patients", 0), tuple(one.get(name, 0) for name in classes))
        for side, title in SIDES.items()
        if (one := found.get(side)) and one.get("images")
    ]


def told(lock: Mapping[str, Any], plan: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Everything else, as a name, a text, and whether the text is code of the language."""
    data = plan.get("data") or {}
    for title, key in (("photographs", "source"), ("split", "split")):
        if key in data:
            yield title, spell_call(call_of(data[key]), CATEGORIES[key]), True
    if data.get("prepare"):
        steps = [spell_call(call_of(step), "image step") for step in data["prepare"]]
        yield "prepared by", " => ".join(["photo", *steps]), True
    if plan.get("sampling"):
        yield "an epoch sees", spell_call(call_of(plan["sampling"]), "sampling policy"), True
    if plan.get("augment"):
        yield "augmented by", " => ".join(spell_call(call_of(step), "augmentation") for step in plan["augment"]), True
    if weights := lock.get("class_weights"):
        yield "weights in the loss", ", ".join(f"{name} {value:.4g}" for name, value in weights.items()), False
    if excluded := lock.get("excluded"):
        flags = listed(f"{count} {flag}" for flag, count in excluded.get("flags", {}).items())
        yield "left out by the audit", f"{counted(excluded.get('photographs', 0), 'photograph')} ({flags})", False
        if excluded.get("unseen"):
            yield "not seen by the audit", named(excluded["unseen"]), False
    skipped = lock.get("skipped") or {}
    for reason, names in (skipped.get("reasons") or {}).items():
        yield "could not be read", f"{reason}: {named(names)}", False
    if skipped.get("count") == 0:
        yield "could not be read", "none", False
    leaks = lock.get("leaks") or {}
    for kind, cases in (leaks.get("found") or {}).items():
        yield "leak, allowed knowingly", f"{LEAKS.get(kind, kind)} ({len(cases)}): {named(cases)}", False
    if "found" in leaks and not leaks["found"]:
        allowed = listed(f"`{kind}`" for kind in leaks.get("allowed") or ())
        yield "leaks between the sides", f"none found, though {allowed} would be allowed" if allowed else "none", False
    yield from ((name, value, False) for name, value in facts(lock.get("labels") or {}))


def named(cases: list[str]) -> str:
    """`a, b, c and 4 more`."""
    more = f" and {len(cases) - NAMED} more" if len(cases) > NAMED else ""
    return ", ".join(cases[:NAMED]) + more
