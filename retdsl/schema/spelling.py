"""Values of a checked program in the language's own words: `70%`, `200 : 3`, `every(n = 1, keep = best(auc))`.

Enters: a value, and its type where the schema has one. Leaves: text that, checked against that type, means this very
value. The same value always has the same spelling, however it was once written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from retdsl.ir import Call, Value
from retdsl.schema import ENTRIES
from retdsl.schema.lookup import find_node
from retdsl.schema.model import REQUIRED, Entry
from retdsl.schema.sources import JOINED, SOURCE, sources_of
from retdsl.schema.types import Each, Factor, Fraction, Many, Name, OneOf, Pair, Part, Policy, RatioOf, Reference, Type

Options = Sequence[tuple[str, Value]]

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TAKEN = frozenset({"true", "false", "none"})


def spell(value: Value, kind: Type | None = None) -> str:
    """A value as the language writes it.

    kind: its type, which tells a share (`70%`) from a number, and a ratio (`1 : 1`) from a list. Without one, as for
    the options of an imported layer, numbers, names and lists are written plainly.
    """
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case int() | float():
            number = _share(value) if _among(kind, Fraction) else _number(value)
            return f"{number}x" if _among(kind, Factor) and "e" not in number else number
        case str():
            return _text(value, kind)
        case Call(name="rule"):
            column, compared, label = (spell(value[option]) for option in ("column", "value", "label"))
            return f"{column} {value['comparison']} {compared} -> {label}"
        case Call():
            policy = _among(kind, Policy)
            return spell_call(value, policy.category if isinstance(policy, Policy) else None)
        case (first, second) if first == second and _among(kind, Pair):
            return spell(first)
        case tuple() if isinstance(kind, Each):
            said = (f"{spell(each['part'], kind.part)} {spell(each['value'], kind.value)}" for each in _calls(value))
            return ", ".join(said) or "none"
        case tuple():
            return _sequence(value, kind)


def _calls(items: Iterable[Value]) -> Iterator[Call]:
    return (item for item in items if isinstance(item, Call))


def spell_call(call: Call, category: str | None = None) -> str:
    """A call of an entry of that category, as `sgd(lr = 0.01, momentum = 0.9)`.

    Written are the options that have no default, those that may go unnamed (there they are what one wants to know)
    unless they are none, and all others that differ from their default. What is always meant to be given, or is none
    otherwise, and may go unnamed stands without its name. Joined sources are a list.
    """
    if category == "period":
        return f"{call['n']} {call.name}"
    if call.name == JOINED:
        return spell(sources_of(call), SOURCE)
    entry = ENTRIES.get(category or "", {}).get(call.name)
    return spell_options(call.name, call.options, entry)


def spell_layer(op: str, options: Options) -> str:
    """A layer without its name, as `Convolution(64, kernel = 3)`; also one that the schema does not know."""
    layer = find_node(op)
    return spell_options(op, options, layer.entry if layer else None)


def spell_options(name: str, options: Options, entry: Entry | None) -> str:
    """The same for a name and its options; what `options` leaves out is at its default."""
    if entry is None:
        written = [f"{key} = {spell(value)}" for key, value in options]
    else:
        written = list(_arguments(dict(options), entry))
    return f"{name}({', '.join(written)})" if written else name


def default_of(entry: Entry, option: str) -> Value:
    """The default of an option; None for one that has none."""
    found = entry.option(option)
    return None if found is None or found.default is REQUIRED else found.default


def option_type(entry: Entry | None, option: str) -> Type | None:
    """The type of an option, or None for one that is not in the schema; of `rate(head)` that of one part's value."""
    found = entry.option(option) if entry else None
    if found is None and entry is not None and option.endswith(")"):
        of_part = option_type(entry, option.partition("(")[0])
        return of_part.value if isinstance(of_part, Each) else None
    return found.type if found else None


def _arguments(given: dict[str, Value], entry: Entry) -> Iterator[str]:
    unnamed = {option for option in entry.unnamed if given.get(option, REQUIRED) is not None}
    bare = [option.name for option in entry.options if option.default in (REQUIRED, None) and option.name in unnamed]
    if entry.unnamed[: len(bare)] != tuple(bare):
        bare = []
    for option in entry.options:
        value = given.get(option.name, None if option.default is REQUIRED else option.default)
        if option.default is REQUIRED or option.name in unnamed or value != option.default:
            text = spell(value, option.type)
            yield text if option.name in bare else f"{option.name} = {text}"


def _among(kind: Type | None, wanted: type) -> Type | None:
    """The alternative of a type that is of one sort."""
    kinds = kind.types if isinstance(kind, OneOf) else (kind,)
    return next((one for one in kinds if isinstance(one, wanted)), None)


def _sequence(items: tuple[Value, ...], kind: Type | None) -> str:
    if _among(kind, RatioOf):
        return " : ".join(spell(item) for item in items)
    many = _among(kind, Many)
    of = many.of if isinstance(many, Many) else None
    written = ", ".join(spell(item, of) for item in items)
    fixed = len(items) > 1 and (not isinstance(many, Many) or many.length is not None or many.round_brackets)
    return f"({written})" if fixed else f"[{written}]"


def _text(value: str, kind: Type | None) -> str:
    name = _among(kind, Name)
    quoted = isinstance(name, Name) and name.quoted
    if _among(kind, Reference) or _among(kind, Part) or (_BARE.fullmatch(value) and value not in _TAKEN and not quoted):
        return value
    return '"' + re.sub(r'(["\\])', r"\\\1", value).replace("{", "{{").replace("}", "}}") + '"'


def _share(value: int | float) -> str:
    shifted = Decimal(repr(value)).scaleb(2).normalize()
    percent = f"{shifted:f}"
    return f"{percent}%" if round(float(percent) / 100, 12) == value else _number(value)


def _number(value: int | float) -> str:
    """The shortest text that reads as this number: `0.0001`, `1e-8`, `2` for 2.0."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return re.sub(r"e([+-])0+", r"e\1", repr(value))
