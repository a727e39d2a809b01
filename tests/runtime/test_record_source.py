"""Photographs in files of records: labels, patients, index and list, and all that does not fit told at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from retdsl.runtime.decode import decode
from retdsl.runtime.errors import RunError
from retdsl.runtime.mx import mx
from retdsl.runtime.record_source import recordio
from retdsl.runtime.sample import Sample
from retdsl.runtime.sources import Wanted

CLASSES = ("healthy", "infected")
NAMES = ("p1_left.png", "p1_right.png", "p2/left.png")
LABELS = (0.0, 1.0, 0.0)


def packed(root: Path, labels=LABELS, names=NAMES, *, index: bool = True, listed: bool = True) -> list[int]:
    """A file of records as MXNet writes it, with index and list; returns where the records begin."""
    records = mx.recordio.MXIndexedRecordIO(str(root / "eyes.idx"), str(root / "eyes.rec"), "w")
    lines = []
    for number, (label, name) in enumerate(zip(labels, names, strict=True)):
        header = mx.recordio.IRHeader(0, label, number, 0)
        picture = np.full((12, 15, 3), 10 * number, np.uint8)
        records.write_idx(number, mx.recordio.pack_img(header, picture, img_fmt=".png"))
        shown = "\t".join(map(str, label)) if isinstance(label, np.ndarray) else label
        lines.append(f"{number}\t{shown}\t{name}\n")
    records.close()
    offsets = [int(line.split("\t")[1]) for line in (root / "eyes.idx").read_text().splitlines()]
    if not index:
        (root / "eyes.idx").unlink()
    if listed:
        (root / "eyes.lst").write_text("".join(lines))
    return offsets


def refusal(source: recordio, root: Path) -> RunError:
    with pytest.raises(RunError) as caught:
        source.samples(root, Wanted(CLASSES))
    return caught.value


@pytest.mark.parametrize("index", [True, False])
def test_what_mxnet_packs(tmp_path: Path, index: bool) -> None:
    first, second, third = packed(tmp_path, index=index)
    source = recordio("eyes.rec", patient=r"(p\d)[_/]")
    samples = source.samples(tmp_path, Wanted(CLASSES))
    assert samples == [
        Sample(f"eyes.rec@{first}/p1_left.png", 0, "p1"),
        Sample(f"eyes.rec@{second}/p1_right.png", 1, "p1"),
        Sample(f"eyes.rec@{third}/p2/left.png", 0, "p2"),
    ]
    for number, sample in enumerate(samples):
        assert np.array_equal(decode(source.read(tmp_path, sample)), np.full((12, 15, 3), 10 * number, np.uint8))


def test_without_a_list_every_photograph_is_its_own_patient(tmp_path: Path) -> None:
    offsets = packed(tmp_path, listed=False)
    samples = recordio("eyes.rec").samples(tmp_path, Wanted(CLASSES))
    assert [(sample.image, sample.patient) for sample in samples] == [
        (f"eyes.rec@{at}", f"eyes.rec@{at}") for at in offsets
    ]


def test_a_label_for_each_class_is_a_target(tmp_path: Path) -> None:
    packed(tmp_path, labels=(np.array([3, 1], np.float32), 1.0, np.array([0, 1], np.float32)))
    found = recordio("eyes.rec").samples(tmp_path, Wanted(CLASSES))
    assert [(sample.label, sample.target) for sample in found] == [(0, (0.75, 0.25)), (1, None), (1, (0.0, 1.0))]


def test_another_state_of_the_file_is_another_stamp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retdsl.runtime.sources.MOMENT", -1.0)  # as if the file were old
    packed(tmp_path)
    source = recordio("eyes.rec")
    first, second, _ = source.samples(tmp_path, Wanted(CLASSES))
    before = source.stamp(tmp_path, first)
    assert source.stamp(tmp_path, second) != before == source.stamp(tmp_path, first)
    packed(tmp_path)
    assert source.stamp(tmp_path, first) != before


def test_labels_that_are_none(tmp_path: Path) -> None:
    labels = (float("nan"), 2.0, 0.5, -1.0, np.array([1, 0, 0], np.float32))
    packed(tmp_path, labels=labels, names=[f"{number}.png" for number in range(5)], listed=False)
    text = str(refusal(recordio("eyes.rec"), tmp_path))
    for words in (
        "records without a label (1)",
        "nan: 1 record, first 0",
        "labels that are no class (4)",
        "2: 1 record, first 1",
        "0.5: 1 record, first 2",
        "-1: 1 record, first 3",
        "1 0 0: 1 record, first 4",
        "a label is a position, 0 to 1: the classes are `healthy`, `infected`",
    ):
        assert words in text, words


def cut_short(root: Path) -> None:
    (root / "eyes.rec").write_bytes((root / "eyes.rec").read_bytes()[:-8])


def of_zeros(root: Path) -> None:
    data = bytearray((root / "eyes.rec").read_bytes())
    data[:8] = bytes(8)
    (root / "eyes.rec").write_bytes(data)


def shifted_index(root: Path) -> None:
    lines = (root / "eyes.idx").read_text().splitlines()
    (root / "eyes.idx").write_text("\n".join([lines[0], "1\t6", lines[2]]))


def short_index(root: Path) -> None:
    lines = (root / "eyes.idx").read_text().splitlines()
    (root / "eyes.idx").write_text("\n".join(lines[::2]))


def doubled_index(root: Path) -> None:
    lines = (root / "eyes.idx").read_text().splitlines()
    (root / "eyes.idx").write_text("\n".join([*lines, "7\t0"]))


def other_index(root: Path) -> None:
    (root / "eyes.idx").write_text("image,label\n")


def other_list(root: Path) -> None:
    (root / "eyes.lst").write_text("0\t1\tp1_left.png\n2\t0\tp2/left.png\n3\t0\tp3.png\nwhat is this\n")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut_short, ["record 2 at byte", "the file ends within it"]),
        (of_zeros, ["record 0 at byte 0 of", "no record begins here"]),
        (shifted_index, ["record 1 at byte 6 of", "no record begins here"]),
        (short_index, ["places that the index does not tell (1)", "without an index the file is read from its start"]),
        (doubled_index, ["which it has twice"]),
        (other_index, ["lines of the index that are none (1)", "line 1 of eyes.idx"]),
        (
            other_list,
            [
                "lines of the list that are none (1)",
                "line 4 of eyes.lst",
                "photographs of the list that are not in the file (1)",
                "p3.png (line 3 of eyes.lst, number 3)",
                "records that eyes.lst does not list (1)",
                "record 1",
                "labels that differ from the list's (1)",
                "p1_left.png (line 1): 1 in the list, 0 in eyes.rec",
            ],
        ),
    ],
)
def test_files_that_do_not_fit_together(tmp_path: Path, damage: Callable[[Path], None], words: list[str]) -> None:
    packed(tmp_path)
    damage(tmp_path)
    text = str(refusal(recordio("eyes.rec"), tmp_path))
    for expected in words:
        assert expected in text, text


def test_without_an_index_damage_is_told_with_its_place(tmp_path: Path) -> None:
    _, _, third = packed(tmp_path, index=False, listed=False)
    cut_short(tmp_path)
    error = refusal(recordio("eyes.rec"), tmp_path)
    size = (tmp_path / "eyes.rec").stat().st_size
    assert f"at byte {third} of {size}: the file ends within it" in str(error)


def test_what_is_no_file_of_records(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 4, 3), np.uint8))
    (tmp_path / "empty.rec").touch()
    assert "is no file of records: no record begins here" in refusal(recordio("a.png"), tmp_path).message
    assert "holds no records" in refusal(recordio("empty.rec"), tmp_path).message
    assert refusal(recordio("emty.rec"), tmp_path).help[0] == "there is `empty.rec`"
    assert "Is a directory" in refusal(recordio("."), tmp_path).message


def test_patients_need_a_list_or_numbers(tmp_path: Path) -> None:
    packed(tmp_path, listed=False)
    assert "needs the paths of the photographs" in refusal(recordio("eyes.rec", patient="(p)"), tmp_path).message
    assert refusal(recordio("eyes.rec", patient="id2"), tmp_path).message == "records without a patient in `id2` (3)"
    packed(tmp_path)
    error = refusal(recordio("eyes.rec", patient="(p1)"), tmp_path)
    assert error.items == ("p2/left.png (record 2)",)


def test_a_record_damaged_after_it_was_listed(tmp_path: Path) -> None:
    packed(tmp_path)
    source = recordio("eyes.rec")
    sample = source.samples(tmp_path, Wanted(CLASSES))[2]
    cut_short(tmp_path)
    with pytest.raises(RunError, match="the record is damaged: the file ends within it"):
        source.read(tmp_path, sample)
    with pytest.raises(RunError, match="is no record of"):
        source.read(tmp_path, Sample("other.png", 0, "1"))
