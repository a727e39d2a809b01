"""What is trained when: checked against the parameters of the network, counted by hand."""

from __future__ import annotations

from math import prod

from spec_texts import experiment

from retdsl.account.trained import TrainedData, trained_section
from retdsl.ir import Experiment

SPEC = """
data eyes {
  source  = synthetic_fundus(60, ratio = 1 : 1)
  classes = [healthy, infected]
  image   = photo => resize(64, 64)
}
backbone lite = zoo(efficientnet_lite0, weights = imagenet)
model net = lite[global_pool] => Flatten => FullyConnected(2) => Softmax
"""


def study(freeze: str) -> Experiment:
    return experiment(f"{SPEC}train t {{ model = net  data = eyes  epochs = 9  freeze = {freeze} }}")


def learned(found: Experiment, but: str) -> int:
    """Numbers learned outside of layers whose names begin so; moving statistics are not learned."""
    shapes = [p.shape for node, p in found.network.parameters() if not p.auxiliary and not node.name.startswith(but)]
    return sum(prod(n or 1 for n in shape or ()) for shape in shapes)


def test_every_phase_with_its_epochs_and_what_it_trains() -> None:
    found = study("[lite, unfreeze(blocks_15, at_epoch = 4), unfreeze(lite, at_epoch = 9)]")
    section = trained_section(found)
    assert isinstance(section.data, TrainedData)
    phases = section.data.phases
    everything = learned(found, "nothing")
    unit = learned(found, "nothing") - learned(found, "blocks_15_")
    assert [phase.epochs for phase in phases] == [(1, 3), (4, 8), (9, 9)]
    assert [phase.parameters for phase in phases] == [1280 * 2 + 2, 1280 * 2 + 2 + unit, everything]
    assert [row[0] for row in section.rows] == ["epochs 1 to 3", "epochs 4 to 8", "epoch 9"]
    assert (section.rows[0][1:3], section.rows[-1][3]) == (("1", "2,562"), "100 %")


def test_no_table_where_nothing_is_frozen() -> None:
    section = trained_section(study("none"))
    assert section.rows == ()
    assert isinstance(section.data, TrainedData)
    assert [phase.parameters for phase in section.data.phases] == [section.data.parameters]
