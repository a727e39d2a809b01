"""Backbones from MXNet's symbol files: as MXNet writes them today, as it did in 2015, and broken in every way."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from old_symbols import read, write_fitting_params, write_params
from study_texts import check

from retdsl.check.imported_layers import shape_of
from retdsl.check.imported_pooling import rounded
from retdsl.check.symbol_file import BadSymbol
from retdsl.diagnostics import CATALOGUE, Diagnostic
from retdsl.diagnostics.render import render_text
from retdsl.ir import Network, Node, Parameter, Shape, Value
from retdsl.schema import LAYERS

SPEC = 'backbone old = checkpoint("net", epoch = 7)\nmodel m = old[{}]'
IMAGE = (None, 3, 16, 16)

YEAR_2015: list[dict[str, Any]] = [
    {"op": "null", "param": {}, "name": "data", "inputs": [], "backward_source_id": -1},
    {"op": "null", "param": {}, "name": "c_weight", "inputs": [], "backward_source_id": -1},
    {"op": "null", "param": {}, "name": "c_bias", "inputs": [], "backward_source_id": -1},
    {
        "op": "Convolution",
        "param": {
            "kernel": "(3,3)",
            "no_bias": "False",
            "num_filter": "4",
            "num_group": "1",
            "pad": "(1,1)",
            "stride": "(2,2)",
            "workspace": "512",
        },
        "name": "c",
        "inputs": [[0, 0], [1, 0], [2, 0]],
        "backward_source_id": -1,
    },
    {"op": "null", "param": {}, "name": "b_gamma", "inputs": [], "backward_source_id": -1},
    {"op": "null", "param": {}, "name": "b_beta", "inputs": [], "backward_source_id": -1},
    {
        "op": "BatchNorm",
        "param": {"eps": "0.001", "momentum": "0.9"},
        "name": "b",
        "inputs": [[3, 0], [4, 0], [5, 0]],
        "backward_source_id": -1,
    },
    {"op": "Flatten", "param": {}, "name": "flat", "inputs": [[6, 0]], "backward_source_id": -1},
    {"op": "null", "param": {}, "name": "sm_label", "inputs": [], "backward_source_id": -1},
    {"op": "SoftmaxOutput", "param": {}, "name": "sm", "inputs": [[7, 0], [8, 0]], "backward_source_id": -1},
]


def put(folder: Path, nodes: object) -> None:
    heads = [[len(nodes) - 1, 0]] if isinstance(nodes, list) and nodes else []
    text = nodes if isinstance(nodes, str) else json.dumps({"nodes": nodes, "arg_nodes": [], "heads": heads})
    (folder / "net-symbol.json").write_text(text)
    write_params(folder / "net-0007.params", {"arg:of_another_network": (1,)})
    with suppress(BadSymbol):
        write_fitting_params(folder / "net-0007.params", read(folder / "net-symbol.json", (None, 3, 224, 224)))


def network(folder: Path, cut: str) -> Network:
    checked = check(SPEC.format(cut), folder)
    assert checked.program is not None, render_text(checked.diagnostics)
    return checked.program.networks[0]


def the_message(folder: Path, cut: str = "flat") -> Diagnostic:
    [item] = check(SPEC.format(cut), folder).diagnostics
    return item


def test_a_symbol_that_mxnet_wrote(tmp_path: Path) -> None:
    from retdsl.runtime.mx import mx

    data = mx.sym.Variable("data")
    conv = mx.sym.Convolution(data, num_filter=4, kernel=(3, 3), pad=(1, 1), num_group=1, name="conv")
    bn = mx.sym.BatchNorm(conv, fix_gamma=False, eps=1e-5, name="bn")
    left = mx.sym.Activation(bn, act_type="relu", name="left")
    right = mx.sym.Pooling(bn, kernel=(3, 3), stride=(1, 1), pad=(1, 1), pool_type="avg", name="right")
    both = mx.sym.concat(left, right, name="both")
    total = mx.sym.broadcast_add(both, both, name="total")
    net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(total, num_hidden=5, name="fc"), name="softmax")
    put(tmp_path, net.tojson())
    found = network(tmp_path, "fc_output")
    known, _, auxiliary = net.infer_shape(data=(1, 3, 224, 224))
    expected = dict(zip([*net.list_arguments(), *net.list_auxiliary_states()], [*known, *auxiliary], strict=True))
    assert {p.name: p.shape for _, p in found.parameters()} == {
        name: size for name, size in expected.items() if name not in ("data", "softmax_label")
    }
    assert {p.name for _, p in found.parameters() if p.auxiliary} == {"bn_moving_mean", "bn_moving_var"}
    assert [(node.name, node.op, node.shape) for node in found.nodes] == [
        ("conv", "Convolution", (None, 4, 224, 224)),
        ("bn", "BatchNorm", (None, 4, 224, 224)),
        ("left", "Activation", (None, 4, 224, 224)),
        ("right", "Pooling", (None, 4, 224, 224)),
        ("both", "Concat", (None, 8, 224, 224)),
        ("total", "Add", (None, 8, 224, 224)),
        ("fc", "FullyConnected", (None, 5)),
    ]
    assert dict(found.node("bn").options)["fix_gamma"] is False
    weights = found.backbones[0].weights
    assert weights is not None
    assert weights["path"] == "net-0007.params"


def test_a_symbol_of_2015(tmp_path: Path) -> None:
    put(tmp_path, YEAR_2015)
    found = read(tmp_path / "net-symbol.json", IMAGE)
    nodes = found.nodes
    assert (found.outputs, nodes[2].shape) == (("flat",), (None, 4 * 8 * 8))
    assert [p for node in nodes for p in node.parameters] == [
        Parameter("c_weight", (4, 3, 3, 3)),
        Parameter("c_bias", (4,)),
        Parameter("b_gamma", (4,)),
        Parameter("b_beta", (4,)),
        Parameter("b_moving_mean", (4,), auxiliary=True),
        Parameter("b_moving_var", (4,), auxiliary=True),
    ]
    assert dict(nodes[1].options) == {"eps": 0.001, "fix_gamma": True}
    assert [node.name for node in network(tmp_path, "c").nodes] == ["c"]


def test_a_layer_that_the_schema_does_not_know_has_no_shape_and_blocks_nothing(tmp_path: Path) -> None:
    ranks = {"op": "argsort", "param": {"axis": "1"}, "name": "ranks", "inputs": [[6, 0]]}
    flat = {"op": "Flatten", "param": {}, "name": "flat", "inputs": [[7, 0]]}
    put(tmp_path, [*YEAR_2015[:7], ranks, flat])
    found = network(tmp_path, "flat")
    assert (found.node("ranks").shape, found.node("flat").shape) == (None, None)
    assert found.node("ranks").options == (("axis", 1),)
    assert network(tmp_path, "b").nodes[-1].shape == (None, 4, 112, 112)


@pytest.mark.parametrize(
    ("option", "value", "understood"),
    [
        ("layout", "NCHW", True),
        ("layout", "None", True),
        ("layout", "NHWC", False),
        ("cudnn_tune", "limited_workspace", True),
        ("something_new", "3", False),
    ],
)
def test_an_option_beyond_the_schema_is_never_dropped_if_it_matters(
    tmp_path: Path, option: str, value: str, understood: bool
) -> None:
    nodes: list[dict[str, Any]] = json.loads(json.dumps(YEAR_2015))
    nodes[3]["param"][option] = value
    put(tmp_path, nodes)
    layers = read(tmp_path / "net-symbol.json", IMAGE).nodes
    assert (layers[0].shape is not None) is understood
    assert (option in dict(layers[0].options)) is not understood


def test_a_missing_checkpoint_is_a_warning_and_leaves_no_program(tmp_path: Path) -> None:
    item = the_message(tmp_path)
    assert (item.code, CATALOGUE["R801"].severity) == ("R801", "warning")
    assert item.message == "the checkpoint `net` is not here"
    assert item.labels[0].text == "no net-symbol.json and no net-0007.params"
    assert item.notes[0] == f"paths start at {tmp_path}"
    assert check(SPEC.format("flat"), tmp_path).program is None


def test_missing_parameters_are_a_warning_and_hinder_no_check(tmp_path: Path) -> None:
    put(tmp_path, YEAR_2015)
    (tmp_path / "net-0007.params").unlink()
    item = the_message(tmp_path)
    assert (item.code, item.message) == ("R801", "the parameters of the checkpoint `net` are not here")
    [*_, cut] = check(SPEC.format("flut"), tmp_path).diagnostics
    assert cut.code == "R206"


def broken(**changes: Any) -> list[dict[str, Any]]:
    """The symbol of 2015 with its convolution changed."""
    return [*YEAR_2015[:3], {**YEAR_2015[3], **changes}, *YEAR_2015[4:]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "it is empty"),
        ("not json", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n", "it is a Git LFS pointer"),
        ("[1, 2]", "not an MXNet symbol"),
        ('{"nodes": 3}', "not an MXNet symbol"),
        ([], "it has no layers"),
        (YEAR_2015[:3], "it has no layers"),
        ([1], "not as MXNet writes nodes"),
        ([{}], "not as MXNet writes nodes"),
        (broken(name=3), "has no name"),
        (broken(name="b"), "two of its nodes are named `b`"),
        (broken(inputs=[[4, 0]]), "`c` takes `b_gamma`, which comes after it"),
        (broken(inputs=[[3, 0]]), "`c` takes its own output"),
        (broken(inputs=[[-1, 0]]), "it names a node -1, and has 10"),
        (broken(inputs=[[10, 0]]), "it names a node 10, and has 10"),
        (broken(inputs=[["x", 0]]), "not as MXNet writes nodes"),
        ("<!DOCTYPE html><html>", "it is a web page"),
        (broken(name="x" * 501), "the name of its node 3 is none that MXNet writes"),
        (broken(name="a\n"), "the name of its node 3 is none that MXNet writes"),
        (broken(op=None), "its node `c` has no operator"),
        (broken(attrs=[1]), "not as MXNet writes nodes"),
    ],
)
def test_a_broken_symbol_is_told_from_a_mistake_in_the_spec(tmp_path: Path, content: object, words: str) -> None:
    put(tmp_path, content)
    item = the_message(tmp_path)
    assert item.code == "R802"
    assert item.message.startswith("cannot use net-symbol.json: ")
    assert words in item.message


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kernel": "(333,3)"}, "it gets [N, 3, 224, 224], and the kernel covers 333 pixels"),
        ({"kernel": "(3,3)", "stride": "(0,0)"}, "its options are not as MXNet writes them"),
        ({"kernel": "3"}, "its options are not as MXNet writes them"),
        ({"kernel": "(" * 2000}, "its options are not as MXNet writes them"),
        ({"kernel": "(3,3)", "num_filter": "-" * 20000 + "1"}, "its options are not as MXNet writes them"),
        ({"kernel": "(3,3)", "num_filter": "many"}, "its options are not as MXNet writes them"),
        ({"kernel": "(3,3)", "num_filter": "None"}, "its options are not as MXNet writes them"),
        ({"kernel": "(3,3)", "num_filter": "9" * 400}, "its options are not as MXNet writes them"),
        ({"kernel": "(3,3)", "pad": "(1000000000000,1)"}, "its values are more than any machine can hold"),
    ],
)
def test_options_that_nothing_can_take_refuse_a_layer(tmp_path: Path, options: dict[str, str], words: str) -> None:
    put(tmp_path, broken(param={"num_filter": "4", **options}))
    item = the_message(tmp_path)
    assert item.code == "R802"
    assert item.message.startswith("cannot use the layer `c` of net-symbol.json: ")
    assert words in item.message


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    put(tmp_path, "")
    (tmp_path / "net-symbol.json").write_bytes(b"\xff\xfe\x00")
    assert the_message(tmp_path).message == "cannot use net-symbol.json: it is not JSON"


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 12)
    | st.floats()
    | st.sampled_from(["", "c", "(3,3)", "Concat", "null"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["op", "name", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 9), st.sampled_from(["op", "param", "name", "inputs"]), anything)
def test_whatever_a_symbol_holds_it_is_read_or_refused(tmp_path: Path, node: int, key: str, value: object) -> None:
    put(tmp_path, [{**item, key: value} if i == node else item for i, item in enumerate(YEAR_2015)])
    try:
        found = read(tmp_path / "net-symbol.json", IMAGE)
    except BadSymbol:
        return
    assert set(found.outputs) <= {n.name for n in found.nodes}
    assert len({n.name for n in found.nodes}) == len(found.nodes)


def last_of(folder: Path, *layers: tuple[str, dict[str, str]]) -> Any:
    """The last of some layers, one after the other, behind an image of [N, 4, 8, 8]."""
    nodes: list[dict[str, Any]] = [{"op": "null", "name": "data", "inputs": []}]
    for i, (op, attributes) in enumerate(layers):
        nodes.append({"op": op, "name": f"n{i}", "attrs": attributes, "inputs": [[i, 0, 0]]})
    put(folder, nodes)
    return read(folder / "net-symbol.json", (None, 4, 8, 8)).nodes[-1]


@pytest.mark.parametrize(
    ("op", "attributes", "layer", "shape"),
    [
        ("LRN", {"nsize": "5"}, "LRN", (None, 4, 8, 8)),
        ("_contrib_AdaptiveAvgPooling2D", {"output_size": "1"}, "AdaptiveAvgPooling2D", (None, 4, 1, 1)),
        ("_contrib_AdaptiveAvgPooling2D", {}, "AdaptiveAvgPooling2D", (None, 4, 1, 1)),
        ("mean", {"axis": "(2, 3)"}, "mean", (None, 4)),
        ("_PlusScalar", {"scalar": "1"}, "plus_scalar", (None, 4, 8, 8)),
        ("Reshape", {"shape": "(0, -1)"}, "Reshape", (None, 256)),
        ("_copy", {}, "identity", (None, 4, 8, 8)),
        ("identity", {}, "identity", (None, 4, 8, 8)),
        ("Cast", {"dtype": "float32"}, "identity", (None, 4, 8, 8)),
        ("Cast", {"dtype": "float16"}, "identity", (None, 4, 8, 8)),
        ("amp_cast", {"dtype": "bfloat16"}, "identity", (None, 4, 8, 8)),
        ("BlockGrad", {}, "BlockGrad", (None, 4, 8, 8)),
        ("_mul_scalar", {"scalar": "2"}, "mul_scalar", (None, 4, 8, 8)),
        ("ElementWiseSum", {"num_args": "1"}, "Add", (None, 4, 8, 8)),
        ("L2Normalization", {"mode": "channel"}, "L2Normalization", (None, 4, 8, 8)),
        ("LeakyReLU", {"act_type": "leaky", "lower_bound": "0.125", "slope": "0.1"}, "LeakyReLU", (None, 4, 8, 8)),
        ("Convolution_v1", {"num_filter": "2", "kernel": "(3,3)"}, "Convolution", (None, 2, 6, 6)),
        ("Pooling_v1", {"kernel": "(2, 2)", "stride": "(2, 2)"}, "Pooling", (None, 4, 4, 4)),
        ("Pooling_v1", {"kernel": "(3, 3)", "stride": "(2, 2)", "pad": "(1, 1)"}, "Pooling_v1", (None, 4, 4, 4)),
        ("Reshape", {"target_shape": "(0, 256)", "keep_highest": "False"}, "Reshape", (None, 256)),
        ("SliceChannel", {"num_outputs": "1"}, "slice_axis", (None, 4, 8, 8)),
        ("Pad", {"mode": "edge", "pad_width": "(0, 0, 0, 0, 1, 1, 1, 1)"}, "Pad", (None, 4, 10, 10)),
        ("Dropout", {"axes": "(2, 3)", "p": "0.3"}, "Dropout", (None, 4, 8, 8)),
        ("softmax", {"axis": "1", "temperature": "None"}, "softmax", (None, 4, 8, 8)),
    ],
)
def test_layers_of_files_have_the_shapes_of_the_schema(
    tmp_path: Path, op: str, attributes: dict[str, str], layer: str, shape: tuple[int | None, ...]
) -> None:
    found = last_of(tmp_path, (op, attributes))
    assert (found.op, found.shape) == (layer, shape)


def test_an_option_of_none_stays_where_the_operator_asks_for_it(tmp_path: Path) -> None:
    found = last_of(tmp_path, ("slice_axis", {"axis": "2", "begin": "1", "end": "None"}))
    assert found.shape == (None, 4, 7, 8)
    assert dict(found.options) == {"axis": 2, "begin": 1, "end": None}


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("mean", {}),  # over all axes, the batch included
        ("transpose", {"axes": "(1, 0, 2, 3)"}),
        ("Reshape", {"shape": "(-1, 8)"}),
        ("softmax", {"dtype": "float16"}),
        ("Cast", {"dtype": "int32"}),
        ("argmax", {}),
        ("_contrib_BatchNormWithReLU", {}),
        ("_contrib_no_such_thing", {}),
        ("BatchNorm_v1", {"something_new": "1"}),
    ],
)
def test_what_only_mxnet_would_take_stays_as_the_file_has_it(
    tmp_path: Path, op: str, attributes: dict[str, str]
) -> None:
    found = last_of(tmp_path, (op, attributes))
    assert (found.op, found.shape) == (op, None)
    assert {key: str(value).replace(" ", "") for key, value in found.options} == {
        key: value.replace(" ", "") for key, value in attributes.items()
    }


@pytest.mark.parametrize("op", ["_Plus", "_plus", "elemwise_add", "broadcast_add", "_grad_add", "ElementWiseSum"])
def test_sums_of_any_year_are_sums(tmp_path: Path, op: str) -> None:
    nodes = [*YEAR_2015[:7], {"op": op, "param": {}, "name": "sum", "inputs": [[3, 0], [6, 0]]}]
    put(tmp_path, nodes)
    assert network(tmp_path, "sum").nodes[-1].op == "Add"


def test_hints_for_training_are_no_options(tmp_path: Path) -> None:
    """MXNet of 2016 keeps them among an operator's own options, some for one of its parameters."""
    hints = {"lr_mult": "2", "weight_wd_mult": "0.5", "ctx_group": "dev1", "__mood__": "good", "force_mirroring": "1"}
    for key in ("attr", "attrs"):
        nodes = json.loads(json.dumps(YEAR_2015))
        for node in nodes:
            node[key] = {**node.pop("param"), **hints}
        put(tmp_path, nodes)
        assert read(tmp_path / "net-symbol.json", IMAGE).nodes == read_of_2015(tmp_path)
    put(tmp_path, [{**node, "attr": hints} for node in YEAR_2015])
    assert read(tmp_path / "net-symbol.json", IMAGE).nodes == read_of_2015(tmp_path)


