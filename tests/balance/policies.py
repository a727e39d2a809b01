"""Sampling policies as `check` makes them, and as a program does."""

from __future__ import annotations

import retdsl.runtime as runtime
from retdsl.engines.mxnet.lower import safe
from retdsl.ir import Call, Value
from retdsl.runtime.sampling import Sampling
from retdsl.schema import ENTRIES, REQUIRED

POLICIES = ENTRIES["sampling policy"]


def policy(name: str, **options: Value) -> Call:
    """A policy as check makes it: every option in the schema's order."""
    given = {option.name: options.pop(safe(option.name), option.default) for option in POLICIES[name].options}
    assert not options
    assert REQUIRED not in given.values()
    return Call(name, tuple(given.items()))  # type: ignore[arg-type]


def made(call: Call) -> Sampling:
    """The runtime's policy, as a program would make it."""
    values = {safe(name): made(value) if isinstance(value, Call) else value for name, value in call.options}
    found: Sampling = getattr(runtime, call.name)(**values)
    return found
