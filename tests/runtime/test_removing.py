"""Files are gone at once, and their space in a while."""

import os

import pytest

from retdsl.runtime.removing import Removing


def test_names_are_gone_at_once_and_nothing_stays_open(tmp_path):
    paths = [tmp_path / f"{number}.params" for number in range(20)]
    for path in paths:
        path.write_bytes(bytes(100_000))
    before, removing = len(os.listdir("/proc/self/fd")), Removing()
    for path in paths:
        removing.take(path)
        assert not path.exists()
    removing.wait()
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_is_not_there_is_no_trouble(tmp_path):
    removing = Removing()
    removing.take(tmp_path / "none")
    removing.wait()


def test_what_the_system_refuses_is_said(tmp_path):
    removing, folder = Removing(), tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError, match="folder"):
        removing.take(folder)
    removing.wait()
    assert folder.is_dir()
