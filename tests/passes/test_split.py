"""Where networks are cut: what is frozen predicts, everything that can change in training is on the other side."""

from __future__ import annotations

from itertools import pairwise

from spec_texts import experiment, program

from retdsl.passes.split import cut_into_pieces

HEAD = """
data eyes {
  source  = synthetic_fundus(60)
  classes = [healthy, infected]
  image   = photo => resize(224, 224)
}
backbone lite = zoo(efficientnet_lite0, weights = imagenet)
backbone r18 = zoo(resnet18_v1, weights = "r18.params")
model net = %s => FullyConnected(2) => Softmax
train t { model = net  data = eyes  %s }
"""


def pieces(steps: str, keys: str = "freeze = lite", base: str = "lite[global_pool]"):
    found = experiment(HEAD % (f"{base} => {steps}", keys))
    return cut_into_pieces(found.network, found.phases)


def names(piece):
    return [*piece.nodes]


def test_inert_layers_before_the_first_trained_one_are_frozen_too():
    frozen, trained = pieces("Flatten")
    assert frozen.gives == trained.takes == ("flatten1",)
    assert (frozen.takes, trained.gives) == (("data",), ("fc1",))
    assert (frozen.from_epoch, trained.from_epoch) == (None, 1)
    assert names(trained) == ["fc1"]


def test_dropout_of_the_head_is_never_switched_off():
    frozen, trained = pieces("Flatten => Dropout(50%)")
    assert frozen.gives == ("flatten1",)
    assert names(trained) == ["dropout1", "fc1"]


def test_without_freezing_everything_is_trained():
    [trained] = pieces("Flatten", "")
    assert trained.takes == ("data",)
    assert len(trained.nodes) > 140


def test_two_cuts_of_one_backbone():
    found, _ = pieces("Flatten => Dropout(10%)")
    fork = (
        "{ lite[blocks_10_add] => Pooling(global_pool = true, pool_type = avg) => Flatten"
        " | lite[global_pool] => Flatten }"
    )
    two, _ = pieces("Concat => Dropout(10%)", base=fork)
    assert two.gives == ("concat1",), "joining frozen values changes nothing that is frozen"
    assert len(two.nodes) > len(found.nodes)


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
    found = experiment(text)
    assert [node.name for node in found.network.nodes if node.frozen] == ["c", "n"]
    assert len(cut_into_pieces(found.network, found.phases)) == 1, "a trained layer looks at the photograph itself"
    assert len(program(text).networks) == 1


PHASES = "freeze = [r18, unfreeze(stage4, at_epoch = 3), unfreeze(r18[stage2 .. stage3], at_epoch = 5)]"


def test_gradual_unfreezing_makes_a_piece_of_what_joins_at_each_epoch():
    found = pieces("Flatten", PHASES, "r18[global_pool]")
    assert [piece.from_epoch for piece in found] == [None, 5, 3, 1]
    assert [(piece.takes, piece.gives) for piece in found] == [
        (("data",), ("stage1_unit2_relu",)),
        (("stage1_unit2_relu",), ("stage3_unit2_relu",)),
        (("stage3_unit2_relu",), ("flatten1",)),
        (("flatten1",), ("fc1",)),
    ]
    whole = [name for piece in found for name in names(piece)]
    assert whole == [node.name for node in experiment(HEAD % ("r18[global_pool] => Flatten", "")).network.nodes]


def test_branches_that_end_in_different_stages():
    fork = "{ r18[stage2] => Pooling(global_pool = true) | r18[global_pool] }"
    found = pieces("Concat => Flatten", PHASES, fork)
    assert found[0].gives == found[1].takes == ("stage1_unit2_relu",)
    assert found[1].gives == ("pool1", "stage3_unit2_relu")
    for below, above in pairwise(found):
        assert below.gives == above.takes


def test_a_layer_frozen_behind_what_joins_moves_no_bound():
    keys = "freeze = [r18, unfreeze(r18[.. stage2], at_epoch = 2), unfreeze(stage4, at_epoch = 4)]"
    found = pieces("Flatten", keys, "r18[global_pool]")
    assert [piece.from_epoch for piece in found] == [2, 1]
    assert found[0].takes == ("data",)


def test_dropout_of_a_frozen_backbone_awakes_with_it():
    keys = "freeze = [lite, unfreeze(lite[dropout], at_epoch = 2)]"
    found = pieces("Activation(relu)", keys, "lite[dropout]")
    assert [piece.from_epoch for piece in found] == [None, 2, 1]
    assert names(found[1]) == ["dropout", "relu1"]
