"""What is written by hand: it works on what `hand_over` gives it, and begins where retdsl begins."""

from __future__ import annotations

import json
import math

import pytest
from hand_over import HandedOver, by_hand, command_by_hand, hand_over, write_study
from painted_runs import paint
from ratios import asked

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def handed(tmp_path_factory: pytest.TempPathFactory) -> HandedOver:
    folder = tmp_path_factory.mktemp("study")
    photographs = paint(folder / "painted", count=80)
    spec = write_study(photographs, folder / "study", "resnet18_v1", epochs=1, batch=8, images=32, size=64)
    return hand_over(spec, folder / "handed")


def test_what_is_handed_over(handed: HandedOver) -> None:
    graph = json.loads((handed.folder / "net-symbol.json").read_text())
    norms = [node for node in graph["nodes"] if node["op"] == "BatchNorm"]
    assert norms
    assert not any("use_global_stats" in node["attrs"] for node in norms)
    assert sum(handed.images.values()) == 32
    assert (handed.head, handed.size) == ("fc1_", 64)


def test_a_head_is_trained(handed: HandedOver) -> None:
    found = by_hand("frozen_head", handed, "--epochs", "2", "--batch", "8", "--head", handed.head)
    assert len(found["epochs"]) == 2
    assert all(map(math.isfinite, found["losses"]))
    assert 0 <= found["auc"] <= 1


def test_everything_is_trained(handed: HandedOver) -> None:
    found = by_hand("fine_tune", handed, "--epochs", "1", "--batch", "8")
    assert found["images_per_second"] > 0
    assert len(by_hand("one_fixed_batch", handed, "--steps", "3", "--batch", "8")["steps"]) == 3


def test_everything_is_trained_whenever_it_is_asked(handed: HandedOver) -> None:
    with asked({"by hand": command_by_hand("fine_tune", handed, "--batch", "8", "--asked", "2")}, threads=1) as sides:
        (took,) = sides.in_turn(3).values()
    assert len(took.rounds) == 3
    assert min(took.rounds) > 0


def test_photographs_are_answered(handed: HandedOver) -> None:
    assert len(by_hand("predict", handed, "--rounds", "2", "--batch", "4")["images_per_second"]) == 2
