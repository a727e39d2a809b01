"""The loss heads: their gradients against the formula and against finite differences of the numpy loss."""

from __future__ import annotations

import numpy as np
import pytest

from retdsl.runtime.losses import FocalSoftmax, Ordinal, Sigmoid, Softmax, WSoftmax, hard_labels
from retdsl.runtime.mx import mx

EXTREME = (1.0, 66.7)
HEADS = [
    pytest.param(Softmax(), None, id="softmax"),
    pytest.param(WSoftmax(EXTREME), EXTREME, id="weighted"),
    pytest.param(FocalSoftmax(2.0), None, id="focal"),
    pytest.param(FocalSoftmax(2.0, EXTREME), EXTREME, id="focal weighted"),
    pytest.param(FocalSoftmax(0.5), None, id="focal 0.5"),
    pytest.param(FocalSoftmax(0.0), None, id="focal 0"),
    pytest.param(Ordinal(), None, id="ordinal"),
    pytest.param(Ordinal(EXTREME), EXTREME, id="ordinal weighted"),
]


def run(symbol, logits, labels):
    """Probabilities and the gradient with respect to the logits."""
    z = mx.nd.array(logits)
    gradient = mx.nd.zeros(logits.shape)
    executor = symbol.bind(
        mx.cpu(),
        args={"z": z, "head_label": mx.nd.array(labels)},
        args_grad={"z": gradient},
        grad_req={"z": "write", "head_label": "null"},
    )
    executor.forward(is_train=True)
    executor.backward()
    return executor.outputs[0].asnumpy(), gradient.asnumpy()


def softmax64(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def samples(classes=2, n=64, spread=3.0):
    rs = np.random.RandomState(1)
    return rs.normal(0, spread, (n, classes)).astype(np.float32), rs.randint(0, classes, n).astype(np.float32)


@pytest.mark.parametrize(("loss", "weights"), HEADS)
@pytest.mark.parametrize("through_json", [False, True])
def test_gradient_is_that_of_the_value(loss, weights, through_json):
    symbol = loss.symbol(mx.sym.Variable("z"), weights, "head")
    if through_json:
        symbol = mx.sym.load_json(symbol.tojson())
    assert symbol.list_outputs() == ["head_output"]
    logits, labels = samples()
    probabilities, gradient = run(symbol, logits, labels)
    exact = logits.astype(np.float64)
    np.testing.assert_allclose(probabilities, softmax64(exact), rtol=0, atol=1e-6)

    step = 1e-5
    numeric = np.empty_like(exact)
    for c in range(exact.shape[1]):
        shift = np.zeros_like(exact)
        shift[:, c] = step
        up = loss.value(softmax64(exact + shift), labels, weights)
        down = loss.value(softmax64(exact - shift), labels, weights)
        numeric[:, c] = (up - down) / (2 * step)
    np.testing.assert_allclose(gradient, numeric, rtol=2e-5, atol=2e-5)


THREE = (1.0, 66.7, 0.25)
SOFT_HEADS = [
    pytest.param(Softmax(), None, id="softmax"),
    pytest.param(WSoftmax(THREE), THREE, id="weighted"),
    pytest.param(FocalSoftmax(2.0), None, id="focal"),
    pytest.param(FocalSoftmax(2.0, THREE), THREE, id="focal weighted"),
    pytest.param(FocalSoftmax(0.5, THREE), THREE, id="focal 0.5"),
    pytest.param(FocalSoftmax(0.0, THREE), THREE, id="focal 0"),
    pytest.param(Ordinal(), None, id="ordinal"),
    pytest.param(Ordinal(THREE), THREE, id="ordinal weighted"),
]


def numeric_gradient(loss, weights, logits, labels):
    """Of the value, by central differences in float64."""
    exact, step = logits.astype(np.float64), 1e-5
    numeric = np.empty_like(exact)
    for c in range(exact.shape[1]):
        shift = np.zeros_like(exact)
        shift[:, c] = step
        up = loss.value(softmax64(exact + shift), labels, weights)
        down = loss.value(softmax64(exact - shift), labels, weights)
        numeric[:, c] = (up - down) / (2 * step)
    return numeric


@pytest.mark.parametrize(("loss", "weights"), SOFT_HEADS)
@pytest.mark.parametrize("through_json", [False, True])
def test_gradient_of_soft_labels_is_that_of_the_value(loss, weights, through_json):
    symbol = loss.symbol(mx.sym.Variable("z"), weights, "head", soft=True)
    if through_json:
        symbol = mx.sym.load_json(symbol.tojson())
    logits, _ = samples(classes=3)
    shares = np.random.RandomState(2).dirichlet([0.7] * 3, len(logits)).astype(np.float32)
    probabilities, gradient = run(symbol, logits, shares)
    np.testing.assert_allclose(probabilities, softmax64(logits.astype(np.float64)), rtol=0, atol=1e-6)
    expected = numeric_gradient(loss, weights, logits, shares.astype(np.float64))
    np.testing.assert_allclose(gradient, expected, rtol=3e-5, atol=3e-5)


@pytest.mark.parametrize(("loss", "weights"), SOFT_HEADS)
def test_classes_are_soft_labels_of_0_and_1(loss, weights):
    logits, labels = samples(classes=3)
    whole = np.eye(3, dtype=np.float32)[labels.astype(int)]
    z = mx.sym.Variable("z")
    hard = run(loss.symbol(z, weights, "head"), logits, labels)
    soft = run(loss.symbol(z, weights, "head", soft=True), logits, whole)
    np.testing.assert_allclose(hard[1], soft[1], rtol=1e-5, atol=1e-6)
    exact = softmax64(logits.astype(np.float64))
    np.testing.assert_allclose(loss.value(exact, labels, weights), loss.value(exact, whole, weights), rtol=1e-12)


@pytest.mark.parametrize("sharpness", [1.0, 30.0])
def test_soft_weighted_gradient_is_the_mean_weight_times_p_minus_t(sharpness):
    logits, _ = samples(classes=3, spread=sharpness)
    shares = np.random.RandomState(2).dirichlet([0.7] * 3, len(logits)).astype(np.float32)
    p, gradient = run(WSoftmax(THREE).symbol(mx.sym.Variable("z"), THREE, "head", soft=True), logits, shares)
    expected = (shares @ np.float64(THREE))[:, None] * (p.astype(np.float64) - shares)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize(("loss", "weights"), SOFT_HEADS)
def test_saturated_logits_and_soft_labels_stay_finite(loss, weights):
    logits = np.float32([[40, -40, 0], [1000, -1000, 0], [0, 0, 0], [100, 100, -100]])
    symbol = loss.symbol(mx.sym.Variable("z"), weights, "head", soft=True)
    for shares in np.float32([[1, 0, 0], [0, 1, 0], [0.5, 0.5, 0], [0.2, 0.3, 0.5]]):
        labels = np.tile(shares, (4, 1))
        _, gradient = run(symbol, logits, labels)
        assert np.isfinite(gradient).all()
        assert np.isfinite(loss.value(softmax64(logits.astype(np.float64)), labels, weights)).all()
        # Softmax does not care for what all logits share, so no gradient pushes them all the same way.
        np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-4)


