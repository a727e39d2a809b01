"""What `check --verbose` tells of what is trained when, where a part of the network is frozen."""

from __future__ import annotations

from retdsl.account.section import Section
from retdsl.balance.numbers import percent
from retdsl.ir import Experiment, learned_numbers
from retdsl.records import dataclass


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of epochs with the same layers trained. epochs: the first and the last one; parameters: numbers."""

    epochs: tuple[int, int]
    layers: int
    parameters: int


@dataclass(frozen=True, slots=True)
class TrainedData:
    """The phases, and what the whole network would learn if nothing were frozen."""

    phases: tuple[Phase, ...]
    layers: int
    parameters: int


def trained_section(experiment: Experiment) -> Section:
    """How many layers and parameters learn in which epochs; no table where nothing is frozen."""
    learning = [node for node in experiment.network.nodes if learned_numbers([node])]
    ends = [*(phase.from_epoch - 1 for phase in experiment.phases[1:]), experiment.training.epochs]
    phases = []
    for phase, end in zip(experiment.phases, ends, strict=True):
        frozen = frozenset(phase.nodes)
        trained = [node for node in learning if node.name not in frozen]
        phases.append(Phase((phase.from_epoch, end), len(trained), learned_numbers(trained)))
    whole = learned_numbers(learning)  # not 0: an experiment with nothing to train is refused
    plain = TrainedData(tuple(phases), len(learning), whole)
    if not any(phase.nodes for phase in experiment.phases):
        return Section("trained", "what is trained", (), (), (), plain)
    rows = tuple(
        (_epochs(*phase.epochs), f"{phase.layers:,}", f"{phase.parameters:,}", percent(phase.parameters / whole))
        for phase in phases
    )
    columns = ("", "layers", "parameters", "of all")
    return Section("trained", "what is trained", columns, rows, (), plain)


def _epochs(first: int, last: int) -> str:
    return f"epoch {first}" if first == last else f"epochs {first} to {last}"
