"""Chains to networks: names, shapes, parameters, paths, and what a cut keeps."""

from __future__ import annotations

import pytest
from study_texts import STUDY, check, edited, only, said

from retdsl.ir import Network, Parameter


def network(text: str, name: str = "m") -> Network:
    checked = check(text)
    assert checked.program is not None, [item.message for item in checked.diagnostics]
    [found] = [found for found in checked.program.networks if found.name == name]
    return found


def small(chain: str, before: str = "") -> Network:
    return network(f"{before}\nmodel m = input(3, 16, 12) => {chain}")


def shapes(found: Network) -> list[tuple[str, object]]:
    return [(node.name, node.shape) for node in found.nodes]


def test_shapes_are_carried_through_a_chain() -> None:
    found = small(
        "Convolution(8, kernel = (3, 5), stride = 2, pad = (1, 2)) => Pooling(kernel = 2) => Flatten"
        " => FullyConnected(5)"
    )
    assert shapes(found) == [
        ("conv1", (None, 8, 8, 6)),
        ("pool1", (None, 8, 7, 5)),
        ("flatten1", (None, 280)),
        ("fc1", (None, 5)),
    ]
    assert found.input_shape == (None, 3, 16, 12)
    assert (found.output, found.loss) == ("fc1", None)
    assert [node.inputs for node in found.nodes] == [("data",), ("conv1",), ("pool1",), ("flatten1",)]


def test_parameters_have_mxnets_names_and_shapes() -> None:
    found = small(
        'Convolution(8, kernel = 3, no_bias = true, name = "c") => BatchNorm(name = "b") => Flatten'
        " => FullyConnected(2)"
    )
    assert [parameter for _, parameter in found.parameters()] == [
        Parameter("c_weight", (8, 3, 3, 3)),
        Parameter("b_gamma", (8,)),
        Parameter("b_beta", (8,)),
        Parameter("b_moving_mean", (8,), auxiliary=True),
        Parameter("b_moving_var", (8,), auxiliary=True),
        Parameter("fc1_weight", (2, 8 * 14 * 10)),
        Parameter("fc1_bias", (2,)),
    ]


def test_options_hold_what_differs_and_what_must_be_written() -> None:
    found = small("Convolution(8, kernel = 3, stride = 1) => BatchNorm => ReLU6 => Dropout(50%)")
    assert [node.options for node in found.nodes] == [
        (("num_filter", 8), ("kernel", (3, 3))),
        (("eps", 0.001), ("fix_gamma", True)),
        (),
        (),
    ]


def test_a_fork_gives_every_branch_the_same_value() -> None:
    found = small(
        '{ identity | Convolution(3, kernel = 1, name = "a") | Convolution(3, kernel = 1, name = "b") } => Add'
    )
    assert [(node.name, node.inputs) for node in found.nodes] == [
        ("a", ("data",)),
        ("b", ("data",)),
        ("add1", ("data", "a", "b")),
    ]


def test_joins() -> None:
    assert small("{ identity | Convolution(5, kernel = 1) } => Concat").nodes[-1].shape == (None, 8, 16, 12)
    gate = small("{ identity | Pooling(global_pool = true) => Activation(sigmoid) } => Multiply")
    assert gate.nodes[-1].shape == (None, 3, 16, 12)


def test_blocks_are_written_out_with_their_path() -> None:
    blocks = """
    block unit(filters, k = 1 + 2, name) = Convolution(filters, kernel = k, name = "{name}_c")
    block two(filters, name) = unit(filters, name = "{name}0") => unit(filters * 2, 1, "{name}1")
    """
    found = small('two(4, "x") => two(name = "y", filters = 8)', blocks)
    assert [(node.name, node.shape, node.path) for node in found.nodes] == [
        ("x0_c", (None, 4, 14, 10), ("two(x)", "unit(x0)")),
        ("x1_c", (None, 8, 14, 10), ("two(x)", "unit(x1)")),
        ("y0_c", (None, 8, 12, 8), ("two(y)", "unit(y0)")),
        ("y1_c", (None, 16, 12, 8), ("two(y)", "unit(y1)")),
    ]


def test_values_without_a_name_go_to_the_parameters_that_are_left() -> None:
    block = 'block b(a, c, name) = Convolution(a, kernel = c, name = "{name}")'
    for call in ('b(2, 3, "x")', 'b(2, name = "x", c = 3)', 'b(name = "x", 2, 3)', 'b(c = 3, 2, "x")'):
        assert shapes(small(call, block)) == [("x", (None, 2, 14, 10))], call


def test_a_default_can_use_the_parameters_before_it() -> None:
    block = 'block b(a, half = a / 2, name = "n{a}_{half}") = Convolution(half, kernel = 1, name = name)'
    assert shapes(small("b(6)", block)) == [("n6_3", (None, 3, 16, 12))]


def test_repeat_counts_from_zero() -> None:
    found = small('repeat(3, i) { Convolution(2 * i + 1, kernel = 1, name = "u{i}_{i + 1}") }')
    assert shapes(found) == [
        ("u0_1", (None, 1, 16, 12)),
        ("u1_2", (None, 3, 16, 12)),
        ("u2_3", (None, 5, 16, 12)),
    ]
    assert len(small("repeat(0) { Flatten } => repeat(2) { Activation(relu) }").nodes) == 2


