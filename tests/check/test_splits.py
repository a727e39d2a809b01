"""Splits in a spec: what an experiment's own fold changes, and what is known of the sides beforehand."""

from __future__ import annotations

from pathlib import Path

from spec_texts import checked, program

from retdsl.balance.counts import Counts, Side, known_counts, of_another_fold, shares_of
from retdsl.check import check_source
from retdsl.compare import compare
from retdsl.ir import DataPlan
from retdsl.source import Source

SPEC = """
data eyes {{
  source  = {source}
  classes = [healthy, infected]
  {keys}
  image   = photo => resize(32, 32)
}}
model net = eyes.image => Flatten => FullyConnected(2) => Softmax
train first {{ model = net  data = eyes  metrics = [auc] }}
{more}
"""
CSV = 'csv("labels.csv", patient = patient)'


def spec(keys: str, more: str = "", source: str = CSV) -> str:
    return SPEC.format(keys=keys, more=more, source=source)


def plan(keys: str, source: str = CSV) -> DataPlan:
    [data] = program(spec(keys, source=source)).data
    return data


def codes(text: str) -> list[str]:
    return [message.code for message in checked(text).diagnostics]


def test_the_fold_of_an_experiment_goes_before_that_of_its_data() -> None:
    found = program(spec("split = folds(5, fold = 3)", "train second from first { fold = 2 }"))
    assert [experiment.data.split["fold"] for experiment in found.experiments] == [3, 2]
    assert found.data[0].split["fold"] == 3
    assert compare(found, found, [("first", "second")]).count == 1
    again = program(spec("split = folds(5, fold = 3)", "train second from first { fold = 3 }"))
    assert compare(again, again, [("first", "second")]).count == 0


def test_what_is_known_of_folds() -> None:
    data = plan("split = folds(5, test = 10%)  counts = 200 : 20")
    counts = known_counts(data)
    assert counts == Counts(Side((144, 14)), Side((36, 4)), Side((20, 2)), "given")
    read = Counts(Side((140, 15), (70, 8)), Side((40, 3), (20, 2)), Side((20, 2), (10, 1)), "read")
    other = of_another_fold(data, read)
    assert other is not None
    assert (other.train, other.valid, other.test) == (Side((144, 14)), Side((36, 4)), read.test)
    assert not other.exact


def test_what_is_known_of_folds_beside_a_column_is_what_was_read() -> None:
    data = plan("split = folds(5, column = side, test = test)  counts = 200 : 20")
    assert known_counts(data) is None
    read = Counts(Side((140, 15), (70, 8)), Side((40, 5), (20, 2)), Side((20, 9), (10, 1)), "read")
    other = of_another_fold(data, read)
    assert other is not None
    assert (other.train, other.valid, other.test) == (Side((144, 16)), Side((36, 4)), read.test)
    assert not other.exact


def test_nothing_is_known_of_a_column() -> None:
    data = plan("split = by_column(usage)  counts = 200 : 20")
    assert shares_of(data.split) is None
    assert known_counts(data) is None


def test_a_test_set_is_not_among_the_counts() -> None:
    keys = 'split = by_patient(80%, 20%, 0%)  counts = 100 : 10  test = csv("other.csv", patient = p)'
    keys = keys.replace("80%, 20%, 0%", "train = 80%, valid = 20%, test = 0%")
    counts = known_counts(plan(keys))
    assert counts == Counts(Side((80, 8)), Side((20, 2)), Side((0, 0)), "given", apart=True)
    assert counts.total == (100, 10)
    painted = known_counts(plan(keys.replace('csv("other.csv", patient = p)', "synthetic_fundus(203)")))
    assert painted is not None
    assert painted.test == Side((200, 3))


def test_splits_that_are_right() -> None:
    assert codes(spec("split = folds(5)")) == []
    assert codes(spec('split = folds(5)  test = csv("other.csv", patient = p)')) == []
    assert codes(spec("split = by_column(usage, valid = Val)")) == []
    assert codes(spec('split = by_column(usage, test = none)  test = csv("other.csv", patient = p)')) == []
    assert codes(spec("split = by_patient(stable = true)")) == []
    assert codes(spec("allow_leaks = [similar, patient]")) == []


def test_splits_that_leave_nothing() -> None:
    assert codes(spec("split = folds(5, test = 100%)")) == ["R601"]
    assert codes(spec("split = by_column(usage, valid = 0%)")) == ["R601"]
    assert codes(spec("split = by_column(usage, valid = 100%)")) == ["R601"]
    assert codes(spec("split = by_patient(train = 100%, valid = 0%, test = 0%)")) == ["R601"]


def test_what_a_fix_of_two_test_sets_writes_is_right() -> None:
    text = spec('split = by_patient(train = 60%, valid = 20%, test = 20%, seed = 4)  test = csv("o.csv", patient = p)')
    [message] = checked(text).diagnostics
    [fix] = message.fixes
    [edit] = fix.edits
    assert edit.replacement == "by_patient(train = 80%, valid = 20%, test = 0%, seed = 4)"
    assert codes(text[: edit.span.start] + edit.replacement + text[edit.span.end :]) == []


def test_every_joined_source_needs_the_column_to_split_by() -> None:
    text = """
    data eyes {
      source  = [csv("a.csv", patient = person), folder("b", patient = "(p)")]
      classes = [healthy, infected]
      split   = by_column(usage, train = Training, valid = 10%, test = Test)
      image   = photo => resize(8, 8)
    }
    model net = eyes.image => Flatten => FullyConnected(2) => Softmax
    train t { model = net  data = eyes  epochs = 1  sampling = natural }
    """
    found = [(item.code, item.message) for item in check_source(Source("study", text), Path()).diagnostics]
    assert found == [("R614", "`folder` has no column to split by")]
