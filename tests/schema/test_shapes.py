"""Shape and parameter rules against MXNet's own, over random options: the same shapes, or both refuse."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retdsl.ir import Shape
from retdsl.runtime.mx import mx
from retdsl.schema import LAYERS, REQUIRED, ShapeError

BATCH = 2
JOINS = {"Add": mx.sym.broadcast_add, "Multiply": mx.sym.broadcast_mul}

small = st.integers(1, 4)
pair = st.tuples(small, small)
margin = st.tuples(st.integers(0, 3), st.integers(0, 3))
images = st.tuples(st.integers(1, 8), st.integers(1, 12), st.integers(1, 12))


def ours(layer: str, options: Mapping[str, Any], inputs: Sequence[Shape]) -> tuple[Shape, dict[str, Shape]] | None:
    """The output shape and every parameter's by name; None if the schema refuses."""
    described = LAYERS[layer]
    every = {o.name: None if o.default is REQUIRED else o.default for o in described.entry.options} | dict(options)
    try:
        shape = described.shape(inputs, every)
    except ShapeError:
        return None
    parameters = described.parameters(inputs, every)
    return shape, {f"x_{suffix}": size for suffix, size, _ in parameters}


def mxnets(layer: str, options: Mapping[str, Any], inputs: Sequence[Shape]) -> tuple[Shape, dict[str, Shape]] | None:
    """The same from MXNet's `infer_shape`, with a batch of 2 that is then taken out again."""
    variables = [mx.sym.Variable(f"in{i}") for i in range(len(inputs))]
    known = {f"in{i}": (BATCH, *shape[1:]) for i, shape in enumerate(inputs)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if layer in JOINS:
                symbol = reduce(JOINS[layer], variables)
            elif layer == "ReLU6":
                symbol = mx.sym.clip(*variables, 0, 6, name="x")
            else:
                symbol = getattr(mx.sym, layer)(*variables, name="x", **options)
            arguments, [output], auxiliary = symbol.infer_shape(**known)
    except (mx.base.MXNetError, ValueError):
        return None
    names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    sizes = dict(zip(names, [*arguments, *auxiliary], strict=True))
    if 0 in output:
        return None  # MXNet lets an image vanish, the schema refuses
    return (None, *output[1:]), {name: size for name, size in sizes.items() if name not in known}


def agree(layer: str, options: Mapping[str, Any], *inputs: Shape) -> None:
    assert ours(layer, options, inputs) == mxnets(layer, options, inputs)


@settings(max_examples=150, deadline=None)
@given(
    images,
    st.integers(1, 8),
    st.fixed_dictionaries(
        {"kernel": pair},
        optional={"stride": pair, "pad": margin, "dilate": pair, "num_group": small, "no_bias": st.booleans()},
    ),
)
def test_convolution(image: tuple[int, int, int], filters: int, options: dict[str, Any]) -> None:
    agree("Convolution", {"num_filter": filters, **options}, (None, *image))


@settings(max_examples=150, deadline=None)
@given(
    images,
    st.fixed_dictionaries(
        {"kernel": pair, "pool_type": st.sampled_from(["max", "avg", "sum"])},
        optional={
            "stride": pair,
            "pad": margin,
            "global_pool": st.booleans(),
            "pooling_convention": st.sampled_from(["valid", "full"]),
        },
    ),
)
def test_pooling(image: tuple[int, int, int], options: dict[str, Any]) -> None:
    padded_away = not options.get("global_pool") and any(
        margin >= kernel for margin, kernel in zip(options.get("pad", (0, 0)), options["kernel"], strict=True)
    )
    if padded_away:  # windows of nothing but padding, whose maximum MXNet takes to be the lowest number there is
        assert ours("Pooling", options, [(None, *image)]) is None
    else:
        agree("Pooling", options, (None, *image))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3), st.lists(images, min_size=2, max_size=3))
