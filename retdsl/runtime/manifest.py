"""What a run was made of, as lock.json records it, and the same found out anew.

Enters: an experiment and its data's root. Leaves: facts, plain data for JSON. Guaranteed: what a run records and what
is found out later come from the same functions, so that a fact that differs has changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from retdsl.runtime.dataset import Dataset
from retdsl.runtime.errors import RunError
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.facts import facts_of_the_data, facts_of_the_experiment, facts_of_the_machine
from retdsl.runtime.reading import as_used
from retdsl.runtime.split import SIDES


def manifest(dataset: Dataset, hashes: Mapping[int, str]) -> list[dict[str, str]]:
    """Every photograph that is used, in the order of its name: where it is, its side, label, patient, and SHA-256.

    hashes: by the photographs' indices; one that is not there could not be read, and is "".
    """
    side_of = {index: side for side, indices in zip(SIDES, dataset.sides, strict=True) for index in indices}
    return [
        {
            "image": dataset.samples[index].image,
            "side": side_of[index],
            "label": dataset.classes[dataset.samples[index].label],
            "patient": dataset.samples[index].patient,
            "sha256": hashes.get(index, ""),
        }
        for index in sorted(side_of)
    ]


def facts_of_today(experiment: Experiment, root: Path, threads: int = 2) -> dict[str, Any]:
    """What lock.json would say of this experiment if it ran now; nothing trains, and nothing is decoded unless the
    study leaves out what cannot be.

    What cannot be found out stands under "problems", in words, by its subject: "data", "weights".
    """
    from retdsl.runtime.devices import contexts, in_words
    from retdsl.runtime.mx import mx

    problems: dict[str, str] = {}
    where = in_words(contexts(experiment.training.devices))
    facts: dict[str, Any] = {**facts_of_the_machine(mx.__version__, where), "problems": problems}
    try:
        facts |= facts_of_the_experiment(experiment, root)
    except RunError as error:
        problems["weights"] = str(error)
    try:
        dataset = experiment.data.divided(root)
        dataset = as_used(dataset, threads)
        facts |= {**facts_of_the_data(dataset), "images": manifest(dataset, dict(_hashes(dataset)))}
    except RunError as error:
        problems["data"] = str(error)
    return facts


def _hashes(dataset: Dataset) -> Iterator[tuple[int, str]]:
    """The SHA-256 of what each photograph's source gives, by its index."""
    for index in range(len(dataset.samples)):
        try:
            fetched = dataset.fetch(index)
        except RunError:
            continue
        data = fetched if isinstance(fetched, bytes) else np.ascontiguousarray(fetched).data
        yield index, sha256(data).hexdigest()
