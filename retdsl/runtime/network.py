"""A network in parts: the frozen one, that only ever predicts, and the trained one, that takes its output.

Enters: the functions of a generated program that spell the layers out. Leaves: MXNet symbols, the shapes of all
parameters, and the values they start from. Guaranteed: the parts together are the whole network, under the same
names, so that a checkpoint of the whole is an ordinary one.

Freezing is done by cutting. What lies before the lowest trained layer is bound for inference, where nothing can
change it and MXNet fuses its layers. A frozen parameter above the cut gets no gradient, and its BatchNorm goes on with
its stored statistics (`use_global_stats`); without that, MXNet would still normalise by the batch and move them.

Where training unfreezes parts from some epoch on, the network has more of them; in any one epoch it has two again,
which is why what is asked of a network is asked for an epoch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeAlias

import numpy as np

from retdsl.runtime.errors import RunError
from retdsl.runtime.folding import FALSE, Predicting, without_layers
from retdsl.runtime.initial import Array, Shape, initial_values
from retdsl.runtime.losses import Loss
from retdsl.runtime.pretrained import WeightsSource
from retdsl.runtime.symbols import Symbol, sym

BATCH_NORMS = ("BatchNorm", "_contrib_BatchNormWithReLU")
"""Operators that keep statistics. Of MXNet's others, `BatchNorm_v1` and `SyncBatchNorm`, checkpoints make these."""

FrozenPart: TypeAlias = Callable[[Symbol], Mapping[str, Symbol]]
TrainedPart: TypeAlias = Callable[[Mapping[str, Symbol]], Symbol]
LaterPart: TypeAlias = Callable[[Mapping[str, Symbol]], Mapping[str, Symbol]]


@dataclass(frozen=True)
class Pretrained:
    """Which parameters start from trained weights.

    source: `torch_package(...)` or `weights_file(...)`. only: names that come from it, None for all; but: names that do
    not. Names may hold the wildcards `*` and `?`.
    """

    source: WeightsSource
    only: Sequence[str] | None = None
    but: Sequence[str] = ()

    def covers(self, name: str) -> bool:
        return (self.only is None or matches(name, self.only)) and not matches(name, self.but)


@dataclass(frozen=True)
class Parameters:
    """Values of a network's parameters by MXNet's names. auxiliary: BatchNorm's moving statistics."""

    arguments: Mapping[str, Array]
    auxiliary: Mapping[str, Array]

    def all(self) -> dict[str, Array]:
        return {**self.arguments, **self.auxiliary}


@dataclass(frozen=True)
class Symbols:
    """Everything that is bound or saved.

    whole: the network with its loss; deploy: with plain probabilities, no label; frozen: the frozen part with one
    output a cut, or None; trained, trained_deploy: the trained part from the cuts on; inputs: the names and shapes
    `[...]` of the trained part's inputs, without the batch axis, in the order of the frozen part's outputs; predicting:
    what becomes of the frozen and the deployed parts when they are bound.
    """

    whole: Symbol
    deploy: Symbol
    frozen: Symbol | None
    trained: Symbol
    trained_deploy: Symbol
    inputs: Mapping[str, Shape]
    predicting: Predicting


@dataclass(frozen=True)
class Phase:
    """What is trained from an epoch on, besides what was trained before.

    part: takes what is given on by the part below it, and gives what the part above it takes; None where no layer
    joins those in which gradients are computed. frozen_parameters, resting: as in `Network`, from now on.
    """

    from_epoch: int
    part: LaterPart | None = None
    frozen_parameters: Sequence[str] = ()
    resting: Sequence[str] = ()


