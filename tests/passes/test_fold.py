"""Which BatchNorms are folded: those right behind a linear layer that nobody else looks at."""

from __future__ import annotations

import pytest
from spec_texts import carried_out, experiment

from retdsl.ir import Fold
from retdsl.passes.fold import folds_of

STUDY = """
data eyes { source = synthetic_fundus(60)  classes = [healthy, infected]  image = photo => resize(32, 32) }
model net = eyes.image => %s => Flatten => FullyConnected(2) => Softmax
train t { model = net  data = eyes }
"""
CONV, NORM = 'Convolution(4, kernel = 3, pad = 1, name = "c")', 'BatchNorm(name = "n")'


def folds(steps: str, names=("idle", "fold")):
    return carried_out(experiment(STUDY % steps), names).execution.folds


@pytest.mark.parametrize(
    "layer",
    [
        CONV,
        'Convolution(4, kernel = 3, no_bias = true, name = "c")',
        'Convolution(6, kernel = 3, num_group = 3, name = "c")',
        'Deconvolution(4, kernel = 2, stride = 2, no_bias = false, name = "c")',
        'Flatten => FullyConnected(8, name = "c")',
    ],
)
def test_behind_a_layer_that_is_linear(layer: str):
    assert folds(f"{layer} => {NORM}") == (Fold("c", "n"),)


@pytest.mark.parametrize(
    "steps",
    [
        f"{NORM} => {CONV}",
        f"{CONV} => Activation(relu) => {NORM}",
        f"{CONV} => Pooling(kernel = 2) => {NORM}",
        f"{CONV} => {{ {NORM} | identity }} => Add",
        f"{{ {CONV} | Convolution(4, kernel = 3, pad = 1) }} => Concat => {NORM}",
        f"Deconvolution(4, kernel = 2, stride = 2) => {NORM}",
    ],
    ids=["before it", "behind an activation", "behind a pooling", "not alone", "behind a Concat", "where it costs"],
)
def test_where_nothing_can_be_folded(steps: str):
    assert folds(steps) == ()


def test_an_idle_layer_in_between_is_no_hindrance_once_it_is_left_out():
    steps = f"{CONV} => Dropout(20%) => BlockGrad => {NORM}"
    assert folds(steps) == (Fold("c", "n"),)
    assert folds(steps, ("fold",)) == ()


def test_the_scores_are_looked_at_by_the_loss():
    network = experiment(STUDY % f"{CONV} => {NORM}").network
    shown = network.node("c").name
    assert folds_of(network) == (Fold("c", "n"),)
    assert folds_of(type(network)(**{**_fields(network), "output": shown})) == ()


def _fields(network):
    return {name: getattr(network, name) for name in network.__slots__}
