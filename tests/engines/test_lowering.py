"""Layers and values as Python: whatever names and numbers a spec or a checkpoint holds."""

from __future__ import annotations

import ast

import pytest
from spec_texts import TINY, checked

from retdsl.engines.mxnet import emit_program
from retdsl.engines.mxnet.layout import Line, laid_out
from retdsl.engines.mxnet.lower import literal, lower_node, operator_path
from retdsl.ir import Freeze, Network, Node, Parameter, Place
from retdsl.passes.split import cut_into_pieces
from retdsl.runtime.mx import mx
from retdsl.schema.lookup import find_node
from retdsl.schema.model import parameter_names
from retdsl.schema.operators import spellings

HERE = Place("test.retina", 1, 1)


def node(name: str, op: str, *inputs: str, shape=(None, 4), parameters=(), frozen=False, **options) -> Node:
    return Node(name, op, tuple(options.items()), inputs, shape, parameters, HERE, frozen=frozen)


@pytest.mark.parametrize(
    "value",
    [
        'no "signs", of (it',
        "back\\slash\\",
        "größe 中 \u2028",
        "line\nbreak",
        "half \udcff",
        "'",
        (1, (2.5,), None),
        True,
    ],
)
def test_a_literal_means_its_value(value: object):
    text = literal(value)
    assert ast.literal_eval(text) == value
    text.encode()


def test_numbers_that_python_does_not_write():
    assert eval(literal(float("-inf"))) == float("-inf")


@pytest.mark.parametrize(
    "name", ["_mul_scalar", "_copy", "_contrib_AdaptiveAvgPooling2D", "Convolution", "_linalg_gemm2"]
)
def test_mxnet_has_every_operator_where_it_is_looked_for(name: str):
    assert callable(eval(operator_path(name), {"sym": mx.sym}))


@pytest.mark.parametrize("op", sorted({row.operator for row in spellings().values() if row.learns}))
def test_parameters_are_those_of_mxnet_in_its_order(op: str):
    options = {
        "Convolution": {"kernel": (1, 1), "num_filter": 2},
        "Convolution_v1": {"kernel": (1, 1), "num_filter": 2},
        "Deconvolution": {"kernel": (1, 1), "num_filter": 2, "no_bias": False},
        "FullyConnected": {"num_hidden": 2},
        "Embedding": {"input_dim": 2, "output_dim": 2},
        "LeakyReLU": {"act_type": "prelu"},
        "UpSampling": {"scale": 2, "sample_type": "bilinear", "num_filter": 3},
        "_contrib_DeformableConvolution": {"kernel": (1, 1), "num_filter": 2},
        "_contrib_ModulatedDeformableConvolution": {"kernel": (1, 1), "num_filter": 2},
        "_contrib_SparseEmbedding": {"input_dim": 2, "output_dim": 2},
        "_contrib_SyncBatchNorm": {"key": "x"},
    }.get(op, {})
    layer = find_node(op)
    assert layer is not None
    inputs = [mx.sym.Variable(name) for name in layer.inputs]
    symbol = eval(operator_path(op), {"sym": mx.sym})(*inputs, name="x", **options)
    found = [*symbol.list_arguments()[len(inputs) :], *symbol.list_auxiliary_states()]
    assert found == [f"x_{role}" for role in parameter_names(layer, options)]


def test_parameters_keep_the_names_that_a_file_gives_them():
    names = ("filters", "conv_bias")
    conv = node("conv", "Convolution", "data", parameters=tuple(Parameter(n, None) for n in names), num_filter=2)
    text = lower_node(conv, {"data": "data"}, {})
    assert 'weight=sym.Variable("filters")' in text
    assert "bias=" not in text, "that is the name MXNet gives"
    symbol = eval(
        text.replace("num_filter=2", "num_filter=2, kernel=(1, 1)"), {"sym": mx.sym, "data": mx.sym.var("data")}
    )
    assert symbol.list_arguments() == ["data", "filters", "conv_bias"]


def test_what_a_file_calls_an_operator_or_an_option_is_never_run():
    evil = "Flatten(exit()); exit(); sym.Flatten"
    text = lower_node(node("x", evil, "data", **{"a=exit(), b": 1}), {"data": "data"}, {})
    names = {found.id for found in ast.walk(ast.parse(text)) if isinstance(found, ast.Name)}
    assert names == {"getattr", "sym", "data"}


def test_gluons_running_statistics_are_found():
    names = ("bn0_gamma", "bn0_beta", "bn0_running_mean", "bn0_running_var")
    norm = node("bn0_fwd", "BatchNorm", "data", parameters=tuple(Parameter(n, None) for n in names))
    symbol = eval(lower_node(norm, {"data": "data"}, {}), {"sym": mx.sym, "data": mx.sym.var("data")})
    assert symbol.list_auxiliary_states() == ["bn0_running_mean", "bn0_running_var"]


def test_values_of_one_shape_are_added_plainly_and_others_are_stretched():
    names = {"a": "a", "b": "b"}
    same, wide = (None, 4, 8, 8), (None, 4, 1, 1)
    add = node("s", "Add", "a", "b")
    assert lower_node(add, names, {"a": same, "b": same}).startswith("sym.elemwise_add(")
    assert lower_node(add, names, {"a": same, "b": wide}).startswith("sym.broadcast_add(")
    assert lower_node(add, names, {"a": None, "b": None}).startswith("sym.broadcast_add(")


@pytest.mark.parametrize("text", ['"a\\\\", "b, c (d", "e"', '\'half "\', (1, 2), "x, y"', '"' + "x" * 200 + '", 1'])
def test_long_calls_are_never_broken_inside_a_text(text: str):
    code = f"f({text}, " + ", ".join(f"option_{i}={i}" for i in range(30)) + ")"
    laid = laid_out([Line(code, "a comment")], 4)
    assert ast.dump(ast.parse(laid.strip())) == ast.dump(ast.parse(code))


def test_no_name_leaves_its_comment_or_docstring():
    text = TINY.replace('stage(8, name = "a")', 'stage(8, name = "a\\"\\"\\" \\\\")')
    found = checked(text, name='we"""ird\\x\nimport os.retina').program
    assert found is not None
    module = ast.parse(emit_program(found.experiments[0]))
    assert not any(isinstance(statement, ast.Import) for statement in module.body)


def test_a_layer_that_learns_behind_a_value_of_unknown_shape_is_trained():
    conv = Parameter("conv_weight", (4, 3, 1, 1))
    nodes = (
        node("conv", "Convolution", "data", parameters=(conv,), frozen=True),
        node("strange", "L2Normalization", "conv", shape=None, frozen=True),
        node("flat", "Flatten", "strange", shape=None),
        node("fc", "FullyConnected", "flat", shape=None),
    )
    network = Network("net", "data", (None, 3, 8, 8), nodes, "fc", None, (), HERE)
    frozen, trained = cut_into_pieces(network, (Freeze(1, ("conv", "strange")),))
    assert trained.nodes == ("fc",)
    assert frozen.gives == trained.takes == ("flat",)
