"""Checkpoints against their parameters, files that are not there, and networks that are no plain chain of layers."""

from __future__ import annotations

import json
import random
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from old_symbols import read, write_fitting_params, write_params
from study_texts import check

from retdsl.check import check_source
from retdsl.check.symbol_file import MAX_BYTES, MAX_NODES, BadSymbol
from retdsl.diagnostics import Diagnostic
from retdsl.diagnostics.fixing import fix_text
from retdsl.diagnostics.render import render_text
from retdsl.ir import Network, learned_numbers
from retdsl.source import Source

IMAGE = (None, 3, 8, 8)
SPEC = 'backbone old = checkpoint("net", epoch = 7)\nmodel m = input(3, 8, 8) => {}'
CUT = 'backbone old = checkpoint("net", epoch = 7)\nmodel m = old{}'


class Graph:
    """A symbol file in the making."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.data = self.variable("data")

    def variable(self, name: str) -> int:
        self.nodes.append({"op": "null", "name": name, "inputs": []})
        return len(self.nodes) - 1

    def add(self, op: str, name: str, *inputs: int | tuple[int, int], **options: str) -> int:
        entries = [[*(entry if isinstance(entry, tuple) else (entry, 0)), 0] for entry in inputs]
        self.nodes.append({"op": op, "name": name, "attrs": options, "inputs": entries})
        return len(self.nodes) - 1

    def convolution(self, name: str, source: int, filters: int = 4, weight: str | None = None) -> int:
        learned = self.variable(weight or f"{name}_weight"), self.variable(f"{name}_bias")
        return self.add("Convolution", name, source, *learned, num_filter=str(filters), kernel="(3, 3)", pad="(1, 1)")

    def dense(self, name: str, source: int, hidden: int = 5, **more: str) -> int:
        learned = self.variable(f"{name}_weight"), self.variable(f"{name}_bias")
        return self.add("FullyConnected", name, source, *learned, num_hidden=str(hidden), **more)

    def text(self, *heads: int) -> str:
        return json.dumps({"nodes": self.nodes, "heads": [[head, 0, 0] for head in heads or (len(self.nodes) - 1,)]})

    def save(self, folder: Path, *heads: int) -> None:
        (folder / "net-symbol.json").write_text(self.text(*heads))
        write_fitting_params(folder / "net-0007.params", read(folder / "net-symbol.json", (None, 3, 224, 224)))


def classifier() -> Graph:
    graph = Graph()
    x = graph.convolution("conv", graph.data)
    x = graph.add("Pooling", "pool", x, global_pool="True", kernel="(1, 1)", pool_type="avg")
    x = graph.dense("fc", graph.add("Flatten", "flat", x))
    graph.add("SoftmaxOutput", "softmax", x, graph.variable("softmax_label"))
    return graph


def network(folder: Path, cut: str = "") -> Network:
    checked = check(CUT.format(cut), folder)
    assert checked.program is not None, render_text(checked.diagnostics)
    return checked.program.networks[0]


def messages(folder: Path, cut: str = "") -> list[Diagnostic]:
    return list(check(CUT.format(cut), folder).diagnostics)


def the_message(folder: Path, cut: str = "") -> Diagnostic:
    [item] = messages(folder, cut)
    return item


# --- parameters


def test_parameters_that_a_cut_does_not_need_may_be_anything(tmp_path: Path) -> None:
    classifier().save(tmp_path)
    write_params(tmp_path / "net-0007.params", {"arg:conv_weight": (4, 3, 3, 3), "conv_bias": (4,)})
    assert network(tmp_path, "[pool]").nodes[-1].name == "pool"
    item = the_message(tmp_path, "[fc]")
    assert item.code == "R802"
    assert item.message == "the weights net-0007.params do not fit net-symbol.json: 2 of 4 parameters"
    assert item.notes == ("fc_weight: missing, the network needs [5, 4]\nfc_bias: missing, the network needs [5]",)
    assert item.helps[0].startswith("only the last layers differ, from `fc` on: cut before them, as at")


def test_an_epoch_may_have_five_digits(tmp_path: Path) -> None:
    classifier().save(tmp_path)
    (tmp_path / "net-0007.params").rename(tmp_path / "net-12345.params")
    assert check(CUT.format("").replace("epoch = 7", "epoch = 12345"), tmp_path).program is not None
    assert the_message(tmp_path).helps[0] == "did you mean `epoch = 12345`?"


def test_misfits_in_the_middle_ask_whether_it_is_the_same_network_and_name_other_epochs(tmp_path: Path) -> None:
    classifier().save(tmp_path)
    write_fitting_params(tmp_path / "net-0012.params", read(tmp_path / "net-symbol.json", IMAGE))
    shapes = {"conv_weight": (4, 1, 3, 3), "conv_bias": (4,), "fc_weight": (5, 4), "fc_bias": (5,)}
    write_params(tmp_path / "net-0007.params", shapes)
    assert the_message(tmp_path, "[fc]").helps == ("is it the same network? Other epochs are there: 12",)


def test_parameters_tell_shapes_that_no_rule_knows(tmp_path: Path) -> None:
    graph = Graph()
    x = graph.add("argsort", "ranks", graph.convolution("conv", graph.data))
    x = graph.dense("fc", graph.add("Flatten", "flat", x), 6)
    graph.dense("per_place", x, 9, flatten="False")
    graph.save(tmp_path)
    shapes = {"conv_weight": (4, 3, 3, 3), "conv_bias": (4,), "fc_weight": (6, 256), "fc_bias": (6,)}
    write_params(tmp_path / "net-0007.params", {**shapes, "per_place_weight": (9, 6), "per_place_bias": (9,)})
    found = network(tmp_path)
    assert [(node.name, node.shape) for node in found.nodes[1:]] == [
        ("ranks", None),
        ("flat", None),
        ("fc", (None, 6)),
        ("per_place", None),
    ]
    assert learned_numbers(found.nodes) == 4 * 27 + 4 + 6 * 256 + 6 + 9 * 6 + 9


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "it is a Git LFS pointer"),
        (b"\x12\x01" + b"\x00" * 20, "it is truncated or damaged"),
    ],
)
def test_parameters_that_cannot_be_read(tmp_path: Path, content: bytes, words: str) -> None:
    classifier().save(tmp_path)
    (tmp_path / "net-0007.params").write_bytes(content)
    item = the_message(tmp_path, "[pool]")
    assert (item.code, item.labels[0].text) == ("R802", "these are its parameters")
    assert item.message.startswith("cannot use net-0007.params: ")
    assert words in item.message
    assert item.helps


# --- files that are not there


def with_fixes(folder: Path, text: str) -> str:
    """The text after every fix, safe or not, was made."""
    source = Source("study.retina", text, folder / "study.retina")
    checked = check_source(source, folder)
    edits = [edit for item in checked.diagnostics for fix in item.fixes for edit in fix.edits]
    for edit in sorted(edits, key=lambda edit: -edit.span.start):
        text = text[: edit.span.start] + edit.replacement + text[edit.span.end :]
    return text


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('checkpoint("net", epoch = 9)', 'checkpoint("net", epoch = 7)'),
        ('checkpoint("nett", 7)', 'checkpoint("net", 7)'),
        ('checkpoint("net-symbol.json", epoch = 7)', 'checkpoint("net", epoch = 7)'),
        ('checkpoint("net-symbol", epoch = 7)', 'checkpoint("net", epoch = 7)'),
        ('checkpoint("net-0007.params", epoch = 7)', 'checkpoint("net", epoch = 7)'),
        ('checkpoint("net-0007", epoch = 7)', 'checkpoint("net", epoch = 7)'),
        ('checkpoint("other", epoch = 7)', None),
    ],
)
def test_names_that_come_near_are_offered(tmp_path: Path, written: str, meant: str | None) -> None:
    classifier().save(tmp_path)
    text = f"backbone old = {written}\nmodel m = old[pool]"
    assert with_fixes(tmp_path, text) == text.replace(written, meant or written)


def test_a_name_of_a_file_is_fixed_without_asking(tmp_path: Path) -> None:
    classifier().save(tmp_path)
    text = 'backbone old = checkpoint("net-symbol.json", epoch = 7)\nmodel m = old[pool]\n'

    def checker(source: Source) -> Any:
        return check_source(source, tmp_path).diagnostics

    fixed = fix_text(text, Source("study.retina", "", tmp_path / "study.retina"), checker)
    assert fixed.text == text.replace("-symbol.json", "")


def test_of_many_epochs_the_last_are_named(tmp_path: Path) -> None:
    classifier().save(tmp_path)
    (tmp_path / "net-0007.params").unlink()
    for epoch in (1, 2, 3, 126):
        (tmp_path / f"net-{epoch:04d}.params").touch()
    (tmp_path / "net-12.params").touch()
    item = the_message(tmp_path, "[pool]")
    assert item.helps == ("did you mean `epoch = 1`, `epoch = 2`, `epoch = 3` or `epoch = 126`?",)
    assert item.fixes == ()


def test_prefixes_in_folders(tmp_path: Path) -> None:
    (tmp_path / "old models").mkdir()
    classifier().save(tmp_path / "old models")
    text = 'backbone old = checkpoint("old models/ned", epoch = 7)\nmodel m = old[pool]'
    assert with_fixes(tmp_path, text) == text.replace("ned", "net")


# --- networks that are no plain chain


def test_branches_for_labels_and_losses_hinder_no_cut(tmp_path: Path) -> None:
    graph = Graph()
    x = graph.dense("fc", graph.convolution("conv", graph.data))
    label = graph.add("Reshape", "flat_label", graph.variable("label"), shape="(-1,)")
    loss = graph.add("SoftmaxOutput", "softmax", x, label)
    graph.add("_mul_scalar", "scaled", loss, scalar="2")
    graph.save(tmp_path)
    assert network(tmp_path, "[fc]").output == "fc"
    item = the_message(tmp_path, "[softmax]")
    assert item.message == "cannot use the layer `softmax` of net-symbol.json: it is a loss, which needs labels"
    assert item.helps == ("cut at `fc`, which flows into it",)
    assert "it is not known what it does with the variable `label`" in the_message(tmp_path, "[flat_label]").message


def test_a_network_of_several_heads_is_cut_at_one(tmp_path: Path) -> None:
    graph = Graph()
    x = graph.convolution("conv", graph.data)
    heads = [graph.dense(name, x) for name in ("grade", "side")]
    losses = [graph.add("SoftmaxOutput", f"l{head}", head, graph.variable(f"y{head}")) for head in heads]
    graph.save(tmp_path, *losses)
    assert network(tmp_path, "[side]").output == "side"
    item = the_message(tmp_path)
    assert item.message == "net-symbol.json gives 2 values, and a chain starts from one"
    assert item.helps == ("cut it: `old[grade]` or `old[side]`",)
    graph.save(tmp_path, heads[0], losses[0])
    assert network(tmp_path).output == "grade", "the same value twice"


def test_only_what_a_cut_needs_is_refused(tmp_path: Path) -> None:
    graph = Graph()
    x = graph.convolution("conv", graph.data)
    for name, op in (("odd", "Custom"), ("older", "CaffeOp")):
        graph.add("Flatten", f"behind_{name}", graph.add(op, name, x))
    graph.add("broadcast_mul", "gated", x, graph.variable("gate"))
    graph.save(tmp_path)
    assert network(tmp_path, "[conv]").output == "conv"
    assert "Python code that the file does not hold" in the_message(tmp_path, "[behind_odd]").message
    assert "a plugin of MXNet's past" in the_message(tmp_path, "[older]").message
    item = the_message(tmp_path, "[gated]")
    assert item.message.endswith("it is not known what it does with the variable `gate`")
    assert item.helps == ("a cut before it works, as at `conv`",)


def test_shared_parameters_are_refused_where_both_layers_are_needed(tmp_path: Path) -> None:
    graph = Graph()
    first = graph.convolution("first", graph.data, 3, weight="both")
    graph.add("Flatten", "flat", graph.convolution("second", graph.data, 3, weight="both_too"))
    graph.nodes[-2]["inputs"][1] = graph.nodes[first]["inputs"][1]
    graph.add("elemwise_add", "sum", first, len(graph.nodes) - 2)
    graph.save(tmp_path)
    assert network(tmp_path, "[first]").output == "first"
    assert network(tmp_path, "[flat]").output == "flat"
    said = "cannot use the layer `second` of net-symbol.json: it shares `both` with `first`, which is not supported"
    assert the_message(tmp_path, "[sum]").message == said


@pytest.mark.parametrize("name", ["data", "data0", "image"])
def test_the_input_may_have_any_name(tmp_path: Path, name: str) -> None:
    graph = classifier()
    graph.nodes[0]["name"] = name
    graph.save(tmp_path)
    assert network(tmp_path, "[fc]").nodes[0].inputs == ("data",)


def test_a_second_input_is_refused_where_it_is_needed(tmp_path: Path) -> None:
    graph = Graph()
    x = graph.convolution("conv", graph.data)
    graph.add("Concat", "both", x, graph.variable("age"), dim="1", num_args="2")
    graph.save(tmp_path)
    assert network(tmp_path, "[conv]").output == "conv"
    assert "with the variable `age`" in the_message(tmp_path, "[both]").message


def test_parts_of_a_value_are_layers_of_their_own(tmp_path: Path) -> None:
    graph = Graph()
    parts = graph.add("SliceChannel", "parts", graph.convolution("conv", graph.data, 6), num_outputs="3", axis="1")
    rows = graph.add("split", "rows", (parts, 2), num_outputs="224", axis="2", squeeze_axis="True")
    graph.add("elemwise_add", "sum", (rows, 0), (rows, 223))
    graph.save(tmp_path)
    found = network(tmp_path, "[sum]")
    assert [(node.name, node.shape) for node in found.nodes[1:]] == [
        ("parts_output2", (None, 2, 224, 224)),
        ("rows_output0_part", (None, 2, 1, 224)),
        ("rows_output0", (None, 2, 224)),
        ("rows_output223_part", (None, 2, 1, 224)),
        ("rows_output223", (None, 2, 224)),
        ("sum", (None, 2, 224)),
    ]
    assert network(tmp_path, "[parts_output1]").output == "parts_output1"
    assert the_message(tmp_path, "[parts]").code == "R713"
    assert "`old[parts_output2]`" in the_message(tmp_path, "[parts]").helps[0]


def test_a_layer_whose_image_is_too_small_hinders_no_cut_before_it(tmp_path: Path) -> None:
    graph = Graph()
    x = graph.convolution("conv", graph.data)
    graph.add("Pooling", "pool", x, kernel="(500, 500)", pool_type="avg", pooling_convention="valid")
    graph.save(tmp_path)
    assert network(tmp_path, "[conv]").output == "conv"
    assert "it gets [N, 4, 224, 224], and the kernel covers 500 pixels" in the_message(tmp_path, "[pool]").message


def test_a_missing_name_is_told_among_layers_with_odd_names(tmp_path: Path) -> None:
    graph = Graph()
    x = graph.convolution("conv2/3x3_reduce", graph.data)
    graph.add("Pooling", "pool5/7x7 s1", x, kernel="(7, 7)", pool_type="avg", pooling_convention="valid")
    graph.save(tmp_path)
    assert network(tmp_path, '["conv2/3x3_reduce_output"]').output == "conv2/3x3_reduce"
    item = the_message(tmp_path, '["conv2/3x3_reduc"]')
    assert item.helps[0] == "did you mean `conv2/3x3_reduce`?"
    assert [edit.replacement for edit in item.fixes[0].edits] == ['"conv2/3x3_reduce"']


# --- limits


ABSURD: dict[str, Callable[[], str]] = {
    "a million nodes": lambda: json.dumps({"nodes": [{}] * 10**6}),
    "more nodes than any network": lambda: json.dumps({"nodes": [0] * (MAX_NODES + 1)}),
    "a long text": lambda: json.dumps({"nodes": [{"op": "null", "name": "x" * 10**7, "inputs": []}]}),
    "a long name": lambda: json.dumps({"nodes": [{"op": "null", "name": "x" * 10**6, "inputs": []}]}),
    "lists in lists": lambda: "[" * 10**6,
    "empty lists": lambda: "[" + "[]," * (MAX_BYTES // 3 - 2) + "[]]",
    "a long number": lambda: '{"nodes": [' + "9" * 10**6 + "]}",
}


@pytest.mark.parametrize("what", ABSURD)
def test_absurd_files_are_refused_in_bounded_time_and_memory(tmp_path: Path, what: str) -> None:
    (tmp_path / "net-symbol.json").write_text(ABSURD[what]())
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(BadSymbol):
        read(tmp_path / "net-symbol.json", IMAGE)
    assert time.process_time() - began < 10
    assert tracemalloc.get_traced_memory()[1] < 400 << 20
    tracemalloc.stop()


def test_a_long_chain_of_layers_is_read_in_time(tmp_path: Path) -> None:
    graph = Graph()
    x = graph.data
    for i in range(15_000):
        x = graph.add("expand_dims" if i % 2 else "_plus_scalar", f"n{i}", x, axis="1", scalar="1")
    (tmp_path / "net-symbol.json").write_text(graph.text())
    began = time.process_time()
    found = read(tmp_path / "net-symbol.json", IMAGE)
    assert (len(found.nodes), time.process_time() - began < 10) == (15_000, True)


# --- whatever a file holds


def a_valid_graph() -> Graph:
    graph = classifier()
    x = graph.convolution("more", graph.data)
    bn = [graph.variable(f"bn_{role}") for role in ("gamma", "beta", "moving_mean", "moving_var")]
    x = graph.add("BatchNorm", "bn", x, *bn, eps="0.001")
    x = graph.add("Pooling", "down", x, kernel="(3, 3)", stride="(2, 2)", pool_type="max")
    x = graph.add("Concat", "both", x, graph.add("Pooling_v1", "v1", x, kernel="(1, 1)"), dim="1", num_args="2")
    parts = graph.add("SliceChannel", "parts", x, num_outputs="2")
    graph.add("Reshape", "rows", (parts, 1), shape="(0, -1)")
    return graph


VALID = a_valid_graph().text()
ODD: list[Any] = [
    *(None, True, -1, 0, 1, 2, 10**20, 0.5, float("inf"), "", "x", "data", "(0, 0)", "(-1, -1)", "(1e400,)", "None"),
    *([], [[0, 0]], {}, "((", "\ud800", "\x00", "BatchNorm", "Concat", "SliceChannel", "null", "(99999999999, 2)"),
]


def mutated(value: Any, random: random.Random, odds: list[Any]) -> Any:
    """A JSON value with one part replaced, left out, or put in twice."""
    if isinstance(value, dict | list) and value and random.random() < 0.9:
        copy = value.copy()
        key = random.choice(list(copy) if isinstance(copy, dict) else range(len(copy)))
        match random.random():
            case chance if chance < 0.1:
                del copy[key]
            case chance if chance < 0.2 and isinstance(copy, list):
                copy.insert(random.randrange(len(copy)), copy[key])
            case _:
                copy[key] = mutated(copy[key], random, odds)
        return copy
    return random.choice(odds)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False), st.integers(1, 4), st.sampled_from(["", "[rows]", "[both]", "[fc]", "[zz]"]))
def test_whatever_is_changed_in_a_file_nothing_raises(
    tmp_path: Path, random: random.Random, changes: int, cut: str
) -> None:
    graph = json.loads(VALID)
    for _ in range(changes):
        graph = mutated(graph, random, ODD)
    (tmp_path / "net-symbol.json").write_text(json.dumps(graph))
    (tmp_path / "net-0007.params").unlink(missing_ok=True)
    if changes > 2:
        write_params(tmp_path / "net-0007.params", {"conv_weight": (4, 3, 3, 3), "fc_weight": (5, 4)})
    checked = check(CUT.format(cut), tmp_path)
    render_text(checked.diagnostics)
    if checked.program is not None:
        learned_numbers(checked.program.networks[0].nodes)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(VALID) - 1), st.binary(max_size=3))
def test_whatever_bytes_a_file_holds_nothing_raises(tmp_path: Path, at: int, put: bytes) -> None:
    content = VALID.encode()
    (tmp_path / "net-symbol.json").write_bytes(content[:at] + put + (content[at + 1 :] if put else b""))
    assert {item.code for item in check(CUT.format("[rows]"), tmp_path).diagnostics} <= {"R801", "R802", "R206"}
