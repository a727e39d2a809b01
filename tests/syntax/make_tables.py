"""Makes `retdsl/syntax/tables.py` out of `retdsl/syntax/grammar.lark`. To be run after every change of the grammar:

    python tests/syntax/make_tables.py

Lark computes the LALR(1) tables; what it takes to walk through them is `retdsl/syntax/lalr.py`, and so nobody who
checks a spec has to wait for Lark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

from lark import Lark
from lark.grammar import Rule
from lark.parsers.lalr_analysis import Shift

SYNTAX = Path(__file__).resolve().parents[2] / "retdsl" / "syntax"
TABLES = SYNTAX / "tables.py"

STARTS = ("start", "value")
_END = "$END"
_WIDTH = 120
_WHOLE: Any = {"break_on_hyphens": False, "break_long_words": False}

_HEAD = '''"""The grammar as tables for `retdsl.syntax.lalr`, made by tests/syntax/make_tables.py; do not edit.

Terminals that are one fixed text are called by that text, those of PATTERNS by their names in the grammar, and the
parts that rules make by their names in angle brackets.

RULES: the part that a rule makes, how many things it takes off the stack, the name of what builds it (None: the part is
its only child), and which children go there (None: something that may be there and is not; `~i`: all items of list i).

STATES: for each state what to do when a terminal or a part comes. A number from 0 on is the state to go on in; a number
below 0 is a rule to apply, `RULES[~number]`. A state that is a number applies that rule whatever comes.
"""

from __future__ import annotations

from typing import TypeAlias

Rule: TypeAlias = "tuple[str, int, str | None, tuple[int | None, ...]]"
State: TypeAlias = "dict[str, int] | int"

# fmt: off
'''


def grammar() -> Lark:
    """Lark's own parser of the grammar."""
    text = (SYNTAX / "grammar.lark").read_text("utf-8")
    return Lark(text, parser="lalr", start=list(STARTS), maybe_placeholders=True)


def tables() -> str:
    """The text of `tables.py`."""
    lark = Lark(
        (SYNTAX / "grammar.lark").read_text("utf-8"), parser="lalr", start=list(STARTS), maybe_placeholders=True
    )
    table: Any = lark.parser.parser._parse_table
    named = {str(terminal.name): _fixed(terminal) or str(terminal.name) for terminal in lark.terminals}
    terminals = {**named, _END: _END}
    rules = list(dict.fromkeys(_rule(rule) for rule in lark.rules))
    rows: dict[int, dict[str, int]] = {
        state: {
            terminals.get(name) or _part(name): target if action == Shift else ~rules.index(_rule(target))
            for name, (action, target) in row.items()
        }
        for state, row in table.states.items()
    }
    for end in table.end_states.values():
        rows[end][_END] = end
    _shorten(rows, rules)
    order = _walk(rows, [table.start_states[start] for start in STARTS])
    number = {state: i for i, state in enumerate(order)}
    states = [_state({name: number.get(do, do) for name, do in sorted(rows[state].items())}) for state in order]
    patterns = {name: _pattern(lark, name) for name in _by_priority(lark) if named[name] == name}
    words = sorted(word for name, word in named.items() if word != name)
    text = "\n".join(
        [
            f"STARTS = {_quoted({start: number[table.start_states[start]] for start in STARTS})}",
            "",
            *_several("WORDS", "[]", map(_quoted, words)),
            f"IGNORED = {_quoted([_pattern(lark, name) for name in lark.ignore_tokens])}",
            *_several("PATTERNS", "{}", [f"{_quoted(name)}: {_quoted(p)}" for name, p in patterns.items()]),
            "",
            *_several("RULES: tuple[Rule, ...]", "()", map(_quoted, rules)),
            "",
            *_several("STATES: tuple[State, ...]", "()", map(_quoted, states)),
        ]
    )
    return f"{_HEAD}{text}\n"


