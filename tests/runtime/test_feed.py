"""What becomes of the images that are left over at the end of an epoch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_study import experiment, paint

from retdsl.runtime.feed import Batches, whole_batches
from retdsl.runtime.prepared import PreparedImages
from retdsl.runtime.workers import Workers


@pytest.mark.parametrize(
    ("n", "rule", "expected"),
    [
        (7, "keep", [0, 1, 2, 3, 4, 5, 6]),
        (7, "pad", [0, 1, 2, 3, 4, 5, 6, 0]),
        (7, "drop", [0, 1, 2, 3]),
        (8, "pad", list(range(8))),
        (8, "drop", list(range(8))),
        (3, "keep", [0, 1, 2]),
        (3, "drop", [0, 1, 2]),
        (1, "pad", [0, 0, 0, 0]),
        (0, "pad", []),
    ],
)
def test_batches_of_four(n: int, rule: str, expected: list[int]) -> None:
    assert whole_batches(np.arange(n), 4, rule).tolist() == expected


@pytest.mark.parametrize(("rule", "sizes"), [("keep", [8, 8, 6]), ("pad", [8, 8, 8]), ("drop", [8, 8])])
def test_everything_that_counts_batches_agrees(rule: str, sizes: list[int], tmp_path: Path) -> None:
    study = experiment(paint(tmp_path), training={"last_batch": rule})
    dataset = study.data.open(tmp_path)
    batches = Batches(study, dataset, PreparedImages(dataset), None, 2)
    assert len(dataset.train) == 22
    assert [len(batch.images) for batch in batches.training(1)] == sizes
    assert batches.in_epoch(1) == len(sizes)
    assert batches.images_in_epoch(1) == sum(sizes)
    assert sum(len(batch.images) for batch in batches.of(dataset.valid)) == len(dataset.valid)


def test_what_fills_up_is_augmented_anew(tmp_path: Path) -> None:
    study = experiment(paint(tmp_path), training={"last_batch": "pad"})
    dataset = study.data.open(tmp_path)
    made = list(Batches(study, dataset, PreparedImages(dataset), None, 2).training(1))
    assert made[-1].indices[-2:].tolist() == made[0].indices[:2].tolist()
    assert not np.array_equal(made[-1].images[-2:], made[0].images[:2])


def test_every_worker_calibrates_on_the_same_photographs(tmp_path: Path) -> None:
    study = experiment(paint(tmp_path))
    dataset = study.data.open(tmp_path)
    images = PreparedImages(dataset)
    alone = Batches(study, dataset, images, None, 2).calibration(10)
    assert len(alone) == 10
    for rank in (0, 1):
        workers = Workers()
        workers.rank, workers.count = rank, 2
        assert np.array_equal(Batches(study, dataset, images, None, 2, workers).calibration(10), alone)
