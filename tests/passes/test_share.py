"""Experiments share features if everything that features are made of is the same, and only then."""

from __future__ import annotations

import pytest
from spec_texts import program

from retdsl.compiler import sharing
from retdsl.passes import ALL, run
from retdsl.passes.share import _weights
from retdsl.records import replace

STUDY = """
data eyes {
  source  = csv("eyes.csv", patient = patient)
  classes = [healthy, infected]
  image   = photo => resize(64, 64)
  split   = folds(3)
}
data rims {
  source  = csv("eyes.csv", patient = patient)
  classes = [healthy, infected]
  image   = photo => mask_circle(radius = 85%%) => resize(64, 64)
  split   = folds(3)
}
backbone lite = zoo(efficientnet_lite0, weights = imagenet)
backbone own = zoo(resnet18_v1)
model net = lite[global_pool] => Flatten => FullyConnected(2) => Softmax
model deep = lite[blocks_10_add] => Pooling(global_pool = true) => Flatten => FullyConnected(2) => Softmax
model wide = lite[global_pool] => Flatten => FullyConnected(9) => FullyConnected(2) => FocalSoftmax
model drawn = own[global_pool] => Flatten => FullyConnected(2) => Softmax
train a { model = net  data = eyes  freeze = lite  epochs = 3  seed = 1 }
%s
"""


def shared(blocks: str, names=None):
    found = run(program(STUDY % blocks), *([] if names is None else [names])).experiments
    return {one.name: one.execution.shares_features_with for one in found}


@pytest.mark.parametrize(
    "more",
    ["epochs = 9", "sampling = resample(ratio = 1 : 1)", "seed = 5", "fold = 2", "model = wide"],
)
def test_what_features_do_not_depend_on(more: str):
    assert shared(f"train b from a {{ {more} }}") == {"a": ("b",), "b": ("a",)}


@pytest.mark.parametrize("more", ["data = rims", "model = deep", "batch = 8", "model = drawn  freeze = own"])
def test_what_they_depend_on(more: str):
    assert shared(f"train b from a {{ {more} }}") == {"a": (), "b": ()}


def test_what_is_drawn_is_shared_only_under_one_seed():
    drawn = "train b from a { model = drawn  freeze = own }\ntrain c from b { epochs = 5 }\ntrain d from b { seed = 2 }"
    assert shared(drawn) == {"a": (), "b": ("c",), "c": ("b",), "d": ()}


def test_nothing_is_shared_without_a_frozen_part():
    assert shared("train b from a { epochs = 2 }", ("share",)) == {"a": (), "b": ()}


def test_the_hash_of_weights_says_nothing_new_of_them():
    backbone = program(STUDY % "").experiments[0].network.backbones[0]
    assert backbone.weights is not None
    options = {**dict(backbone.weights.options), "sha256": "0" * 64}
    pinned = replace(backbone, weights=replace(backbone.weights, options=tuple(options.items())))
    assert _weights(pinned) == _weights(backbone)


def test_groups_for_those_who_train_them():
    blocks = "train b from a { epochs = 9 }\ntrain c from a { model = deep }\ntrain d from c { epochs = 2 }"
    found = program(STUDY % f"{blocks}\ntrain e from a {{ data = rims }}")
    assert sharing(found, ALL) == [("a", "b"), ("c", "d")]
    assert sharing(found, ("share",)) == []
