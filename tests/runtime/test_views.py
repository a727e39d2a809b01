"""Views: what photographs are predicted as, and the mean of the answers."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from tiny_study import experiment, network, paint

from retdsl.runtime.augmentation import OnImages
from retdsl.runtime.feature_cache import features
from retdsl.runtime.feed import Batches
from retdsl.runtime.inference import Predictor
from retdsl.runtime.mx import mx
from retdsl.runtime.predictions import Predictions
from retdsl.runtime.prepared import PreparedImages
from retdsl.runtime.program import run_program
from retdsl.runtime.symbols import sym
from retdsl.runtime.views import Views, joined
from retdsl.runtime.warps import flip_horizontal, flip_vertical, magnify, rotate180, turn

VIEWS = (flip_horizontal(), rotate180(), turn(20.0))


def fed(root: Path, views=VIEWS, **training):
    study = experiment(root, training={"views": views, **training})
    dataset = study.data.open(root)
    images = PreparedImages(dataset)
    return dataset, images, Batches(study, dataset, images, None, 2)


def test_every_photograph_comes_once_for_each_view_in_their_order(tmp_path):
    dataset, images, batches = fed(paint(tmp_path))
    side = dataset.valid
    found = list(batches.of(side))
    assert len(found) == batches.count(side) == -(-len(side) * 4 // 8)
    assert np.concatenate([batch.indices for batch in found]).tolist() == [index for index in side for _ in range(4)]
    shown = np.concatenate([batch.images for batch in found]).transpose(0, 2, 3, 1) * 255
    photo = images[side[1]]
    np.testing.assert_allclose(shown[4], photo, atol=1e-4)
    np.testing.assert_allclose(shown[5], photo[:, ::-1], atol=1e-4)
    np.testing.assert_allclose(shown[6], photo[::-1, ::-1], atol=1e-4)
    assert not np.allclose(shown[7], photo, atol=1)


def test_training_knows_nothing_of_views(tmp_path):
    root = paint(tmp_path)
    _, _, plain = fed(root, ())
    _, _, viewed = fed(root)
    for one, other in zip(plain.training(2), viewed.training(2), strict=True):
        np.testing.assert_array_equal(one.images, other.images)
        np.testing.assert_array_equal(one.indices, other.indices)


@pytest.mark.parametrize(
    ("view", "same"),
    [
        (flip_horizontal(), lambda photo: photo[:, ::-1]),
        (flip_vertical(), lambda photo: photo[::-1]),
        (rotate180(), lambda photo: photo[::-1, ::-1]),
        (turn(180.0), lambda photo: photo[::-1, ::-1]),
        (turn(90.0), lambda photo: np.rot90(photo, -1)),
        (turn(-90.0), np.rot90),
        (turn(0.0), lambda photo: photo),
        (magnify(1.0), lambda photo: photo),
    ],
    ids=lambda one: repr(one) if isinstance(one, OnImages) else "",
)
def test_what_a_view_shows(view, same):
    photo = np.random.RandomState(0).randint(0, 256, (8, 8, 3)).astype(np.uint8)
    before = photo.copy()
    np.testing.assert_array_equal(Views((view,)).of(photo, 1), same(photo))
    np.testing.assert_array_equal(photo, before)
    assert Views((view,)).of(photo, 0) is photo


def test_to_magnify_shows_the_middle():
    photo = np.zeros((9, 9, 3), np.uint8)
    photo[3:6, 3:6] = 200
    assert (Views((magnify(3.0),)).of(photo, 1)[1:-1, 1:-1] == 200).all()
    assert Views((magnify(0.5),)).of(photo, 1)[0, 0].tolist() == [0, 0, 0]


def test_a_view_is_the_same_every_time_even_of_a_step_that_draws():
    from retdsl.runtime.warps import rotate

    photo = np.random.RandomState(0).randint(0, 256, (16, 16, 3)).astype(np.uint8)
    views = Views((rotate(40.0),))
    np.testing.assert_array_equal(views.of(photo, 1), views.of(photo, 1))


def test_answers_are_joined_in_the_order_of_the_photographs():
    p = np.float32([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8], [0.4, 0.6], [0.1, 0.9]])
    found = joined(Predictions(np.array([7, 7, 3, 3, 5]), np.array([1, 1, 0, 0, 1]), p))
    assert found.indices.tolist() == [7, 3, 5]
    assert found.labels.tolist() == [1, 0, 1]
    np.testing.assert_allclose(found.probabilities, [[0.7, 0.3], [0.3, 0.7], [0.1, 0.9]], atol=1e-7)
    assert found.probabilities.dtype == np.float32


def test_answers_on_findings_are_joined_too():
    found = joined(
        Predictions(np.array([2, 2]), np.array([[1, 0, 1]] * 2), np.float32([[0.9, 0.1, 0.5], [0.7, 0.3, 0.5]]))
    )
    assert found.labels.tolist() == [[1, 0, 1]]
    np.testing.assert_allclose(found.probabilities, [[0.8, 0.2, 0.5]], atol=1e-7)


def test_one_answer_each_stays_as_it_is():
    given = Predictions(np.array([4, 2]), np.array([1, 0]), np.float32([[0.9, 0.1], [0.5, 0.5]]))
    assert joined(given) is given


def rows(run: Path, name: str) -> dict[str, list[float]]:
    with (run / name).open() as file:
        return {row["image"]: [float(row["p_healthy"]), float(row["p_infected"])] for row in csv.DictReader(file)}


def ran(root: Path, run: Path, **changes) -> Path:
    assert run_program(experiment(root, **changes), ["--root", str(root), "--run", str(run), "--plain"]) == 0
    return run


@pytest.mark.parametrize(("name", "side"), [("predictions.csv", "test"), ("validation.csv", "valid")])
def test_a_run_answers_with_the_mean_over_the_views(tmp_path, name, side):
    root = paint(tmp_path)
    run = ran(root, tmp_path / "run", training={"views": VIEWS})
    dataset, images, _ = fed(root)
    best = json.loads((run / "test.json").read_text())["best_epoch"]
    _, arguments, auxiliary = mx.model.load_checkpoint(str(run / "checkpoints" / "tiny"), best)
    values = {key: value.asnumpy() for key, value in {**arguments, **auxiliary}.items()}
    net = network()
    predictor = Predictor(net, values, 1)
    found = rows(run, name)
    assert len(found) == len(getattr(dataset, side))
    for index in getattr(dataset, side):
        photo = images[index]
        shown = [photo, photo[:, ::-1], photo[::-1, ::-1], Views(VIEWS).of(photo, 3)]
        answers = [
            predictor(np.ascontiguousarray(view.transpose(2, 0, 1)[None]).astype(np.float32) / 255).asnumpy()[0]
            for view in shown
        ]
        assert np.ptp(answers, axis=0).max() > 1e-5
        np.testing.assert_allclose(found[dataset.samples[index].image], np.mean(answers, axis=0), atol=2e-6)


def colours_alone(features):
    pool = sym.Pooling(features["data"], global_pool=True, pool_type="avg", kernel=(1, 1), name="pool")
    return sym.FullyConnected(sym.Flatten(pool, name="flatten"), num_hidden=2, name="fc")


def test_views_change_nothing_for_a_network_to_which_they_are_the_same(tmp_path):
    root = paint(tmp_path)
    net = network(frozen=None, trained=colours_alone)
    plain = rows(ran(root, tmp_path / "plain", network=net), "predictions.csv")
    views = {"views": (flip_horizontal(), flip_vertical(), rotate180())}
    viewed = rows(ran(root, tmp_path / "viewed", network=net, training=views), "predictions.csv")
    assert plain.keys() == viewed.keys()
    for image, answer in plain.items():
        np.testing.assert_allclose(viewed[image], answer, atol=1e-6)


def test_validation_is_the_same_whether_features_are_kept_or_not(tmp_path):
    root = paint(tmp_path)
    lines = []
    for kept in (features(), None):
        run = ran(root, tmp_path / f"run{kept}", training={"views": VIEWS, "cache": kept})
        lines.append([json.loads(line)["valid"] for line in (run / "metrics.jsonl").read_text().splitlines()])
    assert lines[0] == lines[1]


def test_the_best_epoch_as_validated_is_the_one_that_is_written(tmp_path):
    """The figures of the epoch, and those of the file it left, come from the same answers."""
    from sklearn.metrics import roc_auc_score

    root = paint(tmp_path)
    run = ran(root, tmp_path / "run", training={"views": VIEWS})
    best = json.loads((run / "test.json").read_text())["best_epoch"]
    said = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()][best - 1]["valid"]
    with (run / "validation.csv").open() as file:
        table = list(csv.DictReader(file))
    infected = [row["label"] == "infected" for row in table]
    assert said["auc"] == pytest.approx(roc_auc_score(infected, [float(row["p_infected"]) for row in table]))


def test_a_step_that_is_no_warp_can_be_a_view():
    class darker(OnImages):
        def apply(self, photo, random):  # noqa: ARG002
            return photo // 2

    photo = np.full((4, 4, 3), 100, np.uint8)
    assert (Views((darker(),)).of(photo, 1) == 50).all()
