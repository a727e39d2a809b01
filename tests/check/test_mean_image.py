"""`normalize(mean_image = ...)`: what a spec makes of it, and what is said against its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from params_files import array_bytes, params_bytes, params_parts
from spec_texts import checked

from retdsl.ir import Call
from retdsl.schema.spelling import spell_call

SPEC = """
data d {{
  source  = synthetic_fundus(60)
  classes = [healthy, infected]
  image   = photo => resize(12, 10) => {}
}}
"""

MEAN = np.full((3, 12, 10), 100, "f4")


def normalized(step: str, root: Path) -> Call | None:
    """The last step of a spec without a mistake."""
    found = checked(SPEC.format(step), root)
    assert found.program is not None, list(found.diagnostics)
    return found.program.data[0].normalize


def messages(step: str, root: Path) -> list[tuple[str, str]]:
    return [(item.code, item.message) for item in checked(SPEC.format(step), root).diagnostics]


@pytest.mark.parametrize(
    ("step", "scale", "spelled"),
    [
        ('normalize(mean_image = "m.nd")', 255, 'normalize(mean_image = "m.nd", std = (1, 1, 1), scale = 255)'),
        ('normalize(mean_image = "m.nd", scale = 1)', 1, 'normalize(mean_image = "m.nd", std = (1, 1, 1))'),
        ("normalize((0, 0, 0))", 1, "normalize((0, 0, 0), std = (1, 1, 1))"),
    ],
)
def test_a_mean_image_means_pixels_up_to_255(step: str, scale: float, spelled: str, tmp_path: Path) -> None:
    (tmp_path / "m.nd").write_bytes(params_bytes({"mean_img": MEAN}))
    call = normalized(step, tmp_path)
    assert call is not None
    assert call["scale"] == scale
    assert spell_call(call, "image step") == spelled


@pytest.mark.parametrize(
    "content",
    [
        params_bytes({"mean_img": MEAN}, 0),
        params_bytes({"any": MEAN}),
        params_bytes({"other": np.zeros(2, "f4"), "mean_img": MEAN}),
        params_parts([array_bytes(MEAN, 2)], []),
    ],
)
def test_the_ways_in_which_mxnet_saved_it(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.nd").write_bytes(content)
    assert messages('normalize(mean_image = "m.nd")', tmp_path) == []


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"mean_img": MEAN[0]}, "it has 12 x 10 numbers, the photographs have 3 x 12 x 10"),
        ({"mean_img": MEAN.transpose(0, 2, 1)}, "it has 3 x 10 x 12 numbers, the photographs have 3 x 12 x 10"),
        ({"a": MEAN, "b": MEAN}, "it holds 2 arrays, none of them called `mean_img`"),
    ],
)
def test_what_does_not_fit_the_photographs(arrays: dict[str, np.ndarray], said: str, tmp_path: Path) -> None:
    (tmp_path / "m.nd").write_bytes(params_bytes({name: np.ascontiguousarray(a) for name, a in arrays.items()}))
    found = messages('normalize(mean_image = "m.nd")', tmp_path)
    assert found == [("R608", f"cannot use the mean image `m.nd`: {said}")]


def test_a_folder_or_a_damaged_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "m.nd").write_bytes(params_bytes({"mean_img": MEAN})[:-30])
    assert messages('normalize(mean_image = "folder")', tmp_path)[0][0] == "R608"
    assert messages('normalize(mean_image = "m.nd")', tmp_path)[0][0] == "R608"


def test_a_file_that_is_not_here_is_a_warning(tmp_path: Path) -> None:
    assert messages('normalize(mean_image = "m.nd")', tmp_path) == [("R801", "the mean image `m.nd` is not here")]
    assert normalized('normalize(mean_image = "m.nd")', tmp_path) is not None
    assert messages('normalize(mean_image = "a\0b")', tmp_path)[0][0] == "R801"


def test_one_mistake_gives_one_message(tmp_path: Path) -> None:
    assert [code for code, _ in messages('normalize(mean_imag = "m.nd")', tmp_path)] == ["R302"]
    assert [code for code, _ in messages("normalize(mean_image = 3)", tmp_path)] == ["R303"]
    assert [code for code, _ in messages("normalize", tmp_path)] == ["R301"]
