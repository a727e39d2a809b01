"""Syntax errors in words: a Lark exception in, a diagnostic out, and a repair where the cure is plain.

Each `_Guess` below knows one way in which people go wrong, and is asked in turn; the first that recognises the mistake
words it. What none recognises is told as what stands there and what the grammar would take.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from retdsl.diagnostics import Diagnostics, Fix, Label
from retdsl.diagnostics.suggest import guess
from retdsl.syntax.text import CLOSING, KEYWORDS, KEYWORDS_ELSEWHERE, OPENING, Piece, open_brackets, settings_open
from retdsl.syntax.words import FORMS, either, listed

_KEYWORD_TOKENS = {"_" + keyword.upper() for keyword in KEYWORDS}


@dataclass(frozen=True, slots=True)
class Repair:
    """`text` is to be written over the piece from `start` on."""

    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Mistake:
    """What was reported: where it starts, where the setting around it ends if that is known, and how to go on."""

    start: int
    end: int | None = None
    repair: Repair | None = None


@dataclass(frozen=True, slots=True)
class _Slip:
    """Where the grammar gave up: `word` stands at `start`, `expected` are the terminals it would have taken."""

    piece: Piece
    start: int
    word: str
    expected: frozenset[str]
    out: Diagnostics

    @property
    def end(self) -> int:
        return self.start + len(self.word)

    @property
    def before(self) -> str:
        return self.piece.text[: self.start]

    @property
    def after(self) -> str:
        return self.piece.text[self.end :]

    @property
    def line_after(self) -> str:
        return self.after.partition("\n")[0]

    def rewrite(
        self, code: str, text: str, start: int, end: int, by: str, help: str, label: str = "", *, safe: bool = True
    ) -> Mistake:
        """Reports that `by` belongs in place of what stands from `start` to `end`, and repairs it if it fits."""
        span = self.piece.span(start, end)
        blank = not by and self.piece.text[start - 1 : start] == self.piece.text[end : end + 1] == " "
        place = self.piece.span(start, end + blank)
        self.out.report(code, text, Label(span, label), helps=[help], fixes=[Fix.at(place, by, safe=safe)])
        by = by.strip()
        return Mistake(start, repair=Repair(start, by.ljust(end - start)) if len(by) <= end - start else None)


def report_syntax_error(error: UnexpectedInput, piece: Piece, out: Diagnostics) -> Mistake:
    """Reports one parse error of a piece."""
    if isinstance(error, UnexpectedToken):
        expected = frozenset(error.accepts or error.expected)
        if error.token.type == "$END":
            return _unexpected_end(piece, expected, out)
        start = error.token.start_pos or 0
        slip = _Slip(piece, start, str(error.token), expected, out)
        guesses = _TOKEN_GUESSES
    else:
        start = error.pos_in_stream or 0
        allowed = frozenset(error.allowed or ()) if isinstance(error, UnexpectedCharacters) else frozenset()
        slip = _Slip(piece, start, piece.text[start : start + 1], allowed, out)
        guesses = _CHARACTER_GUESSES
    for recognise in guesses:
        mistake = recognise(slip)
        if mistake is not None:
            return mistake
    return _unexpected(slip)


_Guess = Callable[[_Slip], "Mistake | None"]


def _unexpected(slip: _Slip) -> Mistake:
    known = slip.word.isprintable() or len(slip.word) > 1
    char = slip.word if known else f"U+{ord(slip.word):04X}"
    place = slip.piece.span(slip.start, slip.end)
    if slip.expected >= _KEYWORD_TOKENS - {"_USE"}:
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
    head = re.match(rf"\s*({'|'.join(KEYWORDS)})\b[^={{(]*$", before)
    return [f"it is written {FORMS[head[1]]}"] if head else []


# --- tokens


def _arrow(slip: _Slip) -> Mistake | None:
    """`->` or `|>` for `=>`."""
    start = slip.start - (slip.word == ">")
    if slip.piece.text[start : start + 2] not in ("->", "|>"):
        return None
    return slip.rewrite("R101", "steps are chained with `=>`", start, start + 2, "=>", "write `=>`")


def _slashes(slip: _Slip) -> Mistake | None:
    """`// a comment`."""
    if slip.word != "/" or "/" not in (slip.before[-1:], slip.after[:1]):
        return None
    start = slip.start - slip.before.endswith("/")
    end = slip.end + len(slip.line_after)
    span = slip.piece.span(start, start + 2)
    slip.out.report(
        "R102", "a comment starts with `#`", span, helps=["write `#`"], fixes=[Fix.at(span, "#", safe=True)]
    )
    return Mistake(start, repair=Repair(start, " " * (end - start)))


def _superfluous(slip: _Slip) -> Mistake | None:
    """A closing bracket too many."""
    opened = open_brackets(slip.piece.text, slip.start)
    in_settings = opened == [settings_open(slip.piece.text)] and slip.word != "}"
    if slip.word not in OPENING or (opened and not in_settings) or slip.before.rstrip()[-1:] in ("=", ",", ">"):
        return None
    text = f"there is no `{OPENING[slip.word]}` for this `{slip.word}`"
    return slip.rewrite("R102", text, slip.start, slip.end, "", "leave it out, or open it before", safe=False)


def _unclosed(slip: _Slip) -> Mistake | None:
    """A bracket that was surely forgotten: the wrong one closes it, or on a later line a setting begins."""
    opened = open_brackets(slip.piece.text, slip.start)
    if not opened:
        return None
    text, last = slip.piece.text, opened[-1]
    closing = CLOSING[text[last]]
    if slip.word in OPENING:
        wrong = slip.word != closing
    else:
        begins = not slip.before.rpartition("\n")[2].strip() and re.match(r"\s*=(?!>)", slip.after)
        ended = slip.before.rstrip()[-1:] not in (",", "=")
        wrong = bool(begins) and ended and "\n" in text[last : slip.start] and text[last] != "{"
    if not wrong:
        return None
    label = Label(slip.piece.span(last, last + 1), "opened here and not closed")
    before = Label(slip.piece.span(slip.start, slip.end), f"expected `{closing}` before this")
    slip.out.report("R102", f"`{text[last]}` is not closed", label, before, helps=[f"close it with `{closing}`"])
    if slip.word in OPENING and not any(text[i] == OPENING[slip.word] for i in opened[:-1]):
        return Mistake(last, repair=Repair(slip.start, closing))
    if slip.before[-1:].isspace():
        return Mistake(last, repair=Repair(slip.start - 1, closing))
    return Mistake(last, end=slip.start)


def _no_value(slip: _Slip) -> Mistake | None:
    """`epochs =`, and the next setting on the next line."""
    found = re.search(r"([A-Za-z_]\w*)[ \t]*=\s*\n\s*([A-Za-z_]\w*)\s*$", slip.before)
    if slip.word != "=" or found is None:
        return None
    span = slip.piece.span(found.start(1), found.end(1))
    slip.out.report("R102", f"`{found[1]}` has no value", Label(span, "expected a value behind `=`"))
    return Mistake(found.start(1), end=found.start(2))


def _between_settings(slip: _Slip) -> Mistake | None:
    """A comma or semicolon behind a setting."""
    if slip.word not in (",", ";") or slip.before.rstrip()[-1:] in ("=", ""):
        return None
    inside = open_brackets(slip.piece.text, slip.start) == [settings_open(slip.piece.text)]
    if not inside and (slip.word == "," or slip.line_after.strip()):
        return None
    text = f"nothing separates {'settings' if inside else 'declarations'}, no `{slip.word}` either"
    return slip.rewrite("R102", text, slip.start, slip.end, "", f"leave the `{slip.word}` out")


def _not_equal_sign(slip: _Slip) -> Mistake | None:
    """`epochs: 10`, `epochs == 10`, `epochs := 10`."""
    if slip.word == "=" and slip.before.endswith("="):
        return slip.rewrite("R102", "a value follows a single `=`", slip.start - 1, slip.end, "=", "write `=`")
    if slip.word == ":" and slip.after.startswith("=") and "EQUAL" in slip.expected:
        return slip.rewrite("R102", "a value follows a single `=`", slip.start, slip.end + 1, "=", "write `=`")
    if slip.word == ":" and slip.expected == {"EQUAL"}:
        text, by = "a key and its value are joined by `=`", "=" if slip.before[-1:].isspace() else " ="
        return slip.rewrite("R102", text, slip.start, slip.end, by, "write `=`")
    return None


def _wrong_keyword(slip: _Slip) -> Mistake | None:
    if slip.before.strip() or not slip.expected >= _KEYWORD_TOKENS:
        return None
    meant = guess(slip.word, KEYWORDS, KEYWORDS_ELSEWHERE)
    text = f"a declaration starts with {either([f'`{k}`' for k in KEYWORDS])}, not with `{slip.word}`"
    span = slip.piece.span(slip.start, slip.end)
    fixes = [Fix.at(span, meant.names[0], safe=meant.slip)] if len(meant.names) == 1 else []
    helps = [meant.question] if meant.question else []
    slip.out.report("R102", text, Label(span, "a declaration starts here"), helps=helps, fixes=fixes)
    fits = len(meant.names) == 1 and len(meant.names[0]) <= len(slip.word)
    return Mistake(slip.start, repair=Repair(slip.start, meant.names[0].ljust(len(slip.word))) if fits else None)


def _from(slip: _Slip) -> Mistake | None:
    """`train b extends a`, `train a = {`, `data a = {`."""
    if slip.word == "=" and slip.expected & {"LBRACE", "_FROM"} and re.match(r"\s*\{", slip.after):
        text = "no `=` stands before the settings of a block"
        return slip.rewrite("R102", text, slip.start, slip.end, "", "leave the `=` out")
    if not slip.expected >= {"_FROM", "LBRACE"}:
        return None
    if re.fullmatch(r"\w+", slip.word):
        text = f"an experiment continues another with `from`, not with `{slip.word}`"
        return slip.rewrite("R102", text, slip.start, slip.end, "from", "write `from`")
    return None


def _missing_equals(slip: _Slip) -> Mistake | None:
    """`F(p 50%)`."""
    name = re.search(r"[(,]\s*([A-Za-z_]\w*)\s+$", slip.before)
    if "COMMA" not in slip.expected or name is None or not re.match(r"[\d\"]", slip.word):
        return None
    span = slip.piece.span(slip.start, slip.end)
    place = slip.piece.span(name.end(1), name.end(1))
    text = f"`=` is missing between `{name[1]}` and its value"
    slip.out.report("R102", text, Label(span, "expected `=` before this"), fixes=[Fix.at(place, " =")])
    return Mistake(slip.start, repair=Repair(name.end(1), "="))


def _missing_comma(slip: _Slip) -> Mistake | None:
    if "COMMA" not in slip.expected or not re.match(r"[A-Za-z_\"0-9\[(]", slip.word):
        return None
    place = len(slip.before.rstrip())
    span = slip.piece.span(slip.start, slip.end)
    words = re.search(r"[A-Za-z_]\w*\s*$", slip.before) and not re.match(r"\s*=(?!>)", slip.after)
    certain = not (words and re.match(r"[A-Za-z_]", slip.word))  # two words may be meant as one name
    fix = Fix.at(slip.piece.span(place, place), ",", safe=certain)
    label = Label(span, f"expected {listed(slip.expected)}")
    slip.out.report("R102", f"unexpected `{slip.word}`", label, helps=["put a comma between the two"], fixes=[fix])
    return Mistake(slip.start, repair=Repair(place, ",") if place < slip.start else None)


def _missing_arrow(slip: _Slip) -> Mistake | None:
    """A step on the next line without `=>`."""
    in_chain = slip.expected >= _KEYWORD_TOKENS and settings_open(slip.piece.text) is None
    if not in_chain or not re.fullmatch(r"[A-Za-z_]\w*", slip.word):
        return None
    blank = len(slip.before) - len(slip.before.rstrip())
    if (
        not slip.before.strip()
        or blank < 2
        or not re.match(r"\s*(?:\(|=>|\[|\n|$)", slip.after)
        or slip.word in KEYWORDS
    ):
        return None
    span = slip.piece.span(slip.start, slip.end)
    fix = Fix.at(slip.piece.span(slip.start, slip.start), "=> ")
    label = Label(span, "not part of what stands before")
    slip.out.report("R102", f"unexpected `{slip.word}`", label, helps=["chain steps with `=>`"], fixes=[fix])
    return Mistake(slip.start, repair=Repair(slip.start - 2, "=>"))


def _bare_point(slip: _Slip) -> Mistake | None:
    digits = re.match(r"\d+", slip.after)
    if slip.word != "." or digits is None or slip.before[-1:].isalnum():
        return None
    span = slip.piece.span(slip.start, slip.end + digits.end())
    fix = Fix.at(slip.piece.span(slip.start, slip.start), "0", safe=True)
    helps = [f"write `0.{digits.group()}`"]
    slip.out.report("R102", "a number starts with a digit", Label(span), helps=helps, fixes=[fix])
    return Mistake(slip.start)


# --- characters


def _quote(slip: _Slip) -> Mistake | None:
    if slip.word == '"':
        label = Label(
            slip.piece.span(slip.start, slip.end + len(slip.line_after)), "this text is not closed on its line"
        )
        slip.out.report("R101", "a text without closing quote", label, helps=['put `"` at its end'])
        return Mistake(slip.start)
    if slip.word != "'":
        return None
    inner = re.match(r"[^'\"\n]*(?=')", slip.after)
    if inner is None:
        label = Label(slip.piece.span(slip.start, slip.end))
        slip.out.report("R101", "texts stand between double quotes", label, helps=["write `\"` instead of `'`"])
        return Mistake(slip.start)
    end = slip.end + inner.end() + 1
    by = f'"{inner.group()}"'
    plain = "{" not in by and "\\" not in by  # which mean something between double quotes
    text = "texts stand between double quotes"
    return slip.rewrite("R101", text, slip.start, end, by, f"write `{by}`", safe=plain)


def _percent(slip: _Slip) -> Mistake | None:
    number = re.search(r"(\d+(?:\.\d+)?)[ \t]+$", slip.before)
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


_TOKEN_GUESSES: tuple[_Guess, ...] = (
    _arrow,
    _slashes,
    _not_equal_sign,
    _no_value,
    _superfluous,
    _unclosed,
    _between_settings,
    _wrong_keyword,
    _from,
    _missing_equals,
    _missing_comma,
    _missing_arrow,
    _bare_point,
)
_CHARACTER_GUESSES: tuple[_Guess, ...] = (_quote, _arrow, _percent, _between_settings)


# --- the end


def _unexpected_end(piece: Piece, expected: frozenset[str], out: Diagnostics) -> Mistake:
    end = len(piece.text.rstrip())
    labels = [Label(piece.span(end, end), f"expected {listed(expected)}")]
    helps = _form(piece.text)
    opened = open_brackets(piece.text, end)
    repair = None
    if opened:
        closing = CLOSING[piece.text[opened[-1]]]
        labels.append(Label(piece.span(opened[-1], opened[-1] + 1), "opened here and not closed"))
        helps.append(f"close it with `{closing}`")
        if opened == [settings_open(piece.text)] and "RBRACE" in expected and end < len(piece.text):
            repair = Repair(len(piece.text) - 1, closing)
    out.report("R103", "the declaration ends too early", *labels, helps=helps)
    return Mistake(end, repair=repair)
