"""Ways in which people go wrong with words and signs that the language has, in the wrong place."""

from __future__ import annotations

import re

from retdsl.diagnostics import Fix, Label
from retdsl.diagnostics.suggest import guess
from retdsl.syntax.rule_guesses import rule_arrow
from retdsl.syntax.slip import ANY_KEYWORD, Guess, Mistake, Repair, Slip
from retdsl.syntax.text import CLOSING, KEYWORDS, KEYWORDS_ELSEWHERE, OPENING, open_brackets, settings_open
from retdsl.syntax.words import FORMS, NOUNS, either, listed, with_article

_SHA256 = ("sha", "sha2", "sha256", "sha_256", "sha256sum", "hash", "checksum", "digest")
_OTHER_HASHES = ("md5", "sha1", "sha384", "sha512", "crc32")
"""What people write before a hash, in lower case."""

_ARROW = re.compile(r"->|\|>|>>|>=|= >|[\u2192\u21d2\u27a1\u27f6\u27f9]")


def arrow(slip: Slip) -> Mistake | None:
    """`->`, `|>` and the like for `=>`."""
    text = slip.piece.text
    start = slip.start - (slip.word == ">" and text[slip.start - 1 : slip.start] in ("-", "|", ">"))
    written = _ARROW.match(text, start)
    if written is None:
        return None
    return slip.rewrite("R101", "steps are chained with `=>`", start, written.end(), "=>", "write `=>`")


def other_range(slip: Slip) -> Mistake | None:
    """`lite[:stage3]` and `lite[...stage3]` for `lite[.. stage3]`."""
    opened = open_brackets(slip.piece.text, slip.start)
    if not opened or not re.search(r"\w\[$", slip.piece.text[: opened[-1] + 1]):
        return None
    three = slip.word == "." and slip.before.endswith("..")
    if not (three or slip.word in (":", "\u2026")):
        return None
    start = slip.start - 2 * three
    blank = " " if slip.before[-1:].isalnum() else ""
    by = f"{blank}..{' ' if slip.after[:1].isalnum() else ''}"
    # Where a colon stands for a range, its end often does not belong to it; here it does.
    text, code = "a range of layers is written with `..`", "R101" if slip.word == "\u2026" else "R102"
    return slip.rewrite(code, text, start, slip.end, by, "write `..`; both ends belong to it", safe=slip.word != ":")


def _slashes(slip: Slip) -> Mistake | None:
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


def _superfluous(slip: Slip) -> Mistake | None:
    """A closing bracket too many."""
    opened = open_brackets(slip.piece.text, slip.start)
    in_settings = opened == [settings_open(slip.piece.text)] and slip.word != "}"
    if slip.word not in OPENING or (opened and not in_settings) or slip.before.rstrip()[-1:] in ("=", ",", ">"):
        return None
    text = f"there is no `{OPENING[slip.word]}` for this `{slip.word}`"
    return slip.rewrite("R102", text, slip.start, slip.end, "", "leave it out, or open it before", safe=False)


def _unclosed(slip: Slip) -> Mistake | None:
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
        wrong = wrong or (slip.word == "|" and text[last] == "(")
    if not wrong:
        return None
    label = Label(slip.piece.span(last, last + 1), "opened here and not closed")
    before = Label(slip.piece.span(slip.start, slip.end), f"expected `{closing}` before this")
    slip.out.report("R102", f"`{text[last]}` is not closed", label, before, helps=[f"close it with `{closing}`"])
    if slip.word in OPENING and not any(text[i] == OPENING[slip.word] for i in opened[:-1]):
        return Mistake(last, repair=Repair(slip.start, closing))
    if slip.before[-1:].isspace():
        return Mistake(last, repair=Repair(slip.start - 1, closing))
    return Mistake(last, end=None if slip.word in OPENING else slip.start)


def _dashed_name(slip: Slip) -> Mistake | None:
    """`model my-net = ...`."""
    head = slip.look_back(rf"\b(?:{'|'.join(KEYWORDS)}|from)[ \t]+(\w+)$")
    rest = re.match(r"[\w-]+", slip.after)
    if slip.word != "-" or head is None or rest is None:
        return None
    start, end = head.start(1), slip.end + rest.end()
    by = slip.piece.text[start:end].replace("-", "_")
    return slip.rewrite("R102", "a name has no dash", start, end, by, f"write `{by}`")


