"""The one place that imports MXNet, after setting up what MXNet 1.9.1 needs to be imported at all.

MXNet 1.9.1 uses `numpy.bool`, which numpy dropped in 1.24, and `distutils`, which left Python in 3.12 (setuptools
brings it). It also announces its graph passes on stderr unless told not to.
"""

from __future__ import annotations

import os

import numpy as np

os.environ.setdefault("MXNET_SUBGRAPH_VERBOSE", "0")
if "bool" not in np.__dict__:
    np.bool = bool  # type: ignore[attr-defined]

try:
    import mxnet as mx
except ModuleNotFoundError as error:
    if error.name != "distutils":
        raise
    import mxnet as mx
    import setuptools  # noqa: F401  (puts its own copy of distutils in place)

__all__ = ["mx"]
