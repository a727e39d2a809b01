"""Which layer first gave a number that is none: the forward of one batch again, layer by layer, then its gradients.

Enters: the parts of a network as they were before the step, and the batch. Leaves: sentences. Nothing is changed: the
parameters are only read, and BatchNorm's statistics are copied.

A search is needed because the end of a network does not tell: MXNet's ReLU makes 0 of NaN, and the layers behind go on
with a dead channel.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.bound import MxArray
from retdsl.runtime.mx import mx
from retdsl.runtime.symbols import Symbol

AT_ONCE = 32
"""Layers whose values are kept at a time; all of them would take as much memory as a training step, or more."""


def first_layer(
    symbol: Symbol, values: Mapping[str, MxArray], inputs: Mapping[str, MxArray], *, train: bool
) -> str | None:
    """What is wrong with the first layer, in the network's order, that has or gives a number that is none.

    values: parameters and statistics; inputs: whole batches by name; train: whether BatchNorm goes by the batch.
    """
    nodes = json.loads(symbol.tojson())["nodes"]
    users = {nodes[source]["name"]: node for node in reversed(nodes) for source, *_ in node["inputs"]}
    known = {**values, **inputs}
    for name, array in _in_order(symbol, known, train):
        if np.isfinite(array.asnumpy()).all():
            continue
        if name in inputs:
            return f"what enters at `{name}` is no number already"
        if name in values:
            return f"the first layer without numbers is {_layer(users[name])}: its parameter `{name}` has NaN or inf"
        node = next(node for node in nodes if name in (node["name"], *_outputs(node["name"])))
        return f"the first layer without numbers is {_layer(node)}: it makes NaN or inf of what it gets"
    return None


def last_gradient(symbol: Symbol, gradients: Mapping[str, MxArray]) -> str | None:
    """The first gradient that is no number on the way back from the loss."""
    nodes = json.loads(symbol.tojson())["nodes"]
    for node in reversed(nodes):
        for source, *_ in node["inputs"]:
            name = nodes[source]["name"]
            if name in gradients and not np.isfinite(gradients[name].asnumpy()).all():
                return f"back from the loss, the first layer whose gradient is no number is {_layer(node)}: `{name}`"
    return None


def lost_parameters(symbol: Symbol, values: Mapping[str, MxArray]) -> list[str]:
    """Which parameters and statistics have numbers that are none, and of which layers, a line each."""
    # In NumPy: MXNet's own `multi_all_finite` writes beyond its memory when given more than 200 arrays.
    lost = [name for name, array in values.items() if not np.isfinite(array.asnumpy()).all()]
    return [f"`{name}` of {layer_of(symbol, name)}" for name in lost]


def layer_of(symbol: Symbol, parameter: str) -> str:
    """The layer that a parameter belongs to, in words."""
    nodes = json.loads(symbol.tojson())["nodes"]
    owner = next(node for node in nodes if any(nodes[source]["name"] == parameter for source, *_ in node["inputs"]))
    return _layer(owner)


def bad_rows(images: NDArray[np.float32]) -> NDArray[np.int64]:
    """Which images of a batch have numbers that are none."""
    rows: NDArray[np.int64] = np.flatnonzero(~np.isfinite(images.reshape(len(images), -1)).all(axis=1))
    return rows


def _in_order(symbol: Symbol, known: Mapping[str, MxArray], train: bool) -> Iterator[tuple[str, MxArray]]:
    """Every parameter and every value of a network with its name, in topological order."""
    internals = symbol.get_internals()
    names: Sequence[str] = internals.list_outputs()
    for start in range(0, len(names), AT_ONCE):
        part = names[start : start + AT_ONCE]
        layers = [name for name in part if name not in known]
        made: dict[str, MxArray] = {}
        if layers:
            group = mx.sym.Group([internals[name] for name in layers])
            made = dict(zip(layers, _values(group, known, train), strict=True))
        for name in part:
            yield (name, known[name]) if name in known else (name.removesuffix("_output"), made[name])


def _values(symbol: Symbol, known: Mapping[str, MxArray], train: bool) -> Any:
    where = next(iter(known.values())).context
    arguments = {name: known[name] for name in symbol.list_arguments()}
    # Asked for no gradient at all, MXNet would fuse layers, and fails where the values between them are wanted.
    one = {name: mx.nd.zeros_like(array) for name, array in [*arguments.items()][:1]}
    executor = symbol.bind(
        where,
        arguments,
        args_grad=one,
        grad_req={name: "write" if name in one else "null" for name in arguments},
        aux_states={name: known[name].copy() for name in symbol.list_auxiliary_states()},
    )
    return executor.forward(is_train=train)


def _outputs(name: str) -> tuple[str, ...]:
    return tuple(f"{name}_output{i}" for i in range(4))


def _layer(node: Mapping[str, Any]) -> str:
    return f"`{node['name']}` ({node['op']})"