@dataclass(frozen=True)
class Network:
    """The network of an experiment.

    input, input_shape: name and `(3, height, width)` of what enters. frozen: takes the input and gives the values at
    the cuts by name; None when all is trained. trained: takes these (or `{input: ...}`) and gives the logits [N, C].
    loss: the head, named `loss_name`. frozen_parameters: names or wildcards of what stays as it is above the cuts;
    resting: layers there that would draw random numbers, and are left out of training since they are frozen. phases:
    what training changes about that at later epochs, in their order; their parts lie between `frozen` and `trained`,
    the later the lower. pretrained: where parameters start; the first that covers a parameter gives it, the rest is
    drawn (see `initial`). predicting: what becomes of it all where it only predicts; the symbols and parameters
    that are given and saved stay ordinary ones.
    """

    trained: TrainedPart
    loss: Loss
    input_shape: Sequence[int]
    input: str = "data"
    loss_name: str = "softmax"
    frozen: FrozenPart | None = None
    frozen_parameters: Sequence[str] = ()
    resting: Sequence[str] = ()
    phases: Sequence[Phase] = ()
    pretrained: Sequence[Pretrained] = ()
    predicting: Predicting = Predicting()  # noqa: RUF009 (frozen)

    def phase_starts(self) -> tuple[int, ...]:
        """The epochs, counted from 1, in which something changes about what is trained; the first is 1."""
        return (1, *(phase.from_epoch for phase in self.phases))

    def _at(self, epoch: int) -> Network:
        """The network as it is trained in this epoch, counted from 1: in two parts, without phases."""
        begun = [phase for phase in self.phases if phase.from_epoch <= epoch]
        later = [phase.part for phase in self.phases if phase.from_epoch > epoch and phase.part is not None]
        joined = [phase.part for phase in begun if phase.part is not None]
        return replace(
            self,
            frozen=_below(self.frozen, later[::-1], self.input) if later else self.frozen,
            trained=_above(joined[::-1], self.trained) if joined else self.trained,
            frozen_parameters=begun[-1].frozen_parameters if begun else self.frozen_parameters,
            resting=begun[-1].resting if begun else self.resting,
            phases=(),
        )

    def deploy_symbol(self) -> Symbol:
        """From the input to probabilities [N, C]; needs no class weights. Raises RunError if MXNet cannot build it."""
        with _building():
            return self.loss.deploy(self._scores(), self.loss_name)

    def scores_symbol(self) -> Symbol:
        """From the input to the logits, which the loss head takes. Raises RunError if MXNet cannot build it."""
        with _building():
            return self._scores()

    def whole_symbol(self, weights: Sequence[float] | None, epoch: int = 1, *, soft: bool = False) -> Symbol:
        """From the input and the labels to the loss head. weights: one a class, or None; soft: labels are [N, C].

        epoch: which BatchNorm layers use their stored statistics, because they are frozen then, stands in the symbol.
        """
        symbol = self.loss.symbol(self._scores(), weights, self.loss_name, soft=soft)
        _keep_statistics(symbol, self.frozen_names(epoch))
        return symbol

    def symbols(self, weights: Sequence[float] | None, epoch: int = 1, *, soft: bool = False) -> Symbols:
        """What is bound in this epoch; weights, soft: as in `whole_symbol`."""
        now = self._at(epoch)
        frozen = None
        inputs: dict[str, Shape] = {self.input: tuple(self.input_shape)}
        if now.frozen is not None:
            cuts = now.frozen(sym.Variable(self.input))
            frozen = sym.Group(list(cuts.values()))
            _, shapes, _ = frozen.infer_shape(**{self.input: (1, *self.input_shape)})
            inputs = {name: tuple(shape[1:]) for name, shape in zip(cuts, shapes, strict=True)}
        features = {name: sym.Variable(name) for name in inputs}
        trained = self.loss.symbol(now.trained(features), weights, self.loss_name, soft=soft)
        trained = without_layers(trained, now.resting)
        _keep_statistics(trained, self.frozen_names(epoch))
        return Symbols(
            whole=self.whole_symbol(weights, epoch, soft=soft),
            deploy=self.deploy_symbol(),
            frozen=frozen,
            trained=trained,
            trained_deploy=self.loss.deploy(now.trained(features), self.loss_name),
            inputs=inputs,
            predicting=self.predicting,
        )

    def frozen_symbol(self) -> Symbol | None:
        """The part that is frozen when training begins, with an output for each cut; None if there is none."""
        frozen = self._at(1).frozen
        return None if frozen is None else sym.Group(list(frozen(sym.Variable(self.input)).values()))

    def frozen_names(self, epoch: int = 1) -> frozenset[str]:
        """The parameters and statistics that must not change in this epoch, be they before the cuts or above them."""
        now = self._at(epoch)
        above = (name for name in _names(self.deploy_symbol()) if matches(name, now.frozen_parameters))
        if now.frozen is None:
            return frozenset(above)
        before = sym.Group(list(now.frozen(sym.Variable(self.input)).values()))
        return frozenset(above) | set(_names(before)) - {self.input}

    def starting_values(self, symbol: Symbol, seed: int, folder: Path | None, root: Path | None) -> Parameters:
        """The parameters of `symbol` (the deploy symbol): pretrained where that is said, drawn from `seed` elsewhere.

        The scale of a BatchNorm that fixes it is 1, whatever its weights hold: so MXNet computes, and where it trains
        anything below, so it writes. folder: the program's; root: where relative paths start. Raises RunError for
        weights that do not fit.
        """
        arguments, auxiliary = self.shapes(symbol)
        shapes = {**arguments, **auxiliary}
        loaded: dict[str, Array] = {}
        for weights in self.pretrained:
            wanted = {name: shape for name, shape in shapes.items() if name not in loaded and weights.covers(name)}
            loaded |= weights.source.load(wanted, folder, root)
        missing = {name: shape for name, shape in shapes.items() if name not in loaded}
        values = {**loaded, **initial_values(symbol, missing, seed)}
        values |= {name: np.ones_like(values[name]) for name in _fixed_scales(symbol)}
        return Parameters({name: values[name] for name in arguments}, {name: values[name] for name in auxiliary})

    def shapes(self, symbol: Symbol) -> tuple[dict[str, Shape], dict[str, Shape]]:
        """Shapes of the arguments (inputs left out) and of the auxiliary states of the deploy symbol."""
        with _building():
            arguments, _, auxiliary = symbol.infer_shape(**{self.input: (1, *self.input_shape)})
            symbol.infer_type_partial(**dict.fromkeys(symbol.list_arguments(), np.float32))
        named = dict(zip(symbol.list_arguments(), map(_plain, arguments), strict=True))
        named.pop(self.input, None)
        return named, dict(zip(symbol.list_auxiliary_states(), map(_plain, auxiliary), strict=True))

    def _scores(self) -> Symbol:
        """From the input to the logits: the same graph in every epoch."""
        data, now = sym.Variable(self.input), self._at(1)
        return now.trained({self.input: data} if now.frozen is None else now.frozen(data))


