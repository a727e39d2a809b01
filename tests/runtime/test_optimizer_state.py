"""Every optimizer of MXNet goes on from what is remembered of it, to the last bit, and writes the same states file."""

from __future__ import annotations

import numpy as np
import pytest

from retdsl.runtime.mx import mx
from retdsl.runtime.optimizer_state import remember, remembered

UNUSABLE = {"test", "groupadagrad"}
"""One that MXNet has for its own tests, which does not count its updates, and one that knows no weight decay."""

NAMES = sorted(set(mx.optimizer.Optimizer.opt_registry) - UNUSABLE)
SHAPES = {"conv_weight": (3, 2, 2, 2), "bn_gamma": (3,), "fc_weight": (2, 3), "late_weight": (4,)}


def updater(name):
    return mx.optimizer.get_updater(mx.optimizer.create(name, learning_rate=0.01, wd=1e-3))


def steps(made, weights, numbers):
    """One of the parameters joins at the third step."""
    for number in numbers:
        mx.random.seed(number)
        names = [name for name in weights if name != "late_weight" or number >= 3]
        random = np.random.RandomState(number)
        gradients = [mx.nd.array(random.normal(size=SHAPES[name])) for name in names]
        made(list(names), gradients, [weights[name] for name in names])


def fresh():
    return {name: mx.nd.array(np.random.RandomState(7).normal(size=shape)) for name, shape in SHAPES.items()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("at", [1, 3, 5])
def test_it_goes_on_to_the_last_bit(name, at):
    whole, weights = updater(name), fresh()
    steps(whole, weights, range(1, 9))
    first, before = updater(name), fresh()
    steps(first, before, range(1, at + 1))
    state = {key: value.copy() for key, value in remembered(first).items()}
    assert all(isinstance(value, np.ndarray) and value.dtype != object for value in state.values())
    second, after = updater(name), {key: mx.nd.array(value.asnumpy()) for key, value in before.items()}
    remember(second, state, after)
    assert second.get_states() == first.get_states()
    steps(second, after, range(at + 1, 9))
    for key, value in weights.items():
        np.testing.assert_array_equal(after[key].asnumpy(), value.asnumpy(), err_msg=key)
    assert second.get_states() == whole.get_states()


def test_without_the_counts_adam_would_not_go_on():
    """MXNet's own states file has the moments alone: that it is not enough is why there is more."""
    whole, weights = updater("adam"), fresh()
    steps(whole, weights, range(1, 4))
    first, before = updater("adam"), fresh()
    steps(first, before, range(1, 3))
    second = updater("adam")
    second.set_states(first.get_states())
    steps(second, before, range(3, 4))
    assert (before["fc_weight"].asnumpy() != weights["fc_weight"].asnumpy()).any()
