"""Multiply-adds against those that the papers of the networks give, and against sums by hand."""

from __future__ import annotations

import pytest
from graph_texts import zoo
from spec_texts import experiment

from retdsl.account.arithmetic import Work, multiply_adds, work

PUBLISHED = {
    "resnet50_v1": 3.8e9,  # He et al. 2015, table 1, which rounds down
    "resnet152_v1": 11.3e9,  # there, too
    "resnet50_v2": 4.1e9,  # halves in its 3 x 3 convolutions, as torchvision's ResNet-50 does: 4.09 GMAC there
    "mobilenet_v1": 569e6,  # Howard et al. 2017, table 4
    "mobilenet_v2": 300e6,  # Sandler et al. 2018, table 4
    "efficientnet_lite0": 0.386e9,  # timm's table of results: 0.4 GMAC
    "squeezenet1_1": 0.35e9,  # torchvision's table of weights
    "densenet121": 2.83e9,  # there, too
}
OWN = """
data eyes {{
  source  = synthetic_fundus(60, ratio = 3 : 1, size = 64)
  classes = [healthy, infected]
  image   = photo => resize(8, 8)
}}
block two() =
  Convolution(4, kernel = 3, pad = 1, name = "low") => Convolution(6, kernel = 3, num_group = 2, name = "high")
backbone base = two()
model net = base => Flatten => FullyConnected(2, name = "last") => Softmax
train t {{ model = net  data = eyes  freeze = {freeze} }}
"""
LOW, HIGH, LAST = 4 * 3 * 9 * 8 * 8, 6 * 2 * 9 * 6 * 6, 2 * 6 * 6 * 6


@pytest.mark.parametrize(("name", "published"), PUBLISHED.items())
def test_networks_of_the_zoo(name: str, published: float) -> None:
    assert sum(multiply_adds(zoo(name)).values()) == pytest.approx(published, rel=0.02)


def test_a_layer_that_spreads_its_input() -> None:
    text = OWN.replace("=> Flatten", '=> Deconvolution(5, kernel = 4, stride = 2, name = "up") => Flatten')
    each = multiply_adds(experiment(text.format(freeze="none")).network)
    assert each["up"] == 6 * 5 * 4 * 4 * 6 * 6


@pytest.mark.parametrize(
    ("freeze", "forward", "step"),
    [
        ("none", 0, 2 * LOW + 3 * HIGH + 3 * LAST),
        ("base", LOW + HIGH, 2 * LAST),
        ("base[.. low]", LOW, 2 * HIGH + 3 * LAST),
        ("base[high]", 0, 2 * LOW + 2 * HIGH + 3 * LAST),
    ],
)
def test_backwards_only_what_training_needs(freeze: str, forward: int, step: int) -> None:
    assert work(experiment(OWN.format(freeze=freeze))) == Work(forward, step, LOW + HIGH + LAST)
