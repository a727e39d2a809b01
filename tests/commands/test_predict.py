"""`retdsl predict`: a row for every photograph, and what becomes of those that nobody should be asked about."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from painted_runs import Runs, copied, ensemble

from retdsl.cli import main
from retdsl.runtime.answers import read_answers

pytestmark = pytest.mark.slow


def leaves(*arguments: object) -> int:
    try:
        return main(["predict", *map(str, arguments), "--plain"])
    except SystemExit as stop:
        return int(str(stop.code))


def rows(text: str) -> dict[str, dict[str, str]]:
    return {row["image"]: row for row in csv.DictReader(io.StringIO(text))}


def test_answers_to_test_photographs_are_those_of_the_run(
    finished_runs: Runs, capfd: pytest.CaptureFixture[str]
) -> None:
    run = finished_runs.one
    then = read_answers(run / "predictions.csv")
    assert leaves(run, *(finished_runs.root / image for image in then.images)) == 0
    out, err = capfd.readouterr()
    found = rows(out)
    assert [Path(image).name for image in found] == list(then.images), "in the order of the arguments"
    again = np.array([[row["p_healthy"], row["p_infected"]] for row in found.values()], np.float32)
    assert (again == then.probabilities).all(), "bit by bit"
    point = json.loads((run / "test.json").read_text())["operating_points"][0]
    for row in found.values():
        assert float(row["threshold"]) == pytest.approx(point["threshold"])
        if row["gradable"] == "yes":
            positive = np.float32(row["p_infected"]) >= point["threshold"]
            assert row["label"] == ("infected" if positive else "healthy")
    gradable = [row for row in found.values() if row["gradable"] == "yes"]
    assert len(gradable) >= 0.8 * len(found), [row["why"] for row in found.values()]
    assert "chosen on validation" in err.replace("\n", " ")


@pytest.fixture
def folder(finished_runs: Runs, tmp_path: Path) -> Path:
    """Photographs good and bad, and other files."""
    top = tmp_path / "photographs"
    (top / "sub folder").mkdir(parents=True)
    good = cv2.imread(str(finished_runs.root / "000.png"))
    bad = {
        "blurred": cv2.GaussianBlur(good, (0, 0), 6),
        "dark": (good * 0.12).astype(np.uint8),
        "no_field": np.zeros_like(good),
        "unlike": 255 - good,
        "too_small": cv2.resize(good, (20, 20), interpolation=cv2.INTER_AREA),
    }
    for name, picture in bad.items():
        cv2.imwrite(str(top / "sub folder" / f"{name}.png"), picture)
    for name in ("good.png", "-dash.png", "ünï code.png"):
        shutil.copy(finished_runs.root / "000.png", top / name)
    shutil.copy(finished_runs.root / "000.png", os.fsencode(top) + b"/\xff.png")
    (top / "cut.png").write_bytes((finished_runs.root / "000.png").read_bytes()[:3000])
    (top / "empty.jpg").touch()
    (top / "notes.txt").write_text("no photograph")
    (top / ".hidden.png").write_text("x")
    (top / "gone.png").symlink_to("nowhere.png")
    (top / "sub folder" / "circle").symlink_to("..")
    (top / "linked.png").symlink_to(finished_runs.root / "001.png")
    os.mkfifo(top / "pipe.png")
    return top


def test_a_folder_of_everything(finished_runs: Runs, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert leaves(finished_runs.one, folder) == 0
    out, err = capfd.readouterr()
    found = {os.path.relpath(image, folder): row for image, row in rows(out).items()}
    assert list(found) == [
        "-dash.png",
        "cut.png",
        "empty.jpg",
        "gone.png",
        "good.png",
        "linked.png",
        "pipe.png",
        "ünï code.png",
        os.fsdecode(b"\xff.png").encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
        *(f"sub folder/{name}.png" for name in ("blurred", "dark", "no_field", "too_small", "unlike")),
    ]
    for flag in ("blurred", "dark", "no_field", "too_small", "unlike"):
        row = found[f"sub folder/{flag}.png"]
        assert (row["gradable"], row["label"]) == ("no", "")
        assert f"{flag}: " in row["why"]
        assert bool(row["p_infected"]) == (flag != "no_field"), "no number without a retina"
    for name in ("cut.png", "empty.jpg", "gone.png", "pipe.png"):
        assert found[name]["why"].startswith("unreadable: ")
        assert found[name]["p_infected"] == ""
    assert found["good.png"]["gradable"] == found["-dash.png"]["gradable"] == "yes"
    assert found["good.png"]["p_infected"] == found["ünï code.png"]["p_infected"]
    assert "1 file of other kinds skipped (1 .txt)" in err
    assert "symbolic links that lead in a circle" in err
    assert "Traceback" not in err


def test_json_and_files(finished_runs: Runs, folder: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert leaves(finished_runs.one, folder, "--format", "json", "-o", tmp_path / "o.json") == 0
    assert capfd.readouterr().out == ""
    answer = json.loads((tmp_path / "o.json").read_text())
    assert answer["classes"] == ["healthy", "infected"]
    assert len(answer["photographs"]) == 14
    assert sum(one["label"] is None for one in answer["photographs"]) == sum(
        not one["gradable"] for one in answer["photographs"]
    )


def test_what_is_usual_is_looked_at_once_and_goes_with_the_run(
    finished_runs: Runs, folder: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run = copied(finished_runs.one, tmp_path)
    (run / "usual.json").unlink(missing_ok=True)
    photograph = folder / "sub folder" / "unlike.png"
    assert leaves(run, photograph, "--root", "/nowhere") == 0
    out, err = capfd.readouterr()
    assert "are not at hand, so only what is bad in whatever company is flagged" in err
    assert "unlike: " not in out
    assert not (run / "usual.json").exists()
    assert leaves(run, photograph) == 0
    assert "unlike: " in capfd.readouterr().out
    assert leaves(run, photograph, "--root", "/nowhere") == 0
    out, err = capfd.readouterr()
    assert "unlike: " in out
    assert "not at hand" not in err


def test_another_size(finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A run whose preparation does not resize: photographs of another size are said to be, and none is guessed at."""
    run = copied(finished_runs.one, tmp_path)
    program = run / "program" / "train.py"
    text = program.read_text()
    assert "resize(" in text
    program.write_text("\n".join(line for line in text.splitlines() if "resize(height=32" not in line))
    lock = json.loads((run / "lock.json").read_text())
    (run / "lock.json").write_text(json.dumps({**lock, "program_sha256": None}))
    small = tmp_path / "small.png"
    cv2.imwrite(str(small), cv2.resize(cv2.imread(str(finished_runs.root / "000.png")), (32, 32)))
    code = leaves(run, finished_runs.root / "000.png", small)
    out, err = capfd.readouterr()
    assert code == 0, err
    found = rows(out)
    assert "photographs are 200 x 200 when prepared, the network takes 32 x 32" in next(iter(found.values()))["why"]
    assert found[str(small)]["p_infected"] != ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.png", "gone/"], "photographs and folders that do not exist (2)"),
        (["EMPTY"], "there are no photographs"),
        (["EMPTY", "--threshold", "auc"], "this run has frozen no threshold for `auc`"),
    ],
)
def test_nothing_to_predict(
    finished_runs: Runs, arguments: list[str], message: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "readme.md").touch()
    assert leaves(finished_runs.one, *(str(tmp_path) if one == "EMPTY" else one for one in arguments)) == 1
    assert message in capfd.readouterr().err


def test_an_ensemble_answers_with_the_mean(
    finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    both = ensemble(finished_runs, tmp_path / "both")
    photograph = finished_runs.root / "000.png"
    found = []
    for run in (finished_runs.one, finished_runs.other, both):
        assert leaves(run, photograph) == 0
        out, err = capfd.readouterr()
        found.append(float(rows(out)[str(photograph)]["p_infected"]))
    assert found[2] == pytest.approx((found[0] + found[1]) / 2, abs=1e-6)
    assert "labels are the most probable class: the run has frozen no threshold" in err
