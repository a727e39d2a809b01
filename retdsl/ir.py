"""The checked Program: what a study says, engine-neutral, as plain frozen data.

Only `retdsl.check` builds one, so whoever receives a `Program` need not validate anything again. Every shape has the
batch as its first axis, written `None`: `(None, 3, 224, 224)`. A shape that is `None` as a whole is not known (an
imported layer without a shape rule). `to_json` prints a program.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import prod
from typing import Any, TypeAlias

from retdsl.records import dataclass, field

Shape: TypeAlias = tuple[int | None, ...]
Value: TypeAlias = "bool | int | float | str | tuple[Value, ...] | Call | None"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the spec something was written; lines and columns from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """`study.retina:12`, or `--set first.seed`: the command line has no lines."""
        return self.file if self.file.startswith("--set ") else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Call:
    """A policy, transform, source, optimizer, metric ... by its schema name with its checked options.

    `options` are in schema order and hold every option, defaults included. Percentages are fractions (0.7 for 70%),
    ratios are tuples. Two calls are equal when they ask for the same, wherever they are written.
    """

    name: str
    options: tuple[tuple[str, Value], ...] = ()
    place: Place | None = field(default=None, compare=False)

    def __getitem__(self, option: str) -> Value:
        return dict(self.options)[option]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A learned array of a node, under MXNet's name. `auxiliary`: BatchNorm's moving statistics."""

    name: str
    shape: Shape | None
    auxiliary: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """One layer of a network.

    op: the layer's name in the schema (`Convolution`); options: what differs from MXNet's default or must always be
    written; inputs: names of nodes, or of the network's input; path: the blocks it was written through, outermost
    first, each as `block(name)`; alias: the `as` name; backbone: the backbone declaration it came from;
    frozen: neither its parameters nor its statistics change in training.
    """

    name: str
    op: str
    options: tuple[tuple[str, Value], ...]
    inputs: tuple[str, ...]
    shape: Shape | None
    parameters: tuple[Parameter, ...]
    place: Place
    path: tuple[str, ...] = ()
    alias: str | None = None
    backbone: str | None = None
    frozen: bool = False


def learned_numbers(nodes: Iterable[Node]) -> int:
    """How many numbers nodes learn, frozen or not; neither moving statistics nor parameters of unknown shape count."""
    shapes = [parameter.shape for node in nodes for parameter in node.parameters if not parameter.auxiliary]
    return sum(prod(n or 1 for n in shape) for shape in shapes if shape is not None)


def needed(nodes: Sequence[Node], ends: Iterable[str]) -> set[str]:
    """The names of everything that these nodes depend on, themselves and inputs of the network included.

    nodes: in topological order.
    """
    found = set(ends)
    for node in reversed(nodes):
        if node.name in found:
            found.update(node.inputs)
    return found


@dataclass(frozen=True, slots=True)
class InputConvention:
    """The input that weights were trained on. normalize: the step that makes it of a photograph; size: height and width
    in pixels, if known; origin: who says so, in words.
    """

    normalize: Call
    size: tuple[int, int] | None
    origin: str


@dataclass(frozen=True, slots=True)
class Backbone:
    """A network with weights that others are built on.

    source: the call that declared it (`zoo(...)`, `checkpoint(...)`, or a block); weights: where its parameters come
    from as a call of the schema's weight kinds, or None for random initial values; convention: what they were trained
    on, if that is known.
    """

    name: str
    source: Call
    weights: Call | None
    place: Place
    convention: InputConvention | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """The head: `Softmax`, `Ordinal`, `Sigmoid` ... on a node's scores. name: of the output node ("softmax")."""

    name: str
    kind: str
    options: tuple[tuple[str, Value], ...]
    logits: str
    place: Place

    def __getitem__(self, option: str) -> Value:
        return dict(self.options)[option]


@dataclass(frozen=True, slots=True)
class Network:
    """A graph in topological order: every node after its inputs. `input` is the name of the input variable ("data")."""

    name: str
    input: str
    input_shape: Shape
    nodes: tuple[Node, ...]
    output: str
    loss: Loss | None
    backbones: tuple[Backbone, ...]
    place: Place

    def node(self, name: str) -> Node:
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def parameters(self) -> Iterator[tuple[Node, Parameter]]:
        for node in self.nodes:
            for parameter in node.parameters:
                yield node, parameter