def _no_name(slip: Slip) -> Mistake | None:
    """`train { ... }`."""
    head = slip.look_back(rf"(?:^|\n)[ \t]*({'|'.join(KEYWORDS)})\s*$")
    if slip.word not in ("{", "=", "(") or slip.expected != {"NAME"} or head is None:
        return None
    label = Label(slip.piece.span(*head.span(1)), "expected a name behind this")
    helps = [f"it is written {FORMS[head[1]]}"]
    slip.out.report("R102", f"this {NOUNS.get(head[1], head[1])} has no name", label, helps=helps)
    return Mistake(slip.start)


def _braces_for_equals(slip: Slip) -> Mistake | None:
    """`model m { ... }`."""
    head = slip.look_back(rf"(?:^|\n)[ \t]*({'|'.join(KEYWORDS)})\s+\w+\s*$")
    if slip.word != "{" or slip.expected != {"="} or head is None:
        return None
    label = Label(slip.piece.span(slip.start, slip.end), "expected `=`")
    helps = [f"it is written {FORMS[head[1]]}"]
    noun = with_article(NOUNS.get(head[1], head[1]))
    slip.out.report("R102", f"{noun} does not stand in braces", label, helps=helps)
    return Mistake(slip.start)


def _no_value(slip: Slip) -> Mistake | None:
    """`epochs =`, and the next setting on the next line."""
    found = slip.look_back(r"([A-Za-z_]\w*)[ \t]*=\s*\n\s*([A-Za-z_]\w*)\s*$")
    if slip.word != "=" or found is None:
        return None
    span = slip.piece.span(found.start(1), found.end(1))
    slip.out.report("R102", f"`{found[1]}` has no value", Label(span, "expected a value behind `=`"))
    return Mistake(found.start(1), end=found.start(2))


def _list_without_brackets(slip: Slip) -> Mistake | None:
    """`classes = healthy, infected`."""
    first = slip.look_back(r"=[ \t]*([\w.%\"]+)[ \t]*$")
    rest = re.match(r"[ \t]*[\w.%\"]+(?:[ \t]*,[ \t]*[\w.%\"]+)*(?=[ \t]*(?:\n|\}|$))", slip.after)
    inside = open_brackets(slip.piece.text, slip.start) == [settings_open(slip.piece.text)]
    if slip.word != "," or first is None or rest is None or not inside:
        return None
    start, end = first.start(1), slip.end + rest.end()
    by = f"[{slip.piece.text[start:end]}]"
    return slip.rewrite("R102", "a list stands in brackets", start, end, by, f"write `{by}`", safe=False)


def between_settings(slip: Slip) -> Mistake | None:
    """A comma or semicolon behind a setting."""
    if slip.word not in (",", ";") or slip.before.rstrip()[-1:] in ("=", ""):
        return None
    inside = open_brackets(slip.piece.text, slip.start) == [settings_open(slip.piece.text)]
    if not inside and (slip.word == "," or slip.line_after.strip()):
        return None
    text = f"nothing separates {'settings' if inside else 'declarations'}, no `{slip.word}` either"
    return slip.rewrite("R102", text, slip.start, slip.end, "", f"leave the `{slip.word}` out")


def _quoted_key(slip: Slip) -> Mistake | None:
    """`"epochs" = 10`, or as JSON has it."""
    name = re.fullmatch(r'"([A-Za-z_]\w*)"', slip.word)
    inside = open_brackets(slip.piece.text, slip.start) == [settings_open(slip.piece.text)]
    if name is None or not inside or not re.match(r"[ \t]*(?::|=(?!>))", slip.after):
        return None
    return slip.rewrite("R102", "a key has no quotes", slip.start, slip.end, name[1], f"write `{name[1]}`")


