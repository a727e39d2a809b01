"""How large pictures are drawn on a contact sheet."""

from __future__ import annotations

import cv2
import numpy as np

from retdsl.sheet.model import Picture

LARGEST, SMALLEST = 220, 132
ROOM = 1240
"""Pixels that all columns share, as long as they leave each the smallest size."""


def cell_side(columns: int) -> int:
    """Height and width of a picture's place, in pixels of a plain screen."""
    return max(SMALLEST, min(LARGEST, ROOM // columns))


def fitted(picture: Picture, most: int) -> Picture:
    """The picture no higher and wider than `most` pixels; a smaller one stays as it is."""
    height, width = picture.shape[:2]
    if max(height, width) <= most:
        return picture
    scale = most / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
