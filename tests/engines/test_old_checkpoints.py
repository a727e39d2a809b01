"""Checkpoints from before Poolings had a convention: what MXNet answers that is told the convention."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from old_symbols import as_of_2015, as_of_2016, with_convention
from params_files import params_bytes
from spec_texts import checked, experiment

from retdsl.diagnostics import Diagnostic
from retdsl.engines.mxnet import emit_program
from retdsl.ir import Node, learned_numbers
from retdsl.runtime.mx import mx

SPEC = """
data eyes {{ source = synthetic_fundus(60)  classes = [healthy, infected]  image = photo => resize({side}, {side}) }}
backbone old = checkpoint("old", epoch = 39)
model net = old["{cut}"] => Flatten(name = "own_flat") => FullyConnected(2, name = "own_fc") => Softmax
train t {{ model = net  data = eyes  freeze = old  sampling = resample }}
"""


def unit(x, filters, kernel, name, stride=(1, 1), pad=(0, 0)):
    x = mx.sym.Convolution(x, num_filter=filters, kernel=kernel, stride=stride, pad=pad, name=f"conv_{name}")
    x = mx.sym.BatchNorm(x, name=f"bn_{name}")
    return mx.sym.Activation(x, act_type="relu", name=f"relu_{name}")


def pool(x, name, stride=(2, 2), pad=(0, 0), kind="max"):
    return mx.sym.Pooling(x, kernel=(3, 3), stride=stride, pad=pad, pool_type=kind, name=name)


def inception():
    """Inception-BN in small: units side by side, and Poolings that only meet the convolutions if rounded up."""
    x = unit(mx.sym.Variable("data"), 8, (7, 7), "1", stride=(2, 2), pad=(3, 3))
    x = pool(x, "pool1")
    left = unit(x, 4, (3, 3), "3a_3x3", pad=(1, 1))
    right = unit(pool(x, "avg_pool_3a_pool", (1, 1), (1, 1), "avg"), 4, (1, 1), "3a_proj")
    x = mx.sym.Concat(left, right, name="ch_concat_3a_chconcat")
    left = unit(x, 6, (3, 3), "3c_3x3", stride=(2, 2), pad=(1, 1))
    x = mx.sym.Concat(left, pool(x, "max_pool_3c_pool"), name="ch_concat_3c_chconcat")
    x = mx.sym.elemwise_add(x, unit(x, 14, (1, 1), "4a"), name="_plus0")
    x = mx.sym.Pooling(x, kernel=(4, 4), stride=(1, 1), pool_type="avg", name="global_pool")
    x = mx.sym.FullyConnected(mx.sym.Flatten(x, name="flatten"), num_hidden=21, name="fc1")
    return mx.sym.SoftmaxOutput(x, name="softmax")


def caffenet():
    """CaffeNet in small: one after the other, where only the weights of fc6 know the size that the Poolings gave."""
    x = mx.sym.Convolution(mx.sym.Variable("data"), num_filter=8, kernel=(5, 5), stride=(2, 2), name="conv1")
    x = pool(mx.sym.Activation(x, act_type="relu", name="relu1"), "pool1")
    x = mx.sym.LRN(x, nsize=5, alpha=0.0001, beta=0.75, knorm=1, name="norm1")
    x = mx.sym.Convolution(x, num_filter=6, kernel=(3, 3), num_group=2, pad=(1, 1), name="conv2/3x3")
    x = pool(mx.sym.Activation(x, act_type="relu", name="conv2/relu.3x3"), "pool2/3x3 s2")
    x = mx.sym.FullyConnected(mx.sym.Flatten(x, name="flatten_0"), num_hidden=11, name="fc6")
    x = mx.sym.Dropout(mx.sym.Activation(x, act_type="relu", name="relu6"), p=0.5, name="drop6")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(x, num_hidden=7, name="fc8"), name="softmax")


def save(folder: Path, graph, side: int, layout: int = 0):
    """The graph as a checkpoint with random parameters of the shapes that MXNet gives it if told the convention.
    Leaves MXNet's symbol and the parameters.
    """
    (folder / "old-symbol.json").write_text(json.dumps(graph))
    told = mx.sym.load_json(with_convention(graph) if "param" in graph["nodes"][0] else json.dumps(graph))
    random = np.random.default_rng(0)
    known, _, states = told.infer_shape(data=(1, 3, side, side))
    shapes = dict(zip(told.list_arguments(), known, strict=True))
    values = {n: random.normal(0, 0.3, s) for n, s in shapes.items() if n not in ("data", "softmax_label")}
    values |= {n: random.uniform(0.5, 1, s) for n, s in zip(told.list_auxiliary_states(), states, strict=True)}
    values = {name: value.astype("f4") for name, value in values.items()}
    kinds = {name: "aux" if name in told.list_auxiliary_states() else "arg" for name in values}
    named = {f"{kinds[name]}:{name}": value for name, value in values.items()}
    (folder / "old-0039.params").write_bytes(params_bytes(named, layout))
    return told, values


def output_of(symbol, values, image):
    arguments = {n: mx.nd.array(image if n == "data" else values[n]) for n in symbol.list_arguments()}
    states = {n: mx.nd.array(values[n]) for n in symbol.list_auxiliary_states()}
    return symbol.bind(mx.cpu(), arguments, grad_req="null", aux_states=states).forward()[0].asnumpy()


def program_output(folder: Path, cut: str, side: int, image):
    """What the generated program's network gives at a cut, from the parameters that it starts from."""
    namespace = {"__name__": "program", "__file__": str(folder / "train.py")}
    exec(emit_program(experiment(SPEC.format(cut=cut, side=side), root=folder)), namespace)
    deploy = namespace["EXPERIMENT"].network.deploy_symbol()
    start = namespace["EXPERIMENT"].network.starting_values(deploy, 0, None, folder).all()
    return output_of(deploy.get_internals()[f"{cut}_output"], start, image)


