"""Steps of several batches, and clipping: against NumPy, and against one batch as large as the step."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_study import network
from tiny_trainer import BATCH, batches, trainer

from retdsl.runtime.clipping import norm, value
from retdsl.runtime.gradients import Gradients
from retdsl.runtime.loader import Batch
from retdsl.runtime.losses import Softmax
from retdsl.runtime.mx import mx
from retdsl.runtime.network import Network
from retdsl.runtime.optimizers import adam, sgd
from retdsl.runtime.schedules import Course, cosine
from retdsl.runtime.symbols import sym
from retdsl.runtime.workers import Workers


def plain(features):
    """Without BatchNorm and dropout, which go by the batch."""
    conv = sym.Convolution(features["relu0"], num_filter=4, kernel=(3, 3), name="conv1")
    pool = sym.Pooling(
        sym.Activation(conv, act_type="tanh", name="tanh1"),
        global_pool=True,
        pool_type="avg",
        kernel=(1, 1),
        name="pool",
    )
    return sym.FullyConnected(sym.Flatten(pool, name="flat"), num_hidden=2, name="fc")


def small(**options):
    return trainer(network(trained=plain), **options)


def joined(parts):
    return Batch(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.indices for part in parts]),
    )


@pytest.mark.parametrize("optimizer", [sgd(lr=0.1, momentum=0.9, wd=0.01), adam(lr=0.01)])
@pytest.mark.parametrize("clip", [None, norm(0.05), value(0.02)])
@pytest.mark.parametrize("count", [96, 83, 70, 5])
def test_steps_of_four_batches_are_those_of_one_batch_four_times_as_large(optimizer, clip, count):
    """The last step of an epoch may be of fewer batches, or the epoch smaller than a step."""
    parts = batches(count)
    updates = -(-len(parts) // 4)
    steps = (min(4 * BATCH, count),) * 2
    schedule = cosine(warmup=1)
    few = small(
        optimizer=optimizer,
        accumulate=4,
        clip=clip,
        course=Course((updates,) * 2),
        steps=steps,
        schedule=schedule,
    )
    large = small(
        optimizer=optimizer,
        clip=clip,
        batch=4 * BATCH,
        course=Course((updates,) * 2),
        steps=steps,
        schedule=schedule,
    )
    for epoch in (1, 2):
        few.train_epoch(epoch, parts)
        large.train_epoch(epoch, [joined(parts[i : i + 4]) for i in range(0, len(parts), 4)])
    for name, expected in large.parameters().all().items():
        found = few.parameters().all()[name]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6, err_msg=name)


def test_updates_are_counted_not_batches():
    heard = []
    made = small(accumulate=2, course=Course((2, 2)), schedule=cosine())
    for epoch in (1, 2):
        made.train_epoch(epoch, batches(), then=heard.append)
    assert [(m.epoch, m.batch, m.updates) for m in heard] == [
        *((1, 1, 0), (1, 2, 1), (1, 3, 2)),
        *((2, 1, 2), (2, 2, 3), (2, 3, 4)),
    ]
    rates = [0.05 * cosine().multiplier(update, Course((2, 2))) for update in (1, 1, 2, 3, 3, 4)]
    assert [m.learning_rate for m in heard] == pytest.approx(rates)


def gradients(clip, arrays, images=2):
    made = Gradients(clip=clip)
    made.begin(list(arrays), {name: mx.nd.array(array) for name, array in arrays.items()})
    for name, array in arrays.items():
        made.arrays[name][:] = mx.nd.array(array)
    finite = made.measure(images)
    scale = made.clipped(images)
    return finite, made.length, {name: array.asnumpy() * scale for name, array in made.arrays.items()}


ARRAYS = {
    "a": np.array([[3.0, -4.0], [0.5, 0.25]], np.float32),
    "b": np.array([12.0], np.float32),
    "c": np.zeros((2, 3, 1), np.float32),
}
LENGTH = np.sqrt(sum(((array / 2) ** 2).sum() for array in ARRAYS.values()))


@pytest.mark.parametrize("limit", [0.1, 1.0, 100.0])
def test_the_norm_over_all_parameters_is_clipped(limit):
    finite, length, found = gradients(norm(limit), ARRAYS)
    assert finite
    assert length == pytest.approx(LENGTH)
    for name, array in ARRAYS.items():
        np.testing.assert_allclose(found[name], array / 2 * min(1, limit / LENGTH), rtol=1e-6)


@pytest.mark.parametrize("limit", [0.1, 1.0, 100.0])
def test_every_value_is_clipped(limit):
    _, length, found = gradients(value(limit), ARRAYS)
    assert length == pytest.approx(LENGTH), "before clipping"
    for name, array in ARRAYS.items():
        np.testing.assert_allclose(found[name], np.clip(array / 2, -limit, limit), rtol=1e-6)


@pytest.mark.parametrize("clip", [None, norm(1), value(1)])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_noticed(bad, clip):
    finite, _, _ = gradients(clip, {**ARRAYS, "d": np.array([1.0, bad], np.float32)})
    assert not finite


def test_numbers_are_numbers_however_large_as_long_as_their_norm_is_one():
    finite, length, _ = gradients(None, {**ARRAYS, "d": np.full(2, -1e38, np.float32)})
    assert finite
    assert length == pytest.approx(2**0.5 * 1e38 / 2)
    finite, length, _ = gradients(None, {**ARRAYS, "d": np.full(2, 3e38, np.float32)})
    assert not finite
    assert length == np.inf


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("clip", [None, norm(0.05), value(0.001)])
def test_the_length_is_the_same_whenever_it_is_asked(clip, accumulate):
    """It is worked out for who asks: after every step, or when a state is saved at the end."""
    heard = []
    one, two = (small(clip=clip, accumulate=accumulate, course=Course((3,))) for _ in range(2))
    one.train_epoch(1, batches(), then=heard.append)
    two.train_epoch(1, batches())
    lengths = [float(made.state()["gradients:length"]) for made in (one, two)]
    assert lengths == [heard[-1].gradient_norm] * 2
    assert lengths[0] > 0
    two.begin_phase(1)
    assert float(two.state()["gradients:length"]) == lengths[0]


def test_gradients_without_any_length_stay():
    _, length, found = gradients(norm(1), {"a": np.zeros(3, np.float32)})
    assert length == 0
    assert not found["a"].any()


def test_clipping_by_norm_bounds_the_step():
    linear = Network(input_shape=(4,), trained=_linear, loss=Softmax())
    made = trainer(linear, weights=None, optimizer=sgd(lr=1.0), clip=norm(0.01))
    before = made.parameters().arguments
    [batch] = batches(BATCH, shape=(4,))
    made.train_epoch(1, [batch])
    after = made.parameters().arguments
    assert np.sqrt(sum(((after[n] - before[n]) ** 2).sum() for n in before)) == pytest.approx(0.01, rel=1e-4)


def _linear(features):
    return sym.FullyConnected(features["data"], num_hidden=2, name="fc")


class Enough(Exception):
    """Ends an epoch between two batches."""


def test_a_step_that_is_not_finished_can_be_taken_up_again():
    """As after a checkpoint between two batches of a step."""
    parts = batches()
    whole, one, other = (small(accumulate=3, course=Course((1, 1))) for _ in range(3))
    whole.train_epoch(1, parts)

    def enough(_):
        raise Enough

    with pytest.raises(Enough):
        one.train_epoch(1, parts, then=enough)
    state = one.state()
    assert int(state["gradients:batches"]) == 1
    other.restore(state)
    other.train_epoch(1, parts[1:])
    for name, expected in whole.parameters().all().items():
        assert other.parameters().all()[name].tobytes() == expected.tobytes(), name


class OneOfTwo(Workers):
    """A worker whose fellow has added the same as it has."""

    count = 2

    def __init__(self, rank):
        self.rank = rank

    def sum(self, arrays):
        for array in arrays.values():
            array *= 2


def test_what_two_workers_have_added_to_a_step_is_saved_once():
    workers = [Gradients(3, workers=OneOfTwo(rank)) for rank in (0, 1)]
    for gradients in workers:
        gradients.begin(["w"], {"w": mx.nd.zeros((2,))})
        gradients.gather()
        gradients.arrays["w"][:] = [3, 4]
        gradients.added()
        gradients.gather()
    first, second = workers
    assert first.arrays["w"].asnumpy().tolist() == [6, 8]
    assert second.arrays["w"].asnumpy().tolist() == [0, 0]
    state = first.state()
    for gradients in workers:
        gradients.arrays["w"][:] = -1
        gradients.restore(state)
    assert first.arrays["w"].asnumpy().tolist() == [6, 8]
    assert second.arrays["w"].asnumpy().tolist() == [0, 0]
