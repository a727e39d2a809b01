"""Syntax errors in words: where the grammar gave up in, a diagnostic out, and a repair where the cure is plain.

Each guess in `token_guesses` and `character_guesses` knows one way in which people go wrong, and is asked in turn; the
first that recognises the mistake words it. What none recognises is told as what stands there and what the grammar would
take.
"""

from __future__ import annotations

import re

from retdsl.diagnostics import Diagnostics, Fix, Label
from retdsl.syntax.character_guesses import CHARACTER_GUESSES
from retdsl.syntax.reading import Unexpected
from retdsl.syntax.slip import ANY_KEYWORD, Mistake, Repair, Slip
from retdsl.syntax.text import CLOSING, KEYWORDS, Piece, open_brackets, settings_open
from retdsl.syntax.token_guesses import TOKEN_GUESSES
from retdsl.syntax.words import FORMS, listed


def report_syntax_error(error: Unexpected, piece: Piece, out: Diagnostics) -> Mistake:
    """Reports one parse error of a piece."""
    if not error.word:
        return _unexpected_end(piece, error.expected, out)
    # A key may name a part in brackets, which is never what somebody forgot.
    expected = frozenset({"="}) if error.expected == {"=", "("} else error.expected
    slip = Slip(piece, error.start, error.word, expected, out)
    guesses = TOKEN_GUESSES if error.known else CHARACTER_GUESSES
    for guess in guesses:
        mistake = guess(slip)
        if mistake is not None:
            return mistake
    return _unexpected(slip)


def _unexpected(slip: Slip) -> Mistake:
    known = slip.word.isprintable() or len(slip.word) > 1
    char = slip.word if known else f"U+{ord(slip.word):04X}"
    place = slip.piece.span(slip.start, slip.end)
    if slip.expected >= ANY_KEYWORD or slip.expected >= {"NAME", "}"}:  # a declaration or a setting could begin
        label = Label(place, "not part of what stands before")
    else:
        label = Label(place, f"expected {listed(slip.expected)}" if slip.expected else "")
    helps = _form(slip.before)
    code = "R102" if known and re.match(r"[\w\"=:|,.()\[\]{}+*/-]", slip.word) else "R101"
    what = "unexpected character" if code == "R101" else "unexpected"
    slip.out.report(code, f"{what} `{char}`", label, helps=helps)
    return Mistake(slip.start)


def _form(before: str) -> list[str]:
    """How a declaration is written whose head goes wrong behind `before`."""
    last = max(before.rfind(sign) for sign in "={(")
    heads = re.findall(rf"^[ \t]*({'|'.join(KEYWORDS)})\b", before[last + 1 :], re.MULTILINE)
    return [f"it is written {FORMS[heads[-1]]}"] if heads else []


def _unexpected_end(piece: Piece, expected: frozenset[str], out: Diagnostics) -> Mistake:
    end = len(piece.text.rstrip())
    unclosed = _unclosed_in_chain(piece, end, out)
    if unclosed is not None:
        return unclosed
    labels = [Label(piece.span(end, end), f"expected {listed(expected)}")]
    helps = _form(piece.text)
    opened = open_brackets(piece.text, end)
    repair = None
    if opened:
        closing = CLOSING[piece.text[opened[-1]]]
        labels.append(Label(piece.span(opened[-1], opened[-1] + 1), "opened here and not closed"))
        helps.append(f"close it with `{closing}`")
        if opened == [settings_open(piece.text)] and "}" in expected and end < len(piece.text):
            repair = Repair(len(piece.text) - 1, closing)
    out.report("R103", "the declaration ends too early", *labels, helps=helps)
    return Mistake(end, repair=repair)


def _unclosed_in_chain(piece: Piece, end: int, out: Diagnostics) -> Mistake | None:
    """`F(a = (3, 3)`, and the next step on the next line, which then seems to go on with the value of `a`."""
    opened = open_brackets(piece.text, end)
    last = opened[-1] if opened else 0
    arrow = re.compile(r"\n[ \t]*(=>)").search(piece.text, last)
    if not opened or piece.text[last] != "(" or arrow is None or open_brackets(piece.text, arrow.start()) != opened:
        return None
    label = Label(piece.span(last, last + 1), "opened here and not closed")
    before = Label(piece.span(*arrow.span(1)), "expected `)` before this")
    place = len(piece.text[: arrow.start()].rstrip())
    fixes = [Fix.at(piece.span(place, place), ")", safe=True)]
    out.report("R102", "`(` is not closed", label, before, helps=["close it with `)`"], fixes=fixes)
    return Mistake(last, repair=Repair(arrow.start(1) - 1, ")"))
