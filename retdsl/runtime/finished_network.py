"""The network of a finished run at one of its checkpoints, ready to answer.

Enters: an experiment, the folder of a run of it, and which checkpoint. Leaves: a `Predictor`, and the epoch it is of.
Guaranteed: whatever became of the folder is told in words, with the checkpoints that are still there; a file of which
one bit is another than the run saved is not used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from retdsl.runtime.checkpoint import best_epoch, load_parameters
from retdsl.runtime.engines import Engines
from retdsl.runtime.errors import RunError
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.generations import Generations
from retdsl.runtime.inference import Predictor
from retdsl.runtime.initial import Array
from retdsl.runtime.network import require_scores
from retdsl.runtime.run_folder import RunFolder
from retdsl.runtime.state_file import State
from retdsl.runtime.symbols import Symbol

BEST, LAST = "best", "last"


def finished_network(
    experiment: Experiment, run: Path, checkpoint: str = BEST, engines: Engines | None = None
) -> tuple[Predictor, int]:
    """The network as it was after an epoch, and that epoch. checkpoint: "best", "last", or the epoch's number;
    engines: those that may compute it, None for MXNet alone.

    Raises RunError.
    """
    _, parameters, epoch = finished_parameters(experiment, run, checkpoint)
    return Predictor(experiment.network, parameters, experiment.training.batch, engines), epoch


def finished_parameters(
    experiment: Experiment, run: Path, checkpoint: str = BEST
) -> tuple[Symbol, dict[str, Array], int]:
    """The deploy symbol, its parameters as they were after an epoch, and that epoch. Raises RunError."""
    network = experiment.network
    deploy = network.deploy_symbol()
    require_scores(network, deploy, experiment.data.classes)
    epoch, path = _find(run / "checkpoints", experiment.name, checkpoint)
    parameters = saved_parameters(run, path)
    arguments, auxiliary = network.shapes(deploy)
    _require_fit(parameters, {**arguments, **auxiliary}, path)
    return deploy, parameters, epoch


def saved_parameters(run: Path, path: Path) -> dict[str, Array]:
    """What a checkpoint of a run holds, in the very bits that the run saved. Raises RunError."""
    return load_parameters(path, _digests(run).get(path.name))


def _digests(run: Path) -> Mapping[str, str]:
    """The SHA-256 of the checkpoint files of a run, by name: as lock.json has them, or, of a run that has not come to
    its end, its newest state. Raises RunError if lock.json cannot be read.
    """
    folder = RunFolder(run)
    if folder.finished and folder.lock.is_file():
        try:
            found = json.loads(folder.lock.read_bytes()).get("checkpoints", {})
            return {str(name): str(digest) for name, digest in found.items()}
        except (OSError, ValueError, AttributeError) as error:
            raise RunError(f"lock.json cannot be read: {error}", where=folder.lock) from None
    states = (state for _, state in Generations(folder.states).load() if isinstance(state, State))
    newest = next(states, None)
    return {} if newest is None else newest.files


def _find(folder: Path, name: str, checkpoint: str) -> tuple[int, Path]:
    """The epoch that is meant, and its file. Raises RunError if it is not there."""
    pattern = re.compile(re.escape(name) + r"-(\d{4,})\.params")
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    saved = {int(found[1]): folder / name for name in names if (found := pattern.fullmatch(name))}
    if not saved:
        what = "this run has no checkpoint"
        raise RunError(what, where=folder, help="it was stopped before its first epoch ended, or they were removed")
    there = f"there are epochs {', '.join(map(str, saved))}; `--checkpoint {max(saved)}` takes one of them"
    if checkpoint == LAST:
        return max(saved), saved[max(saved)]
    if checkpoint != BEST:
        epoch = int(checkpoint)
        if epoch not in saved:
            raise RunError(f"epoch {epoch} is not saved", where=folder, help=there)
        return epoch, saved[epoch]
    if not (folder / "best.json").is_file():
        raise RunError("this run has no best epoch yet", where=folder, help=there)
    epoch, path = best_epoch(folder)
    if not path.is_file():
        raise RunError(f"the checkpoint of epoch {epoch}, the best one, is gone", where=path, help=there)
    return epoch, path


def _require_fit(parameters: Mapping[str, Array], shapes: Mapping[str, tuple[int, ...]], path: Path) -> None:
    """Raises RunError for parameters that are not those of the network, or are no numbers."""
    wrong = [f"{name} is missing" for name in shapes if name not in parameters]
    for name, shape in shapes.items():
        found = parameters.get(name)
        if found is not None and found.shape != tuple(shape):
            wrong.append(f"{name} is {list(found.shape)}, the network takes {list(shape)}")
        elif found is not None and not np.isfinite(found).all():
            wrong.append(f"{name} has values that are not finite (NaN)")
    if wrong:
        help = "the file is damaged, or of another run: copy it anew"
        raise RunError("this checkpoint is not one of the network", where=path, items=wrong, help=help)