@pytest.mark.parametrize("soft", [False, True])
def test_what_is_known_for_sure_among_three_classes_pulls_no_more(soft):
    logits = np.float32([[40, -40, 0], [1000, -1000, 0]])
    labels = np.float32([[1, 0, 0]] * 2) if soft else np.float32([0, 0])
    _, gradient = run(FocalSoftmax(0.5).symbol(mx.sym.Variable("z"), None, "head", soft=soft), logits, labels)
    np.testing.assert_allclose(gradient, 0, atol=1e-6)


@pytest.mark.parametrize(("loss", "weights"), SOFT_HEADS)
def test_a_symbol_for_soft_labels_predicts_without_them(loss, weights):
    logits, _ = samples(classes=3)
    symbol = mx.sym.load_json(loss.symbol(mx.sym.Variable("z"), weights, "head", soft=True).tojson())
    module = mx.mod.Module(symbol, data_names=["z"], label_names=["head_label"])
    module.bind([("z", logits.shape)], for_training=False)
    module.init_params()
    module.forward(mx.io.DataBatch([mx.nd.array(logits)]), is_train=False)
    np.testing.assert_allclose(module.get_outputs()[0].asnumpy(), softmax64(logits), rtol=1e-5, atol=1e-7)


def sigmoid64(logits):
    return 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize("weights", [None, THREE])
@pytest.mark.parametrize("mixed", [False, True])
def test_gradient_of_findings_is_that_of_the_value(weights, mixed):
    loss = Sigmoid(weights)
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


def test_the_value_of_findings_is_the_mean_of_scikit_learns():
    from sklearn.metrics import log_loss

    logits, _ = samples(classes=3)
    found = np.random.RandomState(2).randint(0, 2, logits.shape)
    p = sigmoid64(logits.astype(np.float64))
    value = Sigmoid().value(p, found, None).mean()
    assert value == pytest.approx(np.mean([log_loss(found[:, c], p[:, c]) for c in range(3)]))