def test_repeats_within_repeats_have_counters_of_their_own() -> None:
    found = small(
        'repeat(2, i) { repeat(2, j) { Activation(relu, name = "a{i}{j}") } => Activation(relu, name = "b{i}") }'
    )
    assert [node.name for node in found.nodes] == ["a00", "a01", "b0", "a10", "a11", "b1"]


def test_automatic_names_count_within_one_network_and_step_around_given_ones() -> None:
    text = """
    model m =
      input(3, 8, 8) => Activation(relu) => Activation(tanh) => Activation(relu, name = "relu2") => Activation(relu)
    model n = input(3, 8, 8) => Activation(relu) => Flatten => FullyConnected(2) => Softmax
    """
    assert [node.name for node in network(text).nodes] == ["relu1", "tanh1", "relu2", "relu3"]
    assert [node.name for node in network(text, "n").nodes] == ["relu1", "flatten1", "fc1"]
    assert check(text).program == check(text).program


@pytest.mark.parametrize("cut", ["pool", "pool_output", '"pool"', '"pool_output"'])
def test_a_cut_keeps_what_it_needs_and_no_more(cut: str) -> None:
    found = network(STUDY + f"model m = own[{cut}]")
    assert [node.name for node in found.nodes] == ["a_conv", "a_relu", "pool"]
    assert {node.backbone for node in found.nodes} == {"own"}
    assert [backbone.name for backbone in found.backbones] == ["own"]


def test_a_cut_by_its_second_name() -> None:
    found = network(STUDY + "model m = own[features]")
    assert found.output == "b_relu"
    assert found.node("b_relu").alias == "features"


def test_a_cut_that_does_not_exist_names_the_nearest() -> None:
    listing = "`retdsl layers study.retina --backbone own` shows all its layers"
    assert only(("own[b_relu]", "own[a_rellu]")).helps == ("did you mean `a_relu`?", listing)
    assert only(("own[b_relu]", "own[nowhere]")).helps == ("good places to cut it: `pool`, `a_relu`", listing)


def test_names_of_layers_behind_a_cut_stay_reserved() -> None:
    assert said(more='model m = own[a_relu] => Activation(relu, name = "b_relu")') == [("R207", '"b_relu"')]


def test_a_model_is_continued_by_others() -> None:
    program = check(edited(more="model heavy = scores => WSoftmax(weights = [1, 66.7])")).program
    assert program is not None
    scores, plain, heavy = (
        next(n for n in program.networks if n.name == name) for name in ("scores", "plain", "heavy")
    )
    assert scores.nodes == plain.nodes == heavy.nodes
    assert scores.loss is None
    assert plain.loss is not None
    assert plain.loss.kind == "Softmax"
    assert heavy.loss is not None
    assert heavy.loss["weights"] == (1.0, 66.7)
    assert (heavy.loss.logits, heavy.loss.name) == ("fc1", "softmax")


def test_a_model_from_a_model_from_an_input_needs_no_data() -> None:
    text = "model a = input(3, 8, 8) => Flatten\nmodel m = a => FullyConnected(2)"
    assert network(text).input_shape == (None, 3, 8, 8)


def test_the_image_of_a_data_block_is_an_input() -> None:
    found = network(STUDY + "model m = eyes.image => Flatten")
    assert found.input_shape == (None, 3, 32, 32)


def test_a_block_of_a_used_network_of_the_zoo() -> None:
    found = network('use zoo.inception_bn\nmodel m = input(3, 32, 32) => conv_factory(8, 3, name = "x")')
    assert [node.name for node in found.nodes] == ["conv_x", "bn_x", "relu_x"]


def test_frozen_layers_are_those_of_the_backbone() -> None:
    program = check(STUDY).program
    assert program is not None
    first, second = program.experiments
    frozen = {node.name for node in first.network.nodes if node.frozen}
    assert frozen == {"a_conv", "a_relu", "pool", "b_conv", "b_relu"}
    assert first.freeze == ("own",)
    assert (first.training.epochs, second.training.epochs) == (3, 4)
    assert first.network == second.network


def test_an_experiment_takes_over_every_key_but_its_own() -> None:
    more = "train third from second { seed = 9 metrics = [auc] freeze = none sampling = natural }"
    program = check(edited(more=more)).program
    assert program is not None
    third = program.experiments[-1]
    assert (third.name, third.training.epochs, third.training.seed, third.freeze) == ("third", 4, 9, ())
    assert third.sampling.name == "natural"
    assert [metric.name for metric in third.training.metrics] == ["auc"]
    assert third.key("epochs").place.line == check(STUDY).sources[0].text.count("\n")


def test_places_lead_back_to_the_spec() -> None:
    found = network(STUDY, "plain")
    lines = STUDY.split("\n")
    for node in found.nodes:
        place = node.place
        assert place.file == "study.retina"
        written = lines[place.line - 1][place.column - 1 :]
        assert written.startswith((node.op, "unit", "trunk")), written


def test_two_backbones_do_not_share_layers_by_having_the_same_names() -> None:
    text = """
    block small() = Convolution(4, kernel = 3, name = "c")
    backbone one = small()
    backbone two = small()
    model m = { one | two } => Concat
    """
    [message] = check(text).diagnostics
    assert (message.code, message.labels[0].span.text) == ("R207", "two")
