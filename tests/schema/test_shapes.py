"""Shape and parameter rules against MXNet's own, over random options and shapes, through the code that is generated.

A rule that accepts gives what MXNet gives, for every batch; a rule that refuses with `ShapeError` knows that MXNet
refuses, too; `Stricter` is for what MXNet would take and the language does not.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retdsl.engines.mxnet.lower import lower_node
from retdsl.ir import Node, Place, Shape
from retdsl.runtime.mx import mx
from retdsl.schema import LAYERS, REQUIRED, Layer, ShapeError
from retdsl.schema.layers import FAMILIES
from retdsl.schema.model import Stricter, parameter_names
from retdsl.schema.shapes import same
from retdsl.schema.types import Choice

Found = tuple[Shape, dict[str, Shape | None]]

small = st.integers(1, 4)
pair = st.tuples(small, small)
margin = st.tuples(st.integers(0, 3), st.integers(0, 3))
images = st.tuples(st.integers(1, 8), st.integers(1, 12), st.integers(1, 12))
rows = st.tuples(st.integers(1, 12))
values = st.lists(st.integers(1, 6), min_size=0, max_size=4).map(tuple)
"""What an image is without its batch: of any rank, `[N]` included."""
axes = st.integers(-5, 4)
several = axes | st.lists(axes, min_size=1, max_size=3).map(tuple)


def ours(layer: Layer, options: Mapping[str, Any], inputs: Sequence[Shape]) -> Found:
    """The output shape and every parameter's by name. Raises ShapeError."""
    every = {o.name: None if o.default is REQUIRED else o.default for o in layer.entry.options} | dict(options)
    assert layer.shape is not None
    shape = layer.shape(inputs, every)
    roles = parameter_names(layer, every)
    return shape, dict(zip((f"x_{role}" for role in roles), layer.parameters(inputs, every), strict=False))


def mxnets(layer: Layer, options: Mapping[str, Any], inputs: Sequence[Shape]) -> Found | None:
    """The same from MXNet; None if it refuses, if a value without numbers comes out, or if the batch is lost."""
    found = [_inferred(layer, options, inputs, batch) for batch in (7, 11)]
    if found[0] is None or found[1] is None:
        return None
    (first, parameters), (second, _) = found
    if first[:1] != (7,) or second[:1] != (11,) or first[1:] != second[1:] or 0 in first:
        return None
    return (None, *first[1:]), parameters


def _inferred(layer: Layer, options: Mapping[str, Any], inputs: Sequence[Shape], batch: int) -> Found | None:
    names = [f"in{i}" for i in range(len(inputs))]
    variables = {name: mx.sym.Variable(name) for name in names}
    written = {o.name: o.default for o in layer.entry.options if o.always} | dict(options)
    place = Place("test.retina", 1, 1)
    node = Node("x", layer.name, tuple(written.items()), tuple(names), None, (), place)
    code = lower_node(node, {name: name for name in names}, dict(zip(names, inputs, strict=True)))
    known = {name: tuple(batch if n is None else n for n in shape) for name, shape in zip(names, inputs, strict=True)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            symbol = eval(code, {"sym": mx.sym, **variables})
            arguments, outputs, auxiliary = symbol.infer_shape(**known)
    except (mx.base.MXNetError, ValueError):
        return None
    if outputs is None:
        return None
    [output] = outputs
    sizes = dict(
        zip([*symbol.list_arguments(), *symbol.list_auxiliary_states()], [*arguments, *auxiliary], strict=True)
    )
    return output, {name: size for name, size in sizes.items() if name not in known}


def agree(name: str, options: Mapping[str, Any], *inputs: tuple[int, ...]) -> bool:
    """Whether both accept; fails where they do not agree. inputs: shapes without the batch."""
    layer, shapes = LAYERS[name], [(None, *shape) for shape in inputs]
    refused = None
    try:
        found = ours(layer, options, shapes)
    except ShapeError as error:
        refused = error
    if refused is None:
        assert found == mxnets(layer, options, shapes)
    elif not isinstance(refused, Stricter):
        theirs = _inferred(layer, options, shapes, 7)
        assert theirs is None or 0 in theirs[0], f"MXNet gives {theirs[0]} where we say: {refused}"
    return refused is None


def like(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, Any]]:
    """Two values of one kind, mostly alike."""
    return strategy.flatmap(lambda value: st.tuples(st.just(value), st.just(value) | strategy))


# --- filters and weights


