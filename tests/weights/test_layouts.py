"""Which tensor is which parameter: by names that stand in a table, and by nothing else.

`tests/zoo/test_torch.py` and `tests/zoo/test_gluon_names.py` hold the tables against the libraries themselves.
"""

from __future__ import annotations

import pytest
from test_torch import golden_shapes, needed

from retdsl.check.files import zoo_networks
from retdsl.weights.layouts import LAYOUTS, Recognised, describe, fits, misfits, recognise, rename

RESNET = golden_shapes()["torchvision/resnet50"]
OWN_NAMES_ALONE = ("inception_bn",)
"""Families that no other library has."""


def own(name: str) -> dict[str, tuple[int, ...]]:
    """A file with the network's own names."""
    return {name: tuple(size or 1 for size in shape or ()) for name, shape in needed(name).items()}


def test_every_family_has_a_layout() -> None:
    families = {path.stem for path in zoo_networks().values()}
    assert {*LAYOUTS} == families - {*OWN_NAMES_ALONE}
    assert {name for family in LAYOUTS.values() for name in family} == {
        name for name, path in zoo_networks().items() if path.stem not in OWN_NAMES_ALONE
    }


@pytest.mark.parametrize("name", zoo_networks())
def test_a_file_of_our_own_names_is_taken_as_it_is(name: str) -> None:
    stored = {f"{'aux' if 'moving' in key else 'arg'}:{key}": shape for key, shape in own(name).items()}
    found = rename(zoo_networks()[name].stem, stored)
    assert found.origin is None
    assert found.names == {key.partition(":")[2]: key for key in stored}
    assert not misfits(needed(name), found, stored)


def test_our_own_file_may_have_the_layers_of_a_study_besides() -> None:
    found = rename("resnet", {**own("resnet50"), "head_fc1_weight": (2, 128)})
    assert found.names["head_fc1_weight"] == "head_fc1_weight"
    assert found.unknown == ()


@pytest.mark.parametrize("name", ["layer2.1.bn2.running_var", "fc.bias", "conv1.weight"])
def test_a_missing_tensor_is_named(name: str) -> None:
    shapes = {other: shape for other, shape in RESNET.items() if other != name}
    found = rename("resnet", shapes)
    ours = next(ours for ours, theirs in rename("resnet", RESNET).names.items() if theirs == name)
    assert misfits(needed("resnet50"), found, shapes) == [
        f"{ours}: missing, the network needs {list(needed('resnet50')[ours] or ())}"
    ]
    assert found.unknown == ()


@pytest.mark.parametrize("name", ["layer5.0.conv1.weight", "layer1.0.se.fc1.weight", "conv1.bias", "weight", ""])
def test_a_tensor_too_many_is_unknown(name: str) -> None:
    found = rename("resnet", {**RESNET, name: (64,)})
    assert found.unknown == (name,)
    assert {*found.names} == {*needed("resnet50")}


def test_a_misshapen_tensor_is_named() -> None:
    shapes = {**RESNET, "layer1.0.conv2.weight": (128, 4, 3, 3)}
    [found] = misfits(needed("resnet50"), rename("resnet", shapes), shapes)
    assert found.startswith("stage1_unit1_conv2_weight (layer1.0.conv2.weight): [128, 4, 3, 3] in the file")
    assert found.endswith("the network needs [64, 64, 3, 3]")


def test_a_convolution_may_be_a_fully_connected_layer() -> None:
    assert fits((4096, 512, 7, 7), (4096, 25088))
    assert not fits((512, 4096, 7, 7), (4096, 25088))
    assert not fits((4096, 25088), (4096, 512, 7, 7))


def test_a_tensor_under_two_names_is_not_dropped() -> None:
    found = rename(None, {"arg:fc_weight": (2, 3), "fc_weight": (4, 5)})
    assert sorted(found.names.values()) == ["arg:fc_weight", "fc_weight"]


