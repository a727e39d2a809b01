"""What an optimizer of MXNet remembers, as arrays by name.

Enters: MXNet's updater. Leaves: its states of every parameter, how often each was updated, and every number that the
optimizer counts or multiplies up by itself (`num_update`, the schedule of Nadam). Guaranteed: an updater that is given
them goes on as if nothing had happened, and writes the same states file.

MXNet's own file has the states alone. Adam's bias correction and everything else that depends on the number of the
update would start again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.bound import MxArray
from retdsl.runtime.mx import mx


def remembered(updater: Any) -> dict[str, NDArray[Any]]:
    """A copy of all that it remembers. `states:NAME:0` ... in the order in which the parameters came to it."""
    optimizer = updater.optimizer
    found = {f"number:{name}": np.array(value) for name, value in _numbers(optimizer).items()}
    for name, states in updater.states.items():
        found[f"count:{name}"] = np.array(optimizer._index_update_count[name])
        found |= {f"states:{name}:{at}": array.asnumpy() for at, array in enumerate(_flat(states))}
    return found


def remember(updater: Any, state: Mapping[str, NDArray[Any]], arguments: Mapping[str, MxArray]) -> None:
    """Gives back what `remembered` once found. arguments: the parameters, by name."""
    optimizer = updater.optimizer
    for key, value in state.items():
        kind, _, name = key.partition(":")
        if kind == "number":
            setattr(optimizer, name, value.item())
    counts = {key.partition(":")[2]: value.item() for key, value in state.items() if key.startswith("count:")}
    if arguments:
        optimizer._set_current_context(next(iter(arguments.values())).context.device_id)
    optimizer._index_update_count.update(counts)
    for name in counts:
        # MXNet says how its memory of a parameter is built; the numbers are ours.
        made = optimizer.create_state_multi_precision(name, arguments[name])
        for at, array in enumerate(_flat(made)):
            array[:] = state[f"states:{name}:{at}"]
        updater.states[name], updater.states_synced[name] = made, True
    mx.nd.waitall()


def _numbers(optimizer: Any) -> dict[str, int | float]:
    return {name: value for name, value in vars(optimizer).items() if type(value) in (int, float)}


def _flat(states: Any) -> Iterator[MxArray]:
    """The arrays of what MXNet keeps for a parameter: nothing, an array, or several."""
    if isinstance(states, list | tuple):
        for part in states:
            yield from _flat(part)
    elif states is not None:
        yield states
