"""CUDA libraries that pip installed are loaded for the GPU wheel, and for nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from retdsl.runtime import cuda


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages: MXNet, and NVIDIA's wheels with the names of two CUDA libraries and others."""
    for name in ("cublas/lib/libcublas.so.11", "cudnn/lib/libcudnn_ops.so.8", "cublas/lib/libcublas.so.12"):
        path = tmp_path / "nvidia" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.setattr(cuda, "_folders", lambda package: [str(tmp_path / package)])
    return tmp_path


def attempts(monkeypatch: pytest.MonkeyPatch, works: set[str]) -> list[str]:
    tried: list[str] = []

    def load(path: Path) -> bool:
        tried.append(path.name)
        return path.name in works and (path.name != "libcublas.so.11" or "libcudnn_ops.so.8" in tried)

    monkeypatch.setattr(cuda, "_loads", load)
    return tried


def test_nothing_is_loaded_for_the_processor_wheel(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (site / "mxnet-1.9.1.dist-info").mkdir()
    tried = attempts(monkeypatch, set())
    cuda.preload()
    assert tried == []


def test_libraries_wait_for_each_other(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (site / "mxnet_cu117-1.9.1.dist-info").mkdir()
    tried = attempts(monkeypatch, {"libcublas.so.11", "libcudnn_ops.so.8"})
    cuda.preload()
    assert tried == ["libcublas.so.11", "libcudnn_ops.so.8", "libcublas.so.11"]


def test_a_library_that_never_loads_is_given_up(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (site / "mxnet_cu117-1.9.1.dist-info").mkdir()
    tried = attempts(monkeypatch, {"libcudnn_ops.so.8"})
    cuda.preload()
    assert tried.count("libcublas.so.11") == 2


def test_files_that_are_no_libraries_are_no_accident(site: Path) -> None:
    (site / "mxnet_cu117-1.9.1.dist-info").mkdir()
    cuda.preload()


def test_here() -> None:
    cuda.preload()
