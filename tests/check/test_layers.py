"""Layers beyond the usual ones in chains: found, refused with a reason, joined in order, and silent where unknown."""

from __future__ import annotations

from pathlib import Path

import pytest
from study_texts import check

from retdsl.diagnostics import Diagnostic
from retdsl.diagnostics.render import render_text
from retdsl.ir import Network


def network(chain: str, more: str = "") -> Network:
    found = check(f"{more}\nmodel m = input(4, 8, 8) => {chain}")
    assert found.program is not None, render_text(found.diagnostics)
    return found.program.networks[0]


def message(chain: str, more: str = "") -> Diagnostic:
    found = list(check(f"{more}\nmodel m = input(4, 8, 8) => {chain}").diagnostics)
    assert len(found) == 1, [item.message for item in found]
    return found[0]


@pytest.mark.parametrize(
    ("chain", "shape"),
    [
        ("Deconvolution(2, kernel = 4, stride = 2, pad = 1)", (None, 2, 16, 16)),
        ("UpSampling(3)", (None, 4, 24, 24)),
        ("mean(axis = (2, 3)) => softmax", (None, 4)),
        ("{ identity | sigmoid | tanh } => Maximum", (None, 4, 8, 8)),
        ("{ identity | mean(axis = 1, keepdims = true) } => Subtract", (None, 4, 8, 8)),
        ("Reshape((0, 0, -1)) => { identity | identity } => batch_dot(transpose_b = true)", (None, 4, 4)),
        ("{ identity | Flatten => FullyConnected(6) } => SpatialTransformer(target_shape = 5)", (None, 4, 5, 5)),
        ("{ identity | identity } => stack(axis = 1)", (None, 2, 4, 8, 8)),
    ],
)
def test_shapes_through_chains(chain: str, shape: tuple[int | None, ...]) -> None:
    assert network(chain).nodes[-1].shape == shape


def test_names_and_parameters() -> None:
    found = network("LayerNorm(axis = 1) => plus_scalar(1) => UpSampling(2, sample_type = bilinear, num_filter = 4)")
    assert [(node.name, node.op) for node in found.nodes] == [
        ("layernorm1", "LayerNorm"),
        ("plus1", "plus_scalar"),
        ("upsampling1", "UpSampling"),
    ]
    assert [(p.name, p.shape) for _, p in found.parameters()] == [
        ("layernorm1_gamma", (4,)),
        ("layernorm1_beta", (4,)),
        ("upsampling1_weight", (4, 1, 4, 4)),
    ]
    assert not list(network("UpSampling(2)").parameters())


def test_a_layer_of_the_registry_is_checked_by_its_options_and_silences_shapes() -> None:
    found = network(
        "{ identity | Convolution(18, kernel = 3, pad = 1) }"
        " => DeformableConvolution(kernel = 3, num_filter = 4, pad = 1)"
        " => Flatten => FullyConnected(2) => Softmax"
    )
    deformable = found.node("deformableconvolution1")
    assert (deformable.shape, found.node("fc1").shape) == (None, None)
    assert deformable.options == (("kernel", (3, 3)), ("pad", (1, 1)), ("num_filter", 4))
    assert [p.name for p in deformable.parameters] == ["deformableconvolution1_weight", "deformableconvolution1_bias"]
    wrong = message("topk(kk = 3)")
    assert (wrong.code, wrong.helps) == ("R302", ("did you mean `k`?",))
    assert message("topk(ret_typ = values)").code == "R303"
    assert message("ROIAlign(pooled_size = 3, spatial_scale = 1)").code == "R403"


@pytest.mark.parametrize(
    ("chain", "note", "help"),
    [
        (
            "SoftmaxOutput",
            "it needs the labels, which only a loss head sees",
            "end the chain in the loss head `Softmax`",
        ),
        ("split(num_outputs = 2)", "it gives several values, and a step of a chain gives one", "in a fork"),
        ("Custom(op_type = mine)", "its Python code would not travel with the checkpoint", "write it as a `block`"),
        (
            "repeat(3)",
            "in this language `repeat(n, i) { chain }` writes a chain n times",
            "`UpSampling` repeats pixels",
        ),
    ],
)
def test_operators_that_cannot_stand_in_a_chain(chain: str, note: str, help: str) -> None:
    found = message(chain)
    assert (found.code, found.notes) == ("R205", (note,))
    assert found.message == f"`{chain.split('(')[0]}` cannot stand in a chain"
    assert help in found.helps[0]


@pytest.mark.parametrize(
    ("chain", "note"),
    [
        ("Convolution(3, kernel = 1, layout = NHWC)", "images are [N, channels, height, width] throughout"),
        ("BatchNorm(axis = 3)", "the channels are axis 1 of every value"),
        ("Convolution(3, kernel = 1, workspace = 512)", "MXNet finds out by itself"),
    ],
)
def test_options_that_are_left_out_say_why(chain: str, note: str) -> None:
    found = message(chain)
    assert found.code == "R302"
    assert note in found.notes[0]
    assert not found.fixes


def test_a_synonym_goes_before_a_reason() -> None:
    assert message("{ identity | identity } => Concat(axis = 2)").helps == ("did you mean `dim`?",)


@pytest.mark.parametrize(
    ("chain", "text", "help"),
    [
        ("batch_dot", "`batch_dot` takes 2 values (lhs, rhs) and gets one", "`{ lhs | rhs } => batch_dot`"),
        (
            "{ identity | identity | identity } => Divide",
            "`Divide` takes 2 values (lhs, rhs) and gets 3 branches",
            "order",
        ),
        ("{ identity | identity } => sigmoid", "`sigmoid` takes one value and gets 2 branches", "put `Concat`"),
    ],
)
def test_layers_take_as_many_values_as_they_have_names_for(chain: str, text: str, help: str) -> None:
    found = message(chain)
    assert (found.code, found.message) == ("R403", text)
    assert help in found.helps[0]


@pytest.mark.parametrize(
    "chain", ["mean(axis = 0)", "Reshape((-1, 8))", "transpose((1, 0, 2, 3))", "tile((2, 1, 1, 1))"]
)
def test_no_layer_changes_the_batch(chain: str) -> None:
    found = message(chain)
    assert found.code == "R401"
    assert "batch" in found.message


def test_a_name_that_nothing_has_does_not_list_two_hundred() -> None:
    assert message("Xyzzy").helps == ("`retdsl layers` lists all that there are",)


def test_blocks_take_names_that_are_not_words_of_the_language() -> None:
    for name in ("norm", "topk", "repeat_values"):
        assert network(name, f"block {name}() = Flatten").nodes[-1].op == "Flatten"
    assert message("Flatten", "block Pooling() = Flatten").code == "R202"
    assert message("Flatten", "block Softmax() = Flatten").code == "R202"


def test_the_registry_is_read_only_for_names_that_no_entry_has(tmp_path: Path) -> None:
    import subprocess
    import sys

    program = """
from pathlib import Path
from retdsl.check import check_source
from retdsl.schema.operators import operators
from retdsl.source import Source

def read(chain):
    text = f"block norm() = BatchNorm\\nmodel m = input(3, 8, 8) => {chain}"
    found = check_source(Source("x", text), Path())
    assert not len(found.diagnostics), [item.message for item in found.diagnostics]
    return operators.cache_info().currsize

print(read("norm => mean(axis = (2, 3)) => Softmax"), read("topk"))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.split() == ["0", "1"]


def test_what_may_be_a_block_that_could_not_be_read_is_no_layer() -> None:
    assert message("norm", "block norm(n = ) = Flatten").code == "R102"
    assert message("norm", 'use "parts.retina"').code == "R208"
