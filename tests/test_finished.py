"""Run folders read back: an ensemble finds the runs that answer for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from series_study import write_run

from retdsl.finished import read_run
from retdsl.runtime.errors import RunError


def write_ensemble(folder: Path, members: object) -> Path:
    folder.mkdir()
    (folder / "lock.json").write_text(json.dumps({"experiment": "joined", "members": members}))
    return folder


def test_a_run_answers_for_itself(tmp_path: Path) -> None:
    record = read_run(write_run(tmp_path / "one"))
    assert (record.is_ensemble, record.members) == (False, (record,))
    assert record.experiment.training.metrics[0].name == "accuracy"


def test_members_lie_beside_an_ensemble_or_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(tmp_path / "one")
    joined = write_ensemble(tmp_path / "joined", ["two", "one"])
    write_run(joined / "two")
    assert [member.path for member in read_run(joined).members] == [joined / "two", tmp_path / "one"]
    monkeypatch.chdir(joined)
    assert [member.path.name for member in read_run(Path()).members] == ["two", "one"]


@pytest.mark.parametrize(
    ("members", "message", "items"),
    [
        (["one", "two", "three"], "members of this ensemble are gone", ("two", "three")),
        ([], "lock.json is damaged: `members` is no list of folders", ()),
        ("one", "lock.json is damaged: `members` is no list of folders", ()),
        ([1], "lock.json is damaged: `members` is no list of folders", ()),
    ],
)
def test_members_that_are_not_there(tmp_path: Path, members: object, message: str, items: tuple[str, ...]) -> None:
    write_run(tmp_path / "one")
    record = read_run(write_ensemble(tmp_path / "joined", members))
    with pytest.raises(RunError) as refused:
        _ = record.members
    assert (refused.value.message, tuple(refused.value.items)) == (message, items)


def test_a_program_of_another_version(tmp_path: Path) -> None:
    run = write_run(tmp_path / "one", lock={"made_by": "retdsl 0.0.7"})
    (run / "program" / "program.json").write_text('{"file": 1}')
    with pytest.raises(RunError, match=r"program\.json cannot be understood") as refused:
        _ = read_run(run).experiment
    assert "it was made by retdsl 0.0.7" in str(refused.value)


def test_a_series_is_told_from_a_run_and_its_runs_are_named(tmp_path: Path) -> None:
    (tmp_path / "series.json").write_text("{}")
    with pytest.raises(RunError) as none:
        read_run(tmp_path)
    assert "none of its runs has begun" in str(none.value)
    write_run(tmp_path / "first-seed5")
    with pytest.raises(RunError) as found:
        read_run(tmp_path)
    assert "a series of runs, not a run" in str(found.value)
    assert "first-seed5" in str(found.value)
