"""Expected new images of an epoch, against what the runtime draws in many trainings."""

from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest
from policies import made, policy

from retdsl.balance.novelty import expected_new, novelty, times_each
from retdsl.ir import Call
from retdsl.runtime.drawing import Pool, Positions

AMONG = (40, 5)
LABELS = np.repeat([0, 1], AMONG)
EPOCHS = 8

CASES = [
    policy("natural"),
    policy("natural", size=18),
    policy("balanced_subset"),
    policy("balanced_subset", size=24),
    policy("resample"),
    policy("resample", ratio=(3, 1)),
    policy("resample", size=24),
    policy("resample", size=24, replace=True),
    policy("oversample"),
    policy("oversample", ratio=(2, 1)),
    policy("class_aware"),
    policy("class_aware", size=13),
    policy("progressive", epochs=5),
    policy("progressive", epochs=5, from_=(1, 1), to="natural"),
    policy("progressive", epochs=5, from_=(1, 1), to=(3, 1), size=20),
    policy("hard", fraction=0.5),
    policy("hard", fraction=0.4, of=policy("resample")),
    policy("hard", fraction=0.4, of=policy("resample", size=24, replace=True)),
    policy("hard", fraction=0.3, of=policy("natural", size=18)),
    policy("hard", fraction=0.3, of=policy("balanced_subset")),
    policy("hard", fraction=0.3, of=policy("class_aware", size=20)),
]


def training(call: Call, seed: int, epochs: int) -> list[Positions]:
    """What the epochs of one training see; the losses are made up."""
    losses, random = np.full(len(LABELS), np.nan), np.random.default_rng(seed)
    seen = []
    for epoch in range(1, epochs + 1):
        seen.append(made(call).epoch(Pool(LABELS, None, losses), seed, epoch))
        losses[seen[-1]] = random.uniform(size=len(seen[-1]))
    return seen


@pytest.mark.parametrize("call", CASES, ids=lambda call: str(call.name))
def test_new_images_are_as_many_as_expected(call: Call) -> None:
    """The mean of 200 trainings is within four standard errors; where nothing is left to chance, it is exact."""
    new = np.zeros((200, EPOCHS, 2))
    for seed in range(len(new)):
        known: set[int] = set()
        for epoch, positions in enumerate(training(call, seed, EPOCHS)):
            fresh = set(positions.tolist()) - known
            known |= fresh
            new[seed, epoch] = np.bincount(LABELS[list(fresh)], minlength=2)
    expected = np.array([list(islice(expected_new(call, AMONG, label), EPOCHS)) for label in (0, 1)]).T
    # What hardly ever happens may not have happened at all: then its variance is about its mean.
    error = np.sqrt(np.maximum(new.var(axis=0), np.where(expected < 1, expected, 0)) / len(new))
    assert np.all(np.abs(new.mean(axis=0) - expected) <= 4 * error + 1e-6)


@pytest.mark.parametrize("call", CASES, ids=lambda call: str(call.name))
def test_an_image_comes_as_often_as_it_is_said_to(call: Call) -> None:
    for epoch, positions in enumerate(training(call, 3, EPOCHS), 1):
        times = np.bincount(positions, minlength=len(LABELS))
        for label, among in enumerate(AMONG):
            of_class = times[label == LABELS]
            told = times_each(call, int(of_class.sum()), among)
            if call.name == "balanced_subset":
                of_class = of_class[of_class > 0]
            if told is not None:
                assert (of_class.min(), of_class.max()) == told, epoch


def test_how_long_it_takes_until_every_image_was_seen() -> None:
    """Of 40 images, 5 an epoch: the mean of the epoch in which the last one comes, over many trainings."""
    call, last = policy("resample"), []
    for seed in range(300):
        unseen, epoch = set(range(40)), 0
        while unseen:
            epoch += 1
            unseen -= set(made(call).epoch(Pool(LABELS), seed, epoch).tolist())
        last.append(epoch)
    found = novelty(call, AMONG, 0, epochs=100)
    assert found.all == pytest.approx(np.mean(last), rel=0.05)
    assert found.once == 8


def test_in_numbers() -> None:
    """315 healthy eyes and 5 infected ones, both drawn anew, 5 and 5."""
    healthy, infected = (novelty(policy("resample"), (315, 5), label, epochs=100) for label in (0, 1))
    assert healthy.new == pytest.approx(5 * 310 / 315)
    assert healthy.seen == pytest.approx(315 * (1 - (310 / 315) ** 100))
    assert (healthy.once, infected.once, infected.all, infected.new, infected.seen) == (63, 1, 1.0, 0.0, 5.0)
    subset = novelty(policy("balanced_subset"), (315, 5), 0, epochs=100)
    assert (subset.new, subset.seen, subset.once, subset.all) == (0, 5, None, None)
    in_turn = novelty(policy("class_aware", size=20), (315, 5), 0, epochs=100)
    assert (in_turn.new, in_turn.seen, in_turn.once, in_turn.all) == (10, 315, 32, 32)
    rare = novelty(policy("resample"), (10**9, 3), 0, epochs=3)
    assert rare.all is None, "beyond all patience"
    assert rare.once == pytest.approx(10**9 / 3, rel=1e-6)
    found = novelty(policy("resample"), (4000, 4), 0, epochs=3)
    assert found.all == pytest.approx((math.log(4000) + 0.577) * 1000, rel=0.01)
    assert rare.seen == pytest.approx(9)
