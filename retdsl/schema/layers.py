"""Every layer that a chain of a network can name, under MXNet's names with MXNet's options and defaults.

`ReLU6`, `Add` and `Multiply` are this language's own words for `clip`, `add_n` and a product. `BatchNorm(fix_gamma)` is
always written out, because MXNet's default (true) silently ignores a learned scale.
"""

from __future__ import annotations

from retdsl.schema import shapes
from retdsl.schema.model import REQUIRED, Entry, Layer, Option
from retdsl.schema.types import Boolean, Choice, Integer, Many, Nothing, OneOf, Pair, Real

_COUNT = Integer(1)
_KERNEL = Pair(Integer(1))
_PAD = Pair(Integer(0))


def _entry(
    name: str, doc: str, *options: Option, unnamed: tuple[str, ...] = (), aliases: tuple[str, ...] = (), ref: str = ""
) -> Entry:
    return Entry(name, "layer", doc, options, unnamed, aliases, ref or None)


_ALL = (
    Layer(
        _entry(
            "Convolution",
            "Slides learned filters over the image; `num_group` equal to the channels makes it depthwise.",
            Option("num_filter", _COUNT, REQUIRED, "Channels of the output."),
            Option("kernel", _KERNEL, REQUIRED, "Height and width of a filter, in pixels."),
            Option("stride", _KERNEL, (1, 1), "Pixels from one position of the filter to the next."),
            Option("pad", _PAD, (0, 0), "Zeros added on each side."),
            Option("dilate", _KERNEL, (1, 1), "Pixels between the taps of a filter."),
            Option("num_group", _COUNT, 1, "Groups of channels that are filtered apart."),
            Option("no_bias", Boolean(), False, "Leaves out the bias, as before a BatchNorm."),
            unnamed=("num_filter",),
            aliases=("Conv", "Conv2d", "Conv2D", "conv"),
        ),
        shapes.convolution,
        "conv",
        shapes.convolution_parameters,
    ),
    Layer(
        _entry(
            "FullyConnected",
            "A weighted sum of all features for each of `num_hidden` outputs.",
            Option("num_hidden", _COUNT, REQUIRED, "Number of outputs."),
            Option("no_bias", Boolean(), False, "Leaves out the bias."),
            unnamed=("num_hidden",),
            aliases=("Dense", "Linear", "fc", "InnerProduct"),
        ),
        shapes.fully_connected,
        "fc",
        shapes.fully_connected_parameters,
    ),
    Layer(
        _entry(
            "BatchNorm",
            "Brings each channel to mean 0 and variance 1, then scales and shifts it by learned values.",
            Option("eps", Real(0, above=True), 1e-3, "Added to the variance.", always=True),
            Option("momentum", Real(0, 1), 0.9, "Share of the old moving average that a step keeps."),
            Option("fix_gamma", Boolean(), True, "Holds the scale at 1; write `false` to learn it.", always=True),
            Option("use_global_stats", Boolean(), False, "Uses the moving averages in training, too."),
            aliases=("bn", "BatchNorm2d", "BatchNormalization", "batchnorm"),
            ref="Ioffe and Szegedy 2015, arXiv:1502.03167",
        ),
        shapes.same,
        "bn",
        shapes.batch_norm_parameters,
    ),
    Layer(
        _entry(
            "Activation",
            "A fixed curve applied to every value.",
            Option("act_type", Choice(("relu", "sigmoid", "softrelu", "softsign", "tanh")), REQUIRED, "The curve."),
            unnamed=("act_type",),
            aliases=("ReLU", "relu", "Sigmoid", "Tanh"),
        ),
        shapes.same,
        "{act_type}",
    ),
    Layer(
        _entry(
            "LeakyReLU",
            "Rectifiers that let something through below 0.",
            Option("act_type", Choice(("leaky", "prelu", "elu", "selu", "gelu")), "leaky", "The curve."),
            Option("slope", Real(0), 0.25, "Slope below 0, for leaky and elu."),
            unnamed=("act_type",),
            aliases=("PReLU", "ELU", "GELU", "SELU"),
        ),
        shapes.same,
        "{act_type}",
        shapes.leaky_parameters,
    ),
    Layer(
        _entry("ReLU6", "Clips every value to the range from 0 to 6.", aliases=("Relu6", "relu6")),
        shapes.same,
        "relu",
    ),
    Layer(
        _entry(
            "clip",
            "Clips every value to a range.",
            Option("a_min", Real(), REQUIRED, "Smallest value let through."),
            Option("a_max", Real(), REQUIRED, "Largest value let through."),
            unnamed=("a_min", "a_max"),
            aliases=("Clip", "clamp"),
        ),
        shapes.same,
        "clip",
    ),
    Layer(
        _entry(
            "Pooling",
            "The largest, the mean or the sum of each window.",
            Option("kernel", OneOf((_KERNEL, Nothing())), None, "Height and width of the window, in pixels."),
            Option("pool_type", Choice(("max", "avg", "sum")), "max", "What is taken of a window."),
            Option("stride", _KERNEL, (1, 1), "Pixels from one window to the next."),
            Option("pad", _PAD, (0, 0), "Pixels added on each side."),
            Option("global_pool", Boolean(), False, "One window over the whole image."),
            Option(
                "pooling_convention",
                Choice(("valid", "full")),
                "valid",
                "Whether a last window that reaches over the edge is left out or counted.",
            ),
            Option("count_include_pad", Boolean(), True, "Whether padding counts in a mean."),
            aliases=("MaxPool", "AvgPool", "MaxPool2d", "AvgPool2d", "GlobalAvgPool", "pool"),
        ),
        shapes.pooling,
        "pool",
    ),
    Layer(_entry("Flatten", "All values of an image as one row.", aliases=("flatten",)), shapes.flatten, "flatten"),
    Layer(
        _entry(
            "Dropout",
            "In training, sets values to 0 at random and scales up the rest.",
            Option("p", Real(0, 0.99), 0.5, "Share of the values that is dropped."),
            unnamed=("p",),
            aliases=("dropout", "Dropout2d"),
            ref="Srivastava et al. 2014, JMLR 15",
        ),
        shapes.same,
        "dropout",
        stochastic=True,
    ),
    Layer(
        _entry(
            "Concat",
            "Joins branches side by side along an axis.",
            Option("dim", Integer(1, 3), 1, "The axis; 1 are the channels."),
            aliases=("concat", "Concatenate", "cat"),
        ),
        shapes.concat,
        "concat",
        joins=True,
    ),
    Layer(
        _entry("Add", "Joins branches by adding them.", aliases=("add", "ElementWiseSum", "sum", "elemwise_add")),
        shapes.elementwise,
        "add",
        joins=True,
    ),
    Layer(
        _entry("Multiply", "Joins branches by multiplying them.", aliases=("multiply", "Mul", "elemwise_mul")),
        shapes.elementwise,
        "mul",
        joins=True,
    ),
    Layer(
        _entry(
            "slice",
            "Cuts a range out of each axis, as Python's slices do.",
            Option("begin", Many(OneOf((Integer(), Nothing()))), REQUIRED, "First place kept on each axis, or none."),
            Option("end", Many(OneOf((Integer(), Nothing()))), REQUIRED, "First place left out, or none."),
            aliases=("Crop", "crop", "Slice"),
        ),
        shapes.slice_,
        "slice",
    ),
    Layer(
        _entry(
            "Pad",
            "Adds a margin. Slow in MXNet: a layer's own `pad` is much faster.",
            Option("mode", Choice(("constant", "edge", "reflect")), "constant", "What the margin is made of."),
            Option("pad_width", Many(Integer(0)), REQUIRED, "Before and after, for each axis, the batch included."),
            Option("constant_value", Real(), 0.0, "The value of a constant margin."),
            aliases=("ZeroPad2d", "pad"),
        ),
        shapes.pad,
        "pad",
    ),
)

LAYERS: dict[str, Layer] = {layer.entry.name: layer for layer in _ALL}
