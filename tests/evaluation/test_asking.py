"""What there is to tell of a run before its answers are believed."""

from __future__ import annotations

import json
from pathlib import Path

from series_study import write_run

from retdsl.evaluation.asking import remarks
from retdsl.evaluation.members import read_finished


def test_a_run_that_is_not_finished_is_told(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", lock={"made_by": "retdsl"})
    assert not remarks(read_finished(run))
    (run / "test.json").unlink()
    [line] = remarks(read_finished(run))
    assert "run is not finished" in line
    assert "after 1 of its epochs," in line
    (run / "program").mkdir(exist_ok=True)
    (run / "program" / "train.py").touch()
    assert remarks(read_finished(run))[0].endswith(f"go on with: retdsl train --resume {run}")
    (run / "lock.json").write_text(json.dumps({"made_by": "retdsl", "workers": 2}))
    assert remarks(read_finished(run))[0].endswith(f"go on with: retdsl launch --resume {run}")
