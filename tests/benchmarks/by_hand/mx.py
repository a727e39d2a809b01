"""MXNet 1.9.1, which does not know what NumPy 1.24 and Python 3.12 have taken away."""

from __future__ import annotations

import numpy

numpy.bool = bool
try:
    import distutils  # noqa: F401 - Python 3.12 has none
except ImportError:
    import setuptools  # noqa: F401 - which brings one

import mxnet as mx  # noqa: E402

__all__ = ["mx"]