@settings(max_examples=150, deadline=None)
@given(
    images,
    st.integers(1, 8),
    st.fixed_dictionaries(
        {"kernel": pair},
        optional={"stride": pair, "pad": margin, "dilate": pair, "num_group": small, "no_bias": st.booleans()},
    ),
)
def test_convolution(image: tuple[int, ...], filters: int, options: dict[str, Any]) -> None:
    agree("Convolution", {"num_filter": filters, **options}, image)


@settings(max_examples=150, deadline=None)
@given(
    images,
    st.integers(1, 8),
    st.fixed_dictionaries(
        {"kernel": pair},
        optional={
            "stride": pair,
            "pad": margin,
            "adj": margin,
            "dilate": pair,
            "num_group": small,
            "no_bias": st.booleans(),
        },
    ),
)
def test_deconvolution(image: tuple[int, ...], filters: int, options: dict[str, Any]) -> None:
    agree("Deconvolution", {"num_filter": filters, **options}, image)


@settings(max_examples=30, deadline=None)
@given(rows | images, st.integers(1, 50), st.booleans())
def test_fully_connected(shape: tuple[int, ...], hidden: int, no_bias: bool) -> None:
    accepted = agree("FullyConnected", {"num_hidden": hidden, "no_bias": no_bias}, shape)
    assert accepted == (len(shape) == 1), "what is flattened must be seen to be flattened"


# --- pooling and sampling


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
def test_pooling(image: tuple[int, ...], options: dict[str, Any]) -> None:
    agree("Pooling", options, image)


@settings(max_examples=40, deadline=None)
@given(images | rows, pair)
def test_adaptive_pooling(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    agree("AdaptiveAvgPooling2D", {"output_size": size}, shape)
    agree("AdaptiveAvgPooling2D", {}, shape)


@settings(max_examples=40, deadline=None)
@given(images | rows, st.integers(1, 5), st.sampled_from(["nearest", "bilinear"]), st.booleans())
def test_up_sampling(shape: tuple[int, ...], scale: int, kind: str, right: bool) -> None:
    filters = shape[0] + (not right)
    agree("UpSampling", {"scale": scale, "sample_type": kind, "num_filter": filters}, shape)


@settings(max_examples=100, deadline=None)
@given(
    images,
    st.fixed_dictionaries(
        {},
        optional={
            "height": st.integers(1, 20),
            "width": st.integers(1, 20),
            "scale_height": st.sampled_from([0.1, 0.5, 1.0, 1.5, 2.0, 2.4]),
            "scale_width": st.sampled_from([0.25, 1.0, 2.0, 3.3]),
            "mode": st.sampled_from(["size", "odd_scale", "to_even_down", "to_even_up", "to_odd_down", "to_odd_up"]),
        },
    ),
)
def test_bilinear_resize(image: tuple[int, ...], options: dict[str, Any]) -> None:
    agree("BilinearResize2D", options, image)


@pytest.mark.parametrize("name", ["depth_to_space", "space_to_depth"])
@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(1, 18)] * 3) | rows, st.integers(1, 3))
def test_space_and_depth(name: str, shape: tuple[int, ...], block: int) -> None:
    agree(name, {"block_size": block}, shape)


@settings(max_examples=40, deadline=None)
@given(images | rows, st.just((5,)) | values, pair)
def test_roi_pooling(image: tuple[int, ...], regions: tuple[int, ...], size: tuple[int, int]) -> None:
    agree("ROIPooling", {"pooled_size": size, "spatial_scale": 0.5}, image, regions)


@settings(max_examples=60, deadline=None)
@given(images | st.just((6,)) | values, st.sampled_from(["affine", "warp"]), st.booleans())
def test_grid_generator(shape: tuple[int, ...], kind: str, two: bool) -> None:
    shape = (2, *shape[1:]) if two and len(shape) == 3 else shape
    agree("GridGenerator", {"transform_type": kind, "target_shape": (4, 5)}, shape)


@settings(max_examples=60, deadline=None)
@given(images | rows, st.just((6,)) | values, pair)
def test_spatial_transformer(image: tuple[int, ...], loc: tuple[int, ...], size: tuple[int, int]) -> None:
    agree("SpatialTransformer", {"target_shape": size}, image, loc)


@settings(max_examples=60, deadline=None)
@given(images | rows, st.tuples(st.just(2), small, small) | images | rows)
def test_bilinear_sampler(image: tuple[int, ...], grid: tuple[int, ...]) -> None:
    agree("BilinearSampler", {}, image, grid)


