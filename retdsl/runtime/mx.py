"""The one place that imports MXNet, after setting up what MXNet 1.9.1 needs to be imported at all.

MXNet 1.9.1 uses `numpy.bool`, which numpy dropped in 1.24, and `distutils`, which left Python in 3.12 (setuptools
brings it). Its GPU wheels need the CUDA libraries to be loaded first. It also announces its graph passes on stderr
unless told not to. And it imports scikit-learn and scipy, for classes that nobody here uses, which takes longer than
all of MXNet, and onnx; it does without where they are missing. `requests`, for downloads that nobody here asks it for,
it wants to see, but not to use.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from retdsl.runtime.cuda import preload
from retdsl.runtime.errors import RunError

os.environ.setdefault("MXNET_SUBGRAPH_VERBOSE", "0")
if "bool" not in np.__dict__:
    np.bool = bool  # type: ignore[attr-defined]
if sys.version_info >= (3, 12):
    importlib.import_module("setuptools")  # puts its own copy of distutils in place


@contextmanager
def _spared() -> Iterator[None]:
    """Nothing is loaded meanwhile that MXNet can do without. What is loaded already it may see."""
    places = {"sklearn": None, "scipy": None, "onnx": None, "requests": ModuleType("requests")}
    places = {name: place for name, place in places.items() if name not in sys.modules}
    finders = [*sys.meta_path]
    # setuptools, where it is installed, puts its own distutils before that of Python, and itself along with it.
    sys.meta_path[:] = [finder for finder in finders if "_distutils_hack" not in str(finder)]
    sys.modules.update(places)  # type: ignore[arg-type]  # None: as if it were not installed
    try:
        yield
    finally:
        sys.meta_path[:] = finders
        for name in places:
            del sys.modules[name]


preload()
try:
    with _spared():
        import mxnet as mx  # only now can it be imported
except (ImportError, OSError, AttributeError) as error:
    raise RunError(f"MXNet cannot be loaded: {error}", help="`retdsl doctor` says what is missing") from error

__all__ = ["mx"]


def amp() -> Any:
    """MXNet's module for lower precisions, which `import mxnet` leaves out."""
    from mxnet.contrib import amp as module

    return module
