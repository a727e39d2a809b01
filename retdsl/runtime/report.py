"""What a run leaves behind: the files of a run folder, apart from its checkpoints.

Enters: figures, predictions, facts about the run. Leaves: `metrics.jsonl`, `test.json`, `predictions.csv`, `lock.json`.
Guaranteed: whole files; a figure that means nothing is null; an existing run is never overwritten.
"""

from __future__ import annotations

import csv
import io
import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

from retdsl.runtime.arrays import readable
from retdsl.runtime.dataset import Dataset, facts_of_the_labels
from retdsl.runtime.errors import RunError
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.files import append_json_line, make_folder, write_json, write_text
from retdsl.runtime.mean_image import find_mean_image
from retdsl.runtime.predictions import Predictions
from retdsl.runtime.reading import Reading
from retdsl.runtime.sample import Sample
from retdsl.weights.files import sha256_of

DISTRIBUTIONS = ("numpy", "opencv-python-headless", "scikit-learn", "retdsl")


class RunFolder:
    """The folder of one run: `runs/NAME-YYYYMMDD-HHMMSS` unless another is given."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.metrics = path / "metrics.jsonl"

    def start(self) -> None:
        """Makes the folder. Raises RunError when a run is in it already."""
        self.require_fresh()
        make_folder(self.path)

    def require_fresh(self) -> None:
        """Raises RunError when a run is in the folder already."""
        if self.metrics.exists() or self.checkpoints.exists():
            raise RunError("this folder holds a run already", where=self.path, help="choose another one with --run")

    def facts_of_the_spec(self) -> dict[str, str]:
        """The SHA-256 of spec.retina, if whoever made the run put it there."""
        spec = self.path / "spec.retina"
        return {"spec_sha256": _sha256(spec, "spec")} if spec.is_file() else {}

    def write_symbols(self, name: str, whole: str, deploy: str) -> None:
        """Puts the network with its loss and the one without beside the program, if the program lies in the run."""
        program = self.path / "program"
        if program.is_dir():
            write_text(program / f"{name}-symbol.json", whole)
            write_text(program / f"{name}-deploy-symbol.json", deploy)

    def add_epoch(self, line: Mapping[str, Any]) -> None:
        append_json_line(self.metrics, line)

    def write_lock(self, facts: Mapping[str, Any]) -> None:
        """Adds `facts` to lock.json, beside what others have put there."""
        path = self.path / "lock.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        write_json(path, {**known, **facts})

    def write_test(self, figures: Mapping[str, Any]) -> None:
        write_json(self.path / "test.json", figures)

    def write_predictions(self, predictions: Predictions, samples: Sequence[Sample], classes: Sequence[str]) -> None:
        write_text(self.path / "predictions.csv", predictions_csv(predictions, samples, classes))


def new_run_folder(name: str, runs: Path) -> Path:
    """A folder of `runs` that does not exist yet, named after the experiment and the time."""
    stem = f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
    candidates = [runs / stem, *(runs / f"{stem}-{number}" for number in range(2, 1000))]
    return next(path for path in candidates if not path.exists())


def predictions_csv(predictions: Predictions, samples: Sequence[Sample], classes: Sequence[str]) -> str:
    """One row a photograph: image, patient, label, and `p_CLASS` for every class, with all digits of a float32.

    Several findings are joined by `+`.
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["image", "patient", "label", *(f"p_{name}" for name in classes)])
    for index, probabilities in zip(predictions.indices, predictions.probabilities, strict=True):
        sample = samples[index]
        rows.writerow(
            [
                sample.image,
                sample.patient,
                "+".join(classes[at] for at in sample.classes),
                *(f"{p:.9g}" for p in probabilities),
            ]
        )
    return text.getvalue()


def facts_of_the_data(dataset: Dataset) -> dict[str, Any]:
    """Which photographs are on which side of the split, in numbers and as a checksum."""
    sides = {"train": dataset.train, "valid": dataset.valid, "test": dataset.test}
    assignment = sha256()
    for side, indices in sides.items():
        for index in indices:
            sample = dataset.samples[index]
            assignment.update(
                f"{side}\0{sample.image}\0{'+'.join(map(str, sample.classes))}\0{sample.patient}\n".encode()
            )
    counts = {
        side: {
            "images": len(indices),
            "patients": dataset.patients(indices),
            **dict(zip(dataset.classes, dataset.class_counts(indices), strict=True)),
        }
        for side, indices in sides.items()
    }
    tables = dataset.data.photographs.tables(dataset.root)
    return {
        "root": str(dataset.root),
        "labels": facts_of_the_labels(dataset),
        "labels_sha256": {table: _sha256(dataset.root / table, "labels") for table in tables},
        "excluded": None if dataset.excluded is None else dataset.excluded.to_json(),
        "split": counts,
        "split_sha256": assignment.hexdigest(),
    }


def facts_of_the_cache(reading: Reading) -> dict[str, Any] | None:
    """What was taken from the cache of prepared photographs; None if it was left alone."""
    cache, first = reading.images.cache, reading.first
    if cache.folder is None:
        return None
    cached = len(first.looked) - first.prepared
    return {"folder": str(cache.folder), "cached": cached, "unread": first.unread, "prepared": first.prepared}


def facts_of_the_experiment(experiment: Experiment, root: Path) -> dict[str, Any]:
    """What was run, from which weights, with which seeds."""
    program = None if experiment.program is None else Path(experiment.program)
    mean_image = find_mean_image(experiment.data.normalize, experiment.folder, root)
    sources = [weights.source.locate(experiment.folder, root) for weights in experiment.network.pretrained]
    return {
        "experiment": experiment.name,
        "made_by": experiment.made_by,
        "spec": None if experiment.spec is None else str(experiment.spec),
        "program_sha256": None if program is None or not program.is_file() else _sha256(program, "program"),
        "weights": [_file_facts(path) for path in sources],
        "mean_image": None if mean_image is None else _file_facts(mean_image),
        "seed": experiment.training.seed,
        "split_seed": getattr(experiment.data.split, "seed", None),
    }


def _file_facts(path: Path) -> dict[str, str]:
    return {"file": path.name, "sha256": _sha256(path, "weights")}


def _sha256(path: Path, what: str) -> str:
    with readable(path, what):
        return sha256_of(path)


def facts_of_the_machine(mxnet_version: str, device: str) -> dict[str, Any]:
    """Versions, threads and the device: what bit-identical repeats need besides the seeds."""
    return {
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": {
            "python": platform.python_version(),
            "mxnet": mxnet_version,
            **{name: _version(name) for name in DISTRIBUTIONS},
        },
        "system": f"{platform.system()} {platform.machine()}",
        "threads": int(os.environ.get("OMP_NUM_THREADS", "0")) or None,
        "device": device,
    }


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
