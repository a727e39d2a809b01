"""The values parameters have before training, where no pretrained weights are given.

Enters: a symbol, the shapes of its parameters, a seed. Leaves: float32 arrays by MXNet's names. Guaranteed: each
array depends on the seed, its own name and its shape only, so that another layer in the network changes no other.

| layer | weight | others |
|---|---|---|
| Convolution, Deconvolution | normal, variance 2 / fan-in (He et al., ICCV 2015) | bias 0 |
| FullyConnected | uniform within sqrt(6 / (fan-in + fan-out)) (Glorot and Bengio, AISTATS 2010) | bias 0 |
| UpSampling (bilinear) | interpolation between pixels (Long et al., CVPR 2015) | |
| BatchNorm and other norms | gamma 1, beta 0 | moving mean 0, moving variance 1 |
| LeakyReLU (prelu) | gamma 0.25 | |
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.errors import RunError
from retdsl.runtime.randomness import generator
from retdsl.runtime.symbols import Symbol

Shape: TypeAlias = tuple[int, ...]
Array: TypeAlias = NDArray[np.float32]
Rule: TypeAlias = Callable[[Shape, np.random.Generator], Array]


def initial_values(symbol: Symbol, shapes: Mapping[str, Shape], seed: int) -> dict[str, Array]:
    """An array for every name of `shapes`. Raises RunError naming the parameters that no rule covers."""
    layers = _layer_of_each_parameter(symbol)
    values: dict[str, Array] = {}
    unknown: list[str] = []
    for name, shape in shapes.items():
        rule = _rule(layers.get(name, ""), name)
        if rule is None:
            unknown.append(f"`{name}` {list(shape)}")
        else:
            values[name] = rule(shape, generator("initial", seed, name)).astype(np.float32)
    if unknown:
        raise RunError("no rule says how these parameters start", items=unknown, help="give them pretrained weights")
    return values


def _rule(layer: str, name: str) -> Rule | None:
    if layer == "LeakyReLU":
        return _constant(0.25)
    if layer == "UpSampling":
        return _interpolation
    if name.endswith("_weight"):
        return _glorot_uniform if layer == "FullyConnected" else _he_normal
    for ending, value in (("_bias", 0.0), ("_beta", 0.0), ("_moving_mean", 0.0), ("_gamma", 1.0), ("_moving_var", 1.0)):
        if name.endswith(ending):
            return _constant(value)
    return None


def _constant(value: float) -> Rule:
    return lambda shape, _random: np.full(shape, value, np.float32)


def _he_normal(shape: Shape, random: np.random.Generator) -> Array:
    """shape: [filters, channels of a group, height, width]; fan-in is what one filter sees."""
    fan_in = math.prod(shape[1:])
    return random.normal(0.0, math.sqrt(2.0 / fan_in), shape).astype(np.float32)


def _glorot_uniform(shape: Shape, random: np.random.Generator) -> Array:
    """shape: [outputs, inputs]."""
    bound = math.sqrt(6.0 / (shape[0] + math.prod(shape[1:])))
    return random.uniform(-bound, bound, shape).astype(np.float32)


def _interpolation(shape: Shape, _random: np.random.Generator) -> Array:
    """shape: [channels, 1, side, side]; each channel's filter is a tent over the pixels around."""
    side = shape[-1]
    scale = math.ceil(side / 2)
    centre = (side - 1) / 2
    tent = 1 - np.abs(np.arange(side) - centre) / scale
    return np.broadcast_to(np.outer(tent, tent), shape).astype(np.float32)


def _layer_of_each_parameter(symbol: Symbol) -> dict[str, str]:
    """The operator that each variable feeds."""
    nodes = json.loads(symbol.tojson())["nodes"]
    return {nodes[source]["name"]: node["op"] for node in nodes for source, *_ in node["inputs"]}
