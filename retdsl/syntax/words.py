"""Syntax errors in words: a Lark exception in, a diagnostic out."""

from __future__ import annotations

import re

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from retdsl.diagnostics import Diagnostics, Fix, Label
from retdsl.diagnostics.suggest import did_you_mean
from retdsl.source import Source, Span

KEYWORDS = ("data", "backbone", "block", "model", "augment", "sampling", "train", "use")

_WORDS = {
    "EQUAL": "`=`",
    "NAME": "a name",
    "STRING": "a text",
    "NUMBER": "a number",
    "PERCENT": "a percentage",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "COMMA": "`,`",
    "COLON": "`:`",
    "DOT": "`.`",
    "VBAR": "`|`",
    "MINUS": "`-`",
    "_AS": "`as`",
    "_FROM": "`from`",
    "__ANON_0": "`=>`",
    "SUM_OPERATOR": "`+`",
    "PRODUCT_OPERATOR": "`*`",
}
_VALUE_STARTS = {"NAME", "NUMBER", "STRING", "LSQB", "LPAR"}
_OPENING = {"(": ")", "[": "]", "{": "}"}
_TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|#[^\n]*|[][(){}]')


def report_syntax_error(error: UnexpectedInput, source: Source, base: int, end: int, out: Diagnostics) -> range:
    """Reports one parse error of the text between `base` and `end`; returns the characters that are to blame.

    That is one character as a rule, and all from an unclosed bracket to where it was noticed.
    """
    if isinstance(error, UnexpectedToken):
        token: Token = error.token
        if token.type == "$END":
            blamed = _unexpected_end(source, base, end, error, out)
            return range(blamed, blamed + 1)
        start = base + (token.start_pos or 0)
        span = Span(source, start, start + max(1, len(token)))
        opened = _unclosed_before(span, base)
        if opened is not None:
            _report_unclosed(span, opened, out)
            return range(opened, start)
        expected = set(error.accepts or error.expected)
        _unexpected_token(span, expected, base, out)
        return range(start, start + 1)
    position = error.pos_in_stream or 0
    span = Span(source, base + position, base + position + 1)
    _unexpected_character(span, error, out)
    return range(span.start, span.start + 1)


def _unclosed_before(span: Span, base: int) -> int | None:
    """The offset of an opening bracket that was surely forgotten to be closed before `span`, else None.

    Surely: a wrong closing bracket follows, or on a later line a key of a block or a declaration.
    """
    text = span.source.text
    opened = _innermost_open(text, base, span.start)
    if opened is None:
        return None
    if span.text in _OPENING.values():
        return opened if _OPENING[text[opened]] != span.text else None
    if "\n" not in text[opened : span.start] or text[opened] == "{":
        return None
    line_start = text.rfind("\n", 0, span.start) + 1
    is_key = re.match(r"\s*=(?!>)", text[span.end :]) is not None and text[base : span.start].rstrip()[-1:] != ","
    return opened if is_key and not text[line_start : span.start].strip() else None


def _report_unclosed(span: Span, opened: int, out: Diagnostics) -> None:
    bracket = span.source.text[opened]
    label = Label(Span(span.source, opened, opened + 1), "opened here and not closed")
    before = Label(span, f"expected `{_OPENING[bracket]}` before this")
    out.report("R102", f"`{bracket}` is not closed", label, before, helps=[f"close it with `{_OPENING[bracket]}`"])


def _unexpected_character(span: Span, error: UnexpectedInput, out: Diagnostics) -> None:
    char = span.text
    line = span.source.line(span.line)
    rest = line[span.column - 1 :]
    allowed = set(error.allowed or ()) if isinstance(error, UnexpectedCharacters) else set()
    if char == '"':
        label = Label(Span(span.source, span.start, span.start + len(rest)), "this text is not closed on its line")
        out.report("R101", "a text without closing quote", label, helps=['put `"` at its end'])
    elif char == "'":
        out.report("R101", "texts stand between double quotes", Label(span), helps=["write `\"` instead of `'`"])
    elif rest.startswith("|>") or (char == ">" and line[: span.column - 1].endswith("-")):
        start = span.start - (char == ">")
        arrow = Span(span.source, start, start + 2)
        fix = Fix(arrow, "=>", safe=True)
        out.report("R101", "steps are chained with `=>`", Label(arrow), helps=["write `=>`"], fixes=[fix])
    elif char == "%":
        out.report("R101", "`%` belongs directly behind a number", Label(span), helps=["write `70%` without a space"])
    else:
        shown = char if char.isprintable() else f"U+{ord(char):04X}"
        notes = [f"expected {_listed(allowed)}"] if allowed else []
        out.report("R101", f"unexpected character `{shown}`", Label(span), notes=notes)


