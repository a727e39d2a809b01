"""Cells to labels: names, positions, rules; and everything that is no label, told with its place."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retdsl.runtime.errors import RunError
from retdsl.runtime.labels import Label, Said, Told, findings, labelling, rule
from retdsl.runtime.problems import Problems

TWO = ("healthy", "infected")
FIVE = ("none", "mild", "moderate", "severe", "proliferative")
THREE = ("healthy", "moderate", "severe")
GRADED = (rule("grade", ">=", 4, "severe"), rule("grade", ">=", 2, "moderate"), rule("grade", ">=", 0, "healthy"))


def labels(
    said: Said, cells: list[str] | list[tuple[str, ...]], classes: tuple[str, ...], told: list[Told] | None = None
):
    """The position of every row. Raises RunError with what is wrong."""
    rows = [(row,) if isinstance(row, str) else row for row in cells]
    problems = Problems()
    places = [f"line {at}" for at in range(2, len(rows) + 2)]
    found = labelling(said).label(rows, places, classes, problems, told)
    problems.raise_any("no good")
    return [None if label is None else label.position for label in found]


def refusal(said: Said, cells: list[str] | list[tuple[str, ...]], classes: tuple[str, ...]) -> RunError:
    with pytest.raises(RunError) as caught:
        labels(said, cells, classes)
    return caught.value


class TestOneColumn:
    def test_names(self) -> None:
        assert labels("x", ["infected", "healthy"], TWO) == [1, 0]

    def test_numbers_are_positions_however_they_are_written(self) -> None:
        assert labels("x", ["0", "1", "2", "2.0", "4.00", " 3", "1e0"], FIVE) == [0, 1, 2, 2, 4, 3, 1]

    def test_names_and_positions_may_stand_side_by_side(self) -> None:
        assert labels("x", ["infected", "0"], TWO) == [1, 0]

    def test_classes_that_are_numbers_are_names_and_never_positions(self) -> None:
        assert labels("x", ["2", "0", "1"], ("2", "1", "0")) == [0, 2, 1]
        assert refusal("x", ["3"], ("0", "1", "2")).items == ("`3`: 1 row, first in line 2",)
        assert "the classes are `0`, `1`" in refusal("x", ["1.0"], ("0", "1")).help[0]

    @pytest.mark.parametrize("cell", ["2", "-1", "0.5", "1e9"])
    def test_a_number_out_of_range_says_what_numbers_mean_and_what_grades_need(self, cell: str) -> None:
        error = refusal("grade", ["0", cell, cell], TWO)
        assert error.items == (f"`{cell}`: 2 rows, first in line 3",)
        assert error.help == (
            "numbers are positions of classes, 0 `healthy`, 1 `infected`; "
            "grades need a rule, as `grade >= 2 -> infected`",
        )

    @pytest.mark.parametrize("cell", ["", "nan", "NaN", "NA", "n/a", "#N/A", "<NA>", "null", "None"])
    def test_cells_that_say_nothing(self, cell: str) -> None:
        error = refusal("x", ["healthy", cell, "infected", cell], TWO)
        assert error.message == "rows without a label (2)"
        assert error.items == ("line 3", "line 5")

    def test_a_class_may_be_called_like_nothing(self) -> None:
        assert labels("x", ["none", "mild"], FIVE) == [0, 1]
        assert labels("x", ["NA", "b"], ("NA", "b")) == [0, 1]

    @pytest.mark.parametrize("cell", ["inf", "0x1", "1_0", "one"])
    def test_what_is_neither_name_nor_number(self, cell: str) -> None:
        assert refusal("x", [cell], TWO).message == "labels that are no class (1)"


class TestRules:
    def test_the_first_that_matches_gives_the_class(self) -> None:
        assert labels(GRADED, ["0", "1", "1.9", "2", "3", "4", "4.0"], THREE) == [0, 0, 0, 1, 1, 2, 2]

    @pytest.mark.parametrize(
        ("comparison", "found"),
        [
            (">=", [0, 1, 1]),
            (">", [0, 0, 1]),
            ("<=", [1, 1, 0]),
            ("<", [1, 0, 0]),
            ("==", [0, 1, 0]),
            ("!=", [1, 0, 1]),
        ],
    )
    def test_every_comparison(self, comparison: str, found: list[int]) -> None:
        assert labels(rule("grade", comparison, 2, "infected"), ["1", "2", "3"], TWO) == found

    def test_one_rule_of_two_classes_leaves_the_rest_to_the_other(self) -> None:
        assert labels(rule("grade", "<", 2, "healthy"), ["0", "4"], TWO) == [0, 1]

    def test_texts(self) -> None:
        said = (rule("dx", "==", "DR", "infected"), rule("dx", "==", "AMD", "infected"))
        assert labels(said, ["DR", "AMD", "dr", "2"], TWO) == [1, 1, 0, 0]
        assert labels(rule("dx", "!=", "NA", "infected"), ["NA", "DR"], TWO) == [0, 1]
        assert refusal(rule("dx", "!=", "DR", "infected"), ["NA"], TWO).message == "rows without a label (1)"

    def test_several_columns(self) -> None:
        said = (
            rule("quality", "==", "bad", "severe"),
            rule("grade", ">=", 2, "moderate"),
            rule("grade", "<", 2, "healthy"),
        )
        assert labelling(said).columns == ("quality", "grade")
        assert labels(said, [("bad", ""), ("good", "2"), ("good", "0")], THREE) == [2, 1, 0]

    def test_an_empty_cell_decides_nothing(self) -> None:
        said = (rule("a", ">=", 2, "infected"), rule("b", ">=", 2, "infected"))
        error = refusal(said, [("2", ""), ("", "2"), ("0", "NaN"), ("0", "0")], TWO)
        assert error.items == ("line 3", "line 4")

    def test_rows_that_no_rule_covers(self) -> None:
        error = refusal((*GRADED[:2], rule("grade", "==", 0, "healthy")), ["4", "1", "0", "1", "-1"], THREE)
        assert error.message == "rows that no rule covers (2)"
        assert error.items == ("grade `1`: 2 rows, first in line 3", "grade `-1`: 1 row, first in line 6")
        assert error.help == (
            "the rules are `grade >= 4 -> severe`, `grade >= 2 -> moderate`, `grade == 0 -> healthy`",
        )

    def test_cells_that_are_no_number(self) -> None:
        error = refusal(rule("grade", ">=", 2, "infected"), ["2", "two", "2,5"], TWO)
        assert error.message == "cells that are no number (2)"
        assert error.items == ("`two` in `grade`: 1 row, first in line 3", "`2,5` in `grade`: 1 row, first in line 4")

    def test_how_many_rows_each_took_is_told(self) -> None:
        told: list[Told] = []
        labels(GRADED, ["0", "4", "2", "0"], THREE, told)
        labels(rule("grade", ">=", 2, "infected"), ["0", "4", "0"], TWO, told)
        assert [(one.key, [fact["rows"] for fact in one.data]) for one in told] == [
            ("rules", [1, 1, 2]),
            ("rules", [1, 2]),
        ]
        assert told[1].lines == (
            "labels: grade >= 2 -> infected: 1 row (4)",
            "labels: all others -> healthy: 2 rows (0)",
        )

    def test_cells_that_no_grade_has_are_seen(self) -> None:
        told: list[Told] = []
        cells = ["10", "9", "2", "2.5", "0", "9", "1"]
        labels(rule("grade", ">=", 2, "infected"), cells, TWO, told)
        labels(rule("age", ">=", 50, "infected"), [str(age) for age in range(5, 90)], TWO, told)
        assert [line for one in told for line in one.lines] == [
            "labels: grade >= 2 -> infected: 5 rows (2, 2.5, 9, 10)",
            "labels: all others -> healthy: 2 rows (0, 1)",
            "labels: age >= 50 -> infected: 40 rows (50 to 89)",
            "labels: all others -> healthy: 45 rows (5 to 49)",
        ]

    @given(st.lists(st.sampled_from(["0", "1", "2", "3", "4"]), min_size=1))
    def test_rows_of_rules_add_up_to_those_of_classes(self, cells: list[str]) -> None:
        told: list[Told] = []
        found = labels(GRADED, cells, THREE, told)
        taken = {fact["rule"].split()[-1]: fact["rows"] for fact in told[0].data}
        counts = Counter(found)
        assert taken == {name: counts[at] for at, name in enumerate(THREE)}


class TestFindings:
    def test_each_column_is_a_class_and_the_label_is_the_last_that_is_there(self) -> None:
        rows = [("1", "0", "0"), ("0", "1", "1.0"), ("1", "TRUE", "no")]
        found = labelling(findings(("a", "b", "c"))).label(rows, ["1", "2", "3"], THREE, Problems())
        assert found == [Label(0, (1, 0, 0)), Label(2, (0, 1, 1)), Label(1, (1, 1, 0))]
        assert [label and label.positions for label in found] == [(0,), (1, 2), (0, 1)]

    def test_a_first_class_without_a_column_has_the_photographs_without_any(self) -> None:
        found = labelling(findings(("a", "b"))).label([("0", "0"), ("1", "0")], ["1", "2"], THREE, Problems())
        assert found == [Label(0, (1, 0, 0)), Label(1, (0, 1, 0))]

    def test_what_is_no_finding(self) -> None:
        error = refusal(findings(("a", "b")), [("1", "2"), ("", "1"), ("maybe", "0"), ("0", "0")], TWO)
        assert [part.message for part in error.parts] == [
            "rows without a label (1)",
            "cells that are neither 0 nor 1 (2)",
            "rows without any finding (1)",
        ]
        assert error.parts[1].items[0] == "`2` in `b`: 1 row, first in line 2"


def test_equal_cells_share_a_label() -> None:
    problems = Problems()
    found = labelling("x").label([("healthy",)] * 3, ["a", "b", "c"], TWO, problems)
    assert found[0] is found[2]
    assert found[0] == Label(0)
