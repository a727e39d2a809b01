"""Photographs by class and side: as the spec gives them, as a source paints them, as they were read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from study_texts import ROOT, edited

from retdsl.balance.counts import (
    Reading,
    expected_sides,
    known_counts,
    largest_remainder,
    painted_counts,
    reading_of,
)
from retdsl.check import Checked, check_source
from retdsl.ir import Call
from retdsl.runtime import sampling, split, synthetic
from retdsl.runtime.sample import Sample
from retdsl.runtime.sources import Wanted
from retdsl.source import Source

COUNTED = ("[healthy, infected]\n", "[healthy, infected]\n  counts  = 4000 : 600\n")

shares = st.tuples(st.integers(1, 98), st.integers(1, 98)).filter(lambda pair: sum(pair) < 100)


def checked(text: str, **readings: Reading) -> Checked:
    return check_source(Source("study.retina", text), ROOT, readings=readings)


def found(train: list[int], valid: list[int], test: list[int], *problems: dict[str, object]) -> Reading:
    """An answer of a generated program: as many patients as photographs."""
    sides = {"train": train, "valid": valid, "test": test}
    return reading_of(
        {
            "classes": ["healthy", "infected"],
            "sides": {side: {"photographs": numbers, "patients": numbers} for side, numbers in sides.items()},
            "problems": list(problems),
        },
        ROOT,
    )


@given(total=st.integers(0, 10_000), weights=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=5))
def test_remainders_go_where_the_runtime_puts_them(total: int, weights: list[float]) -> None:
    assert largest_remainder(total, weights) == sampling.largest_remainder(total, weights)


@given(number=st.integers(3, 400), parts=shares, seed=st.integers(0, 9))
def test_sides_are_those_of_the_runtime_if_every_photograph_is_a_patient(
    number: int, parts: tuple[int, int], seed: int
) -> None:
    train, valid = (part / 100 for part in parts)
    test = 1 - train - valid
    samples = [Sample(str(i), 0, str(i)) for i in range(number)]
    sides = split.by_patient(train, valid, test, seed).divide(samples)
    assert expected_sides(number, (train, valid, test)) == tuple(map(len, sides))


@given(n=st.integers(12, 3000), healthy=st.floats(0.01, 1000), infected=st.floats(0.01, 1000), seed=st.integers(0, 9))
def test_painted_photographs_are_counted_as_they_are_painted(
    n: int, healthy: float, infected: float, seed: int
) -> None:
    samples = synthetic.synthetic_fundus(n, (healthy, infected), seed).samples(ROOT, Wanted(("healthy", "infected")))
    labels = [sample.label for sample in samples]
    call = Call("synthetic_fundus", (("n", n), ("ratio", (healthy, infected)), ("seed", seed), ("size", 256)))
    assert painted_counts(call) == (labels.count(0), labels.count(1))


def test_nothing_is_known_of_a_table_that_nobody_read() -> None:
    assert checked(edited()).counts == {}


def test_given_counts_are_divided_by_the_shares_of_the_split() -> None:
    counts = checked(edited(COUNTED)).counts["eyes"]
    assert (counts.origin, counts.exact, counts.total) == ("given", False, (4000, 600))
    assert [side.photographs for side in (counts.train, counts.valid, counts.test)] == [
        (2800, 420),
        (600, 90),
        (600, 90),
    ]
    assert counts.train.patients is None


def test_what_was_read_counts_more_than_what_is_given() -> None:
    result = checked(edited(COUNTED), eyes=found([2801, 421], [600, 90], [599, 89]))
    counts = result.counts["eyes"]
    assert (counts.origin, counts.exact, counts.train.patients) == ("read", True, (2801, 421))
    assert list(result.diagnostics) == []


def test_counts_that_differ_are_told_with_both_numbers_and_a_fix() -> None:
    result = checked(edited(COUNTED), eyes=found([1000, 100], [200, 20], [200, 20]))
    [item] = result.diagnostics
    assert item.code == "R607"
    assert "1400 : 140" in item.message
    assert "4000 : 600" in item.message
    [fix] = item.fixes
    [edit] = fix.edits
    assert (edit.span.text, edit.replacement, fix.safe) == ("4000 : 600", "1400 : 140", True)


def test_every_problem_with_the_data_is_an_error_of_its_own_at_the_source() -> None:
    many = [f"line {i}" for i in range(2, 40)]
    problems = [
        {"message": "rows without a label (38)", "where": f"{ROOT}/labels.csv", "items": many, "help": ["fill them"]},
        {"message": "a photograph of 9 cannot be read", "where": None, "items": ["a\udcff.png: \ud800"], "help": []},
    ]
    answer = reading_of({"classes": None, "sides": None, "problems": problems}, ROOT)
    result = checked(edited(COUNTED), eyes=answer)
    first, second = result.diagnostics
    assert [first.code, second.code] == ["R605", "R605"]
    assert first.labels[0].span.text.startswith('csv("labels.csv"')
    assert first.labels[0].text == "in labels.csv"
    assert first.notes[0].splitlines()[9:] == ["line 11", "... and 28 more"]
    assert first.helps == ("fill them",)
    assert second.notes == ("a?.png: ?",), "names that are no text can still be shown"
    assert result.program is None
    assert result.counts["eyes"].origin == "given", "nothing was counted"


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ("4000 : 1", "1 photograph of `infected` cannot"),
        ("4000 : 2", "2 photographs of `infected` cannot"),
        ("3 : 4000", "3 photographs of `healthy` may not"),
        ("4000 : 4", "4 photographs of `infected` may not"),
    ],
)
def test_a_class_that_is_too_rare_for_three_sides(counts: str, said: str) -> None:
    text = edited((COUNTED[0], COUNTED[1].replace("4000 : 600", counts)))
    assert any(item.code == "R606" and item.message.startswith(said) for item in checked(text).diagnostics)


def test_three_patients_are_enough_for_three_sides() -> None:
    text = edited((COUNTED[0], COUNTED[1].replace("4000 : 600", "4000 : 5")))
    assert all(item.code != "R606" for item in checked(text).diagnostics)


def test_counts_are_no_part_of_what_an_experiment_does() -> None:
    plain, counted = (checked(text).program for text in (edited(), edited(COUNTED)))
    assert plain is not None
    assert counted is not None
    assert known_counts(plain.experiments[0].data) is None
    assert counted.experiments[0].data.counts == (4000, 600)
