"""How much of a class the epochs of a training see: how often each image comes, and how many are new.

Enters: a sampling policy, and how many images of each class there are to draw (patients, where it draws these). Leaves:
`Novelty`: exact expectations of what the runtime draws, which tests compare with many runs.

An image that no epoch has seen yet is seen in the next one with the chance

    k / n                    k of n drawn evenly; 1 where k is n or more
    1 - (1 - 1 / n)^k        each of k drawn by itself, with replacement
    0                        by `balanced_subset`, after the first epoch

whatever was drawn before, so that (1 - chance) of the unseen stay unseen. `class_aware` goes through its lists instead,
and sees k new ones until the first pass ends. `hard` leaves k - h draws to the other policy, and what it puts in the
place of the h was seen before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import count, islice

from retdsl.balance.epochs import base_of, drawn_in_epoch
from retdsl.ir import Call
from retdsl.records import dataclass

PATIENCE = 10_000
"""Epochs; how much longer something takes is not looked at."""

NOTHING = 1e-9
"""Images; fewer than that unseen are none."""


@dataclass(frozen=True, slots=True)
class Novelty:
    """What a training sees of one class, in images (or patients).

    among: how many there are; new: expected in the second epoch; seen: expected in the whole training, at least once;
    once: epochs until an image has come once on average, None if that never happens; all: expected epochs until every
    one has come at least once, None if that never happens or takes more than `PATIENCE`.
    """

    among: int
    new: float
    seen: float
    once: int | None
    all: float | None


def times_each(policy: Call, drawn: int, among: int) -> tuple[int, int] | None:
    """How often an image of a class comes in an epoch, at least and at most; None where only the mean is known."""
    base = base_of(policy)
    subset = base.name == "balanced_subset"
    if policy.name == "hard" or dict(base.options).get("replace") or base.name == "class_aware":
        return None
    return (1, 1) if subset and drawn <= among else (drawn // among, -(-drawn // among))


def novelty(policy: Call, among: tuple[int, ...], label: int, epochs: int) -> Novelty:
    """What a training of so many epochs sees of a class. among: of every class, what there is to draw."""
    number = among[label]
    new = expected_new(policy, among, label)
    first, second = islice(new, 2)
    seen = first if epochs == 1 else first + second
    for more in islice(new, max(0, epochs - 2)):
        seen += more
        if number - seen < NOTHING:
            break
    return Novelty(number, second, min(float(number), seen), _once(policy, among, label), _all(policy, among, label))


def expected_new(policy: Call, among: tuple[int, ...], label: int) -> Iterator[float]:
    """Epoch by epoch without end: how many images of a class, expected, no epoch before has seen."""
    base = base_of(policy)
    number, unseen = among[label], float(among[label])
    done, unseen_before_pass = 0, unseen
    for epoch in count(1):
        drawn = _drawn(policy, epoch, among, label)
        kept = drawn - (_replaced(policy, drawn, number - unseen) if epoch > 1 else 0)
        if base.name == "class_aware":
            new = 0.0
            for first, last in _passes(done, done + drawn, number):
                new += kept / drawn * (last - first) / number * unseen_before_pass
                if last % number == 0:
                    unseen_before_pass = unseen - new
                if unseen_before_pass < NOTHING:
                    break
            done += drawn
        else:
            new = unseen * _chance(base, epoch, kept, number)
        new = min(new, unseen)
        unseen -= new
        if unseen < NOTHING:
            new, unseen = new + unseen, 0.0
        yield new


def _chance(base: Call, epoch: int, drawn: int, number: int) -> float:
    """That an image which was never seen is seen in this epoch."""
    options = dict(base.options)
    if base.name == "balanced_subset" and epoch > 1:
        return 0.0
    if options.get("replace"):
        return 1 - (1 - 1 / number) ** drawn
    return min(1.0, drawn / number)


def _replaced(policy: Call, drawn: int, seen: float) -> int:
    """How many of the images drawn give way to the hardest of those seen."""
    if policy.name != "hard":
        return 0
    return min(int(float(str(policy["fraction"])) * drawn + 0.5), int(seen + 0.5))


def _passes(start: int, stop: int, number: int) -> Iterator[tuple[int, int]]:
    """The places from start to stop of a list that is gone through again and again, pass by pass."""
    while start < stop:
        last = min(stop, (start // number + 1) * number)
        yield start, last
        start = last


def _once(policy: Call, among: tuple[int, ...], label: int) -> int | None:
    """Epochs until as many images were drawn as there are, if they are not always the same."""
    if _stays(policy, among, label):
        return None
    done = drawn = 0
    for epoch in range(1, PATIENCE + 1):
        drawn = _drawn(policy, epoch, among, label)
        done += drawn
        if done >= among[label]:
            return epoch
    return PATIENCE + -(-(among[label] - done) // drawn) if drawn else None


def _all(policy: Call, among: tuple[int, ...], label: int) -> float | None:
    """The mean of the epoch in which the last image is seen for the first time: the sum over all epochs of the chance
    that something is still unseen after it. Each image is taken to be unseen independently of the others.
    """
    if _stays(policy, among, label):
        return None
    number, done = among[label], 0
    unseen, expected = float(number), 1.0
    for epoch, new in enumerate(islice(expected_new(policy, among, label), 3 * PATIENCE), 1):
        unseen, done = unseen - new, done + _drawn(policy, epoch, among, label)
        if unseen < NOTHING:
            return expected
        short = done < number or policy.name == "class_aware"
        left = 1.0 if short else -math.expm1(number * math.log1p(-unseen / number))
        expected += left
        if left < 1e-4:
            break
    return expected if expected < PATIENCE else None


def _stays(policy: Call, among: tuple[int, ...], label: int) -> bool:
    """Whether every epoch sees the same few images of the class."""
    return base_of(policy).name == "balanced_subset" and _drawn(policy, 1, among, label) < among[label]


def _drawn(policy: Call, epoch: int, among: tuple[int, ...], label: int) -> int:
    drawn = drawn_in_epoch(policy, epoch, len(among), among)
    assert drawn is not None, "what there is to draw is known"
    return drawn[label]