def test_findings_that_are_sure_stay_finite():
    logits = np.float32([[1000, -1000, 40], [-40, 90, 0]])
    for found in (np.zeros((2, 3), np.float32), np.ones((2, 3), np.float32)):
        p, gradient = run(Sigmoid(THREE).symbol(mx.sym.Variable("z"), THREE, "head"), logits, found)
        assert np.isfinite(gradient).all()
        assert np.isfinite(Sigmoid(THREE).value(p, found, THREE)).all()


def test_findings_predict_without_labels_and_as_the_deploy_symbol():
    logits, _ = samples(classes=3)
    z = mx.sym.Variable("z")
    module = mx.mod.Module(Sigmoid(THREE).symbol(z, THREE, "head"), data_names=["z"], label_names=["head_label"])
    module.bind([("z", logits.shape)], for_training=False)
    module.init_params()
    module.forward(mx.io.DataBatch([mx.nd.array(logits)]), is_train=False)
    deployed = Sigmoid().deploy(z, "head").bind(mx.cpu(), {"z": mx.nd.array(logits)}).forward()[0].asnumpy()
    np.testing.assert_allclose(module.get_outputs()[0].asnumpy(), deployed, rtol=1e-6, atol=1e-7)


def test_the_class_of_soft_labels_is_the_likeliest_and_the_last_of_equals():
    shares = np.float32([[0.2, 0.5, 0.3], [0.5, 0.5, 0], [0.4, 0.2, 0.4]])
    assert list(hard_labels(shares)) == [1, 1, 2]
    assert list(hard_labels(np.float32([2, 0]))) == [2, 0]


def test_weighted_gradient_is_w_times_p_minus_onehot():
    logits, labels = samples(classes=5)
    weights = (1.0, 66.7, 0.01, 3.0, 1000.0)
    p, gradient = run(WSoftmax(weights).symbol(mx.sym.Variable("z"), weights, "head"), logits, labels)
    y = labels.astype(int)
    expected = np.float64(weights)[y][:, None] * (p.astype(np.float64) - np.eye(5)[y])
    np.testing.assert_allclose(gradient, expected, rtol=3e-7, atol=1e-9)


@pytest.mark.parametrize(("loss", "weights"), HEADS)
def test_saturated_logits_stay_finite_and_right(loss, weights):
    logits = np.float32([[40, -40], [-40, 40], [40, -40], [-40, 40], [0, 0], [1000, -1000]])
    labels = np.float32([0, 0, 1, 1, 1, 1])
    _, gradient = run(loss.symbol(mx.sym.Variable("z"), weights, "head"), logits, labels)
    assert np.isfinite(gradient).all()
    factor = np.array(weights or (1.0, 1.0))[labels.astype(int)]
    # Certain and wrong: p_y = 0, so the factor is w_y; certain and right: no gradient.
    np.testing.assert_allclose(gradient[1], [-factor[1], factor[1]], rtol=1e-6)
    np.testing.assert_allclose(gradient[2], [factor[2], -factor[2]], rtol=1e-6)
    np.testing.assert_allclose(gradient[5], [factor[5], -factor[5]], rtol=1e-6)
    np.testing.assert_allclose(gradient[[0, 3]], 0, atol=1e-6)


@pytest.mark.parametrize(("loss", "weights"), HEADS)
def test_predicts_without_labels_and_as_the_deploy_symbol(loss, weights):
    logits, _ = samples()
    z = mx.sym.Variable("z")
    module = mx.mod.Module(loss.symbol(z, weights, "head"), data_names=["z"], label_names=["head_label"])
    module.bind([("z", logits.shape)], for_training=False)
    module.init_params()
    module.forward(mx.io.DataBatch([mx.nd.array(logits)]), is_train=False)
    without = module.get_outputs()[0].asnumpy()
    deployed = loss.deploy(z, "head").bind(mx.cpu(), {"z": mx.nd.array(logits)}).forward()[0].asnumpy()
    np.testing.assert_allclose(without, deployed, rtol=1e-6, atol=1e-7)


def test_names_do_not_depend_on_what_was_built_before():
    def names():
        symbol = FocalSoftmax(2.0, EXTREME).symbol(mx.sym.Variable("z"), EXTREME, "head")
        return symbol.get_internals().list_outputs()

    first = names()
    mx.sym.Variable("a") + mx.sym.Variable("b")
    assert names() == first
    assert all(name == "z" or name.startswith("head") for name in first)


def test_value_of_impossible_labels_is_finite():
    value = Softmax().value(np.float32([[0, 1]]), np.float32([0]), None)
    assert np.isfinite(value).all()
    assert value[0] > 80
