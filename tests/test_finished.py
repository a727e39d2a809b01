"""What a folder is that somebody calls a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from series_study import write_run

from retdsl.finished import read_run
from retdsl.runtime.errors import RunError


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
