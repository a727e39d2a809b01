"""The optimizers as they run: their steps against NumPy by the formulas of their papers, and what decays.

`Reference` has no MXNet in it: float64, one parameter at a time, t counted from 1.
"""

from __future__ import annotations

import pickle
from math import prod

import numpy as np
import pytest
from tiny_study import network
from tiny_trainer import batches as tiny_batches
from tiny_trainer import trainer

from retdsl.runtime.mx import mx
from retdsl.runtime.mx_optimizers import made
from retdsl.runtime.network import Network
from retdsl.runtime.optimizers import (
    adadelta,
    adagrad,
    adam,
    adamax,
    adamw,
    ftml,
    lamb,
    lars,
    nadam,
    rmsprop,
    sgd,
    signum,
)
from retdsl.runtime.recipe import Recipe
from retdsl.runtime.schedules import Course, constant
from retdsl.runtime.updater import Updater

ALL = (
    sgd(lr=0.1, momentum=0.9, wd=0.01),
    sgd(lr=0.1, wd=0.01),
    sgd(lr=0.1, momentum=0.9, nesterov=True, wd=0.01),
    adam(lr=0.1, beta1=0.8, beta2=0.99, epsilon=1e-6, wd=0.01),
    adamw(lr=0.1, beta1=0.8, beta2=0.99, epsilon=1e-6, wd=0.1),
    rmsprop(lr=0.1, decay=0.8, epsilon=1e-5, wd=0.01),
    rmsprop(lr=0.1, decay=0.8, centered=True, momentum=0.7, epsilon=1e-3, wd=0.01),
    adagrad(lr=0.1, epsilon=1e-5, wd=0.01),
    adadelta(lr=0.7, rho=0.8, epsilon=1e-3, wd=0.01),
    adamax(lr=0.1, beta1=0.8, beta2=0.9, wd=0.01),
    nadam(lr=0.1, beta1=0.8, beta2=0.99, epsilon=1e-6, schedule_decay=0.01, wd=0.01),
    ftml(lr=0.1, beta1=0.6, beta2=0.99, epsilon=1e-6, wd=0.01),
    lamb(lr=0.1, beta1=0.8, beta2=0.99, epsilon=1e-6, wd=0.01),
    lars(lr=0.1, momentum=0.9, eta=0.05, wd=0.01),
    signum(lr=0.1, momentum=0.9, wd=0.01),
)


def called(optimizer) -> str:
    return optimizer.name + ("_centered" if getattr(optimizer, "centered", False) else "")


def norm(array):
    return float(np.sqrt((array**2).sum()))


