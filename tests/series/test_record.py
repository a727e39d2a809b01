"""`series.json`: read back as written, and every way in which it can be wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from series_study import write_run

from retdsl.ir import Trained
from retdsl.runtime.errors import RunError
from retdsl.series import record
from retdsl.series.record import (
    DONE,
    FAILED,
    PLANNED,
    RUNNING,
    STOPPED,
    Joined,
    Member,
    Series,
    read_series,
    working_on,
)


def series(path: Path) -> Series:
    members = (
        Member("first-seed5", Trained("first", None, 5), RUNNING),
        Member("first-seed6", Trained("first", None, 6), FAILED, "the program was ended by SIGKILL"),
        Member("first-seed7", Trained("first", None, 7)),
    )
    names = tuple(member.folder for member in members)
    made = Series(path, {"root": "/data", "options": ["--threads", "1"]}, members, (Joined("joined", "joined", names),))
    made.write()
    return made


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = series(tmp_path)
    assert read_series(tmp_path) == written


def test_a_run_is_done_when_its_folder_says_so(tmp_path: Path) -> None:
    series(tmp_path)
    write_run(tmp_path / "first-seed5")
    assert [member.state for member in read_series(tmp_path).members] == [DONE, FAILED, PLANNED]
    read_series(tmp_path).write()
    (tmp_path / "first-seed5" / "test.json").unlink()
    assert read_series(tmp_path).members[0].state == STOPPED


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda found: found.pop("members"), "KeyError: 'members'"),
        (lambda found: found.update(members=[]), "its parts are not what they should be"),
        (lambda found: found["members"][0].update(folder="../other"), "'../other' is no folder of the series"),
        (lambda found: found["members"][0].update(folder=3), "3 is no folder of the series"),
        (lambda found: found["members"][0].update(seed=None), "TypeError"),
        (lambda found: found["members"][0].update(state="dun"), "'dun' is no state"),
        (lambda found: found["ensembles"][0].pop("members"), "KeyError: 'members'"),
        (lambda found: found.pop("root"), "KeyError: 'root'"),
    ],
)
def test_a_damaged_file_is_an_error(tmp_path: Path, change, message: str) -> None:
    series(tmp_path)
    found = json.loads((tmp_path / "series.json").read_text())
    change(found)
    (tmp_path / "series.json").write_text(json.dumps(found))
    with pytest.raises(RunError, match=r"series\.json is damaged") as caught:
        read_series(tmp_path)
    assert message in str(caught.value)


@pytest.mark.parametrize(("text", "message"), [("{", "is damaged"), ("[]", "is damaged"), (None, "holds no series")])
def test_a_file_that_is_none(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "series.json").write_text(text)
    with pytest.raises(RunError, match=message):
        read_series(tmp_path)
    with pytest.raises(RunError, match="there is no such folder"):
        read_series(tmp_path / "none")


def test_one_process_works_on_a_series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "PATIENCE", 0.2)
    again = pytest.raises(RunError, match="another process works on this series")
    with working_on(tmp_path), again, working_on(tmp_path):
        pass
    with working_on(tmp_path):
        pass
