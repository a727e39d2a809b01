"""Several sources as one: each keeps its own photographs, and none is listed by two."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from retdsl.runtime.dataset import Data
from retdsl.runtime.errors import RunError
from retdsl.runtime.folders import folder
from retdsl.runtime.joined_sources import joined
from retdsl.runtime.labels import Told, rule
from retdsl.runtime.prepare import resize
from retdsl.runtime.sample import Sample
from retdsl.runtime.sources import Wanted
from retdsl.runtime.split import by_patient
from retdsl.runtime.synthetic import synthetic_fundus
from retdsl.runtime.tables import csv

CLASSES = ("healthy", "infected")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A table of healthy eyes, and a folder of infected ones; patient 1 is in both."""
    for number, name in enumerate(("a.png", "b.png", "eyes/infected/1_left.png", "eyes/infected/3_left.png")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / name), np.full((4, 4, 3), number, np.uint8))
    (tmp_path / "labels.csv").write_text("image,label,patient\na.png,healthy,1\nb.png,healthy,2\n")
    return tmp_path


BOTH = joined((csv("labels.csv", patient="patient"), folder("eyes", patient="(.+)_")))


def refusal(source: joined, root: Path, wanted: Wanted | None = None) -> RunError:
    with pytest.raises(RunError) as caught:
        source.samples(root, wanted or Wanted(CLASSES))
    return caught.value


def test_all_photographs_with_their_origin(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = BOTH.samples(root, Wanted(CLASSES))
    assert samples == [
        Sample("a.png", 0, "1", origin=0),
        Sample("b.png", 0, "2", origin=0),
        Sample("eyes/infected/1_left.png", 1, "1", origin=1),
        Sample("eyes/infected/3_left.png", 1, "3", origin=1),
    ]
    assert BOTH.read(root, samples[3]) == (root / "eyes/infected/3_left.png").read_bytes()
    monkeypatch.setattr("retdsl.runtime.sources.MOMENT", -1.0)  # as if the files were old
    assert BOTH.stamp(root, samples[3]) == f"1:{folder('eyes').stamp(root, samples[3])}"
    assert BOTH.tables(root) == ["labels.csv"]


def test_patients_of_one_name_are_one_person(tmp_path: Path) -> None:
    for site in ("first", "second"):
        rows = ["image,label,patient"]
        for number in range(12):
            cv2.imwrite(str(tmp_path / f"{site}{number}.png"), np.full((4, 4, 3), number, np.uint8))
            rows.append(f"{site}{number}.png,{CLASSES[number % 2]},{number}")
        (tmp_path / f"{site}.csv").write_text("\n".join(rows))
    source = joined((csv("first.csv", patient="patient"), csv("second.csv", patient="patient")))
    dataset = Data(source, CLASSES, by_patient(), prepare=(resize(4, 4),)).open(tmp_path)
    sides = [{dataset.samples[index].patient for index in side} for side in dataset.sides]
    assert sum(map(len, sides)) == 12
    assert [len(side) for side in dataset.sides] == [2 * len(side) for side in sides]


def test_painted_ones_beside_photographs(root: Path) -> None:
    source = joined((csv("labels.csv", patient="patient"), synthetic_fundus(12, ratio=(1, 1), size=64)))
    samples = source.samples(root, Wanted(CLASSES))
    assert len(samples) == 14
    assert np.asarray(source.read(root, samples[13])).shape == (64, 64, 3)


def test_a_photograph_in_two_sources(root: Path) -> None:
    (root / "more.csv").write_text("image,label\n./eyes/infected/1_left.png,healthy\n")
    error = refusal(joined((folder("eyes"), csv("more.csv"))), root)
    assert error.message == "photographs that two sources list (1)"
    assert error.items == ("eyes/infected/1_left.png: source 1 and source 2",)


def test_a_class_may_be_missing_in_some_but_not_in_all(root: Path) -> None:
    assert BOTH.samples(root, Wanted(CLASSES))
    error = refusal(BOTH, root, Wanted((*CLASSES, "severe")))
    assert (error.message, error.items) == ("classes without a photograph (1)", ("`severe`",))


def test_what_is_wrong_with_each_is_told_together(root: Path) -> None:
    (root / "labels.csv").write_text("image,label\na.png,ill\n,healthy\n")
    error = refusal(joined((csv("labels.csv"), folder("eye"), folder("eyes"))), root)
    assert error.message == "2 of 3 sources cannot be used"
    assert [part.message for part in error.parts] == [
        "rows without a photograph (1)",
        "labels that are no class (1)",
        "there is no folder `eye`",
    ]
    assert [part.where for part in error.parts] == [str(root / "labels.csv")] * 2 + [str(root / "eye")]
    assert "there is `eyes`" in str(error)


def test_what_is_told_of_labels_names_the_source(root: Path) -> None:
    (root / "first.csv").write_text("image,grade\na.png,2\n")
    (root / "second.csv").write_text("image,grade\nb.png,0\n")
    graded = rule("grade", ">=", 2, "infected")
    told: list[Told] = []
    source = joined((csv("first.csv", label=graded), csv("second.csv", label=graded)))
    source.samples(root, Wanted(CLASSES, told=told))
    assert [one.lines[0] for one in told] == [
        "first.csv: labels: grade >= 2 -> infected: 1 row (2)",
        "second.csv: labels: grade >= 2 -> infected: 0 rows",
    ]


def test_what_can_be_looked_at_though_labels_are_wrong(root: Path) -> None:
    (root / "labels.csv").write_text("image,label\na.png,ill\nnowhere.png,healthy\n../x.png,healthy\n")
    listed: list[Sample] = []
    refusal(joined((csv("labels.csv"), folder("eyes"))), root, Wanted(CLASSES, listed=listed))
    assert [(sample.image, sample.origin) for sample in listed] == [
        ("a.png", 0),
        ("eyes/infected/1_left.png", 1),
        ("eyes/infected/3_left.png", 1),
    ]
