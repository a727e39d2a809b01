"""Lower precisions: int8 as its definition and the reference of `onnx` have it, bf16 as MXNet's layers give it on
rounded numbers.
"""

from __future__ import annotations

import logging

import numpy as np
import pytest

from retdsl.runtime.bound import Bound
from retdsl.runtime.lowered import bf16_symbol, int8_model
from retdsl.runtime.mx import mx
from retdsl.runtime.onnx_part import SLICE, session

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

CHANNELS, FILTERS, SIDE = 3, 5, 6
EPS = 1e-3


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


VALUES = {
    "weight": drawn(FILTERS, CHANNELS, 3, 3, seed=1),
    "gamma": drawn(FILTERS, seed=2) + 2,
    "beta": drawn(FILTERS, seed=3),
    "mean": drawn(FILTERS, seed=4),
    "variance": drawn(FILTERS, seed=5) ** 2 + 0.5,
}
FACTOR = VALUES["gamma"] / np.sqrt(VALUES["variance"] + EPS)
"""What a BatchNorm multiplies each channel by."""


@pytest.fixture(scope="module")
def model():
    """A convolution with its BatchNorm and activation, for SLICE images at once."""
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["data", "weight"], ["conv"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
            helper.make_node(
                "BatchNormalization", ["conv", "gamma", "beta", "mean", "variance"], ["norm"], epsilon=EPS
            ),
            helper.make_node("Relu", ["norm"], ["out"]),
        ],
        "small",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, [SLICE, CHANNELS, SIDE, SIDE])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [SLICE, FILTERS, SIDE, SIDE])],
        [numpy_helper.from_array(value, name) for name, value in VALUES.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def tensors(model) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def quantized(model, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Scale and zero point that a value is quantized with, by the name of what is quantized."""
    known = tensors(model)
    [node] = [node for node in model.graph.node if node.op_type == "QuantizeLinear" and node.input[0] == name]
    return known[node.input[1]], known[node.input[2]]


def newer(model):
    """The same by ONNX's operators of 2023: the reference has no older quantization with scales for each channel."""
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    [main] = [one for one in whole.opset_import if one.domain == ""]
    main.version = 19
    return whole


@pytest.mark.parametrize("count", [1, SLICE, SLICE + 1])
def test_int8_takes_its_range_from_all_photographs_and_no_others(model, count):
    images = drawn(2 * SLICE, CHANNELS, SIDE, SIDE, seed=7)
    images[count - 1, 0, 0, 0], images[count:] = 9, 50
    scale, zero = quantized(int8_model(model, "data", images[:count]), "data")
    low, high = images[:count].min(), images[:count].max()
    assert scale == pytest.approx((high - low) / 255, rel=1e-5)
    assert zero.dtype == np.uint8
    assert zero == pytest.approx(-low / scale, abs=0.51)


def test_int8_has_a_scale_for_each_channel_of_what_is_computed(model):
    """The weights are those with the BatchNorm in them, rounded to the nearest of 255 steps, and 0 stays 0."""
    known = tensors(int8_model(model, "data", drawn(SLICE, CHANNELS, SIDE, SIDE)))
    [weight] = [value for value in known.values() if value.dtype == np.int8 and value.ndim == 4]
    [zeros] = [value for value in known.values() if value.dtype == np.int8 and value.ndim == 1]
    exact = VALUES["weight"] * FACTOR.reshape(-1, 1, 1, 1)
    steps = np.abs(exact).max(axis=(1, 2, 3)) / 127
    assert np.any([value.shape == steps.shape and np.allclose(value, steps, rtol=1e-5) for value in known.values()])
    assert not zeros.any()
    assert np.abs(weight.astype(int)).max() == 127
    assert np.abs(weight * steps.reshape(-1, 1, 1, 1) - exact).max() <= 0.5001 * steps.max()


def test_int8_is_what_the_reference_of_onnx_makes_of_it(model):
    """A value may be rounded to the next step where it lies between two; that of what comes out is one of 255."""
    images = drawn(SLICE, CHANNELS, SIDE, SIDE, seed=8)
    lower = int8_model(model, "data", images)
    [expected] = ReferenceEvaluator(newer(lower)).run(None, {"data": images})
    [found] = session(lower).run(None, {"data": images})
    [exact] = ReferenceEvaluator(model).run(None, {"data": images})
    step = exact.max() / 255
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() < 1.01 * step
    assert (np.abs(found - expected) < 0.01 * step).mean() > 0.95
    assert np.abs(found - exact).max() > 0.1 * step, "nothing is quantized"
    assert np.linalg.norm(found - exact) / np.linalg.norm(exact) < 0.02


def test_what_the_tools_log_is_heard_again_afterwards(model):
    images = drawn(SLICE, CHANNELS, SIDE, SIDE)
    logging.disable(logging.DEBUG)
    try:
        int8_model(model, "data", images)
        assert logging.root.manager.disable == logging.DEBUG
        with pytest.raises(Exception, match="no_such_input"):
            int8_model(model, "no_such_input", images)
        assert logging.root.manager.disable == logging.DEBUG
    finally:
        logging.disable(logging.NOTSET)


def rounded(values: np.ndarray) -> np.ndarray:
    """The nearest bfloat16, of two that are as near the even one: the upper half of a float32."""
    bits = values.astype(np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


def test_this_is_how_numbers_are_rounded():
    assert rounded(np.float32([1, 1 + 2**-9, 1 + 2**-8, 1 + 3 * 2**-8, -(1 + 2**-7)])).tolist() == [
        1,
        1,
        1,
        1 + 2**-6,
        -(1 + 2**-7),
    ]


def by_mxnet(symbol, parameters, images) -> np.ndarray:
    arrays = {name: mx.nd.array(value) for name, value in parameters.items()}
    [found] = Bound(symbol, arrays, {"data": images.shape[1:]}, len(images), mx.cpu())([mx.nd.array(images)])
    return found.asnumpy()


def layers(kind: str):
    data = mx.sym.Variable("data")
    if kind == "Convolution":
        return mx.sym.Convolution(data, kernel=(3, 3), num_filter=FILTERS, pad=(1, 1), no_bias=True, name="layer")
    return mx.sym.FullyConnected(data, num_hidden=FILTERS, no_bias=True, name="layer")


@pytest.mark.parametrize("kind", ["Convolution", "FullyConnected"])
def test_bf16_is_the_layer_on_rounded_numbers(kind):
    """One layer, in float32 on numbers that were rounded before, gives the same but for the last bit of a bfloat16."""
    symbol, images = layers(kind), drawn(4, CHANNELS, SIDE, SIDE, seed=9)
    shapes, _, _ = symbol.infer_shape(data=images.shape)
    weight = drawn(*dict(zip(symbol.list_arguments(), shapes, strict=True))["layer_weight"], seed=10)
    lower, parameters = bf16_symbol(symbol, {"layer_weight": mx.nd.array(weight)})
    arrays = {name: array.asnumpy() for name, array in parameters.items()}
    found = by_mxnet(lower, arrays, images)
    exact = by_mxnet(symbol, {"layer_weight": weight}, images)
    expected = by_mxnet(symbol, {"layer_weight": rounded(weight)}, rounded(images))
    assert np.array_equal(arrays["layer_weight"], weight), "parameters stay as they are"
    assert found.dtype == np.float32
    last_bit = 2.0**-7 * np.abs(expected) + 1e-6
    assert (np.abs(found - expected) <= last_bit).all()
    assert np.linalg.norm(found - expected) < 0.8 * np.linalg.norm(found - exact), "and nearer to it than to float32"


@pytest.mark.parametrize("kind", [{"pool_type": "max"}, {"pool_type": "sum"}, {"pool_type": "lp", "p_value": 2}])
def test_poolings_that_know_no_bf16_are_computed_all_the_same(kind):
    pool = mx.sym.Pooling(layers("Convolution"), kernel=(3, 3), stride=(2, 2), name="pool", **kind)
    images, weight = drawn(2, CHANNELS, SIDE, SIDE, seed=11), drawn(FILTERS, CHANNELS, 3, 3, seed=12)
    lower, parameters = bf16_symbol(pool, {"layer_weight": mx.nd.array(weight), "of_another_part": mx.nd.ones(3)})
    found = by_mxnet(lower, {name: array.asnumpy() for name, array in parameters.items()}, images)
    exact = by_mxnet(pool, {"layer_weight": weight}, images)
    assert found.shape == exact.shape
    assert 0 < np.linalg.norm(found - exact) / np.linalg.norm(exact) < 0.01
