"""Ordered classes and smoothed labels: gradients against finite differences, values against their definition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_losses import numeric_gradient, run, samples, sigmoid64, softmax64

from retdsl.runtime.losses import FocalSoftmax, Ordinal, Sigmoid, Softmax, WSoftmax
from retdsl.runtime.mx import mx

FIVE = (1.0, 66.7, 0.25, 3.0, 10.0)
HEADS = [
    pytest.param(Softmax(), None, id="softmax"),
    pytest.param(WSoftmax(FIVE), FIVE, id="weighted"),
    pytest.param(FocalSoftmax(2.0), None, id="focal"),
    pytest.param(FocalSoftmax(0.5, FIVE), FIVE, id="focal weighted"),
    pytest.param(Ordinal(), None, id="ordinal"),
    pytest.param(Ordinal(FIVE), FIVE, id="ordinal weighted"),
]


def drawn(soft, classes=5, spread=3.0):
    logits, labels = samples(classes, spread=spread)
    if soft:
        labels = np.random.RandomState(2).dirichlet([0.7] * classes, len(logits)).astype(np.float32)
    return logits, labels


@pytest.mark.parametrize(("loss", "weights"), HEADS)
@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_gradient_is_that_of_the_value(loss, weights, soft, smoothing):
    loss = replace(loss, smoothing=smoothing)
    symbol = mx.sym.load_json(loss.symbol(mx.sym.Variable("z"), weights, "head", soft=soft).tojson())
    assert symbol.list_outputs() == ["head_output"]
    logits, labels = drawn(soft)
    probabilities, gradient = run(symbol, logits, labels)
    np.testing.assert_allclose(probabilities, softmax64(logits.astype(np.float64)), rtol=0, atol=1e-6)
    expected = numeric_gradient(loss, weights, logits, labels.astype(np.float64))
    np.testing.assert_allclose(gradient, expected, rtol=3e-5, atol=3e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("positive", [None, (1.0, 20.0, 0.5)])
@pytest.mark.parametrize("weights", [None, (1.0, 66.7, 0.25)])
@pytest.mark.parametrize("mixed", [False, True])
def test_gradient_of_findings_is_that_of_the_value(weights, positive, smoothing, mixed):
    loss = Sigmoid(weights, positive, smoothing)
    symbol = mx.sym.load_json(loss.symbol(mx.sym.Variable("z"), weights, "head").tojson())
    logits, _ = samples(classes=3)
    random = np.random.RandomState(2)
    found = (random.rand(*logits.shape) if mixed else random.randint(0, 2, logits.shape)).astype(np.float32)
    probabilities, gradient = run(symbol, logits, found)
    exact, step = logits.astype(np.float64), 1e-5
    np.testing.assert_allclose(probabilities, sigmoid64(exact), rtol=0, atol=1e-6)
    for c in range(3):
        shift = np.zeros_like(exact)
        shift[:, c] = step
        up, down = (loss.value(sigmoid64(exact + sign * shift), found, weights) for sign in (1, -1))
        np.testing.assert_allclose(gradient[:, c], (up - down) / (2 * step), rtol=3e-5, atol=3e-5)


def test_positive_weights_are_those_of_torch():
    """-(q t log p + (1 - t) log(1 - p)), which is what others mean by the weight of a positive."""
    logits, _ = samples(classes=3)
    p = sigmoid64(logits.astype(np.float64))
    t = np.random.RandomState(3).randint(0, 2, p.shape)
    q = np.array([1.0, 20.0, 0.5])
    expected = -(q * t * np.log(p) + (1 - t) * np.log1p(-p)).mean(axis=1)
    np.testing.assert_allclose(Sigmoid(positive=tuple(q)).value(p, t, None), expected, rtol=1e-12)


@pytest.mark.parametrize("loss", [Sigmoid(positive=(2.0, 3.0, 4.0)), Sigmoid(smoothing=0.3)])
def test_findings_predict_without_labels(loss):
    logits, _ = samples(classes=3)
    z = mx.sym.Variable("z")
    np.testing.assert_allclose(without_labels(loss.symbol(z, None, "head"), logits), sigmoid64(logits), rtol=1e-5)


def without_labels(symbol, logits):
    module = mx.mod.Module(mx.sym.load_json(symbol.tojson()), data_names=["z"], label_names=["head_label"])
    module.bind([("z", logits.shape)], for_training=False)
    module.init_params()
    module.forward(mx.io.DataBatch([mx.nd.array(logits)]), is_train=False)
    return module.get_outputs()[0].asnumpy()


@pytest.mark.parametrize(("loss", "weights"), HEADS)
@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_predicts_without_labels_and_as_the_deploy_symbol(loss, weights, soft, smoothing):
    logits, _ = drawn(soft)
    z = mx.sym.Variable("z")
    symbol = replace(loss, smoothing=smoothing).symbol(z, weights, "head", soft=soft)
    deployed = loss.deploy(z, "head").bind(mx.cpu(), {"z": mx.nd.array(logits)}).forward()[0].asnumpy()
    np.testing.assert_allclose(without_labels(symbol, logits), deployed, rtol=1e-6, atol=1e-7)
    assert deployed.min() >= 0
    np.testing.assert_allclose(deployed.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(("loss", "weights"), HEADS)
def test_names_are_its_own_and_told_apart(loss, weights):
    for soft in (False, True):
        symbol = replace(loss, smoothing=0.1).symbol(mx.sym.Variable("z"), weights, "head", soft=soft)
        names = symbol.get_internals().list_outputs()
        assert len(set(names)) == len(names)
        assert all(name == "z" or name.startswith("head") for name in names)


def by_definition(p, label, weights):
    """The mean binary cross-entropy of the questions, asked one by one."""
    asked = []
    for j in range(len(p) - 1):
        q = sum(p[j + 1 :])
        asked.append(-np.log(q) if label > j else -np.log(1 - q))
    return weights[int(label)] * np.mean(asked)


def test_the_value_of_ordered_classes_is_the_mean_over_the_questions():
    logits, labels = samples(5, spread=1.0)
    p = softmax64(logits.astype(np.float64))
    expected = [by_definition(row, label, FIVE) for row, label in zip(p, labels, strict=True)]
    np.testing.assert_allclose(Ordinal(FIVE).value(p, labels, FIVE), expected, rtol=1e-10)


def test_the_questions_are_those_of_scikit_learn():
    from sklearn.metrics import log_loss

    logits, labels = samples(5)
    p = softmax64(logits.astype(np.float64))
    questions = [log_loss(labels > j, p[:, j + 1 :].sum(axis=1), labels=[False, True]) for j in range(4)]
    assert Ordinal().value(p, labels, None).mean() == pytest.approx(np.mean(questions))


def test_two_ordered_classes_are_a_softmax():
    logits, labels = samples(2)
    p, z, two = softmax64(logits.astype(np.float64)), mx.sym.Variable("z"), (1.0, 66.7)
    np.testing.assert_allclose(Ordinal(two).value(p, labels, two), WSoftmax(two).value(p, labels, two), rtol=1e-12)
    ordinal, weighted = (run(loss.symbol(z, two, "head"), logits, labels)[1] for loss in (Ordinal(two), WSoftmax(two)))
    np.testing.assert_allclose(ordinal, weighted, rtol=1e-4, atol=1e-5)


def test_the_further_off_the_worse():
    confident = [0.92, 0.02, 0.02, 0.02, 0.02]
    answers = np.array([np.roll(confident, at) for at in range(5)])
    assert (np.diff(Ordinal().value(answers, np.zeros(5), None)) > 0).all()
    assert len(set(np.round(Softmax().value(answers[1:], np.zeros(4), None), 9))) == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.05, 1), min_size=5, max_size=5), st.integers(0, 10_000))
def test_no_answer_is_better_than_the_truth(parts, seed):
    """The loss is a proper score: on average over grades drawn from t, nothing beats answering t."""
    truth = np.array(parts)[None] / sum(parts)
    other = np.random.RandomState(seed).dirichlet(np.ones(5))[None]
    loss = Ordinal()
    assert loss.value(truth, truth, None)[0] <= loss.value(other, truth, None)[0] + 1e-12


def test_answers_that_are_sure_stay_finite_and_right():
    logits = np.float32([[40, 0, 0, 0, -40], [1000, 0, 0, 0, -1000], [0, 0, 0, 0, 0], [-1000, 0, 0, 0, 1000]])
    symbol = Ordinal().symbol(mx.sym.Variable("z"), None, "head")
    for label in range(5):
        _, gradient = run(symbol, logits, np.full(4, label, np.float32))
        assert np.isfinite(gradient).all()
        np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-5)
        assert np.isfinite(Ordinal().value(softmax64(logits.astype(np.float64)), np.full(4, label), None)).all()
    # Certain, and wrong in every question: each pulls towards what is above it.
    _, gradient = run(symbol, logits, np.full(4, 4, np.float32))
    assert gradient[1, 0] == pytest.approx(1)
    np.testing.assert_allclose(gradient[3], 0, atol=1e-6)


def test_smoothing_moves_a_label_to_all_classes_or_to_its_neighbours():
    p = softmax64(samples(5)[0].astype(np.float64))
    n = len(p)
    even = np.tile(np.array([0.02, 0.02, 0.92, 0.02, 0.02]), (n, 1))
    np.testing.assert_allclose(Softmax(0.1).value(p, np.full(n, 2), None), Softmax().value(p, even, None))
    beside = np.tile(np.array([0, 0.05, 0.9, 0.05, 0]), (n, 1))
    np.testing.assert_allclose(Ordinal(smoothing=0.1).value(p, np.full(n, 2), None), Ordinal().value(p, beside, None))
    at_the_end = np.tile(np.array([0.9, 0.1, 0, 0, 0]), (n, 1))
    np.testing.assert_allclose(Ordinal(smoothing=0.1).value(p, np.zeros(n), None), Ordinal().value(p, at_the_end, None))


@pytest.mark.parametrize(("loss", "weights"), HEADS)
def test_smoothing_leaves_the_weight_of_a_sample_alone(loss, weights):
    if weights is None:
        return
    logits, labels = samples(5)
    p = softmax64(logits.astype(np.float64))
    smoothed = replace(loss, smoothing=0.1)
    alike = smoothed.value(p, labels, (1.0,) * 5)
    np.testing.assert_allclose(smoothed.value(p, labels, weights), np.array(weights)[labels.astype(int)] * alike)


def test_a_smoothed_softmax_learns_the_smoothed_share():
    """Where p is 0.92 for the label and 0.02 for each other class, nothing pulls any more."""
    p = np.float32([[0.92, 0.02, 0.02, 0.02, 0.02]])
    _, gradient = run(Softmax(0.1).symbol(mx.sym.Variable("z"), None, "head"), np.log(p), np.float32([0]))
    np.testing.assert_allclose(gradient, 0, atol=1e-6)
