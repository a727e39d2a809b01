"""`retdsl evaluate`: the figures of a run again, and of other photographs; and what is in its way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from painted_runs import Runs, copied, ensemble, paint
from sklearn.metrics import roc_auc_score

from retdsl.cli import main
from retdsl.runtime.answers import read_answers

pytestmark = pytest.mark.slow


def leaves(*arguments: object) -> int:
    try:
        return main(["evaluate", *map(str, arguments), "--plain"])
    except SystemExit as stop:
        return int(str(stop.code))


def test_a_run_says_what_it_said(finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in finished_runs.one.rglob("*") if path.is_file()}
    assert leaves(finished_runs.one, "--format", "json", "-o", tmp_path / "again.csv") == 0
    answer = json.loads(capfd.readouterr().out)
    test = json.loads((finished_runs.one / "test.json").read_text())
    assert answer["same_as_test_json"] is True
    assert answer["differences"] == answer["known"] == answer["notes"] == []
    assert {key: test[key] for key in answer["figures"]} == answer["figures"]
    assert answer["epoch"] == test["best_epoch"]
    assert (tmp_path / "again.csv").read_text() == (finished_runs.one / "predictions.csv").read_text()
    assert {path: path.read_bytes() for path in finished_runs.one.rglob("*") if path.is_file()} == before


def test_the_screen(finished_runs: Runs, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in (80, 40):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert leaves(finished_runs.one) == 0
        out, _ = capfd.readouterr()
        assert out.startswith("tiny, epoch ")
        assert "the same as test.json" in out.replace("\n", " ")
        assert max(map(len, out.splitlines())) <= columns


def test_other_photographs(finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    other = paint(tmp_path / "clinic", 40, seed=7, prefix="c")
    table = (other / "labels.csv").read_text().replace("image,label,patient", "photo,diagnosis,who")
    (other / "labels.csv").write_text(table)
    assert leaves(finished_runs.one, "--labels", other / "labels.csv") == 1
    assert "columns that are not there (3)" in capfd.readouterr().err
    columns = ["--image", "photo", "--label", "diagnosis", "--patient", "who"]
    asked = [finished_runs.one, "--labels", other / "labels.csv", *columns, "-o", tmp_path / "o.csv"]
    assert leaves(*asked, "--format", "json") == 0
    answer = json.loads(capfd.readouterr().out)
    assert answer["images"] == 40
    assert answer["same_as_test_json"] is None
    answers = read_answers(tmp_path / "o.csv")
    assert answer["figures"]["auc"] == pytest.approx(roc_auc_score(answers.labels, answers.probabilities[:, 1]))
    frozen = json.loads((finished_runs.one / "test.json").read_text())["operating_points"][0]["threshold"]
    assert answer["figures"]["operating_points"][0]["threshold"] == frozen, "of the run's own validation side"


def test_a_folder_a_class(finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    other = paint(tmp_path / "flat", 24, seed=8, prefix="f")
    for line in (other / "labels.csv").read_text().splitlines()[1:]:
        image, label, _ = line.split(",")
        (tmp_path / "sorted" / label).mkdir(parents=True, exist_ok=True)
        shutil.copy(other / image, tmp_path / "sorted" / label)
    shutil.rmtree(tmp_path / "sorted" / "infected")
    assert leaves(finished_runs.one, "--labels", tmp_path / "sorted", "--format", "json") == 0
    answer = json.loads(capfd.readouterr().out)
    assert answer["class_counts"]["infected"] == 0
    assert answer["figures"]["auc"] is None
    assert "warning: no photograph is infected: figures that need one mean nothing" in answer["notes"]
    assert "note: no column names the patients, so every photograph counts as a patient of its own" in answer["notes"]


def test_what_the_run_knows_is_refused(finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    lock = json.loads((finished_runs.one / "lock.json").read_text())
    learned = next(row for row in lock["images"] if row["side"] == "train")
    other = paint(tmp_path / "clinic", 24, seed=9, prefix="c")
    shutil.copy(finished_runs.root / learned["image"], other / "copy.png")
    with (other / "labels.csv").open("a") as table:
        table.write("copy.png,healthy,new\n")
    relabelled = (other / "labels.csv").read_text().replace(",cpatient", f",{learned['patient']}#", 1)
    first = relabelled.splitlines()[1].split(",")
    relabelled = relabelled.replace(",".join(first), f"{first[0]},{first[1]},{learned['patient']}")
    (other / "labels.csv").write_text(relabelled)
    asked = [finished_runs.one, "--labels", other / "labels.csv"]
    assert leaves(*asked) == 1
    said = capfd.readouterr().err
    assert f"copy.png: is {learned['image']}, which the run has learned from" in said
    assert f"patient {learned['patient']}: the run has learned from others of the same name" in said
    assert leaves(*asked, "--allow-known", "--format", "json") == 0
    answer = json.loads(capfd.readouterr().out)
    assert len(answer["known"]) == 2
    assert answer["notes"][0].startswith("warning: these figures are on what the run knows already (2)")


def test_what_another_engine_rounds_differently_is_no_difference(
    finished_runs: Runs, capfd: pytest.CaptureFixture[str]
) -> None:
    """Training answers by features and by MXNet what `evaluate` may ask onnxruntime alone."""
    assert leaves(finished_runs.one, "--engine", "onnxruntime") == 0
    assert "bit by bit" in capfd.readouterr().out
    assert leaves(finished_runs.one, "--engine", "mxnet") == 0
    said = " ".join(capfd.readouterr().out.split())
    assert "the same as test.json and predictions.csv but for rounding: probabilities are within" in said
    assert leaves(finished_runs.one, "--engine", "mxnet", "--format", "json") == 0
    answer = json.loads(capfd.readouterr().out)
    assert answer["same_as_test_json"] is True
    assert 0 < answer["apart_from_predictions_csv"] < 1e-5


def test_test_photographs_that_have_changed(
    finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    root = Path(shutil.copytree(finished_runs.root, tmp_path / "moved"))
    lock = json.loads((finished_runs.one / "lock.json").read_text())
    changed = next(row["image"] for row in lock["images"] if row["side"] == "test")
    paint(tmp_path / "more", 12, seed=10)
    shutil.copy(tmp_path / "more" / "000.png", root / changed)
    assert leaves(finished_runs.one, "--root", root) == 0
    out, err = capfd.readouterr()
    assert "not the same as test.json" in out
    assert f"predictions.csv says something else, first of {changed}" in out
    assert f"warning: 1 test photograph is another file: {changed}" in err


def spoil_nothing_saved(run: Path) -> None:
    shutil.rmtree(run / "checkpoints")


def spoil_best_gone(run: Path) -> None:
    (run / "checkpoints" / json.loads((run / "checkpoints" / "best.json").read_text())["params"]).unlink()
    (run / "checkpoints" / "tiny-0007.params").write_bytes(b"x")


def spoil_no_best(run: Path) -> None:
    (run / "checkpoints" / "best.json").unlink()


def spoil_cut(run: Path) -> None:
    for path in (run / "checkpoints").glob("*.params"):
        path.write_bytes(path.read_bytes()[:-100])


def spoil_program(run: Path) -> None:
    path = run / "program" / "train.py"
    path.write_text(path.read_text() + "\n")


def change_lock(**facts: Any) -> Callable[[Path], None]:
    def spoil(run: Path) -> None:
        path = run / "lock.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))

    return spoil


def spoil_version(run: Path) -> None:
    path = run / "program" / "train.py"
    path.write_text(path.read_text().replace("    accuracy,\n", "    accuracy,\n    accuracy_of_old,\n"))
    change_lock(made_by="retdsl 0.0.7", program_sha256=None)(run)


def spoil_options(run: Path) -> None:
    path = run / "program" / "train.py"
    path.write_text(path.read_text().replace("epochs=", "epoks="))
    change_lock(made_by="retdsl 0.0.7", program_sha256=None)(run)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_nothing_saved, "this run has no checkpoint"),
        (spoil_best_gone, "is gone"),
        (spoil_no_best, "this run has no best epoch yet"),
        (spoil_cut, "this checkpoint is damaged"),
        (spoil_program, "this is not the program that was run"),
        (spoil_version, "`accuracy_of_old` is not in this version"),
        (spoil_options, "epoks"),
        (lambda run: (run / "lock.json").write_text("{"), "lock.json cannot be read"),
        (lambda run: (run / "program" / "program.json").write_text('{"file": 1}'), "program.json cannot be understood"),
        (change_lock(members=["nowhere"]), "members of this ensemble are gone"),
        (change_lock(members=[]), "`members` is no list of folders"),
        (change_lock(root="/nowhere"), "there is no file `labels.csv`"),
    ],
)
def test_a_folder_that_is_spoilt(
    finished_runs: Runs,
    spoil: Callable[[Path], object],
    message: str,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    run = copied(finished_runs.one, tmp_path)
    spoil(run)
    assert leaves(run) == 1
    out, err = capfd.readouterr()
    assert message in err
    assert err.startswith("error: ")
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--checkpoint", "first"], "no checkpoint"),
        (["--threads", "0"], "must be 1 or more"),
        (["--label", "grade"], "name columns of --labels"),
    ],
)
def test_wrong_usage(
    finished_runs: Runs, arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert leaves(finished_runs.one, *arguments) == 2
    assert message in capfd.readouterr().err


def test_a_flipped_bit_shows(finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run = copied(finished_runs.one, tmp_path)
    path = run / "checkpoints" / json.loads((run / "checkpoints" / "best.json").read_text())["params"]
    content = bytearray(path.read_bytes())
    content[200] ^= 0x40
    path.write_bytes(content)
    code = leaves(run)
    out, err = capfd.readouterr()
    assert code == 1 or "not the same as test.json" in out, (out, err)
    assert "Traceback" not in out + err


def test_an_epoch_that_is_not_the_best(finished_runs: Runs, capfd: pytest.CaptureFixture[str]) -> None:
    assert leaves(finished_runs.one, "--checkpoint", "last", "--format", "json") == 0
    answer = json.loads(capfd.readouterr().out)
    assert answer["epoch"] == 2
    best = json.loads((finished_runs.one / "test.json").read_text())["best_epoch"]
    assert answer["same_as_test_json"] is (True if best == 2 else None)
    points = [answer["figures"], answer["figures"]["per_patient"]]
    # Thresholds were chosen from what the best epoch said, and mean nothing for another network.
    assert all(bool(one["operating_points"]) == (best == 2) for one in points)


def test_another_device_and_version_are_told(
    finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run = copied(finished_runs.one, tmp_path)
    change_lock(device="gpu(0)", versions={"retdsl": "0.0.7"})(run)
    assert leaves(run) == 0
    _, err = capfd.readouterr()
    assert "one was trained on gpu(0), this is cpu(0): last digits may differ" in err
    assert "one was made by retdsl 0.0.7" in err


def test_an_ensemble_answers_with_the_mean(
    finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    both = ensemble(finished_runs, tmp_path / "both")
    assert leaves(both, "--format", "json", "-o", tmp_path / "mean.csv") == 0
    said = capfd.readouterr()
    answer = json.loads(said.out)
    assert len(answer["epochs"]) == 2
    assert said.err == f"{tmp_path / 'mean.csv'}\n"
    mean = read_answers(tmp_path / "mean.csv").probabilities
    members = [read_answers(run / "predictions.csv").probabilities for run in (finished_runs.one, finished_runs.other)]
    assert mean == pytest.approx((members[0].astype(float) + members[1]) / 2, abs=1e-7)
