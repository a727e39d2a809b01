"""What lock.json says of a run: the facts that make it what it is.

Enters: an experiment, its data, this machine. Leaves: plain data, ready for JSON.
"""

from __future__ import annotations

import os
import platform
from datetime import datetime
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

from retdsl.runtime.arrays import readable
from retdsl.runtime.dataset import Dataset, facts_of_the_labels
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.mean_image import find_mean_image
from retdsl.runtime.reading import Reading
from retdsl.weights.files import sha256_of

DISTRIBUTIONS = ("numpy", "opencv-python-headless", "scikit-learn", "onnxruntime", "retdsl")


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
        "labels_sha256": {table: digest(dataset.root / table, "labels") for table in tables},
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
        "overrides": dict(experiment.overrides),
        "fold": getattr(experiment.data.split, "fold", None),
        "program_sha256": None if program is None or not program.is_file() else digest(program, "program"),
        "weights": [_file_facts(path) for path in sources],
        "mean_image": None if mean_image is None else _file_facts(mean_image),
        "seed": experiment.training.seed,
        "split_seed": getattr(experiment.data.split, "seed", None),
    }


def _file_facts(path: Path) -> dict[str, str]:
    return {"file": path.name, "sha256": digest(path, "weights")}


def digest(path: Path, what: str) -> str:
    """The SHA-256 of a file. Raises RunError, which calls it `what`, if it cannot be read."""
    with readable(path, what):
        return sha256_of(path)


def now() -> str:
    """The time, with its zone, to the second."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def facts_of_the_machine(mxnet_version: str, device: str) -> dict[str, Any]:
    """Versions, threads and the device: what bit-identical repeats need besides the seeds."""
    return {
        "started": now(),
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
