"""The parts of a network are the whole, and its starting values come from where they should."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_study import SIDE, frozen_part, network, trained_part, whole_part

from retdsl.runtime.errors import RunError
from retdsl.runtime.losses import Softmax
from retdsl.runtime.mx import mx
from retdsl.runtime.network import Pretrained, require_scores
from retdsl.runtime.symbols import sym


class Weights:
    """A source that fills what is asked for, and remembers it."""

    def __init__(self, value: float) -> None:
        self.value = value
        self.asked: list[str] = []

    def locate(self, folder=None, root=None):
        raise NotImplementedError

    def load(self, names, folder=None, root=None):  # noqa: ARG002 (as every source)
        self.asked = sorted(names)
        return {name: np.full(shape, self.value, np.float32) for name, shape in names.items()}


def test_the_parts_have_the_names_of_the_whole():
    symbols = network().symbols((1.0, 2.0))
    whole = symbols.whole.list_arguments()
    assert [name for name in whole if name.startswith(("conv", "bn", "fc"))] == [
        "conv0_weight",
        "bn0_gamma",
        "bn0_beta",
        "conv1_weight",
        "bn1_gamma",
        "bn1_beta",
        "fc_weight",
        "fc_bias",
    ]
    parts = {*symbols.frozen.list_arguments(), *symbols.trained.list_arguments()}
    assert parts == {*whole, "relu0"}
    assert symbols.inputs == {"relu0": (6, SIDE - 2, SIDE - 2)}
    assert symbols.deploy.list_outputs() == symbols.whole.list_outputs() == ["softmax_output"]
    assert "softmax_label" not in symbols.deploy.list_arguments()


def test_without_a_frozen_part_the_image_goes_straight_in():
    symbols = network(frozen=None, trained=whole_part).symbols((1.0, 2.0))
    assert symbols.frozen is None
    assert symbols.inputs == {"data": (3, SIDE, SIDE)}
    assert symbols.trained.tojson() == symbols.whole.tojson()


def test_symbols_do_not_depend_on_what_was_built_before():
    first = network().whole_symbol((1.0, 2.0)).tojson()
    mx.sym.Activation(mx.sym.Variable("a"), act_type="relu")
    assert network().whole_symbol((1.0, 2.0)).tojson() == first


def test_frozen_names_before_and_above_the_cut():
    before = {"conv0_weight", "bn0_gamma", "bn0_beta", "bn0_moving_mean", "bn0_moving_var"}
    assert network().frozen_names() == before
    above = network(frozen_parameters=("bn1_*", "fc_bias")).frozen_names() - before
    assert above == {"bn1_gamma", "bn1_beta", "bn1_moving_mean", "bn1_moving_var", "fc_bias"}


def test_frozen_batch_norms_use_their_statistics_and_others_do_not():
    attributes = network(frozen_parameters=("bn1_*",)).whole_symbol((1.0, 2.0)).attr_dict()
    assert attributes["bn0"]["use_global_stats"] == attributes["bn1"]["use_global_stats"] == "True"
    attributes = network().whole_symbol((1.0, 2.0)).attr_dict()
    assert attributes["bn0"]["use_global_stats"] == "True"
    assert "use_global_stats" not in attributes["bn1"]


def test_a_frozen_part_may_have_two_cuts_and_pass_its_input_on():
    def two(data):
        return {**frozen_part(data), "data": data}

    def join(features):
        pooled = sym.Flatten(sym.Pooling(features["data"], global_pool=True, kernel=(1, 1), name="small"), name="flat")
        return sym.FullyConnected(
            sym.concat(trained_part(features), pooled, dim=1, name="both"), num_hidden=2, name="last"
        )

    symbols = network(frozen=two, trained=join).symbols((1.0, 2.0))
    assert symbols.inputs == {"relu0": (6, SIDE - 2, SIDE - 2), "data": (3, SIDE, SIDE)}


def test_pretrained_weights_go_to_the_names_they_cover():
    first, second = Weights(1.0), Weights(2.0)
    chosen = network(
        pretrained=(Pretrained(first, only=("conv0_*", "bn0_*")), Pretrained(second, but=("fc_*", "bn1_*")))
    )
    start = chosen.starting_values(chosen.deploy_symbol(), 0, None, None)
    assert first.asked == ["bn0_beta", "bn0_gamma", "bn0_moving_mean", "bn0_moving_var", "conv0_weight"]
    assert second.asked == ["conv1_weight"]
    assert (start.arguments["conv0_weight"] == 1).all()
    assert (start.auxiliary["bn0_moving_var"] == 1).all()
    assert (start.arguments["conv1_weight"] == 2).all()
    assert start.arguments["fc_weight"].std() > 0
    assert set(start.auxiliary) == {"bn0_moving_mean", "bn0_moving_var", "bn1_moving_mean", "bn1_moving_var"}


def test_as_many_scores_as_classes():
    require_scores(network(), network().deploy_symbol(), ("healthy", "infected"))
    with pytest.raises(RunError, match=r"\[N, 2\] scores for 3 classes"):
        require_scores(network(), network().deploy_symbol(), ("a", "b", "c"))
    flat = network(trained=lambda features: features["relu0"], loss=Softmax())
    with pytest.raises(RunError, match=r"\[N, 6, 14, 14\] scores"):
        require_scores(flat, flat.deploy_symbol(), ("a", "b"))


def test_a_network_of_other_numbers_than_floats_is_told_in_words(capfd):
    def whole(features):
        rounded = sym.Cast(features["data"], dtype="int32", name="rounded")
        return sym.FullyConnected(rounded, num_hidden=2, name="fc")

    chosen = network(frozen=None, trained=whole)
    with pytest.raises(RunError, match="cannot build this network"):
        chosen.shapes(chosen.deploy_symbol())
    assert "Arguments:" not in "".join(capfd.readouterr())


def test_what_mxnet_cannot_build_is_told_in_words():
    def unfit(features):
        return sym.FullyConnected(sym.Pooling(features["data"], kernel=(99, 99), name="pool"), num_hidden=2, name="fc")

    def unheard_of(features):
        return sym._internal._no_such_layer(features["data"])

    symbol = network(frozen=None, trained=unfit).deploy_symbol()
    with pytest.raises(RunError, match="cannot build this network"):
        network(frozen=None, trained=unfit).starting_values(symbol, 0, None, None)
    with pytest.raises(RunError, match="no layer `_no_such_layer`"):
        network(frozen=None, trained=unheard_of).deploy_symbol()


def test_names_with_brackets_mean_themselves():
    assert Pretrained(Weights(0.0), only=["a[1]_weight", "b*"]).covers("a[1]_weight")
    assert not Pretrained(Weights(0.0), but=["a[1]_weight"]).covers("a[1]_weight")
    assert not Pretrained(Weights(0.0), only=["a[1]_weight"]).covers("a1_weight"), "another layer"
