"""Stages of training, measured on a study that trains in a second."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny_study import CLASSES, experiment, network, paint, whole_part

from retdsl.runtime import bench, rotate180
from retdsl.runtime.bench_record import Bench
from retdsl.runtime.errors import RunError
from retdsl.runtime.feature_cache import features
from retdsl.runtime.frozen_part import FrozenPart
from retdsl.runtime.gemm import gemm_rates
from retdsl.runtime.losses import Sigmoid
from retdsl.runtime.prepare import resize

SECONDS = 0.02


@pytest.fixture(autouse=True)
def small_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "gemm_rates", lambda where: gemm_rates(where, size=64, rounds=2))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paint(tmp_path_factory.mktemp("photographs"))


def test_every_stage_is_measured(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[int] = []
    rates: list[tuple[bool, float]] = []
    pass_frozen, measure_rate = FrozenPart.__call__, bench._Stages._rate

    def counted(part: FrozenPart, images: Any) -> Any:
        passed.append(len(images))
        return pass_frozen(part, images)

    def rate(*given: Any) -> float:
        before = len(passed)
        images = measure_rate(*given)
        rates.append((len(passed) > before, images))
        return images

    monkeypatch.setattr(FrozenPart, "__call__", counted)
    monkeypatch.setattr(bench._Stages, "_rate", rate)
    found = bench.measure(experiment(root), root, 2, SECONDS, cached=False)
    assert rates == [(False, found.loader), (True, found.whole), (True, found.forward), (False, found.step)]
    assert min(images for _, images in rates) > 0
    assert found.photographs <= bench.BATCHES * 8
    assert found.frozen is not None
    assert found.gemm > 0
    assert Bench.of_json(found.to_json()) == found


def test_a_network_in_which_everything_is_trained_has_no_frozen_part(root: Path) -> None:
    whole = experiment(root, network=network(frozen=None, trained=whole_part))
    found = bench.measure(whole, root, 1, SECONDS, cached=False)
    assert found.forward is None
    assert found.frozen is None
    assert found.kept is None


def test_an_epoch_whose_features_are_kept(root: Path) -> None:
    finite = experiment(root, augment=(rotate180(p=0.5),), training={"cache": features()})
    found = bench.measure(finite, root, 1, SECONDS, cached=False)
    assert found.kept is not None
    assert bench.measure(experiment(root), root, 1, SECONDS, cached=False).kept is None


def test_rare_classes_are_among_the_photographs(tmp_path: Path) -> None:
    root = paint(tmp_path, photographs=120, infected_every=20)
    few = experiment(root, training={"batch": 2})
    dataset = bench._some(few, root)
    assert len(dataset.train) == bench.BATCHES * 2
    assert min(dataset.class_counts(dataset.train)) > 0
    assert not dataset.valid


def test_painted_photographs_stand_in_for_those_of_any_study(tmp_path: Path) -> None:
    small = experiment(tmp_path)
    found = bench.measure(
        replace(small, data=replace(small.data, prepare=(resize(16, 16),))), tmp_path, 1, SECONDS, painted=True
    )
    assert found.painted
    assert found.photographs == bench.BATCHES * 8
    findings = replace(small, network=network(loss=Sigmoid()))
    dataset = bench._painted(findings)
    assert dataset.samples[1].target == (0.0, 1.0)
    assert dataset.classes == CLASSES


def test_photographs_of_another_size_than_the_network_takes(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="photographs are 400 x 400 when prepared, the network takes 16 x 16"):
        bench.measure(experiment(tmp_path), tmp_path, 1, SECONDS, painted=True)


def test_photographs_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    root = paint(tmp_path)
    for photograph in sorted(root.glob("*.png")):
        photograph.write_bytes(b"")
    with pytest.raises(RunError, match="photographs of 44 cannot be read"):
        bench.measure(experiment(root), root, 1, SECONDS, cached=False)
    skipping = experiment(root)
    with pytest.raises(RunError, match="cannot be read"):
        bench.measure(
            replace(skipping, data=replace(skipping.data, on_bad_image="skip")), root, 1, SECONDS, cached=False
        )
