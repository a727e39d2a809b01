"""`train` of several runs: stopped, killed, failed and gone on with; and `series` and `reproduce` of what comes out."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from params_files import params_bytes
from series_study import JOINED, STUDY

from retdsl import cli
from retdsl.series.record import DONE, PLANNED, RUNNING, read_series
from retdsl.verifying import hashes_of

FAST = ("--plain", "--threads", "1")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.retina").write_text(JOINED)
    return tmp_path


def folder(here: Path) -> Path:
    [path] = (here / "runs").iterdir()
    return path


def lock(run: Path) -> dict:
    return json.loads((run / "lock.json").read_text())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run", "one"], "--run is for a single run, and these are 6"),
        (["--repeat", "0"], "--repeat must be from 1 to 1000"),
        (["--train", "joind"], "no experiment or ensemble `joind`"),
        (["--set", "a.b.c=1"], "not of the form KEY=VALUE"),
        (["--resume", "runs"], "not allowed with argument"),
    ],
)
@pytest.mark.usefixtures("here")
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = cli.main(["train", "study.retina", *arguments])
    except SystemExit as error:
        code = error.code
    assert code == 2
    assert message in capsys.readouterr().err
    assert not Path("runs").exists()


def test_resume_takes_nothing_that_would_change_the_runs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "--resume", str(here), "--set", "epochs=3"]) == 2
    assert "--set cannot be given with --resume" in capsys.readouterr().err
    assert cli.main(["train", "--resume", str(here / "none")]) == 1
    assert "there is no such run" in capsys.readouterr().err
    assert cli.main(["series", str(here)]) == 1
    assert "this folder holds no series" in capsys.readouterr().err


@pytest.mark.slow
def test_an_ensemble_of_two_experiments_on_three_folds(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "study.retina", *FAST]) == 0
    assert "ensemble of 6" in capsys.readouterr().err
    path = folder(here)
    series = read_series(path)
    assert [member.state for member in series.members] == [DONE] * 6
    assert lock(path / "first-fold1-seed5")["overrides"] == {}
    assert lock(path / "second-fold3-seed9")["overrides"] == {"fold": "3"}
    assert (lock(path / "second-fold3-seed9")["fold"], lock(path / "second-fold3-seed9")["seed"]) == (3, 9)
    validated = [line.split(",")[0] for line in (path / "joined" / "validation.csv").read_text().splitlines()[1:]]
    assert len(validated) == len(set(validated)) > len((path / "joined" / "predictions.csv").read_text().splitlines())
    assert cli.main(["series", str(path), "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in answer["summaries"]] == ["first", "second", "joined"]
    assert cli.main(["reproduce", str(path), "--check"]) == 0
    assert cli.main(["reproduce", str(path / "joined")]) == 0
    assert "identical: 6 runs, 1 epoch of metrics.jsonl, predictions.csv, validation.csv" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_series_goes_on_with_the_rest_and_ends_alike(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["train", "study.retina", "--train", "first", "--repeat", "3", *FAST]
    assert cli.main([*asked, "--runs", "whole"]) == 0
    [whole] = (here / "whole").iterdir()
    command = [sys.executable, "-m", "retdsl", *asked]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        if (here / "runs").is_dir() and any((here / "runs").glob("*/first-fold1-seed6/lock.json")):
            break
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    path = folder(here)
    states = [member.state for member in read_series(path).members]
    assert states[0] == DONE
    assert states == sorted(states, key=[DONE, RUNNING, PLANNED].index)
    before = (path / "first-fold1-seed5" / "lock.json").stat().st_mtime_ns
    (here / "study.retina").write_text("no spec any more")
    assert cli.main(["train", "--resume", str(path), "--plain"]) == 0
    assert "3 of 3" in capsys.readouterr().err
    assert (path / "first-fold1-seed5" / "lock.json").stat().st_mtime_ns == before
    assert [lock(path / f"first-fold1-seed{seed}")["seed"] for seed in (5, 6, 7)] == [5, 6, 7]
    assert hashes_of(path) == hashes_of(whole)
    assert cli.main(["reproduce", str(path / "first-fold1-seed6")]) == 0


@pytest.mark.slow
def test_ctrl_c_stops_and_says_how_to_go_on(here: Path) -> None:
    asked = ["study.retina", "--train", "first", "--repeat", "2", "--set", "epochs=100000", *FAST]
    process = subprocess.Popen([sys.executable, "-m", "retdsl", "train", *asked], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and not any(here.glob("runs/*/first-fold1-seed5/lock.json")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 130
    assert f"stopped; `retdsl train --resume {folder(here).relative_to(here)}` goes on with the rest" in said
    assert said.count("retdsl train --resume") == 1
    assert read_series(folder(here)).members[1].state == PLANNED


@pytest.mark.slow
def test_a_run_that_fails_leaves_the_others_alone(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = STUDY.replace("train second from first {", "train second from first { data = none_there ")
    table = 'data none_there {\n  source = csv("none.csv", patient = patient)\n  classes = [healthy, infected]\n'
    table += "  split = folds(3, test = 30%)\n  image = photo => resize(32, 32)\n}\n"
    (here / "study.retina").write_text(other + table)
    assert cli.main(["train", "study.retina", *FAST]) == 1
    said = capsys.readouterr().err
    assert "second, fold 2, seed 9: failed: its spec or its data have errors" in said
    path = folder(here)
    assert (path / "first-fold1-seed5" / "test.json").is_file()
    assert cli.main(["train", "--resume", str(path), "--plain"]) == 1
    assert "1 of 2 runs are left" in capsys.readouterr().err
    assert cli.main(["series", str(path)]) == 0
    assert "1 of 1" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_what_is_wrong_with_all_runs_is_said_once(capfd: pytest.CaptureFixture[str]) -> None:
    source = 'eyes.source=csv("none.csv", patient = patient)'
    asked = ["train", "study.retina", "--train", "first", "--repeat", "3", "--set", source, *FAST]
    assert cli.main(asked) == 1
    said = capfd.readouterr().err
    assert said.count("error: there is no file `none.csv`\n") == 1
    assert said.count("error: there is no file `none.csv`, as above\n") == 2
    assert said.count("= help") == 1


@pytest.mark.slow
def test_another_table_of_labels_is_taken_and_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tiny_study import paint

    paint(here)
    draw = (here / "labels.csv").read_text().splitlines()
    sides = ["split", *("test" if at % 4 < 2 else "train" for at in range(len(draw) - 1))]
    (here / "draw.csv").write_text("\n".join(f"{row},{side}" for row, side in zip(draw, sides, strict=True)) + "\n")
    text = STUDY.replace(
        "synthetic_fundus(60, ratio = 2 : 1, seed = 1, size = 64)", 'csv("labels.csv", patient = patient)'
    )
    own = (
        'block part(name) = Convolution(4, kernel = 3, name = name)\nbackbone stem = part("c", weights = "w.params")\n'
    )
    text = own + text.replace('eyes.image\n    => Convolution(4, kernel = 3, name = "c")', "stem")
    tensors = {"arg:c_weight": np.full((4, 3, 3, 3), 0.01, "f4"), "arg:c_bias": np.zeros(4, "f4")}
    (here / "w.params").write_bytes(params_bytes(tensors))
    (here / "study.retina").write_text(text)
    source = 'eyes.source=csv("draw.csv", patient = patient)'
    split = "eyes.split=folds(3, column = split, test = test, seed = 4)"
    arguments = ["train", "study.retina", "--train", "second", "--run", "run", "--set", source, "--set", split, *FAST]
    assert cli.main(arguments) == 0
    record = lock(here / "run")
    assert record["overrides"] == {
        "eyes.source": 'csv("draw.csv", patient = patient)',
        "eyes.split": "folds(3, column = split, test = test, seed = 4)",
    }
    assert list(record["labels_sha256"]) == ["draw.csv"]
    tested = {row["image"] for row in record["images"] if row["side"] == "test"}
    assert tested == {row.split(",")[0] for row in (here / "draw.csv").read_text().splitlines() if row.endswith("test")}
    capsys.readouterr()
    assert cli.main(["check", "study.retina", "-v", "--set", source, "--format", "json"]) == 0
    experiments = json.loads(capsys.readouterr().out)["experiments"]
    assert experiments[0]["overrides"] == {"eyes.source": 'csv("draw.csv", patient = patient)'}
    check_what_differs_first(here, capsys)


def check_what_differs_first(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each kind of change of what a run was made of is the first thing that `reproduce` names."""
    run = here / "run"
    record = lock(run)
    versions = {**record["versions"], "numpy": "1.0"}
    rows = (here / "draw.csv").read_text()
    photo = sorted(here.glob("0*.png"))[3]
    cases = {
        "is not the spec that was run": (run / "spec.retina", b"other"),
        "is not the program that was run": (run / "program" / "train.py", b"other"),
        f"numpy is {record['versions']['numpy']}, the run had 1.0": (
            run / "lock.json",
            json.dumps({**record, "versions": versions}).encode(),
        ),
        "the number of threads is ": (
            run / "lock.json",
            json.dumps({**record, "threads": None}).encode(),
        ),
        f"a photograph is not the same file: {photo.name}": (photo, sorted(here.glob("0*.png"))[0].read_bytes()),
        "the table of labels is another one": (here / "draw.csv", f"{rows}\n".encode()),
        "photographs, patients or labels are on other sides": (
            run / "lock.json",
            json.dumps({**record, "split_sha256": "0" * 64}).encode(),
        ),
    }
    other = {"arg:c_weight": np.full((4, 3, 3, 3), 0.02, "f4"), "arg:c_bias": np.zeros(4, "f4")}
    cases["the weights w.params differ"] = (here / "w.params", params_bytes(other))
    assert cli.main(["reproduce", str(run), "--check"]) == 0
    for message, change in cases.items():
        path, content = change
        before = path.read_bytes()
        path.write_bytes(content)
        capsys.readouterr()
        assert cli.main(["reproduce", str(run), "--check"]) == 1
        assert message in capsys.readouterr().err.splitlines()[0]
        path.write_bytes(before)
    validation = run / "validation.csv"
    lines = validation.read_text().splitlines()
    validation.write_text("\n".join([lines[0], lines[2], lines[1], *lines[3:]]) + "\n")
    assert cli.main(["reproduce", str(run)]) == 1
    assert "validation.csv differs, first in line 2" in capsys.readouterr().err
    shutil.rmtree(run)
