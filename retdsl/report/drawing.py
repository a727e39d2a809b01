"""Plots by Matplotlib as SVG elements of a page, in the page's own colours and type.

Enters: what to draw, as a function of axes, in the colours below. Leaves: an `svg` element whose colours are variables
of the page (so that it is light or dark as the page is), whose text is text, and which names and describes itself.
Guaranteed: the same plot is the same bytes; no identifier stands in two plots of different names; nothing refers to
anything outside.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html import escape
from typing import Any

from markupsafe import Markup

from retdsl.pages.page import COLOURS

INK, SOFT, EDGE, CARD, ACCENT, LINE = "#0102f1", "#0102f2", "#0102f3", "#0102f4", "#0102f5", "#0102f6"
"""Colours that stand for the page's."""

_VARIABLES = {INK: "--ink", SOFT: "--soft", EDGE: "--edge", CARD: "--card", ACCENT: "--accent", LINE: "--line"}
_VARIABLES |= {f"#0102e{at}": f"--class-{at}" for at in range(COLOURS)}

WIDTH = 4.5
"""Inches of 72 units: on a phone about as many pixels."""

_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": EDGE,
    "axes.labelcolor": SOFT,
    "axes.facecolor": "none",
    "axes.titlesize": 10,
    "figure.facecolor": "none",
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "axes.grid": True,
    "grid.color": EDGE,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.facecolor": CARD,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.85,
    "legend.fontsize": 9.5,
    "lines.linewidth": 1.8,
    "figure.constrained_layout.use": True,
    "path.simplify": False,
    "axes.unicode_minus": False,
}


def class_colour(at: int) -> str:
    """The colour of a class."""
    return f"#0102e{at % COLOURS}"


def draw(name: str, title: str, about: str, paint: Callable[[Any], None], height: float, rows: Any = None) -> Markup:
    """An `svg` element.

    name: of letters, digits and hyphens, one for each plot of a page; title, about: for those who hear the page; paint:
    is given the axes; rows: for two axes, one below the other, the ratio of their heights, and `paint` is given both.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings: Any = {**_SETTINGS, "svg.hashsalt": name}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(WIDTH, height))
        FigureCanvasSVG(figure)
        if rows is None:
            paint(figure.subplots())
        else:
            paint(figure.subplots(len(rows), 1, sharex=True, height_ratios=rows))
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return Markup(_of_the_page(out.getvalue(), name, title, about))


def _of_the_page(svg: str, name: str, title: str, about: str) -> str:
    body = svg[svg.index(">", svg.index("<svg")) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<style type=\"text/css\">.*?</style>", "", body, flags=re.DOTALL)
    used = set(re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"", body))
    wanted = {one or other for one, other in used}
    body = re.sub(r' id="([^"]*)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in wanted else "", body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    body = re.sub(r'(?:xlink:)?href="#([^"]+)"', rf'href="#{name}-\1"', body)
    body = re.sub(r"#0102[ef][0-9]", lambda m: f"var({_VARIABLES[m[0]]})", body)
    body = re.sub(r"font: ([0-9.]+)px [^;\"]*", r"font-size: \1px", body)
    body = re.sub(r"<!--.*?-->\n?", "", body, flags=re.DOTALL)
    body = re.sub(r"\n\s*", "\n", body)
    box = re.search(r'viewBox="([^"]+)"', svg)
    assert box is not None, "Matplotlib says how large a figure is"
    return (
        f'<svg viewBox="{box[1]}" role="img" aria-labelledby="{name}-title {name}-about">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-about">{escape(about)}</desc>{body.strip()}'
    )
