"""The mean image at work: subtracted pixel by pixel, found beside the program or from the root, refused in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from params_files import params_bytes

from retdsl.runtime.errors import RunError
from retdsl.runtime.mean_image import find_mean_image, with_mean_image
from retdsl.runtime.network_input import normalize, to_network

MEAN = np.random.default_rng(5).uniform(0, 255, (3, 6, 4)).astype("f4")
LAST = normalize(mean_image="models/mean.nd", std=(2.0, 4.0, 8.0), scale=255.0)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mean.nd").write_bytes(params_bytes({"mean_img": MEAN}))
    return tmp_path


def test_every_pixel_has_its_mean(root: Path) -> None:
    photo = np.random.default_rng(6).integers(0, 256, (6, 4, 3), np.uint8)
    made = to_network(photo, with_mean_image(LAST, (3, 6, 4), None, root))
    expected = (photo.transpose(2, 0, 1).astype("f8") - MEAN) / np.array([2, 4, 8])[:, None, None]
    np.testing.assert_allclose(made, expected, atol=1e-4)
    assert made.dtype == np.float32


def test_an_even_mean_image_is_a_mean(root: Path) -> None:
    even = np.broadcast_to(np.array([100, 50, 25], "f4")[:, None, None], (3, 6, 4))
    (root / "models" / "mean.nd").write_bytes(params_bytes({"mean_img": np.ascontiguousarray(even)}))
    photo = np.random.default_rng(6).integers(0, 256, (6, 4, 3), np.uint8)
    same = normalize(mean=(100.0, 50.0, 25.0), std=LAST.std, scale=255.0)
    np.testing.assert_array_equal(
        to_network(photo, with_mean_image(LAST, (3, 6, 4), None, root)), to_network(photo, same)
    )


def test_other_steps_stay_as_they_are(root: Path) -> None:
    plain = normalize(mean=(0.5, 0.5, 0.5))
    assert with_mean_image(plain, (3, 6, 4), None, root) is plain
    assert with_mean_image(None, (3, 6, 4), None, root) is None
    assert find_mean_image(plain, None, root) is None


def test_it_is_looked_for_beside_the_program_first(root: Path) -> None:
    assert find_mean_image(LAST, root / "program", root) == root / "models" / "mean.nd"
    (root / "program" / "weights").mkdir(parents=True)
    beside = root / "program" / "weights" / "mean.nd"
    beside.write_bytes(b"")
    assert find_mean_image(LAST, root / "program", root) == beside


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (params_bytes({"mean_img": MEAN[:, :5].copy()}), "it has 3 x 5 x 4 numbers, the photographs have 3 x 6 x 4"),
        (params_bytes({"mean_img": np.full((3, 6, 4), np.nan, "f4")}), "not finite"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (None, "the mean image file does not exist"),
    ],
)
def test_what_is_wrong_with_the_file(content: bytes | None, words: str, root: Path) -> None:
    path = root / "models" / "mean.nd"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(RunError, match=words) as caught:
        with_mean_image(LAST, (3, 6, 4), None, root)
    assert caught.value.where == str(path)
