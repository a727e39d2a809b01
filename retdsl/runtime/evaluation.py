"""A finished run answers labelled photographs: its own test side, or others.

Enters: an experiment, its data's root, an `EvaluationRequest`. Leaves: the answers, as a run's `predictions.csv`, and
facts about them. Guaranteed: photographs that the run has learned from are refused, or told; nothing in the run's
folder changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from retdsl.runtime.answers import answers_of
from retdsl.runtime.bound import device
from retdsl.runtime.dataset import Dataset, require_labels_for
from retdsl.runtime.engines import asked_engine, engines_of
from retdsl.runtime.errors import RunError
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.feed import Batches
from retdsl.runtime.files import read_json_object, write_json, write_text
from retdsl.runtime.finished_network import finished_network
from retdsl.runtime.fitting import watched
from retdsl.runtime.folders import folder
from retdsl.runtime.image_cache import ImageCache
from retdsl.runtime.inference import predict
from retdsl.runtime.known_photographs import find_known
from retdsl.runtime.labels import Told
from retdsl.runtime.mean_image import with_mean_image
from retdsl.runtime.network import Network
from retdsl.runtime.prepared import FirstPass, PreparedImages
from retdsl.runtime.problems import Problems
from retdsl.runtime.progress import Progress
from retdsl.runtime.requests import EvaluationRequest
from retdsl.runtime.sample import Sample
from retdsl.runtime.sources import Source, Wanted
from retdsl.runtime.split import Sides
from retdsl.runtime.table_files import read_table
from retdsl.runtime.tables import csv
from retdsl.runtime.unreadable import Unreadable, gathered

PATIENT = "patient"
"""The column of patients in a table, where neither the request nor the run's source names one."""


@dataclass(frozen=True, slots=True)
class all_test:
    """A split that puts every photograph on the test side."""

    column: ClassVar[None] = None
    wanted: ClassVar[tuple[str, ...]] = ()
    remedy: ClassVar[str] = "add photographs of it"

    def divide(self, samples: Sequence[Sample]) -> Sides:
        return Sides((), (), tuple(range(len(samples))))


def answer_labelled(
    experiment: Experiment,
    root: Path,
    request: EvaluationRequest,
    progress: Progress,
    threads: int,
    *,
    cached: bool = True,
    engine: str | None = None,
) -> None:
    """Writes the two files of the request. root: that of the run's data; engine: that is asked for. Raises RunError.

    The facts: `epoch`; `loss`, the mean loss of the answers, None for a run that does not record its class weights;
    `class_counts`; `skipped`, as in test.json; `known`, what the run has seen before; `changed`, how test photographs
    differ from those that lock.json lists; `patients_named`; `device`.
    """
    run = Path(request.run)
    lock = read_json_object(run / "lock.json")
    engines = engines_of(experiment, asked_engine(engine, lock, exact=False), progress.note)
    predictor, epoch = finished_network(experiment, run, request.checkpoint, engines)
    own = request.labels is None
    dataset = experiment.data.divided(root) if own else labelled_photographs(experiment, request)
    if not dataset.test:
        help = "name labelled photographs with --labels"
        raise RunError("this run has no test photographs" if own else "there are no photographs", help=help)
    require_labels_for(dataset, exclusive=experiment.network.loss.exclusive)
    images = PreparedImages(dataset, threads, ImageCache(dataset.chain, lasts=cached))
    first = images.load_all(progress.preparing, dataset.test)
    dataset, skipped = _without_unreadable(dataset, first)
    samples = [dataset.samples[index] for index in dataset.test]
    hashes = [first.looked[index].sha256 for index in dataset.test]
    manifest = lock.get("images", ())
    known = find_known(manifest, samples, hashes)
    if not request.allow_known:
        known.require_none()
    require_size(images[dataset.test[0]].shape, experiment.network)
    last = with_mean_image(experiment.data.normalize, experiment.network.input_shape, experiment.folder, root)
    batches = Batches(experiment, dataset, images, last, threads)
    progress.stage("predicting", batches.count(dataset.test))
    predictions = predict(watched(progress, batches.of(dataset.test)), predictor)
    answers = answers_of(predictions, dataset.samples, dataset.classes)
    write_text(Path(request.answers), answers.text())
    weights = lock.get("class_weights")
    losses = experiment.network.loss.value(
        answers.probabilities, answers.labels, None if weights is None else tuple(weights.values())
    )
    counts = dataset.class_counts(dataset.test)
    facts = {
        "epoch": epoch,
        "loss": float(np.mean(losses)),
        "class_counts": dict(zip(dataset.classes, counts, strict=True)),
        "skipped": skipped.to_json(),
        "known": known.to_json(),
        "changed": list(changes(manifest, samples, hashes, dataset.classes)) if own else [],
        "patients_named": any(sample.patient != sample.image for sample in samples),
        "device": str(device()),
    }
    write_json(Path(request.facts), facts)


