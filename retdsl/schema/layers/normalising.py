"""Layers that keep values in a range that trains well, and Dropout."""

from __future__ import annotations

from collections.abc import Sequence

from retdsl.ir import Shape
from retdsl.schema.model import REQUIRED, Option, Options, ShapeError, Stricter, layer
from retdsl.schema.shapes import axes_of, axis_of, shape_text, whole
from retdsl.schema.types import Boolean, Choice, Integer, Many, Real

_SCALE = ("gamma", "beta")


def channels_first(inputs: Sequence[Shape], _options: Options) -> Shape:
    """As it comes in: [N, C, ...]."""
    _channels(inputs[0])
    return inputs[0]


def _channels(shape: Shape) -> int:
    if len(shape) < 2:
        raise ShapeError(f"there are no channels in {shape_text(shape)}")
    return shape[1] or 0


def _a_channel(inputs: Sequence[Shape], _options: Options) -> Sequence[Shape]:
    return ((_channels(inputs[0]),),) * 4


def instance_norm(inputs: Sequence[Shape], _options: Options) -> Shape:
    """As it comes in: [N, C, ...] with at least one axis behind the channels."""
    if len(inputs[0]) < 3:
        raise Stricter(f"`InstanceNorm` needs an image and gets {shape_text(inputs[0])}")
    return inputs[0]


def layer_norm(inputs: Sequence[Shape], options: Options) -> Shape:
    """As it comes in."""
    axis_of(whole(options, "axis"), inputs[0])
    return inputs[0]


def _along_the_axis(inputs: Sequence[Shape], options: Options) -> Sequence[Shape]:
    return ((inputs[0][axis_of(whole(options, "axis"), inputs[0])],),) * 2


def group_norm(inputs: Sequence[Shape], options: Options) -> Shape:
    """As it comes in: [N, C, ...] with C a multiple of `num_groups`."""
    channels, groups = _channels(inputs[0]), whole(options, "num_groups")
    if len(inputs[0]) < 3:
        raise ShapeError(f"`GroupNorm` needs an image and gets {shape_text(inputs[0])}")
    if channels % groups:
        raise ShapeError(f"{channels} channels cannot be divided into {groups} groups")
    return inputs[0]


def _a_group(_inputs: Sequence[Shape], options: Options) -> Sequence[Shape]:
    return ((whole(options, "num_groups"),),) * 2


def l2_normalization(inputs: Sequence[Shape], options: Options) -> Shape:
    """As it comes in."""
    if options["mode"] != "instance" and len(inputs[0]) < 3:
        raise ShapeError(f"`mode = {options['mode']}` needs an image and gets {shape_text(inputs[0])}")
    return inputs[0]


def lrn(inputs: Sequence[Shape], options: Options) -> Shape:
    """As it comes in: [N, C, H, W]."""
    if len(inputs[0]) != 4:
        raise Stricter(f"`LRN` needs an image and gets {shape_text(inputs[0])}")
    if whole(options, "nsize") % 2 == 0:
        raise Stricter("`nsize` must be odd: so many channels around each")
    return inputs[0]


def dropout(inputs: Sequence[Shape], options: Options) -> Shape:
    """As it comes in."""
    axes_of(options["axes"], inputs[0])
    return inputs[0]


LAYERS = (
    layer(
        "BatchNorm",
        "Brings each channel to mean 0 and variance 1, then scales and shifts it by learned values.",
        Option("eps", Real(0, above=True), 1e-3, "Added to the variance.", always=True),
        Option("momentum", Real(0, 1), 0.9, "Share of the old moving average that a step keeps."),
        Option("fix_gamma", Boolean(), True, "Holds the scale at 1; write `false` to learn it.", always=True),
        Option("use_global_stats", Boolean(), False, "Uses the moving averages in training, too."),
        shape=channels_first,
        learns=(*_SCALE, "moving_mean", "moving_var"),
        parameters=_a_channel,
        prefix="bn",
        aliases=("bn", "BatchNorm2d", "BatchNormalization", "batchnorm", "BatchNorm_v1", "SyncBatchNorm"),
        ref="Ioffe and Szegedy 2015, arXiv:1502.03167",
    ),
    layer(
        "InstanceNorm",
        "Brings each channel of each image to mean 0 and variance 1, then scales and shifts it by learned values.",
        Option("eps", Real(0, above=True), 1e-3, "Added to the variance."),
        shape=instance_norm,
        learns=_SCALE,
        parameters=_a_channel,
        prefix="instancenorm",
        aliases=("InstanceNorm2d",),
        ref="Ulyanov et al. 2016, arXiv:1607.08022",
    ),
    layer(
        "LayerNorm",
        "Brings the values along an axis to mean 0 and variance 1, then scales and shifts them by learned values.",
        Option("axis", Integer(), -1, "The axis; -1 is the last one, 1 are the channels."),
        Option("eps", Real(0, above=True), 1e-5, "Added to the variance."),
        shape=layer_norm,
        learns=_SCALE,
        parameters=_along_the_axis,
        unnamed=("axis",),
        ref="Ba et al. 2016, arXiv:1607.06450",
    ),
    layer(
        "GroupNorm",
        "Brings each group of channels of each image to mean 0 and variance 1, then scales and shifts it by learned "
        "values.",
        Option("num_groups", Integer(1), 1, "Groups of channels; MXNet learns one scale and one shift for each."),
        Option("eps", Real(0, above=True), 1e-5, "Added to the variance."),
        shape=group_norm,
        learns=_SCALE,
        parameters=_a_group,
        unnamed=("num_groups",),
        ref="Wu and He 2018, arXiv:1803.08494",
    ),
    layer(
        "L2Normalization",
        "Divides by the root of the sum of squares.",
        Option("eps", Real(0, above=True), 1e-10, "Keeps the divisor from 0."),
        Option(
            "mode",
            Choice(("instance", "channel", "spatial")),
            "instance",
            "What is brought to length 1: all of an image, the channels at each pixel, or the pixels of each channel.",
        ),
        shape=l2_normalization,
        prefix="l2norm",
        aliases=("L2Norm", "normalize_l2"),
    ),
    layer(
        "LRN",
        "Divides each value by a sum over its neighbouring channels, as AlexNet and Inception v1 do.",
        Option("nsize", Integer(1), REQUIRED, "Channels that are summed; odd."),
        Option("alpha", Real(), 1e-4, "Weight of the mean square."),
        Option("beta", Real(), 0.75, "The power."),
        Option("knorm", Real(), 2.0, "Added before the power is taken."),
        shape=lrn,
        unnamed=("nsize",),
        aliases=("LocalResponseNorm",),
        ref="Krizhevsky et al. 2012, NeurIPS",
    ),
    layer(
        "Dropout",
        "In training, sets values to 0 at random and scales up the rest.",
        Option("p", Real(0, 0.99), 0.5, "Share of the values that is dropped."),
        Option(
            "axes", Many(Integer()), (), "Axes along which values are dropped together: `(2, 3)` for whole channels."
        ),
        shape=dropout,
        stochastic=True,
        unnamed=("p",),
        aliases=("dropout", "Dropout2d"),
        ref="Srivastava et al. 2014, JMLR 15",
    ),
)
