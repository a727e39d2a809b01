"""The learning rate's course by explicit values."""

from __future__ import annotations

import math

import pytest

from retdsl.runtime.schedules import Course, constant, cosine, one_cycle, polynomial, step

COURSE = Course((10,) * 6)


def course_of(schedule):
    return [schedule.multiplier(update, COURSE) for update in range(1, 61)]


def test_constant():
    assert course_of(constant()) == [1.0] * 60


@pytest.mark.parametrize("schedule", [constant(warmup=2), step(every=6, warmup=2), cosine(warmup=2)])
def test_warm_up_is_a_straight_line_that_ends_at_1(schedule):
    assert course_of(schedule)[:20] == pytest.approx([n / 20 for n in range(1, 21)])


def test_step_falls_after_whole_epochs():
    factors = course_of(step(every=2, factor=0.5))
    assert factors == pytest.approx([1.0] * 20 + [0.5] * 20 + [0.25] * 20)


def test_step_counts_the_warm_up():
    assert course_of(step(every=2, factor=0.1, warmup=2))[20] == pytest.approx(0.1)


def test_cosine_without_warm_up():
    factors = course_of(cosine())
    assert factors[0] == 1.0
    assert factors[30] == pytest.approx(0.5)
    assert factors[59] == pytest.approx(0.5 * (1 + math.cos(math.pi * 59 / 60)))
    assert factors == sorted(factors, reverse=True)


def test_cosine_after_warm_up_and_down_to_its_floor():
    factors = course_of(cosine(warmup=2, floor=0.1))
    assert factors[20] == 1.0
    assert factors[40] == pytest.approx(0.55)
    assert min(factors[20:]) == pytest.approx(0.1, abs=1e-2)
    assert min(factors[20:]) > 0.1


def test_a_training_that_is_all_warm_up():
    assert cosine(warmup=6).multiplier(60, COURSE) == 1.0
    assert cosine(warmup=10).multiplier(60, COURSE) == pytest.approx(0.6)


def test_half_an_epoch_of_warm_up():
    assert constant(warmup=0.5).multiplier(1, COURSE) == pytest.approx(0.2)


def test_a_course_counts_epochs_of_any_length():
    course = Course((4, 2, 1))
    assert course.epochs == 3
    assert [course.until(epoch) for epoch in range(4)] == [0, 4, 6, 7]
    assert [course.epoch_of(update) for update in range(1, 9)] == [1, 1, 1, 1, 2, 2, 3, 3]
    assert [course.passed(updates) for updates in range(8)] == [0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3]


UNEVEN = Course((40, 23, 11, 5, 1, 1))
"""As `progressive` makes it."""


@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_cosine_reaches_its_end_exactly_when_training_ends(floor):
    for course in (COURSE, UNEVEN):
        falling, total = cosine(warmup=2, floor=floor), course.until(6)
        assert course.passed(total) == 6
        assert falling.multiplier(total + 1, course) == floor, "where the next epoch would begin"
        assert falling.multiplier(total, course) > floor, "the last update is not wasted"


@pytest.mark.parametrize("schedule", [constant(), step(every=2), cosine(), cosine(floor=0.2)])
def test_epochs_begin_at_the_same_rates_whatever_their_length(schedule):
    even, uneven = (
        [schedule.multiplier(course.until(epoch) + 1, course) for epoch in range(6)] for course in (COURSE, UNEVEN)
    )
    assert even == pytest.approx(uneven)


def test_the_warm_up_is_over_when_its_epochs_are():
    for schedule in (constant(warmup=2), cosine(warmup=2)):
        assert schedule.multiplier(40, UNEVEN) == 0.5
        assert schedule.multiplier(62, UNEVEN) < schedule.multiplier(63, UNEVEN) == 1


def test_step_falls_between_epochs_of_any_length():
    factors = [step(every=2, factor=0.5).multiplier(update, UNEVEN) for update in range(1, 82)]
    assert factors == [1.0] * 63 + [0.5] * 16 + [0.25] * 2


def test_a_course_is_known_before_training_begins():
    """Whatever a float makes of thirds: an epoch that ends, ends exactly."""
    for updates in (3, 7, 29, 97):
        course = Course((updates,) * 50)
        assert [course.passed(course.until(epoch)) for epoch in range(51)] == list(range(51))


def test_step_falls_after_the_epochs_that_are_named():
    factors = course_of(step(at=(1, 4), factor=0.5))
    assert factors == pytest.approx([1.0] * 10 + [0.5] * 30 + [0.25] * 20)
    assert course_of(step(at=(2, 4), factor=0.5)) == course_of(step(every=2, factor=0.5))


def test_polynomial():
    line = course_of(polynomial())
    assert line == pytest.approx([1 - update / 60 for update in range(60)])
    power = course_of(polynomial(power=2, floor=0.1))
    assert power == pytest.approx([0.1 + 0.9 * (1 - update / 60) ** 2 for update in range(60)])
    warmed = course_of(polynomial(power=1, warmup=2))
    assert warmed[:20] == pytest.approx([n / 20 for n in range(1, 21)])
    assert warmed[20:] == pytest.approx([1 - n / 40 for n in range(40)])
    assert polynomial(floor=0.3).multiplier(61, COURSE) == pytest.approx(0.3)


def test_one_cycle():
    """Smith 2018, by the arithmetic that every library writes down: two half cosines between three rates."""
    start, end = 25, 1e4

    def between(one, other, share):
        return other + (one - other) / 2 * (1 + math.cos(math.pi * share))

    expected = [
        between(1 / start, 1, n / 18) if n < 18 else between(1, 1 / (start * end), (n - 18) / 42) for n in range(60)
    ]
    factors = course_of(one_cycle())
    assert factors == pytest.approx(expected)
    assert factors[0] == pytest.approx(0.04)
    assert factors[18] == 1.0 == max(factors)
    assert one_cycle().multiplier(61, COURSE) == pytest.approx(1 / 250_000)


@pytest.mark.parametrize("schedule", [polynomial(), polynomial(power=3, warmup=2), one_cycle(), one_cycle(peak=0.5)])
def test_schedules_stay_between_0_and_1_on_any_course(schedule):
    for course in (COURSE, UNEVEN, Course((1,)), Course((1, 1))):
        factors = [schedule.multiplier(update, course) for update in range(1, course.until(course.epochs) + 1)]
        assert all(0 < factor <= 1 for factor in factors)
