"""Networks of the zoo that gluon does not have, written for MXNet by hand: what the compiled specs are compared with.

They are written another way on purpose. EfficientNet-Lite here computes its sizes from the published rules of scaling,
and pads unevenly with MXNet's Pad operator, just as its weights were trained, where the spec crops; Inception-BN here
is a table and two functions.
"""

from __future__ import annotations

import math
from typing import Any

from retdsl.runtime.mx import mx

Symbol = Any
INPUT = (1, 3, 224, 224)


def parameter_shapes(network: Symbol, data: tuple[int, ...] = INPUT) -> dict[str, tuple[int, ...]]:
    """Every parameter's shape, arguments and auxiliary states together."""
    arguments, _, auxiliary = network.infer_shape(data=data)
    names = [*network.list_arguments(), *network.list_auxiliary_states()]
    shapes = dict(zip(names, [*arguments, *auxiliary], strict=True))
    del shapes["data"]
    return shapes


def efficientnet_lite0(classes: int = 1000) -> Symbol:
    """The logits [N, classes] of photographs of 224 x 224."""
    return _efficientnet_lite(1.0, 1.0, 224, classes)


def efficientnet_lite1(classes: int = 1000) -> Symbol:
    """The logits [N, classes] of photographs of 240 x 240."""
    return _efficientnet_lite(1.0, 1.1, 240, classes)


def efficientnet_lite2(classes: int = 1000) -> Symbol:
    """The logits [N, classes] of photographs of 260 x 260."""
    return _efficientnet_lite(1.1, 1.2, 260, classes)


def _efficientnet_lite(width: float, depth: float, size: int, classes: int) -> Symbol:
    """Stages: kernel, stride, widening, channels, blocks; those of Lite0, which the others scale.

    Channels are rounded to the nearest multiple of 8 and never lose a tenth; numbers of blocks are rounded up. The Lite
    networks scale neither stem nor head, nor the numbers of blocks of the first and the last stage.
    """
    stages = [
        (3, 1, 1, 16, 1),
        (3, 2, 6, 24, 2),
        (5, 2, 6, 40, 2),
        (3, 2, 6, 80, 3),
        (5, 1, 6, 112, 3),
        (5, 2, 6, 192, 4),
        (3, 1, 6, 320, 1),
    ]
    x = _conv_bn(mx.sym.Variable("data"), size, 32, 3, 2, 1, "conv_stem", "bn0")
    size, channels, number = math.ceil(size / 2), 32, 0
    for stage, (kernel, first_stride, widening, planned, blocks) in enumerate(stages):
        filters = _to_eights(width * planned)
        for block in range(blocks if stage in (0, 6) else math.ceil(depth * blocks)):
            name, before, wide = f"blocks_{number}_", x, widening * channels
            stride = 1 if block else first_stride
            if widening > 1:
                x = _conv_bn(x, size, wide, 1, 1, 1, f"{name}expand_conv", f"{name}bn0")
            x = _conv_bn(x, size, wide, kernel, stride, wide, f"{name}depthwise_conv", f"{name}bn1")
            size = math.ceil(size / stride)
            x = _conv_bn(x, size, filters, 1, 1, 1, f"{name}project_conv", f"{name}bn2", clip=False)
            x = x + before if block else x
            channels, number = filters, number + 1
    x = _conv_bn(x, size, 1280, 1, 1, 1, "conv_head", "bn1")
    x = mx.sym.Pooling(x, kernel=(1, 1), pool_type="avg", global_pool=True, name="global_pool")
    return mx.sym.FullyConnected(mx.sym.Flatten(x), num_hidden=classes, name="fc")


