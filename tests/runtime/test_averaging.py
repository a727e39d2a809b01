"""The average of the weights, against the sum that its definition says."""

from __future__ import annotations

import numpy as np
import pytest
from test_phases import network as network_in_phases
from tiny_study import network
from tiny_trainer import BATCH, batches, trainer

from retdsl.runtime.average import ema
from retdsl.runtime.inference import Predictor, predict


def course(made, epochs=3):
    """All values after every update, and the trainer's average at the end."""
    seen = []
    for epoch in range(1, epochs + 1):
        made.train_epoch(epoch, batches(), then=lambda _: seen.append(made.parameters().all()))
    return seen


def averaged(seen, decay):
    factors = np.array([decay ** (len(seen) - 1 - s) for s in range(len(seen))])
    factors /= factors.sum()
    return {
        name: sum(f * values[name].astype(np.float64) for f, values in zip(factors, seen, strict=True))
        for name in seen[0]
    }


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 0.999])
def test_the_average_is_the_weighted_sum_of_all_updates(decay):
    made = trainer(network(), average=ema(decay), epochs=3)
    expected = averaged(course(made), decay)
    found = made.judged_parameters().all()
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_training_does_not_notice():
    plain, judged = trainer(network(), epochs=3), trainer(network(), average=ema(0.9), epochs=3)
    course(plain), course(judged)
    for name, expected in plain.parameters().all().items():
        assert judged.parameters().all()[name].tobytes() == expected.tobytes(), name


def test_what_is_frozen_is_its_own_average():
    made = trainer(network(), average=ema(0.9))
    before = made.parameters().all()
    course(made, 2)
    after = made.judged_parameters().all()
    for name in ("conv0_weight", "bn0_gamma", "bn0_moving_mean", "bn0_moving_var"):
        assert after[name].tobytes() == before[name].tobytes()


def test_predictions_are_those_of_the_average():
    net = network()
    made = trainer(net, average=ema(0.9))
    course(made, 2)
    anew = Predictor(net, made.judged_parameters().all(), BATCH)
    raw = Predictor(net, made.parameters().all(), BATCH)
    found = made.predict(batches()).probabilities
    np.testing.assert_allclose(found, predict(batches(), anew).probabilities, rtol=1e-4, atol=1e-6)
    assert np.abs(found - predict(batches(), raw).probabilities).max() > 1e-3


def test_a_part_that_joins_later_counts_as_it_was_until_then():
    made = trainer(network_in_phases(), average=ema(0.8), weights=None, epochs=3)
    seen = []
    for epoch in (1, 2, 3):
        if epoch > 1:
            made.begin_phase(epoch)
        made.train_epoch(epoch, batches(), then=lambda _: seen.append(made.parameters().all()))
    expected, found = averaged(seen, 0.8), made.judged_parameters().all()
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_it_can_be_taken_up_again():
    """Also beside a checkpoint, which has the averages where the weights were."""
    whole, one, other = (trainer(network(), average=ema(0.9), epochs=2) for _ in range(3))
    for made in (whole, one):
        made.train_epoch(1, batches())
    other.restore(one.state())
    for name, expected in whole.parameters().all().items():
        assert other.parameters().all()[name].tobytes() == expected.tobytes(), name
    for name, expected in whole.judged_parameters().all().items():
        assert other.judged_parameters().all()[name].tobytes() == expected.tobytes(), name
