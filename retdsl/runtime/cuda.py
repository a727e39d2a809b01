"""Finds the CUDA libraries that pip installed, for MXNet's GPU wheels.

MXNet's GPU wheels are linked to CUDA 11 libraries and do not bring them. NVIDIA's wheels have them, in folders where
the system's loader does not look; a library that is already loaded it need not look for. So `preload` loads them first.

Enters: nothing; the installed packages are looked at. Leaves: the libraries, loaded into this process. Guaranteed: does
nothing where the CPU wheel of MXNet is installed, and never raises: what is missing MXNet names itself when imported.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

CUDA_WHEELS = {
    "libcudart.so.11.0": "nvidia-cuda-runtime-cu11",
    "libcublasLt.so.11": "nvidia-cublas-cu11",
    "libcublas.so.11": "nvidia-cublas-cu11",
    "libcudnn.so.8": "nvidia-cudnn-cu11==8.*",
    "libcufft.so.10": "nvidia-cufft-cu11",
    "libcurand.so.10": "nvidia-curand-cu11",
    "libcusparse.so.11": "nvidia-cusparse-cu11",
    "libcusolver.so.11": "nvidia-cusolver-cu11",
    "libnccl.so.2": "nvidia-nccl-cu11",
    "libnvToolsExt.so.1": "nvidia-nvtx-cu11",
    "libnvrtc.so.11.2": "nvidia-cuda-nvrtc-cu11",
}
"""The libraries that MXNet's GPU wheels are linked to, and what pip installs them from."""

_PARTS_OF_CUDNN = "libcudnn_*.so.8"  # which libcudnn.so.8 itself opens by name, later


def preload() -> None:
    """Loads every CUDA 11 library that pip installed, if MXNet's GPU wheel is here to use it."""
    if not _gpu_wheel_is_here():
        return
    waiting = list(_libraries())
    while waiting:
        left = [path for path in waiting if not _loads(path)]
        if len(left) == len(waiting):  # nobody's dependencies came any nearer
            return
        waiting = left


def _gpu_wheel_is_here() -> bool:
    return any(any(Path(folder).parent.glob("mxnet_cu*.dist-info")) for folder in _folders("mxnet"))


def _libraries() -> Iterator[Path]:
    for folder in _folders("nvidia"):
        for pattern in (*CUDA_WHEELS, _PARTS_OF_CUDNN):
            yield from Path(folder).glob(f"*/lib/{pattern}")


def _folders(package: str) -> list[str]:
    """Where a package lies, without importing it; nothing if it does not."""
    spec = find_spec(package)
    return list(spec.submodule_search_locations or []) if spec is not None else []


def _loads(path: Path) -> bool:
    try:
        ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return False
    return True
