"""Soft labels on their way: from graders, or from images that are mixed, through the loader and training to figures."""

from __future__ import annotations

import csv as csv_format
import json
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from tiny_study import CLASSES, SIDE, experiment, network, paint, whole_part
from tiny_trainer import BATCH, batches, trainer

from retdsl.runtime import gaussian_noise
from retdsl.runtime.agreement import consensus
from retdsl.runtime.checkpoint import every
from retdsl.runtime.class_weights import inverse_frequency
from retdsl.runtime.dataset import Data
from retdsl.runtime.labels import findings
from retdsl.runtime.loader import Loader
from retdsl.runtime.losses import FocalSoftmax, Sigmoid, Softmax, WSoftmax
from retdsl.runtime.metrics import accuracy, auc
from retdsl.runtime.mx import mx
from retdsl.runtime.optimizers import sgd
from retdsl.runtime.program import run_program
from retdsl.runtime.schedules import Course, constant
from retdsl.runtime.split import by_patient
from retdsl.runtime.symbols import sym
from retdsl.runtime.tables import csv
from retdsl.runtime.trainer import Recipe, Trainer

LOSSES = [
    pytest.param(Softmax(), None, id="softmax"),
    pytest.param(WSoftmax((1.0, 2.0)), (1.0, 2.0), id="weighted"),
    pytest.param(FocalSoftmax(2.0), None, id="focal"),
    pytest.param(FocalSoftmax(2.0, (1.0, 2.0)), (1.0, 2.0), id="focal weighted"),
]


def trained(loss, weights, *, soft, data):
    net = network(loss=loss, frozen=None, trained=whole_part)
    start = net.starting_values(net.deploy_symbol(), 7, None, None)
    recipe = Recipe(sgd(lr=0.05, momentum=0.9), constant(), Course((3, 3)), BATCH, 7, weights, soft=soft)
    made = Trainer(net, start, recipe)
    return made, [made.train_epoch(epoch, data) for epoch in (1, 2)]


def one_hot(batch):
    return replace(batch, labels=np.eye(2, dtype=np.float32)[batch.labels.astype(int)])


@pytest.mark.parametrize(("loss", "weights"), LOSSES)
def test_classes_as_soft_labels_train_the_same_network(loss, weights):
    hard, hard_epochs = trained(loss, weights, soft=False, data=batches())
    soft, soft_epochs = trained(loss, weights, soft=True, data=[one_hot(batch) for batch in batches()])
    for name, value in hard.parameters().all().items():
        np.testing.assert_allclose(soft.parameters().all()[name], value, rtol=1e-4, atol=1e-5, err_msg=name)
    for one, other in zip(hard_epochs, soft_epochs, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-5)
        np.testing.assert_array_equal(one.predictions.labels, other.predictions.labels)


def test_batches_of_classes_may_stand_among_soft_ones():
    data = batches()
    mixed = [one_hot(data[0]), *data[1:]]
    some, _ = trained(Softmax(), None, soft=True, data=mixed)
    every, _ = trained(Softmax(), None, soft=True, data=[one_hot(batch) for batch in data])
    for name, value in every.parameters().all().items():
        np.testing.assert_array_equal(some.parameters().all()[name], value, err_msg=name)


def test_what_soft_labels_say_is_learned():
    """A network that sees nothing but noise ends at the mean of its soft labels."""
    random = np.random.RandomState(0)
    shares = np.tile(np.float32([0.7, 0.3]), (BATCH, 1))
    data = [
        replace(batch, images=random.normal(0, 0.01, (BATCH, 3, SIDE, SIDE)).astype(np.float32), labels=shares)
        for batch in batches(4 * BATCH)
    ]
    net = network(loss=Softmax(), frozen=None, trained=whole_part)
    start = net.starting_values(net.deploy_symbol(), 7, None, None)
    made = Trainer(net, start, Recipe(sgd(lr=0.1), constant(), Course((4,) * 60), BATCH, 7, None, soft=True))
    for epoch in range(1, 61):
        outcome = made.train_epoch(epoch, data)
    np.testing.assert_allclose(outcome.predictions.probabilities.mean(axis=0), [0.7, 0.3], atol=0.05)
    assert (outcome.predictions.labels == 0).all()


def test_soft_and_hard_heads_have_the_same_parameters_and_load():
    for soft in (False, True):
        symbol = mx.sym.load_json(network().whole_symbol((1.0, 2.0), soft=soft).tojson())
        assert set(symbol.list_arguments()) == set(network().whole_symbol((1.0, 2.0)).list_arguments())
    made = trainer(network())
    assert "targets" not in made.whole_symbol


class Fixed:
    """Two photographs, held in memory."""

    def __getitem__(self, index):
        return np.full((4, 4, 3), index, np.uint8)


def test_the_loader_hands_soft_labels_to_training_alone(tmp_path):
    dataset = Data(csv("labels.csv", patient="patient"), CLASSES, by_patient(0.5, 0.25, 0.25)).divided(paint(tmp_path))
    targets = np.float32([[0.25, 0.75], [1, 0]])
    loader = Loader(Fixed(), dataset, [0, 1], [1, 0], batch=2, targets=targets)
    (training,) = loader.epoch([1, 0], 1, training=True)
    (others,) = loader.epoch([1, 0], 1, training=False)
    np.testing.assert_array_equal(training.labels, targets[::-1])
    np.testing.assert_array_equal(others.labels, [0, 1])


