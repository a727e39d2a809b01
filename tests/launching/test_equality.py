"""Several workers together give what one process gives on the joined batches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jobs import NO_STATISTICS, alone, distance, figures, launched, parameters
from spec_texts import FROZEN, TINY

from retdsl.runtime.answers import read_answers

pytestmark = pytest.mark.slow


def study(folder: Path, text: str) -> Path:
    (folder / "study.retina").write_text(text)
    return folder


def close(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(close(one[key], other[key]) for key in one)
    return one == (pytest.approx(other, abs=1e-5) if isinstance(other, float) else other)


@pytest.mark.parametrize("optimizer", ["sgd(lr = 0.05, momentum = 0.9, wd = 0.0001)", "adam(lr = 0.002)"])
def test_two_workers_are_one_process(tmp_path, optimizer):
    text = NO_STATISTICS.replace("sgd(lr = 0.05, momentum = 0.9, wd = 0.0001)", optimizer)
    folder = study(tmp_path, text.replace("epochs    = 2", "epochs    = 4"))
    for code, said in (alone(folder, "one"), launched(folder, "two", "-s", 2)):
        assert code == 0, said
    assert distance(tmp_path / "one", tmp_path / "two", 4) < 1e-5
    assert all(close(a, b) for a, b in zip(figures(tmp_path / "one"), figures(tmp_path / "two"), strict=True))
    one, two = (read_answers(tmp_path / run / "predictions.csv") for run in ("one", "two"))
    assert one.images == two.images
    assert abs(one.probabilities - two.probabilities).max() < 1e-5


def test_rows_that_do_not_divide_and_batches_smaller_than_the_workers(tmp_path):
    """Batches of 5 for 3 workers, the last one of one image; accumulated, clipped, mixed, averaged."""
    more = "\n  accumulate = 2\n  clip = norm(0.5)\n  average = ema(0.9)\n  last_batch = keep"
    text = NO_STATISTICS.replace("batch     = 8", f"batch     = 5{more}").replace(
        "rotate180", "rotate180 => mixup(0.4)"
    )
    folder = study(tmp_path, text)
    for code, said in (alone(folder, "one"), launched(folder, "three", workers=3)):
        assert code == 0, said
    assert distance(tmp_path / "one", tmp_path / "three", 2) < 1e-5
    assert all(close(a, b) for a, b in zip(figures(tmp_path / "one"), figures(tmp_path / "three"), strict=True))


def test_statistics_are_the_mean_of_those_of_all_workers(tmp_path):
    """After one step on equal halves, the mean over a batch is the mean of the means over its halves."""
    text = TINY.replace("    => Dropout(20%)\n", "").replace("size = 16)", "size = 8)")
    folder = study(tmp_path, text.replace("epochs    = 2", "epochs    = 1"))
    for code, said in (alone(folder, "one"), launched(folder, "two")):
        assert code == 0, said
    one, two = (parameters(tmp_path / run, 1)["a_bn_moving_mean"] for run in ("one", "two"))
    assert abs(one).max() > 1e-3
    assert abs(one - two).max() < 1e-6


def test_within_an_epoch_all_workers_validate_the_same_network(tmp_path):
    """A look after the last batch of an epoch sees what its end sees: statistics of all workers."""
    text = TINY.replace("  seed      = 3", "  seed      = 3\n  validate  = every(batches(2))")
    code, said = launched(study(tmp_path, text), "two", "--engine", "mxnet", "--passes", "none")
    assert code == 0, said
    steps = [json.loads(line) for line in (tmp_path / "two" / "steps.jsonl").read_text().splitlines()]
    looks = {step["epoch"]: step["valid"] for step in steps if step["batch"] == 2}
    assert [looks[1], looks[2]] == [line["valid"] for line in figures(tmp_path / "two")]
    lock = json.loads((tmp_path / "two" / "lock.json").read_text())
    assert lock["engines"]["asked"] == "mxnet"
    assert "fused=False" in (tmp_path / "two" / "program" / "train.py").read_text()


def test_what_is_unfrozen_is_that_of_one_process_until_a_batchnorm_is_trained(tmp_path):
    text = FROZEN.replace("    => Dropout(20%)\n", "").replace("epochs    = 2", "epochs    = 4")
    text = text.replace(
        "freeze    = body", "freeze = [body, unfreeze(b_conv, at_epoch = 2), unfreeze(b_bn, at_epoch = 4)]"
    )
    folder = study(tmp_path, text)
    code, said = alone(folder, "one", "--engine", "mxnet")
    assert code == 0, said
    assert "normalises" not in said
    code, said = launched(folder, "two", "--engine", "mxnet")
    assert code == 0, said
    [note] = [line for line in said.splitlines() if "normalises" in line]
    assert (
        "BatchNorm layers that are trained: 1 of 2 from epoch 4 on; there each worker normalises by its own 4" in note
    )
    same = [close(*both) for both in zip(figures(tmp_path / "one"), figures(tmp_path / "two"), strict=True)]
    assert same[:3] == [True, True, True]
    one, two = (parameters(tmp_path / run, 4) for run in ("one", "two"))
    assert (one["a_bn_moving_mean"] == two["a_bn_moving_mean"]).all(), "it is frozen to the end"
    assert (one["b_bn_moving_mean"] != two["b_bn_moving_mean"]).any()
