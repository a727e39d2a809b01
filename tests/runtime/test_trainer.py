"""The loop: what it computes, that it repeats to the bit, and that frozen means frozen."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_study import network, whole_part
from tiny_trainer import BATCH, batches, train, trainer

from retdsl.runtime.errors import RunError
from retdsl.runtime.inference import Predictor, predict
from retdsl.runtime.loader import Batch
from retdsl.runtime.losses import FocalSoftmax, Softmax
from retdsl.runtime.mx import mx
from retdsl.runtime.network import Network
from retdsl.runtime.optimizers import adam, sgd
from retdsl.runtime.proof import fingerprint
from retdsl.runtime.schedules import Course, cosine
from retdsl.runtime.symbols import sym


def same(a, b):
    assert list(a) == list(b)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


NETWORKS = [
    pytest.param({}, id="frozen part"),
    pytest.param({"frozen": None, "trained": whole_part}, id="all trained"),
    pytest.param(
        {"frozen": None, "trained": whole_part, "frozen_parameters": ("conv0_*", "bn0_*")}, id="frozen without a cut"
    ),
]


@pytest.mark.parametrize("changes", NETWORKS)
@pytest.mark.parametrize("optimizer", [sgd(lr=0.05, momentum=0.9, wd=1e-4), adam(lr=0.01)])
def test_repeats_to_the_bit(changes, optimizer):
    first = train(network(**changes), optimizer=optimizer, schedule=cosine(warmup=0.5))
    mx.nd.random.uniform(shape=(10,)).wait_to_read()  # whatever else draws in between
    second = train(network(**changes), optimizer=optimizer, schedule=cosine(warmup=0.5))
    same(first.parameters().all(), second.parameters().all())


def test_another_seed_trains_another_network():
    values = [train(network(), seed=seed).parameters().arguments["fc_weight"] for seed in (1, 2)]
    assert (values[0] != values[1]).any()


@pytest.mark.parametrize("changes", [NETWORKS[0], NETWORKS[2]])
def test_frozen_is_bit_identical_and_the_rest_moves(changes):
    made = trainer(network(**changes))
    before, frozen_before = made.parameters().all(), fingerprint(made.frozen().all())
    for epoch in (1, 2):
        made.train_epoch(epoch, batches())
        made.predict(batches())
    after = made.parameters().all()
    frozen = {"conv0_weight", "bn0_gamma", "bn0_beta", "bn0_moving_mean", "bn0_moving_var"}
    for name in before:
        assert (before[name] == after[name]).all() == (name in frozen), name
    assert fingerprint(made.frozen().all()) == frozen_before
    assert set(frozen_before.arrays) == frozen
    assert set(made.updated) == {"conv1_weight", "bn1_gamma", "bn1_beta", "fc_weight", "fc_bias"}


def test_the_fingerprint_sees_one_bit():
    made = trainer(network())
    before = fingerprint(made.frozen().all())
    made._auxiliary["bn0_moving_var"][0] += 1e-6
    after = fingerprint(made.frozen().all())
    assert before.changed(after) == ["bn0_moving_var"]
    assert after.sha256 != before.sha256


def test_cutting_changes_nothing_but_the_speed():
    cut = train(network(trained=lambda features: _without_dropout(features["relu0"])))
    whole = train(
        network(
            frozen=None,
            trained=lambda features: _without_dropout(network().frozen(features["data"])["relu0"]),
            frozen_parameters=("conv0_*", "bn0_*"),
        )
    )
    a, b = cut.parameters().all(), whole.parameters().all()
    for name in a:
        np.testing.assert_allclose(a[name], b[name], rtol=1e-3, atol=1e-5, err_msg=name)


def _without_dropout(relu0):
    conv1 = sym.Convolution(relu0, num_filter=8, kernel=(3, 3), no_bias=True, name="conv1")
    bn1 = sym.BatchNorm(conv1, fix_gamma=False, name="bn1")
    relu1 = sym.Activation(bn1, act_type="relu", name="relu1")
    return sym.FullyConnected(sym.Flatten(relu1, name="flatten"), num_hidden=2, name="fc")


@pytest.mark.parametrize("loss", [Softmax(), FocalSoftmax(2.0)])
def test_every_image_weighs_the_same_in_a_smaller_batch_too(loss):
    """A linear network by hand: sgd on the sum over the batch divided by the full batch size."""
    net = Network(
        input_shape=(4,),
        trained=lambda features: sym.FullyConnected(features["data"], num_hidden=2, no_bias=True, name="fc"),
        loss=loss,
    )
    made = trainer(net, optimizer=sgd(lr=0.3), weights=None)
    expected = made.parameters().arguments["fc_weight"].astype(np.float64)
    data = batches(count=13, shape=(4,))
    outcome = made.train_epoch(1, data)
    total = 0.0
    for batch in data:
        x, y = batch.images.astype(np.float64), batch.labels.astype(int)

        def loss_sum(weight, x=x, y=y):
            e = np.exp(x @ weight.T)
            return loss.value(e / e.sum(axis=1, keepdims=True), y, None).sum()

        total += loss_sum(expected)
        expected = expected - 0.3 / BATCH * _slope(loss_sum, expected)
    np.testing.assert_allclose(made.parameters().arguments["fc_weight"], expected, rtol=1e-5, atol=1e-6)
    assert outcome.loss == pytest.approx(total / 13, rel=1e-5)
    np.testing.assert_array_equal(outcome.predictions.indices, np.arange(13))


def _slope(function, at, step=1e-6):
    slope = np.empty_like(at)
    for index in np.ndindex(at.shape):
        shift = np.zeros_like(at)
        shift[index] = step
        slope[index] = (function(at + shift) - function(at - shift)) / (2 * step)
    return slope


@pytest.mark.parametrize("changes", NETWORKS)
def test_predictions_follow_the_parameters_in_every_epoch(changes):
    """MXNet's fused layers keep folded weights: bound once for all epochs they would answer with old ones."""
    net = network(**changes)
    made = trainer(net, optimizer=sgd(lr=0.2))
    for epoch in (1, 2):
        made.train_epoch(epoch, batches())
        found = made.predict(batches(count=21, seed=5))
        parameters = made.parameters().all()
        anew = Predictor(net, parameters, BATCH)
        expected = predict(batches(count=21, seed=5), anew)
        np.testing.assert_allclose(found.probabilities, expected.probabilities, rtol=1e-4, atol=1e-6)
        assert len(found.labels) == 21


