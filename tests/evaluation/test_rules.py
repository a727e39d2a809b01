"""Which label probabilities give, by the thresholds that a run has frozen."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from retdsl.evaluation.members import Finished
from retdsl.evaluation.rules import Rule, rule_of
from retdsl.finished import RunRecord
from retdsl.runtime.errors import RunError

FINDINGS = ("drusen", "edema", "haemorrhage")


def finished(points: list[dict[str, Any]], best: int = 3, epochs: int = 5) -> Finished:
    record = RunRecord(Path("run"), {})
    record.__dict__["test"] = {"operating_points": points, "best_epoch": best, "epochs": epochs}
    return Finished(record, (record,))


@pytest.fixture(params=[("Softmax", ("healthy", "infected")), ("Sigmoid", FINDINGS)])
def head(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The loss head of every run."""
    kind, classes = request.param
    network, data = SimpleNamespace(loss=SimpleNamespace(kind=kind)), SimpleNamespace(classes=classes)
    monkeypatch.setattr(RunRecord, "experiment", SimpleNamespace(network=network, data=data))
    return str(kind)


def points(head: str) -> list[dict[str, Any]]:
    """Of two metrics, the first of which has no threshold for the last finding."""
    if head == "Softmax":
        return [{"metric": "first", "threshold": 0.2}, {"metric": "second", "threshold": 0.7}]
    first = [("first", "drusen", 0.2), ("first", "edema", 0.6), ("first", "haemorrhage", None)]
    rows = [*first, ("second", "edema", 0.9)]
    return [{"metric": metric, "finding": finding, "threshold": value} for metric, finding, value in rows]


def test_the_first_metric_decides(head: str) -> None:
    rule = rule_of(finished(points(head)))
    if head == "Softmax":
        assert rule.thresholds == {"infected": 0.2}
        assert [rule.label({"healthy": 1 - p, "infected": p}) for p in (0.19, 0.2)] == ["healthy", "infected"]
    else:
        assert rule.thresholds == {"drusen": 0.2, "edema": 0.6}
        assert rule.label({"drusen": 0.2, "edema": 0.59, "haemorrhage": 0.5}) == "drusen+haemorrhage"
        assert rule.words.startswith("drusen from 0.2 on, edema from 0.6 on, others from 50 % on, the thresholds for")
    assert rule.words.endswith("chosen on validation")


def test_another_metric(head: str) -> None:
    assert [*rule_of(finished(points(head)), "second").thresholds.values()] == [0.7 if head == "Softmax" else 0.9]
    with pytest.raises(RunError, match="no threshold for `third`"):
        rule_of(finished(points(head)), "third")


def test_thresholds_are_those_of_the_best_epoch(head: str) -> None:
    """They come from the answers of one network, and another one answers otherwise."""
    run = finished(points(head))
    assert rule_of(run, None, "3").thresholds
    assert rule_of(finished(points(head), best=5), None, "last").thresholds
    for checkpoint in ("last", "5", "1"):
        rule = rule_of(run, None, checkpoint)
        assert not rule.thresholds
        assert "those of its best epoch" in rule.words
        with pytest.raises(RunError, match="no threshold for `first`") as error:
            rule_of(run, "first", checkpoint)
        assert "leave out --checkpoint" in str(error.value)


def test_without_thresholds() -> None:
    assert Rule({}, "").label({"none": 0.3, "mild": 0.4, "severe": 0.3}) == "mild"
    assert Rule({}, "", exclusive=False).label({"drusen": 0.5, "edema": 0.4}) == "drusen"
