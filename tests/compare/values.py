"""Values of the schema's types, as a spec writes them: for each type a few that are not the same."""

from __future__ import annotations

from retdsl.schema import ENTRIES, REQUIRED, Entry
from retdsl.schema.types import (
    Boolean,
    Choice,
    Fraction,
    Integer,
    Many,
    Name,
    Nothing,
    OneOf,
    Pair,
    Part,
    Policy,
    RatioOf,
    Real,
    Rule,
    Type,
)


def candidates(kind: Type) -> list[str]:
    """Values of a type; none for names of declarations and for chains, which mean nothing alone."""
    match kind:
        case Boolean():
            return ["true", "false"]
        case Fraction():
            return ["30%", "0.6", "25%"]
        case Integer(low=low, high=high):
            low = 0 if low is None else low
            return [str(low + step) for step in (0, 1, 2, 7) if high is None or low + step <= high]
        case Real(low=low, high=high):
            top = 8.0 if high is None else high
            bottom = 0.0 if low is None else low
            return [f"{bottom + share * (top - bottom):g}" for share in (0.25, 0.5, 0.125)]
        case Choice(names=names):
            return [name if name.isidentifier() else f'"{name}"' for name in names]
        case Name(what="a regular expression"):
            return ['"(one)"', '"(two)/[0-9]+"', '"^(.+)_(left|right)"']
        case Name(what="a class"):
            return ["healthy", "infected"]
        case Name():
            return ["one", '"two/2.params"', '"three.params"']
        case Nothing():
            return ["none"]
        case Pair(of=of):
            return [*candidates(of), f"({candidates(of)[0]}, {candidates(of)[1]})"]
        case Rule():
            return ["grade >= 2 -> ill", 'dx == "DR" -> ill']
        case Many(of=of, length=length, round_brackets=colours):
            lists = [candidates(of)] * (length or (3 if colours else 2)) if candidates(of) else []
            return [f"[{', '.join(item[at % len(item)] for item in lists)}]" for at in (0, 1)]
        case RatioOf():
            return ["2 : 1", "5 : 3"]
        case OneOf(types=types):
            return [value for one in types for value in candidates(one)]
        case Part(anywhere=True):
            return ["stage4", '"stage1_*"']
        case Policy(category=category):
            return [call(entry) for entry in ENTRIES[category].values() if entry.name != "one_of"]  # which takes these
        case _:
            return []


def call(entry: Entry, **options: str) -> str:
    """A call with these options, and others where there must be some."""
    needed = {o.name: candidates(o.type)[0] for o in entry.options if o.default is REQUIRED and candidates(o.type)}
    written = [f"{name} = {value}" for name, value in {**needed, **options}.items()]
    return f"{entry.name}({', '.join(written)})" if written else entry.name
