"""Every layer of the schema, those of MXNet's registry included, as code that MXNet takes and runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from retdsl.engines.mxnet.lower import lower_node, operator_path
from retdsl.ir import Node, Place, Shape
from retdsl.runtime.mx import mx
from retdsl.schema import LAYERS, REQUIRED, Layer
from retdsl.schema.lookup import find_operator, other_layers
from retdsl.schema.model import parameter_names

IMAGE = (4, 6, 6)
MATRICES = (3, 3)
SAMPLES: dict[str, Any] = {
    "act_type": "relu",
    "a_min": -1.0,
    "a_max": 1.0,
    "scalar": 2.0,
    "num_hidden": 5,
    "num_filter": 4,
    "scale": 2,
    "kernel": (3, 3),
    "output_size": (6, 6),
    "block_size": 2,
    "pooled_size": (2, 2),
    "spatial_scale": 1.0,
    "axis": 1,
    "axes": (0, 2, 3, 1),
    "shape": (0, -1),
    "dim1": 2,
    "dim2": 3,
    "begin": (None, 1),
    "end": (None, 3),
    "pad_width": (0, 0, 0, 0, 1, 1, 1, 1),
    "reps": (1, 2),
    "size": 3,
    "transform_type": "affine",
    "nsize": 3,
    "depth": 5,
    "output_dim": 1,
    "group_size": 2,
}
"""A plausible value for every option that has to be given."""

CALLS: dict[str, tuple[dict[str, Any], tuple[tuple[int, ...], ...]]] = {
    "FullyConnected": ({}, ((5,),)),
    "Pooling": ({"kernel": (2, 2)}, (IMAGE,)),
    "GridGenerator": ({"target_shape": (5, 5)}, ((6,),)),
    "SpatialTransformer": ({"target_shape": (5, 5)}, (IMAGE, (6,))),
    "BilinearSampler": ({}, (IMAGE, (2, 5, 5))),
    "ROIPooling": ({}, (IMAGE, (5,))),
    "ROIAlign": ({}, (IMAGE, (5,))),
    "RROIAlign": ({}, (IMAGE, (6,))),
    "PSROIPooling": ({"pooled_size": 2}, (IMAGE, (5,))),
    "DeformablePSROIPooling": ({"pooled_size": 2}, (IMAGE, (5,), (2, 2, 2))),
    "batch_dot": ({}, (MATRICES, MATRICES)),
    "expand_dims": ({}, (IMAGE,)),
    "squeeze": ({}, ((1, 6, 6),)),
    "broadcast_axis": ({}, ((1, 6, 6),)),
    "broadcast_to": ({"shape": (0, 4, 6, 6)}, ((1, 6, 6),)),
    "slice_axis": ({"begin": 1, "end": 3}, (IMAGE,)),
    "DeformableConvolution": ({}, (IMAGE, (18, 4, 4))),
    "ModulatedDeformableConvolution": ({}, (IMAGE, (18, 4, 4), (9, 4, 4))),
    "pick": ({}, ((5,), ())),
    "one_hot": ({}, ((5,),)),
    "col2im": ({"stride": (1, 1)}, ((36, 16),)),
    "diag": ({"axis1": 2, "axis2": 3}, (IMAGE,)),
    "linalg_extractdiag": ({}, (MATRICES,)),
    "linalg_makediag": ({}, ((5,),)),
    "linalg_maketrian": ({}, ((6,),)),
}
"""Where the usual call does not fit: options, and shapes without the batch."""


def call(layer: Layer) -> tuple[dict[str, Any], list[Shape]]:
    options, shapes = CALLS.get(layer.name, ({}, ()))
    required = {o.name: SAMPLES[o.name] for o in layer.entry.options if o.default is REQUIRED and o.name not in options}
    usual = MATRICES if layer.name.startswith("linalg") else IMAGE
    inputs = shapes or [usual] * (3 if layer.joins else len(layer.inputs))
    always = {o.name: o.default for o in layer.entry.options if o.always}
    return {**always, **required, **options}, [(None, *shape) for shape in inputs]


def symbol(layer: Layer) -> tuple[Any, dict[str, tuple[int, ...]]]:
    options, shapes = call(layer)
    names = [f"in{i}" for i in range(len(shapes))]
    node = Node("x", layer.name, tuple(options.items()), tuple(names), None, (), Place("test.retina", 1, 1))
    code = lower_node(node, {name: name for name in names}, dict(zip(names, shapes, strict=True)))
    sizes = {name: (2, *(axis or 1 for axis in shape[1:])) for name, shape in zip(names, shapes, strict=True)}
    return eval(code, {"sym": mx.sym, **{name: mx.sym.Variable(name) for name in names}}), sizes


@pytest.mark.parametrize("layer", [*LAYERS.values(), *other_layers()], ids=lambda layer: layer.name)
def test_mxnet_takes_the_code_of_every_layer_and_runs_it(layer: Layer) -> None:
    built, sizes = symbol(layer)
    arguments, [shape], auxiliary = built.infer_shape(**sizes)
    names = [*built.list_arguments(), *built.list_auxiliary_states()]
    options = {o.name: o.default for o in layer.entry.options} | call(layer)[0]
    assert set(names) - set(sizes) == {f"x_{role}" for role in parameter_names(layer, options)}
    assert len(built.list_outputs()) == 1
    if layer.shape is not None:
        assert (None, *shape[1:]) == layer.shape(call(layer)[1], options)
    bound = built.simple_bind(mx.cpu(), grad_req="null", **sizes)
    for array in (*bound.arg_arrays, *bound.aux_arrays):
        array[:] = np.random.RandomState(0).uniform(0.1, 0.9, array.shape)
    if layer.name.startswith("linalg_po"):
        bound.arg_dict["in0"][:] = np.eye(3) * 2
    [output] = bound.forward(is_train=False)
    assert output.asnumpy().shape == shape
    assert np.isfinite(output.asnumpy()).all() or layer.name in ("arccosh", "arctanh", "erfinv", "linalg_sumlogdiag")
    del arguments, auxiliary


def evaluated(operator: str, inputs: list[Any], **options: Any) -> Any:
    names = [f"in{i}" for i in range(len(inputs))]
    built = eval(operator_path(operator), {"sym": mx.sym})(*map(mx.sym.Variable, names), name="x", **options)
    bound = built.simple_bind(mx.cpu(), **{n: value.shape for n, value in zip(names, inputs, strict=True)})
    for array in (*bound.arg_arrays, *bound.aux_arrays):
        array[:] = np.random.RandomState(array.size).uniform(0.1, 0.9, array.shape)
    for name, value in zip(names, inputs, strict=True):
        bound.arg_dict[name][:] = value
    training = bound.forward(is_train=True)[0].asnumpy()
    return training, bound.forward(is_train=False)[0].asnumpy()


@pytest.mark.parametrize(
    ("operator", "count", "options"),
    [
        ("elemwise_add", 2, {}),
        ("elemwise_mul", 2, {}),
        ("elemwise_sub", 2, {}),
        ("elemwise_div", 2, {}),
        ("_maximum", 2, {}),
        ("_minimum", 2, {}),
        ("BatchNorm_v1", 1, {"fix_gamma": False}),
        ("_contrib_SyncBatchNorm", 1, {"fix_gamma": False}),
        ("Convolution_v1", 1, {"kernel": (3, 3), "num_filter": 4, "stride": (2, 2), "pad": (1, 1)}),
    ],
)
def test_operators_that_are_read_as_another_layer_compute_the_same(operator: str, count: int, options: dict) -> None:
    layer = find_operator(operator)
    assert layer is not None
    images = [np.random.RandomState(i).uniform(0.1, 1, (2, 3, 9, 10)) for i in range(count)]
    more = {"key": "x"} if "Sync" in operator else {}
    for theirs, ours in zip(
        evaluated(operator, images, **options, **more), evaluated(layer.operator, images, **options), strict=True
    ):
        assert np.abs(theirs - ours).max() < 1e-5


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Add", [6.0]),
        ("Multiply", [6.0]),
        ("Maximum", [3.0]),
        ("Minimum", [1.0]),
    ],
)
def test_joins_of_three(name: str, expected: list[float]) -> None:
    names = ["a", "b", "c"]
    node = Node("x", name, (), tuple(names), (None, 1), (), Place("test.retina", 1, 1))
    code = lower_node(node, {n: n for n in names}, dict.fromkeys(names, (None, 1)))
    built = eval(code, {"sym": mx.sym, **{n: mx.sym.Variable(n) for n in names}})
    values = {n: mx.nd.array([[v]]) for n, v in zip(names, (1.0, 2.0, 3.0), strict=True)}
    assert built.eval(ctx=mx.cpu(), **values)[0].asnumpy().ravel().tolist() == expected


@pytest.mark.parametrize(("name", "expected"), [("Subtract", -4.0), ("Divide", 0.2), ("broadcast_power", 1.0)])
def test_the_first_branch_comes_first(name: str, expected: float) -> None:
    node = Node("x", name, (), ("a", "b"), (None, 1), (), Place("test.retina", 1, 1))
    code = lower_node(node, {"a": "a", "b": "b"}, {"a": (None, 1), "b": (None, 1)})
    built = eval(code, {"sym": mx.sym, "a": mx.sym.Variable("a"), "b": mx.sym.Variable("b")})
    [output] = built.eval(ctx=mx.cpu(), a=mx.nd.array([[1.0]]), b=mx.nd.array([[5.0]]))
    assert output.asscalar() == pytest.approx(expected)
