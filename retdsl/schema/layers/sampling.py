"""Layers that make an image smaller or larger, or look at parts of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from retdsl.ir import Shape
from retdsl.schema.model import REQUIRED, Option, Options, ShapeError, Stricter, layer
from retdsl.schema.shapes import image, numbers, pair, shape_text, whole
from retdsl.schema.types import Boolean, Choice, Integer, Nothing, OneOf, Pair, Real, optional

_COUNT = Integer(1)
_KERNEL = Pair(Integer(1))
_PAD = Pair(Integer(0))


def pooling(inputs: Sequence[Shape], options: Options) -> Shape:
    """[N, C, H, W] to [N, C, h, w], h = (H + 2 pad - kernel) / stride + 1, rounded down, or up if `full`."""
    channels, height, width = image(inputs[0], "Pooling")
    if options["global_pool"]:
        return (None, channels, 1, 1)
    if options["kernel"] is None:
        raise ShapeError("`Pooling` needs a `kernel`", help="give `kernel = (2, 2)`, or `global_pool = true`")
    out = []
    for axis, size in enumerate((height, width)):
        kernel, stride, pad = (pair(options, name)[axis] for name in ("kernel", "stride", "pad"))
        span = size + 2 * pad - kernel
        if span < 0:
            raise ShapeError(f"the kernel covers {kernel} pixels of an image that has {size + 2 * pad} with padding")
        if pad >= kernel:
            raise Stricter(f"a padding of {pad} is not smaller than the kernel of {kernel}")
        full = options["pooling_convention"] == "full"
        out.append(1 + (-(-span // stride) if full else span // stride))
    return (None, channels, *out)


def adaptive(inputs: Sequence[Shape], options: Options) -> Shape:
    """[N, C, H, W] to [N, C, height, width] of `output_size`."""
    size = numbers(options["output_size"])  # in a symbol file, one number may stand for both
    return (None, image(inputs[0], "AdaptiveAvgPooling2D")[0], size[0], size[-1])


def up_sampling(inputs: Sequence[Shape], options: Options) -> Shape:
    """[N, C, H, W] to [N, C, scale H, scale W]."""
    channels, height, width = image(inputs[0], "UpSampling")
    scale = whole(options, "scale")
    if options["sample_type"] == "bilinear" and options["num_filter"] != channels:
        help = f"give `num_filter = {channels}`"
        raise Stricter(f"`num_filter` must be the number of channels, {channels}, to interpolate", help=help)
    return (None, channels, scale * height, scale * width)


def _interpolation(inputs: Sequence[Shape], options: Options) -> Sequence[Shape]:
    scale = whole(options, "scale")
    kernel = 2 * scale - scale % 2
    return ((inputs[0][1], 1, kernel, kernel),)


def bilinear_resize(inputs: Sequence[Shape], options: Options) -> Shape:
    """[N, C, H, W] to [N, C, height, width], or to a multiple of H and W."""
    channels, *sizes = image(inputs[0], "BilinearResize2D")
    scales = (options["scale_height"], options["scale_width"])
    if (scales[0] is None) != (scales[1] is None):
        raise Stricter("`BilinearResize2D` needs `scale_height` and `scale_width` together, or neither")
    mode = options["mode"]
    if mode == "odd_scale" and scales[0] is None:
        raise ShapeError("`mode = odd_scale` needs `scale_height` and `scale_width`")
    if mode == "size" and scales[0] is None:
        return (None, channels, whole(options, "height"), whole(options, "width"))
    out = []
    for size, scale in zip(sizes, cast("tuple[float, float]", scales), strict=True):
        match mode:
            case "size":
                out.append(int(size * scale))
            case "odd_scale":
                out.append(int(size * scale) if size % 2 == 0 else int((size - 1) * scale) + 1)
            case "to_even_down":
                out.append(size - size % 2)
            case "to_even_up":
                out.append(size + size % 2)
            case "to_odd_down":
                out.append(size - 1 + size % 2)
            case _:
                out.append(size + 1 - size % 2)
    if min(out) < 1:
        raise ShapeError(f"nothing is left of {shape_text(inputs[0])}", help="use a larger scale")
    return (None, channels, *out)


def depth_to_space(inputs: Sequence[Shape], options: Options) -> Shape:
    """[N, C, H, W] to [N, C / b², b H, b W], b being `block_size`."""
    channels, height, width = image(inputs[0], "depth_to_space")
    block = whole(options, "block_size")
    if channels % block**2:
        raise ShapeError(f"{channels} channels cannot be laid out as squares of {block} x {block}")
    return (None, channels // block**2, height * block, width * block)


def space_to_depth(inputs: Sequence[Shape], options: Options) -> Shape:
    """[N, C, H, W] to [N, b² C, H / b, W / b], b being `block_size`."""
    channels, height, width = image(inputs[0], "space_to_depth")
    block = whole(options, "block_size")
    if height % block or width % block:
        raise ShapeError(f"{height} x {width} pixels cannot be divided into squares of {block} x {block}")
    return (None, channels * block**2, height // block, width // block)


def roi_pooling(inputs: Sequence[Shape], options: Options) -> Shape:
    """[N, C, H, W] and [N, 5] to [N, C, height, width] of `pooled_size`."""
    channels = image(inputs[0], "ROIPooling")[0]
    if inputs[1] != (None, 5):
        raise ShapeError(
            f"`ROIPooling` needs [N, 5] as its second value and gets {shape_text(inputs[1])}",
            note="a region is the number of the image in the batch, then left, top, right and bottom",
        )
    return (None, channels, *pair(options, "pooled_size"))


def grid_generator(inputs: Sequence[Shape], options: Options) -> Shape:
    """[N, 6] to [N, 2, height, width] of `target_shape`; with `warp`, [N, 2, H, W] as it comes in."""
    if options["transform_type"] == "warp":
        channels, height, width = image(inputs[0], "GridGenerator")
        if channels != 2:
            raise ShapeError(f"`GridGenerator` warps by 2 channels, x and y, and gets {channels}")
        return (None, 2, height, width)
    _affine(inputs[0], "GridGenerator")
    return (None, 2, *_target("GridGenerator", options))


def spatial_transformer(inputs: Sequence[Shape], options: Options) -> Shape:
    """[N, C, H, W] and [N, 6] to [N, C, height, width] of `target_shape`."""
    channels = image(inputs[0], "SpatialTransformer")[0]
    _affine(inputs[1], "SpatialTransformer")
    return (None, channels, *_target("SpatialTransformer", options))


def _affine(shape: Shape, name: str) -> None:
    if shape != (None, 6):
        raise ShapeError(
            f"`{name}` needs the 6 numbers of an affine map, [N, 6], and gets {shape_text(shape)}",
            help="put `FullyConnected(6)` before it",
        )


def _target(name: str, options: Options) -> tuple[int, int]:
    if options["target_shape"] is None:
        raise ShapeError(f"`{name}` needs `target_shape` for an affine map", help="give `target_shape = (64, 64)`")
    return pair(options, "target_shape")


def bilinear_sampler(inputs: Sequence[Shape], _options: Options) -> Shape:
    """[N, C, H, W] and [N, 2, h, w] to [N, C, h, w]."""
    channels = image(inputs[0], "BilinearSampler")[0]
    two, height, width = image(inputs[1], "BilinearSampler")
    if two != 2:
        raise ShapeError(f"the grid of `BilinearSampler` has 2 channels, x and y, and this one has {two}")
    return (None, channels, height, width)


def correlation(inputs: Sequence[Shape], options: Options) -> Shape:
    """Two [N, C, H, W] to [N, d², h, w], d = 2 max_displacement / stride2 + 1 displacements each way."""
    first, second = image(inputs[0], "Correlation"), image(inputs[1], "Correlation")
    if first != second:
        raise Stricter("`Correlation` needs values of one shape")
    kernel, reach, pad = (whole(options, name) for name in ("kernel_size", "max_displacement", "pad_size"))
    if kernel % 2 == 0:
        raise Stricter("`kernel_size` must be odd")
    border = reach + (kernel - 1) // 2
    out = [-(-(size + 2 * pad - 2 * border) // whole(options, "stride1")) for size in first[1:]]
    if min(out) < 1:
        raise Stricter("nothing is left of the image", help="use more padding or a smaller displacement")
    return (None, (2 * (reach // whole(options, "stride2")) + 1) ** 2, *out)


LAYERS = (
    layer(
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
        shape=pooling,
        prefix="pool",
        aliases=("MaxPool", "AvgPool", "MaxPool2d", "AvgPool2d", "GlobalAvgPool", "pool"),
    ),
    layer(
        "AdaptiveAvgPooling2D",
        "The mean of each cell of a grid laid over the image, however large it is.",
        Option("output_size", _KERNEL, (1, 1), "Height and width of the grid."),
        shape=adaptive,
        operator="_contrib_AdaptiveAvgPooling2D",
        prefix="pool",
        unnamed=("output_size",),
        aliases=("AdaptiveAvgPool2d", "AdaptivePooling"),
    ),
    layer(
        "UpSampling",
        "Enlarges the image by a whole factor: each pixel repeated, or a learned kernel that starts as interpolation.",
        Option("scale", Integer(1, 1000), REQUIRED, "How many times larger."),
        Option("sample_type", Choice(("nearest", "bilinear")), "nearest", "Repeats or interpolates.", always=True),
        Option("num_filter", Integer(0), 0, "The number of channels, to interpolate."),
        shape=up_sampling,
        learns=("weight",),
        learns_if=("sample_type", "bilinear"),
        parameters=_interpolation,
        unnamed=("scale",),
        aliases=("Upsample", "UpSample", "UpSampling2D"),
    ),
    layer(
        "BilinearResize2D",
        "Resizes the image by interpolation; nothing is learned.",
        Option("height", _COUNT, 1, "Pixels."),
        Option("width", _COUNT, 1, "Pixels."),
        Option("scale_height", optional(Real(0, above=True)), None, "Times the height, instead of `height`."),
        Option("scale_width", optional(Real(0, above=True)), None, "Times the width, instead of `width`."),
        Option(
            "mode",
            Choice(("size", "odd_scale", "to_even_down", "to_even_up", "to_odd_down", "to_odd_up")),
            "size",
            "The size given, or the next even or odd one.",
        ),
        Option("align_corners", Boolean(), True, "Whether the corners of input and output are the same points."),
        shape=bilinear_resize,
        operator="_contrib_BilinearResize2D",
        prefix="resize",
        unnamed=("height", "width"),
        aliases=("interpolate", "Resize", "BilinearResize"),
    ),
    layer(
        "depth_to_space",
        "Lays channels out as squares of pixels: larger, with fewer channels.",
        Option("block_size", _COUNT, REQUIRED, "Height and width of a square."),
        shape=depth_to_space,
        unnamed=("block_size",),
        aliases=("PixelShuffle",),
        ref="Shi et al. 2016, arXiv:1609.05158",
    ),
    layer(
        "space_to_depth",
        "Stacks squares of pixels as channels: smaller, with more channels.",
        Option("block_size", _COUNT, REQUIRED, "Height and width of a square."),
        shape=space_to_depth,
        unnamed=("block_size",),
        aliases=("PixelUnshuffle",),
    ),
    layer(
        "ROIPooling",
        "The largest value of each cell of a grid laid over a region of the image.",
        Option("pooled_size", _KERNEL, REQUIRED, "Height and width of the grid."),
        Option("spatial_scale", Real(0, 1, above=True), REQUIRED, "Pixels of this value a pixel of the photograph."),
        shape=roi_pooling,
        inputs=("data", "rois"),
        ref="Girshick 2015, arXiv:1504.08083",
    ),
    layer(
        "GridGenerator",
        "The places at which `BilinearSampler` looks, from an affine map or from a flow.",
        Option("transform_type", Choice(("affine", "warp")), REQUIRED, "What the places are made from."),
        Option("target_shape", optional(_KERNEL), None, "Height and width of the grid of an affine map."),
        shape=grid_generator,
        prefix="grid",
        unnamed=("transform_type",),
    ),
    layer(
        "BilinearSampler",
        "Looks at the image in the places of a grid, -1 to 1 from edge to edge, and interpolates.",
        shape=bilinear_sampler,
        inputs=("data", "grid"),
        prefix="sampler",
        aliases=("grid_sample",),
    ),
    layer(
        "SpatialTransformer",
        "Turns, shifts and scales the image by an affine map that the network gives.",
        Option("target_shape", optional(_KERNEL), None, "Height and width of the output."),
        Option("transform_type", Choice(("affine",)), "affine", "The kind of map.", always=True),
        Option("sampler_type", Choice(("bilinear",)), "bilinear", "How it looks between pixels.", always=True),
        shape=spatial_transformer,
        inputs=("data", "loc"),
        prefix="transformer",
        aliases=("STN",),
        ref="Jaderberg et al. 2015, arXiv:1506.02025",
    ),
    layer(
        "Correlation",
        "How alike two images are around each pixel, for every displacement up to a limit.",
        Option("kernel_size", _COUNT, 1, "Height and width of what is compared; odd."),
        Option("max_displacement", Integer(0), 1, "Largest displacement in pixels."),
        Option("stride1", _COUNT, 1, "Pixels from one place in the first image to the next."),
        Option("stride2", _COUNT, 1, "Pixels from one displacement to the next."),
        Option("pad_size", Integer(0), 0, "Zeros added on each side."),
        Option("is_multiply", Boolean(), True, "Multiplies what is compared, or takes the absolute difference."),
        shape=correlation,
        inputs=("data1", "data2"),
        ref="Dosovitskiy et al. 2015, arXiv:1504.06852",
    ),
)
