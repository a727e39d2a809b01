"""`retdsl audit`: its files, what it says where, and what the table does to a study."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest
from painted_survey import STUDY, write_study

from retdsl.cli import main

FUNDUS = Path(__file__).resolve().parents[3] / "shared" / "fundus"


def leaves(*arguments: str) -> int:
    try:
        return main(["audit", *arguments, "--plain"])
    except SystemExit as stop:
        return int(str(stop.code))


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "audit.csv").open() as file:
        return list(csv.DictReader(file))


def test_an_audit_and_what_a_study_makes_of_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    study = write_study(tmp_path)
    assert leaves(str(study), "--no-network", "--format", "json") == 0
    answer = json.loads(capfd.readouterr().out)
    assert answer["photographs"] == 60
    assert answer["table"] == str(tmp_path / "audit.csv")
    assert Path(answer["page"]).read_text().startswith("<!doctype html>")
    found = rows(tmp_path)
    assert [row["image"] for row in found] == [f"synthetic/{at:05}" for at in range(60)]
    assert {row["side"] for row in found} == {"train", "valid", "test"}
    assert sum("eyes_disagree" in row["flags"] for row in found) == answer["flags"]["eyes_disagree"] > 0
    assert {row["likely_label"] for row in found} == {""}

    table = tmp_path / "audit.csv"
    table.write_text(table.read_text().replace(",train,,", ",train,dark,", 1))
    study.write_text(STUDY.replace("  image ", '  exclude = audit("audit.csv", [dark])\n  image '))
    assert main(["check", str(study), "--data"]) == 0
    assert "left out: 1 of 60 photographs (1 dark)" in capfd.readouterr().err
    assert main(["train", str(study), "--run", str(tmp_path / "run"), "--plain"]) == 0
    assert "left out: 1 of 60 photographs (1 dark)" in capfd.readouterr().err
    lock = json.loads((tmp_path / "run" / "lock.json").read_text())
    assert lock["excluded"] == {"photographs": 1, "flags": {"dark": 1}, "unseen": []}
    assert sum(side["images"] for side in lock["split"].values()) == 59

    assert leaves(str(study), "--no-network") == 0, "an audit looks at what the study leaves out, too"
    assert len(rows(tmp_path)) == 60


def test_wrong_usage_and_wrong_specs(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    study = write_study(tmp_path)
    assert leaves(str(study), "--data", "paint") == 2
    assert "did you mean `painted`?" in capfd.readouterr().err
    study.write_text("model m = input(3, 8, 8) => Flatten => FullyConnected(2)")
    assert leaves(str(study)) == 2
    study.write_text(STUDY.replace("synthetic_fundus(60, ratio = 1 : 1, size = 96)", 'csv("gone.csv", patient = p)'))
    assert leaves(str(study)) == 1
    assert "there is no file `gone.csv`" in capfd.readouterr().err
    study.write_text(STUDY.replace("classes", "clases"))
    assert leaves(str(study)) == 1
    assert not (tmp_path / "audit.csv").exists()


def test_a_block_without_an_experiment_is_audited(tmp_path: Path) -> None:
    study = write_study(tmp_path)
    study.write_text(STUDY.partition("model")[0])
    assert leaves(str(study), "--no-network", "-o", str(tmp_path / "deep" / "er")) == 0
    assert len(rows(tmp_path / "deep" / "er")) == 60


@pytest.mark.slow
@pytest.mark.skipif(not FUNDUS.is_dir(), reason="needs ../shared/fundus")
def test_flipped_labels_are_found(tmp_path: Path) -> None:
    """5 % of the labels of real photographs are wrong on purpose, in a copy of their table."""
    with (FUNDUS / "labels.csv").open() as file:
        table = list(csv.DictReader(file))
    flipped = set(random.Random(0).sample(range(len(table)), round(0.05 * len(table))))
    other = {"healthy": "infected", "infected": "healthy"}
    lines = ["image,label,patient"]
    for at, row in enumerate(table):
        label = other[row["label"]] if at in flipped else row["label"]
        lines.append(f"{row['image']},{label},{row['patient']}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    study = tmp_path / "study.retina"
    study.write_text(
        f'data eyes {{ source = csv("{tmp_path}/labels.csv", patient = patient)  classes = [healthy, infected]\n'
        "image = photo => crop_circle => resize(224, 224) }"
    )
    assert leaves(str(study), "--root", str(FUNDUS), "-o", str(tmp_path)) == 0
    suspected = {row["image"] for row in rows(tmp_path) if "suspected_label" in row["flags"].split()}
    wrong = {table[at]["image"] for at in flipped}
    found = len(suspected & wrong)
    print(f"recall {found / len(wrong):.2f}, precision {found / len(suspected):.2f}")
    assert found / len(wrong) >= 0.65
    assert found / len(suspected) >= 0.45
