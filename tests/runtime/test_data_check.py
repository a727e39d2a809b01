"""What reading all labels and photographs finds, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from retdsl.runtime.data_check import Findings, examine
from retdsl.runtime.dataset import Data
from retdsl.runtime.prepare import resize
from retdsl.runtime.split import by_patient
from retdsl.runtime.tables import csv

CLASSES = ("healthy", "infected")
TWO_EYED = 12


def study(root: Path, rows: list[str]) -> Data:
    """A table of these rows; every photograph that it names is there."""
    (root / "labels.csv").write_text("\n".join(["image,label,patient", *rows]) + "\n")
    for number, row in enumerate(rows):
        cv2.imwrite(str(root / row.split(",")[0]), np.full((8, 8, 3), number, np.uint8))
    return Data(csv("labels.csv", patient="patient"), CLASSES, by_patient(0.5, 0.25, 0.25), (resize(8, 8),))


def rows() -> list[str]:
    """Two eyes a patient: of every third patient, one is infected."""
    return [
        f"{patient}{eye}.png,{'infected' if patient % 3 == 0 and eye == 'r' else 'healthy'},{patient}"
        for patient in range(TWO_EYED)
        for eye in "lr"
    ]


def found(data: Data, root: Path) -> Findings:
    return examine(data, root, threads=1, divided=lambda _: None)


def test_photographs_and_patients_of_every_side_and_class(tmp_path: Path) -> None:
    answer = json.loads(json.dumps(found(study(tmp_path, rows()), tmp_path).to_json()))
    assert answer["classes"] == ["healthy", "infected"]
    assert answer["problems"] == []
    sides = answer["sides"]
    assert list(sides) == ["train", "valid", "test"]
    # Of 4 patients with an infected eye and 8 with none, each side has its share; the first have a healthy eye, too.
    assert sides["train"] == {"photographs": [10, 2], "patients": [6, 2]}
    assert sides["valid"] == sides["test"] == {"photographs": [5, 1], "patients": [3, 1]}


def test_the_divided_photographs_are_told_before_they_are_read(tmp_path: Path) -> None:
    heard: list[object] = []
    examine(
        study(tmp_path, rows()),
        tmp_path,
        threads=2,
        divided=lambda dataset: heard.append(len(dataset.samples)),
        progress=lambda done, total: heard.append((done, total)),
    )
    assert heard == [24, *((done, 24) for done in range(1, 25))]


def test_labels_that_cannot_be_used_leave_no_counts_and_every_problem(tmp_path: Path) -> None:
    data = study(tmp_path, rows())
    with (tmp_path / "labels.csv").open("a") as table:
        table.write("none.png,healthy,90\n,healthy,91\n0l.png,ill,0\n")
    findings = found(data, tmp_path)
    answer = findings.to_json()
    assert (answer["classes"], answer["sides"]) == (None, None)
    assert [(problem["message"], problem["items"]) for problem in answer["problems"]] == [
        ("rows without a photograph (1)", ["line 27"]),
        ("labels that are no class (1)", ["`ill`: 1 row, first in line 28"]),
        ("photographs listed twice (1)", ["0l.png: line 2 and line 28"]),
        ("photographs that do not exist (1)", ["none.png (line 26)"]),
    ]
    helps = [problem["help"] for problem in answer["problems"]]
    assert [len(help) for help in helps] == [0, 1, 0, 1], "each has the help of its own kind"
    assert len(findings.errors) == 1, "people are told all of it at once"


def test_a_class_missing_and_a_photograph_broken_are_told_together(tmp_path: Path) -> None:
    table = [row for row in rows() if "infected" not in row or row.startswith("0")]
    data = study(tmp_path, table)
    (tmp_path / "5l.png").write_text("no picture")
    answer = found(data, tmp_path).to_json()
    assert [problem["message"] for problem in answer["problems"]] == [
        "sides of the split that lack a class (2)",
        "a photograph of 21 cannot be read: this is text, not a photograph",
    ]
    assert sum(map(sum, (side["photographs"] for side in answer["sides"].values()))) == 21
