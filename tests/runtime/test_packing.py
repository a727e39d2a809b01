"""Photographs packed into records: read back here, and by MXNet's own iterator."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from retdsl.runtime.dataset import Data, Dataset
from retdsl.runtime.decode import decode
from retdsl.runtime.errors import RunError
from retdsl.runtime.mx import mx
from retdsl.runtime.packing import Form, pack
from retdsl.runtime.prepare import resize
from retdsl.runtime.record_source import recordio
from retdsl.runtime.sample import Sample
from retdsl.runtime.split import by_patient
from retdsl.runtime.synthetic import synthetic_fundus
from retdsl.runtime.tables import csv

CLASSES = ("healthy", "infected")
ENDINGS = (".png", ".jpg", ".bmp", ".tif")


@pytest.fixture
def clinic(tmp_path: Path) -> Dataset:
    """24 photographs of 12 patients, in four formats, divided."""
    rng = np.random.default_rng(7)
    rows = ["image,label,patient"]
    for number in range(24):
        name = f"{number:02d}{ENDINGS[number % 4]}"
        photograph = cv2.resize(rng.integers(0, 255, (3, 4, 3)).astype(np.uint8), (40, 30))
        assert cv2.imwrite(str(tmp_path / name), photograph)
        rows.append(f"{name},{CLASSES[number // 2 % 2]},p{number // 2}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    data = Data(csv("labels.csv", patient="patient"), CLASSES, by_patient(), prepare=(resize(16, 20),))
    return data.divided(tmp_path)


def packed_again(dataset: Dataset, form: Form, indices: range | tuple[int, ...] | None = None) -> Dataset:
    out = dataset.root / "out.rec"
    pack(dataset, range(len(dataset.samples)) if indices is None else indices, out, form)
    data = replace(dataset.data, source=recordio("out.rec", patient="id2"))
    return data.divided(dataset.root)


@pytest.mark.parametrize("form", ["as they are", "png"])
def test_the_same_photographs_labels_and_patients(clinic: Dataset, form: Form) -> None:
    again = packed_again(clinic, form)
    before = {sample.image: index for index, sample in enumerate(clinic.samples)}
    together: dict[str, set[str]] = {}
    for index, sample in enumerate(again.samples):
        first = before[sample.image.split("/")[1]]
        assert sample.label == clinic.samples[first].label
        assert np.array_equal(again.read(index), clinic.read(first))
        together.setdefault(sample.patient, set()).add(clinic.samples[first].patient)
    assert sorted(map(len, together.values())) == [1] * 12


def test_bytes_stay_as_they_are(clinic: Dataset) -> None:
    again = packed_again(clinic, "as they are")
    for index, sample in enumerate(again.samples):
        file = clinic.root / sample.image.split("/")[1]
        data = again.fetch(index)
        if file.suffix in (".png", ".jpg"):
            assert data == file.read_bytes()
        else:
            assert np.array_equal(decode(data), decode(file.read_bytes()))


def test_prepared_jpeg_is_nearly_the_same(clinic: Dataset) -> None:
    out = clinic.root / "out.rec"
    pack(clinic, clinic.train, out, "jpeg")
    samples = recordio("out.rec").samples(clinic.root, _wanted())
    assert len(samples) == len(clinic.train)
    for sample, index in zip(samples, clinic.train, strict=True):
        photograph = decode(recordio("out.rec").read(clinic.root, sample))
        assert photograph.shape == (16, 20, 3)
        assert np.abs(photograph.astype(float) - clinic.read(index)).mean() < 4


def _wanted():
    from retdsl.runtime.sources import Wanted

    return Wanted(CLASSES)


@pytest.mark.parametrize("form", ["as they are", "png"])
def test_mxnets_iterator_reads_it(clinic: Dataset, form: Form) -> None:
    out = clinic.root / "out.rec"
    pack(clinic, range(24), out, form)
    height, width = (16, 20) if form == "png" else (30, 40)
    batches = mx.io.ImageRecordIter(
        path_imgrec=str(out),
        path_imgidx=str(out.with_suffix(".idx")),
        path_imglist=str(out.with_suffix(".lst")),
        data_shape=(3, height, width),
        batch_size=24,
        preprocess_threads=1,
    )
    batch = next(iter(batches))
    labels, images = batch.label[0].asnumpy(), batch.data[0].asnumpy()
    by_mean = {round(float(image.mean()), 1): int(label) for image, label in zip(images, labels, strict=True)}
    for index, sample in enumerate(clinic.samples):
        photograph = clinic.read(index) if form == "png" else decode(clinic.fetch(index))
        mean = float(photograph.mean())
        near = min(by_mean, key=lambda found: abs(found - mean))
        assert abs(near - mean) < 1
        assert by_mean[near] == sample.label


def test_painted_photographs_are_packed_too(tmp_path: Path) -> None:
    source = synthetic_fundus(24, ratio=(1, 1), size=64)
    dataset = Data(source, CLASSES, by_patient(), prepare=(resize(16, 16),)).divided(tmp_path)
    again = packed_again(dataset, "as they are")
    before = {sample.image: index for index, sample in enumerate(dataset.samples)}
    for index, sample in enumerate(again.samples):
        assert np.array_equal(
            again.fetch(index) and decode(again.fetch(index)), dataset.fetch(before[sample.image.split("/", 1)[1]])
        )


def test_a_label_for_each_class(clinic: Dataset) -> None:
    samples = tuple(sample._replace(target=(0.3, 0.7) if sample.label else (0.75, 0.25)) for sample in clinic.samples)
    again = packed_again(replace(clinic, samples=samples), "png", range(4))
    found = {sample.image.split("/")[1]: sample for sample in again.samples}
    for sample in samples[:4]:
        assert found[sample.image].label == sample.label
        assert found[sample.image].target == pytest.approx(sample.target)


def test_what_cannot_be_read_is_told_and_nothing_is_written(clinic: Dataset) -> None:
    (clinic.root / "05.jpg").write_bytes(b"text")
    (clinic.root / "07.tif").unlink()
    out = clinic.root / "out.rec"
    with pytest.raises(RunError) as caught:
        pack(clinic, range(24), out)
    assert caught.value.message == "2 of 24 photographs cannot be packed"
    assert [item.split(":")[0] for item in caught.value.items] == ["05.jpg", "07.tif"]
    assert not list(clinic.root.glob("*out*"))
    assert pack(clinic, range(24), out, skip=True).left_out == caught.value.items
    assert len(recordio("out.rec").samples(clinic.root, _wanted())) == 22


def test_an_earlier_file_survives_a_full_disk(clinic: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    out = clinic.root / "out.rec"
    pack(clinic, range(24), out)
    before = {path.name: path.read_bytes() for path in clinic.root.glob("out.*")}
    assert sorted(before) == ["out.idx", "out.lst", "out.rec"]

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("retdsl.runtime.packing.RecordWriter.add", full)
    with pytest.raises(RunError, match="No space left on device") as caught:
        pack(clinic, range(3), out)
    assert "choose another place with -o" in caught.value.help[0]
    assert {path.name: path.read_bytes() for path in clinic.root.glob("*out*")} == before


def test_a_name_with_a_tab_stays_on_its_line(clinic: Dataset) -> None:
    source = clinic.root / "00.png"
    source.rename(clinic.root / "a\tb.png")
    samples = (Sample("a\tb.png", 0, "p0"), *clinic.samples[1:])
    again = packed_again(replace(clinic, samples=samples), "as they are", range(4))
    assert {sample.image.split("/")[1] for sample in again.samples} == {"a b.png", "01.jpg", "02.bmp", "03.tif"}
