"""Steps on photographs beside one another: what check carries through a chain, and what it says of classes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from spec_texts import TINY, checked

import retdsl.runtime as runtime
from retdsl.ir import Call
from retdsl.schema import ENTRIES
from retdsl.schema.preparation import PREPARE

STUDY = """
data eyes {{ source = synthetic_fundus(60)  classes = [healthy, infected]  image = photo => {image} }}
augment a = image => {augment}
model net = eyes.image => Flatten => FullyConnected(2) => Softmax
train t {{ model = net  data = eyes  augment = a  batch = {batch}  metrics = [auc]  sampling = natural }}
"""


def codes(image: str = "resize(32, 32)", augment: str = "rotate180", batch: int = 8) -> list[str]:
    return [item.code for item in checked(STUDY.format(image=image, augment=augment, batch=batch)).diagnostics]


STEPS = ["crop_circle", "pad", "pad(48, 40)", "resize(32, 24)", "clahe", "subtract_local_average", "green_channel"]
STEPS += ["green_channel(channels = 1)", "mask_circle"]


@pytest.mark.parametrize("last", STEPS)
def test_the_shape_that_check_says_is_the_shape_that_comes_out(last: str) -> None:
    """Of photographs of several sizes, of every chain of three steps that check does not refuse."""
    others = (step for step in STEPS if step != last)
    assert sum(has_its_shape((*before, last)) for before in itertools.permutations(others, 2)) > 0 or "crop" in last


def has_its_shape(chain: tuple[str, ...]) -> bool:
    """False for a chain that is refused."""
    found = checked(STUDY.format(image=" => ".join(chain), augment="rotate180", batch=8))
    if found.program is None:
        assert [item.code for item in found.diagnostics] == ["R604"]
        return False
    plan = found.program.data[0]
    steps = [getattr(runtime, call.name)(**dict(call.options)) for call in plan.prepare]
    for size in (60, 90), (200, 150), (64, 64):
        photo = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
        for step in steps:
            photo = step(photo)
        assert (None, photo.shape[2], *photo.shape[:2]) == plan.image_shape
    return True


def test_every_step_of_preparation_says_whether_it_is_free_of_scale() -> None:
    for entry in PREPARE:
        given = {"height": 8, "width": 8} if entry.name == "resize" else {}
        assert getattr(runtime, entry.name)(**given).scale_free in (True, False)


def test_every_step_of_augmentation_says_whether_it_mixes() -> None:
    mixing = {name for name in ENTRIES["augmentation"] if getattr(runtime, name).mixes}
    assert mixing == {"mixup", "cutmix"}


@pytest.mark.parametrize(
    ("augment", "expected"),
    [
        ("rotate180 => mixup => cutmix", []),
        ("cutmix => mixup", []),
        ("mixup => rotate180 => flip_vertical", ["R619", "R619"]),
        ("one_of([rotate180, one_of([mixup, blur])])", ["R619"]),
        ("one_of([rotate180, blur], weights = [1])", ["R619"]),
        ("one_of([rotate180])", ["R303"]),
        ("one_of([rotate180, sgd])", ["R205"]),
        ("rotate(on = [])", ["R303"]),
        ("rotate(on = infected)", ["R303"]),
        ("rotate(on = [infected, healthy])", []),
        ('rotate(on = ["infected"])', []),
        ("rotate(on = [ill, sick]) => zoom(on = [healthy])", ["R620", "R620"]),
        ("one_of([blur(on = [ill]), rotate(200)])", ["R304"]),
        ("one_of(weights = [1, 2], steps = [blur(on = [ill]), one_of([jpeg(on = [sick]), hue])])", ["R620", "R620"]),
        ("mixup(on = [ill])", ["R620"]),
    ],
)
def test_what_is_said(augment: str, expected: list[str]) -> None:
    assert codes(augment=augment) == expected


def test_colours_and_batches() -> None:
    assert codes("resize(32, 32) => green_channel", "hue => saturation => contrast") == ["R619", "R619"]
    assert codes(augment="mixup", batch=1) == ["R619"]


def test_a_chain_is_looked_at_with_every_data_that_it_is_used_with() -> None:
    twice = TINY.replace("=> rotate180", "=> rotate180(on = [infected])") + (
        "data others { source = synthetic_fundus(60)  classes = [none_yet, mild]  image = photo => resize(32, 32) }\n"
        "model net = others.image => Flatten => FullyConnected(2) => Softmax\n"
        "train second { model = net  data = others  augment = gentle  sampling = natural  metrics = [auc] }\n"
        "train third from second { epochs = 3 }\n"
    )
    said = [item.message for item in checked(twice).diagnostics if item.code == "R620"]
    assert said == ["`others` has no class `infected`"]


def test_one_channel_has_one_mean_and_one_deviation() -> None:
    chain = "resize(32, 32) => green_channel(channels = 1) => normalize({})"
    program = checked(STUDY.format(image=chain.format("[0.5]"), augment="rotate180", batch=8)).program
    assert program is not None
    normalize = program.data[0].normalize
    assert isinstance(normalize, Call)
    assert (normalize["mean"], normalize["std"]) == ((0.5,), (1.0,))
    assert codes(chain.format("[0.5, 0.4, 0.3], [1, 2, 3]")) == ["R303", "R303"]
    assert codes("resize(32, 32) => normalize([0.5, 0.4])") == ["R303"]
