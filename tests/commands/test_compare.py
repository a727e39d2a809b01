"""`retdsl compare`: what it prints where, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from painted_runs import Runs, copied
from sklearn.metrics import roc_auc_score

from retdsl.cli import main
from retdsl.evaluation.delong import delong
from retdsl.runtime.answers import read_answers

pytestmark = pytest.mark.slow


def leaves(*arguments: object) -> int:
    try:
        return main(["compare", *map(str, arguments)])
    except SystemExit as stop:
        return int(str(stop.code))


def test_two_runs(finished_runs: Runs, capfd: pytest.CaptureFixture[str]) -> None:
    one, other = finished_runs.one, finished_runs.other
    assert leaves(one, other, "--format", "json") == 0
    answer = json.loads(capfd.readouterr().out)
    assert [run["name"] for run in answer["runs"]] == ["one", "other"], "by folder, as the experiment is the same"
    figures = {figure["figure"]: figure for figure in answer["figures"] if figure["at_frozen_threshold_of"] is None}
    given = [read_answers(run / "predictions.csv") for run in (one, other)]
    areas = [roc_auc_score(each.labels, each.probabilities[:, 1]) for each in given]
    assert [run["value"] for run in figures["auc"]["runs"]] == pytest.approx(areas)
    written = json.loads((one / "test.json").read_text())
    for key, figure in figures.items():
        assert figure["runs"][0]["ci"] == written[f"{key}_ci"], "the intervals of test.json"
    (difference,) = figures["auc"]["differences"]
    assert difference["value"] == pytest.approx(areas[1] - areas[0])
    low, high = difference["ci"]
    assert low <= difference["value"] <= high
    scores = [each.probabilities[:, 1] for each in given]
    assert difference["delong"]["p"] == pytest.approx(delong(given[0].labels == 1, *scores, given[0].patients).p)
    frozen = [figure for figure in answer["figures"] if figure["at_frozen_threshold_of"] is not None]
    assert [figure["figure"] for figure in frozen] == ["sensitivity", "specificity"]
    point = written["operating_points"][0]
    assert frozen[0]["runs"][0]["value"] == pytest.approx(point["sensitivity"])
    assert frozen[1]["runs"][0]["value"] == pytest.approx(point["specificity"])


@pytest.mark.parametrize("columns", [80, 50])
def test_the_screen(
    finished_runs: Runs, columns: int, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert leaves(finished_runs.one, finished_runs.other, finished_runs.one.parent / "one" / ".." / "other") == 1
    capfd.readouterr()
    assert leaves(finished_runs.one, finished_runs.other, "--metric", "auc") == 0
    out, err = capfd.readouterr()
    assert err == ""
    said = " ".join(out.split())
    assert "2 runs on the same 20 test photographs of 10 patients" in said
    assert "A difference whose interval contains 0 may be chance" in said
    assert "DeLong's test of auc over patients, other less one: p = " in said
    assert "seed 3 -> 4" in said
    paths = [str(finished_runs.one), str(finished_runs.other)]
    long = [line for line in out.splitlines() if len(line) > columns and not any(path in line for path in paths)]
    assert long == []


def test_many_runs_are_corrected_for(finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    third = copied(finished_runs.one, tmp_path)
    third = third.rename(tmp_path / "third")
    assert leaves(finished_runs.one, finished_runs.other, third, "--all-pairs", "--format", "json") == 0
    answer = json.loads(capfd.readouterr().out)
    duels = answer["figures"][0]["differences"]
    assert [(duel["of"], duel["less"]) for duel in duels] == [("other", "one"), ("third", "one"), ("third", "other")]
    assert duels[1]["value"] == 0
    assert duels[1]["ci"] == [0, 0]
    assert duels[1]["verdict"] == "not told apart"
    assert all(duel["p_holm"] >= duel["p"] for duel in duels)
    assert leaves(finished_runs.one, finished_runs.other, third) == 0
    assert "Holm" in capfd.readouterr().out


def test_thresholds_of_folds_are_cautious_ones(
    finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folds = copied(finished_runs.other, tmp_path)
    test = json.loads((folds / "test.json").read_text())
    (folds / "test.json").write_text(json.dumps({**test, "members": 5, "validated_by": [1, 1]}))
    assert leaves(finished_runs.one, folds) == 0
    said = " ".join(capfd.readouterr().out.split())
    assert said.count("its thresholds are chosen from the answers of 1 of 5 members to each photograph") == 1


def relabel(run: Path, image: str) -> None:
    path = run / "predictions.csv"
    lines = path.read_text().splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith(f"{image},"))
    label = "infected" if ",healthy," in lines[at] else "healthy"
    before = lines[at].split(",")
    lines[at] = ",".join([*before[:2], label, *before[3:]])
    path.write_text("\n".join(lines) + "\n")


def test_what_cannot_be_compared(finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    other = copied(finished_runs.other, tmp_path)
    image = read_answers(other / "predictions.csv").images[3]
    relabel(other, image)
    assert leaves(finished_runs.one, other) == 1
    assert f"{image}: " in capfd.readouterr().err
    (other / "predictions.csv").unlink()
    assert leaves(finished_runs.one, other) == 1
    assert "runs that have no predictions.csv" in capfd.readouterr().err
    assert leaves(finished_runs.one, finished_runs.one) == 1
    assert "a run is named twice" in capfd.readouterr().err
    assert leaves(finished_runs.one, tmp_path / "a", tmp_path / "b") == 1
    assert capfd.readouterr().err.count("there is no such folder") == 2
    assert leaves(finished_runs.one) == 2
    assert leaves(finished_runs.one, finished_runs.other, "--metric", "aux") == 1
    assert "did you mean `auc`" in capfd.readouterr().err


def test_photographs_that_are_not_shared_are_counted(
    finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    other = copied(finished_runs.other, tmp_path)
    lines = (other / "predictions.csv").read_text().splitlines()
    (other / "predictions.csv").write_text("\n".join(lines[:-2]) + "\n")
    assert leaves(finished_runs.one, other) == 0
    out, _ = capfd.readouterr()
    assert "2 test photographs of one are not those of the others" in " ".join(out.split())


def test_specs_that_cannot_be_read_are_no_obstacle(
    finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    other = copied(finished_runs.other, tmp_path)
    program = json.loads((other / "program" / "program.json").read_text())
    kept = program["experiments"][0]["training"]["metrics"]
    del program["experiments"][0]["sampling"]
    (other / "program" / "program.json").write_text(json.dumps(program))
    assert kept
    assert leaves(finished_runs.one, other) == 1
    assert "program.json cannot be understood" in capfd.readouterr().err
    shutil.rmtree(other / "checkpoints")
    (other / "program" / "program.json").write_text((finished_runs.other / "program" / "program.json").read_text())
    assert leaves(finished_runs.one, other) == 0, "nothing of the network is needed"
    assert np.isfinite(len(capfd.readouterr().out))