def labelled_photographs(experiment: Experiment, request: EvaluationRequest) -> Dataset:
    """The photographs of a table or folder, all on the test side. Raises RunError with all that is wrong with it."""
    source = _source(experiment, request)
    top = Path(request.labels_root or ".").resolve()
    labels = experiment.data.labels if request.label is None and isinstance(source, csv) else None
    data = replace(experiment.data, source=source, split=all_test(), labels=labels, test=None, exclude=None)
    told: list[Told] = []
    absent = data.on_bad_image == "skip"
    found = source.samples(top, Wanted(data.classes, labels, every=False, told=told, absent=absent))
    samples = tuple(sorted(found, key=lambda sample: sample.image))
    return Dataset(data, top, samples, (), (), tuple(range(len(samples))), tuple(told))


def _source(experiment: Experiment, request: EvaluationRequest) -> Source:
    """The table or folder that is asked for, read as the run's own source where that is of the same kind."""
    assert request.labels is not None
    own, path = experiment.data.source, Path(request.labels).resolve()
    if path.is_dir():
        return folder(str(path), own.patient if isinstance(own, folder) else request.patient)
    table = replace(own, path=str(path)) if isinstance(own, csv) else csv(str(path))
    patient = request.patient or table.patient
    if patient is None and _has_column(path, PATIENT, table.encoding):
        patient = PATIENT
    return replace(table, image=request.image or table.image, label=request.label or table.label, patient=patient)


def _has_column(table: Path, column: str, encoding: str) -> bool:
    try:
        read_table(table, table.name, [column], encoding, "", Problems())
    except RunError:
        return False
    return True


def _without_unreadable(dataset: Dataset, first: FirstPass) -> tuple[Dataset, Unreadable]:
    """The photographs that could be read, where the study leaves the others out. Raises RunError where it does not."""
    unreadable = gathered(dataset.samples, first.refused)
    if not unreadable:
        return dataset, Unreadable(len(dataset.samples))
    if dataset.data.on_bad_image != "skip" or not first.looked:
        raise unreadable.error()
    return dataset.without(first.refused), unreadable


def require_size(shape: Sequence[int], network: Network) -> None:
    """Raises RunError for prepared photographs [H, W, C] that are not of the size that the network takes."""
    channels, height, width = network.input_shape
    if tuple(shape) != (height, width, channels):
        found = " x ".join(map(str, shape[:2])) + (f" with {shape[2]} channels" if shape[2] != channels else "")
        wanted = f"{height} x {width}" + (f" with {channels}" if shape[2] != channels else "")
        help = f"the run's preparation lacks resize({height}, {width}): give photographs of the size it learned from"
        raise RunError(f"photographs are {found} when prepared, the network takes {wanted}", help=help)


def changes(
    manifest: Sequence[Mapping[str, str]], samples: Sequence[Sample], hashes: Sequence[str], classes: Sequence[str]
) -> list[str]:
    """How test photographs differ from those of a run's manifest, in words; nothing if they are the same."""
    then = {row["image"]: (row["sha256"], row["label"]) for row in manifest if row.get("side") == "test"}
    now = {s.image: (digest, classes[s.label]) for s, digest in zip(samples, hashes, strict=True)}
    if not manifest:
        return []
    cases = {
        "not there any more": [image for image in then if image not in now],
        "new": [image for image in now if image not in then],
        "another file": [image for image in now if image in then and now[image][0] != then[image][0]],
        "of another label": [image for image in now if image in then and now[image][1] != then[image][1]],
    }
    return [
        f"{len(images)} test photograph{'s are' if len(images) > 1 else ' is'} {what}: {', '.join(images[:3])}"
        + (", ..." if len(images) > 3 else "")
        for what, images in cases.items()
        if images
    ]
