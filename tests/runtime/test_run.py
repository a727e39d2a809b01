"""Whole runs through the command line of a generated program."""

from __future__ import annotations

import csv as csv_format
import json
import math
import os
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from tiny_study import CLASSES, experiment, network, paint

from retdsl.runtime import auc, hard, progressive, sensitivity
from retdsl.runtime.answers import read_answers
from retdsl.runtime.checkpoint import every
from retdsl.runtime.drawing import Pool
from retdsl.runtime.files import finite
from retdsl.runtime.judging import judge
from retdsl.runtime.losses import Softmax, WSoftmax
from retdsl.runtime.mx import mx
from retdsl.runtime.program import _usual_threads, run_program
from retdsl.runtime.sampling import resample
from retdsl.runtime.schedules import Course, cosine
from retdsl.runtime.split import by_patient
from retdsl.runtime.trainer import Trainer

HERE = Path(__file__).resolve().parent
PATHS = {"PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), str(HERE)])}

PROGRAM = """
from pathlib import Path
from tiny_study import experiment
from retdsl.runtime import main

if __name__ == "__main__":
    main(experiment(Path("."), program=__file__, training={{"epochs": {epochs}}}))
"""


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    return paint(tmp_path_factory.mktemp("photographs"))


@pytest.fixture(scope="module")
def done(photographs, tmp_path_factory):
    """A finished run: its folder."""
    folder = tmp_path_factory.mktemp("runs") / "first"
    assert run_program(experiment(photographs), ["--run", str(folder), "--plain", "--threads", "2"]) == 0
    return folder


def run(experiment, folder, *more):
    return run_program(experiment, ["--run", str(folder), "--plain", "--threads", "2", *more])


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def params_hashes(folder):
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in (folder / "checkpoints").glob("*.params")}


def test_metrics_have_a_line_an_epoch(done):
    found = lines(done)
    assert [line["epoch"] for line in found] == [1, 2, 3]
    for line in found:
        assert list(line["valid"]) == list(line["train"]) == ["loss", "accuracy", "multi_ace", "auc"]
        assert line["seconds"] > 0
        assert line["saved"] == f"tiny-{line['epoch']:04d}.params"


def test_predictions_agree_with_the_final_figures(done):
    figures = json.loads((done / "test.json").read_text())
    rows = list(csv_format.DictReader((done / "predictions.csv").open()))
    assert list(rows[0]) == ["image", "patient", "label", "p_healthy", "p_infected"]
    assert len(rows) == figures["images"]
    labels = [CLASSES.index(row["label"]) for row in rows]
    scores = [float(row["p_infected"]) for row in rows]
    assert figures["auc"] == pytest.approx(roc_auc_score(labels, scores))
    assert figures["class_counts"] == {"healthy": labels.count(0), "infected": labels.count(1)}
    assert figures["patients"] == len({row["patient"] for row in rows})
    best = json.loads((done / "checkpoints" / "best.json").read_text())
    assert figures["best_epoch"] == best["epoch"]
    assert best["value"] == max(line["valid"]["auc"] for line in lines(done))
    assert figures["images_per_second"] > 0


def test_final_figures_have_intervals_and_thresholds_come_from_validation(photographs, tmp_path, capsys):
    metrics = (auc(), sensitivity(at_specificity=0.9))
    assert run(experiment(photographs, training={"epochs": 2, "metrics": metrics}), tmp_path) == 0
    figures = json.loads((tmp_path / "test.json").read_text())
    test, validation = (read_answers(tmp_path / name) for name in ("predictions.csv", "validation.csv"))
    again = json.loads(json.dumps(finite(judge(metrics, test, validation))))
    assert {key: figures[key] for key in again} == again
    [point] = figures["operating_points"]
    low, high = figures["auc_ci"]
    lines = [" ".join(line.split()) for line in capsys.readouterr().err.splitlines()]
    shown = f"auc {figures['auc']:.3f}" + (f" [{low:.3f}, {high:.3f}]" if low is not None else "")
    title = lines.index("threshold from validation, for sensitivity at 90 % specificity")
    assert lines[title + 1].startswith(f"threshold {point['threshold']:.4f}")
    assert any(line.startswith(shown) for line in lines[title:])


