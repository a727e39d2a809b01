"""What is usual among photographs, and which are told from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from retdsl.runtime import synthetic_fundus
from retdsl.runtime.measures import measure
from retdsl.runtime.sources import Wanted
from retdsl.runtime.thresholds import FEWEST
from retdsl.runtime.usual import Seen, Usual, flags_of, read_usual, see, usual_of


def described(photo: np.ndarray) -> Seen:
    return see(photo, measure(photo))


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    source, root = synthetic_fundus(60, ratio=(3, 1), seed=5, size=256), tmp_path_factory.mktemp("none")
    return [np.asarray(source.read(root, one)) for one in source.samples(root, Wanted(("healthy", "infected")))]


@pytest.fixture(scope="module")
def usual(photographs: list[np.ndarray]) -> Usual:
    return usual_of([described(photo) for photo in photographs[:40]])


def test_others_of_the_same_kind_are_gradable(photographs: list[np.ndarray], usual: Usual) -> None:
    flagged = [flags_of(described(photo), usual, 224) for photo in photographs[40:]]
    assert sum(bool(flags) for flags in flagged) <= 2, flagged


def test_what_is_wrong_is_named(photographs: list[np.ndarray], usual: Usual) -> None:
    good = photographs[45]
    bad = {
        "blurred": cv2.GaussianBlur(good, (0, 0), 6),
        "dark": (good * 0.12).astype(np.uint8),
        "no_field": np.zeros_like(good),
        "unlike": 255 - good,
        "too_small": cv2.resize(good, (60, 60), interpolation=cv2.INTER_AREA),
    }
    for flag, photo in bad.items():
        found = flags_of(described(photo), usual, 224)
        assert flag in found, (flag, found)
    assert "the limit is" in flags_of(described(bad["blurred"]), usual, 224)["blurred"]


def test_noise_and_a_picture_without_colour_are_unlike_a_retina(photographs: list[np.ndarray], usual: Usual) -> None:
    chance = np.random.default_rng(1)
    grey = cv2.cvtColor(cv2.cvtColor(photographs[45], cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    others = {
        "fine detail": chance.integers(0, 255, (256, 256, 3), np.uint8),
        "colour": grey,
    }
    near = replace(usual, farthest=float("inf"))  # what a coarse look cannot tell
    for what, photo in others.items():
        assert what in flags_of(described(photo), near, 224)["unlike"]


def test_a_small_retina_is_no_matter_where_the_network_takes_less(photographs: list[np.ndarray], usual: Usual) -> None:
    small = described(cv2.resize(photographs[45], (60, 60), interpolation=cv2.INTER_AREA))
    assert "too_small" not in flags_of(small, usual, 32)


def test_it_comes_back_from_its_file(usual: Usual, photographs: list[np.ndarray], tmp_path: Path) -> None:
    from retdsl.runtime.files import write_json

    path = tmp_path / "usual.json"
    write_json(path, usual.to_json())
    again = read_usual(path)
    assert again is not None
    assert again.lines == usual.lines
    inverted = described(255 - photographs[45])
    assert flags_of(inverted, again, 224) == flags_of(inverted, usual, 224)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 0}', '{"format": 1, "lines": []}'])
def test_a_file_that_is_none_is_looked_at_again(text: str, tmp_path: Path) -> None:
    path = tmp_path / "usual.json"
    path.write_text(text)
    assert read_usual(path) is None
    assert read_usual(tmp_path / "nowhere.json") is None


def test_of_few_photographs_nothing_is_unlike(photographs: list[np.ndarray]) -> None:
    few = usual_of([described(photo) for photo in photographs[: FEWEST - 1]])
    assert "unlike" not in flags_of(described(255 - photographs[0]), few, 224)
    nothing = usual_of(())
    assert flags_of(described(photographs[0]), nothing, 224).keys() <= {"low_contrast", "blurred"}
    assert "dark" in flags_of(described((photographs[0] * 0.1).astype(np.uint8)), nothing, 224)