@pytest.mark.parametrize("prefix", ["module.", "model.backbone."])
@pytest.mark.parametrize("key", ["torchvision/densenet121", "torchvision/vgg16", "timm/mobilenetv2_100"])
def test_what_stands_before_all_names_does_not_count(key: str, prefix: str) -> None:
    shapes = golden_shapes()[key]
    layout = {"mobilenetv2_100": "mobilenet_v2", "densenet121": "densenet", "vgg16": "vgg"}[key.partition("/")[2]]
    plain = rename(layout, shapes)
    found = rename(layout, {prefix + name: shape for name, shape in shapes.items()})
    assert found.names == {ours: prefix + theirs for ours, theirs in plain.names.items()}
    assert found.unknown == ()
    last = [*found.names.values()][-1]
    for gone in (prefix + next(iter(shapes)), last):
        fewer = rename(layout, {prefix + name: shape for name, shape in shapes.items() if prefix + name != gone})
        assert [*fewer.names.values()] == [theirs for theirs in found.names.values() if theirs != gone]


def test_a_name_without_it_is_unknown() -> None:
    shapes = {f"module.{name}": shape for name, shape in RESNET.items()}
    assert rename("resnet", {**shapes, "fc.weight": (1000, 2048)}).unknown == ("fc.weight",)


def test_densenets_files_spell_some_names_with_a_dot() -> None:
    """Files of torchvision still have `norm.1`, which its own network calls `norm1`."""
    new = golden_shapes()["torchvision/densenet169"]
    old = {name: name for name in new}
    for name in new:
        for layer in ("norm", "conv"):
            for i in (1, 2):
                if "denselayer" in name:
                    old[name] = old[name].replace(f".{layer}{i}.", f".{layer}.{i}.")
    assert sum(name != spelt for name, spelt in old.items()) == 82 * 12
    found = rename("densenet", {old[name]: shape for name, shape in new.items()})
    assert found.names == {ours: old[theirs] for ours, theirs in rename("densenet", new).names.items()}
    assert found.unknown == ()
    assert describe(recognise({old[name]: shape for name, shape in new.items()})) == "torchvision's `densenet169`"


@pytest.mark.parametrize(
    ("key", "layout"),
    [("torchvision/vgg16", "resnet"), ("torchvision/resnet18", "resnet_v1"), ("timm/mobilenetv2_100", "inception_v3")],
)
def test_a_file_of_another_family_is_unknown(key: str, layout: str) -> None:
    shapes = golden_shapes()[key]
    found = rename(layout, shapes)
    assert len(found.unknown) > 0.9 * len(shapes)


def test_a_name_that_occurs_everywhere_is_not_taken_for_a_layer() -> None:
    """Each dense layer of a DenseNet has a `conv1.weight`, as a ResNet has at its beginning."""
    shapes = golden_shapes()["torchvision/densenet121"]
    assert rename("resnet", shapes) == ({}, (), tuple(shapes), None)


def test_a_file_that_is_like_nothing_is_unknown() -> None:
    shapes = {"encoder.weight": (3, 4), "decoder.weight": (4, 3)}
    assert rename("resnet", shapes) == ({}, (), ("encoder.weight", "decoder.weight"), None)
    assert recognise(shapes) == []
    assert describe([]) is None


def test_a_file_is_recognised_without_its_last_layer() -> None:
    shapes = {name: shape for name, shape in RESNET.items() if not name.startswith("fc.")}
    assert recognise(shapes) == [Recognised("resnet50", "resnet", "torchvision")]
    shapes.pop("layer4.2.bn3.weight")
    assert recognise(shapes) == []


def test_shapes_tell_networks_of_the_same_names() -> None:
    wide = {**RESNET, "layer1.0.conv2.weight": (128, 128, 3, 3)}  # as in torchvision's wide_resnet50_2
    assert describe(recognise(wide)) == "torchvision's `resnet50`"
    assert recognise(wide, {"resnet50": needed("resnet50")}) == []
    names = dict.fromkeys(("squeezenet1_0", "squeezenet1_1"))
    shapes = own("squeezenet1_1")
    assert [found.network for found in recognise(shapes)] == [*names]
    assert [found.network for found in recognise(shapes, {name: needed(name) for name in names})] == ["squeezenet1_1"]


def test_twins_are_said_together() -> None:
    shapes = golden_shapes()["timm/efficientnet_lite0"]
    assert describe(recognise(shapes)) == "timm's `efficientnet_lite0` or `efficientnet_lite0_timm`"
    assert describe(recognise(own("resnet18"))) == "`resnet18` or `resnet18_v1`"
