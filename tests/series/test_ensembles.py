"""The folder of an ensemble: what it says, and that it is read like that of a run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from series_study import write_run

from retdsl import reproducing
from retdsl.finished import read_run
from retdsl.reproducing import Outcome
from retdsl.runtime.errors import RunError
from retdsl.series.again import reproduce
from retdsl.series.ensembles import join


def members(path: Path, **more: object) -> list[Path]:
    return [
        write_run(path / f"first-fold{at}-seed5", seed=at, valid=(2 * at, 2 * at + 1), **more)  # type: ignore[arg-type]
        for at in (1, 2, 3)
    ]


def test_an_ensemble_is_read_like_a_run(tmp_path: Path) -> None:
    paths = members(tmp_path)
    join("joined", paths, tmp_path / "joined")
    record = read_run(tmp_path / "joined")
    assert record.name == "joined"
    assert [run.path.name for run in record.members] == [path.name for path in paths]
    assert record.spec == read_run(paths[0]).spec
    parts = [read_run(path).predictions for path in paths]
    mean = np.mean([part.probabilities for part in parts if part is not None], axis=0)
    assert record.predictions is not None
    np.testing.assert_allclose(record.predictions.probabilities, mean, atol=1e-6)
    assert record.validation is not None
    assert record.validation.images == tuple(f"v{at}" for at in range(2, 8))
    assert record.test is not None
    assert (record.test["images"], record.test["members"]) == (4, 3)
    assert record.test["class_counts"] == {"healthy": 2, "infected": 2}
    assert {"auc", "accuracy"} <= set(record.test) & set(record.test["out_of_fold"])


def test_the_record_says_what_all_members_say(tmp_path: Path) -> None:
    split = {"test": {"images": 4}, "train": {"images": 9}}
    one = write_run(tmp_path / "a", seed=1, lock={"split": split, "versions": {"mxnet": "1.9.1", "numpy": "1"}})
    other = {"split": {**split, "train": {"images": 8}}, "versions": {"mxnet": "1.9.1", "numpy": "2"}}
    join("joined", [one, write_run(tmp_path / "b", seed=2, lock=other)], tmp_path / "joined")
    lock = json.loads((tmp_path / "joined" / "lock.json").read_text())
    assert lock["split"] == {"test": {"images": 4}}
    assert lock["versions"] == {"mxnet": "1.9.1"}
    assert (lock["experiment"], lock["members"], "seed" in lock) == ("joined", ["a", "b"], False)
    assert set(lock["answers_sha256"]["a"]) == {"predictions.csv", "validation.csv"}


def test_other_test_photographs_are_refused(tmp_path: Path) -> None:
    paths = [write_run(tmp_path / "a", test=4), write_run(tmp_path / "b", test=5)]
    with pytest.raises(RunError, match="members answer for other photographs") as caught:
        join("joined", paths, tmp_path / "joined")
    assert "a has no answer for t4" in str(caught.value)
    assert not (tmp_path / "joined").exists()


def test_members_with_and_without_test_photographs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not all have test images"):
        join("joined", [write_run(tmp_path / "a"), write_run(tmp_path / "b", test=0)], tmp_path / "joined")


def test_a_member_that_is_not_done_is_refused(tmp_path: Path) -> None:
    paths = members(tmp_path)
    (paths[1] / "test.json").unlink()
    with pytest.raises(RunError, match="the member first-fold2-seed5 is not done"):
        join("joined", paths, tmp_path / "joined")


def test_what_was_joined_can_be_joined_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproducing, "reproduce", lambda *_, **__: Outcome((), False, ("program",)))
    paths = members(tmp_path)
    join("joined", paths, tmp_path / "joined")
    outcome = reproduce(tmp_path / "joined", only_check=True)
    assert (outcome.differences, outcome.compared) == ((), ("3 runs", "program", "1 ensemble"))
    test = tmp_path / "joined" / "test.json"
    text = test.read_text()
    test.write_text(text.replace('"members": 3', '"members": 4'))
    [difference] = reproduce(tmp_path / "joined", only_check=True).differences
    assert difference.message == "joined: test.json is not what its members give together"
    test.write_text(text)
    file = paths[2] / "validation.csv"
    file.write_text(file.read_text().replace("v6,pv6", "v6,pv7"))
    [difference] = reproduce(tmp_path / "joined", only_check=True).differences
    assert difference.message == "joined: validation.csv of its member first-fold3-seed5 is not what was joined"
