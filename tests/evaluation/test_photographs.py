"""Which photographs paths stand for."""

from __future__ import annotations

from pathlib import Path

import pytest

from retdsl.evaluation.photographs import find_photographs
from retdsl.runtime.errors import RunError


def test_folders_and_files_each_once_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b/2.PNG", "b/1.jpg", "b/sub/0.dcm", "b/note.txt", "b/raw", "b/.hidden.jpg", "a.png", "odd.data", "-"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = find_photographs(["b", "odd.data", "./a.png", "b/1.jpg", "-"])
    assert found.images == ("b/1.jpg", "b/2.PNG", "b/sub/0.dcm", "odd.data", "a.png", "-")
    assert found.skipped == {".txt": 1, "without an ending": 1}
    assert found.left_out() == [
        "2 files of other kinds skipped (1 .txt, 1 without an ending)",
        "1 named more than once, and asked about once",
    ]


def test_links_that_lead_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "circle").symlink_to(tmp_path)
    found = find_photographs([str(tmp_path)])
    assert found.images == (str(tmp_path / "a.png"),)
    assert len(found.remarks) == 1
    assert "symbolic links that lead in a circle" in found.remarks[0]


def test_all_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunError) as refused:
        find_photographs([str(tmp_path / "a"), str(tmp_path / "b")])
    assert len(refused.value.items) == 2
    with pytest.raises(RunError, match="there are no photographs"):
        find_photographs([str(tmp_path)])