def old_pooling(folder: Path, cut: str, side: int) -> Diagnostic | None:
    found = checked(SPEC.format(cut=cut, side=side), folder).diagnostics
    return next((item for item in found if item.code == "R804"), None)


@pytest.mark.parametrize(
    ("network", "side", "cut"),
    [
        (inception, 64, "global_pool"),
        (inception, 64, "fc1"),
        (inception, 64, "max_pool_3c_pool"),
        (caffenet, 67, "pool2/3x3 s2"),
        (caffenet, 67, "conv2/relu.3x3"),
        (caffenet, 67, "fc8"),
    ],
)
def test_a_network_of_2015_computes_what_it_did(network, side: int, cut: str, tmp_path: Path):
    told, values = save(tmp_path, as_of_2015(network()), side)
    image = np.random.default_rng(1).normal(size=(2, 3, side, side))
    wanted = output_of(told.get_internals()[f"{cut}_output"], values, image)
    np.testing.assert_allclose(program_output(tmp_path, cut, side, image), wanted, rtol=1e-5, atol=1e-6)
    assert old_pooling(tmp_path, cut, side) is not None


def test_the_shapes_and_counts_are_those_of_mxnet(tmp_path: Path):
    told, values = save(tmp_path, as_of_2015(inception()), 64)
    network = experiment(SPEC.format(cut="fc1", side=64), root=tmp_path).network
    wanted = dict(
        zip(told.get_internals().list_outputs(), told.get_internals().infer_shape(data=(1, 3, 64, 64))[1], strict=True)
    )

    def of_mxnet(node: Node):
        return (None, *wanted[f"{node.name}_output"][1:])

    imported = [node for node in network.nodes if node.backbone]
    assert {node.name: node.shape for node in imported} == {node.name: of_mxnet(node) for node in imported}
    learned = sum(v.size for name, v in values.items() if not name.endswith(("moving_mean", "moving_var")))
    assert learned_numbers(imported) == learned


