"""The one place that imports MXNet, after setting up what MXNet 1.9.1 needs to be imported at all.

MXNet 1.9.1 uses `numpy.bool`, which numpy dropped in 1.24, and `distutils`, which left Python in 3.12 (setuptools
brings it). Its GPU wheels need the CUDA libraries to be loaded first. It also announces its graph passes on stderr
unless told not to. And it imports scikit-learn and scipy, for classes that nobody here uses, which takes longer than
all of MXNet; it does without where they are missing.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import Any

import numpy as np

from retdsl.runtime.cuda import preload
from retdsl.runtime.errors import RunError

os.environ.setdefault("MXNET_SUBGRAPH_VERBOSE", "0")
if "bool" not in np.__dict__:
    np.bool = bool  # type: ignore[attr-defined]
if importlib.util.find_spec("distutils") is None:
    importlib.import_module("setuptools")  # puts its own copy of distutils in place
preload()

unwanted = {name: None for name in ("sklearn", "scipy") if name not in sys.modules}
sys.modules.update(unwanted)  # type: ignore[arg-type]  # None: as if it were not installed
try:
    import mxnet as mx  # only now can it be imported
except (ImportError, OSError, AttributeError) as error:
    raise RunError(f"MXNet cannot be loaded: {error}", help="`retdsl doctor` says what is missing") from error
finally:
    for name in unwanted:
        del sys.modules[name]

__all__ = ["mx"]


def amp() -> Any:
    """MXNet's module for lower precisions, which `import mxnet` leaves out."""
    from mxnet.contrib import amp as module

    return module
