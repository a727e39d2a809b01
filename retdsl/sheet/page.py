"""A contact sheet as one page of HTML, which opens without anything else: its pictures lie within it.

Enters: a `Sheet`. Leaves: the page's text, light or dark as its reader has it.
"""

from __future__ import annotations

import cv2

from retdsl.pages import page as pages
from retdsl.sheet.model import Picture, Sheet
from retdsl.sheet.scale import cell_side, fitted

DENSITY = 2
"""Pixels of a picture for each pixel of its place: what a good screen shows."""

QUALITY = 92
"""Of the pictures, as JPEG whose colours are as sharp as their brightness."""


def page(sheet: Sheet) -> str:
    """The page's text."""
    cell = cell_side(sheet.width)
    most = cell * DENSITY
    return pages.render(
        "retdsl.sheet", "sheet.html.j2", sheet=sheet, cell=cell, embedded=lambda picture: embedded(picture, most)
    )


def embedded(picture: Picture, most: int) -> str:
    """A picture, at most so many pixels high and wide, as the address that holds it."""
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        QUALITY,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(fitted(picture, most), cv2.COLOR_RGB2BGR), options)
    assert done
    return pages.embedded(data.tobytes())
