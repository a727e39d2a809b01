"""What sets finished runs apart besides their figures: specs, photographs, versions.

Enters: two runs. Leaves: lines of text. Guaranteed: what cannot be told is said to be unknown, not to be the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from retdsl.compare import compare
from retdsl.compare.words import rows
from retdsl.evaluation.members import Finished
from retdsl.runtime.errors import RunError


def apart(first: str, one: Finished, second: str, other: Finished, width: int = 80) -> list[str]:
    """How the second run differs from the first."""
    return [*_in_meaning(first, one, second, other, width), *_in_the_record(one, other)]


def _in_meaning(first: str, one: Finished, second: str, other: Finished, width: int) -> Iterator[str]:
    if one.is_ensemble or other.is_ensemble:
        for name, each in ((first, one), (second, other)):
            yield f"{name}: " + (f"an ensemble of {len(each.members)}" if each.is_ensemble else "a single run")
        return
    a, b = one.members[0], other.members[0]
    try:
        programs = a.checked_program, b.checked_program
        chosen = a.experiment.name, b.experiment.name
    except RunError as error:
        yield f"{first} and {second}: what differs in their specs cannot be told: {error.message}"
        return
    for row in rows(compare(*programs, [chosen]), (first, second), width):
        yield "".join(text for text, _ in row).rstrip()


def _in_the_record(one: Finished, other: Finished) -> Iterator[str]:
    """What lock.json says and a spec does not."""
    a, b = one.members[0].lock, other.members[0].lock
    for side in ("train", "valid"):
        then, now = ({row["sha256"] for row in lock.get("images", ()) if row["side"] == side} for lock in (a, b))
        if then and now and then != now:
            yield f"{side} photographs: {len(then)} and {len(now)}, {len(then & now)} of them the same"
    for name in dict.fromkeys((*a.get("versions", {}), *b.get("versions", {}))):
        old, new = a.get("versions", {}).get(name), b.get("versions", {}).get(name)
        if old != new:
            yield f"{name}: {old} and {new}"
    for name in ("threads", "device"):
        if a.get(name) != b.get(name):
            yield f"{name}: {a.get(name)} and {b.get(name)}"
