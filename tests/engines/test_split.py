"""Where networks are cut: what is frozen predicts, everything that can change in training is on the other side."""

from __future__ import annotations

from spec_texts import experiment, program

from retdsl.engines.mxnet.split import split_at_freeze

HEAD = """
data eyes {
  source  = synthetic_fundus(60)
  classes = [healthy, infected]
  image   = photo => resize(224, 224)
}
backbone lite = zoo(efficientnet_lite0, weights = imagenet)
model net = lite[global_pool] => %s => FullyConnected(2) => Softmax
train t { model = net  data = eyes  %s }
"""


def parts(steps: str, keys: str = "freeze = lite"):
    return split_at_freeze(experiment(HEAD % (steps, keys)).network)


def test_inert_layers_before_the_first_trained_one_are_frozen_too():
    found = parts("Flatten")
    assert found.cuts == ("flatten1",)
    assert [node.name for node in found.trained] == ["fc1"]


def test_dropout_of_the_head_is_never_switched_off():
    found = parts("Flatten => Dropout(50%)")
    assert found.cuts == ("flatten1",)
    assert [node.op for node in found.trained] == ["Dropout", "FullyConnected"]


def test_without_freezing_everything_is_trained():
    found = parts("Flatten", "")
    assert found.frozen == ()
    assert len(found.trained) > 140


def test_two_cuts_of_one_backbone():
    found = parts("Flatten => Dropout(10%)")
    text = HEAD.replace(
        "lite[global_pool] => %s",
        "{ lite[blocks_10_add] => Pooling(global_pool = true, pool_type = avg) => Flatten"
        " | lite[global_pool] => Flatten }"
        " => Concat => Dropout(%s)",
    )
    two = split_at_freeze(experiment(text % ("10%", "freeze = lite")).network)
    assert two.cuts == ("concat1",), "joining frozen values changes nothing that is frozen"
    assert len(two.frozen) > len(found.frozen)


def test_a_frozen_backbone_behind_trained_layers_is_not_cut():
    text = """
    data eyes { source = synthetic_fundus(60)  classes = [healthy, infected]  image = photo => resize(32, 32) }
    block small() = Convolution(4, kernel = 3, name = "c") => BatchNorm(fix_gamma = false, name = "n")
    backbone base = small(weights = "small.params")
    model net =
      { base | eyes.image => Convolution(4, kernel = 3) } => Add
        => Flatten => FullyConnected(2) => Softmax
    train t { model = net  data = eyes  freeze = base }
    """
    network = experiment(text).network
    assert [node.name for node in network.nodes if node.frozen] == ["c", "n"]
    found = split_at_freeze(network)
    assert found.frozen == (), "a trained layer looks at the photograph itself"
    assert len(program(text).networks) == 1
