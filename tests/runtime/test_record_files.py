"""Files of records, against MXNet's own reader and writer in both directions, and damaged in every way."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retdsl.runtime.mx import mx
from retdsl.runtime.record_files import MAGIC, BadRecord, RecordFile, RecordWriter

MAGIC_BYTES = struct.pack("<I", MAGIC)
PAYLOADS = st.lists(st.one_of(st.binary(max_size=40), st.just(MAGIC_BYTES)), max_size=6).map(b"".join)
"""Bytes that often hold the magic number, at multiples of four bytes and elsewhere."""
LABELS = st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=5)


def write(path: Path, records: list[tuple[bytes, tuple[float, ...], int, int]]) -> list[int]:
    with path.open("wb") as file:
        writer = RecordWriter(file)
        return [writer.add(*record) for record in records]


def read(path: Path) -> list[tuple[bytes, tuple[float, ...], int, int]]:
    with path.open("rb") as file:
        records = RecordFile(file)
        return [(records.photograph(offset), head.labels, head.id, head.id2) for offset, head in records.offsets()]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(PAYLOADS, LABELS, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)), max_size=4))
def test_what_mxnet_writes_is_read(tmp_path_factory: pytest.TempPathFactory, found) -> None:
    folder = tmp_path_factory.mktemp("records")
    with_mxnet = mx.recordio.MXIndexedRecordIO(str(folder / "a.idx"), str(folder / "a.rec"), "w")
    for number, (data, labels, id, id2) in enumerate(found):
        label = labels[0] if len(labels) == 1 else np.array(labels, np.float32)
        with_mxnet.write_idx(number, mx.recordio.pack(mx.recordio.IRHeader(0, label, id, id2), data))
    with_mxnet.close()
    assert read(folder / "a.rec") == [(data, tuple(labels), id, id2) for data, labels, id, id2 in found]
    offsets = [int(line.split("\t")[1]) for line in (folder / "a.idx").read_text().splitlines()]
    with (folder / "a.rec").open("rb") as file:
        assert [offset for offset, _ in RecordFile(file).offsets()] == offsets


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(PAYLOADS, LABELS, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)), max_size=4))
def test_what_is_written_mxnet_reads(tmp_path_factory: pytest.TempPathFactory, found) -> None:
    folder = tmp_path_factory.mktemp("records")
    write(folder / "a.rec", [(data, tuple(labels), id, id2) for data, labels, id, id2 in found])
    with_mxnet = mx.recordio.MXRecordIO(str(folder / "a.rec"), "r")
    for data, labels, id, id2 in found:
        header, photograph = mx.recordio.unpack(with_mxnet.read())
        assert (photograph, header.id, header.id2) == (data, id, id2)
        assert np.array_equal(np.atleast_1d(header.label), np.array(labels, np.float32))
    assert with_mxnet.read() is None


def test_both_write_the_same_bytes(tmp_path: Path) -> None:
    photographs = [b"abc", MAGIC_BYTES * 3, b"", b"12" + MAGIC_BYTES, b"1234" + MAGIC_BYTES + b"x"]
    with_mxnet = mx.recordio.MXRecordIO(str(tmp_path / "a.rec"), "w")
    for number, photograph in enumerate(photographs):
        with_mxnet.write(mx.recordio.pack(mx.recordio.IRHeader(0, 1.0, number, 0), photograph))
    with_mxnet.close()
    write(tmp_path / "b.rec", [(photograph, (1.0,), number, 0) for number, photograph in enumerate(photographs)])
    assert (tmp_path / "a.rec").read_bytes() == (tmp_path / "b.rec").read_bytes()


RECORDS = [(b"photograph" * 9, (1.0,), 0, 0), (MAGIC_BYTES * 2, (0.0, 0.5, 1.0), 1, 7), (b"x", (0.0,), 2, 0)]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_file_cut_anywhere_is_told(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("records") / "a.rec"
    starts = {*write(path, RECORDS), path.stat().st_size}
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    if cut in starts:
        assert read(path) == RECORDS[: sorted(starts).index(cut)]
    else:
        with pytest.raises(BadRecord):
            read(path)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 160), st.integers(0, 255))
def test_a_file_with_any_byte_changed_is_read_or_told(
    tmp_path_factory: pytest.TempPathFactory, at: int, value: int
) -> None:
    path = tmp_path_factory.mktemp("records") / "a.rec"
    write(path, RECORDS)
    changed = bytearray(path.read_bytes())
    changed[at % len(changed)] = value
    path.write_bytes(changed)
    with suppress(BadRecord):
        assert len(read(path)) <= len(path.read_bytes()) // 32


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\xd8\xff\xe0 a photograph", "no record begins here"),
        (b"abc", "the file ends before it"),
        (struct.pack("<II", MAGIC, 100) + b"short", "the file ends within it"),
        (struct.pack("<II", MAGIC, 7 << 29), "a kind that does not exist"),
        (struct.pack("<II", MAGIC, 4) + b"abcd", "too short for a header"),
        (struct.pack("<IIIfQQ", MAGIC, 24, 3, 0, 0, 0), "claims to have 3 labels"),
        (struct.pack("<IIIfQQ", MAGIC, 24, 2**32 - 1, 0, 0, 0), "claims to have 4294967295 labels"),
        (struct.pack("<II", MAGIC, 3 << 29), "begins in the middle"),
        (struct.pack("<IIII", MAGIC, 1 << 29, MAGIC, 0), "its end is missing"),
    ],
)
def test_what_is_no_record(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "a.rec").write_bytes(data)
    with pytest.raises(BadRecord, match=words):
        read(tmp_path / "a.rec")
