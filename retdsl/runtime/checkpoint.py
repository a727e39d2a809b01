"""Checkpoints: the whole network as one ordinary MXNet symbol and params file, and which of them are kept.

Enters: parameters, the optimizer's memory and the validation figures of each epoch. Leaves, in one folder:

    NAME-symbol.json   the network with its loss
    NAME-0003.params   all parameters after 3 finished epochs, frozen ones included
    NAME-0003.states   what the optimizer remembers, by parameter name
    best.json          {"epoch": 3, "metric": "auc", "value": 0.97, "params": "NAME-0003.params"}

Guaranteed: `mx.model.load_checkpoint(folder/NAME, 3)` reads them; every file is whole or absent; nothing that is kept
is removed before what replaces it is on the disk. The params format is written here rather than by MXNet, which does
not notice when the last few kilobytes found no room on the disk.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.arrays import open_arrays, read_array
from retdsl.runtime.beginning import Beginning
from retdsl.runtime.errors import RunError
from retdsl.runtime.files import cannot_write, make_folder, write_json, write_parts, write_text
from retdsl.runtime.initial import Array
from retdsl.runtime.metrics import Metric
from retdsl.runtime.network import Parameters
from retdsl.runtime.periods import Period, batches, count_of
from retdsl.runtime.removing import Removing
from retdsl.weights.files import sha256_of
from retdsl.weights.model import BadWeights
from retdsl.weights.mxnet_params import ARRAY_V2, LIST_MAGIC

LOSS = "loss"
"""The validation loss, which ranks epochs where no metric does."""


@dataclass(frozen=True, slots=True)
class best:
    """The best epoch by a metric: `auc()`, its key in files (`sensitivity_at_specificity_90`), or `loss`."""

    metric: Metric | str

    @property
    def key(self) -> str:
        return self.metric if isinstance(self.metric, str) else self.metric.key


@dataclass(frozen=True, slots=True)
class every:
    """Saves after epochs from_ + n, from_ + 2n, ...; the best epoch and the last saved one are always kept.

    n: 1 or more, epochs or a period; with `batches` every epoch is saved, and within epochs, after every so many
    batches of the whole training, a state to go on from; from_: 0 or more, up to this epoch nothing is saved and none
    counts as the best; keep: `best(metric)` keeps nothing but the best and the last, None keeps all and ranks by the
    first metric that can rank.
    """

    n: int | Period = 1
    from_: int = 0
    keep: best | None = None

    def is_due(self, epoch: int) -> bool:
        n = 1 if isinstance(self.n, batches) else count_of(self.n)
        return epoch > self.from_ and (epoch - self.from_) % n == 0

    def is_due_within(self, epoch: int, done: int) -> bool:
        """Whether a state is saved in the midst of an epoch, after so many batches since training began."""
        return epoch > self.from_ and isinstance(self.n, batches) and done % self.n.n == 0


@dataclass(frozen=True, slots=True)
class Ranking:
    """What makes an epoch better than another: a validation figure, and the validation loss where it is equal."""

    key: str
    higher_is_better: bool

    def score(self, figures: Mapping[str, float]) -> tuple[float, float]:
        """Two numbers to compare, higher is better; a figure that is not a number comes last."""
        value = figures.get(self.key, math.nan)
        signed = value if self.higher_is_better else -value
        loss = figures.get(LOSS, math.nan)
        return (-math.inf if math.isnan(signed) else signed, -math.inf if math.isnan(loss) else -loss)


def ranking(policy: every, metrics: Sequence[Metric]) -> Ranking:
    """How epochs are ranked. Raises RunError when `policy` names a metric that is not among `metrics`."""
    if policy.keep is None:
        first = next((metric for metric in metrics if metric.rankable), None)
        return Ranking(LOSS, False) if first is None else Ranking(first.key, first.higher_is_better)
    wanted = policy.keep.key
    if wanted == LOSS:
        return Ranking(LOSS, False)
    for metric in metrics:
        if wanted in (metric.key, type(metric).__name__):
            return Ranking(metric.key, metric.higher_is_better)
    raise RunError(
        f"`best({wanted})` needs the metric `{wanted}`",
        items=(f"`{metric.key}` is measured" for metric in metrics),
        help=f"add `{wanted}` to the metrics of the experiment",
    )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one checkpoint holds."""

    parameters: Parameters
    states: bytes


@dataclass(frozen=True, slots=True)
class Best:
    """The best epoch so far. value: its figure by `metric`, NaN when it has none."""

    epoch: int
    metric: str
    value: float


