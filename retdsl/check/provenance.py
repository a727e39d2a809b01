"""Where a train block has each key from: itself, a block that it descends from, the command line, a default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from retdsl.check.evaluate import Env, evaluate
from retdsl.check.options import Context, Failed, check_value, place_of
from retdsl.check.scope import Scope
from retdsl.diagnostics import Diagnostics
from retdsl.ir import Call, Key, Value
from retdsl.records import replace
from retdsl.schema import Entry, Option
from retdsl.schema.types import Each
from retdsl.syntax import tree as t

Written: TypeAlias = "tuple[str | None, t.Setting]"
"""A setting and the train block it stands in; None for one from the command line."""


def keys_of(
    entry: Entry, values: Mapping[str, Value], written: Sequence[Written], env: Env, scope: Scope
) -> tuple[Key, ...]:
    """Every key of a block that has been checked.

    values: what counts in the end, defaults included; written: everything that was said, the later counts.
    """
    said: dict[str, list[Written]] = {}
    for block, setting in written:
        said.setdefault(setting.key.name, []).append((block, setting))
    keys: list[Key] = []
    for option in entry.options:
        value, settings = values[option.name], said.get(option.name, [])
        if isinstance(option.type, Each):
            keys += _keys_of_parts(option, option.type, value, settings, env, scope)
        else:
            keys.append(_key(option, value, settings, env, scope))
    return tuple(keys)


def _keys_of_parts(
    option: Option, kind: Each, value: Value, said: Sequence[Written], env: Env, scope: Scope
) -> Iterator[Key]:
    """A key for each part, as `rate(head)`; none where there is nothing to say."""
    for call in value if isinstance(value, tuple) else ():
        from retdsl.check.parts import silently_part_of

        assert isinstance(call, Call)
        part = str(call["part"])
        own = [each for each in said if silently_part_of(each[1], option, Context(scope, Diagnostics())) == part]
        yield _key(replace(option, name=f"{option.name}({part})", type=kind.value), call["value"], own, env, scope)


def _key(option: Option, value: Value, said: Sequence[Written], env: Env, scope: Scope) -> Key:
    if not said:
        return Key(option.name, value)
    *earlier, (block, setting) = said
    overrides = _overridden(option, *earlier[-1], env, scope) if earlier else None
    return Key(option.name, value, block, place_of(setting.value.span), overrides)


def _overridden(option: Option, block: str | None, setting: t.Setting, env: Env, scope: Scope) -> Key | None:
    """A value that another one replaces; None if it is wrong, which is said where it counts."""
    silent = Context(scope, Diagnostics())
    val = evaluate(setting.value, env, silent.out)
    value = None if val is None else check_value(val, option.type, silent)
    if val is None or isinstance(value, Failed):
        return None
    return Key(option.name, value, block, place_of(setting.value.span))
