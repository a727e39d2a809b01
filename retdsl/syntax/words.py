"""What the grammar's terminals and declarations are called in messages."""

from __future__ import annotations

from collections.abc import Collection, Sequence

FORMS = {
    "data": "`data NAME { ... }`",
    "backbone": "`backbone NAME = SOURCE`",
    "block": "`block NAME(PARAMETER, ...) = CHAIN`",
    "model": "`model NAME = CHAIN`",
    "augment": "`augment NAME = image => STEP`",
    "sampling": "`sampling NAME = POLICY`",
    "train": "`train NAME { ... }` or `train NAME from OTHER { ... }`",
    "ensemble": "`ensemble NAME { of = [EXPERIMENT, ...] }`",
    "use": '`use "FILE.retina"` or `use zoo.NAME`',
}
"""How each declaration is written; names have letters, digits and underscores."""

NOUNS = {"data": "data block", "train": "train block", "augment": "augmentation"}
"""What a declaration is called where its keyword alone would not read well."""

_WORDS = {
    "NAME": "a name",
    "STRING": "a text",
    "NUMBER": "a number",
    "PERCENT": "a percentage",
    "QUANTITY": "a number with its unit",
    "COMPARISON": "a comparison",
}
"""The terminals that are more than one word."""
_CLOSING = (")", "]", "}")
_VALUE_STARTS = {"NAME", "NUMBER", "STRING", "[", "("}
_FIRST_TO_NAME = {"`=>`", "`,`", "`)`", "`]`", "`}`", "`=`", "a name"}
_MANY = 6


def listed(expected: Collection[str]) -> str:
    """What the grammar would take, in words, short."""
    if set(expected) >= _VALUE_STARTS:
        words = ["a value"] + [f"`{e}`" for e in (")", "]") if e in expected]
    else:
        words = [_WORDS.get(e, f"`{e}`") for e in sorted(expected, key=lambda e: (e in _CLOSING, e)) if e != "$END"]
    if len(words) > _MANY:
        words = [word for word in words if word in _FIRST_TO_NAME] or words[:_MANY]
    return either(words) or "the end"


def either(words: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


def with_article(noun: str) -> str:
    """`a model`, `an augmentation`."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
