"""Photographs of a study packed into one file of records, with its index and list, for `mx.io.ImageRecordIter`.

Enters: a divided data set and which of its photographs. Leaves: OUT.rec, OUT.idx and OUT.lst, all three or none.
Guaranteed: every photograph in the file can be decoded; MXNet's reader gives up where one cannot, and names none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import cv2

from retdsl.runtime.dataset import Dataset
from retdsl.runtime.decode import Photograph, decode
from retdsl.runtime.errors import RunError
from retdsl.runtime.files import replacing
from retdsl.runtime.picture_header import JPEG_START, PNG_START
from retdsl.runtime.record_files import RecordWriter, beside
from retdsl.runtime.sample import Sample

Form: TypeAlias = Literal["as they are", "jpeg", "png"]
"""How photographs are stored: the bytes of their files, or prepared, as JPEG of quality 95 or as PNG."""

QUALITY = 95
AT_ONCE = 16
"""Photographs a thread that are held in memory at a time."""


class Packed(NamedTuple):
    """What was written. rewritten: photographs that were neither JPEG nor PNG, and are PNG now, pixel for pixel;
    left_out: those that could not be read, with the reason.
    """

    photographs: int
    bytes: int
    rewritten: int
    left_out: tuple[str, ...]


def pack(
    dataset: Dataset,
    indices: Sequence[int],
    out: Path,
    form: Form = "as they are",
    *,
    threads: int = 2,
    skip: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Packed:
    """Writes the photographs of `indices`, in that order, into `out`, whose name ends in .rec.

    A record is numbered by its place; its label is the position of the class, or a number for each class where the
    study knows more; its `id2` is the number of the patient, from 1. skip: leaves out what cannot be read. Raises
    RunError that names every photograph that cannot, and when the system refuses to write; earlier files stay then.
    """
    patients = {name: number for number, name in enumerate(sorted({s.patient for s in dataset.samples}), start=1)}
    refused: list[str] = []
    written = rewritten = 0
    elsewhere = "choose another place with -o"
    with (
        replacing(beside(out, ".idx"), elsewhere) as index_path,
        replacing(beside(out, ".lst"), elsewhere) as list_path,
        replacing(out, elsewhere) as records_path,
        records_path.open("wb") as file,
        index_path.open("w", encoding="ascii") as index,
        list_path.open("w", encoding="utf-8", errors="surrogateescape", newline="\n") as lst,
    ):
        writer = RecordWriter(file)
        for done, (at, stored) in enumerate(_stored(dataset, indices, form, threads), start=1):
            sample = dataset.samples[at]
            if isinstance(stored, RunError):
                refused.append(f"{sample.image}: {stored.message}")
            else:
                data, anew = stored
                labels = sample.target or (float(sample.label),)
                offset = writer.add(data, labels, written, patients[sample.patient])
                index.write(f"{written}\t{offset}\n")
                lst.write("\t".join([str(written), *(f"{label:.9g}" for label in labels), _in_a_line(sample)]) + "\n")
                written += 1
                rewritten += anew
            if progress is not None:
                progress(done, len(indices))
        if not written:
            refused = refused or ["there is none"]
        if refused and not (skip and written):
            help = "MXNet gives up at the first of them; `on_bad_image = skip` leaves them out"
            raise RunError(f"{len(refused)} of {len(indices)} photographs cannot be packed", items=refused, help=help)
        size = file.tell()
    return Packed(written, size, rewritten, tuple(refused))


def _in_a_line(sample: Sample) -> str:
    """The path of a photograph, as a line of the list can hold it."""
    return sample.image.replace("\t", " ").replace("\n", " ").replace("\r", " ")


def _stored(
    dataset: Dataset, indices: Sequence[int], form: Form, threads: int
) -> Iterator[tuple[int, tuple[bytes, bool] | RunError]]:
    """Every photograph as it is to be stored, in order, and whether it was written anew; or why it cannot be."""

    def one(index: int) -> tuple[int, tuple[bytes, bool] | RunError]:
        try:
            fetched = dataset.fetch(index)
            return index, _as_it_is(fetched) if form == "as they are" else (
                _encoded(dataset.prepare(fetched), form),
                False,
            )
        except RunError as error:
            return index, error

    waiting = iter(indices)
    with ThreadPoolExecutor(max(1, threads), thread_name_prefix="pack") as pool:
        while chunk := list(islice(waiting, AT_ONCE * max(1, threads))):
            yield from pool.map(one, chunk)


def _as_it_is(fetched: bytes | Photograph) -> tuple[bytes, bool]:
    """The bytes of a JPEG or PNG; anything else as PNG, since MXNet's reader need not know it."""
    if not isinstance(fetched, bytes):
        return _encoded(fetched, "png"), False
    photo = decode(fetched)
    if fetched.startswith((JPEG_START, PNG_START)):
        return fetched, False
    return _encoded(photo, "png"), True


def _encoded(photo: Photograph, form: Form) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY] if form == "jpeg" else []
    done, data = cv2.imencode(".jpg" if form == "jpeg" else ".png", cv2.cvtColor(photo, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise RunError(f"OpenCV cannot write it as {form.upper()}")
    return data.tobytes()
