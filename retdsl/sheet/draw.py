"""A contact sheet as a file: HTML or PNG, by the suffix of its name."""

from __future__ import annotations

from pathlib import Path

from retdsl.runtime.files import make_folder, write_bytes, write_text
from retdsl.sheet.model import Sheet

SUFFIXES = (".html", ".png")


def write(sheet: Sheet, path: Path) -> None:
    """Draws a sheet into a file whose suffix is one of `SUFFIXES`, in any case.

    Raises RenderError where nothing can draw, RunError where the file cannot be written.
    """
    from retdsl.sheet.page import page
    from retdsl.sheet.paper import paper

    make_folder(path.parent)
    if path.suffix.lower() == ".png":
        write_bytes(path, paper(sheet))
    else:
        write_text(path, page(sheet))
