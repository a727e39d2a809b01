"""Runs with all that happens between their batches: rates, rhythm, stopping, callbacks, and how they end badly."""

from __future__ import annotations

import json
from itertools import accumulate as sums

import numpy as np
import pytest
from test_phases import network as network_in_phases
from tiny_study import CLASSES, experiment, network, paint
from tiny_trainer import batches, trainer

from retdsl.runtime.average import ema
from retdsl.runtime.callbacks import every_batches, every_epochs
from retdsl.runtime.checkpoint import every
from retdsl.runtime.clipping import norm
from retdsl.runtime.dataset import Data
from retdsl.runtime.metrics import auc
from retdsl.runtime.network_input import normalize
from retdsl.runtime.optimizers import adam, adamw, lars, rmsprop, sgd
from retdsl.runtime.periods import batches as so_many_batches
from retdsl.runtime.periods import epochs as so_many_epochs
from retdsl.runtime.program import run_program
from retdsl.runtime.split import by_patient
from retdsl.runtime.stopping import early
from retdsl.runtime.tables import csv


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return paint(tmp_path_factory.mktemp("photographs"))


def run(root, folder, code=0, **training):
    changes = {key: training.pop(key) for key in ("data", "network") if key in training}
    made = experiment(root, training=training, **changes)
    assert run_program(made, ["--run", str(folder), "--plain", "--threads", "1"]) == code
    return folder


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


# --- rates of parts


@pytest.mark.parametrize("optimizer", [sgd(lr=0.01), adam(lr=0.001), adamw(lr=0.001), rmsprop(), lars(lr=1.0)])
def test_a_factor_multiplies_the_first_step(optimizer):
    """The gradient is the same, and so is what the optimizer makes of it."""
    [batch] = batches(8)
    steps = []
    for rates in ({}, {"fc_*": 10.0, "conv1_weight": 0.5}):
        made = trainer(network(), optimizer=optimizer, rates=rates)
        before = made.parameters().arguments
        made.train_epoch(1, [batch])
        steps.append({name: made.parameters().arguments[name] - before[name] for name in before})
    plain, tuned = steps
    for name, factor in {"fc_weight": 10, "fc_bias": 10, "conv1_weight": 0.5, "bn1_gamma": 1, "bn1_beta": 1}.items():
        np.testing.assert_allclose(tuned[name], plain[name] * factor, rtol=2e-3, atol=1e-6, err_msg=name)


def test_the_first_pattern_that_matches_counts():
    made = trainer(network(), rates={"fc_bias": 3.0, "fc_*": 2.0})
    assert [made._recipe.rate_of(name) for name in ("fc_bias", "fc_weight", "conv1_weight")] == [3.0, 2.0, 1.0]


# --- rhythm


def test_callbacks_are_called_in_their_rhythm(root, tmp_path):
    moments, epochs, all_moments = [], [], []
    run(
        root,
        tmp_path / "run",
        epochs=4,
        callbacks=(
            every_batches(1, all_moments.append),
            every_batches(4, moments.append),
            every_epochs(2, epochs.append),
        ),
    )
    assert [line["epoch"] for line in epochs] == [2, 4]
    assert epochs == [line for line in lines(tmp_path / "run" / "metrics.jsonl") if line["epoch"] % 2 == 0]
    assert moments == all_moments[3::4]
    of_epochs = [max(m.batch for m in all_moments if m.epoch == epoch) for epoch in (1, 2, 3, 4)]
    assert len(all_moments) == list(sums(of_epochs))[-1] == all_moments[-1].updates
    last = [m for m in all_moments if m.epoch == 4][-1]
    assert last.mean_loss == pytest.approx(epochs[-1]["train"]["loss"])
    assert last.learning_rate == epochs[-1]["learning_rate"]
    assert last.gradient_norm > 0


def test_a_line_of_steps_every_few_batches(root, tmp_path):
    run(root, tmp_path / "run", log=every(so_many_batches(2)), validate=every(so_many_batches(3)), epochs=3)
    found = lines(tmp_path / "run" / "steps.jsonl")
    steps = [line for line in found if "valid" not in line]
    looks = [line for line in found if "valid" in line]
    assert set(steps[0]) == {
        *("epoch", "batch", "updates", "images", "loss", "mean_loss", "learning_rate"),
        *("gradient_norm", "images_per_second"),
    }
    assert all(line["batch"] % 1 == 0 and line["gradient_norm"] > 0 for line in steps)
    assert [line["updates"] for line in steps] == list(range(2, 2 * len(steps) + 1, 2))
    assert [line["updates"] for line in looks] == list(range(3, 3 * len(looks) + 1, 3))
    assert set(looks[0]["valid"]) == {"loss", "accuracy", "multi_ace", "auc"}
    assert all(line["valid"] for line in lines(tmp_path / "run" / "metrics.jsonl"))


def test_looking_within_epochs_changes_nothing(root, tmp_path):
    plain = run(root, tmp_path / "plain")
    looked = run(root, tmp_path / "looked", validate=every(so_many_batches(1)), log=every(so_many_batches(1)))
    for name in ("tiny-0003.params", "tiny-0003.states"):
        assert (plain / "checkpoints" / name).read_bytes() == (looked / "checkpoints" / name).read_bytes()