def test_padding_does_not_show():
    net = network()
    made = trainer(net)
    one_by_one = [
        Batch(batch.images[i : i + 1], batch.labels[i : i + 1], batch.indices[i : i + 1])
        for batch in batches()
        for i in range(len(batch.labels))
    ]
    a, b = made.predict(batches()), made.predict(one_by_one)
    np.testing.assert_allclose(a.probabilities, b.probabilities, rtol=1e-5, atol=1e-7)


def test_a_diverged_loss_stops_with_epoch_batch_and_rate():
    linear = lambda features: sym.FullyConnected(features["data"], num_hidden=2, name="fc")  # noqa: E731
    made = trainer(Network(input_shape=(4,), trained=linear, loss=Softmax()), weights=None)
    data = batches(shape=(4,))
    made.train_epoch(1, data)
    made._arguments["fc_weight"][0, 0] = np.inf
    with pytest.raises(RunError) as caught:
        made.train_epoch(2, data)
    text = str(caught.value)
    assert "not a number in epoch 2, batch 1" in text
    assert "the learning rate was 0.05" in text


def test_progress_hears_of_every_batch():
    heard = []
    outcome = trainer(network()).train_epoch(1, batches(), lambda images, loss: heard.append((images, loss)))
    assert [images for images, _ in heard] == [8, 8, 5]
    assert heard[-1][1] == outcome.loss


def test_hundreds_of_parameters():
    """MXNet has operators on many arrays at once that do not survive more than 200 of them."""

    def deep(features):
        x = features["data"]
        for layer in range(80):
            x = sym.FullyConnected(x, num_hidden=4, name=f"fc{layer}")
            x = sym.BatchNorm(x, fix_gamma=False, name=f"bn{layer}")
        return sym.FullyConnected(x, num_hidden=2, name="last")

    made = train(Network(input_shape=(4,), trained=deep, loss=Softmax()), weights=None, data=batches(shape=(4,)))
    assert len(made.updated) == 322
    assert len(made.predict(batches(shape=(4,))).labels) == 21


def test_it_learns():
    made = trainer(network(), epochs=20)
    losses = [made.train_epoch(epoch, batches()).loss for epoch in range(1, 21)]
    assert losses[-1] < 0.5 * losses[0]


def test_an_epoch_smaller_than_a_batch_is_one_whole_step_whenever_it_comes():
    """Three images in the second epoch: the step there is that of a batch of three."""
    three = [Batch(b.images[:3], b.labels[:3], b.indices[:3]) for b in batches()[:1]]
    moved = []
    for batch, steps in ((BATCH, (BATCH, 3)), (BATCH, None), (3, None)):
        made = trainer(network(frozen=None, trained=whole_part), sgd(lr=0.05), batch=batch, steps=steps)
        before = made.parameters().arguments["fc_weight"]
        made.train_epoch(2, three)
        moved.append(made.parameters().arguments["fc_weight"] - before)
    np.testing.assert_allclose(moved[0], moved[2], rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(moved[0], moved[1] * BATCH / 3, rtol=1e-4, atol=1e-7)


def test_the_rate_goes_by_the_lengths_of_the_epochs():
    course = Course((3, 1))
    made = trainer(network(), sgd(lr=0.05), schedule=cosine(), course=course)
    assert made.rate_after(1) == pytest.approx(0.05 * 0.5 * (1 + np.cos(np.pi / 3)))
    assert made.rate_after(2) == pytest.approx(0.05 * 0.5), "the last update begins in the middle"
