"""The optimizers as MXNet runs them: their first steps by arithmetic, and what decays."""

from __future__ import annotations

import numpy as np
import pytest

from retdsl.runtime.mx import mx
from retdsl.runtime.optimizers import adam, sgd


def steps(optimizer, gradients, name="fc_weight", start=1.0):
    """The parameter after each of the gradients."""
    made = mx.optimizer.create(
        optimizer.name, learning_rate=optimizer.lr, param_idx2name={name: name}, **optimizer.options()
    )
    updater = mx.optimizer.get_updater(made)
    weight = mx.nd.array([start])
    course = []
    for gradient in gradients:
        updater(name, mx.nd.array([gradient]), weight)
        course.append(float(weight.asscalar()))
    return course


def test_sgd_with_momentum_and_decay():
    w, v, expected = 1.0, 0.0, []
    for gradient in (1.0, -0.5, 0.25):
        v = 0.9 * v - 0.1 * (gradient + 0.01 * w)
        w += v
        expected.append(w)
    assert steps(sgd(lr=0.1, momentum=0.9, wd=0.01), (1.0, -0.5, 0.25)) == pytest.approx(expected)


def test_adam():
    w, m, v, expected = 1.0, 0.0, 0.0, []
    for t, gradient in enumerate((1.0, -0.5, 0.25), start=1):
        g = gradient + 0.01 * w
        m, v = 0.8 * m + 0.2 * g, 0.99 * v + 0.01 * g * g
        rate = 0.1 * np.sqrt(1 - 0.99**t) / (1 - 0.8**t)
        w -= rate * m / (np.sqrt(v) + 1e-6)
        expected.append(w)
    found = steps(adam(lr=0.1, beta1=0.8, beta2=0.99, epsilon=1e-6, wd=0.01), (1.0, -0.5, 0.25))
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("optimizer", [sgd(lr=0.1, wd=0.5), adam(lr=0.1, wd=0.5)])
@pytest.mark.parametrize(("name", "decays"), [("fc_weight", True), ("fc_bias", False), ("bn_beta", False)])
def test_biases_do_not_decay(optimizer, name, decays):
    assert (steps(optimizer, [0.0], name) != [1.0]) == decays
