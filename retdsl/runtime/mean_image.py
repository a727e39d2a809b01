"""The mean image of `normalize(mean_image=...)`, read once, before the first photograph.

Enters: the last step on a photograph, and where files are looked for. Leaves: the same step with numbers in place of
the file's name. Guaranteed: they are finite, and there is one for each pixel and colour of the network's input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from retdsl.runtime.arrays import open_arrays, read_array, readable
from retdsl.runtime.errors import RunError
from retdsl.runtime.network_input import normalize
from retdsl.runtime.pretrained import locate
from retdsl.weights.mean_image import mean_image_in

WHAT = "mean image"


def find_mean_image(last: normalize | None, folder: Path | None, root: Path | None) -> Path | None:
    """The file of the mean image, None if `last` has none: in `weights/` beside the program in `folder`, or from
    `root`. Raises `RunError` if it is not there.
    """
    return None if last is None or last.mean_image is None else locate(last.mean_image, folder, root, WHAT)


def with_mean_image(last: normalize | None, size: Sequence[int], folder: Path | None, root: Path) -> normalize | None:
    """The step with the numbers of its mean image. size: `(3, height, width)` of the network's input.

    Raises `RunError` if the file is not there, is none, or is of photographs of another size.
    """
    path = find_mean_image(last, folder, root)
    if last is None or path is None:
        return last
    weights = open_arrays(path, what=WHAT)
    with readable(path, WHAT):
        name = mean_image_in(weights, tuple(size)).name
    mean = read_array(weights, name)
    if not np.isfinite(mean).all():
        raise RunError("the mean image holds numbers that are not finite", where=path)
    return replace(last, mean=mean, mean_image=None)