def _to_eights(channels: float) -> int:
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def _conv_bn(
    x: Symbol, size: int, filters: int, kernel: int, stride: int, groups: int, conv: str, bn: str, clip: bool = True
) -> Symbol:
    """TensorFlow's "same" padding of a picture of `size` x `size`: as even as can be, the odd row behind."""
    padding = max(0, (math.ceil(size / stride) - 1) * stride + kernel - size)
    before, after = padding // 2, padding - padding // 2
    if padding:
        x = mx.sym.pad(x, mode="constant", pad_width=(0, 0, 0, 0, before, after, before, after))
    x = mx.sym.Convolution(
        x,
        num_filter=filters,
        kernel=(kernel, kernel),
        stride=(stride, stride),
        num_group=groups,
        no_bias=True,
        name=conv,
    )
    x = mx.sym.BatchNorm(x, eps=1e-3, fix_gamma=False, name=bn)
    return mx.sym.clip(x, 0, 6) if clip else x


INCEPTION_MODULES = {
    # 1x1, then 3x3 after its reduction, then the double 3x3 after its reduction, then the pool's kind and projection
    "3a": (64, (64, 64), (64, 96), "avg", 32),
    "3b": (64, (64, 96), (64, 96), "avg", 64),
    "3c": (None, (128, 160), (64, 96), "max", None),
    "4a": (224, (64, 96), (96, 128), "avg", 128),
    "4b": (192, (96, 128), (96, 128), "avg", 128),
    "4c": (160, (128, 160), (128, 160), "avg", 128),
    "4d": (96, (128, 192), (160, 192), "avg", 128),
    "4e": (None, (128, 192), (192, 256), "max", None),
    "5a": (352, (192, 320), (160, 224), "avg", 128),
    "5b": (352, (192, 320), (192, 224), "max", 128),
}


def inception_bn(classes: int = 1000) -> Symbol:
    """The logits [N, classes]."""
    x = _unit(mx.sym.Variable("data"), 64, 7, "1", stride=2)
    x = mx.sym.Pooling(x, kernel=(3, 3), stride=(2, 2), pool_type="max", name="pool_1")
    x = _unit(_unit(x, 64, 1, "2_red"), 192, 3, "2")
    x = mx.sym.Pooling(x, kernel=(3, 3), stride=(2, 2), pool_type="max", name="pool_2")
    for name, widths in INCEPTION_MODULES.items():
        x = _inception(x, name, *widths)
    x = mx.sym.Pooling(x, kernel=(7, 7), pool_type="avg", name="global_pool")
    return mx.sym.FullyConnected(mx.sym.Flatten(x, name="flatten"), num_hidden=classes, name="fc1")


def _unit(x: Symbol, filters: int, kernel: int, name: str, stride: int = 1) -> Symbol:
    pad = kernel // 2
    x = mx.sym.Convolution(
        x,
        num_filter=filters,
        kernel=(kernel, kernel),
        stride=(stride, stride),
        pad=(pad, pad),
        name=f"conv_{name}",
    )
    x = mx.sym.BatchNorm(x, eps=1e-5 + 1e-10, fix_gamma=False, name=f"bn_{name}")
    return mx.sym.relu(x, name=f"relu_{name}")


def _inception(
    x: Symbol,
    name: str,
    single: int | None,
    triple: tuple[int, int],
    double: tuple[int, int],
    pool: str,
    proj: int | None,
) -> Symbol:
    stride = 2 if single is None else 1
    branches = [] if single is None else [_unit(x, single, 1, f"{name}_1x1")]
    branches.append(_unit(_unit(x, triple[0], 1, f"{name}_3x3_reduce"), triple[1], 3, f"{name}_3x3", stride))
    y = _unit(_unit(x, double[0], 1, f"{name}_double_3x3_reduce"), double[1], 3, f"{name}_double_3x3_0")
    branches.append(_unit(y, double[1], 3, f"{name}_double_3x3_1", stride))
    y = mx.sym.Pooling(
        x, kernel=(3, 3), stride=(stride, stride), pad=(1, 1), pool_type=pool, name=f"{pool}_pool_{name}_pool"
    )
    branches.append(y if proj is None else _unit(y, proj, 1, f"{name}_proj"))
    return mx.sym.Concat(*branches, name=f"ch_concat_{name}_chconcat")