def test_validation_every_other_epoch(root, tmp_path):
    folder = run(root, tmp_path / "run", validate=every(so_many_epochs(2)), epochs=5, checkpoint=every(1))
    found = lines(folder / "metrics.jsonl")
    assert [line["valid"] is not None for line in found] == [False, True, False, True, True]
    best = json.loads((folder / "checkpoints" / "best.json").read_text())
    assert best["epoch"] in (2, 4, 5)
    assert all(line["saved"] for line in found)


# --- stopping early


def test_a_run_that_stops_early(root, tmp_path, capsys):
    folder = run(root, tmp_path / "run", stop=early(auc(), patience=2, min_delta=0.9), epochs=9)
    found = lines(folder / "metrics.jsonl")
    assert len(found) == 3
    assert found[-1]["saved"] == "tiny-0003.params", "the last one is saved, and the best is kept"
    test = json.loads((folder / "test.json").read_text())
    assert test["epochs"] == 3
    assert test["stopped"].startswith("valid auc has not become better since epoch 1")
    assert "stopped after epoch 3: valid auc has not become better since epoch 1" in capsys.readouterr().err
    lock = json.loads((folder / "lock.json").read_text())
    assert lock["frozen"][-1]["epochs"] == [1, 3]
    assert (folder / "predictions.csv").exists()


def test_stopping_needs_validation_images(root, tmp_path, capsys):
    data = Data(source=csv("labels.csv", patient="patient"), classes=CLASSES, split=by_patient(0.7, 0.0, 0.3, seed=1))
    run(root, tmp_path / "run", code=1, stop=early(auc()), data=data)
    assert "`stop` needs validation images, and the split has none" in capsys.readouterr().err


# --- the average of the weights


def test_figures_and_checkpoints_are_of_the_average(root, tmp_path):
    plain = run(root, tmp_path / "plain")
    judged = run(root, tmp_path / "judged", average=ema(0.9))
    one, other = (lines(folder / "metrics.jsonl") for folder in (plain, judged))
    for a, b in zip(one, other, strict=True):
        assert a["train"] == b["train"], "training goes on as without"
        assert a["valid"] != b["valid"]
    states = "tiny-0003.states"
    assert (plain / "checkpoints" / states).read_bytes() == (judged / "checkpoints" / states).read_bytes()
    params = "tiny-0003.params"
    assert (plain / "checkpoints" / params).read_bytes() != (judged / "checkpoints" / params).read_bytes()


# --- a bad end


def test_a_rate_that_explodes_leaves_the_last_good_state(root, tmp_path, capsys):
    """It explodes in epoch 2: what epoch 1 saved is as it was, and is named."""
    kept = {}

    def keep(line):
        path = tmp_path / "run" / "checkpoints" / line["saved"]
        kept[path] = path.read_bytes()

    class jump:
        def multiplier(self, update, course):
            return 1.0 if course.epoch_of(update) == 1 else 1e30

    run(root, tmp_path / "run", code=1, schedule=jump(), epochs=6, callbacks=(every_epochs(1, keep),))
    error = capsys.readouterr().err
    assert "training diverged" in error
    assert "in epoch 2, batch" in error or "epoch 2 ended" in error
    assert "the last good state is epoch 1" in error
    assert list(kept) == [tmp_path / "run" / "checkpoints" / "tiny-0001.params"]
    for path, content in kept.items():
        assert path.read_bytes() == content
        assert str(path) in error


def test_photographs_without_numbers_are_named(root, tmp_path, capsys):
    """Divided by a deviation that is next to nothing."""
    data = Data(
        source=csv("labels.csv", patient="patient"),
        classes=CLASSES,
        split=by_patient(0.5, 0.25, 0.25, seed=1),
        normalize=normalize(mean=(0.0, 0.0, 0.0), std=(1e-45, 1.0, 1.0)),
    )
    run(root, tmp_path / "run", code=1, data=data)
    error = capsys.readouterr().err
    assert "its photographs have numbers that are none before they reach the network" in error
    assert ".png" in error
    assert "look at these photographs, and at what `normalize` divides by" in error
    assert "no epoch is finished, and nothing is saved" in error


def test_clipping_tames_what_would_explode(root, tmp_path):
    folder = run(root, tmp_path / "run", optimizer=sgd(lr=0.5), clip=norm(0.01), epochs=2)
    assert all(np.isfinite(line["train"]["loss"]) for line in lines(folder / "metrics.jsonl"))


def test_a_part_that_is_unfrozen_later_has_its_rate_from_then_on():
    """Gradual unfreezing with lower rates further down, as Howard and Ruder train: the steps are in that proportion."""
    steps = []
    for rates in ({}, {"conv2_*": 0.5, "conv1_*": 0.1}):
        made = trainer(network_in_phases(), weights=None, optimizer=sgd(lr=0.05), rates=rates, epochs=3)
        before = made.parameters().arguments
        made.train_epoch(1, batches())
        assert made.parameters().arguments["conv1_weight"].tobytes() == before["conv1_weight"].tobytes()
        made.begin_phase(3)
        before = made.parameters().arguments
        made.train_epoch(3, batches(8))
        steps.append({name: made.parameters().arguments[name] - before[name] for name in before})
    plain, tuned = steps
    for name, factor in {"conv1_weight": 0.1, "conv2_weight": 0.5, "fc_weight": 1.0}.items():
        np.testing.assert_allclose(tuned[name], plain[name] * factor, rtol=1e-3, atol=1e-7, err_msg=name)