def reference(o, name, start, gradients):
    """The parameter after each gradient."""
    w = np.array(start, np.float64)
    a, b, c = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    wd = o.wd if name.endswith(("_weight", "_gamma")) else 0.0
    if isinstance(o, lars) and not name.endswith("_weight"):
        wd = 0.0
    course = []
    for t, gradient in enumerate(gradients, 1):
        raw = np.array(gradient, np.float64)
        g = raw + wd * w
        match o:
            case sgd(nesterov=True):
                a = o.momentum * a + g
                w = w - o.lr * (g + o.momentum * a)
            case sgd():
                a = o.momentum * a - o.lr * g
                w = w + a
            case adam():
                a, b = o.beta1 * a + (1 - o.beta1) * g, o.beta2 * b + (1 - o.beta2) * g * g
                w = w - o.lr * np.sqrt(1 - o.beta2**t) / (1 - o.beta1**t) * a / (np.sqrt(b) + o.epsilon)
            case adamw():
                a, b = o.beta1 * a + (1 - o.beta1) * raw, o.beta2 * b + (1 - o.beta2) * raw * raw
                step = np.sqrt(1 - o.beta2**t) / (1 - o.beta1**t) * a / (np.sqrt(b) + o.epsilon)
                w = w - o.lr * step - o.lr * wd * w
            case rmsprop(centered=True):
                a, b = o.decay * a + (1 - o.decay) * g * g, o.decay * b + (1 - o.decay) * g
                c = o.momentum * c - o.lr * g / np.sqrt(a - b * b + o.epsilon)
                w = w + c
            case rmsprop():
                a = o.decay * a + (1 - o.decay) * g * g
                w = w - o.lr * g / np.sqrt(a + o.epsilon)
            case adagrad():
                a = a + raw * raw
                w = w - o.lr * (raw / np.sqrt(a + o.epsilon) + wd * w)
            case adadelta():
                a = o.rho * a + (1 - o.rho) * g * g
                d = g * np.sqrt(b + o.epsilon) / np.sqrt(a + o.epsilon)
                b = o.rho * b + (1 - o.rho) * d * d
                w = w - o.lr * d
            case adamax():
                a, b = o.beta1 * a + (1 - o.beta1) * g, np.maximum(o.beta2 * b, np.abs(g))
                w = w - o.lr / (1 - o.beta1**t) * a / (b + o.epsilon)
            case nadam():
                mus = [o.beta1 * (1 - 0.5 * 0.96 ** (i * o.schedule_decay)) for i in range(1, t + 2)]
                a, b = o.beta1 * a + (1 - o.beta1) * g, o.beta2 * b + (1 - o.beta2) * g * g
                m = mus[t] * a / (1 - prod(mus)) + (1 - mus[t - 1]) * g / (1 - prod(mus[:t]))
                w = w - o.lr * m / (np.sqrt(b / (1 - o.beta2**t)) + o.epsilon)
            case ftml():
                b = o.beta2 * b + (1 - o.beta2) * g * g
                d = (1 - o.beta1**t) / o.lr * (np.sqrt(b / (1 - o.beta2**t)) + o.epsilon)
                c = o.beta1 * c + (1 - o.beta1) * g - (d - o.beta1 * a) * w
                a, w = d, -c / d
            case lamb():
                a, b = o.beta1 * a + (1 - o.beta1) * raw, o.beta2 * b + (1 - o.beta2) * raw * raw
                step = a / (1 - o.beta1**t) / (np.sqrt(b / (1 - o.beta2**t)) + o.epsilon) + wd * w
                trust = norm(w) / norm(step) if norm(w) > 0 and norm(step) > 0 else 1.0
                w = w - o.lr * trust * step
            case lars():
                scaled = name.endswith("_weight") and norm(w) > 0 and norm(raw) > 0
                trust = o.eta * norm(w) / (norm(raw) + wd * norm(w)) if scaled else 1.0
                a = o.momentum * a - o.lr * trust * g
                w = w + a
            case signum():
                a = o.momentum * a - (1 - o.momentum) * g
                w = w + o.lr * np.sign(a)
        course.append(w)
    return course


NAMES = [*(f"fc{i}_weight" for i in range(6)), "fc_bias", "bn_gamma", "bn_beta", "other_weight"]


def steps(optimizer, updates=6, names=NAMES, scale=4.0, seed=0):
    """The parameters of these names before and after each update, and the gradients."""
    random = np.random.RandomState(seed)
    start = {name: random.normal(size=(3, 2)).astype(np.float32) for name in names}
    gradients = [{name: random.normal(size=(3, 2)).astype(np.float32) for name in names} for _ in range(updates)]
    updater = mx.optimizer.get_updater(
        made(optimizer, param_idx2name={name: name for name in names}, rescale_grad=1 / scale)
    )
    weights = {name: mx.nd.array(values) for name, values in start.items()}
    course = []
    for each in gradients:
        updater(list(names), [mx.nd.array(each[name] * scale) for name in names], list(weights.values()))
        course.append({name: array.asnumpy() for name, array in weights.items()})
    return start, gradients, course


