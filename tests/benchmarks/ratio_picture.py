"""Ratios as a picture: a bar from 1 to each ratio on a logarithmic axis, and a mark where it should reach.

Enters: ratios. Leaves: the text of an SVG, light, with its text as text. Guaranteed: the same ratios are the same
bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from textwrap import fill
from typing import Any

from ratios import Ratio

from retdsl.speed.picture import INK, SOFT, STYLE

BETTER, WORSE, FREE = "#2a8c82", "#b3261e", "#3b7dbd"
"""As wanted, not as wanted, nothing wanted."""

LINE = 46
"""Characters of a name in a line."""


def draw(ratios: Sequence[Ratio]) -> str:
    """The picture. What has no other side, as a time alone, or is a difference, is left out: it is no ratio."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    shown = [ratio for ratio in ratios if ratio.theirs is not None and ratio.unit != "auc"]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.6, 1.3 + 0.46 * max(len(shown), 1)))
        FigureCanvasSVG(figure)
        _paint(figure.subplots(), shown)
        out = StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _paint(axes: Any, ratios: Sequence[Ratio]) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    colours = {True: BETTER, False: WORSE, None: FREE}
    axes.set_xscale("log")
    values = [1.0, *(ratio.ratio for ratio in ratios)]
    values += [ratio.wanted.bound for ratio in ratios if ratio.wanted is not None]
    axes.set_xlim(min(values) / 1.15, max(values) * 2.2)
    for at, ratio in enumerate(ratios):
        axes.barh(at, ratio.ratio - 1, left=1, height=0.5, color=colours[ratio.met])
        end = max(ratio.ratio, 1.0)
        if ratio.wanted is not None:
            bound = ratio.wanted.bound
            axes.plot([bound, bound], [at - 0.38, at + 0.38], color=INK, linewidth=2, solid_capstyle="butt")
            end = max(end, bound)
        axes.text(end * 1.09, at, _words(ratio), va="center", fontsize=9.5)
    axes.axvline(1, color=SOFT, linewidth=1)
    axes.set_yticks(range(len(ratios)), [fill(ratio.name, LINE) for ratio in ratios])
    axes.set_ylim(max(len(ratios), 1) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} x"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("retdsl over the other side; a mark is what is wanted")


def _words(ratio: Ratio) -> str:
    wanted = "" if ratio.wanted is None else f"  ({ratio.wanted})"
    return f"{ratio.ratio:.3g} x{wanted}"
