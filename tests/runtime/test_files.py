"""Files are whole or absent, whatever the disk does."""

from __future__ import annotations

import json
import math
import resource
from contextlib import contextmanager

import pytest

from retdsl.runtime.errors import RunError
from retdsl.runtime.files import append_json_line, finite, make_folder, replacing, write_json, write_text


@contextmanager
def small_disk():
    """No file may grow beyond 4 KiB: what a full disk looks like to whoever writes.

    Not a fixture: pytest itself may write its report to a file, which is larger.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_writes_and_replaces(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "one")
    write_text(path, "two")
    assert path.read_text() == "two"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_a_full_disk_is_told_and_loses_nothing(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with small_disk(), pytest.raises(RunError) as caught:
        write_text(path, "x" * 10_000)
    assert "cannot write `a.txt`" in str(caught.value)
    assert "MiB are free" in str(caught.value)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_a_line_that_does_not_fit_leaves_the_lines_before(tmp_path):
    path = tmp_path / "m.jsonl"
    append_json_line(path, {"epoch": 1, "loss": math.nan})
    with small_disk(), pytest.raises(RunError):
        append_json_line(path, {"epoch": 2, "text": "x" * 10_000})
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"epoch": 1, "loss": None}]


def test_an_error_inside_leaves_nothing_behind(tmp_path):
    def interrupted():
        with replacing(tmp_path / "a") as beside:
            beside.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot write") as caught:
        make_folder(tmp_path / "file" / "folder")
    assert "MiB" not in str(caught.value), "space is not what is missing"


def test_json_knows_no_nan(tmp_path):
    write_json(tmp_path / "a.json", {"a": [math.nan, 1.5], "b": {"c": (math.inf, 2)}})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [None, 1.5], "b": {"c": [None, 2]}}
    assert finite("text") == "text"