@pytest.mark.parametrize("optimizer", ALL, ids=called)
def test_steps_are_those_of_the_formula(optimizer):
    start, gradients, course = steps(optimizer)
    for name in NAMES:
        expected = reference(optimizer, name, start[name], [each[name] for each in gradients])
        for found, wanted in zip(course, expected, strict=True):
            np.testing.assert_allclose(found[name], wanted, rtol=2e-4, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("optimizer", ALL, ids=called)
@pytest.mark.parametrize("name", ["fc_bias", "bn_beta"])
def test_biases_and_shifts_do_not_decay(optimizer, name):
    weights = mx.nd.array([1.0, -2.0])
    updater = mx.optimizer.get_updater(made(optimizer, param_idx2name={name: name}))
    updater(name, mx.nd.zeros(2), weights)
    assert weights.asnumpy().tolist() == [1.0, -2.0]


@pytest.mark.parametrize("optimizer", ALL, ids=called)
def test_weights_decay(optimizer):
    weights = mx.nd.array([1.0, -2.0])
    updater = mx.optimizer.get_updater(made(optimizer, param_idx2name={"fc_weight": "fc_weight"}))
    for _ in range(3):
        updater("fc_weight", mx.nd.zeros(2), weights)
    assert (np.abs(weights.asnumpy()) < [1.0, 2.0]).all()


@pytest.mark.parametrize("optimizer", ALL, ids=called)
def test_a_parameter_that_never_has_a_gradient_stays_a_number(optimizer):
    for name in ("fc_weight", "fc_bias"):
        weights = mx.nd.zeros(2)
        updater = mx.optimizer.get_updater(made(optimizer, param_idx2name={name: name}))
        for _ in range(3):
            updater(name, mx.nd.zeros(2), weights)
        assert weights.asnumpy().tolist() == [0.0, 0.0]


@pytest.mark.parametrize("optimizer", ALL, ids=called)
def test_all_that_is_remembered_are_arrays_by_name(optimizer):
    """With these, and how often each parameter was updated, a training goes on as if nothing had happened."""
    names = ["fc_weight", "fc_bias"]
    random = np.random.RandomState(2)
    gradients = [[mx.nd.array(random.normal(size=3)) for _ in names] for _ in range(6)]

    def run(weights, updater, part):
        for each in part:
            updater(list(names), [gradient.copy() for gradient in each], weights)

    def fresh():
        return mx.optimizer.get_updater(made(optimizer, param_idx2name={name: name for name in names}))

    whole, first = [mx.nd.ones(3), mx.nd.ones(3)], [mx.nd.ones(3), mx.nd.ones(3)]
    run(whole, fresh(), gradients)
    before = fresh()
    run(first, before, gradients[:3])
    states = before.get_states(dump_optimizer=False)
    assert set(pickle.loads(states)) == set(names)
    after = fresh()
    after.set_states(states)
    after.optimizer._index_update_count.update(dict.fromkeys(names, 3))
    after.optimizer.num_update = 3
    run(first, after, gradients[3:])
    for one, other in zip(whole, first, strict=True):
        assert one.asnumpy().tobytes() == other.asnumpy().tobytes()


@pytest.mark.parametrize("optimizer", ALL, ids=called)
def test_what_is_frozen_never_changes(optimizer):
    """Below the cut by its place, above it by name; decay would move both."""
    net: Network = network(frozen_parameters=("conv1_weight", "bn1_*"))
    made_ = trainer(net, optimizer=optimizer)
    start = {name: array.tobytes() for name, array in made_.parameters().all().items()}
    for epoch in (1, 2):
        made_.train_epoch(epoch, tiny_batches())
    after = {name: array.tobytes() for name, array in made_.parameters().all().items()}
    moved = {name for name in start if start[name] != after[name]}
    assert moved == {"fc_weight", "fc_bias"}


@pytest.mark.parametrize("optimizer", ALL, ids=called)
def test_gradients_are_what_they_were_after_a_step(optimizer):
    """Their norm is worked out after it."""
    arrays = {"fc_weight": mx.nd.array([[1.0, -2.0], [3.0, 0.5]])}
    gradient = mx.nd.array([[0.5, 4.0], [-1.0, 2.0]])
    before = gradient.asnumpy()
    updater = Updater(Recipe(optimizer, constant(), Course((3,)), batch=8, seed=1, weights=None), arrays)
    updater.step(["fc_weight"], {"fc_weight": gradient}, arrays, 0.125)
    assert gradient.asnumpy().tobytes() == before.tobytes()
