"""The first pass over a study with photographs that cannot be read: told by reason, or left out and counted."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_study import experiment, paint

from retdsl.runtime.data_check import examine
from retdsl.runtime.dataset import Dataset, require_every_class
from retdsl.runtime.errors import RunError
from retdsl.runtime.image_cache import ImageCache
from retdsl.runtime.loader import Loader
from retdsl.runtime.prepared import PreparedImages
from retdsl.runtime.program import run_program
from retdsl.runtime.reading import read_all
from retdsl.runtime.sample import Sample
from retdsl.runtime.unreadable import gathered

EMPTY, PAGE, TEXT = b"", b"<!DOCTYPE html><title>404</title>", b"a letter, not a picture\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return paint(tmp_path)


def spoil(root: Path, spoilt: dict[str, bytes]) -> None:
    for name, content in spoilt.items():
        (root / name).write_bytes(content)


def opened(root: Path, on_bad_image: str = "error") -> Dataset:
    return replace(experiment(root).data, on_bad_image=on_bad_image).open(root)


def test_sound_photographs_are_all_there(root: Path) -> None:
    reading = read_all(opened(root), threads=2)
    assert (reading.errors, len(reading.skipped), len(reading.looked)) == ((), 0, 44)
    assert reading.skipped.to_json() == {"count": 0, "reasons": {}}


def test_reasons_are_told_together_the_most_frequent_first(root: Path) -> None:
    spoil(root, {"003.png": PAGE, "007.png": EMPTY, "011.png": PAGE})
    (root / "020.png").unlink()
    dataset = opened_with_missing(root)
    [error] = read_all(dataset, threads=2).errors
    assert error.message == "4 photographs of 44 cannot be read"
    assert error.items == (
        "this is a web page or XML, not a photograph (2): 003.png, 011.png",
        "the file is empty (0 bytes) (1): 007.png",
        "no such file (1): 020.png",
    )
    assert [part.message for part in error.parts] == [
        "2 photographs of 44 cannot be read: this is a web page or XML, not a photograph",
        "a photograph of 44 cannot be read: the file is empty (0 bytes)",
        "a photograph of 44 cannot be read: no such file",
    ]
    assert [part.items for part in error.parts] == [("003.png", "011.png"), ("007.png",), ("020.png",)]
    assert "on_bad_image = skip" in error.help[-1]


def opened_with_missing(root: Path) -> Dataset:
    """The data set as it was listed when every file was there."""
    names = [f"{index:03d}.png" for index in range(44)]
    missing = [name for name in names if not (root / name).exists()]
    for name in missing:
        (root / name).write_bytes(EMPTY)
    dataset = opened(root)
    for name in missing:
        (root / name).unlink()
    return dataset


def test_only_some_of_many_are_written_out() -> None:
    samples = [Sample(f"{index}.png", 0, str(index)) for index in range(200)]
    found = gathered(samples, {index: RunError("no such file", help="mend it") for index in range(7, 107)})
    error = found.error()
    assert error.message == "100 photographs of 200 cannot be read: no such file"
    assert len(error.items) == 100
    assert "... and 90 more" in str(error)
    assert error.help[0] == "mend it"
    assert found.warning().items == ("no such file (100): 7.png, 8.png, 9.png, 10.png and 96 more",)
    assert found.line() == "100 photographs of 200 cannot be read, and are left out: no such file (100)"


def test_skipped_photographs_are_on_no_side(root: Path) -> None:
    spoil(root, {"003.png": PAGE, "007.png": EMPTY})
    whole = opened(root)
    reading = read_all(opened(root, "skip"), threads=2)
    assert reading.errors == ()
    assert reading.skipped.to_json() == {
        "count": 2,
        "reasons": {
            "this is a web page or XML, not a photograph": ["003.png"],
            "the file is empty (0 bytes)": ["007.png"],
        },
    }
    kept = reading.dataset
    assert kept.samples == whole.samples, "indices stay what they are"
    for before, after in zip(whole.sides, kept.sides, strict=True):
        assert after == tuple(index for index in before if index not in (3, 7))
    both = [sum(map(sum, (d.class_counts(side) for side in d.sides))) for d in (whole, kept)]
    assert both == [44, 42]


def test_a_class_that_becomes_empty_is_an_error(root: Path) -> None:
    dataset = opened(root, "skip")
    infected = [index for index in dataset.test if dataset.samples[index].label == 1]
    spoil(root, {dataset.samples[index].image: TEXT for index in infected})
    reading = read_all(dataset, threads=2)
    with pytest.raises(RunError, match="sides of the split that lack a class"):
        require_every_class(reading.dataset)
    findings = examine(dataset.data, root, 2, divided=lambda _: None)
    assert [error.message for error in findings.errors] == ["sides of the split that lack a class (1)"]
    assert [warning.message[-22:] for warning in findings.warnings] == ["read, and are left out"]
    assert [problem["severity"] for problem in findings.to_json()["problems"]] == ["error", "warning"]


def test_a_run_counts_what_it_skips(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(root, {"003.png": PAGE, "007.png": EMPTY})
    study = experiment(root, training={"epochs": 1})
    refused, skipping = tmp_path / "refused", tmp_path / "skipping"
    options = ["--plain", "--threads", "1", "--run"]
    assert run_program(study, [*options, str(refused)]) == 1
    assert "2 photographs of 44 cannot be read" in capsys.readouterr().err
    assert run_program(replace(study, data=replace(study.data, on_bad_image="skip")), [*options, str(skipping)]) == 0
    assert "2 photographs of 44 cannot be read, and are left out: " in capsys.readouterr().err
    lock, test = (json.loads((skipping / name).read_text()) for name in ("lock.json", "test.json"))
    assert lock["skipped"] == test["skipped"]
    assert lock["skipped"]["count"] == 2
    assert sum(side["images"] for side in lock["split"].values()) == 42


class TestChangesDuringARun:
    """A photograph that changes or vanishes while a run reads it again and again."""

    @pytest.fixture
    def dataset(self, root: Path) -> Dataset:
        return opened(root)

    def read_again(self, dataset: Dataset) -> None:
        """The first pass, then an epoch, with nothing kept in memory; in between `self.meanwhile` happens."""
        images = PreparedImages(dataset, 2, ImageCache(lasts=False, spare=False))
        images.load_all()
        self.meanwhile(dataset.root / "005.png")
        everything = range(len(dataset.samples))
        loader = Loader(images, dataset, everything, dataset.labels(everything), batch=8, threads=2)
        for _ in loader.epoch(everything, 1, training=True):
            pass

    def meanwhile(self, path: Path) -> None:
        """Nothing."""

    def test_nothing(self, dataset: Dataset) -> None:
        self.read_again(dataset)

    def test_it_vanishes(self, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(self, "meanwhile", os.unlink)
        with pytest.raises(RunError, match=r"005\.png could be read at first, and cannot be any more: no such file"):
            self.read_again(dataset)

    def test_it_is_cut_short(self, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(self, "meanwhile", lambda path: path.write_bytes(path.read_bytes()[:50]))
        with pytest.raises(RunError, match=r"005\.png is not what it was when it was first read"):
            self.read_again(dataset)

    def test_it_becomes_another_one(self, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
        other = dataset.root / "006.png"
        monkeypatch.setattr(self, "meanwhile", lambda path: path.write_bytes(other.read_bytes()))
        with pytest.raises(RunError, match=r"005\.png is not what it was when it was first read"):
            self.read_again(dataset)


def test_pixels_that_never_were_a_file_are_compared_as_well(root: Path) -> None:
    dataset = opened(root)
    images = PreparedImages(dataset, cache=ImageCache(lasts=False, spare=False))
    images.load_all(indices=[1])
    object.__setattr__(dataset.data, "source", Painted())
    with pytest.raises(RunError, match=r"001\.png is not what it was"):
        images[1]


class Painted:
    """A source whose photographs are black."""

    def stamp(self, root: Path, sample: Sample) -> str:  # noqa: ARG002
        return "black"

    def read(self, root: Path, sample: Sample) -> np.ndarray:  # noqa: ARG002
        return np.zeros((16, 16, 3), np.uint8)