@settings(max_examples=80, deadline=None)
@given(
    like(images),
    st.fixed_dictionaries(
        {},
        optional={
            "kernel_size": st.sampled_from([1, 2, 3, 5]),
            "max_displacement": st.integers(0, 4),
            "stride1": small,
            "stride2": small,
            "pad_size": st.integers(0, 5),
        },
    ),
)
def test_correlation(shapes: tuple[Any, Any], options: dict[str, Any]) -> None:
    agree("Correlation", options, *shapes)


# --- normalisation


@pytest.mark.parametrize("name", ["BatchNorm", "InstanceNorm", "Dropout", "Flatten", "ReLU6"])
@settings(max_examples=25, deadline=None)
@given(images | rows)
def test_layers_without_options_that_matter(name: str, shape: tuple[int, ...]) -> None:
    agree(name, {}, shape)


@settings(max_examples=60, deadline=None)
@given(values, axes)
def test_layer_norm(shape: tuple[int, ...], axis: int) -> None:
    agree("LayerNorm", {"axis": axis}, shape)


@settings(max_examples=60, deadline=None)
@given(images | rows, st.integers(1, 4))
def test_group_norm(shape: tuple[int, ...], groups: int) -> None:
    agree("GroupNorm", {"num_groups": groups}, shape)


@pytest.mark.parametrize("mode", ["instance", "channel", "spatial"])
@settings(max_examples=15, deadline=None)
@given(images | rows)
def test_l2_normalization(mode: str, shape: tuple[int, ...]) -> None:
    agree("L2Normalization", {"mode": mode}, shape)


@settings(max_examples=20, deadline=None)
@given(images | rows, st.sampled_from([1, 3, 5]))
def test_lrn(shape: tuple[int, ...], size: int) -> None:
    agree("LRN", {"nsize": size}, shape)


@settings(max_examples=40, deadline=None)
@given(images, st.lists(st.integers(1, 3), max_size=2, unique=True).map(tuple))
def test_dropout_of_whole_channels(shape: tuple[int, ...], dropped: tuple[int, ...]) -> None:
    agree("Dropout", {"p": 0.5, "axes": dropped}, shape)


# --- activations and arithmetic


SAME = [layer for family in FAMILIES.values() for layer in family if layer.shape is same]
SAMPLE = {"a_min": -1.0, "a_max": 1.0, "scalar": 2.0, "act_type": "relu"}


@pytest.mark.parametrize("layer", SAME, ids=lambda layer: layer.name)
def test_layers_that_keep_the_shape(layer: Layer) -> None:
    options = {o.name: SAMPLE[o.name] for o in layer.entry.options if o.default is REQUIRED}
    for shape in ((5,), (5, 4, 3), (5, 4)):
        assert agree(layer.name, options, shape)


@pytest.mark.parametrize("name", ["Activation", "LeakyReLU"])
def test_every_curve(name: str) -> None:
    [curve] = [option for option in LAYERS[name].entry.options if option.name == "act_type"]
    assert isinstance(curve.type, Choice)
    for act in curve.type.names:
        assert agree(name, {"act_type": act}, (5,))
        assert agree(name, {"act_type": act}, (5, 4, 3))


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
@settings(max_examples=30, deadline=None)
@given(values, axes)
def test_softmax(name: str, shape: tuple[int, ...], axis: int) -> None:
    agree(name, {"axis": axis}, shape)
    agree(name, {"axis": axis, "temperature": 2.0}, shape)


@pytest.mark.parametrize("mode", ["instance", "channel"])
@pytest.mark.parametrize("shape", [(5,), (5, 4, 3)])
def test_softmax_activation(mode: str, shape: tuple[int, ...]) -> None:
    agree("SoftmaxActivation", {"mode": mode}, shape)


# --- joins


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3), st.lists(images, min_size=1, max_size=3))
def test_concat(dim: int, shapes: list[tuple[int, ...]]) -> None:
    agree("Concat", {"dim": dim}, *shapes)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3), images, st.lists(st.integers(1, 9), min_size=2, max_size=3))
def test_concat_of_shapes_that_fit(dim: int, shape: tuple[int, ...], lengths: list[int]) -> None:
    assert agree("Concat", {"dim": dim}, *((*shape[: dim - 1], length, *shape[dim:]) for length in lengths))


ELEMENTWISE = ["Add", "Multiply", "Subtract", "Divide", "Maximum", "Minimum", "broadcast_power", "broadcast_greater"]