def _key_alone(slip: Slip) -> Mistake | None:
    """`epochs = 10 passes`, and the next setting on the next line."""
    found = slip.look_back(r"(?<![\w.])([A-Za-z_]\w*)\s*$")
    inside = open_brackets(slip.piece.text, slip.start) == [settings_open(slip.piece.text)]
    if found is None or slip.expected != {"="} or not inside:
        return None
    if slip.word != "}" and not re.match(r"\s*=(?!>)", slip.after):
        return None
    span = slip.piece.span(*found.span(1))
    text = f"`{found[1]}` is neither a setting nor part of one"
    helps = [f"leave it out, or give it a value: `{found[1]} = ...`"]
    slip.out.report("R102", text, Label(span, "expected `=` and a value behind this"), helps=helps)
    return Mistake(found.start(1), repair=Repair(found.start(1), " " * len(found[1])))


def _not_equal_sign(slip: Slip) -> Mistake | None:
    """`epochs: 10`, `epochs == 10`, `epochs := 10`."""
    if slip.word == "==":
        return slip.rewrite("R102", "a value follows a single `=`", slip.start, slip.end, "=", "write `=`")
    if slip.word == ":" and slip.after.startswith("=") and "=" in slip.expected:
        return slip.rewrite("R102", "a value follows a single `=`", slip.start, slip.end + 1, "=", "write `=`")
    if slip.word == ":" and slip.expected == {"="}:
        text, by = "a key and its value are joined by `=`", "=" if slip.before[-1:].isspace() else " ="
        return slip.rewrite("R102", text, slip.start, slip.end, by, "write `=`")
    return None


def _wrong_keyword(slip: Slip) -> Mistake | None:
    if slip.before.strip() or not slip.expected >= ANY_KEYWORD:
        return None
    meant = guess(slip.word, KEYWORDS, KEYWORDS_ELSEWHERE)
    text = f"no declaration starts with `{slip.word}`"
    starts = f"a declaration starts with {either([f'`{k}`' for k in KEYWORDS])}"
    span = slip.piece.span(slip.start, slip.end)
    only = meant.names[0] if len(meant.names) == 1 else None
    fixes = [Fix.at(span, only, safe=meant.slip)] if only else []
    helps = [meant.question or starts]
    slip.out.report("R102", text, Label(span, "a declaration starts here"), helps=helps, fixes=fixes)
    fits = only is not None and len(only) <= len(slip.word)
    return Mistake(slip.start, repair=Repair(slip.start, only.ljust(len(slip.word))) if only and fits else None)


def _from(slip: Slip) -> Mistake | None:
    """`train b extends a`, `train a = {`, `data a = {`."""
    if slip.word == "=" and slip.expected & {"{", "from"} and re.match(r"\s*\{", slip.after):
        text = "no `=` stands before the settings of a block"
        return slip.rewrite("R102", text, slip.start, slip.end, "", "leave the `=` out")
    if not slip.expected >= {"from", "{"}:
        return None
    if re.fullmatch(r"\w+", slip.word):
        text = f"an experiment continues another with `from`, not with `{slip.word}`"
        return slip.rewrite("R102", text, slip.start, slip.end, "from", "write `from`")
    return None


def _hash(slip: Slip) -> Mistake | None:
    """`"net.pth" sha256 = "ab12"`, `sha256 ab12`, `md5 "ab12"`."""
    if slip.expected == {"STRING"} and slip.look_back(r"\bsha256\s*$"):
        if slip.word in ("=", ":"):
            text = f"no `{slip.word}` stands between `sha256` and the hash"
            return slip.rewrite("R102", text, slip.start, slip.end, "", f"leave the `{slip.word}` out")
        digits = re.compile(r"[0-9A-Fa-f]+\b").match(slip.piece.text, slip.start)
        if digits is not None:
            by = f'"{digits.group()}"'
            fix = Fix.at(slip.piece.span(*digits.span()), by, safe=True)
            label = Label(slip.piece.span(*digits.span()), "expected quotes around this")
            slip.out.report("R102", "a hash is a text", label, helps=["put it in quotes"], fixes=[fix])
            return Mistake(slip.start, repair=Repair(slip.start, '""' + " " * (len(digits.group()) - 2)))
    behind = re.match(r"\s*[=:]?\s*\"", slip.after)
    if behind is None or slip.word.lower() not in (*_SHA256, *_OTHER_HASHES) or slip.before.rstrip()[-1:] not in '")':
        return None
    if slip.word.lower() in _SHA256:
        end = slip.end + len(behind.group()) - 1
        return slip.rewrite("R102", "a hash stands behind `sha256`", slip.start, end, "sha256 ", "write `sha256`")
    helps = ["`sha256sum FILE` tells a file's SHA-256"]
    span = slip.piece.span(slip.start, slip.end)
    slip.out.report("R102", f"no hash but SHA-256 is known, no `{slip.word}` either", span, helps=helps)
    return Mistake(slip.start)


