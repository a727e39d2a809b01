"""Backbones as pictures: the names of places to cut on the boxes that end there, and what a cut keeps."""

from __future__ import annotations

import pytest
from graph_texts import imported, zoo

from retdsl.ir import learned_numbers
from retdsl.viz import Look, Picture, backbone_picture, dot_text
from retdsl.viz.fold import LIMIT


def check_order(picture: Picture) -> None:
    """Boxes stand in reading order, and every arrow points forward."""
    position = {box.id: i for i, box in enumerate(picture.boxes)}
    assert all(position[arrow.tail] < position[arrow.head] for arrow in picture.arrows)
    assert [name for row in picture.rows for name in row] == [box.id for box in picture.boxes]


def test_boxes_tell_where_to_cut() -> None:
    picture = backbone_picture(zoo("resnet50_v1"), title="it")
    assert [box.places for box in picture.boxes] == [
        (),
        ("stem_relu", "stem_pool"),
        *((f"stage{stage}_unit{unit}_relu",) for stage, unit in ((1, 3), (2, 4), (3, 6), (4, 3))),
        ("global_pool",),
    ]
    assert [key.text for key in picture.legend] == ["[name]: a good place to cut"]
    assert "[stage3_unit6_relu]" in dot_text(picture)


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        ("resnet50_v1", ["photograph", "stem", *["stage"] * 4, "Pooling", "Flatten", "FullyConnected"]),
        (
            "inception_bn",
            [
                *("photograph", "block", "block", "block", "block", "block × 3", "block × 2", "block", "block × 2"),
                *("Pooling", "Flatten", "FullyConnected"),
            ],
        ),
    ],
)
def test_an_import_folds_by_its_names(name: str, titles: list[str]) -> None:
    picture = backbone_picture(imported(zoo(name)), title="it")
    assert [box.title for box in picture.boxes] == titles


@pytest.mark.parametrize("name", ["densenet121", "mobilenet_v2", "inception_v3", "vgg16"])
@pytest.mark.parametrize("shapes", [True, False], ids=["shapes", "no shapes"])
def test_an_import_folds_to_few_boxes(name: str, *, shapes: bool) -> None:
    picture = backbone_picture(imported(zoo(name), shapes=shapes), title="it")
    check_order(picture)
    assert len(picture.boxes) <= LIMIT + 4


@pytest.mark.parametrize("expand", [False, True], ids=["folded", "expanded"])
@pytest.mark.parametrize("cut", ["stage3_unit2_relu", "stage3_unit1_conv2", "stem_conv", "fc"])
def test_a_cut_parts_what_it_keeps_from_what_it_leaves_behind(cut: str, *, expand: bool) -> None:
    network = zoo("resnet50_v1")
    picture = backbone_picture(network, title="it", cut=cut, expand=expand)
    check_order(picture)
    looks = [box.look for box in picture.boxes[1:]]
    assert looks == sorted(looks, key=[Look.TRAINED, Look.LEFT].index)
    [marked] = [box for box in picture.boxes if box.places]
    assert marked.places == (cut,)
    assert marked is picture.boxes[len([look for look in looks if look is Look.TRAINED])]
    titles = [group.title for group in picture.groups if group.look is not Look.BLOCK]
    assert titles == [f"it[{cut}]", "left behind"][: 1 if cut == "fc" else 2]


def test_the_legend_counts_both_sides() -> None:
    network = zoo("squeezenet1_1")
    kept = network.nodes[: [node.name for node in network.nodes].index("fire5_concat") + 1]
    picture = backbone_picture(network, title="it", cut="fire5_concat")
    assert [key.look for key in picture.legend] == [Look.TRAINED, Look.LEFT]
    assert picture.legend[0].text.startswith(f"kept by [fire5_concat]: {len(kept)} layers, ")
    assert picture.legend[1].text.startswith(f"left behind: {len(network.nodes) - len(kept)} layers, ")
    assert learned_numbers(kept) < learned_numbers(network.nodes)


def test_a_cut_within_a_fork_leaves_the_other_branches_behind() -> None:
    picture = backbone_picture(zoo("squeezenet1_1"), title="it", cut="fire2_expand1x1_relu", expand=True)
    look = {box.title + "".join(box.lines[:1]): box.look for box in picture.boxes}
    assert look["Convolutionfire2_expand1x1_conv"] is Look.TRAINED
    assert look["Convolutionfire2_expand3x3_conv"] is Look.LEFT