@pytest.mark.parametrize("name", ELEMENTWISE)
@settings(max_examples=40, deadline=None)
@given(images, st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=2, max_size=3))
def test_joins_of_like_shapes_and_gates(name: str, image: tuple[int, ...], gates: list[list[bool]]) -> None:
    alone = [tuple(1 if one else n for one, n in zip(gate, image, strict=True)) for gate in gates]
    assert agree(name, {}, *(alone if LAYERS[name].joins else alone[:2]))


@pytest.mark.parametrize("layer", FAMILIES["Joins of branches"], ids=lambda layer: layer.name)
@settings(max_examples=40, deadline=None)
@given(like(values), st.booleans(), axes)
def test_joins_of_any_shapes(layer: Layer, shapes: tuple[Any, Any], last: bool, axis: int) -> None:
    options: dict[str, Any] = {"axis": axis} if layer.entry.option("axis") else {}
    count = 2 if layer.joins else len(layer.inputs)
    agree(layer.name, options, *(shapes if last else shapes[::-1]), *[shapes[0]] * (count - 2))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.booleans(), st.booleans(), st.booleans())
def test_batch_dot(sizes: list[int], left: bool, right: bool, unlike: bool) -> None:
    a, b, c, *others = [*sizes, 3, 2]
    matrix = (*others, b, a) if left else (*others, a, b)
    other = (*others, c, b + unlike) if right else (*others, b + unlike, c)
    assert agree("batch_dot", {"transpose_a": left, "transpose_b": right}, matrix, other) != unlike


@settings(max_examples=60, deadline=None)
@given(like(images), st.lists(st.integers(-4, 3), max_size=2, unique=True).map(tuple))
def test_slice_like(shapes: tuple[Any, Any], along: tuple[int, ...]) -> None:
    agree("slice_like", {"axes": along} if along else {}, *shapes)


def test_a_condition_for_each_image() -> None:
    assert agree("where", {}, (), (3, 4), (3, 4))


# --- shape


codes = st.sampled_from([0, 0, -1, -2, -3, -4, 1, 2, 3, 4, 6])
# MXNet divides by the parts of a -4, and a part of 0 ends the whole process.
reshapes = st.lists(codes, min_size=1, max_size=5).filter(lambda wanted: not {0, -4} <= {*wanted})


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from([1, 2, 3, 4, 6]), max_size=4).map(tuple), reshapes)
def test_reshape(shape: tuple[int, ...], wanted: list[int]) -> None:
    agree("Reshape", {"shape": tuple(wanted)}, shape)
    agree("Reshape", {"shape": (0, *wanted)}, shape)
    agree("Reshape", {"shape": tuple(wanted), "reverse": True}, shape)


@pytest.mark.parametrize("parts", [(0, 3), (3, 0), (0, 0), (0, -1), (-1, 0)])
def test_an_axis_is_not_divided_into_nothing(parts: tuple[int, int]) -> None:
    with pytest.raises(ShapeError):
        ours(LAYERS["Reshape"], {"shape": (0, -4, *parts)}, [(None, 6, 4)])


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ((0, -1), (None, 96)),
        ((0, -3, 0), (None, 24, 4)),
        ((0, -4, 2, -1, -2), (None, 2, 2, 6, 4)),
        ((-1, 96), (None, 96)),
        ((0, 0, -1), (None, 4, 24)),
    ],
)
def test_reshape_by_its_codes(wanted: tuple[int, ...], expected: Shape) -> None:
    assert ours(LAYERS["Reshape"], {"shape": wanted}, [(None, 4, 6, 4)])[0] == expected
    assert agree("Reshape", {"shape": wanted}, (4, 6, 4))


@settings(max_examples=60, deadline=None)
@given(values, axes)
def test_expand_dims(shape: tuple[int, ...], axis: int) -> None:
    agree("expand_dims", {"axis": axis}, shape)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from([1, 1, 3]), max_size=4).map(tuple), several)
def test_squeeze(shape: tuple[int, ...], axis: Any) -> None:
    agree("squeeze", {"axis": axis}, shape)


@settings(max_examples=80, deadline=None)
@given(values, st.permutations(range(5)), st.integers(1, 5))
def test_transpose(shape: tuple[int, ...], order: list[int], length: int) -> None:
    agree("transpose", {"axes": (0, *(axis + 1 for axis in order if axis < len(shape)))}, shape)
    agree("transpose", {"axes": tuple(order[:length])}, shape)


