"""What `freeze` selects, phase by phase, and which cuts a group of layers allows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spec_texts import checked, experiment, program

from retdsl.account.keys import as_json
from retdsl.check.groups import groups
from retdsl.ir import Experiment, Node, Place, to_json

SPEC = """
data eyes {
  source  = synthetic_fundus(60, ratio = 1 : 1)
  classes = [healthy, infected]
  image   = photo => resize(224, 224)
}
backbone deep = zoo(resnet18_v1, weights = "deep.params")
backbone lite = zoo(efficientnet_lite0, weights = imagenet)
backbone dense = zoo(inception_bn, weights = "dense.params")
model of_deep = deep[global_pool] as features => Flatten => FullyConnected(2, name = "head_fc") => Softmax
model of_lite = lite[global_pool] => Flatten => FullyConnected(2) => Softmax
model of_dense = dense[global_pool] => Flatten => FullyConnected(2) => Softmax
"""

EVERYTHING = ("stem", "stage1", "stage2", "stage3", "stage4", "global")


def frozen(freeze: str, model: str = "of_deep", **keys: object) -> Experiment:
    more = "  ".join(f"{key} = {value}" for key, value in keys.items())
    return experiment(f"{SPEC}train t {{ model = {model}  data = eyes  freeze = {freeze}  {more} }}")


def codes(freeze: str, model: str = "of_deep", **keys: object) -> list[str]:
    more = "  ".join(f"{key} = {value}" for key, value in keys.items())
    found = checked(f"{SPEC}train t {{ model = {model}  data = eyes  freeze = {freeze}  {more} }}")
    return [item.code for item in found.diagnostics if item.code != "R801"]  # the weights are not at hand


def stages(names: Iterable[str]) -> list[str]:
    """The stages that layers belong to, each of which must be there as a whole."""
    found = {name.split("_")[0] for name in names}
    network = frozen("deep").network
    whole = {node.name for node in network.nodes if node.name.split("_")[0] in found}
    assert whole == set(names)
    return [stage for stage in EVERYTHING if stage in found]


SELECTIONS = {
    "deep": EVERYTHING,
    "deep[.. stage3]": ("stem", "stage1", "stage2", "stage3"),
    "deep[.. stage3_unit2_relu]": ("stem", "stage1", "stage2", "stage3"),
    "deep[stage2 .. stage4]": ("stage2", "stage3", "stage4"),
    "deep[stage4 ..]": ("stage4", "global"),
    "deep[stage3]": ("stage3",),
    "[deep[.. stem], deep[stage2 .. stage3]]": ("stem", "stage2", "stage3"),
    '"stage1_*"': ("stage1",),
    'deep["stage?_*"]': ("stage1", "stage2", "stage3", "stage4"),
    '["stage1_*", "stem_*", deep[stage2]]': ("stem", "stage1", "stage2"),
    '(deep[.. "stage2_*"])': ("stem", "stage1", "stage2"),
    "none": (),
    "[]": (),
}


@pytest.mark.parametrize("freeze", SELECTIONS)
def test_selections(freeze: str) -> None:
    found = frozen(freeze)
    assert stages(found.phases[0].nodes) == list(SELECTIONS[freeze])
    assert [node.name for node in found.network.nodes if node.frozen] == list(found.phases[0].nodes)


def test_up_to_a_part_is_all_that_it_depends_on_and_all_of_the_part() -> None:
    up_to_the_add = frozen("deep[.. stage1_unit1_add]").phases[0].nodes
    assert "stage1_unit1_relu" not in up_to_the_add
    assert up_to_the_add[-1] == "stage1_unit1_add"
    body = frozen("deep[.. stage2_unit1_conv1]").phases[0].nodes
    assert "stage2_unit1_shortcut_conv" not in body, "it does not lead to the convolution"
    unit = frozen("deep[.. stage2_unit1]").phases[0].nodes
    assert {"stage2_unit1_shortcut_conv", "stage2_unit1_conv1", "stage1_unit2_relu"} <= set(unit)


def test_a_block_names_a_part_where_names_of_layers_do_not() -> None:
    """`inception_a(3a)` holds `conv_3a_1x1`, whose name begins otherwise."""
    found = frozen('dense[.. "3a"]', "of_dense").phases[0].nodes
    assert found[-1] == "ch_concat_3a_chconcat"
    assert {"conv_3a_1x1", "conv_3a_double_3x3_1"} <= set(found)
    assert not any("3b" in name for name in found)


def test_the_head_can_be_frozen_by_a_pattern() -> None:
    assert codes('[deep, "head_*"]') == ["R704", "R702"] or codes('[deep, "head_*"]') == ["R702", "R704"]


UNFREEZING = """[
  deep,
  unfreeze(deep[stage4 ..], at_epoch = 5),
  unfreeze(stage3, at_epoch = 7),
  unfreeze([stage1, "stage2_*"], at_epoch = 7),
  unfreeze(deep, at_epoch = 9)
]"""


def test_gradual_unfreezing() -> None:
    found = frozen(UNFREEZING)
    assert [phase.from_epoch for phase in found.phases] == [1, 5, 7, 9]
    assert [stages(phase.nodes) for phase in found.phases] == [
        [*EVERYTHING],
        ["stem", "stage1", "stage2", "stage3"],
        ["stem"],
        [],
    ]
    epochs = found.trained_from()
    assert (epochs["stage4_unit1_conv1"], epochs["stage2_unit1_conv1"], epochs["stem_conv"]) == (5, 7, 9)
    assert None not in epochs.values()


def test_the_issues_examples() -> None:
    assert stages(frozen("[deep, unfreeze(stage4, at_epoch = 5)]").phases[1].nodes) == [
        "stem", "stage1", "stage2", "stage3", "global"
    ]  # fmt: skip
    assert [p.from_epoch for p in frozen("[deep, unfreeze(deep, at_epoch = 10)]").phases] == [1, 10]


def test_the_order_of_what_is_listed_does_not_matter() -> None:
    items = [item.strip() for item in UNFREEZING.strip("[]").split(",\n")]
    assert frozen(f"[{', '.join(reversed(items))}]").phases == frozen(UNFREEZING).phases


def test_phases_that_training_does_not_reach_are_left_out() -> None:
    assert [phase.from_epoch for phase in frozen(UNFREEZING, epochs=6).phases] == [1, 5]
    assert codes(UNFREEZING, epochs=6) == ["R711"] * 3


def test_a_program_with_phases_prints_as_json_and_says_what_was_written() -> None:
    found = frozen(UNFREEZING)
    plain = json.loads(json.dumps(to_json(found)))
    assert [phase["from_epoch"] for phase in plain["phases"]] == [1, 5, 7, 9]
    assert plain["freeze"][0] == "deep"
    assert plain["freeze"][1]["options"][0] == ["what", "deep[stage4 ..]"]
    [key] = [key for key in as_json(found)["keys"] if key["key"] == "freeze"]
    assert key["value"] == (
        "[deep, unfreeze(deep[stage4 ..], at_epoch = 5), unfreeze(stage3, at_epoch = 7), "
        'unfreeze([stage1, "stage2_*"], at_epoch = 7), unfreeze(deep, at_epoch = 9)]'
    )
    again = frozen(key["value"])
    assert (again.phases, again.freeze) == (found.phases, found.freeze)


@pytest.mark.parametrize("freeze", [*SELECTIONS, UNFREEZING, 'deep["a b" ..]'])
def test_what_is_spelled_out_means_the_same(freeze: str) -> None:
    if "a b" in freeze:
        assert codes(freeze) == ["R701"]
        return
    found = frozen(freeze)
    [key] = [key for key in as_json(found)["keys"] if key["key"] == "freeze"]
    assert frozen(key["value"]).phases == found.phases


def test_batch_norm_alone_may_be_frozen_without_a_warning() -> None:
    assert codes('"*_bn*"') == []
    assert codes("deep[stage3]") == ["R712"]
    assert codes('["*_bn*", deep[.. stage2]]') == []


def test_unfreezing_what_lies_below_first_is_warned_of() -> None:
    assert codes("[deep, unfreeze(deep[.. stage1], at_epoch = 2)]") == ["R712"]


def test_an_experiment_takes_phases_over_and_the_command_line_replaces_them() -> None:
    text = f"{SPEC}train a {{ model = of_deep  data = eyes  freeze = {UNFREEZING} }}\ntrain b from a {{ batch = 8 }}"
    a, b = program(text).experiments
    assert a.phases == b.phases
    assert a.network.nodes == b.network.nodes


# --- cuts


def cut(written: str, name: str = "deep") -> str:
    """The layer that a cut ends at."""
    return program(f"{SPEC}model cut = {name}[{written}] => Flatten").networks[-1].nodes[-2].name


@pytest.mark.parametrize(
    ("written", "layer"),
    [
        ("stage3", "stage3_unit2_relu"),
        (".. stage3", "stage3_unit2_relu"),
        ("stage3_unit1", "stage3_unit1_relu"),
        ("stem", "stem_pool"),
        ('"stage2_*"', "stage2_unit2_relu"),
        ("stage2_unit1_shortcut", "stage2_unit1_shortcut_bn"),
        ("stage3_unit2_relu", "stage3_unit2_relu"),
    ],
)
def test_a_group_is_cut_at_its_only_exit(written: str, layer: str) -> None:
    assert cut(written) == layer


def test_a_block_of_a_backbone_is_a_place_to_cut() -> None:
    assert cut('"4c"', "dense") == "ch_concat_4c_chconcat"


@pytest.mark.parametrize("written", ["stage3 ..", "stage2 .. stage3"])
def test_a_network_begins_at_its_input(written: str) -> None:
    found = checked(f"{SPEC}model cut = deep[{written}] => Flatten")
    assert [item.code for item in found.diagnostics if item.code != "R801"] == ["R404"]


def test_every_exit_is_listed() -> None:
    [found] = [item for item in checked(f"{SPEC}model cut = lite[conv] => Flatten").diagnostics if item.code != "R801"]
    assert found.code == "R713"
    assert found.notes == ("others take `conv_stem`, `conv_head`",)


# --- any selection


def ancestors(nodes: tuple[Node, ...], wanted: set[str]) -> set[str]:
    """Everything that leads to some layers, found by walking back from each."""
    by_name = {node.name: node for node in nodes}
    found: set[str] = set()
    todo = [*wanted]
    while todo:
        name = todo.pop()
        if name in by_name and name not in found:
            found.add(name)
            todo += by_name[name].inputs
    return found


PARTS = st.sampled_from(
    ["stem", "stage1", "stage2_unit1", "stage3", "stage4_unit2_conv1", "stage2_unit1_shortcut_conv", "global_pool"]
)


@settings(deadline=None, max_examples=40)
@given(PARTS, PARTS)
def test_any_range_is_what_lies_between(first: str, last: str) -> None:
    nodes = frozen("deep").network.nodes[:-2]
    of = {
        part: {node.name for node in nodes if node.name == part or fnmatchcase(node.name, f"{part}_*")}
        for part in (first, last)
    }
    below = ancestors(nodes, of[last])
    between = {name for name in below if ancestors(nodes, {name}) & of[first]}
    if not between:
        assert "R701" in codes(f"deep[{first} .. {last}]")
        return
    assert set(frozen(f"deep[{first} .. {last}]").phases[0].nodes) == between | of[first] | of[last]


def test_groups_come_in_the_order_of_the_network_the_wider_first() -> None:
    """The order of names in a set changes from run to run; that of what messages suggest must not."""
    names = [f"a_b_c_d_e_f_{i}" for i in range(2)]
    nodes = [Node(name, "relu", (), (), None, (), Place("a.retina", 1, 1)) for name in names]
    assert list(groups(nodes)) == ["a", "a_b", "a_b_c", "a_b_c_d", "a_b_c_d_e", "a_b_c_d_e_f"]