@dataclass(frozen=True, slots=True)
class DataPlan:
    """Where photographs come from and how they become the network's input.

    prepare: steps on the photograph that give uint8 `[H, W, C]`; normalize: the last step, to float32 `[C, H, W]`;
    normalize_from: the backbone whose input convention was taken because the spec gives none, else None; counts:
    photographs of each class in all, if the spec gives them. They change no program, only what can be said of it.
    settings: every other key of the block, in the schema's order; the program takes them as they are. places: where the
    values of the keys stand that the spec gives.
    """

    name: str
    source: Call
    classes: tuple[str, ...]
    split: Call
    prepare: tuple[Call, ...]
    normalize: Call | None
    normalize_from: str | None
    image_shape: Shape
    place: Place
    counts: tuple[int, ...] | None = None
    settings: tuple[tuple[str, Value], ...] = ()
    places: tuple[tuple[str, Place], ...] = field(default=(), compare=False)

    def __getitem__(self, key: str) -> Value:
        return dict(self.settings)[key]

    def place_of(self, key: str) -> Place:
        """Where the value of a key stands; of one that the spec leaves out, the block."""
        return dict(self.places).get(key, self.place)


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How training runs. epochs, batch: counts; seed: of everything random; settings: every other key of the block that
    says how, in the schema's order; the program takes them as they are.
    """

    optimizer: Call
    schedule: Call
    epochs: int
    batch: int
    metrics: tuple[Call, ...]
    checkpoint: Call
    seed: int
    settings: tuple[tuple[str, Value], ...] = ()

    def __getitem__(self, key: str) -> Value:
        return dict(self.settings)[key]


FOLDS = "folds"
"""The split that an experiment can be trained for fold by fold."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a train block as the spec says it: a name that stands for a model, a sampling ... is still that name.

    block: the train block that it is written in, the experiment's own or one that it descends from; None for `--set`.
    place: where its value stands; None for a default. overrides: the nearest earlier value that this one replaces.
    """

    name: str
    value: Value
    block: str | None = None
    place: Place | None = None
    overrides: Key | None = None


@dataclass(frozen=True, slots=True)
class Freeze:
    """What is frozen from an epoch on, until the next phase begins. nodes: their names, in the network's order."""

    from_epoch: int
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a network. nodes: their names, in topological order.

    takes: the values that it starts from, the network's input or what the piece before gives on; gives: the values that
    the rest of the network takes, of the last piece the scores. from_epoch: the first epoch in which gradients are
    computed in it; None if there is none.
    """

    nodes: tuple[str, ...]
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    from_epoch: int | None


@dataclass(frozen=True, slots=True)
class Fold:
    """A BatchNorm that can be computed together with the layer before it: both are linear. Both by their names."""

    layer: str
    batch_norm: str


@dataclass(frozen=True, slots=True)
class Execution:
    """How an experiment is carried out, as the passes over the program have decided it. Nothing here changes what an
    experiment means, and without any of it everything is computed as it is written.

    passes: which have decided, in their order. pieces: of the network, from the input to the scores; none where all of
    it is bound for training. idle: layers that do nothing where the network only predicts. folds: BatchNorms that are
    folded there. fused: whether layers may be computed together there. shares_features_with: the experiments of the
    file for which the frozen part makes the same of a photograph.
    """

    passes: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] = ()
    idle: tuple[str, ...] = ()
    folds: tuple[Fold, ...] = ()
    fused: bool = False
    shares_features_with: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Experiment:
    """One `train` declaration, everything resolved.

    freeze: the parts of the network that are frozen, and what is unfrozen when, as the spec says it; phases: what
    follows for the layers, one phase after the other, the first from epoch 1 on; each has fewer frozen layers than the
    one before. keys: all keys of the block, in the schema's order. rates: what the learning rate is multiplied by, by
    names of parameters or patterns for them, `stage1_*`, where it is not 1; no two of them match the same. overrides:
    what the command line said of it and of its data block, as it was written, by its key (`epochs`, `eyes.source`).
    execution: what `retdsl.passes` make of it all; as it is checked, nothing.
    """

    name: str
    network: Network
    data: DataPlan
    sampling: Call
    augment: tuple[Call, ...]
    training: TrainingPlan
    freeze: tuple[Value, ...]
    place: Place
    keys: tuple[Key, ...] = ()
    phases: tuple[Freeze, ...] = (Freeze(1, ()),)
    rates: tuple[tuple[str, float], ...] = ()
    overrides: tuple[tuple[str, str], ...] = ()
    execution: Execution = field(default=Execution())

    def key(self, name: str) -> Key:
        return next(key for key in self.keys if key.name == name)

    @property
    def fold(self) -> int | None:
        """The fold that validates; None where the data are not split into folds."""
        found = self.data.split["fold"] if self.data.split.name == FOLDS else None
        return found if isinstance(found, int) else None

    def trained(self, *, folds: bool, repeats: int) -> tuple[Trained, ...]:
        """The times that it is trained: for every fold of its split, or for its own; each with that many
        seeds, which count up from its own. In the order of the seeds, and of the folds within.
        """
        numbers = range(1, int(str(self.data.split["k"])) + 1) if folds and self.fold is not None else (self.fold,)
        seeds = range(self.training.seed, self.training.seed + repeats)
        return tuple(Trained(self.name, fold, seed) for seed in seeds for fold in numbers)

    def trained_from(self) -> dict[str, int | None]:
        """The first epoch that trains each layer that is frozen at first; None for one that stays so."""
        first: dict[str, int | None] = dict.fromkeys(self.phases[0].nodes)
        for before, phase in pairwise(self.phases):
            first.update(dict.fromkeys(set(before.nodes) - set(phase.nodes), phase.from_epoch))
        return first


@dataclass(frozen=True, slots=True)
class Trained:
    """One time that an experiment is trained: which fold validates (None where there are none), and with which seed."""

    experiment: str
    fold: int | None
    seed: int


@dataclass(frozen=True, slots=True)
class Ensemble:
    """One `ensemble` declaration: networks whose answers are joined. of: experiments, each once; folds: whether each is
    trained for every fold; repeats: with how many seeds.
    """

    name: str
    of: tuple[str, ...]
    folds: bool
    repeats: int
    place: Place


@dataclass(frozen=True, slots=True)
class Program:
    """A whole spec file. networks: every `model`, as it stands without an experiment (nothing frozen)."""

    file: str
    networks: tuple[Network, ...]
    data: tuple[DataPlan, ...]
    experiments: tuple[Experiment, ...]
    ensembles: tuple[Ensemble, ...] = ()


def to_json(value: Any) -> Any:
    """Plain dicts, lists and scalars of a program or any part of it, for `json.dumps`."""
    from dataclasses import fields, is_dataclass

    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    return value
