"""`retdsl export`: a trained network as a file that runs without MXNet; and what is in its way."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
import pytest
from painted_runs import CLASSES, Runs, copied, ensemble

from retdsl.cli import main
from retdsl.runtime.checkpoint import best_epoch, load_parameters
from retdsl.runtime.skeleton import metadata_of

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]


def leaves(*arguments: object) -> int:
    try:
        return main(["export", *map(str, arguments), "--plain"])
    except SystemExit as stop:
        return int(str(stop.code))


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def predicted(runs: Runs, image: str, capfd: pytest.CaptureFixture[str]) -> dict[str, float]:
    """What MXNet says of a photograph."""
    capfd.readouterr()
    assert main(["predict", str(runs.one), str(runs.root / image), "--format", "json", "--plain"]) == 0
    found: dict[str, float] = json.loads(capfd.readouterr().out)["photographs"][0]["probabilities"]
    return found


def test_the_file_says_what_it_is(finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    before, run = files(finished_runs.one), finished_runs.one
    assert leaves(run, "-o", tmp_path / "model.onnx") == 0
    out, err = capfd.readouterr()
    assert out == ""
    assert re.search(r"as MXNet to \d\.\de-\d\d on 16 photographs of the run, by onnxruntime", err)
    assert files(run) == before
    model = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [one.name for one in model.graph.input] == ["data"]
    numbers = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    saved = load_parameters(best_epoch(run / "checkpoints")[1])
    assert all(np.array_equal(array, numbers[name]) for name, array in saved.items())
    test, lock = (json.loads((run / name).read_text()) for name in ("test.json", "lock.json"))
    told = metadata_of(model)
    assert json.loads(told["classes"]) == list(CLASSES)
    assert told["epoch"] == str(test["best_epoch"])
    assert told["prepare"] == "photo => resize(32, 32)"
    assert json.loads(told["prepare_json"]) == [{"step": "resize", "height": 32, "width": 32}]
    assert json.loads(told["input"]) == {
        "layout": "NCHW",
        "type": "float32",
        "size": [32, 32],
        "channels": ["red", "green", "blue"],
    }
    assert json.loads(told["normalize"])["in_the_graph"] is False
    assert json.loads(told["operating_points"])[0]["threshold"] == test["operating_points"][0]["threshold"]
    assert told["spec"] == "study.retina"
    assert told["spec_sha256"] == sha256((run / "spec.retina").read_bytes()).hexdigest()
    assert told["program_sha256"] == lock["program_sha256"]
    assert "train_py_sha256" not in told, "what has weights is no skeleton"


def test_the_example_of_the_guide_answers_as_mxnet(
    finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert leaves(finished_runs.one, "-o", tmp_path / "model.onnx", "--with-normalization") == 0
    [example] = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "export.md").read_text("utf-8"), re.S | re.M)
    for image in ("000.png", "001.png"):
        shutil.copy(finished_runs.root / image, tmp_path / "eye.png")
        done = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        expected = predicted(finished_runs, image, capfd)
        assert {name: answer[name] for name in CLASSES} == pytest.approx(expected, abs=1e-4)
        assert isinstance(answer["refer"], bool)


def test_another_checkpoint_has_no_threshold(finished_runs: Runs, tmp_path: Path) -> None:
    best = json.loads((finished_runs.one / "checkpoints" / "best.json").read_text())["epoch"]
    saved = {int(path.stem[-4:]) for path in (finished_runs.one / "checkpoints").glob("*.params")}
    for other in sorted(saved - {best})[:1]:
        assert leaves(finished_runs.one, "-o", tmp_path / "m.onnx", "--checkpoint", other, "--force") == 0
        told = metadata_of(onnx.load(tmp_path / "m.onnx"))
        assert (told["epoch"], told["operating_points"]) == (str(other), "[]")


def test_nothing_is_written_over(finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    target.write_text("mine")
    assert leaves(finished_runs.one, "-o", target) == 2
    assert "is there already" in capfd.readouterr().err
    assert target.read_text() == "mine"
    assert leaves(finished_runs.one, "-o", target, "--force") == 0
    onnx.load(target)
    assert leaves(finished_runs.one, "-o", tmp_path) == 2
    assert leaves(finished_runs.one, "-o", tmp_path / "gone" / "model.onnx") == 2
    assert leaves(finished_runs.one, "-o", tmp_path / "other.onnx", "--checkpoint", "first") == 2
    said = capfd.readouterr().err
    assert "is a folder" in said
    assert "there is no folder" in said
    assert "--checkpoint first: no checkpoint" in said
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_what_cannot_be_one_file(finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    several = ensemble(finished_runs, tmp_path / "both")
    assert leaves(several, "-o", tmp_path / "model.onnx") == 1
    said = capfd.readouterr().err
    assert "an ensemble is several networks, and a file is one" in said
    assert "member-one" in said
    series = tmp_path / "series"
    series.mkdir()
    (series / "series.json").write_text("{}")
    assert leaves(series, "-o", tmp_path / "model.onnx") == 1
    assert "this folder holds a series of runs, not a run" in capfd.readouterr().err
    assert leaves(tmp_path / "nothing", "-o", tmp_path / "model.onnx") == 1
    assert not (tmp_path / "model.onnx").exists()


def edited(run: Path, old: str, new: str, skeleton: bool = False) -> None:
    """A run whose program somebody edited before it ran: the lock has its digest."""
    train_py = run / "program" / "train.py"
    text = train_py.read_text()
    assert old in text
    train_py.write_text(text.replace(old, new))
    lock = json.loads((run / "lock.json").read_text())
    lock["program_sha256"] = sha256(train_py.read_bytes()).hexdigest()
    (run / "lock.json").write_text(json.dumps(lock))
    if skeleton:  # one that claims to be of the edited program
        model = onnx.load(run / "program" / "tiny.onnx")
        onnx.helper.set_model_props(model, {"train_py_sha256": lock["program_sha256"]})
        onnx.save(model, run / "program" / "tiny.onnx")


@pytest.mark.parametrize("skeleton", [False, True])
def test_a_program_that_was_edited_into_another_network(
    finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path, skeleton: bool
) -> None:
    run = copied(finished_runs.one, tmp_path)
    edited(run, 'sym.Activation(a_bn, act_type="relu"', 'sym.Activation(a_bn, act_type="tanh"', skeleton)
    assert leaves(run, "-o", tmp_path / "model.onnx") == 1
    said = " ".join(capfd.readouterr().err.split())
    assert "the exported network is not MXNet's" in said
    assert "the first layer that differs is `a_relu`" in said
    assert "nothing was written" in said
    assert [path.name for path in tmp_path.iterdir()] == [run.name]


def test_a_run_without_a_skeleton_is_exported_by_its_program_json(finished_runs: Runs, tmp_path: Path) -> None:
    """Old ones have none, nor have programs that were edited before they ran, as this one."""
    run = copied(finished_runs.one, tmp_path)
    edited(run, "epochs=2", "epochs=2 + 0")
    (run / "program" / "tiny.onnx").unlink()
    assert leaves(run, "-o", tmp_path / "model.onnx") == 0


def test_a_program_that_was_changed_since_is_refused(
    finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run = copied(finished_runs.one, tmp_path)
    with (run / "program" / "train.py").open("a") as file:
        file.write("# mine\n")
    assert leaves(run, "-o", tmp_path / "model.onnx") == 1
    assert "this is not the program that was run" in capfd.readouterr().err


def test_photographs_that_are_gone(finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert leaves(finished_runs.one, "-o", tmp_path / "model.onnx", "--root", tmp_path) == 1
    assert "labels.csv" in capfd.readouterr().err
    assert not (tmp_path / "model.onnx").exists()


def test_without_the_package(
    finished_runs: Runs, capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert leaves(finished_runs.one, "-o", tmp_path / "model.onnx") == 1
    said = capfd.readouterr().err
    assert "this needs the package `onnx`, which is not installed" in said
    assert "pip install 'retdsl[onnx]'" in said
