"""Layers that treat every value alike: activations, functions of one number, arithmetic with a constant."""

from __future__ import annotations

from collections.abc import Sequence

from retdsl.ir import Shape
from retdsl.schema.model import REQUIRED, Layer, Option, Options, ShapeError, Stricter, layer
from retdsl.schema.shapes import axis_of, same, shape_text, whole
from retdsl.schema.types import Choice, Integer, Real, optional


def leaky_relu(inputs: Sequence[Shape], options: Options) -> Shape:
    """As it comes in."""
    if options["act_type"] == "prelu" and len(inputs[0]) < 2:
        raise ShapeError(f"there are no channels in {shape_text(inputs[0])}")
    return inputs[0]


def _a_slope(inputs: Sequence[Shape], _options: Options) -> Sequence[Shape]:
    return ((inputs[0][1],),)


def along_an_axis(inputs: Sequence[Shape], options: Options) -> Shape:
    """As it comes in."""
    axis_of(whole(options, "axis"), inputs[0])
    return inputs[0]


def softmax_activation(inputs: Sequence[Shape], options: Options) -> Shape:
    """As it comes in."""
    if options["mode"] == "channel" and len(inputs[0]) < 3:
        help = "without `mode` it takes rows"
        raise Stricter(f"`mode = channel` needs an image and gets {shape_text(inputs[0])}", help=help)
    return inputs[0]


_AXIS = Option("axis", Integer(), -1, "The axis; -1 is the last one, 1 are the channels.")
_TEMPERATURE = Option(
    "temperature", optional(Real(0, above=True)), None, "Divides the values first; above 1 the result is flatter."
)

ACTIVATIONS = (
    layer(
        "Activation",
        "A fixed curve applied to every value.",
        Option("act_type", Choice(("relu", "sigmoid", "softrelu", "softsign", "tanh")), REQUIRED, "The curve."),
        shape=same,
        prefix="{act_type}",
        unnamed=("act_type",),
        aliases=("ReLU", "Tanh", "Softplus"),
    ),
    layer(
        "LeakyReLU",
        "Rectifiers that let something through below 0.",
        Option("act_type", Choice(("leaky", "prelu", "elu", "selu", "gelu")), "leaky", "The curve."),
        Option("slope", Real(0), 0.25, "Slope below 0, for leaky and elu."),
        shape=leaky_relu,
        prefix="{act_type}",
        learns=("gamma",),
        learns_if=("act_type", "prelu"),
        parameters=_a_slope,
        unnamed=("act_type",),
        aliases=("PReLU", "ELU", "GELU", "SELU"),
    ),
    layer(
        "ReLU6",
        "Clips every value to the range from 0 to 6.",
        shape=same,
        operator="clip",
        prefix="relu",
        aliases=("Relu6", "relu6"),
    ),
    layer(
        "clip",
        "Clips every value to a range.",
        Option("a_min", Real(), REQUIRED, "Smallest value let through."),
        Option("a_max", Real(), REQUIRED, "Largest value let through."),
        shape=same,
        unnamed=("a_min", "a_max"),
        aliases=("Clip", "clamp"),
    ),
    layer(
        "hard_sigmoid",
        "Clips alpha x + beta to the range from 0 to 1.",
        Option("alpha", Real(), 0.2, "The slope."),
        Option("beta", Real(), 0.5, "The value at 0."),
        shape=same,
        aliases=("HardSigmoid", "Hardsigmoid"),
    ),
    layer(
        "softmax",
        "Values that are positive and sum to 1 along an axis. It is no loss head: that is `Softmax`.",
        _AXIS,
        _TEMPERATURE,
        shape=along_an_axis,
        unnamed=("axis",),
    ),
    layer("log_softmax", "The logarithm of `softmax`.", _AXIS, _TEMPERATURE, shape=along_an_axis, unnamed=("axis",)),
    layer("softmin", "The `softmax` of the negative.", _AXIS, _TEMPERATURE, shape=along_an_axis, unnamed=("axis",)),
    layer(
        "SoftmaxActivation",
        "An older `softmax`, over the last axis or over the channels at each pixel.",
        Option("mode", Choice(("instance", "channel")), "instance", "What sums to 1."),
        shape=softmax_activation,
        prefix="softmax",
        unnamed=("mode",),
    ),
)

