"""Layers with learned filters and weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from retdsl.ir import Shape
from retdsl.schema.model import REQUIRED, Option, Options, ShapeError, Stricter, layer
from retdsl.schema.shapes import image, pair, shape_text, size_of, whole
from retdsl.schema.types import Boolean, Integer, Pair

_COUNT = Integer(1)
_KERNEL = Pair(Integer(1))
_PAD = Pair(Integer(0))


def convolution(inputs: Sequence[Shape], options: Options) -> Shape:
    """[N, C, H, W] to [N, num_filter, h, w], h = (H + 2 pad - dilate (kernel - 1) - 1) / stride + 1, rounded down."""
    channels, height, width = image(inputs[0], "Convolution")
    _groups(channels, options)
    out = []
    for axis, size in enumerate((height, width)):
        kernel = pair(options, "dilate")[axis] * (pair(options, "kernel")[axis] - 1) + 1
        padded = size + 2 * pair(options, "pad")[axis]
        if kernel > padded:
            raise ShapeError(
                f"the kernel covers {kernel} pixels of an image that has {padded} with padding",
                help="use a smaller kernel, more padding, or fewer strides before",
            )
        out.append((padded - kernel) // pair(options, "stride")[axis] + 1)
    return (None, whole(options, "num_filter"), *out)


def _groups(channels: int, options: Options) -> None:
    filters, groups = whole(options, "num_filter"), whole(options, "num_group")
    if channels % groups:
        near = [n for n in range(1, channels + 1) if channels % n == 0]
        fitting = ", ".join(map(str, near[:6] + (near[-1:] if len(near) > 6 else [])))
        raise ShapeError(
            f"{channels} channels cannot be divided into {groups} groups", help=f"groups that fit: {fitting}"
        )
    if filters % groups:
        raise ShapeError(f"{filters} filters cannot be divided among {groups} groups")


def _filters(inputs: Sequence[Shape], options: Options) -> Sequence[Shape]:
    filters, groups = whole(options, "num_filter"), whole(options, "num_group")
    weight: Shape = (filters, cast(int, inputs[0][1]) // groups, *pair(options, "kernel"))
    return (weight, (filters,))


def deconvolution(inputs: Sequence[Shape], options: Options) -> Shape:
    """[N, C, H, W] to [N, num_filter, h, w], h = stride (H - 1) + dilate (kernel - 1) + 1 - 2 pad + adj."""
    channels, height, width = image(inputs[0], "Deconvolution")
    _groups(channels, options)
    out = []
    for axis, size in enumerate((height, width)):
        kernel = pair(options, "dilate")[axis] * (pair(options, "kernel")[axis] - 1) + 1
        stride, margin, more = (pair(options, name)[axis] for name in ("stride", "pad", "adj"))
        if more >= stride:
            raise ShapeError(f"`adj` must be smaller than the stride, and {more} is not smaller than {stride}")
        grown = stride * (size - 1) + kernel - 2 * margin + more
        if grown < 1:
            raise ShapeError(f"nothing is left: a padding of {margin} cuts {2 * margin} pixels off", help="pad less")
        out.append(grown)
    return (None, whole(options, "num_filter"), *out)


def _transposed_filters(inputs: Sequence[Shape], options: Options) -> Sequence[Shape]:
    filters, groups = whole(options, "num_filter"), whole(options, "num_group")
    return ((inputs[0][1], filters // groups, *pair(options, "kernel")), (filters,))


def fully_connected(inputs: Sequence[Shape], options: Options) -> Shape:
    """[N, F] to [N, num_hidden]."""
    shape = inputs[0]
    if len(shape) != 2:
        raise Stricter(
            f"`FullyConnected` needs [N, features] and gets {shape_text(shape)}",
            note="MXNet would flatten it without a word; here every change of shape is written",
            help=f"insert `Flatten` before it, which gives [N, {size_of(shape)}]",
        )
    return (None, whole(options, "num_hidden"))


def _weights(inputs: Sequence[Shape], options: Options) -> Sequence[Shape]:
    hidden = whole(options, "num_hidden")
    return ((hidden, size_of(inputs[0])), (hidden,))


LAYERS = (
    layer(
        "Convolution",
        "Slides learned filters over the image; `num_group` equal to the channels makes it depthwise.",
        Option("num_filter", _COUNT, REQUIRED, "Channels of the output."),
        Option("kernel", _KERNEL, REQUIRED, "Height and width of a filter, in pixels."),
        Option("stride", _KERNEL, (1, 1), "Pixels from one position of the filter to the next."),
        Option("pad", _PAD, (0, 0), "Zeros added on each side."),
        Option("dilate", _KERNEL, (1, 1), "Pixels between the taps of a filter."),
        Option("num_group", _COUNT, 1, "Groups of channels that are filtered apart."),
        Option("no_bias", Boolean(), False, "Leaves out the bias, as before a BatchNorm."),
        shape=convolution,
        learns=("weight", "bias"),
        parameters=_filters,
        prefix="conv",
        unnamed=("num_filter",),
        aliases=("Conv", "Conv2d", "Conv2D", "conv", "Convolution_v1"),
    ),
    layer(
        "Deconvolution",
        "A convolution the other way round, from small to large: each pixel paints a learned filter.",
        Option("num_filter", _COUNT, REQUIRED, "Channels of the output."),
        Option("kernel", _KERNEL, REQUIRED, "Height and width of a filter, in pixels."),
        Option("stride", _KERNEL, (1, 1), "Pixels of the output from one filter to the next."),
        Option("pad", _PAD, (0, 0), "Pixels cut off on each side."),
        Option("adj", _PAD, (0, 0), "Pixels added at the bottom and on the right, fewer than the stride."),
        Option("dilate", _KERNEL, (1, 1), "Pixels between the taps of a filter."),
        Option("num_group", _COUNT, 1, "Groups of channels that are filtered apart."),
        Option("no_bias", Boolean(), True, "Leaves out the bias."),
        shape=deconvolution,
        learns=("weight", "bias"),
        parameters=_transposed_filters,
        prefix="deconv",
        unnamed=("num_filter",),
        aliases=("ConvTranspose2d", "Conv2DTranspose", "TransposedConvolution", "deconv"),
        ref="Zeiler et al. 2010, CVPR",
    ),
    layer(
        "FullyConnected",
        "A weighted sum of all features for each of `num_hidden` outputs.",
        Option("num_hidden", _COUNT, REQUIRED, "Number of outputs."),
        Option("no_bias", Boolean(), False, "Leaves out the bias."),
        shape=fully_connected,
        learns=("weight", "bias"),
        parameters=_weights,
        prefix="fc",
        unnamed=("num_hidden",),
        aliases=("Dense", "Linear", "fc", "InnerProduct"),
    ),
)