@dataclass(frozen=True)
class mixing(gaussian_noise):
    """An augmentation that says that it mixes; images alone are enough for what is tested here."""

    mixes: ClassVar[bool] = True


def test_an_experiment_knows_whether_labels_are_soft(tmp_path):
    assert not experiment(tmp_path).soft
    assert experiment(tmp_path, augment=(mixing(),)).soft
    data = Data(csv("labels.csv"), CLASSES, by_patient(), labels=consensus(("a", "b"), soft=True))
    assert experiment(tmp_path, data=data).soft
    assert not experiment(tmp_path, data=replace(data, labels=consensus(("a", "b")))).soft


def graded(root):
    """The painted photographs with three graders: the second errs now and then, the third has not seen all."""
    paint(root)
    with (root / "labels.csv").open() as table:
        rows = list(csv_format.DictReader(table))
    lines = ["image,a,b,c,patient"]
    for at, row in enumerate(rows):
        other = CLASSES[1 - CLASSES.index(row["label"])]
        b = other if at % 5 == 0 else row["label"]
        c = "" if at % 4 == 0 else row["label"]
        lines.append(f"{row['image']},{row['label']},{b},{c},{row['patient']}")
    (root / "graded.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("method", ["majority", "dawid_skene"])
def test_a_study_of_several_graders_runs(tmp_path, capsys, soft, method):
    root = graded(tmp_path)
    labels = consensus(("a", "b", "c"), method=method, soft=soft)
    data = Data(csv("graded.csv", patient="patient"), CLASSES, by_patient(0.5, 0.25, 0.25, seed=1), labels=labels)
    net = network(loss=WSoftmax(inverse_frequency()))
    study = experiment(root, data=data, network=net, augment=(mixing(sigma=0.01),) if soft else ())
    folder = tmp_path / "run"
    assert run_program(study, ["--run", str(folder), "--plain", "--threads", "2"]) == 0
    assert "graders: a and c: kappa 1.000 on 33" in capsys.readouterr().err
    lock = json.loads((folder / "lock.json").read_text())
    assert [pair["kappa"] for pair in lock["labels"]["graders"]["cohen_kappa"]][1] == 1
    assert lock["labels"]["graders"]["method"] == method
    (line, *_) = (folder / "metrics.jsonl").read_text().splitlines()
    assert set(json.loads(line)["train"]) == {"loss", "accuracy", "multi_ace", "auc"}
    symbol = mx.sym.load(str(next((folder / "checkpoints").glob("*-symbol.json"))))
    assert ("softmax_targets_output" in symbol.get_internals().list_outputs()) == soft


def test_a_study_of_findings_runs(tmp_path):
    paint(tmp_path)
    with (tmp_path / "labels.csv").open() as table:
        rows = list(csv_format.DictReader(table))
    lines = ["image,red,odd,patient"]
    lines += [f"{r['image']},{int(r['label'] == 'infected')},{at % 2},{r['patient']}" for at, r in enumerate(rows)]
    (tmp_path / "findings.csv").write_text("\n".join(lines) + "\n")
    classes = ("none_seen", "red", "odd")
    source = csv("findings.csv", label=findings(("red", "odd")), patient="patient")
    data = Data(source, classes, by_patient(0.5, 0.25, 0.25, seed=1))
    dataset = data.divided(tmp_path)
    reds = sum(row["label"] == "infected" for row in rows)
    assert dataset.class_counts(range(len(rows)))[1:] == (reds, 22)

    def scores(features):
        return sym.FullyConnected(sym.Flatten(features["data"], name="flat"), num_hidden=3, name="fc")

    net = network(loss=Sigmoid(inverse_frequency()), frozen=None, trained=scores, loss_name="sigmoid")
    training = {"optimizer": sgd(lr=0.01), "epochs": 20, "metrics": (accuracy(), auc()), "checkpoint": every(20)}
    study = experiment(tmp_path, data=data, network=net, augment=(), training=training)
    folder = tmp_path / "run"
    assert run_program(study, ["--run", str(folder), "--plain", "--threads", "2"]) == 0
    figures = json.loads((folder / "test.json").read_text())
    with (folder / "predictions.csv").open() as table:
        predictions = list(csv_format.DictReader(table))
    shown = np.array([[name in row["label"].split("+") for name in classes] for row in predictions])
    p = np.array([[float(row[f"p_{name}"]) for name in classes] for row in predictions])
    assert figures["accuracy"] == pytest.approx(np.mean((p > 0.5) == shown))
    assert figures["auc"] == pytest.approx(np.mean([roc_auc_score(shown[:, c], p[:, c]) for c in range(3)]))
    assert roc_auc_score(shown[:, 1], p[:, 1]) > 0.9, "what can be seen is learned"
    assert not np.allclose(p.sum(axis=1), 1), "no finding takes from another"
