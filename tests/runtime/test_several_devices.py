"""Training on several devices at once, here on several of the processor: it must be the training on one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_study import frozen_part, network, whole_part
from tiny_trainer import BATCH, batches, train, trainer

from retdsl.runtime.average import ema
from retdsl.runtime.clipping import norm, value
from retdsl.runtime.devices import contexts, cpu, gpu
from retdsl.runtime.epoch_record import Diverged
from retdsl.runtime.errors import RunError
from retdsl.runtime.loader import Batch
from retdsl.runtime.mx import mx
from retdsl.runtime.network import Phase
from retdsl.runtime.optimizers import adam, sgd
from retdsl.runtime.several_devices import shares_of
from retdsl.runtime.symbols import sym

EPOCHS = 6
TWO, THREE = [mx.cpu(0), mx.cpu(1)], [mx.cpu(0), mx.cpu(1), mx.cpu(2)]


def without_drawing(features):
    """The trained part without dropout, whose masks hang on how a batch is shared."""
    conv1 = sym.Convolution(features["relu0"], num_filter=8, kernel=(3, 3), no_bias=True, name="conv1")
    bn1 = sym.BatchNorm(conv1, fix_gamma=False, name="bn1")
    pool = sym.Pooling(sym.relu(bn1, name="relu1"), global_pool=True, pool_type="avg", kernel=(1, 1), name="pool")
    return sym.FullyConnected(pool, num_hidden=2, name="fc")


def whole_without_drawing(features):
    return without_drawing(frozen_part(features["data"]))


KEPT_STATISTICS = {"trained": without_drawing, "frozen_parameters": ("bn1_*",)}
ALL_TRAINED = {"frozen": None, "trained": whole_without_drawing, "frozen_parameters": ("bn0_*", "bn1_*")}


def furthest(one, other):
    """The largest distance of two trainers' parameters, relative to the largest number of each."""
    pairs = [(one.parameters().all()[name], value) for name, value in other.parameters().all().items()]
    return max(float(np.abs(a - b).max() / max(1e-3, np.abs(a).max())) for a, b in pairs)


# --- the same as on one device


@pytest.mark.parametrize("devices", [TWO, THREE], ids=["two", "three"])
@pytest.mark.parametrize("parts", [KEPT_STATISTICS, ALL_TRAINED], ids=["cut", "whole"])
def test_many_steps_with_momentum_end_where_one_device_ends(parts, devices):
    one, several = (train(network(**parts), epochs=EPOCHS, devices=where) for where in (None, devices))
    assert furthest(one, trainer(network(**parts))) > 0.05  # it has learnt something
    assert furthest(one, several) < 1e-5


@pytest.mark.parametrize(
    "more",
    [{"accumulate": 2}, {"clip": norm(0.05)}, {"clip": value(0.01)}, {"average": ema(0.9)}, {"optimizer": adam()}],
    ids=["accumulate", "norm", "value", "average", "adam"],
)
def test_steps_are_clipped_summed_and_averaged_as_on_one_device(more):
    one, two = (train(network(**KEPT_STATISTICS), epochs=4, devices=where, **more) for where in (None, TWO))
    assert furthest(one, two) < 1e-5
    pairs = zip(one.judged_parameters().all().values(), two.judged_parameters().all().values(), strict=True)
    assert all(np.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in pairs)


def test_a_batch_of_fewer_images_than_devices_counts_as_any_other():
    data = batches(2 * BATCH + 2)
    one, three = (train(network(**KEPT_STATISTICS), data=data, devices=where) for where in (None, THREE))
    assert furthest(one, three) < 1e-5


def test_what_is_unfrozen_later_is_trained_on_all_devices():
    def lower(features):
        conv1 = sym.Convolution(features["relu0"], num_filter=8, kernel=(3, 3), no_bias=True, name="conv1")
        return {"bn1": sym.BatchNorm(conv1, fix_gamma=False, name="bn1")}

    def upper(features):
        pool = sym.Pooling(features["bn1"], global_pool=True, pool_type="avg", kernel=(1, 1), name="pool")
        return sym.FullyConnected(pool, num_hidden=2, name="fc")

    net = network(trained=upper, phases=(Phase(2, lower, frozen_parameters=("bn1_*",)),))
    found = []
    for devices in (None, TWO):
        made = trainer(net, devices=devices)
        made.train_epoch(1, batches())
        made.begin_phase(2)
        made.train_epoch(2, batches())
        found.append(made)
    assert furthest(*found) < 1e-5


@given(st.integers(1, 500), st.integers(1, 16))
def test_shares_are_even_and_miss_no_image(images, devices):
    shares = shares_of(images, devices)
    assert [row for share in shares for row in range(images)[share]] == [*range(images)]
    sizes = [share.stop - share.start for share in shares]
    assert len(sizes) == min(images, devices)
    assert max(sizes) - min(sizes) <= 1


# --- statistics that are trained


