"""Ways in which people go wrong with characters that no word of the language can start with."""

from __future__ import annotations

import re
from unicodedata import category

from retdsl.diagnostics import Fix, Label
from retdsl.syntax.rule_guesses import other_sign
from retdsl.syntax.slip import Guess, Mistake, Repair, Slip
from retdsl.syntax.token_guesses import arrow, between_settings, other_range

_OTHER_QUOTES = "'\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2039\u203a\u00ab\u00bb`"
"""What word processors make of quotation marks."""


def _quote(slip: Slip) -> Mistake | None:
    if slip.word == '"':
        label = Label(
            slip.piece.span(slip.start, slip.end + len(slip.line_after)), "this text is not closed on its line"
        )
        slip.out.report("R101", "a text without closing quote", label, helps=['put `"` at its end'])
        return Mistake(slip.start)
    if slip.word not in _OTHER_QUOTES:
        return None
    if slip.word == "`" and slip.after.startswith("``"):
        end, help = slip.end + len(slip.line_after), "leave the line out"
        return slip.rewrite("R101", "a fence of Markdown is no part of a spec", slip.start, end, "", help, safe=False)
    inner = re.match(rf"[^{_OTHER_QUOTES}\"\n]*(?=[{_OTHER_QUOTES}])", slip.after)
    if inner is None:
        label = Label(slip.piece.span(slip.start, slip.end))
        slip.out.report(
            "R101", "texts stand between double quotes", label, helps=[f'write `"` instead of `{slip.word}`']
        )
        return Mistake(slip.start)
    end = slip.end + inner.end() + 1
    by = f'"{inner.group()}"'
    plain = "{" not in by and "\\" not in by  # which mean something between double quotes
    text = "texts stand between double quotes"
    return slip.rewrite("R101", text, slip.start, end, by, f"write `{by}`", safe=plain)


def _invisible(slip: Slip) -> Mistake | None:
    """A blank of another kind, or a mark that nobody sees, as texts bring along that are copied from elsewhere."""
    blank = slip.word.isspace()
    if slip.word.isascii() or not (blank or category(slip.word) == "Cf"):
        return None
    text = f"U+{ord(slip.word):04X} looks like {'a blank and is none' if blank else 'nothing'}"
    help = "write a plain blank" if blank else "leave it out"
    end = slip.end + len(slip.after) - len(slip.after.lstrip(slip.word))
    return slip.rewrite("R101", text, slip.start, end, " " * blank * (end - slip.start), help)


def _percent(slip: Slip) -> Mistake | None:
    number = slip.look_back(r"(\d+(?:\.\d+)?)[ \t]+$")
    if slip.word != "%":
        return None
    if number is None:
        helps = ["write `70%`; there is no operator `%`"]
        slip.out.report("R101", "`%` belongs behind a number", slip.piece.span(slip.start, slip.end), helps=helps)
        return Mistake(slip.start)
    span = slip.piece.span(slip.start, slip.end)
    gap = slip.piece.span(number.end(1), slip.end)
    helps = [f"write `{number[1]}%` without a space"]
    fix = Fix.at(gap, "%", safe=True)
    slip.out.report("R101", "`%` belongs directly behind a number", Label(span), helps=helps, fixes=[fix])
    return Mistake(slip.start, repair=Repair(number.end(1), "%".ljust(gap.end - gap.start)))


def _letter(slip: Slip) -> Mistake | None:
    """A letter with an accent, or of another alphabet, in a name."""
    if not slip.word.isalpha():
        return None
    text = slip.piece.text
    start, end = slip.start, slip.end
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    label = Label(slip.piece.span(start, end), "not a name")
    helps = ["a name has the letters A to Z, digits and `_`; columns, classes and files may be texts in quotes"]
    slip.out.report("R101", f"`{slip.word}` cannot be part of a name", label, helps=helps)
    return Mistake(start)


CHARACTER_GUESSES: tuple[Guess, ...] = (
    _quote,
    other_sign,
    arrow,
    other_range,
    _invisible,
    _percent,
    between_settings,
    _letter,
)