_FUNCTIONS = {
    "relu": "The value, or 0 where it is below; `Activation(relu)` is the same and may be fused with a convolution.",
    "sigmoid": "1 / (1 + exp(-x)), from 0 to 1.",
    "tanh": "The hyperbolic tangent, from -1 to 1.",
    "softsign": "x / (1 + |x|), from -1 to 1.",
    "exp": "e to the power of each value.",
    "expm1": "exp(x) - 1, exact near 0.",
    "log": "The natural logarithm.",
    "log1p": "log(1 + x), exact near 0.",
    "log2": "The logarithm to base 2.",
    "log10": "The logarithm to base 10.",
    "sqrt": "The square root.",
    "rsqrt": "1 over the square root.",
    "cbrt": "The cube root.",
    "rcbrt": "1 over the cube root.",
    "square": "Each value times itself.",
    "reciprocal": "1 over each value.",
    "negative": "Each value with the other sign.",
    "abs": "Each value without its sign.",
    "sign": "The sign of each value: -1, 0 or 1.",
    "round": "The nearest whole number, halves away from 0.",
    "rint": "The nearest whole number, halves downwards.",
    "fix": "The whole number next to it towards 0.",
    "trunc": "The whole part, without what stands behind the point.",
    "floor": "The next whole number below.",
    "ceil": "The next whole number above.",
    "sin": "The sine of each value.",
    "cos": "The cosine of each value.",
    "tan": "The tangent of each value.",
    "arcsin": "The angle that has this sine.",
    "arccos": "The angle that has this cosine.",
    "arctan": "The angle that has this tangent.",
    "sinh": "The hyperbolic sine.",
    "cosh": "The hyperbolic cosine.",
    "arcsinh": "The inverse of the hyperbolic sine.",
    "arccosh": "The inverse of the hyperbolic cosine.",
    "arctanh": "The inverse of the hyperbolic tangent.",
    "degrees": "Radians to degrees.",
    "radians": "Degrees to radians.",
    "erf": "The error function.",
    "erfinv": "The inverse of the error function.",
    "gamma": "The gamma function.",
    "gammaln": "The logarithm of the gamma function's absolute value.",
    "logical_not": "1 where the value is 0, else 0.",
    "ones_like": "1 everywhere.",
    "zeros_like": "0 everywhere.",
}
_FUNCTION_ALIASES = {
    "tanh": ("TanH",),
    "negative": ("neg",),
    "abs": ("fabs", "absolute"),
    "square": ("Square", "pow2"),
    "exp": ("Exp",),
    "log": ("ln",),
}

_WITH_CONSTANT = {
    "plus": "Adds a number.",
    "minus": "Subtracts a number.",
    "rminus": "Subtracts each value from a number.",
    "mul": "Multiplies by a number.",
    "div": "Divides by a number.",
    "rdiv": "Divides a number by each value.",
    "mod": "What is left after division by a number.",
    "rmod": "What is left of a number after division by each value.",
    "power": "Raises each value to a power.",
    "rpower": "Raises a number to the power of each value.",
    "maximum": "The value or a number, whichever is larger.",
    "minimum": "The value or a number, whichever is smaller.",
    "hypot": "The root of the sum of squares of the value and a number.",
    "equal": "1 where the value is a number, else 0.",
    "not_equal": "0 where the value is a number, else 1.",
    "greater": "1 where the value is above a number, else 0.",
    "greater_equal": "1 where the value is a number or above, else 0.",
    "lesser": "1 where the value is below a number, else 0.",
    "lesser_equal": "1 where the value is a number or below, else 0.",
    "logical_and": "1 where neither the value nor a number is 0, else 0.",
    "logical_or": "0 where both the value and a number are 0, else 1.",
    "logical_xor": "1 where either the value or a number is 0, but not both, else 0.",
}
_CONSTANT_ALIASES = {
    "plus": ("add_scalar", "AddConstant"),
    "minus": ("sub_scalar",),
    "mul": ("scale", "Scale", "MulConstant"),
    "power": ("pow", "Power"),
}


def _function(name: str, doc: str) -> Layer:
    return layer(name, doc, shape=same, aliases=_FUNCTION_ALIASES.get(name, ()))


def _with_constant(name: str, doc: str) -> Layer:
    return layer(
        f"{name}_scalar",
        doc,
        Option("scalar", Real(), REQUIRED, "The number."),
        shape=same,
        operator=f"_{name}_scalar",
        prefix=name,
        unnamed=("scalar",),
        aliases=_CONSTANT_ALIASES.get(name, ()),
    )


ARITHMETIC = (
    *(_function(name, doc) for name, doc in _FUNCTIONS.items()),
    *(_with_constant(name, doc) for name, doc in _WITH_CONSTANT.items()),
    layer(
        "smooth_l1",
        "(scalar x)² / 2 near 0, |x| - 1 / (2 scalar²) beyond 1 / scalar².",
        Option("scalar", Real(0, above=True), 1.0, "Where the curve becomes straight.", always=True),
        shape=same,
        unnamed=("scalar",),
        aliases=("huber", "SmoothL1"),
    ),
    layer(
        "quadratic",
        "a x² + b x + c.",
        Option("a", Real(), 0.0, "The factor of the square."),
        Option("b", Real(), 0.0, "The factor of the value."),
        Option("c", Real(), 0.0, "What is added."),
        shape=same,
        operator="_contrib_quadratic",
        unnamed=("a", "b", "c"),
    ),
    layer(
        "BlockGrad",
        "Passes the value on and no gradient back: what lies before it does not learn from what comes behind it.",
        shape=same,
        aliases=("stop_gradient", "detach"),
    ),
    layer(
        "gradientmultiplier",
        "Passes the value on and the gradient, times a number, back; a negative one makes what lies before it unlearn.",
        Option("scalar", Real(), REQUIRED, "The number."),
        shape=same,
        operator="_contrib_gradientmultiplier",
        prefix="gradient",
        unnamed=("scalar",),
        aliases=("GradientReversal",),
        ref="Ganin and Lempitsky 2015, arXiv:1409.7495",
    ),
    layer(
        "div_sqrt_dim",
        "Divides by the root of the length of the last axis.",
        shape=same,
        operator="_contrib_div_sqrt_dim",
    ),
    layer(
        "round_ste",
        "A `round` whose gradient is passed on as if it were not there.",
        shape=same,
        operator="_contrib_round_ste",
    ),
    layer(
        "sign_ste",
        "A `sign` whose gradient is passed on as if it were not there.",
        shape=same,
        operator="_contrib_sign_ste",
    ),
    layer(
        "identity",
        "Passes the value on; the branch of a fork that does nothing. It adds no layer.",
        shape=same,
        operator="_copy",
    ),
)
