"""Layers that do nothing where the network only predicts."""

from __future__ import annotations

from spec_texts import carried_out, experiment

from retdsl.ir import Node, Place
from retdsl.schema.still import is_idle

STUDY = """
data eyes { source = synthetic_fundus(60)  classes = [healthy, infected]  image = photo => resize(32, 32) }
model net =
  eyes.image
    => Convolution(4, kernel = 3, name = "c")
    => BlockGrad(name = "stop")
    => gradientmultiplier(0.5, name = "slow")
    => Dropout(20%%, name = "drop")
    => Pooling(global_pool = true, pool_type = avg, name = "pool")
    => Flatten(name = "flat")
    => Flatten(name = "flat_already")
    => Reshape((0, 4), name = "same")
    => Reshape((0, 2, 2), name = "other")
    => Flatten(name = "back")
    => FullyConnected(2, name = "fc")
    => Softmax
train t { model = net  data = eyes }
"""


def test_they_are_known_by_what_they_do_and_by_shapes():
    found = carried_out(experiment(STUDY.replace("%%", "%")), ("idle",)).execution
    assert found.idle == ("stop", "slow", "drop", "flat_already", "same")


def node(op, *inputs, shape=(None, 4), **options):
    return Node("it", op, tuple(options.items()), inputs, shape, (), Place("s", 1, 1))


def test_a_dropout_that_is_always_on_stays():
    assert is_idle(node("Dropout", "x", mode="training"), {})
    assert not is_idle(node("Dropout", "x", mode="always"), {})


def test_nothing_is_assumed_of_shapes_that_are_not_known():
    assert is_idle(node("Flatten", "x"), {"x": (None, 4)})
    assert not is_idle(node("Flatten", "x"), {})
    assert not is_idle(node("Flatten", "x", shape=None), {"x": None})


def test_several_values_are_not_one():
    assert not is_idle(node("Concat", "x", "y"), {"x": (None, 4), "y": (None, 4)})
    assert is_idle(node("Concat", "x"), {"x": (None, 4)})


def test_an_operator_that_nobody_knows_stays():
    assert not is_idle(node("no_such_operator", "x"), {"x": (None, 4)})