def test_the_checkpoint_is_an_ordinary_one(done):
    epoch = json.loads((done / "checkpoints" / "best.json").read_text())["epoch"]
    symbol, arguments, auxiliary = mx.model.load_checkpoint(str(done / "checkpoints" / "tiny"), epoch)
    assert {*symbol.list_arguments()} == {*arguments, "data", "softmax_label"}
    assert {*symbol.list_auxiliary_states()} == {*auxiliary}


def test_the_lock_holds_what_a_repeat_needs(done, photographs):
    lock = json.loads((done / "lock.json").read_text())
    train = lock["split"]["train"]
    assert train["images"] == train["healthy"] + train["infected"]
    assert lock["class_weights"] == {"healthy": 1.0, "infected": train["healthy"] / train["infected"]}
    assert lock["labels_sha256"] == {"labels.csv": sha256((photographs / "labels.csv").read_bytes()).hexdigest()}
    assert lock["seed"] == 7
    assert lock["versions"]["mxnet"] == "1.9.1"
    assert len(lock["split_sha256"]) == 64


def test_the_lock_says_what_came_from_the_cache(photographs, tmp_path):
    for number, options in enumerate(([], [], ["--no-cache"])):
        study = experiment(photographs, name="cached", training={"epochs": 1})
        assert run_program(study, ["--run", str(tmp_path / str(number)), "--threads", "1", "--plain", *options]) == 0
    facts = [json.loads((tmp_path / str(number) / "lock.json").read_text())["cache"] for number in range(3)]
    assert (facts[1]["cached"], facts[1]["prepared"]) == (44, 0)
    assert facts[0]["folder"] == facts[1]["folder"]
    assert facts[2] is None
    figures = {(tmp_path / str(number) / "predictions.csv").read_bytes() for number in range(3)}
    assert len(figures) == 1


def test_the_lock_proves_what_stayed_as_it_was(done):
    [phase] = json.loads((done / "lock.json").read_text())["frozen"]
    names = ["conv0_weight", "bn0_gamma", "bn0_beta", "bn0_moving_mean", "bn0_moving_var"]
    assert (phase["epochs"], phase["parameters"], phase["statistics"]) == ([1, 3], 3, 2)
    assert sorted(phase["names"]) == sorted(names)
    _, arguments, auxiliary = mx.model.load_checkpoint(str(done / "checkpoints" / "tiny"), 3)
    arrays = {name: array.asnumpy().tobytes() for name, array in {**arguments, **auxiliary}.items() if name in names}
    lines = "".join(f"{name} {sha256(arrays[name]).hexdigest()}\n" for name in sorted(names))
    assert phase["sha256"] == dict.fromkeys(("before", "after"), sha256(lines.encode()).hexdigest())


def test_the_same_run_again_is_the_same_to_the_bit(done, photographs, tmp_path):
    again = tmp_path / "again"
    assert run(experiment(photographs), again) == 0
    assert params_hashes(again) == params_hashes(done)
    assert (again / "predictions.csv").read_bytes() == (done / "predictions.csv").read_bytes()


def test_keeping_features_changes_no_figure(done, photographs, tmp_path):
    assert run(experiment(photographs, training={"cache": None}), tmp_path / "run") == 0
    assert params_hashes(tmp_path / "run") == params_hashes(done)
    assert [line["valid"] for line in lines(tmp_path / "run")] == [line["valid"] for line in lines(done)]


def test_no_run_is_overwritten(done, photographs, capsys):
    before = params_hashes(done)
    assert run(experiment(photographs), done) == 1
    assert "holds a run already" in capsys.readouterr().err
    assert params_hashes(done) == before


def test_plain_output_has_a_line_an_epoch_and_a_summary(photographs, tmp_path, capsys):
    assert run(experiment(photographs), tmp_path / "run") == 0
    err = capsys.readouterr().err
    assert "photographs to learn from" in err
    assert sum(line.startswith("epoch ") for line in err.splitlines()) == 3
    assert "tiny: done in" in err
    assert str(tmp_path / "run") in err


