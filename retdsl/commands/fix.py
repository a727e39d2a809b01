"""`retdsl check --fix`: writes the safe fixes into the files that were named, and says what was done."""

from __future__ import annotations

from difflib import unified_diff
from typing import Any

from retdsl import compiler
from retdsl.commands.terminal import say
from retdsl.diagnostics.fixing import Applied, Fixed
from retdsl.diagnostics.json_form import to_json
from retdsl.records import replace
from retdsl.runtime.files import write_bytes


def fixed_spec(name: str, spec: compiler.Spec, *, write: bool) -> tuple[compiler.Spec, Fixed]:
    """The spec with the safe fixes applied, on the disk as well if `write`, and what was applied.

    Without `write` the differences go to stdout. Raises RunError for a file that cannot be written.
    """
    fixed = compiler.fix(spec, name)
    path = spec.source.path
    if fixed.applied and path is not None and write:
        mode = path.stat().st_mode
        write_bytes(path, fixed.text.encode())
        path.chmod(mode)
    if fixed.applied and not write:
        old, new = spec.source.text.splitlines(keepends=True), fixed.plain.splitlines(keepends=True)
        rows = unified_diff(old, new, name, f"{name}, fixed")
        print("".join(row if row.endswith("\n") else f"{row}\n" for row in rows), end="")
    return replace(spec, source=replace(spec.source, text=fixed.plain)), fixed


def say_fixed(name: str, fixed: Fixed, *, wrote: bool) -> None:
    """Says what was done to a file, a line a fix."""
    count = len(fixed.applied)
    if count:
        said = "fixed" if wrote else "would fix"
        say(f"{said} {count} mistake{'s' * (count > 1)} in {name}")
        for one in fixed.applied:
            say(f"  {_told(one)}")
        say("")


def applied_json(fixed: Fixed) -> list[dict[str, Any]]:
    """What was done, for programs: the messages that were cured, each with the one fix that was applied."""
    return to_json(replace(one.diagnostic, fixes=(one.fix,)) for one in fixed.applied)


def _told(one: Applied) -> str:
    parts = []
    for edit in one.fix.edits:
        before, after = edit.span.text, " ".join(edit.replacement.split())
        if before and after:
            parts.append(f"`{before}` to `{after}`")
        else:
            parts.append(f"`{before or after}` {'removed' if before else 'added'}")
    place = one.fix.edits[0].span
    return f"line {place.line}: {', '.join(parts)}"
