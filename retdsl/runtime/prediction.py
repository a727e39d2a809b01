"""A finished run answers photographs without labels, and says of which it should not be asked.

Enters: an experiment, its data's root, a `PredictionRequest`. Leaves: a line of JSON for each photograph, in the order
of the request: `{"image": "a.png", "flags": {"blurred": "fine detail 0.031, the limit is 0.05"}, "probabilities":
[0.2, 0.8]}`; probabilities are null where the network could not be asked, or was shown no retina. Guaranteed: whatever
the files are, each gets its line; memory does not grow with their number.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from retdsl.runtime.ahead import ahead
from retdsl.runtime.dataset import Dataset
from retdsl.runtime.decode import Photograph, decode
from retdsl.runtime.engines import asked_engine, engines_of
from retdsl.runtime.errors import RunError
from retdsl.runtime.evaluation import all_test, require_size
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.feed import Batches
from retdsl.runtime.files import read_json_object, replacing, write_text
from retdsl.runtime.finished_network import finished_network
from retdsl.runtime.folders import folder
from retdsl.runtime.inference import Predictor, predict
from retdsl.runtime.mean_image import with_mean_image
from retdsl.runtime.measures import measure
from retdsl.runtime.paths import reason_of
from retdsl.runtime.prepared import single_threaded_opencv
from retdsl.runtime.progress import Progress
from retdsl.runtime.requests import PredictionRequest
from retdsl.runtime.sample import Sample
from retdsl.runtime.sources import sha256_of_photograph
from retdsl.runtime.usual import Seen, Usual, flags_of, read_usual, see, usual_of

USUAL = "usual.json"
"""Where a run folder keeps what is usual among the photographs that it has learned from."""

LOOKED_AT = 300
"""Training photographs that tell what is usual."""

AT_ONCE = 256
"""Photographs in memory."""

AHEAD = 8
"""Photographs that wait for their turn, besides one a thread."""


@dataclass(frozen=True, slots=True)
class _Look:
    """One photograph: what it looks like, and as the network takes it; None where it cannot be read."""

    index: int
    refused: str
    seen: Seen | None = None
    prepared: Photograph | None = None


class _Window:
    """The prepared photographs that are in memory, by their index."""

    def __init__(self) -> None:
        self.photographs: dict[int, Photograph] = {}

    def __getitem__(self, index: int) -> Photograph:
        return self.photographs[index]


def answer_unlabelled(
    experiment: Experiment,
    root: Path,
    request: PredictionRequest,
    progress: Progress,
    threads: int,
    *,
    engine: str | None = None,
) -> None:
    """Writes the file of the request. root: that of the run's data; engine: that is asked for. Raises RunError."""
    run, network = Path(request.run), experiment.network
    asked = asked_engine(engine, read_json_object(run / "lock.json"), exact=False)
    engines = engines_of(experiment, asked, progress.note)
    predictor, _ = finished_network(experiment, run, request.checkpoint, engines)
    usual = _usual(experiment, root, run, progress, threads)
    data = replace(experiment.data, source=folder("."), split=all_test(), test=None, exclude=None, labels=None)
    samples = tuple(Sample(path, 0, path) for path in request.images)
    dataset = Dataset(data, Path(), samples, (), (), tuple(range(len(samples))))
    last = with_mean_image(experiment.data.normalize, network.input_shape, experiment.folder, root)
    window = _Window()
    batches = Batches(experiment, dataset, window, last, threads)
    side = min(network.input_shape[1:])
    progress.stage("predicting", len(samples))
    looks = ahead(partial(_look_at, experiment, dataset), range(len(samples)), max(1, threads), "predict", AHEAD)
    with (
        replacing(Path(request.answers)) as beside,
        beside.open("w", encoding="utf-8") as out,
        single_threaded_opencv(),
        closing(looks),
    ):
        while some := list(islice(looks, AT_ONCE)):
            rows = [_row(samples[look.index].image, look, usual, side) for look in some]
            _ask(some, rows, window, batches, predictor)
            out.writelines(json.dumps(row) + "\n" for row in rows)
            for _ in some:
                progress.batch(1)


