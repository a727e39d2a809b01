"""DOT text drawn: SVG, PNG, PDF, a page of HTML, or the DOT text itself, by the suffix of a file's name.

The system's `dot` draws where it is installed, else `graphviz-pure`, which comes with retdsl. Guaranteed: SVG that
refers to nothing outside itself; files that appear whole or not at all.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from html import escape
from pathlib import Path

SUFFIXES = (".svg", ".png", ".pdf", ".html", ".dot")

RESOLUTION = 144
"""Dots per inch of a PNG: twice what a plain screen shows."""

_FAMILIES = "Arial, Helvetica, 'Liberation Sans', Arimo, sans-serif"


class RenderError(Exception):
    """A picture could not be drawn or written. message: what is wrong; help: what to do about it."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


def write(dot: str, path: Path) -> None:
    """Draws DOT text into a file whose suffix tells the format; an older file is replaced only by a whole new one.

    Raises: RenderError.
    """
    drawn = draw(dot, path.suffix)
    try:
        handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(drawn)
            os.chmod(beside, 0o666 & ~_umask())
            os.replace(beside, path)
        except BaseException:
            os.unlink(beside)
            raise
    except OSError as error:
        raise RenderError(f"cannot write {path}: {error.strerror}", "choose another place with `-o`") from None


def draw(dot: str, suffix: str) -> bytes:
    """DOT text as the content of a file with this suffix, one of `SUFFIXES` in any case.

    Raises: RenderError for any other suffix, and where nothing can draw.
    """
    match suffix.lower():
        case ".dot":
            return dot.encode()
        case ".svg":
            return _svg(dot).encode()
        case ".html":
            return _page(dot).encode()
        case ".png":
            return _rendered(dot, f"-Gdpi={RESOLUTION}", "-Tpng")
        case ".pdf":
            return _pdf(dot)
        case _:
            raise RenderError(f"no picture can be written as `{suffix}`", f"the name must end in {', '.join(SUFFIXES)}")


def draw_placed(dot: str, resolution: int) -> bytes:
    """A PNG of DOT text whose nodes all say where they are, so that nothing has to be laid out.

    resolution: dots per inch; a unit of DOT is 1/72 of an inch. Raises RenderError.
    """
    return _rendered(dot, "-Kneato", "-n2", f"-Gdpi={resolution}", "-Tpng")


def renderers() -> list[str]:
    """The commands that can draw, best first: `dot`, then `graphviz-pure` from this environment or from the path."""
    places = [sysconfig.get_path("scripts"), os.path.dirname(sys.executable)]
    pure = shutil.which("graphviz-pure", path=os.pathsep.join(places)) or shutil.which("graphviz-pure")
    return [command for command in (shutil.which("dot"), pure) if command]


def _rendered(dot: str, *options: str) -> bytes:
    """What the first renderer that succeeds gives; an installed `dot` may lack the plugin for a format."""
    complaint = ""
    for command in renderers():
        try:
            done = subprocess.run([command, *options], input=dot.encode(), capture_output=True, check=False)
        except OSError as error:
            complaint = str(error)
            continue
        if done.returncode == 0 and done.stdout:
            return done.stdout
        complaint = done.stderr.decode(errors="replace").strip()
    if complaint:
        raise RenderError(
            f"the picture could not be drawn: {complaint}", "write it as `.dot` to see what was asked for"
        )
    raise RenderError(
        "nothing here can draw: neither `dot` nor `graphviz-pure` is installed",
        "`pip install graphviz-pure`, or write the picture as `.dot`",
    )


def _pdf(dot: str) -> bytes:
    from retdsl.viz.pdf import pdf

    layout = _rendered(dot, "-Tjson")
    try:
        return pdf(layout)
    except ModuleNotFoundError:
        raise RenderError(
            "PDF needs the package pydyf", "`pip install pydyf`, or write the picture as `.svg`"
        ) from None


def _svg(dot: str) -> str:
    """SVG without the reference to an outside DTD, in whichever of the look-alike fonts the reader has."""
    text = _rendered(dot, "-Tsvg").decode()
    text = re.sub(r"<!DOCTYPE[^>]*>\s*", "", text)
    return re.sub(r'font-family="[^"]*"', f'font-family="{_FAMILIES}"', text)


def _page(dot: str) -> str:
    svg = re.sub(r"<\?xml[^>]*\?>\s*", "", _svg(dot))
    title = re.search(r"<title>(.*?)</title>", svg, re.DOTALL)
    name = title.group(1) if title else escape("retdsl")
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{name}</title>\n'
        "<style>body { margin: 1em } svg { max-width: 100%; height: auto }</style>\n"
        f"</head>\n<body>\n{svg}</body>\n</html>\n"
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
