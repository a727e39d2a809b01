"""A contact sheet as one page of HTML, which opens without anything else: its pictures lie within it.

Enters: a `Sheet`. Leaves: the page's text, light or dark as its reader has it.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from importlib import resources

import cv2
from jinja2 import Environment, StrictUndefined, Template

from retdsl.sheet.model import Picture, Sheet
from retdsl.sheet.scale import cell_side, fitted

DENSITY = 2
"""Pixels of a picture for each pixel of its place: what a good screen shows."""

QUALITY = 92
"""Of the pictures, as JPEG whose colours are as sharp as their brightness."""


def page(sheet: Sheet) -> str:
    """The page's text."""
    cell = cell_side(sheet.width)
    return _template().render(sheet=sheet, cell=cell, embedded=lambda picture: embedded(picture, cell * DENSITY))


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
    return f"data:image/jpeg;base64,{b64encode(data.tobytes()).decode()}"


@cache
def _template() -> Template:
    environment = Environment(undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    text = resources.files("retdsl.sheet").joinpath("templates/sheet.html.j2").read_text("utf-8")
    return environment.from_string(text)