def _unexpected_token(span: Span, expected: set[str], base: int, out: Diagnostics) -> None:
    word = span.text
    source = span.source
    previous = source.text[base : span.start].rstrip()
    labels = [Label(span, f"expected {_listed(expected)}")]
    helps: list[str] = []
    fixes: list[Fix] = []
    if expected >= {"_" + k.upper() for k in KEYWORDS}:
        if "EQUAL" not in expected and previous == "":
            helps += [hint] if (hint := did_you_mean(word, KEYWORDS)) else []
            labels = [Label(span, "a declaration starts here")]
            text = f"a declaration starts with {_spelled(KEYWORDS)}, not with `{word}`"
            out.report("R102", text, *labels, helps=helps)
            return
        expected = {"__ANON_0"} & expected | {"NAME"} & expected
        labels = [Label(span, "not part of what stands before")]
    if "COMMA" in expected and re.match(r"[A-Za-z_\"0-9\[(]", word):
        place = base + len(previous)
        helps.append("put a comma between the two")
        fixes.append(Fix(Span(source, place, place), ","))
    if word in _OPENING.values() and _innermost_open(source.text, base, span.start) is None:
        helps.append("nothing is open that this could close")
    out.report("R102", f"unexpected `{word}`", *labels, helps=helps, fixes=fixes)


def _unexpected_end(source: Source, base: int, end: int, error: UnexpectedToken, out: Diagnostics) -> int:
    while end > base and source.text[end - 1].isspace():
        end -= 1
    span = Span(source, end, end)
    expected = set(error.accepts or error.expected)
    labels = [Label(span, f"expected {_listed(expected)}")]
    helps: list[str] = []
    opened = _innermost_open(source.text, base, end)
    if opened is not None:
        labels.append(Label(Span(source, opened, opened + 1), "opened here and not closed"))
        helps.append(f"close it with `{_OPENING[source.text[opened]]}`")
    out.report("R103", "the declaration ends too early", *labels, helps=helps)
    return end


def _innermost_open(text: str, start: int, end: int) -> int | None:
    """The offset of the last bracket in `text[start:end]` that nothing closes."""
    stack: list[int] = []
    for found in _TOKEN.finditer(text, start, end):
        token = found.group()
        if token in _OPENING:
            stack.append(found.start())
        elif token in _OPENING.values() and stack:
            stack.pop()
    return stack[-1] if stack else None


def nesting(text: str) -> tuple[int, int]:
    """The deepest nesting of brackets outside of texts and comments, and the offset where it is reached."""
    depth = deepest = where = 0
    for found in _TOKEN.finditer(text):
        token = found.group()
        if token in _OPENING:
            depth += 1
            if depth > deepest:
                deepest, where = depth, found.start()
        elif token in _OPENING.values():
            depth = max(0, depth - 1)
    return deepest, where


def _listed(expected: set[str]) -> str:
    """What the grammar would take, in words, short."""
    if expected >= _VALUE_STARTS:
        words = ["a value"] + [_WORDS[e] for e in ("RPAR", "RSQB") if e in expected]
    else:
        words = [_WORDS.get(e, f"`{e.lower().strip('_')}`") for e in sorted(expected) if e != "$END"]
    if len(words) > 6:
        words = [word for word in words if word in ("`=>`", "`,`", "`)`", "`]`", "`}`", "`=`", "a name")] or words[:6]
    return _either(words) or "the end"


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1] if words else ""


def _spelled(names: tuple[str, ...]) -> str:
    return _either([f"`{name}`" for name in names])
