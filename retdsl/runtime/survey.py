"""Every photograph of a study looked at once, for an audit: measured, made small, and described by a network.

Enters: what a `data` block says, and the root folder. Leaves: a `Survey`, also as a file. Guaranteed: what the study
leaves out is looked at, too; a photograph that cannot be read is in the survey, with the reason; memory is bounded by
what the survey itself keeps, some 15 kB a photograph.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate, islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.ahead import ahead
from retdsl.runtime.dataset import Data, Dataset
from retdsl.runtime.decode import Photograph, decode
from retdsl.runtime.errors import RunError
from retdsl.runtime.files import replacing
from retdsl.runtime.likeness import SIZE
from retdsl.runtime.measures import Measures, measure
from retdsl.runtime.prepare import crop_circle, resize
from retdsl.runtime.prepared import single_threaded_opencv
from retdsl.runtime.sources import sha256_of_photograph
from retdsl.runtime.split import SIDES

THUMBNAIL = 160
"""The longer side of a small picture, in pixels."""

QUALITY = 80
"""Of a small picture, as JPEG."""

FINE_QUALITY = 90
"""Of a square that near copies are told by."""

BATCH = 32
"""Photographs that a network is asked about at once."""

AHEAD = 4
"""Photographs that wait for the network, for each thread that reads."""

Describe = Callable[[Sequence[Photograph]], NDArray[np.float32]]
"""Prepared photographs, uint8 `[H, W, C]`, to float32 `[n, F]`."""


class Surveyed(NamedTuple):
    """A photograph: what its source says of it, and what it looks like.

    image, label, patient, origin: as in `Sample`, but the label by its name; side: of the split; sha256: as in
    `Looked`, empty if there is nothing to read; refused: why it cannot be read, empty if it can; measures: None if not.
    """

    image: str
    label: str
    patient: str
    origin: int
    side: str
    sha256: str
    refused: str
    measures: Measures | None


@dataclass(frozen=True)
class Survey:
    """thumbnails: JPEG files, empty for photographs that cannot be read; squares: the same, of what lies around the
    retina, as large as near copies are told by; features: float32 `[n, F]`, what a network says of each, zero for those
    that cannot be read; None if no network was asked.
    """

    classes: tuple[str, ...]
    photographs: tuple[Surveyed, ...]
    thumbnails: tuple[bytes, ...]
    squares: tuple[bytes, ...]
    features: NDArray[np.float32] | None = None

    def save(self, path: Path) -> None:
        """Writes a file that `load_survey` reads. Raises RunError."""
        facts = {"classes": self.classes, "photographs": self.photographs}
        pictures = self.thumbnails + self.squares
        arrays = {
            "facts": np.frombuffer(json.dumps(facts).encode(), np.uint8),
            "pictures": np.frombuffer(b"".join(pictures), np.uint8),
            "lengths": np.array([len(picture) for picture in pictures]),
        }
        if self.features is not None:
            arrays["features"] = self.features
        with replacing(path) as beside, beside.open("wb") as file:
            np.savez(file, **arrays)


def load_survey(path: Path) -> Survey:
    """What `Survey.save` wrote."""
    with np.load(path) as arrays:
        facts = json.loads(arrays["facts"].tobytes())
        photographs = tuple(map(_surveyed, facts["photographs"]))
        joined = arrays["pictures"].tobytes()
        pictures = [joined[start:end] for start, end in pairwise(accumulate(arrays["lengths"].tolist(), initial=0))]
        thumbnails, squares = tuple(pictures[: len(photographs)]), tuple(pictures[len(photographs) :])
        return Survey(tuple(facts["classes"]), photographs, thumbnails, squares, arrays.get("features"))


def _surveyed(row: list[Any]) -> Surveyed:
    *said, measures = row
    return Surveyed._make((*said, None if measures is None else Measures(*measures)))


def survey(
    data: Data,
    root: Path,
    threads: int = 2,
    describe: Describe | None = None,
    batch: int = BATCH,
    progress: Callable[[int, int], None] | None = None,
) -> Survey:
    """Looks at every photograph, whatever the study leaves out.

    describe: the network, asked from this thread for `batch` photographs at a time. progress: as in
    `PreparedImages.load_all`. Raises RunError if the labels cannot be used.
    """
    dataset = replace(data, exclude=None, on_bad_image="skip").divided(root)  # what is not there is flagged
    sides = {index: side for side in SIDES for index in getattr(dataset, side)}
    looks: list[_Look] = []
    features: list[NDArray[np.float32]] = []
    threads = max(1, threads)
    look_at = partial(_look_at, dataset, prepare=describe is not None)
    order = range(len(dataset.samples))
    with single_threaded_opencv(), closing(ahead(look_at, order, threads, "survey", AHEAD * threads)) as found:
        while some := list(islice(found, batch)):
            looks += [look._replace(prepared=None) for look in some]
            if describe is not None:
                features.append(_described(some, describe))
            if progress is not None:
                progress(len(looks), len(dataset.samples))
    photographs = tuple(
        Surveyed(
            sample.image,
            dataset.classes[sample.label],
            sample.patient,
            sample.origin,
            sides.get(index, ""),
            look.sha256,
            look.refused,
            look.measures,
        )
        for index, (sample, look) in enumerate(zip(dataset.samples, looks, strict=True))
    )
    return Survey(
        dataset.classes,
        photographs,
        tuple(look.thumbnail for look in looks),
        tuple(look.square for look in looks),
        _joined(features),
    )


class _Look(NamedTuple):
    """What there is to see in one photograph."""

    sha256: str
    refused: str
    measures: Measures | None
    thumbnail: bytes
    square: bytes
    prepared: Photograph | None


def _look_at(dataset: Dataset, index: int, *, prepare: bool) -> _Look:
    digest = ""
    try:
        fetched = dataset.fetch(index)
        digest = sha256_of_photograph(fetched)
        photo = decode(fetched) if isinstance(fetched, bytes) else fetched
        prepared = dataset.prepare(photo) if prepare else None
    except RunError as error:
        return _Look(digest, error.message, None, b"", b"", None)
    return _Look(digest, "", measure(photo), _thumbnail(photo), square(photo), prepared)


def _thumbnail(photo: Photograph) -> bytes:
    height, width = photo.shape[:2]
    scale = THUMBNAIL / max(height, width)
    small = resize(max(1, round(height * scale)), max(1, round(width * scale)))
    return _encoded(small(photo), QUALITY)


def square(photo: Photograph) -> bytes:
    """What lies around the retina, as a JPEG file of `SIZE` pixels of height and width; less shows a smaller one."""
    cropped = crop_circle()(photo)
    side = min(SIZE, *cropped.shape[:2])
    return _encoded(resize(side, side)(cropped), FINE_QUALITY)


def _encoded(photo: Photograph, quality: int) -> bytes:
    _, file = cv2.imencode(".jpg", cv2.cvtColor(photo, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return file.tobytes()


def _described(looks: Sequence[_Look], describe: Describe) -> NDArray[np.float32]:
    """Features of those that could be read, zero for the others; `[n, 0]` if none could."""
    readable = [at for at, look in enumerate(looks) if look.prepared is not None]
    if not readable:
        return np.zeros((len(looks), 0), np.float32)
    found = describe([photo for look in looks if (photo := look.prepared) is not None])
    out = np.zeros((len(looks), found.shape[1]), np.float32)
    out[readable] = found
    return out


def _joined(features: Sequence[NDArray[np.float32]]) -> NDArray[np.float32] | None:
    """All batches as one array; None without any feature."""
    width = max((part.shape[1] for part in features), default=0)
    if width == 0:
        return None
    return np.concatenate([part if part.shape[1] else np.zeros((len(part), width), np.float32) for part in features])