def _missing_equals(slip: Slip) -> Mistake | None:
    """`F(p 50%)`."""
    name = slip.look_back(r"[(,]\s*([A-Za-z_]\w*)\s+$")
    if "," not in slip.expected or name is None or not re.match(r"[\d\"]", slip.word):
        return None
    span = slip.piece.span(slip.start, slip.end)
    place = slip.piece.span(name.end(1), name.end(1))
    text = f"`=` is missing between `{name[1]}` and its value"
    slip.out.report("R102", text, Label(span, "expected `=` before this"), fixes=[Fix.at(place, " =")])
    return Mistake(slip.start, repair=Repair(name.end(1), "="))


def _unit(slip: Slip) -> Mistake | None:
    """`F(warmup = 1 epoch)`."""
    number = slip.look_back(r"(?<![\w.])[0-9]+(?:\.[0-9]+)?[ \t]*$")
    if "," not in slip.expected or number is None or not re.fullmatch(r"[A-Za-z_]\w*", slip.word):
        return None
    if not re.match(r"\s*[,)\]]", slip.after):
        return None
    text, help = f"numbers have no unit, no `{slip.word}` either", "leave it out, or put a comma before it"
    return slip.rewrite("R102", text, slip.start, slip.end, "", help, safe=False)


def _missing_comma(slip: Slip) -> Mistake | None:
    if "," not in slip.expected or not re.match(r"[A-Za-z_\"0-9\[(]", slip.word):
        return None
    place = len(slip.before.rstrip())
    span = slip.piece.span(slip.start, slip.end)
    words = re.search(r"[A-Za-z_]\w*\s*$", slip.before) and not re.match(r"\s*=(?!>)", slip.after)
    certain = not (words and re.match(r"[A-Za-z_]", slip.word))  # two words may be meant as one name
    fix = Fix.at(slip.piece.span(place, place), ",", safe=certain)
    label = Label(span, f"expected {listed(slip.expected)}")
    text = f"`,` is missing before `{slip.word}`"
    slip.out.report("R102", text, label, helps=["put a comma between the two"], fixes=[fix])
    return Mistake(slip.start, repair=Repair(place, ",") if place < slip.start else None)


def _missing_arrow(slip: Slip) -> Mistake | None:
    """A step on the next line without `=>`."""
    in_chain = slip.expected >= ANY_KEYWORD and settings_open(slip.piece.text) is None
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
    text = f"`=>` is missing before `{slip.word}`"
    slip.out.report("R102", text, label, helps=["chain steps with `=>`"], fixes=[fix])
    return Mistake(slip.start, repair=Repair(slip.start - 2, "=>"))


def _bare_point(slip: Slip) -> Mistake | None:
    digits = re.match(r"\d+", slip.after)
    if slip.word != "." or digits is None or slip.before[-1:].isalnum():
        return None
    span = slip.piece.span(slip.start, slip.end + digits.end())
    fix = Fix.at(slip.piece.span(slip.start, slip.start), "0", safe=True)
    helps = [f"write `0.{digits.group()}`"]
    slip.out.report("R102", "a number starts with a digit", Label(span), helps=helps, fixes=[fix])
    return Mistake(slip.start)


TOKEN_GUESSES: tuple[Guess, ...] = (
    rule_arrow,
    arrow,
    other_range,
    _slashes,
    _quoted_key,
    _key_alone,
    _not_equal_sign,
    _dashed_name,
    _no_name,
    _braces_for_equals,
    _no_value,
    _superfluous,
    _unclosed,
    _list_without_brackets,
    between_settings,
    _wrong_keyword,
    _from,
    _hash,
    _missing_equals,
    _unit,
    _missing_comma,
    _missing_arrow,
    _bare_point,
)