def test_what_others_put_into_the_lock_stays(photographs, tmp_path):
    (tmp_path / "lock.json").write_text('{"spec_sha256": "abc"}')
    assert run(experiment(photographs, training={"epochs": 1}), tmp_path) == 0
    lock = json.loads((tmp_path / "lock.json").read_text())
    assert lock["spec_sha256"] == "abc"
    assert lock["experiment"] == "tiny"


def test_without_validation_or_test_images(photographs, tmp_path):
    data = experiment(photographs).data
    alone = type(data)(data.source, data.classes, by_patient(1.0, 0.0, 0.0), data.prepare, data.normalize)
    assert run(experiment(photographs, data=alone, training={"epochs": 2, "checkpoint": every()}), tmp_path) == 0
    assert [line["valid"] for line in lines(tmp_path)] == [None, None]
    assert json.loads((tmp_path / "test.json").read_text())["images"] == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"network": network(input_shape=(3, 20, 20))}, "are 16 x 16 when prepared, the network takes 20 x 20"),
        ({"network": network(frozen_parameters=("*",))}, "there is nothing to train"),
        ({"network": network(loss=WSoftmax((1.0, 2.0, 3.0)))}, "3 class weights for 2 classes"),
        ({"training": {"metrics": ()}}, "`best(auc)` needs the metric `auc`"),
        ({"root": Path("/nowhere")}, "labels.csv"),
    ],
)
def test_errors_are_worded(photographs, tmp_path, capsys, changes, said):
    assert run(experiment(changes.pop("root", photographs), **changes), tmp_path / "run") == 1
    err = capsys.readouterr().err
    assert said in err
    assert "\nerror: " in "\n" + err
    assert "Traceback" not in err


def test_a_folder_that_cannot_be_written(photographs, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run(experiment(photographs), tmp_path / "file" / "run") == 1
    assert "cannot write" in capsys.readouterr().err


def test_a_defect_goes_into_a_file(photographs, tmp_path, capsys):
    def broken(_features):
        raise ZeroDivisionError("by nothing")

    assert run(experiment(photographs, network=network(trained=broken)), tmp_path / "run") == 70
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert str(tmp_path / "run" / "defect.txt") in err
    assert "by nothing" in (tmp_path / "run" / "defect.txt").read_text()


def test_wrong_usage(photographs):
    with pytest.raises(SystemExit) as left:
        run_program(experiment(photographs), ["--threads", "0"])
    assert left.value.code == 2


def test_symbols_alone(photographs, tmp_path):
    assert run_program(experiment(photographs), ["--symbols", str(tmp_path)]) == 0
    symbol = mx.sym.load(str(tmp_path / "tiny-symbol.json"))
    deploy = mx.sym.load(str(tmp_path / "tiny-deploy-symbol.json"))
    assert set(symbol.list_arguments()) - set(deploy.list_arguments()) == {"softmax_label"}


def test_the_deploy_symbol_needs_no_labels(tmp_path, capsys):
    nowhere = tmp_path / "nowhere"
    assert run_program(experiment(nowhere), ["--symbols", str(tmp_path)]) == 1
    assert "labels.csv" in capsys.readouterr().err
    assert (tmp_path / "tiny-deploy-symbol.json").exists()
    assert not (tmp_path / "tiny-symbol.json").exists()
    plain = experiment(nowhere, network=network(loss=Softmax()))
    assert run_program(plain, ["--symbols", str(tmp_path)]) == 0
    assert (tmp_path / "tiny-symbol.json").exists()


def started(folder, photographs, epochs, *more):
    (folder / "train.py").write_text(PROGRAM.format(epochs=epochs))
    command = [sys.executable, "train.py", "--root", str(photographs), "--run", "run", "--plain", *more]
    return subprocess.Popen(command, cwd=folder, env={**os.environ, **PATHS}, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("kinds", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGTERM, signal.SIGINT]])
