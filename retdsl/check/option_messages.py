"""What is said about options that are unknown, missing, unnamed or of the wrong type, and what helps."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from retdsl.check.evaluate import CallValue, ChainValue, Hint, Val, describe, hint_for, is_scalar
from retdsl.check.fixes import rename_fixes, surely
from retdsl.check.scope import MANY
from retdsl.diagnostics import Diagnostics, Fix, Label
from retdsl.diagnostics.suggest import Guess, guess
from retdsl.schema import ENTRIES, REQUIRED, Entry, Option
from retdsl.schema.augmentations import CATEGORY, VIEW
from retdsl.schema.left_out import LEFT_OUT
from retdsl.schema.synonyms import foreign, synonyms
from retdsl.schema.types import (
    Choice,
    Fraction,
    Integer,
    Many,
    Mismatch,
    Name,
    OneOf,
    Part,
    Policy,
    RatioOf,
    Real,
    Reference,
    ScalarType,
    Type,
    Word,
    Written,
    with_article,
)
from retdsl.source import Span
from retdsl.syntax import tree as t

_RATIO = re.compile(r'"?([0-9.]+) *[:/] *([0-9.]+)"?')
_PAIR = re.compile(r"([A-Za-z_]\w*) *: *([0-9.]+%?)")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?%?")

FEW = 12
"""More names than this are a list to look things up in, not a help."""


def report_unknown_call(
    category: str, name: str, span: Span, out: Diagnostics, entries: Iterable[Entry], extra: Iterable[str] = ()
) -> str | None:
    """Says that nothing of that name can be called here, with what comes near; gives the name that is surely meant."""
    if category == VIEW and name in ENTRIES[CATEGORY]:
        from retdsl.check.views import report_random

        report_random(name, span, out)
        return None
    entries = list(entries)
    elsewhere = foreign(category)
    spelt = {word.casefold() for word in elsewhere}
    own = {alias: entry.name for entry in entries for alias in entry.aliases if alias.casefold() not in spelt}
    names = [entry.name for entry in entries] + (list(extra) if len(out) < MANY else [])
    meant = guess(name, names, {**own, **elsewhere})
    few = f"there are {', '.join(f'`{n}`' for n in sorted(names))}"
    helps = [meant.question or (few if len(names) <= FEW else "`retdsl layers` lists all that there are")]
    fixes = rename_fixes(meant, name, span)
    label = Label(span, f"not {with_article(category)}")
    out.report("R205", f"there is no {category} `{name}`", label, helps=helps, fixes=fixes)
    return surely(meant, name)


def report_unnamed(entry: Entry, span: Span, count: int, out: Diagnostics) -> None:
    names = [option.name for option in entry.options]
    notes = [f"`{entry.name}` takes {', '.join(names) or 'no options'}"]
    if entry.unnamed:
        notes += [f"without a name it takes only {', '.join(f'`{n}`' for n in entry.unnamed)}"]
    if entry.unnamed[:1] == ("num_hidden",) or (entry.unnamed[:1] == ("num_filter",) and count > 1):
        notes += ["how many come in follows from the step before, and is not given"]
    question = "which option is this?" if count == 1 else "which options are these?"
    label = Label(span, question if names else "not taken")
    rest = [name for name in names if name not in entry.unnamed]
    helps = [f"write the name, as `{rest[0]} = ...`"] if rest else []
    before = re.search(r"(?<![\w.])([0-9]+),$", span.source.text[max(0, span.start - 20) : span.start])
    if before is not None and span.text.isdecimal():
        whole, part = before[1], span.text
        thousands = f" or `{whole}{part}`" if len(part) == 3 and not whole.startswith("0") else ""
        helps = [f"a comma separates options; a number has none: `{whole}.{part}`{thousands}"]
    out.report("R306", f"too many unnamed values for `{entry.name}`", label, notes=notes, helps=helps)


def report_unknown_option(
    entry: Entry, ident: t.Ident, known: Mapping[str, Option], given: Collection[str], out: Diagnostics
) -> tuple[Sequence[str], str | None]:
    """Says that a call or a block has no option of that name.

    Gives those that it may have been meant for, and the one that it surely means.
    given: the options that are there; one that must be and is not may well be meant.
    """
    name, span, options = ident.name, ident.span, list(known)
    if entry.category == VIEW and name in ("p", "on"):
        from retdsl.check.views import report_chance

        report_chance(entry.name, name, span, out)
        return (), None
    block = entry.category.endswith(" block")
    key = "key" if block else "option"
    whose = f"{'an' if entry.name[0] in 'aeiou' else 'a'} `{entry.name}` block" if block else f"`{entry.name}`"
    aliases = synonyms(options)
    meant = guess(name, options, aliases)
    near: Sequence[str] = meant.names
    missing = [option for option in known if option not in given and known[option].default is REQUIRED]
    hint = meant.question or _belongs_to(entry, name) or _others_have(entry, name)
    if hint is None and missing:
        near = missing
        hint = f"{whose} needs {' and '.join(f'`{option}`' for option in missing)}: is this meant for it?"
    label = Label(span, f"not {with_article(key)} of {'this block' if block else whose}")
    notes = [f"{'it' if block else whose} takes {', '.join(options) or 'no options'}"]
    if hint is not None and len(options) > FEW:
        notes = []
    left_out = LEFT_OUT.get(name) if entry.category == "layer" and name not in aliases else None
    if left_out is not None:
        meant, near, hint, notes = Guess(), [], None, [f"MXNet has it; here it is left out: {left_out.why}"]
    fixes = rename_fixes(meant, name, span)
    text = f"{whose} has no {key} `{name}`"
    out.report("R302", text, label, notes=notes, helps=[hint] if hint else [], fixes=fixes)
    return near, surely(meant, name)


def _belongs_to(entry: Entry, name: str) -> str | None:
    """Says so if `name` is an option of something that one of the block's keys takes, as `lr` of the optimizer."""
    for key in entry.options:
        kinds = key.type.types if isinstance(key.type, OneOf) else (key.type,)
        for kind in kinds:
            for owner in ENTRIES[kind.category].values() if isinstance(kind, Policy) else ():
                names = [option.name for option in owner.options]
                own = name if name in names else synonyms(names).get(name)
                if own is not None:
                    return f"it belongs to what `{key.name}` takes, as in `{key.name} = {owner.name}({own} = ...)`"
    return None