class Checkpoints:
    """The checkpoints of one run.

    Files that are not kept any more are taken away by `prune`, one state later: should the newest state be damaged,
    training goes on from the one before, which still has all of its files.

    writes: False for a worker that goes the same way as the one whose files these are, and leaves writing them to it.
    """

    def __init__(self, folder: Path, name: str, policy: every, rank: Ranking, *, writes: bool = True) -> None:
        self._folder = folder
        self._writes = writes
        self._name = name
        self._policy = policy
        self._rank = rank
        self._best: Best | None = None
        self._best_score: tuple[float, float] | None = None
        self._latest: int | None = None
        self._digests: dict[str, str] = {}
        self._beginning = Beginning()
        self._removing = Removing()
        self._kept_before: set[int] = set()

    @property
    def files(self) -> dict[str, str]:
        """The SHA-256 of every file of parameters or states that is kept now, by name."""
        return {name: digest for name, digest in self._digests.items() if self._keeps(self._epoch_of(name))}

    @property
    def best(self) -> Best | None:
        return self._best

    @property
    def latest(self) -> int | None:
        """The last epoch that is saved."""
        return self._latest

    def start(self, symbol_json: str) -> None:
        """Makes the folder and writes the symbol; at the start of another phase of training, in place of the last."""
        if not self._writes:
            return
        make_folder(self._folder)
        write_text(self._folder / f"{self._name}-symbol.json", symbol_json)

    def params_path(self, epoch: int) -> Path:
        return self._folder / f"{self._name}-{epoch:04d}.params"

    def offer(
        self, epoch: int, figures: Mapping[str, float] | None, take: Callable[[], Snapshot], *, final: bool = False
    ) -> tuple[bool, bool]:
        """Saves this epoch if it is due, the best so far, or the final one. Returns (saved, is best).

        figures: of validation, `loss` among them; None for an epoch that was not validated, which cannot be the best;
        take: called only when something is to be saved.
        """
        figures, known = figures or {}, figures is not None
        score = self._rank.score(figures)
        counts = known and (epoch > self._policy.from_ or (final and self._best is None))
        is_best = counts and (self._best_score is None or score > self._best_score)
        if not (is_best or final or self._policy.is_due(epoch)):
            return False, False
        if self._writes:
            self._save(epoch, take())
        self._latest = epoch
        if is_best:
            self._best = Best(epoch, self._rank.key, figures.get(self._rank.key, math.nan))
            self._best_score = score
            self._write_best(self._best)
        return True, is_best

    def prune(self, *, final: bool = False) -> None:
        """Takes away the files that neither this state nor the one before keeps; in the end those that this one does
        not. Raises RunError when the system refuses.
        """
        before, self._kept_before = self._kept_before, set(map(self._epoch_of, self.files))
        stay = self._kept_before if final else self._kept_before | before
        for path in self._saved_files():
            if self._epoch_of(path.name) not in stay:
                self._remove(path)
                self._digests.pop(path.name, None)

    def damaged(self, files: Mapping[str, str]) -> list[str]:
        """Those of the files, with their SHA-256 by name, that are not there as they were."""
        return [name for name, digest in files.items() if _digest(self._folder / name) != digest]

    def needed(self, state: Mapping[str, NDArray[Any]]) -> set[str]:
        """The files without which a training cannot be finished from this state."""
        return {self.params_path(int(epoch)).name for epoch in state["best"]}

    def state(self) -> dict[str, NDArray[Any]]:
        found = self._best
        return {
            "latest": np.array([] if self._latest is None else [self._latest], np.int64),
            "best": np.array([] if found is None else [found.epoch], np.int64),
            "figures": np.array([] if found is None else [found.value, *(self._best_score or ())], np.float64),
        }

    def restore(self, state: Mapping[str, NDArray[Any]], files: Mapping[str, str], epoch: int) -> None:
        """Back to a state, with its files. Those of this epoch and later ones, which are to be trained, are taken away;
        earlier ones, which the state before may need, stay for a while.
        """
        self._latest = int(state["latest"][0]) if len(state["latest"]) else None
        self._best = self._best_score = None
        if len(state["best"]):
            value, score, loss = map(float, state["figures"])
            self._best, self._best_score = Best(int(state["best"][0]), self._rank.key, value), (score, loss)
        self._digests = dict(files)
        self._kept_before = set()
        for path in self._saved_files():
            if (of := self._epoch_of(path.name)) >= epoch:
                self._remove(path)
            else:
                self._kept_before.add(of)
        if self._best is not None:
            self._write_best(self._best)
        else:
            self._remove(self._folder / "best.json")

    def load(self, epoch: int) -> dict[str, Array]:
        """The parameters and auxiliary states of a saved epoch. Raises RunError if the file is not as it was saved."""
        path = self.params_path(epoch)
        return load_parameters(path, self._digests.get(path.name))

    def _save(self, epoch: int, snapshot: Snapshot) -> None:
        self._removing.wait()  # for what is written now there may be no other room
        path = self.params_path(epoch)
        # States first: a params file then never stands without its states.
        states = path.with_suffix(".states")
        self._write(states, [snapshot.states], Beginning())
        try:
            self._write(path, params_parts(snapshot.parameters), self._beginning)
        except RunError:
            states.unlink(missing_ok=True)
            raise

    def _write(self, path: Path, parts: Sequence[bytes | memoryview], beginning: Beginning) -> None:
        write_parts(path, parts)
        self._digests[path.name] = beginning.digest(parts)

    def _write_best(self, found: Best) -> None:
        if not self._writes:
            return
        write_json(
            self._folder / "best.json",
            {
                "epoch": found.epoch,
                "metric": found.metric,
                "value": found.value,
                "params": self.params_path(found.epoch).name,
            },
        )

    def _keeps(self, epoch: int) -> bool:
        if epoch in (self._latest, self._best.epoch if self._best else None):
            return True
        return self._policy.keep is None and self._policy.is_due(epoch)

    def _saved_files(self) -> list[Path]:
        pattern = re.compile(re.escape(self._name) + r"-\d{4,}\.(params|states)")
        found = self._folder.iterdir() if self._folder.is_dir() else ()
        return sorted(path for path in found if pattern.fullmatch(path.name))

    def _epoch_of(self, name: str) -> int:
        return int(Path(name).stem.removeprefix(f"{self._name}-"))

    def _remove(self, path: Path) -> None:
        try:
            self._removing.take(path)
        except OSError as error:
            raise cannot_write(path, error) from error