def test_an_interrupted_run_leaves_whole_files_and_says_what_is_saved(photographs, tmp_path, kinds):
    process = started(tmp_path, photographs, 100_000)
    metrics = tmp_path / "run" / "metrics.jsonl"
    patience = time.monotonic() + 600
    while not (metrics.exists() and metrics.read_text().count("\n") >= 2):
        assert time.monotonic() < patience
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    for kind in kinds:
        process.send_signal(kind)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "interrupted: epoch " in err
    epochs = [line["epoch"] for line in lines(tmp_path / "run")]
    assert epochs == list(range(1, len(epochs) + 1))
    latest = max((tmp_path / "run" / "checkpoints").glob("*.params"))
    assert latest.name in err
    assert not list((tmp_path / "run").rglob("*.part"))
    mx.nd.load(str(latest))


def test_another_process_with_the_same_threads_gives_the_same_bits(photographs, tmp_path):
    hashes = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        _, err = (process := started(folder, photographs, 3, "--threads", "2")).communicate(timeout=600)
        assert process.returncode == 0, err
        hashes.append(params_hashes(folder / "run"))
        lock = json.loads((folder / "run" / "lock.json").read_text())
        assert lock["program_sha256"] == sha256((folder / "train.py").read_bytes()).hexdigest()
        assert lock["threads"] == 2
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize(("said", "meant"), [("3", 3), ("", None), ("4,2", None), ("0", None)])
def test_threads_unless_given(said, meant, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert _usual_threads() == (meant or len(os.sched_getaffinity(0)))


def test_help_does_not_load_mxnet(tmp_path):
    (tmp_path / "train.py").write_text(PROGRAM.format(epochs=1))
    command = [sys.executable, "-X", "importtime", "train.py", "--help"]
    out = subprocess.run(command, cwd=tmp_path, env={**os.environ, **PATHS}, capture_output=True, text=True, check=True)
    assert "--symbols DIR" in out.stdout
    assert "retdsl.runtime.run_folder" in out.stderr
    assert "mxnet" not in out.stderr.replace("retdsl.weights.mxnet_params", "")


def test_epochs_shrink_with_a_progressive_sampling(photographs, tmp_path):
    """Epochs and steps have the lengths that were told before training began."""
    folder = tmp_path / "run"
    found = experiment(photographs, sampling=progressive(epochs=3), training={"epochs": 4, "batch": 16})
    assert run(found, folder) == 0
    train = json.loads((folder / "lock.json").read_text())["split"]["train"]
    rates = [line["learning_rate"] for line in lines(folder)]
    counts = (train["healthy"], train["infected"])
    images = [sum(progressive(epochs=3).counts(Pool(np.repeat([0, 1], counts)), epoch)) for epoch in (1, 2, 3, 4)]
    assert images[0] == train["images"]
    assert images[2] == images[3] == 2 * min(counts)
    assert [sum(line["images"].values()) for line in lines(folder)] == images
    assert lines(folder)[3]["images"] == {"healthy": min(counts), "infected": min(counts)}
    course = Course(tuple(math.ceil(number / 16) for number in images))
    assert rates == [0.05 * cosine(warmup=1).multiplier(course.until(epoch), course) for epoch in (1, 2, 3, 4)]


def test_hard_examples_are_those_of_the_largest_losses(photographs, tmp_path, monkeypatch):
    """What the second epoch is drawn from is what the first one found, image by image."""
    seen, pools = [], []
    train, draw = Trainer.train_epoch, hard.epoch

    def looking(self, *arguments, **options):
        outcome = train(self, *arguments, **options)
        found = outcome.predictions
        seen.append((found.indices, self.loss_of(found.probabilities, found.labels)))
        return outcome

    def drawing(self, pool, seed, epoch):
        pools.append((epoch, pool.losses.copy()))
        return draw(self, pool, seed, epoch)

    monkeypatch.setattr(Trainer, "train_epoch", looking)
    monkeypatch.setattr(hard, "epoch", drawing)
    found = experiment(photographs, sampling=hard(0.5, resample()), training={"epochs": 3})
    assert run(found, tmp_path / "run") == 0
    assert [epoch for epoch, _ in pools] == [1, 2, 3]
    assert np.isnan(pools[0][1]).all()
    positions = found.data.open(photographs).train
    losses = dict.fromkeys(positions, math.nan)
    for (_, told), (indices, values) in zip(pools[1:], seen, strict=False):
        losses.update(zip(indices.tolist(), values.tolist(), strict=True))
        np.testing.assert_array_equal(told, list(losses.values()))
