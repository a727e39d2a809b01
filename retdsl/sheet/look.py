"""Some photographs of every class, read, prepared step by step, and augmented: the making of a `Sheet`.

Enters: the plan of a data block, the root of its paths, and an experiment if its augmentation is to be seen. Leaves: a
`Sheet`. Raises RunError for labels that cannot be used; photographs that cannot be read are part of what is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from retdsl.ir import Call, DataPlan, Experiment
from retdsl.objects import data_of, made
from retdsl.runtime.dataset import Dataset
from retdsl.runtime.decode import decode
from retdsl.runtime.errors import RunError
from retdsl.runtime.loader import Loader
from retdsl.runtime.randomness import generator
from retdsl.runtime.split import SIDES
from retdsl.schema.spelling import spell_call
from retdsl.sheet.model import Column, Group, Picture, Row, Sheet

TURNS = 3
"""How many augmented turns of each photograph are shown."""

SHORT = 24
"""Characters of options that stand in one line."""


def look(plan: DataPlan, root: Path, experiment: Experiment | None = None, each: int = 4, seed: int = 0) -> Sheet:
    """The contact sheet of a data block.

    root: where its relative paths start; experiment: shows its augmentation, too, on photographs of the training side,
    and must be of that data; each: how many photographs of every class; seed: another one shows other photographs.
    Raises RunError.
    """
    dataset = data_of(plan).divided(root)
    side_of = {index: side for side, indices in zip(SIDES, dataset.sides, strict=True) for index in indices}
    pool = [index for index in sorted(side_of) if experiment is None or side_of[index] == SIDES[0]]
    chosen = [choose(dataset, label, each, seed, pool) for label in range(len(dataset.classes))]
    seen: dict[int, tuple[Picture, ...]] = {}
    refused: dict[int, str] = {}
    for index in (index for indices in chosen for index in indices):
        try:
            seen[index] = stages(dataset, index)
        except RunError as error:
            refused[index] = ": ".join((error.message, *error.items))
    turns = augmented(experiment, dataset, {index: pictures[-1] for index, pictures in seen.items()})
    groups = tuple(
        Group(
            legible(title),
            tuple(
                (side, dataset.class_counts(indices)[label])
                for side, indices in zip(SIDES, dataset.sides, strict=True)
                if indices
            ),
            tuple(
                Row(
                    legible(dataset.samples[index].image),
                    legible(dataset.samples[index].patient),
                    side_of.get(index, ""),
                    (*seen.get(index, ()), *turns.get(index, ())),
                    legible(refused.get(index, "")),
                )
                for index in chosen[label]
            ),
        )
        for label, title in enumerate(dataset.classes)
    )
    return Sheet(plan.name, _facts(plan, dataset, experiment), _columns(plan, experiment), groups)


def choose(dataset: Dataset, label: int, each: int, seed: int, pool: Sequence[int]) -> list[int]:
    """At most `each` photographs of a class, spread evenly over their names: one of every stretch, drawn by chance.

    pool: indices that may be chosen, ascending, as samples are in the order of their names.
    """
    of_class = [index for index in pool if dataset.samples[index].label == label]
    random = generator(seed, "contact sheet", label)
    stretches = np.array_split(of_class, min(each, len(of_class))) if of_class else []
    return [int(random.choice(stretch)) for stretch in stretches]


def stages(dataset: Dataset, index: int) -> tuple[Picture, ...]:
    """A photograph as it is, and after each step of its preparation. Raises RunError."""
    fetched = dataset.fetch(index)
    pictures = [decode(fetched) if isinstance(fetched, bytes) else fetched]
    for step in dataset.data.prepare:
        pictures.append(step(pictures[-1]))
    return tuple(pictures)


def augmented(
    experiment: Experiment | None, dataset: Dataset, prepared: Mapping[int, Picture]
) -> dict[int, list[Picture]]:
    """Some turns of each prepared photograph, as the experiment's loader gives them to its network."""
    if experiment is None or not experiment.augment or not prepared:
        return {}
    order = list(prepared)
    labels = dataset.labels(order)
    seed = experiment.training.seed
    steps = made(experiment.augment)
    loader = Loader(prepared, dataset, order, labels, steps, None, len(order), seed, 1, dataset.classes)
    turns: dict[int, list[Picture]] = {index: [] for index in order}
    for epoch in range(1, TURNS + 1):
        for batch in loader.epoch(order, epoch, training=True):
            for index, image in zip(batch.indices, batch.images, strict=True):
                turns[int(index)].append(np.rint(np.clip(image.transpose(1, 2, 0), 0, 1) * 255).astype(np.uint8))
    return turns


def legible(text: str) -> str:
    """The text with a mark for every character that cannot be drawn: names of files may hold anything."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _columns(plan: DataPlan, experiment: Experiment | None) -> tuple[Column, ...]:
    columns = [Column("photograph", ("as it is read",))]
    columns += [_column(step, "image step") for step in plan.prepare]
    if experiment is not None and experiment.augment:
        about = tuple(spell_call(step, "augmentation") for step in experiment.augment)
        columns.append(Column("augmented", about, pictures=TURNS))
    return tuple(columns)


def _column(step: Call, category: str) -> Column:
    spelt = spell_call(step, category)
    inside = spelt.removeprefix(step.name).removeprefix("(").removesuffix(")")
    return Column(step.name, (inside,) if 0 < len(inside) <= SHORT else tuple(_arguments(inside)))


def _arguments(text: str) -> Sequence[str]:
    """The arguments of a spelt call, one by one."""
    found, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            found.append(text[start:at].strip())
            start = at + 1
    return [*found, text[start:].strip()] if text.strip() else []


def _facts(plan: DataPlan, dataset: Dataset, experiment: Experiment | None) -> tuple[tuple[str, str], ...]:
    asked = () if experiment is None else (("experiment", experiment.name),)
    last = () if plan.normalize is None else (("at the end", spell_call(plan.normalize, "image step")),)
    return (
        *asked,
        ("source", spell_call(plan.source, "data source")),
        ("split", spell_call(plan.split, "split")),
        ("photographs", _counted(dataset)),
        *last,
    )


def _counted(dataset: Dataset) -> str:
    """How many photographs there are, and of how many patients where the source says whose they are."""
    used = [index for side in dataset.sides for index in side]
    known = any(sample.patient != sample.image for sample in dataset.samples)
    return f"{len(used):,} of {dataset.patients(used):,} patients" if known else f"{len(used):,}"