def _look_at(experiment: Experiment, dataset: Dataset, index: int) -> _Look:
    try:
        fetched = _read(Path(dataset.samples[index].image))
        photo = decode(fetched)
        prepared = dataset.prepare(fetched)
        require_size(prepared.shape, experiment.network)
    except RunError as error:
        return _Look(index, ": ".join([error.message, *error.items[:1]]))
    return _Look(index, "", see(photo, measure(photo)), prepared)


def _read(path: Path) -> bytes:
    """A file's bytes. Raises RunError; what is no file, such as a pipe, is not waited for."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise RunError("this is no file")
        return path.read_bytes()
    except FileNotFoundError:
        raise RunError("no such file") from None
    except (OSError, ValueError) as error:
        raise RunError(reason_of(error)) from None


def _row(image: str, look: _Look, usual: Usual, side: int) -> dict[str, Any]:
    flags = {"unreadable": look.refused} if look.seen is None else flags_of(look.seen, usual, side)
    return {"image": image, "flags": flags, "probabilities": None}


def _ask(
    looks: Sequence[_Look], rows: Sequence[dict[str, Any]], window: _Window, batches: Batches, predictor: Predictor
) -> None:
    """Puts probabilities into the rows of photographs that show a retina."""
    shown = {
        look.index: (row, look.prepared)
        for look, row in zip(looks, rows, strict=True)
        if look.prepared is not None and "no_field" not in row["flags"]
    }
    if not shown:
        return
    window.photographs = {index: prepared for index, (_, prepared) in shown.items()}
    predictions = predict(batches.of(tuple(shown)), predictor)
    for index, answer in zip(predictions.indices.tolist(), predictions.probabilities, strict=True):
        shown[index][0]["probabilities"] = [float(f"{p:.9g}") for p in answer]


def _usual(experiment: Experiment, root: Path, run: Path, progress: Progress, threads: int) -> Usual:
    """What is usual among the photographs that the run has learned from; looked at once, and kept in its folder."""
    known = read_usual(run / USUAL)
    if known is not None:
        return known
    try:
        dataset = experiment.data.divided(root)
    except RunError as error:
        progress.note(_unknown(error.message))
        return usual_of(())
    found = usual_of(list(_seen_in_training(dataset, run, progress, threads)))
    if found.photographs == 0:
        progress.note(_unknown("none of them can be read, or they have changed"))
        return found
    try:
        write_text(run / USUAL, json.dumps(found.to_json()) + "\n")
    except RunError as error:
        progress.note(f"what is usual is looked at again next time: {error.message}")
    return found


def _unknown(why: str) -> str:
    return (
        "the photographs that the run has learned from are not at hand, so only what is bad in whatever company is "
        f"flagged: {why}"
    )


def _seen_in_training(dataset: Dataset, run: Path, progress: Progress, threads: int) -> Iterator[Seen]:
    """A sample of the training side, evenly spaced, without those that are not what they were."""
    rows = read_json_object(run / "lock.json").get("images", ())
    then = {row["image"]: row["sha256"] for row in rows if row.get("side") == "train"}
    places = np.linspace(0, len(dataset.train) - 1, min(LOOKED_AT, len(dataset.train))).round().astype(int)
    chosen = [dataset.train[place] for place in sorted({*places.tolist()})]

    def look_at(index: int) -> Seen | None:
        try:
            fetched = dataset.fetch(index)
            if then and then.get(dataset.samples[index].image) != sha256_of_photograph(fetched):
                return None
            photo = decode(fetched) if isinstance(fetched, bytes) else fetched
        except RunError:
            return None
        return see(photo, measure(photo))

    progress.stage("looking at training photographs", len(chosen))
    with single_threaded_opencv(), closing(ahead(look_at, chosen, max(1, threads), "usual", AHEAD)) as looks:
        for seen in looks:
            progress.batch(1)
            if seen is not None:
                yield seen
