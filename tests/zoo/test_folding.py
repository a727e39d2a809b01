"""Networks of the zoo, one of every family, predict the same with BatchNorms folded, joined, and layer after layer."""

from __future__ import annotations

import numpy as np
import pytest
from spec_texts import carried_out, experiment

from retdsl.engines.mxnet import emit_program
from retdsl.runtime.bound import Bound, device
from retdsl.runtime.folding import Predicting
from retdsl.runtime.mx import mx

FAMILIES = {
    "densenet121": 59,
    "efficientnet_lite0": 49,
    "inception_bn": 69,
    "inception_v3": 94,
    "mobilenet_v1": 27,
    "mobilenet_v2": 52,
    "resnet18": 20,
    "resnet18_v2": 9,
    "squeezenet1_1": 0,
    "vgg11_bn": 8,
}
"""How many BatchNorms of a network have a convolution or dense layer of their own right before."""

STUDY = """
data eyes { source = synthetic_fundus(60)  classes = [healthy, infected]  image = photo => resize(%d, %d) }
backbone net = zoo(%s, classes = 2)
model whole = net => Softmax
train t { model = whole  data = eyes }
"""


def network(name: str, size: int):
    namespace = {"__name__": "program", "__file__": "train.py"}
    exec(emit_program(carried_out(experiment(STUDY % (size, size, name)))), namespace)
    return namespace["EXPERIMENT"].network


def drawn(net):
    """Parameters as drawn, with statistics as if it had been trained."""
    random = np.random.RandomState(0)
    values = net.starting_values(net.deploy_symbol(), 1, None, None).all()
    bounds = {"_moving_var": (0.3, 1.5), "_moving_mean": (-0.3, 0.3), "_beta": (-0.3, 0.3)}
    for name, value in values.items():
        for end, (low, high) in bounds.items():
            if name.endswith(end):
                value[:] = random.uniform(low, high, value.shape)
    return {name: mx.nd.array(value) for name, value in values.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_a_folded_network_predicts_the_same(name: str):
    size = 299 if name == "inception_v3" else 224
    net = network(name, size)
    folds = net.predicting.folded
    assert len(folds) == FAMILIES[name]
    values, scores = drawn(net), net.scores_symbol()
    images = mx.nd.array(np.random.RandomState(1).uniform(-1, 1, (1, 3, size, size)))
    ways = Predicting(fused=False), Predicting(net.predicting.without, folds, fused=False), net.predicting
    bound = (Bound(scores, values, {"data": (3, size, size)}, 1, device(), how) for how in ways)
    plain, *others = (one([images])[0].asnumpy() for one in bound)
    for other in others:
        assert np.abs(other - plain).max() <= 1e-4 * np.abs(plain).max()
