"""Rules for labels: what check says of them without data is what the runtime does with data."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retdsl.check import check_source
from retdsl.ir import Call
from retdsl.runtime.labels import mapped, rule
from retdsl.source import Source

SPEC = """
data eyes {{
  source  = csv("labels.csv", label = {label}, patient = person)
  classes = [{classes}]
  image   = photo => resize(32, 32)
}}
"""
CLASSES = ("c0", "c1", "c2")
COMPARISONS = st.sampled_from([">=", ">", "<=", "<", "==", "!="])
RULES = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), COMPARISONS, st.integers(0, 3), st.sampled_from(CLASSES))
    | st.tuples(st.just("a"), st.sampled_from(["==", "!="]), st.sampled_from(["x", "y"]), st.sampled_from(CLASSES)),
    min_size=1,
    max_size=5,
).map(lambda found: tuple(rule(*each) for each in found))
CELLS = [*(str(half / 2) for half in range(-1, 9)), "x", "y", "z"]


def check(label: str, classes: str = "healthy, infected"):
    checked = check_source(Source("study", SPEC.format(label=label, classes=classes)), Path())
    return checked.program, [(item.code, item.message) for item in checked.diagnostics]


def never_first(rules: tuple[rule, ...]) -> list[int]:
    """The rules that are shadowed by earlier ones of the same column, found by trying cells."""
    found = []
    for at, each in enumerate(rules):
        before = [one for one in rules[:at] if one.column == each.column]

        def first(cell: str, each=each, before=before) -> bool:
            return each.matches(cell) is True and not any(one.matches(cell) is True for one in before)

        if before and not any(first(cell) for cell in CELLS):
            found.append(at)
    return found


@given(RULES)
def test_the_rules_that_check_calls_never_reached_never_decide(rules: tuple[rule, ...]) -> None:
    written = ", ".join(str(each) for each in rules)
    _, messages = check(f"[{written}]", ", ".join(CLASSES))
    assert sum(code == "R612" for code, _ in messages) == len(never_first(rules))
    missing = [name for name in CLASSES if name not in {each.label for each in rules}]
    assert any(code == "R611" for code, _ in messages) == bool(missing)


def test_a_rule_is_a_call_of_what_runs_it() -> None:
    program, messages = check("grade >= 2 -> infected")
    assert not messages
    assert program is not None
    written = dict(program.data[0].source.options)["label"]
    assert isinstance(written, Call)
    values = [value for _, value in written.options]
    assert values == ["grade", ">=", 2, "infected"]
    assert mapped((rule(*values),)).decide(("3",), ("healthy", "infected")) == (1, None)


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("[grade >= 2 -> infected, other]", "R303"),
        ("1 >= 2 -> infected", "R303"),
        ("grade >= [2] -> infected", "R303"),
        ("grade >= 2 -> 1", "R303"),
        ("grade >= low -> infected", "R303"),
        ("[]", "R303"),
    ],
)
def test_what_is_no_rule(label: str, code: str) -> None:
    program, messages = check(label)
    assert program is None
    assert [found for found, _ in messages] == [code]


@pytest.mark.parametrize(
    "label",
    [
        "grade",
        '"Grade of DR" >= 2 -> infected',
        "dx == DR -> infected",
        '[dx == "DR" -> infected, dx == "AMD" -> infected]',
        "[a >= 2 -> infected, b >= 2 -> infected, a < 2 -> healthy]",
        "age > 70% -> infected",
        "delta < -1 -> infected",
    ],
)
def test_what_is_fine(label: str) -> None:
    program, messages = check(label)
    assert messages == []
    assert program is not None


FINDINGS = 'csv("{name}.csv", label = findings([red, blue]), patient = person)'
RECORDS = 'recordio("eyes.rec", patient = id2)'


@pytest.mark.parametrize(
    ("sources", "loss", "fits"),
    [
        ([FINDINGS.format(name="a")], "Sigmoid", True),
        ([FINDINGS.format(name="a"), FINDINGS.format(name="b")], "Sigmoid", True),
        ([FINDINGS.format(name="a"), FINDINGS.format(name="b")], "Softmax", False),
        (['csv("a.csv", patient = person)', 'csv("b.csv", patient = person)'], "Sigmoid", False),
        ([RECORDS], "Sigmoid", True),  # records may hold findings, or not: only they know
        ([RECORDS], "Softmax", True),
    ],
)
def test_the_head_fits_what_any_of_the_sources_says(sources: list[str], loss: str, fits: bool) -> None:
    text = f"""
    data eyes {{ source = [{", ".join(sources)}]  classes = [red, blue]  image = photo => resize(8, 8) }}
    model net = eyes.image => Flatten => FullyConnected(2) => {loss}
    train t {{ model = net  data = eyes  epochs = 1  sampling = natural }}
    """
    codes = [item.code for item in check_source(Source("study", text), Path()).diagnostics]
    assert ("R613" not in codes) == fits
    assert fits == (not codes)