def _digest(path: Path) -> str | None:
    """The SHA-256 of a file, None where it cannot be read."""
    try:
        return sha256_of(path)
    except BadWeights:
        return None


def load_parameters(path: Path, sha256: str | None = None) -> dict[str, Array]:
    """All arrays of a checkpoint's params file by MXNet's names, without `arg:` and `aux:`. sha256: what the file's
    must be, where it is known. Raises RunError.
    """
    if sha256 is not None and path.is_file() and _digest(path) != sha256:
        help = "copy it anew, or take another one: `retdsl evaluate RUN --checkpoint EPOCH`"
        raise RunError("this checkpoint is damaged: it is not the file that the run saved", where=path, help=help)
    weights = open_arrays(path)
    return {name.split(":", 1)[-1]: read_array(weights, name) for name in weights.tensors}


def best_epoch(folder: Path) -> tuple[int, Path]:
    """The best epoch of a checkpoint folder, and its params file. Raises RunError when there is none."""
    path = folder / "best.json"
    try:
        found = json.loads(path.read_text())
        epoch, name = int(found["epoch"]), str(found["params"])
        if not name.endswith(f"-{epoch:04d}.params"):
            raise ValueError(f"{name} is not of epoch {epoch}")
        return epoch, folder / name
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError("this run has no best checkpoint", where=path) from error


def params_parts(parameters: Parameters) -> list[bytes | memoryview]:
    """A params file as `weights/mxnet_params.py` describes it, in parts that are not copied. Arrays are float32,
    arguments first, as MXNet does.
    """
    named = {f"arg:{name}": array for name, array in parameters.arguments.items()}
    named |= {f"aux:{name}": array for name, array in parameters.auxiliary.items()}
    parts: list[bytes | memoryview] = [struct.pack("<QQQ", LIST_MAGIC, 0, len(named))]
    for array in named.values():
        dense, processor, float32 = 0, (1, 0), 0
        parts.append(struct.pack("<IiI", ARRAY_V2, dense, array.ndim))
        parts.append(struct.pack(f"<{array.ndim}q", *array.shape))
        parts.append(struct.pack("<iii", *processor, float32))
        values = np.ascontiguousarray(array, "<f4")
        parts.append(values.data.cast("B") if values.size else b"")
    parts.append(struct.pack("<Q", len(named)))
    for name in named:
        text = name.encode()
        parts.append(struct.pack("<Q", len(text)) + text)
    return parts
