"""Five painted grades from photographs to figures, with a head that goes by their order."""

from __future__ import annotations

import csv as csv_format
import json

import cv2
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from tiny_study import SIDE, experiment, network

from retdsl.runtime.checkpoint import best, every
from retdsl.runtime.class_weights import inverse_frequency
from retdsl.runtime.dataset import Data
from retdsl.runtime.losses import Ordinal
from retdsl.runtime.metrics import balanced_accuracy
from retdsl.runtime.mixing import mixup
from retdsl.runtime.mx import mx
from retdsl.runtime.program import run_program
from retdsl.runtime.split import by_patient
from retdsl.runtime.symbols import sym
from retdsl.runtime.tables import csv

GRADES = ("none", "mild", "moderate", "severe", "proliferative")


def paint(root):
    """Grey noise, the redder the worse; the worse a grade, the rarer."""
    random = np.random.RandomState(3)
    rows = ["image,label,patient"]
    for index in range(200):
        grade = int(random.choice(5, p=[0.4, 0.2, 0.2, 0.1, 0.1]))
        photo = random.randint(60, 100, (SIDE, SIDE, 3)).astype(np.uint8)
        photo[:, :, 2] += np.uint8(30 * grade)
        cv2.imwrite(str(root / f"{index:03d}.png"), photo)
        rows.append(f"{index:03d}.png,{GRADES[grade]},p{index}")
    (root / "labels.csv").write_text("\n".join(rows) + "\n")
    return root


def graded_part(features):
    pool = sym.Pooling(features["data"], global_pool=True, pool_type="avg", kernel=(1, 1), name="pool")
    hidden = sym.FullyConnected(sym.Flatten(pool, name="flatten"), num_hidden=16, name="hidden")
    relu = sym.Activation(hidden, act_type="relu", name="relu")
    return sym.FullyConnected(relu, num_hidden=5, name="fc")


@pytest.mark.parametrize(
    ("loss", "augment"),
    [(Ordinal(), ()), (Ordinal(inverse_frequency(), smoothing=0.1), ()), (Ordinal(smoothing=0.1), (mixup(),))],
    ids=["plain", "weighted and smoothed", "mixed"],
)
def test_grades_are_learned_in_their_order(tmp_path, loss, augment):
    root = paint(tmp_path)
    study = experiment(
        root,
        network=network(loss=loss, frozen=None, trained=graded_part),
        data=Data(csv("labels.csv", patient="patient"), GRADES, by_patient(0.5, 0.25, 0.25, seed=1)),
        augment=augment,
        training={
            "epochs": 40,
            "metrics": (balanced_accuracy(),),
            "checkpoint": every(10, keep=best("balanced_accuracy")),
        },
    )
    run = tmp_path / "run"
    assert run_program(study, ["--root", str(root), "--run", str(run), "--plain"]) == 0
    with (run / "predictions.csv").open() as file:
        rows = list(csv_format.DictReader(file))
    answers = np.array([[float(row[f"p_{grade}"]) for grade in GRADES] for row in rows])
    labels = [GRADES.index(row["label"]) for row in rows]
    assert (answers >= 0).all()
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)
    assert cohen_kappa_score(labels, answers.argmax(axis=1), weights="quadratic") > 0.8
    epochs = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert epochs[-1]["train"]["loss"] < 0.7 * epochs[0]["train"]["loss"]
    # What is reported of the test side is the head's own loss, smoothed where it smooths.
    if not isinstance(loss.weights, inverse_frequency):
        said = json.loads((run / "test.json").read_text())["loss"]
        assert said == pytest.approx(loss.value(answers, np.array(labels), None).mean(), rel=1e-4)
    symbol = mx.sym.load(str(run / "checkpoints" / "tiny-symbol.json"))
    assert symbol.list_outputs() == ["softmax_output"]
