"""`exclude = audit(...)`: what stays, what is left out, and what an audit may not be used for any more."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from retdsl.runtime.dataset import Data
from retdsl.runtime.errors import RunError
from retdsl.runtime.exclusion import audit
from retdsl.runtime.prepare import resize
from retdsl.runtime.reading import read_all
from retdsl.runtime.sources import sha256_of_photograph
from retdsl.runtime.split import by_patient
from retdsl.runtime.tables import csv

CLASSES = ("healthy", "infected")
NAMES = [f"{number:02}.png" for number in range(24)]


def label(name: str) -> str:
    return CLASSES[int(name[:2]) % 2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A table, photographs, and an audit that has flagged three of them."""
    (tmp_path / "labels.csv").write_text("\n".join(["image,label", *(f"{name},{label(name)}" for name in NAMES)]))
    for number, name in enumerate(NAMES):
        cv2.imwrite(str(tmp_path / name), np.full((8, 8, 3), number, np.uint8))
    write_audit(tmp_path, {"03.png": "blurred", "04.png": "blurred duplicate", "05.png": "suspected_label"})
    return tmp_path


def write_audit(root: Path, flags: dict[str, str], names: list[str] = NAMES) -> None:
    rows = [f"{n},{label(n)},{flags.get(n, '')},{sha256_of_photograph((root / n).read_bytes())[:16]}" for n in names]
    (root / "audit.csv").write_text("\n".join(["image,label,flags,sha256", *rows]) + "\n")


def study(*flags: str) -> Data:
    split = by_patient(0.5, 0.25, 0.25)
    return Data(csv("labels.csv"), CLASSES, split, (resize(8, 8),), exclude=audit("audit.csv", flags))


def refused(root: Path, *flags: str) -> RunError:
    with pytest.raises(RunError) as caught:
        study(*flags).divided(root)
    return caught.value


def test_what_is_flagged_stays_out(root: Path) -> None:
    dataset = study("blurred", "duplicate").divided(root)
    assert [sample.image for sample in dataset.samples] == [name for name in NAMES if name not in ("03.png", "04.png")]
    assert sorted((*dataset.train, *dataset.valid, *dataset.test)) == list(range(22))
    assert dataset.excluded is not None
    assert dataset.excluded.to_json() == {
        "photographs": 2,
        "flags": {"blurred": 2, "duplicate": 1},
        "unseen": [],
    }
    assert dataset.excluded.line() == "left out: 2 of 24 photographs (2 blurred, 1 duplicate)"
    assert read_all(dataset, threads=1).errors == ()


def test_a_flag_that_nothing_has_leaves_nothing_out(root: Path) -> None:
    assert len(study("dark").divided(root).samples) == 24


def test_new_photographs_stay_and_are_told(root: Path) -> None:
    write_audit(root, {"03.png": "blurred"}, NAMES[:-2])
    dataset = study("blurred").divided(root)
    assert dataset.excluded is not None
    assert dataset.excluded.unseen == ("22.png", "23.png")
    assert "the audit has not seen 2, which stay" in dataset.excluded.line()
    assert read_all(dataset, threads=1).errors == ()


def test_rows_of_photographs_that_are_not_there_do_no_harm(root: Path) -> None:
    with (root / "audit.csv").open("a") as file:
        file.write("gone.png,healthy,blurred,00\n")
    assert len(study("blurred").divided(root).samples) == 22


def test_no_table(root: Path) -> None:
    (root / "audit.csv").rename(root / "audits.csv")
    error = refused(root, "blurred")
    assert error.message == "there is no file `audit.csv`"
    assert error.help[0] == "there is `audits.csv`"
    assert "`retdsl audit` writes it" in error.help


def test_another_table(root: Path) -> None:
    (root / "audit.csv").write_text("image,label,flag\n00.png,healthy,\n")
    error = refused(root, "blurred")
    assert error.items == ("`flags`; did you mean `flag`?", "`sha256`")


@pytest.mark.parametrize("text", ["", "\n", "image,label,flags,sha256\n", "\0", '"', "image,label,flags,sha256\na\n"])
def test_a_broken_table_is_told(root: Path, text: str) -> None:
    (root / "audit.csv").write_text(text)
    assert "audit" in refused(root, "blurred").message


def test_a_folder_of_that_name(root: Path) -> None:
    (root / "audit.csv").unlink()
    (root / "audit.csv").mkdir()
    refused(root, "blurred")


def test_the_table_of_another_collection(root: Path) -> None:
    text = (root / "audit.csv").read_text()
    (root / "audit.csv").write_text(text.replace(".png", ".jpg"))
    error = refused(root, "blurred")
    assert error.message == "`audit.csv` is of another collection"
    assert error.items == ("the study has 00.png, the table 00.jpg",)


def test_a_photograph_that_was_taken_again_is_not_left_out_silently(root: Path) -> None:
    cv2.imwrite(str(root / "03.png"), np.full((8, 8, 3), 99, np.uint8))
    error = refused(root, "blurred")
    assert error.message == "photographs that have changed since the audit (1)"
    assert error.items == ("03.png",)


def test_a_photograph_that_stays_must_be_the_one_that_was_audited(root: Path) -> None:
    cv2.imwrite(str(root / "07.png"), np.full((8, 8, 3), 99, np.uint8))
    [error] = read_all(study("blurred").divided(root), threads=1).errors
    assert error.items == ("07.png",)
    assert "`audit.csv` was written" in error.message


def test_a_corrected_label_is_suspected_no_more(root: Path) -> None:
    table = root / "labels.csv"
    table.write_text(table.read_text().replace("05.png,infected", "05.png,healthy"))
    assert refused(root, "suspected_label").items == ("05.png: `infected`, now `healthy`",)
    assert len(study("blurred").divided(root).samples) == 22


def test_a_class_of_which_nothing_stays(root: Path) -> None:
    write_audit(
        root, {name: "blurred" if number % 4 == 1 else "dark" for number, name in enumerate(NAMES) if number % 2}
    )
    error = refused(root, "blurred", "dark")
    assert error.message == "classes of which every photograph is left out (1)"
    assert error.items == ("`infected`: 6 blurred, 6 dark",)


def test_a_photograph_that_could_not_be_read_stays_out_while_it_cannot(root: Path) -> None:
    write_audit(root, {"03.png": "unreadable"})
    text = (root / "audit.csv").read_text().splitlines()
    text[4] = "03.png,infected,unreadable,"
    (root / "audit.csv").write_text("\n".join(text))
    assert refused(root, "unreadable").items == ("03.png",)  # it can be read now


def test_the_digest_is_that_of_the_first_pass(root: Path) -> None:
    looked = read_all(study("dark").divided(root), threads=1).looked
    assert [found.sha256 for _, found in sorted(looked.items())] == [
        sha256_of_photograph((root / n).read_bytes()) for n in NAMES
    ]