def _shorten(rows: dict[int, dict[str, int]], rules: Sequence[tuple[str, int, str | None, object]]) -> None:
    """Leads past states that do nothing but call a part by another name (`product`, then `sum`, then `ratio` ...)."""
    for row in rows.values():
        for part in row:
            while row[part] >= 0 and isinstance(only := _state(rows[row[part]]), int) and rules[~only][2] is None:
                row[part] = row[rules[~only][0]]


def _walk(rows: Mapping[int, Mapping[str, int]], starts: Sequence[int]) -> list[int]:
    """The states in the order in which a walk in breadth meets them, which is the same each time."""
    order = dict.fromkeys(starts)
    pending = list(starts)
    while pending:
        row = rows[pending.pop(0)]
        new = dict.fromkeys(row[name] for name in sorted(row) if row[name] >= 0 and row[name] not in order)
        order |= new
        pending += new
    return list(order)


def _fixed(terminal: Any) -> str | None:
    """The text of a terminal that is just one, be it a sign or a word, as in `/data\\b/`."""
    word = re.fullmatch(r"(\w+)\\b", terminal.pattern.value)
    return word[1] if word else terminal.pattern.value if terminal.pattern.type == "str" else None


def _by_priority(lark: Lark) -> Sequence[str]:
    """The terminals in the order in which they are tried, but for those that are ignored."""
    ordered = sorted(lark.terminals, key=lambda terminal: (-terminal.priority, terminal.name))
    return [str(terminal.name) for terminal in ordered if terminal.name not in lark.ignore_tokens]


def _pattern(lark: Lark, name: str) -> str:
    return next(str(terminal.pattern.value) for terminal in lark.terminals if terminal.name == name)


def _state(row: dict[str, int]) -> dict[str, int] | int:
    """A state's row; a state in which all that can be done is to apply one rule is that rule alone."""
    actions = set(row.values())
    return actions.pop() if len(actions) == 1 and max(actions) < 0 else row


def _rule(rule: Rule) -> tuple[str, int, str | None, tuple[int | None, ...]]:
    """As Lark would shape its tree: unnamed terminals left out, None for what may be there and is not."""
    options = rule.options
    missing = [len(ones) for ones in "".join("01"[x] for x in options.empty_indices).split("0")]
    missing += [0] * (len(rule.expansion) + 1 - len(missing))
    children: list[int | None] = []
    for i, symbol in enumerate(rule.expansion):
        children += [None] * missing[i]
        if not symbol.is_term and symbol.name.startswith("_"):
            children.append(~i)
        elif options.keep_all_tokens or not (symbol.is_term and symbol.filter_out):
            children.append(i)
    children += [None] * missing[-1]
    name = str(rule.origin.name)
    part, size = _part(name), len(rule.expansion)
    if name.startswith("_"):
        return part, size, "more" if children[0] == ~0 else "items", tuple(children)
    if options.expand1 and rule.alias is None and children == [0] and size == 1:
        return part, 1, None, (0,)
    return part, size, str(rule.alias or name), tuple(children)


def _part(name: str) -> str:
    """What a part is called, so that it is never taken for a terminal of that name."""
    return f"<{name.strip('_')}>"


def _quoted(value: object) -> str:
    """A literal with double quotes throughout."""
    match value:
        case str():
            return json.dumps(value)
        case dict():
            return "{" + ", ".join(f"{_quoted(key)}: {_quoted(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            inside = ", ".join(map(_quoted, value))
            return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(value) == 1)})"
        case _:
            return repr(value)


def _several(name: str, brackets: str, items: Iterable[str]) -> list[str]:
    """An assignment of many items, as many a line as there is room for."""
    lines = [""]
    for item in items:
        if len(f"{lines[-1]}{item},") > _WIDTH - len("    "):
            lines.append("")
        lines[-1] += f"{item}, "
    wrapped = (wrap(line, _WIDTH, initial_indent="    ", subsequent_indent="     ", **_WHOLE) for line in lines)
    return [f"{name} = {brackets[0]}", *(line for group in wrapped for line in group), brackets[1]]


if __name__ == "__main__":
    TABLES.write_text(tables(), "utf-8")