def read_of_2015(folder: Path) -> tuple[Node, ...]:
    (folder / "plain.json").write_text(json.dumps({"nodes": YEAR_2015}))
    return read(folder / "plain.json", IMAGE).nodes


def test_before_mxnet_095_axis_minus_1_of_argmax_was_no_axis(tmp_path: Path) -> None:
    nodes = [{"op": "null", "name": "data", "inputs": []}]
    nodes.append({"op": "argmax", "name": "best", "attrs": {"axis": "-1"}, "inputs": [[0, 0]]})
    for version, options in ((904, ()), (905, (("axis", -1),))):
        graph = {"nodes": nodes, "attrs": {"mxnet_version": ["int", version]}}
        (tmp_path / "net-symbol.json").write_text(json.dumps(graph))
        assert read(tmp_path / "net-symbol.json", IMAGE).nodes[0].options == options


def test_old_and_parallel_forms_of_batch_norm_are_batch_norms(tmp_path: Path) -> None:
    for op, more in (("BatchNorm_v1", {}), ("_contrib_SyncBatchNorm", {"key": "bn0", "ndev": "4"})):
        found = last_of(tmp_path, (op, more))
        assert (found.op, dict(found.options)) == ("BatchNorm", {"eps": 0.001, "fix_gamma": True})


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 5), st.integers(0, 2))
def test_an_old_pooling_has_the_size_of_its_days(size: int, kernel: int, stride: int, pad: int) -> None:
    """The conventions of today give it at every size, also where the stride is longer than the kernel."""
    assume(pad < kernel <= size + 2 * pad)
    options: dict[str, Value] = {"kernel": (kernel,) * 2, "stride": (stride,) * 2, "pad": (pad,) * 2}
    before: Shape = (None, 4, size, size)
    chosen = rounded(options, before)
    shape, _ = shape_of(LAYERS["Pooling"], chosen, [before])
    starts = range(-pad, size + pad, stride)  # of windows, until one reaches the end
    needed = next((i for i, start in enumerate(starts) if start + kernel >= size + pad), len(starts) - 1) + 1
    assert shape == (None, 4, needed, needed)
