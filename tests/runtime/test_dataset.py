"""A study's photographs, opened: listed, checked, divided."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from retdsl.runtime.dataset import Data
from retdsl.runtime.decode import Photograph
from retdsl.runtime.errors import RunError
from retdsl.runtime.prepare import crop_circle, resize
from retdsl.runtime.prepared import PreparedImages
from retdsl.runtime.sample import Sample
from retdsl.runtime.split import by_patient
from retdsl.runtime.tables import csv

FUNDUS = Path(__file__).resolve().parents[3] / "shared" / "fundus"
CLASSES = ("healthy", "infected")


@dataclass(frozen=True)
class Listed:
    """A source of given samples whose photographs are 8 x 8 of their label."""

    given: tuple[Sample, ...]

    def samples(self, root: Path, classes: tuple[str, ...]) -> list[Sample]:  # noqa: ARG002
        return list(self.given)

    def read(self, root: Path, sample: Sample) -> Photograph:  # noqa: ARG002
        return np.full((8, 8, 3), sample.label, np.uint8)


def study(healthy: int, infected: int, split: by_patient, step: int = 1) -> Data:
    rows = [0] * healthy + [1] * infected
    samples = tuple(Sample(f"{at:04}.png", label, str(at)) for at, label in enumerate(rows))
    return Data(Listed(samples[::step]), CLASSES, split, prepare=(resize(4, 6),))


def test_an_open_dataset(tmp_path: Path) -> None:
    dataset = study(60, 20, by_patient(0.5, 0.25, 0.25)).open(tmp_path)
    assert dataset.classes == CLASSES
    assert len(dataset.samples) == 80
    assert [dataset.class_counts(side) for side in (dataset.train, dataset.valid, dataset.test)] == [
        (30, 10),
        (15, 5),
        (15, 5),
    ]
    assert dataset.labels(dataset.test).dtype == np.int64
    assert dataset.labels(dataset.test).sum() == 5
    assert dataset.patients(dataset.test) == 20
    photo = dataset.read(79)
    assert photo.shape == (4, 6, 3)
    assert (photo == 1).all()


def test_the_order_of_the_source_does_not_matter(tmp_path: Path) -> None:
    split = by_patient(seed=3)
    forward, backward = study(60, 20, split).open(tmp_path), study(60, 20, split, step=-1).open(tmp_path)
    assert (forward.samples, forward.train, forward.valid) == (backward.samples, backward.train, backward.valid)


def test_sides_without_a_class_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        study(60, 1, by_patient()).open(tmp_path)
    error = caught.value
    assert error.message == "sides of the split that lack a class (2)"
    assert error.items == (
        "the valid split has no `infected` photograph (1 patient has one)",
        "the test split has no `infected` photograph (1 patient has one)",
    )
    assert "another seed" in error.help[0]


def test_an_empty_validation_side_may_be_wanted(tmp_path: Path) -> None:
    dataset = study(60, 2, by_patient(0.5, 0, 0.5)).open(tmp_path)
    assert dataset.valid == ()
    assert dataset.class_counts(dataset.valid) == (0, 0)
    assert dataset.class_counts(dataset.test) == (30, 1)


def test_real_photographs() -> None:
    if not FUNDUS.exists():
        pytest.skip(f"the photographs are not at {FUNDUS}")
    source = csv("labels.csv", image="image", label="label", patient="patient")
    dataset = Data(source, CLASSES, by_patient(seed=2016), (crop_circle(), resize(64, 64))).open(FUNDUS)
    assert dataset.class_counts(range(len(dataset.samples))) == (463, 482)
    assert sum(dataset.patients(side) for side in (dataset.train, dataset.valid, dataset.test)) == 500
    assert dataset.patients(dataset.train) == 350
    images = PreparedImages(dataset)
    found = images.load_all(indices=dataset.test[:20])
    assert len(set(found.looked.values())) == 20
    assert found == PreparedImages(dataset).load_all(indices=dataset.test[:20])
    assert images[dataset.test[0]].shape == (64, 64, 3)


def test_the_data_side_needs_no_mxnet() -> None:
    code = "import sys, retdsl.runtime.dataset, retdsl.runtime.loader; print('mxnet' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
