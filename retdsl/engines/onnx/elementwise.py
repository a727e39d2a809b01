"""Layers that treat every value alike, as ONNX."""

from __future__ import annotations

from math import log, pi, sqrt
from typing import cast

from retdsl.engines.onnx.arithmetic import REVERSED, SCALARS, Pairing
from retdsl.engines.onnx.graph import Graph, Lowering, Step


def _operator(op: str) -> Lowering:
    """An operator that ONNX has as MXNet has it."""
    return lambda graph, step: graph.add(op, step.inputs[0])


def _identity(_graph: Graph, step: Step) -> str:
    return step.inputs[0]


# --- activations


_CURVES = {"relu": "Relu", "sigmoid": "Sigmoid", "softrelu": "Softplus", "softsign": "Softsign", "tanh": "Tanh"}


def _activation(graph: Graph, step: Step) -> str:
    return graph.add(_CURVES[cast(str, step.options["act_type"])], *step.inputs)


def _leaky_relu(graph: Graph, step: Step) -> str:
    [value] = step.inputs
    match step.options["act_type"]:
        case "leaky":
            return graph.add("LeakyRelu", value, alpha=step.real("slope"))
        case "elu":
            return graph.add("Elu", value, alpha=step.real("slope"))
        case "selu":
            return graph.add("Selu", value)
        case "gelu":
            half = graph.add("Mul", value, graph.real(0.5))
            below = graph.add("Erf", graph.add("Div", value, graph.real(sqrt(2))))
            return graph.add("Mul", half, graph.add("Add", below, graph.real(1)))
        case _:  # prelu, a slope for each channel
            places = (-1, *(1,) * (len(step.shape) - 2))
            slopes = graph.add("Reshape", step.parameters["gamma"], graph.whole(places))
            return graph.add("PRelu", value, slopes)


def _clip(graph: Graph, step: Step) -> str:
    return graph.add("Clip", *step.inputs, *(graph.real(step.real(option)) for option in ("a_min", "a_max")))


def _relu6(graph: Graph, step: Step) -> str:
    return graph.add("Clip", *step.inputs, graph.real(0), graph.real(6))


def _hard_sigmoid(graph: Graph, step: Step) -> str:
    return graph.add("HardSigmoid", *step.inputs, alpha=step.real("alpha"), beta=step.real("beta"))


def _softmax(op: str, sign: float = 1.0) -> Lowering:
    def lowering(graph: Graph, step: Step) -> str:
        factor = sign / (1.0 if step.options["temperature"] is None else step.real("temperature"))
        value = step.inputs[0] if factor == 1 else graph.add("Mul", step.inputs[0], graph.real(factor))
        return graph.add(op, value, axis=step.axis())

    return lowering


def _softmax_activation(graph: Graph, step: Step) -> str:
    return graph.add("Softmax", *step.inputs, axis=1 if step.options["mode"] == "channel" else -1)


# --- functions


def _times(factor: float) -> Lowering:
    return lambda graph, step: graph.add("Mul", step.inputs[0], graph.real(factor))


def _logarithm(base: float) -> Lowering:
    return lambda graph, step: graph.add("Mul", graph.add("Log", step.inputs[0]), graph.real(1 / log(base)))


def _expm1(graph: Graph, step: Step) -> str:
    """2 exp(x / 2) sinh(x / 2), which loses nothing near 0."""
    half = graph.add("Mul", step.inputs[0], graph.real(0.5))
    return graph.add("Mul", graph.add("Mul", graph.add("Exp", half), graph.add("Sinh", half)), graph.real(2))


def _log1p(graph: Graph, step: Step) -> str:
    """2 artanh(x / (x + 2)), which loses nothing near 0."""
    [value] = step.inputs
    share = graph.add("Div", value, graph.add("Add", value, graph.real(2)))
    return graph.add("Mul", graph.add("Atanh", share), graph.real(2))


def _cbrt(graph: Graph, step: Step) -> str:
    root = graph.add("Pow", graph.add("Abs", step.inputs[0]), graph.real(1 / 3))
    return graph.add("Mul", graph.add("Sign", step.inputs[0]), root)


def _towards_zero(graph: Graph, value: str) -> str:
    return graph.add("Mul", graph.add("Sign", value), graph.add("Floor", graph.add("Abs", value)))


def _round(graph: Graph, step: Step) -> str:
    """Halves away from 0."""
    size = graph.add("Abs", step.inputs[0])
    below = graph.add("Floor", size)
    up = graph.add("GreaterOrEqual", graph.add("Sub", size, below), graph.real(0.5))
    return graph.add("Mul", graph.add("Sign", step.inputs[0]), graph.add("Add", below, graph.as_real(up)))