def _below(frozen: FrozenPart | None, parts: Sequence[LaterPart], input: str) -> FrozenPart:
    """The frozen part with those above it that are frozen, too, the lowest first."""

    def part(data: Symbol) -> Mapping[str, Symbol]:
        features = {input: data} if frozen is None else frozen(data)
        for each in parts:
            features = each(features)
        return features

    return part


def _above(parts: Sequence[LaterPart], trained: TrainedPart) -> TrainedPart:
    """The trained part with those below it that are trained, too, the lowest first."""

    def part(features: Mapping[str, Symbol]) -> Symbol:
        for each in parts:
            features = each(features)
        return trained(features)

    return part


def require_scores(network: Network, symbol: Symbol, classes: Sequence[str]) -> None:
    """Raises RunError unless the network gives one score a class."""
    with _building():
        _, (output,), _ = symbol.infer_shape(**{network.input: (1, *network.input_shape)})
    if len(output) != 2 or output[1] != len(classes):
        shape = ", ".join(["N", *map(str, output[1:])])
        raise RunError(f"the network gives [{shape}] scores for {len(classes)} classes ({', '.join(classes)})")


def require_photographs(network: Network, shape: Sequence[int]) -> None:
    """Raises RunError unless the network takes photographs that are `[H, W, C]` when prepared."""
    height, width, channels = shape
    wanted = tuple(network.input_shape)
    if channels != wanted[0]:
        raise RunError(f"photographs have {channels} channels when prepared, the network takes {wanted[0]}")
    if (height, width) != wanted[1:]:
        raise RunError(
            f"photographs are {height} x {width} when prepared, the network takes {wanted[1]} x {wanted[2]}",
            help=f"prepare them with resize({wanted[1]}, {wanted[2]})",
        )


@contextmanager
def _building() -> Iterator[None]:
    """Words for what MXNet says against a network: layers of a checkpoint that the language does not have, and all
    that follows from them, are checked by MXNet alone.
    """
    from retdsl.runtime.mx import mx

    try:
        yield
    except mx.base.MXNetError as error:
        reason = str(error).strip().rsplit("Check failed: ", 1)[-1].splitlines()[0]
        raise RunError(f"MXNet {mx.__version__} cannot build this network", items=(reason,)) from error
    except AttributeError as error:
        module = getattr(error.obj, "__name__", "")
        if not module.startswith("mxnet.symbol"):
            raise
        raise RunError(f"MXNet {mx.__version__} has no layer `{error.name}`") from error


def _fixed_scales(symbol: Symbol) -> set[str]:
    """The scales that MXNet holds at 1."""
    nodes = json.loads(symbol.tojson())["nodes"]
    fixed = (n for n in nodes if n["op"] in BATCH_NORMS and n.get("attrs", {}).get("fix_gamma") not in FALSE)
    return {nodes[node["inputs"][1][0]]["name"] for node in fixed}


def _keep_statistics(symbol: Symbol, frozen: Collection[str]) -> None:
    """Makes every frozen BatchNorm of `symbol` use its stored statistics and leave them alone."""
    nodes = json.loads(symbol.tojson())["nodes"]
    inside = symbol.get_internals()
    for node in nodes:
        if node["op"] in BATCH_NORMS and any(nodes[source]["name"] in frozen for source, *_ in node["inputs"][1:]):
            inside[f"{node['name']}_output"]._set_attr(use_global_stats="True")


def _names(symbol: Symbol) -> list[str]:
    return [*symbol.list_arguments(), *symbol.list_auxiliary_states()]


def matches(name: str, patterns: Collection[str]) -> bool:
    """Whether a name is one of these, or has the form of one; `*` and `?` are wildcards.

    Brackets mean themselves: layers of checkpoints may have them in their names.
    """
    return any(name == pattern or fnmatchcase(name, pattern.replace("[", "[[]")) for pattern in patterns)


def _plain(shape: Sequence[int]) -> Shape:
    return tuple(int(size) for size in shape)