@settings(max_examples=60, deadline=None)
@given(values, axes, axes)
def test_swap_axis(shape: tuple[int, ...], one: int, other: int) -> None:
    agree("SwapAxis", {"dim1": one, "dim2": other}, shape)


place = st.none() | st.integers(-13, 13)


@settings(max_examples=300, deadline=None)
@given(images, st.lists(st.tuples(place, place, st.sampled_from([None, 1, 2, 3, -1, -2])), max_size=3), st.booleans())
def test_slice(image: tuple[int, ...], ranges: list[tuple[int | None, ...]], steps: bool) -> None:
    begin, end, step = ((None, *(each[i] for each in ranges)) for i in range(3))
    agree("slice", {"begin": begin, "end": end, **({"step": step} if steps else {})}, image)


@settings(max_examples=100, deadline=None)
@given(values, axes, st.integers(-7, 7), place)
def test_slice_axis(shape: tuple[int, ...], axis: int, begin: int, end: int | None) -> None:
    agree("slice_axis", {"axis": axis, "begin": begin, "end": end}, shape)


@settings(max_examples=100, deadline=None)
@given(
    images | rows,
    st.lists(st.integers(0, 3), min_size=4, max_size=4),
    st.sampled_from(["constant", "edge", "reflect"]),
    st.sampled_from([0, 0, 0, 1]),
)
def test_pad(image: tuple[int, ...], widths: list[int], mode: str, channels: int) -> None:
    agree("Pad", {"mode": mode, "pad_width": (0, 0, channels, 0, *widths)}, image)


@settings(max_examples=60, deadline=None)
@given(values, st.lists(st.integers(1, 3), min_size=1, max_size=5).map(tuple))
def test_tile(shape: tuple[int, ...], reps: tuple[int, ...]) -> None:
    agree("tile", {"reps": reps}, shape)
    agree("tile", {"reps": (1, *reps)}, shape)


@settings(max_examples=60, deadline=None)
@given(values, several)
def test_reverse(shape: tuple[int, ...], axis: Any) -> None:
    agree("reverse", {"axis": axis}, shape)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.sampled_from([1, 1, 3]), max_size=4).map(tuple),
    small | st.lists(small, min_size=1, max_size=3).map(tuple),
    st.lists(small, min_size=1, max_size=3),
)
def test_broadcast_axis(shape: tuple[int, ...], axis: Any, sizes: list[int]) -> None:
    count = len(axis) if isinstance(axis, tuple) else 1
    agree("broadcast_axis", {"axis": axis, "size": tuple((sizes * 3)[:count])}, shape)
    agree("broadcast_axis", {"axis": axis, "size": tuple(sizes)}, shape)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([1, 1, 3]), max_size=4).map(tuple), st.lists(st.sampled_from([0, 3, 3, 5]), max_size=4))
def test_broadcast_to(shape: tuple[int, ...], wanted: list[int]) -> None:
    agree("broadcast_to", {"shape": (0, *wanted)}, shape)
    agree("broadcast_to", {"shape": (0, *(wanted + [3] * 4)[: len(shape)])}, shape)


# --- reduction


REDUCTIONS = [layer.name for layer in FAMILIES["Reduction"] if layer.entry.option("exclude")]


@pytest.mark.parametrize("name", REDUCTIONS)
@settings(max_examples=40, deadline=None)
@given(values, several, st.booleans(), st.booleans())
def test_reductions(name: str, shape: tuple[int, ...], axis: Any, keepdims: bool, exclude: bool) -> None:
    agree(name, {"axis": axis, "keepdims": keepdims, "exclude": exclude}, shape)


@settings(max_examples=80, deadline=None)
@given(values, several, st.booleans(), st.sampled_from([1, 2]))
def test_norm(shape: tuple[int, ...], axis: Any, keepdims: bool, ord: int) -> None:
    agree("norm", {"axis": axis, "keepdims": keepdims, "ord": ord}, shape)


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@settings(max_examples=40, deadline=None)
@given(values, axes, st.booleans())
def test_best_places(name: str, shape: tuple[int, ...], axis: int, keepdims: bool) -> None:
    agree(name, {"axis": axis, "keepdims": keepdims}, shape)


@pytest.mark.parametrize("shape", [(), (5,), (5, 4, 3)])
def test_best_channel(shape: tuple[int, ...]) -> None:
    agree("argmax_channel", {}, shape)