def test_concat(dim: int, shapes: list[tuple[int, int, int]]) -> None:
    agree("Concat", {"dim": dim}, *((None, *shape) for shape in shapes))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3), images, st.lists(st.integers(1, 9), min_size=2, max_size=3))
def test_concat_of_shapes_that_fit(dim: int, shape: tuple[int, int, int], lengths: list[int]) -> None:
    inputs = [(None, *shape[: dim - 1], length, *shape[dim:]) for length in lengths]
    agree("Concat", {"dim": dim}, *inputs)
    assert ours("Concat", {"dim": dim}, inputs) is not None


@pytest.mark.parametrize("layer", ["BatchNorm", "ReLU6", "Flatten", "Dropout"])
@settings(max_examples=20, deadline=None)
@given(images)
def test_layers_without_options_that_matter(layer: str, image: tuple[int, int, int]) -> None:
    agree(layer, {}, (None, *image))


@pytest.mark.parametrize("shape", [(None, 5), (None, 5, 4, 3)])
@pytest.mark.parametrize("act", ["leaky", "prelu", "elu", "selu", "gelu"])
def test_leaky_relu(act: str, shape: Shape) -> None:
    agree("LeakyReLU", {"act_type": act}, shape)


@pytest.mark.parametrize("act", ["relu", "sigmoid", "softrelu", "softsign", "tanh"])
def test_activation(act: str) -> None:
    agree("Activation", {"act_type": act}, (None, 5, 4, 3))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 50), st.integers(1, 50), st.booleans())
def test_fully_connected(features: int, hidden: int, no_bias: bool) -> None:
    agree("FullyConnected", {"num_hidden": hidden, "no_bias": no_bias}, (None, features))


def test_fully_connected_refuses_to_flatten_silently() -> None:
    assert ours("FullyConnected", {"num_hidden": 2}, [(None, 5, 4, 3)]) is None
    assert mxnets("FullyConnected", {"num_hidden": 2}, [(None, 5, 4, 3)]) is not None


place = st.none() | st.integers(-13, 13)


@settings(max_examples=150, deadline=None)
@given(images, st.lists(st.tuples(place, place), min_size=0, max_size=3))
def test_slice(image: tuple[int, int, int], ranges: list[tuple[int | None, int | None]]) -> None:
    options = {"begin": (None, *(low for low, _ in ranges)), "end": (None, *(high for _, high in ranges))}
    found, expected = ours("slice", options, [(None, *image)]), mxnets("slice", options, [(None, *image)])
    if expected is not None:  # MXNet refuses places beyond the edge that Python's slices clip
        assert found == expected


@settings(max_examples=60, deadline=None)
@given(images, st.lists(st.integers(0, 3), min_size=4, max_size=4), st.sampled_from(["constant", "edge"]))
def test_pad(image: tuple[int, int, int], widths: list[int], mode: str) -> None:
    agree("Pad", {"mode": mode, "pad_width": (0, 0, 0, 0, *widths)}, (None, *image))


@pytest.mark.parametrize("layer", JOINS)
@settings(max_examples=60, deadline=None)
@given(images, st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=3))
def test_joins_of_like_shapes_and_gates(layer: str, image: tuple[int, int, int], gates: list[list[bool]]) -> None:
    alone = [tuple(1 if one else n for one, n in zip(gate, image, strict=True)) for gate in gates]
    agree(layer, {}, (None, *image), *((None, *gate) for gate in alone))


@pytest.mark.parametrize("layer", JOINS)
@settings(max_examples=40, deadline=None)
@given(images, images)
def test_joins_of_any_shapes(layer: str, a: tuple[int, int, int], b: tuple[int, int, int]) -> None:
    agree(layer, {}, (None, *a), (None, *b))


def test_joins_refuse_values_of_unlike_rank() -> None:
    for layer in ("Add", "Multiply", "Concat"):
        assert ours(layer, {}, [(None, 3), (None, 3, 1, 1)]) is None
