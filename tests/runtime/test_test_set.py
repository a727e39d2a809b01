"""An external test set: all of it is tested on, and read from where it comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from retdsl.runtime.dataset import Data, require_every_class
from retdsl.runtime.errors import RunError
from retdsl.runtime.split import by_patient, folds
from retdsl.runtime.tables import csv
from retdsl.runtime.test_set import is_of_test_set

CLASSES = ("healthy", "infected")
OWN, OTHER = csv("own.csv", patient="who"), csv("other.csv", image="file", label="grade", patient="id")


def paint(root: Path, *, of_test_set: int = 6) -> None:
    for table, head, count in (("own", "image,label,who", 20), ("other", "file,grade,id", of_test_set)):
        rows = [f"{table}{at:02d}.png,{CLASSES[at % 2]},{table}{at // 2}" for at in range(count)]
        (root / f"{table}.csv").write_text("\n".join([head, *rows]) + "\n")
        for at in range(count):
            (root / f"{table}{at:02d}.png").write_text(f"{table} {at}")


@pytest.mark.parametrize("split", [by_patient(0.8, 0.2, 0), folds(4, 2)])
def test_all_of_it_is_tested_on_and_nothing_else(tmp_path: Path, split: by_patient | folds) -> None:
    paint(tmp_path)
    dataset = Data(OWN, CLASSES, split, test=OTHER).open(tmp_path)
    assert [dataset.samples[index].image for index in dataset.test] == [f"other{at:02d}.png" for at in range(6)]
    assert all(is_of_test_set(dataset.samples[index]) for index in dataset.test)
    rest = sorted((*dataset.train, *dataset.valid))
    assert [dataset.samples[index].image for index in rest] == [f"own{at:02d}.png" for at in range(20)]
    alone = Data(OWN, CLASSES, split).open(tmp_path)
    for side in ("train", "valid"):
        names, expected = ({d.samples[i].image for i in getattr(d, side)} for d in (dataset, alone))
        assert names == expected, "it changes nothing of the study's own sides"
    assert dataset.fetch(dataset.test[2]) == b"other 2"
    assert dataset.fetch(dataset.train[0]) == b"own " + str(int(dataset.samples[dataset.train[0]].image[3:5])).encode()


def test_what_the_split_sets_aside_is_tested_on_as_well(tmp_path: Path) -> None:
    paint(tmp_path)
    dataset = Data(OWN, CLASSES, by_patient(0.6, 0.2, 0.2), test=OTHER).open(tmp_path)
    assert sum(is_of_test_set(dataset.samples[index]) for index in dataset.test) == 6
    assert len(dataset.test) == 10


def test_it_must_have_every_class(tmp_path: Path) -> None:
    paint(tmp_path)
    dataset = Data(OWN, CLASSES, by_patient(0.8, 0.2, 0), test=OTHER).divided(tmp_path)
    require_every_class(dataset)
    assert Data(OWN, CLASSES, by_patient(0.8, 0.2, 0)).wanted_sides == ("train", "valid")
    (tmp_path / "other.csv").write_text("file,grade,id\nother00.png,healthy,1\n")
    with pytest.raises(RunError, match="without a photograph"):
        Data(OWN, CLASSES, by_patient(0.8, 0.2, 0), test=OTHER).divided(tmp_path)


def test_what_is_wrong_with_both_is_told_at_once(tmp_path: Path) -> None:
    paint(tmp_path)
    (tmp_path / "own03.png").unlink()
    (tmp_path / "other.csv").unlink()
    with pytest.raises(RunError) as caught:
        Data(OWN, CLASSES, by_patient(0.8, 0.2, 0), test=OTHER).divided(tmp_path)
    assert [part.message for part in caught.value.parts] == [
        "photographs that do not exist (1)",
        "there is no file `other.csv`",
    ]