def _rint(graph: Graph, step: Step) -> str:
    """Halves downwards."""
    [value] = step.inputs
    below = graph.add("Floor", value)
    up = graph.add("Greater", graph.add("Sub", value, below), graph.real(0.5))
    return graph.add("Add", below, graph.as_real(up))


def _chain(*ops: str) -> Lowering:
    def lowering(graph: Graph, step: Step) -> str:
        value = step.inputs[0]
        for op in ops:
            value = graph.add(op, value)
        return value

    return lowering


def _rcbrt(graph: Graph, step: Step) -> str:
    return graph.add("Reciprocal", _cbrt(graph, step))


def _square(graph: Graph, step: Step) -> str:
    return graph.add("Mul", step.inputs[0], step.inputs[0])


def _logical_not(graph: Graph, step: Step) -> str:
    return graph.as_real(graph.add("Equal", step.inputs[0], graph.real(0)))


def _filled(value: float) -> Lowering:
    return lambda graph, step: graph.add("Expand", graph.real(value), graph.add("Shape", step.inputs[0]))


def _smooth_l1(graph: Graph, step: Step) -> str:
    [value], square = step.inputs, step.real("scalar") ** 2
    size = graph.add("Abs", value)
    curved = graph.add("Mul", graph.add("Mul", value, value), graph.real(square / 2))
    straight = graph.add("Sub", size, graph.real(0.5 / square))
    return graph.add("Where", graph.add("Greater", size, graph.real(1 / square)), straight, curved)


def _quadratic(graph: Graph, step: Step) -> str:
    """(a x + b) x + c."""
    [value] = step.inputs
    a, b, c = (graph.real(step.real(option)) for option in "abc")
    return graph.add("Add", graph.add("Mul", graph.add("Add", graph.add("Mul", value, a), b), value), c)


def _div_sqrt_dim(graph: Graph, step: Step) -> str:
    return graph.add("Div", step.inputs[0], graph.real(sqrt(cast(int, step.shape[-1]))))


def _with_number(pairing: Pairing, *, reversed: bool = False) -> Lowering:
    def lowering(graph: Graph, step: Step) -> str:
        value, number = step.inputs[0], graph.real(step.real("scalar"))
        return pairing(graph, number, value) if reversed else pairing(graph, value, number)

    return lowering


_SAME_AS_ONNX = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "softsign": "Softsign",
    "tanh": "Tanh",
    "erf": "Erf",
    "exp": "Exp",
    "log": "Log",
    "sqrt": "Sqrt",
    "reciprocal": "Reciprocal",
    "negative": "Neg",
    "abs": "Abs",
    "sign": "Sign",
    "sign_ste": "Sign",
    "floor": "Floor",
    "ceil": "Ceil",
    **{name: name.capitalize() for name in ("sin", "cos", "tan", "sinh", "cosh")},
    **{f"arc{name}": f"A{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
}
"""Functions that both have, by MXNet's name."""

LOWERED: dict[str, Lowering] = {
    "Activation": _activation,
    "LeakyReLU": _leaky_relu,
    "ReLU6": _relu6,
    "clip": _clip,
    "hard_sigmoid": _hard_sigmoid,
    "softmax": _softmax("Softmax"),
    "log_softmax": _softmax("LogSoftmax"),
    "softmin": _softmax("Softmax", -1),
    "SoftmaxActivation": _softmax_activation,
    **{name: _operator(op) for name, op in _SAME_AS_ONNX.items()},
    "expm1": _expm1,
    "log1p": _log1p,
    "log2": _logarithm(2),
    "log10": _logarithm(10),
    "rsqrt": _chain("Sqrt", "Reciprocal"),
    "cbrt": _cbrt,
    "rcbrt": _rcbrt,
    "square": _square,
    "round": _round,
    "round_ste": _round,
    "rint": _rint,
    "fix": lambda graph, step: _towards_zero(graph, step.inputs[0]),
    "trunc": lambda graph, step: _towards_zero(graph, step.inputs[0]),
    "degrees": _times(180 / pi),
    "radians": _times(pi / 180),
    "logical_not": _logical_not,
    "ones_like": _filled(1),
    "zeros_like": _filled(0),
    **{f"{name}_scalar": _with_number(pairing) for name, pairing in SCALARS.items()},
    **{f"r{name}_scalar": _with_number(SCALARS[name], reversed=True) for name in REVERSED},
    "smooth_l1": _smooth_l1,
    "quadratic": _quadratic,
    "BlockGrad": _identity,
    "gradientmultiplier": _identity,
    "div_sqrt_dim": _div_sqrt_dim,
    "identity": _identity,
}
