"""What all pages have in common: their style, and how a template becomes a page.

Enters: a template, which may `{% include "style.css" %}`, and what it shows. Leaves: the text of a page. Guaranteed:
whatever names of photographs, patients and classes hold, it stays text; a value that a template lacks is an error.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

COLOURS = 6
"""Colours that a page has for classes, `--class-0` and so on; further classes begin anew."""


def render(package: str, template: str, **values: Any) -> str:
    """The page that `templates/TEMPLATE` of a package makes of these values."""
    text = resources.files(package).joinpath("templates").joinpath(template).read_text("utf-8")
    return _environment().from_string(text).render(**values)


def embedded(picture: bytes, kind: str = "image/jpeg") -> Markup:
    """The address of a picture that is the picture itself. Empty where there is none."""
    return Markup(f"data:{kind};base64,{b64encode(picture).decode()}" if picture else "")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_shared),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shared(name: str) -> str | None:
    file = resources.files("retdsl.pages").joinpath("templates").joinpath(name)
    return file.read_text("utf-8") if file.is_file() else None