def _others_have(entry: Entry, name: str) -> str | None:
    """Says so if `name` is an option of another policy, optimizer, ... that could stand in its place."""
    if entry.category in ("layer", "loss") or entry.category.endswith(" block"):
        return None
    owners = [f"`{owner.name}`" for owner in ENTRIES[entry.category].values() if owner.option(name) is not None]
    return f"{' and '.join(owners)} {'has' if len(owners) == 1 else 'have'} `{name}`" if owners else None


def about(option: Option) -> str:
    """What an option is for, as the note of a message."""
    doc = option.doc.rstrip(".")
    return f"`{option.name}`: {doc[:1].lower()}{doc[1:]}"


def report_mismatch(val: Val, kind: Type, text: str, parameters: Collection[str], out: Diagnostics) -> None:
    """Says that a value is of another type than is taken. parameters: names that are known where it stands."""
    hint = hint_for(val, parameters)
    if isinstance(val.value, CallValue) and val.value.call.span == val.value.call.function.span:
        number = val.span.text.split()[0]
        hint = Hint(helps=[f"write `{number}`: the unit goes without saying"], fixes=[Fix.at(val.span, number)])
    hint["helps"] = hint["helps"] or ways(val, kind)
    out.report("R303", text, Label(val.span, f"this is {describe(val)}"), **hint)


def report_bare_name(val: Val, parameters: Collection[str], out: Diagnostics) -> None:
    """The name of a layer is a text: a bare word there is a parameter that does not exist."""
    text = f'"{val.span.text}"'
    hint = hint_for(val, parameters)
    if not hint["helps"]:
        hint = Hint(helps=[f"write `{text}`"], fixes=[Fix.at(val.span, text)])
    label = Label(val.span, f"this is {describe(val)}")
    out.report("R303", "the name of a layer must be a text or a parameter", label, **hint)


def ways(val: Val, kind: Type) -> list[str]:
    """How what was written can be written so that the type takes it."""
    written = val.span.text
    match kind:
        case Many(of=Reference(kind=wanted)) | Reference(kind=wanted) if not isinstance(val.value, Word) and is_scalar(
            val
        ):
            named = isinstance(val.value, str) and val.value.isidentifier()
            return [
                f"a name has no quotes: write `{val.value}`" if named else f"write the name of {with_article(wanted)}"
            ]
        case Many(of=Part() | OneOf()):
            return []  # what is no part of a network is none in a list either
        case Many(of=Choice(names=names)) if not (isinstance(val.value, Word) and val.value.name in names):
            return []
        case Many() if is_scalar(val):
            return [f"write `[{written}]`"]
        case RatioOf() if (parts := _RATIO.fullmatch(written)) is not None:
            return [f"write `{parts[1]} : {parts[2]}`"]
        case Name() if isinstance(val.value, bool | int | float | None):
            return [f'write `"{written}"`']
        case Integer() | Real() | Fraction() if isinstance(val.value, str) and _NUMBER.fullmatch(val.value):
            return [f"a number has no quotes: write `{val.value}`"]
        case Integer() | Real() | Fraction() if (pair := _PAIR.fullmatch(written)) is not None:
            return [f"an option and its value are joined by `=`: write `{pair[1]} = {pair[2]}`"]
        case RatioOf() if isinstance(val.value, tuple) and len(val.value) > 1:
            return [f"write `{' : '.join(item.span.text for item in val.value)}`"]
        case Policy(category=category):
            return [f"there are {', '.join(f'`{name}`' for name in sorted(ENTRIES[category]))}"]
        case Reference(kind=wanted) if isinstance(val.value, ChainValue | CallValue):
            return [f"declare it, as `{wanted} NAME = ...`, and write its name here"]
        case _:
            return []


def is_percentage(value: Written, kind: ScalarType) -> bool:
    """Whether a number that is too large for a share, or for a number up to 1, would fit with `%` behind it."""
    share = isinstance(kind, Fraction) or (isinstance(kind, Real) and kind.high is not None and kind.high <= 1)
    if not share or not isinstance(value, int | float) or not 1 < value <= 100:
        return False
    try:
        kind.accept(value / 100)
    except Mismatch:
        return False
    return True
