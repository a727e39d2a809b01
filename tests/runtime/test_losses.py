"""The loss heads: their gradients against the formula and against finite differences of the numpy loss."""

from __future__ import annotations

import numpy as np
import pytest

from retdsl.runtime.losses import FocalSoftmax, Softmax, WSoftmax, deploy_softmax
from retdsl.runtime.mx import mx

EXTREME = (1.0, 66.7)
HEADS = [
    pytest.param(Softmax(), None, id="softmax"),
    pytest.param(WSoftmax(EXTREME), EXTREME, id="weighted"),
    pytest.param(FocalSoftmax(2.0), None, id="focal"),
    pytest.param(FocalSoftmax(2.0, EXTREME), EXTREME, id="focal weighted"),
    pytest.param(FocalSoftmax(0.5), None, id="focal 0.5"),
    pytest.param(FocalSoftmax(0.0), None, id="focal 0"),
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
    deployed = deploy_softmax(z, "head").bind(mx.cpu(), {"z": mx.nd.array(logits)}).forward()[0].asnumpy()
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
