"""What two experiments freeze differently: by what becomes of each layer, not by how it is said."""

from __future__ import annotations

import pytest
from spec_texts import program

from retdsl.compare import compare

SPEC = """
data eyes {{ source = synthetic_fundus(60)  classes = [healthy, infected]  image = photo => resize(64, 64) }}
backbone {0} = zoo(resnet18_v1, weights = "deep.params")
model net = {0}[global_pool] => Flatten => FullyConnected(2) => Softmax
train t {{ model = net  data = eyes  freeze = {1} }}
"""


def differences(a: str, b: str, name: str = "deep") -> list[tuple[str, str | None, str | None, int]]:
    found = compare(program(SPEC.format("deep", a)), program(SPEC.format(name, b)))
    return [
        (difference.key, change.a, change.b, len(difference.layers))
        for part in found.parts
        for difference in part.differences
        for change in difference.changes
    ]


SAME = [
    ("deep", "deep[.. global_pool]", "deep"),
    ("deep[.. stage3]", "base[stem .. stage3]", "base"),
    ("deep[.. stage3]", '["stem_*", "stage1_*", deep["stage2_*"], deep[stage3]]', "deep"),
    ("[deep, unfreeze(stage4, at_epoch = 5)]", "[unfreeze(deep[stage4], at_epoch = 5), deep[.. stage4]]", "deep"),
    ("[deep, unfreeze(stage4, at_epoch = 50)]", "deep", "deep"),
]


@pytest.mark.parametrize(("a", "b", "name"), SAME)
def test_two_spellings_of_the_same(a: str, b: str, name: str) -> None:
    assert differences(a, b, name) == []


def test_a_smaller_part_is_one_difference_that_names_its_layers() -> None:
    [(key, a, b, layers)] = differences("deep", "deep[.. stage3]")
    assert (key, a, b) == ("freeze", "deep", "deep[.. stage3]")
    assert layers == 10, "five convolutions of the last stage, and their BatchNorm"


def test_another_epoch_is_a_difference() -> None:
    early, late = (f"[deep, unfreeze(stage4, at_epoch = {epoch})]" for epoch in (3, 5))
    assert differences(early, late) == [("freeze", early, late, 10)]