def test_a_scale_that_is_fixed_is_1_whatever_the_file_says(tmp_path: Path):
    """2015's files do not say `fix_gamma` where it is true, as by default."""
    graph = as_of_2015(inception())
    for item in graph["nodes"]:
        item["param"].pop("fix_gamma", None)
        item["param"].pop("use_global_stats", None)
    told, values = save(tmp_path, graph, 64)
    network = experiment(SPEC.format(cut="relu_1", side=64), root=tmp_path).network
    assert dict(network.node("bn_1").options) == {"eps": 0.001, "fix_gamma": True}
    image = np.random.default_rng(1).normal(size=(2, 3, 64, 64))
    ones = {**values, "bn_1_gamma": np.ones(8)}
    wanted = output_of(told.get_internals()["relu_1_output"], ones, image)
    np.testing.assert_allclose(program_output(tmp_path, "relu_1", 64, image), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("network", "side", "cut", "meeting"),
    [(inception, 64, "flatten", "ch_concat_3c_chconcat"), (caffenet, 67, "fc8", "fc6")],
)
def test_what_no_option_tells_shapes_and_weights_do(network, side: int, cut: str, meeting: str, tmp_path: Path):
    """Saved again by MXNet 0.9, a file has no sign of its age left."""
    told, values = save(tmp_path, as_of_2015(network()), side)
    (tmp_path / "old-symbol.json").write_text(json.dumps(as_of_2016(network())))
    item = old_pooling(tmp_path, cut, side)
    assert item is not None
    assert item.message == "the Poolings of old-symbol.json round up, as in MXNet before July 2016"
    assert item.labels[0].text == f"only so the shapes meet at `{meeting}`"
    image = np.random.default_rng(1).normal(size=(2, 3, side, side))
    wanted = output_of(told.get_internals()[f"{cut}_output"], values, image)
    np.testing.assert_allclose(program_output(tmp_path, cut, side, image), wanted, rtol=1e-5, atol=1e-6)


def test_nothing_is_said_where_rounding_makes_no_difference_or_the_file_tells(tmp_path: Path):
    save(tmp_path, as_of_2015(caffenet()), 63)  # 30, 14.5
    assert old_pooling(tmp_path, "pool1", 63) is not None
    save(tmp_path, as_of_2015(caffenet()), 65)  # 31 -> 15 -> 7: every window fits
    assert old_pooling(tmp_path, "pool1", 65) is None
    save(tmp_path, as_of_2016(caffenet()), 67)
    assert old_pooling(tmp_path, "pool1", 67) is None
    save(tmp_path, as_of_2015(caffenet()), 67)
    assert old_pooling(tmp_path, "relu1", 67) is None, "no Pooling before the cut"


def test_both_meet_and_neither_meets(tmp_path: Path):
    save(tmp_path, as_of_2015(caffenet()), 67)
    (tmp_path / "old-0039.params").unlink()
    both = old_pooling(tmp_path, "pool1", 67)
    assert both is not None
    assert both.labels[0].text == "older than `pooling_convention`"
    assert "the shapes meet either way" in both.notes

    save(tmp_path, as_of_2015(caffenet()), 67)
    neither = old_pooling(tmp_path, "pool1", 83)
    assert neither is not None
    assert "do not meet at `fc6` either way: is the image of another size than theirs?" in neither.notes[1]
    assert experiment(SPEC.format(cut="pool1", side=83), root=tmp_path)
    item = next(i for i in checked(SPEC.format(cut="fc8", side=83), tmp_path).diagnostics if i.code == "R802")
    assert item.notes == ("fc6_weight: [11, 384] in the file, the network needs [11, 600]",)
    assert item.helps[0].startswith("`fc6` takes as many values as an image of another size gives")


def test_an_old_file_whose_shapes_only_meet_rounded_down(tmp_path: Path):
    graph = as_of_2015(caffenet())
    save(tmp_path, graph, 67)
    told = mx.sym.load_json(json.dumps(graph))
    known, _, _ = told.infer_shape(data=(1, 3, 67, 67))
    values = {n: np.zeros(s, "f4") for n, s in zip(told.list_arguments(), known, strict=True)}
    (tmp_path / "old-0039.params").write_bytes(params_bytes(values))
    item = old_pooling(tmp_path, "fc8", 67)
    assert item is not None
    assert item.message == "the Poolings of old-symbol.json round down, although the file is older than that"


def test_a_pooling_that_says_valid_is_taken_at_its_word(tmp_path: Path):
    save(tmp_path, as_of_2015(inception()), 64)
    graph = as_of_2016(inception())
    for item in graph["nodes"]:
        if item["op"] == "Pooling":
            item["attr"]["pooling_convention"] = "valid"
    (tmp_path / "old-symbol.json").write_text(json.dumps(graph))
    assert old_pooling(tmp_path, "fc1", 64) is None
    messages = [item.message for item in checked(SPEC.format(cut="fc1", side=64), tmp_path).diagnostics]
    assert any("`ch_concat_3c_chconcat` of old-symbol.json: it gets [N, 6, 8, 8], [N, 8, 7, 7]" in m for m in messages)
