"""The objects of the runtime that a plan means, as its generated program would make them.

Enters: calls of a checked program. Leaves: what `retdsl.runtime` has under their names, with their options.
"""

from __future__ import annotations

import keyword
from typing import Any

from retdsl import runtime
from retdsl.ir import Call, DataPlan, Value
from retdsl.runtime.dataset import Data


def made(value: Value) -> Any:
    """A value with every call in it made; an option that is none is left to the runtime, as programs leave it."""
    match value:
        case Call(name=name, options=options):
            given = {key: made(option) for key, option in options if option is not None}
            return getattr(runtime, name)(**{f"{k}_" if keyword.iskeyword(k) else k: v for k, v in given.items()})
        case tuple():
            return tuple(map(made, value))
        case _:
            return value


def data_of(plan: DataPlan) -> Data:
    """What a data block says, for the runtime."""
    return Data(
        source=made(plan.source),
        classes=plan.classes,
        split=made(plan.split),
        prepare=made(plan.prepare),
        normalize=made(plan.normalize),
        **{key: made(value) for key, value in plan.settings},
    )
