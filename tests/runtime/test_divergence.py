"""Training that loses its way: it stops before a parameter changes, and says where the numbers ended.

NaN is planted where it can come from: in weights, in the frozen part, in a photograph, by a rate that explodes.
"""

from __future__ import annotations

import numpy as np
import pytest
from tiny_study import network, whole_part
from tiny_trainer import batches, trainer

from retdsl.runtime.epoch_record import Diverged
from retdsl.runtime.optimizers import adam, sgd


def caught(made, data=None, epochs=1) -> Diverged:
    with pytest.raises(Diverged) as error:
        [made.train_epoch(epoch, data or batches()) for epoch in range(1, epochs + 1)]
    return error.value


def values(made):
    return {name: array.tobytes() for name, array in made.parameters().arguments.items()}


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("conv1_weight", "`conv1` (Convolution)"),
        ("bn1_gamma", "`bn1` (BatchNorm)"),
        ("bn1_beta", "`bn1` (BatchNorm)"),
        ("fc_weight", "`fc` (FullyConnected)"),
        ("fc_bias", "`fc` (FullyConnected)"),
        ("conv0_weight", "`conv0` (Convolution)"),
        ("bn0_beta", "`bn0` (BatchNorm)"),
    ],
)
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_bad_weight_is_found_in_its_layer(name, layer, number):
    """Also below the cut, and where a ReLU makes 0 of NaN and the loss is a number all the same."""
    made = trainer(network())
    made._arguments[name].reshape(-1)[0] = number
    if name in ("conv0_weight", "bn0_beta"):
        made.begin_phase(1)  # the frozen part keeps weights that it has folded
    before = values(made)
    try:
        error = caught(made)
    except pytest.fail.Exception:
        assert name == "bn0_beta", "an infinite value that is multiplied with nothing"
        return
    if (name, number) == ("bn1_beta", np.nan) or (np.isnan(number) and "epoch 1 ended" in str(error)):
        assert f"`{name}` of {layer}" in str(error), "behind it the ReLU is dead, and so is its gradient"
        return
    assert f"the first layer without numbers is {layer}: its parameter `{name}`" in str(error)
    assert "epoch 1, batch 1" in str(error)
    assert "the learning rate was 0.05" in str(error)
    assert values(made) == before, "no step is done by such gradients"


def test_a_bad_photograph_is_named():
    made = trainer(network())
    data = batches()
    data[1].images[3] = np.nan
    data[1].images[5, 0, 0, 0] = np.inf
    error = caught(made, data)
    assert "batch 2" in str(error)
    assert "2 of its photographs have numbers that are none before they reach the network" in str(error)
    assert error.indices == (11, 13)


def test_a_bad_photograph_behind_a_relu_is_named():
    made = trainer(network(frozen=None, trained=whole_part))
    data = batches()
    data[2].images[0, 0, 0, 0] = np.nan
    error = caught(made, data)
    assert "batch 3" in str(error)
    assert error.indices == (16,)


@pytest.mark.parametrize("optimizer", [sgd(lr=1e30), sgd(lr=1e12, momentum=0.9), adam(lr=1e30)])
def test_a_rate_that_explodes_is_noticed_and_a_layer_named(optimizer):
    error = caught(trainer(network(), optimizer=optimizer), epochs=5)
    assert "diverged" in str(error)
    assert any(f"`{layer}`" in str(error) for layer in ("conv1", "bn1", "fc", "softmax", "conv1_weight", "fc_weight"))


def test_a_layer_that_makes_such_numbers_itself_is_named():
    """All parameters are numbers, and one of them far too large."""
    made = trainer(network())
    made._arguments["fc_weight"][:] = 3e38
    error = caught(made)
    assert "the first layer without numbers is `fc` (FullyConnected): it makes NaN or inf of what it gets" in str(error)
