"""What stands on two sides of a split is found, told once, and let pass only where the study says so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from retdsl.runtime.dataset import Data, Dataset
from retdsl.runtime.decode import Photograph
from retdsl.runtime.errors import RunError
from retdsl.runtime.leaks import KINDS, Leaks, find_leaks
from retdsl.runtime.prepared import Looked
from retdsl.runtime.reading import read_all
from retdsl.runtime.sample import Sample
from retdsl.runtime.split import by_column
from retdsl.runtime.synthetic import synthetic_fundus

PHOTOGRAPHS = 16


@dataclass(frozen=True)
class Painted:
    """Painted eyes under given samples. shows: whose photograph a sample has instead of its own, and how turned."""

    given: tuple[Sample, ...]
    shows: tuple[tuple[int, int, bool], ...] = ()

    def samples(self, _: Path, __: object) -> list[Sample]:
        return list(self.given)

    def stamp(self, _: Path, sample: Sample) -> str:
        return repr((self.shows, self.given.index(sample)))

    def read(self, root: Path, sample: Sample) -> Photograph:
        own = self.given.index(sample)
        shown, mirrored = next(((other, way) for at, other, way in self.shows if at == own), (own, False))
        source = synthetic_fundus(PHOTOGRAPHS, (1, 1), size=96)
        photo = np.asarray(source.read(root, Sample(f"synthetic/{shown:05d}", 0, "")))
        return np.ascontiguousarray(photo[:, ::-1]) if mirrored else photo


def study(*shows: tuple[int, int, bool], patients: dict[int, str] | None = None, allow: tuple[str, ...] = ()) -> Data:
    sides = ["train"] * 8 + ["valid"] * 4 + ["test"] * 4
    rows = tuple(
        Sample(f"{at:02d}.png", at % 2, (patients or {}).get(at, f"p{at}"), side) for at, side in enumerate(sides)
    )
    split = by_column("usage", valid="valid")
    return Data(Painted(rows, shows), ("healthy", "infected"), split, allow_leaks=allow)


def leaks(data: Data) -> Leaks:
    return read_all(data.open(Path()), threads=2).leaks


def told(data: Data) -> dict[str, tuple[str, ...]]:
    return {kind: cases for kind, cases in leaks(data).found.items() if cases}


def test_nothing_leaks() -> None:
    assert told(study()) == {}
    assert leaks(study()).to_json() == {"allowed": [], "found": {}}


def test_a_patient_on_two_sides() -> None:
    assert told(study(patients={0: "ann", 1: "ann", 9: "ann", 2: "bob", 3: "bob"})) == {
        "patient": ("ann: 2 in train, 1 in valid",)
    }


def test_one_photograph_under_two_names() -> None:
    assert told(study((12, 3, False), (9, 3, False))) == {
        "identical": ("03.png (train) = 09.png (valid) = 12.png (test)",)
    }
    assert told(study((1, 3, False))) == {}, "both are learned from"


def test_nearly_the_same_photograph() -> None:
    found = told(study((12, 3, True)))
    assert list(found) == ["similar"]
    assert found["similar"][0].startswith("03.png (train) ~ 12.png (test), mirrored, alike to ")


def test_every_kind_is_told_at_once_and_says_how_to_allow_it() -> None:
    data = study((12, 3, False), (13, 4, True), patients={0: "ann", 9: "ann"})
    reading = read_all(data.open(Path()), threads=1)
    with pytest.raises(RunError) as caught:
        reading.require_sound()
    assert [part.message for part in caught.value.parts] == [f"{words} (1)" for words in KINDS.values()]
    assert [part.help[-1] for part in caught.value.parts] == [
        f"or allow it knowingly: `allow_leaks = [{kind}]`" for kind in KINDS
    ]


def test_what_is_allowed_is_told_and_recorded() -> None:
    data = study((12, 3, False), patients={0: "ann", 9: "ann"}, allow=("identical",))
    reading = read_all(data.open(Path()), threads=1)
    [error] = reading.errors
    assert error.message == "patients on two sides of the split (1)"
    both = read_all(replace(data, allow_leaks=("patient", "identical")).open(Path()), threads=1)
    assert both.errors == ()
    assert both.leaks.notes() == [
        "leaks allowed: patients on two sides of the split (1), such as ann: 1 in train, 1 in valid",
        "leaks allowed: photographs that are the same on two sides of the split (1), such as 03.png (train) = 12.png "
        "(test)",
    ]
    assert both.leaks.to_json() == {
        "allowed": ["patient", "identical"],
        "found": {"patient": ["ann: 1 in train, 1 in valid"], "identical": ["03.png (train) = 12.png (test)"]},
    }


def test_photographs_that_could_not_be_read_are_left_out() -> None:
    dataset: Dataset = study((12, 3, False)).open(Path())
    looked = {index: Looked(str(index), bytes([index])) for index in range(3)}
    assert find_leaks(dataset, looked, dataset.read).found == {"patient": (), "identical": (), "similar": ()}
