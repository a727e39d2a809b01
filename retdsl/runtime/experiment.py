"""An experiment as a generated program writes it down: plain data, complete, and not yet run.

Enters: the parts that the program names. Leaves: `Experiment`, which `main` of `retdsl.runtime.program` runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from retdsl.runtime.augmentation import Augmentation, OnImages
from retdsl.runtime.average import ema
from retdsl.runtime.callbacks import Callback
from retdsl.runtime.checkpoint import every
from retdsl.runtime.clipping import Clipping
from retdsl.runtime.dataset import Data
from retdsl.runtime.devices import AnyDevice
from retdsl.runtime.feature_cache import features
from retdsl.runtime.metrics import Metric, accuracy
from retdsl.runtime.network import Network
from retdsl.runtime.optimizers import Optimizer
from retdsl.runtime.precision import Precision
from retdsl.runtime.sampling import Sampling, natural
from retdsl.runtime.schedules import Schedule, constant
from retdsl.runtime.stopping import early


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    epochs, batch: 1 or more; metrics: measured on validation and test images; checkpoint: what is saved and kept;
    seed: of everything random but the split and `balanced_subset`, which have their own; last_batch: what becomes of
    the images that are left over at the end of an epoch, "keep", "pad" or "drop" (see `batches`); rates: what the
    learning rate is multiplied by, by names of parameters, which may hold `*` and `?`; the first that matches counts.

    accumulate: batches whose gradients make one step; clip: how far a gradient may reach; average: of the weights, by
    which the network is judged and saved; stop: when training ends early; validate: how often the validation images are
    looked at, None for every epoch, so many epochs (and the last one), or so many batches besides every epoch; log: how
    often steps.jsonl gets a line; callbacks: functions to call, for those who edit a program; views: what each
    photograph is predicted as, besides as it is, or None; devices: that share each batch, None for the first GPU if
    there is one, else the processor; cache: whether what the frozen part makes of photographs is kept, and in how many
    variants of each; precision: of the frozen part, None for float32.
    """

    optimizer: Optimizer
    epochs: int
    batch: int = 32
    schedule: Schedule = constant()  # noqa: RUF009 (frozen)
    metrics: Sequence[Metric] = (accuracy(),)
    checkpoint: every = every()  # noqa: RUF009 (frozen)
    seed: int = 0
    last_batch: str = "keep"
    rates: Mapping[str, float] = field(default_factory=dict)
    accumulate: int = 1
    clip: Clipping | None = None
    average: ema | None = None
    stop: early | None = None
    validate: every | None = None
    log: every | None = None
    callbacks: Sequence[Callback] = ()
    views: Sequence[OnImages] | None = None
    devices: Sequence[AnyDevice] | None = None
    cache: features | None = features()  # noqa: RUF009 (frozen)
    precision: Precision | None = None


@dataclass(frozen=True)
class Experiment:
    """One `train` block with all that it refers to.

    name: of its files; program: the generated file itself; root: where relative data paths start, the program's folder
    unless given, and relative to it; spec: what the program was made from, for the record; made_by: by what; passes: by
    name, those that have decided how it is carried out; overrides: what the command line said on top of it, by the keys
    it said it of.
    """

    name: str
    network: Network
    data: Data
    training: Training
    sampling: Sampling = natural()  # noqa: RUF009 (frozen)
    augment: Sequence[Augmentation] = ()
    program: Path | str | None = None
    root: Path | str | None = None
    spec: Path | str | None = None
    made_by: str | None = None
    passes: Sequence[str] | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)

    @property
    def soft(self) -> bool:
        """Whether training takes labels [n, C]: several findings, soft labels, or what mixing images makes of them."""
        mixes = any(getattr(step, "mixes", False) for step in self.augment)
        return mixes or self.data.soft or not self.network.loss.exclusive

    @property
    def folder(self) -> Path | None:
        """The program's folder."""
        return None if self.program is None else Path(self.program).resolve().parent

    @property
    def data_root(self) -> Path:
        """Where relative data paths start unless the command line says otherwise."""
        return ((self.folder or Path.cwd()) / (self.root or "")).resolve()
