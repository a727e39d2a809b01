"""How two experiments differ, key by key; and two data blocks, and two models on their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retdsl.compare.meaning import normalized
from retdsl.compare.model import Change, Difference
from retdsl.compare.networks import NOTHING, Freezing, network_differences
from retdsl.compare.settings import call_difference, optional_difference, step_differences, value_difference
from retdsl.ir import Call, DataPlan, Ensemble, Experiment, Network, Place, Value
from retdsl.schema.data import DATA_KEYS
from retdsl.schema.ensembles import ENSEMBLE_KEYS
from retdsl.schema.sources import sources_of
from retdsl.schema.spelling import option_type, spell, spell_call
from retdsl.schema.training import TRAIN_KEYS, TRAINING_SETTINGS

CALLS = {"optimizer": "optimizer", "schedule": "schedule", "checkpoint": "checkpoint rule"}
"""Keys of a train block that are always a call, and of which category."""


def experiment_differences(a: Experiment, b: Experiment) -> Iterator[Difference]:
    """All differences of two experiments, but for their names; the network's, which cost most, come last."""
    yield from data_differences(a.data, b.data)
    yield from _training(a, b)
    yield from network_differences(a.network, b.network, _frozen(a), _frozen(b))


def ensemble_differences(a: Ensemble, b: Ensemble) -> Iterator[Difference]:
    """All differences of two ensembles, but for their names; which of their experiments comes first means nothing."""
    pairs: dict[str, tuple[Value, Value]] = {
        "of": (tuple(sorted(a.of)), tuple(sorted(b.of))),
        "folds": ("all" if a.folds else None, "all" if b.folds else None),
        "repeats": (a.repeats, b.repeats),
    }
    for key, (one, other) in pairs.items():
        yield from value_difference(key, one, other, option_type(ENSEMBLE_KEYS, key), (a.place, b.place))


def model_differences(a: Network, b: Network) -> Iterator[Difference]:
    """All differences of two models on their own, but for their names."""
    shapes = [str(list(network.input_shape[1:])) for network in (a, b)]
    if shapes[0] != shapes[1]:
        yield Difference("input", "", "changed", (Change("", *shapes),), (), a.place, b.place)
    yield from network_differences(a, b, NOTHING, NOTHING)


def data_differences(a: DataPlan, b: DataPlan) -> Iterator[Difference]:
    """All differences of two data blocks, but for their names."""
    counts = len(a.classes), len(b.classes)
    yield from _source_differences(a, b, counts)
    kind = option_type(DATA_KEYS, "classes")
    yield from value_difference("classes", a.classes, b.classes, kind, (a.place, b.place))
    yield from call_difference("split", a.split, b.split, "split", counts)
    yield from step_differences("image", a.prepare, b.prepare, "image step", " => ", (a.place, b.place))
    for (key, one), (_, other) in zip(a.settings, b.settings, strict=True):
        kind = option_type(DATA_KEYS, key)
        yield from value_difference(key, one, other, kind, (a.place, b.place))
    if normalized(a.normalize) != normalized(b.normalize):
        yield from optional_difference("image", "normalize", a.normalize, b.normalize, "image step", counts)


def _source_differences(a: DataPlan, b: DataPlan, counts: tuple[int, int]) -> Iterator[Difference]:
    """What differs in the sources, whose order means nothing."""
    one: Sequence[Call] = sources_of(a.source)
    other: Sequence[Call] = sources_of(b.source)
    if len(one) == len(other) == 1:
        yield from call_difference("source", one[0], other[0], "data source", counts)
        return
    one, other = (sorted(sources, key=lambda each: spell_call(each, "data source")) for sources in (one, other))
    yield from step_differences("source", one, other, "data source", ", ", (a.source.place, b.source.place))


def _training(a: Experiment, b: Experiment) -> Iterator[Difference]:
    counts = len(a.data.classes), len(b.data.classes)
    yield from call_difference("sampling", a.sampling, b.sampling, "sampling policy", counts)
    yield from step_differences("augment", a.augment, b.augment, "augmentation", " => ", _places("augment", a, b))
    for key in ("optimizer", "schedule", "epochs", "batch", *TRAINING_SETTINGS, "metrics", "checkpoint", "seed"):
        one, other = _setting(a, key), _setting(b, key)
        places = _places(key, a, b)
        if key == "metrics":
            yield from step_differences(key, a.training.metrics, b.training.metrics, "metric", ", ", places)
        elif key in CALLS and isinstance(one, Call) and isinstance(other, Call):
            yield from call_difference(key, one, other, CALLS[key], counts)
        else:
            yield from value_difference(key, one, other, option_type(TRAIN_KEYS, key), places)


def _setting(experiment: Experiment, key: str) -> Value:
    """What an experiment's training says under a key."""
    training = experiment.training
    return training[key] if key in TRAINING_SETTINGS else getattr(training, key)


def _places(key: str, a: Experiment, b: Experiment) -> tuple[Place | None, Place | None]:
    return _place(key, a), _place(key, b)


def _place(key: str, experiment: Experiment) -> Place | None:
    return next((found.place for found in experiment.keys if found.name == key), None)


def _frozen(experiment: Experiment) -> Freezing:
    """What an experiment freezes, and where it says so."""
    kind = option_type(TRAIN_KEYS, "freeze")
    items = sorted(spell(item, kind) for item in experiment.freeze)
    text = "none" if not items else items[0] if len(items) == 1 else f"[{', '.join(items)}]"
    return Freezing(text, _place("freeze", experiment), experiment.trained_from())