def test_moving_statistics_are_those_of_all_shares():
    net = network(trained=without_drawing)
    made = trainer(net, devices=TWO)
    before = made.parameters()
    (batch,) = batches(5)
    made.train_epoch(1, [batch])
    conv1 = _conv1(before, batch.images)
    shares = [conv1[:3], conv1[3:]]
    mean = sum(len(share) * share.mean(axis=(0, 2, 3)) for share in shares) / 5
    variance = sum(len(share) * share.var(axis=(0, 2, 3)) for share in shares) / 5
    after = made.parameters().auxiliary
    for name, found in (("bn1_moving_mean", mean), ("bn1_moving_var", variance)):
        expected = 0.9 * before.auxiliary[name] + 0.1 * found
        assert np.allclose(after[name], expected, rtol=2e-3, atol=1e-6), name
        # The mean, even that, is the one of the batch on one device.
    one = trainer(net)
    one.train_epoch(1, [batch])
    assert np.allclose(one.parameters().auxiliary["bn1_moving_mean"], after["bn1_moving_mean"], rtol=1e-4, atol=1e-6)
    for name in before.auxiliary:
        assert (name in ("bn1_moving_mean", "bn1_moving_var")) == bool(np.any(before.auxiliary[name] != after[name]))


def _conv1(parameters, images):
    from retdsl.runtime.bound import Bound

    values = {name: mx.nd.array(array) for name, array in parameters.all().items()}
    conv = sym.Convolution(
        frozen_part(sym.Variable("data"))["relu0"], num_filter=8, kernel=(3, 3), no_bias=True, name="conv1"
    )
    return Bound(conv, values, {"data": images.shape[1:]}, len(images), mx.cpu())([mx.nd.array(images)])[0].asnumpy()


# --- repeats, and going on


def test_the_same_training_gives_the_same_bits():
    one, two = (train(network(), epochs=3, devices=TWO) for _ in range(2))
    assert furthest(one, two) == 0


def test_devices_draw_numbers_of_their_own():
    dropped = mx.sym.Dropout(mx.sym.Variable("data"), p=0.5)
    mx.random.seed(3)
    masks = []
    for where in TWO:
        bound = dropped.bind(where, {"data": mx.nd.ones((4, 50), ctx=where)})
        masks.append(bound.forward(is_train=True)[0].asnumpy())
    assert (masks[0] != masks[1]).any()


@pytest.mark.parametrize("done", [1, 2])
def test_training_goes_on_to_the_bit_from_any_batch(done):
    settings = {"accumulate": 2, "average": ema(0.9), "devices": TWO}
    net = network(frozen=None, trained=whole_part)
    data = batches(4 * BATCH - 3)
    whole = trainer(net, **settings)
    saved = {}

    class Pauses:
        def due(self, number):
            return number == done

        def reached(self, record):
            saved.update(trainer=whole.state(), record=record.state())

    whole.train_epoch(1, data, pauses=Pauses())
    rest = trainer(net, **settings)
    rest.restore(saved["trainer"])
    rest.train_epoch(1, data[done:], begun=saved["record"])
    assert furthest(whole, rest) == 0
    for made in (whole, rest):
        made.train_epoch(2, data)
    assert furthest(whole, rest) == 0


# --- what goes wrong


def test_numbers_that_are_none_on_one_device_are_found():
    images = np.zeros((BATCH, 3, 16, 16), np.float32)
    images[-1] = 3e38
    made = trainer(network(), devices=TWO)
    with pytest.raises(Diverged) as caught:
        made.train_epoch(1, [Batch(images, np.zeros(BATCH, np.float32), np.arange(BATCH))])
    assert "is not a number in epoch 1, batch 1" in str(caught.value)
    assert "`conv0`" in str(caught.value) or "`bn" in str(caught.value)


def test_rates_that_are_too_high_are_told_with_the_layer():
    made = trainer(network(), optimizer=sgd(lr=1e12), devices=TWO)
    with pytest.raises(Diverged) as caught:
        made.train_epoch(1, batches(5 * BATCH))
    assert "learning rate was 1e+12" in str(caught.value)


def test_devices_that_are_not_there_are_told_with_those_that_are(monkeypatch):
    monkeypatch.setattr(mx.context, "num_gpus", lambda: 0)
    with pytest.raises(RunError) as caught:
        contexts([gpu(0), gpu(1)])
    assert str(caught.value).splitlines() == [
        "`devices` names gpu(0), gpu(1), and MXNet finds no such device",
        "   - MXNet finds no GPU here: the processor, cpu(0), is all there is",
        "   = help: `retdsl doctor` says why",
        "   = help: or leave `devices` out: `--set devices=none` trains on what there is",
    ]
    monkeypatch.setattr(mx.context, "num_gpus", lambda: 2)
    with pytest.raises(RunError) as caught:
        contexts([gpu(0), gpu(2)])
    assert "names gpu(2)" in str(caught.value)
    assert "devices = [gpu(0), gpu(1)]" in str(caught.value)
    assert list(map(str, contexts([gpu(1), gpu(0)]))) == ["gpu(1)", "gpu(0)"]
    assert list(map(str, contexts())) == ["gpu(0)"]
    assert list(map(str, contexts([cpu(0), cpu(1)]))) == ["cpu(0)", "cpu(1)"]
