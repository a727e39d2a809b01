"""Applying the safe fixes of messages to the text that they are about.

Enters: a file's text as it lies on the disk, and a way to check a source. Leaves: a better text and what was done to
it. Guaranteed: the result has fewer errors than the text that came in, or as many and fewer warnings, or is that very
text; line ends and a byte order mark stay as they are; fixes that touch other files, or one another, are left alone;
applying it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from retdsl.diagnostics.model import Diagnostic, Diagnostics, Edit, Fix
from retdsl.records import dataclass, replace
from retdsl.source import MARK, Source, one_line_end

SYNTAX = "R102"
"""The code of slips of syntax."""

MOST_ROUNDS = 20
"""A mistake may hide another that only shows, and is fixed, in the next round."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A message and the fix of it that was applied; places are those in the text of its round."""

    diagnostic: Diagnostic
    fix: Fix


@dataclass(frozen=True, slots=True)
class Fixed:
    """The text after all rounds, and what led to it, in order."""

    text: str
    applied: tuple[Applied, ...] = ()

    @property
    def plain(self) -> str:
        """The text as a `Source` holds it: without a mark, and with plain line ends."""
        return one_line_end(self.text.removeprefix(MARK))


def fix_text(text: str, source: Source, check: Callable[[Source], Diagnostics]) -> Fixed:
    """Applies the safe fixes to the text of a file until none is left that helps.

    text: with its own line ends. source: what `check` takes for it; its text is replaced in every round. A round may
    leave as many errors as there were, for an unknown step may have unknown options; what counts is that at the end
    there are fewer, or else fewer warnings.
    """
    best = now = Fixed(text)
    found = check(replace(source, text=now.plain))
    fewest = (found.errors, found.warnings)
    for _ in range(MOST_ROUNDS):
        step = _round(now, found, source, check)
        if step is None:
            break
        now, found = step
        if (found.errors, found.warnings) < fewest:
            best, fewest = now, (found.errors, found.warnings)
    return best


def _round(
    now: Fixed, found: Diagnostics, source: Source, check: Callable[[Source], Diagnostics]
) -> tuple[Fixed, Diagnostics] | None:
    """All fixes at once; or, if that makes it worse, the first that does not; or the first of a slip of syntax.

    Of several slips in one statement the parser sees the first alone, and what stands behind it only once that is gone.
    """
    behind: tuple[Fixed, Diagnostics] | None = None
    chosen = choose(found, replace(source, text=now.plain))
    for together in (chosen, *([one] for one in chosen)) if chosen else ():
        text = apply(now.text, [edit for one in together for edit in one.fix.edits])
        done = Fixed(text, (*now.applied, *together))
        after = check(replace(source, text=done.plain))
        if after.errors <= found.errors and _illegible(after) <= _illegible(found):
            return done, after
        if behind is None and len(together) == 1 and together[0].diagnostic.code == SYNTAX:
            behind = done, after
    return behind


def choose(found: Iterable[Diagnostic], source: Source) -> list[Applied]:
    """The first safe fix of each message, if it lies in `source` and touches no other."""
    taken: list[Edit] = []
    chosen: list[Applied] = []
    for item in found:
        fix = next((fix for fix in item.fixes if fix.safe), None)
        if fix is None or any(edit.span.source != source for edit in fix.edits):
            continue
        if any(_touch(edit, other) for edit in fix.edits for other in taken):
            continue
        taken += fix.edits
        chosen.append(Applied(item, fix))
    return chosen


def apply(text: str, edits: Sequence[Edit]) -> str:
    """The text with all edits made; their places count in the text without a mark and with plain line ends."""
    mark = MARK if text.startswith(MARK) else ""
    body = text.removeprefix(MARK)
    offsets = _offsets(body)
    end_of_line = "\r\n" if "\r\n" in body else "\r" if "\r" in body and "\n" not in body else "\n"
    for edit in sorted(edits, key=lambda edit: (edit.span.start, edit.span.end), reverse=True):
        start, end = offsets[edit.span.start], offsets[edit.span.end]
        body = body[:start] + edit.replacement.replace("\n", end_of_line) + body[end:]
    return mark + body


def _offsets(text: str) -> Sequence[int]:
    """Where each character of the text with plain line ends, and its end, is in the text itself."""
    if "\r" not in text:
        return range(len(text) + 1)
    return [i for i, char in enumerate(text) if char != "\n" or text[i - 1 : i] != "\r"] + [len(text)]


def _touch(a: Edit, b: Edit) -> bool:
    return a.span.start <= b.span.end and b.span.start <= a.span.end


def _illegible(found: Diagnostics) -> int:
    """How many messages say that the text itself cannot be understood."""
    return sum(item.code.startswith("R1") for item in found)
