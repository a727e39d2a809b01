"""Every layer in ONNX computes what MXNet computes: on random values, at odd sizes, for two photographs."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import onnx
import pytest

from retdsl.engines.mxnet.lower import lower_node
from retdsl.engines.onnx.graph import Refused
from retdsl.engines.onnx.layers import LOWERED
from retdsl.engines.onnx.model import model_of
from retdsl.engines.onnx.network import graph_of
from retdsl.engines.onnx.refused import REFUSED
from retdsl.ir import Network, Node, Parameter, Place
from retdsl.runtime.mx import mx
from retdsl.schema import LAYERS, REQUIRED
from retdsl.schema.lookup import other_layers
from retdsl.schema.model import parameter_names

HERE = Place("test.retina", 1, 1)
BATCH = 2
IMAGE = (6, 7, 9)
WHOLE = tuple(np.arange(-6, 7) / 2)
"""Where functions have corners: whole numbers and halves."""


@dataclass(frozen=True)
class Case:
    """A layer on values of these shapes, without the batch; between `low` and `high`, or some of `some`."""

    op: str
    options: dict[str, Any] = field(default_factory=dict)
    shapes: tuple[tuple[int, ...], ...] = (IMAGE,)
    low: float = -2.0
    high: float = 2.0
    some: tuple[float, ...] | None = None

    def __str__(self) -> str:
        return f"{self.op}-" + ",".join(f"{key}={value}" for key, value in self.options.items()).replace(" ", "")


def case(op: str, *shapes: tuple[int, ...], low: float = -2, high: float = 2, some: Any = None, **options: Any) -> Case:
    return Case(op, options, shapes or (IMAGE,), low, high, some)


FILTERS = [
    case("Convolution", num_filter=4, kernel=(3, 3)),
    case("Convolution", num_filter=4, kernel=(3, 2), stride=(2, 1), pad=(2, 1), dilate=(1, 2), num_group=2),
    case("Convolution", num_filter=6, kernel=(1, 1), num_group=6, no_bias=True),
    case("Deconvolution", num_filter=4, kernel=(3, 3)),
    case("Deconvolution", num_filter=4, kernel=(3, 2), stride=(2, 3), pad=(1, 0), adj=(1, 2), no_bias=False),
    case("Deconvolution", num_filter=4, kernel=(2, 3), stride=(2, 2), dilate=(2, 1), num_group=2),
    case("FullyConnected", (11,), num_hidden=5),
    case("FullyConnected", (11,), num_hidden=5, no_bias=True),
]

POOLINGS = [
    case("Pooling", **options, pool_type=kind)
    for kind in ("max", "avg", "sum")
    for options in (
        {"kernel": (2, 2), "stride": (2, 2)},
        {"kernel": (2, 2), "stride": (2, 2), "pooling_convention": "full"},
        {"kernel": (3, 3), "stride": (2, 2), "pad": (1, 1)},
        {"kernel": (3, 3), "stride": (2, 2), "pad": (1, 1), "pooling_convention": "full"},
        {"kernel": (3, 2), "stride": (3, 2), "pad": (2, 1), "pooling_convention": "full"},
        {"kernel": (2, 4), "stride": (2, 3), "pad": (1, 0), "pooling_convention": "full"},
        {"kernel": (2, 2), "stride": (3, 3), "pad": (1, 1), "pooling_convention": "full"},
        {"kernel": (1, 2), "stride": (4, 4), "pooling_convention": "full"},
        {"kernel": (5, 5), "global_pool": True},
    )
] + [
    case("Pooling", **options, pool_type="avg", count_include_pad=False)
    for options in (
        {"kernel": (3, 3), "pad": (1, 1)},
        {"kernel": (3, 3), "stride": (2, 2), "pad": (1, 1), "pooling_convention": "full"},
        {"kernel": (2, 4), "stride": (2, 3), "pad": (1, 2), "pooling_convention": "full"},
    )
]

SAMPLING = [
    case("AdaptiveAvgPooling2D"),
    case("AdaptiveAvgPooling2D", output_size=(3, 4)),
    case("AdaptiveAvgPooling2D", output_size=(10, 9)),
    case("UpSampling", scale=2, sample_type="nearest"),
    case("UpSampling", scale=3, sample_type="nearest"),
    case("UpSampling", scale=2, sample_type="bilinear", num_filter=6),
    case("UpSampling", scale=3, sample_type="bilinear", num_filter=6),
    case("BilinearResize2D", height=10, width=5),
    case("BilinearResize2D", height=10, width=5, align_corners=False),
    case("BilinearResize2D", height=1, width=9),
    case("BilinearResize2D", scale_height=2.0, scale_width=1.5),
    case("BilinearResize2D", scale_height=2.0, scale_width=1.5, align_corners=False),
    case("BilinearResize2D", scale_height=2.0, scale_width=0.5, mode="odd_scale"),
    *(case("BilinearResize2D", mode=mode) for mode in ("to_even_down", "to_even_up", "to_odd_down", "to_odd_up")),
    case("depth_to_space", (8, 3, 5), block_size=2),
    case("space_to_depth", (3, 4, 6), block_size=2),
    case("GridGenerator", (6,), transform_type="affine", target_shape=(4, 5)),
    case("GridGenerator", (2, 5, 7), transform_type="warp"),
    case("BilinearSampler", IMAGE, (2, 5, 4), low=-1.3, high=1.3),
    case("SpatialTransformer", IMAGE, (6,), target_shape=(5, 4), transform_type="affine", sampler_type="bilinear"),
]

NORMALISING = [
    case("BatchNorm", eps=1e-3, fix_gamma=True),
    case("BatchNorm", eps=2e-5, fix_gamma=False),
    case("BatchNorm", (5,), eps=1e-3, fix_gamma=False, use_global_stats=True),
    case("InstanceNorm"),
    case("InstanceNorm", (4, 5), eps=1e-2),
    case("LayerNorm"),
    case("LayerNorm", axis=1),
    case("LayerNorm", (5,), axis=-1, eps=1e-2),
    case("GroupNorm", num_groups=3),
    case("GroupNorm", (4, 5), num_groups=2, eps=1e-2),
    case("L2Normalization"),
    case("L2Normalization", (4,)),
    case("L2Normalization", mode="channel"),
    case("L2Normalization", mode="spatial", eps=0.1),
    case("LRN", nsize=3),
    case("LRN", nsize=5, alpha=0.3, beta=0.5, knorm=1.0),
    case("Dropout", p=0.5),
]

ACTIVATIONS = [
    *(case("Activation", act_type=kind) for kind in ("relu", "sigmoid", "softrelu", "softsign", "tanh")),
    *(case("LeakyReLU", act_type=kind, slope=0.1) for kind in ("leaky", "elu", "selu", "gelu")),
    case("LeakyReLU", act_type="prelu"),
    case("LeakyReLU", (5,), act_type="prelu"),
    case("ReLU6", low=-5, high=10),
    case("clip", a_min=-1.0, a_max=0.5),
    case("hard_sigmoid", alpha=0.3, beta=0.6),
    *(case(op, **options) for op in ("softmax", "log_softmax", "softmin") for options in ({}, {"axis": 1})),
    case("softmax", (5,), temperature=3.0),
    case("softmin", axis=1, temperature=0.5),
    case("SoftmaxActivation"),
    case("SoftmaxActivation", (5,)),
    case("SoftmaxActivation", mode="channel"),
]

DOMAINS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("log", "log2", "log10", "sqrt", "rsqrt"), (0.1, 3)),
    **dict.fromkeys(("arcsin", "arccos", "arctanh", "log1p"), (-0.9, 0.9)),
    "arccosh": (1.1, 3),
    "reciprocal": (0.3, 2),
    "rcbrt": (0.3, 2),
    "tan": (-1, 1),
}
CORNERS = ("sign", "round", "rint", "fix", "trunc", "floor", "ceil", "round_ste", "sign_ste", "logical_not", "relu")
PLAIN = ("BlockGrad", "div_sqrt_dim", "identity", "ones_like", "zeros_like")
FUNCTIONS = [
    *(case(op, low=low, high=high) for op, (low, high) in DOMAINS.items()),
    *(case(op, some=WHOLE) for op in CORNERS),
    *(
        case(name)
        for name in LOWERED
        if LAYERS[name].entry.options == () and len(LAYERS[name].inputs) == 1 and not LAYERS[name].joins
    ),
    *(case(op, low=-1e-3, high=1e-3) for op in ("expm1", "log1p")),
    *(case(op, some=WHOLE, scalar=2.0) for op in LOWERED if op.endswith("_scalar") and "power" not in op),
    *(case(f"{op}_scalar", some=WHOLE, scalar=scalar) for op in ("mod", "rmod") for scalar in (-1.5, 0.0, 1.5)),
    *(case(f"logical_{op}_scalar", some=WHOLE, scalar=0.0) for op in ("and", "or", "xor")),
    case("power_scalar", low=0.1, scalar=1.7),
    case("power_scalar", scalar=3.0),
    case("rpower_scalar", scalar=1.7),
    case("smooth_l1", some=WHOLE, scalar=1.0),
    case("smooth_l1", scalar=2.0),
    case("quadratic", a=0.5, b=-2.0, c=1.0),
    case("quadratic"),
    case("gradientmultiplier", scalar=-1.0),
]

PAIRED = [op for op in LOWERED if op.startswith("broadcast_") and LAYERS[op].inputs == ("lhs", "rhs")]
JOINS = [
    case("Concat", (2, 3, 4), (1, 3, 4), (4, 3, 4)),
    case("Concat", (2, 3, 4), (2, 5, 4), dim=2),
    *(case(op, IMAGE, IMAGE, IMAGE) for op in ("Add", "Multiply", "Maximum", "Minimum")),
    *(case(op, IMAGE) for op in ("Add", "Multiply", "Maximum", "Minimum")),
    *(case(op, (6, 1, 1), IMAGE) for op in ("Add", "Multiply", "Maximum", "Minimum")),
    *(case(op, IMAGE, (1, 7, 9), low=0.5) for op in ("Subtract", "Divide")),
    case("stack", (3, 4), (3, 4), axis=1),
    case("stack", (3, 4), (3, 4), (3, 4), axis=-1),
    case("batch_dot", (3, 4), (4, 5)),
    case("batch_dot", (4, 3), (5, 4), transpose_a=True, transpose_b=True),
    case("where", (3, 4), (3, 4), (3, 4), some=WHOLE),
    case("where", (), (3, 4), (3, 4), some=WHOLE),
    case("slice_like", (4, 5, 6), (3, 5, 2)),
    case("slice_like", (4, 5, 6), (3, 1, 2), axes=(1, -1)),
    case("slice_like", (4, 5, 6), (4, 5, 6)),
    case("broadcast_like", (4, 1, 1), (4, 3, 2)),
    case("reshape_like", (4, 3, 2), (8, 3)),
    *(case(op, (4, 1, 6), (4, 5, 6), some=WHOLE) for op in PAIRED if "power" not in op),
    case("broadcast_power", (4, 1), (4, 5), low=0.2),
]

SHAPES = [
    case("Flatten"),
    case("Flatten", ()),
    case("Reshape", shape=(0, -1)),
    case("Reshape", shape=(0, 0, -1)),
    case("Reshape", shape=(0, -2)),
    case("Reshape", shape=(0, -3, 0)),
    case("Reshape", shape=(0, -4, 2, 3, -2)),
    case("Reshape", shape=(0, 3, -1, 2), reverse=True),
    case("Reshape", shape=(-1, 378)),
    case("expand_dims", (3,), axis=1),
    case("expand_dims", axis=-1),
    case("squeeze", (3, 1, 4, 1), axis=2),
    case("squeeze", (3, 1, 4, 1), axis=(2, -1)),
    case("transpose", axes=(0, 2, 3, 1)),
    case("SwapAxis", dim1=1, dim2=3),
    case("slice", begin=(None, 1), end=(None, 4)),
    case("slice", begin=(None, -3, None, 7), end=(None, None, -2, None), step=(None, 2, 3, -2)),
    case("slice", begin=(None, None, 5), end=(None, None, 0), step=(None, -1, -2)),
    case("slice", begin=(None, None), end=(None, None)),
    case("slice_axis", axis=1, begin=1, end=3),
    case("slice_axis", axis=-1, begin=-4, end=None),
    case("slice_axis", axis=2, begin=0, end=-1),
    case("Pad", mode="constant", pad_width=(0, 0, 0, 0, 1, 2, 0, 3), constant_value=1.5),
    case("Pad", mode="edge", pad_width=(0, 0, 0, 0, 1, 2, 0, 3)),
    case("Pad", mode="reflect", pad_width=(0, 0, 0, 0, 1, 2, 0, 3)),
    case("Pad", (2, 3, 4, 5), mode="constant", pad_width=(0, 0, 0, 0, 1, 2, 0, 3, 2, 0)),
    case("tile", reps=(1, 2, 1, 3)),
    case("tile", reps=(2, 3)),
    case("reverse", axis=3),
    case("reverse", axis=(1, 3)),
    case("broadcast_axis", (3, 1, 4), axis=2, size=5),
    case("broadcast_axis", (1, 4, 1), axis=(1, 3), size=(2, 3)),
    case("broadcast_to", (3, 1, 4), shape=(0, 3, 5, 0)),
]

REDUCTIONS = [
    *(
        case(op, **options)
        for op in ("mean", "sum", "max", "min", "prod", "nansum", "nanprod")
        for options in ({"axis": 1}, {"axis": (2, -1), "keepdims": True}, {"axis": (0, 1), "exclude": True})
    ),
    *(case(op, axis=(2, 3), some=(float("nan"), 1.5, -2.0)) for op in ("nansum", "nanprod")),
    *(case("norm", ord=ord, axis=axis) for ord in (1, 2) for axis in (1, (2, 3))),
    case("norm", ord=2, axis=1, keepdims=True),
    *(case(op, axis=1, **options) for op in ("argmax", "argmin") for options in ({}, {"keepdims": True})),
    *(case(op, axis=-1, some=WHOLE) for op in ("argmax", "argmin")),
    case("argmax_channel"),
    case("argmax_channel", (5,)),
]

CASES = [
    *(FILTERS + POOLINGS + SAMPLING + NORMALISING),
    *(ACTIVATIONS + FUNCTIONS + JOINS + SHAPES + REDUCTIONS),
]


def network_of(each: Case) -> Network:
    """The layer as the end of a network that cuts its values out of one row [N, sizes together]."""
    nodes, at = [], 0
    for index, shape in enumerate(each.shapes):
        size, name = prod(shape), f"in{index}"
        cut = (("axis", 1), ("begin", at), ("end", at + size))
        nodes.append(Node(f"{name}_row", "slice_axis", cut, ("data",), (None, size), (), HERE))
        laid = ("Reshape", (("shape", (0, *shape)),)) if shape else ("squeeze", (("axis", 1),))
        nodes.append(Node(name, *laid, (f"{name}_row",), (None, *shape), (), HERE))
        at += size
    layer = LAYERS[each.op]
    given = {o.name: o.default for o in layer.entry.options if o.default is not REQUIRED} | each.options
    shapes = [(None, *shape) for shape in each.shapes]
    assert layer.shape is not None
    roles = parameter_names(layer, given)
    sizes = dict(zip(layer.learns, layer.parameters(shapes, given), strict=False))
    parameters = tuple(Parameter(f"x_{role}", sizes[role], role.startswith("moving")) for role in roles)
    inputs = tuple(f"in{index}" for index in range(len(each.shapes)))
    last = Node("x", each.op, tuple(each.options.items()), inputs, layer.shape(shapes, given), parameters, HERE)
    return Network("net", "data", (None, at), (*nodes, last), "x", None, (), HERE)


def values_of(each: Case, network: Network) -> dict[str, Any]:
    draw = np.random.RandomState(len(str(each)))
    size = (BATCH, network.input_shape[1] or 1)
    data = draw.uniform(each.low, each.high, size) if each.some is None else draw.choice(each.some, size)
    values = {"data": data}
    for _, parameter in network.parameters():
        low = 0.3 if parameter.name.endswith("var") else -1
        values[parameter.name] = draw.uniform(low, 1.5, [size or 1 for size in parameter.shape or ()])
    return {name: value.astype(np.float32) for name, value in values.items()}


def by_mxnet(network: Network, values: dict[str, Any]) -> Any:
    made = {"data": mx.sym.Variable("data")}
    shapes = {network.input: network.input_shape, **{node.name: node.shape for node in network.nodes}}
    for node in network.nodes:
        made[node.name] = eval(lower_node(node, {n: n for n in made}, shapes), {"sym": mx.sym, **made})
    symbol = made["x"]
    arrays = {name: mx.nd.array(value) for name, value in values.items()}
    bound = symbol.bind(
        mx.cpu(),
        {name: arrays[name] for name in symbol.list_arguments()},
        aux_states={name: arrays[name] for name in symbol.list_auxiliary_states()},
        grad_req="null",
    )
    return bound.forward(is_train=False)[0].asnumpy()


def by_onnx(model: Any, values: dict[str, Any]) -> Any:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {one.name: values[one.name] for one in session.get_inputs()})[0]


@pytest.mark.parametrize("each", CASES, ids=str)
def test_a_layer_computes_what_mxnet_computes(each: Case) -> None:
    network = network_of(each)
    model = model_of(network, graph_of(network), {})
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph.output[0].type.tensor_type.shape.dim
    shape = network.nodes[-1].shape
    assert shape is not None
    assert [axis.dim_param or axis.dim_value for axis in inferred] == ["N", *shape[1:]]
    values = values_of(each, network)
    expected, found = by_mxnet(network, values), by_onnx(model, values)
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)


def test_every_layer_is_tried() -> None:
    assert {each.op for each in CASES} == set(LOWERED)


def test_every_layer_is_lowered_or_refused_with_a_reason() -> None:
    assert set(LOWERED) | set(REFUSED) == set(LAYERS)
    assert not set(LOWERED) & set(REFUSED)
    assert not {layer.name for layer in other_layers()} & set(LOWERED)
    assert all(REFUSED.values())


def test_a_refusal_names_the_layer_and_the_reason() -> None:
    node = Node("curve", "erfinv", (), ("data",), (None, 3), (), HERE)
    with pytest.raises(Refused, match=r"`curve` \(erfinv\): ONNX has no operator"):
        graph_of(Network("net", "data", (None, 3), (node,), "curve", None, (), HERE))


@pytest.mark.parametrize("shape", [None, (None, 3)])
def test_a_layer_that_the_language_does_not_know_is_refused(shape: Any) -> None:
    node = Node("x", "_contrib_fft", (), ("data",), shape, (), HERE)
    with pytest.raises(Refused, match="known to MXNet alone"):
        graph_of(Network("net", "data", (None, 3), (node,), "x", None, (), HERE))


def test_two_values_of_one_name_are_refused() -> None:
    node = Node("x", "identity", (), ("data",), (None, 3), (Parameter("x", (3,)),), HERE)
    with pytest.raises(Refused, match="`x` is the name of two values"):
        graph_of(Network("net", "data", (None, 3), (node,), "x", None, (), HERE))
