"""Speeds as a picture: device against device, and where the time of an image goes on each.

Enters: speeds. Leaves: a file, SVG or PNG. Guaranteed: the same figures are the same bytes; text is text.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from retdsl.runtime.files import make_folder, write_bytes
from retdsl.speed.model import Speed

SUFFIXES = (".svg", ".png")

PAPER, INK, SOFT, EDGE = "#ffffff", "#1c1b1a", "#6b6762", "#e4e0da"
COLOURS = {"loader": "#b8860b", "forward": "#2a8c82", "step": "#d9622b"}
PROCESSOR, CARD = "#3b7dbd", "#6a5acd"
"""Of bars: a processor's, a graphics card's."""

MEANINGS = {
    "loader": "loader: augments, makes batches",
    "forward": "forward: what is frozen",
    "step": "step: what is trained",
}

STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "retdsl",
    "font.size": 10,
    "font.family": ["DejaVu Sans", "sans-serif"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.edgecolor": EDGE,
    "axes.labelcolor": SOFT,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": INK,
    "ytick.left": False,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "grid.color": EDGE,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.facecolor": PAPER,
    "figure.constrained_layout.use": True,
}
"""Matplotlib's settings: text as text, light lines, the same bytes every time."""


def write_picture(speeds: Sequence[Speed], path: Path) -> None:
    """Draws them into a file whose suffix is one of `SUFFIXES`. Raises RunError where it cannot be written."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    make_folder(path.parent)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 2.1 + 0.72 * len(speeds)))
        FigureCanvasAgg(figure)
        above, below = figure.subplots(2, 1, sharey=True)
        figure.suptitle(_title(speeds[-1]), x=0.01, ha="left", fontsize=12, fontweight="bold")
        _draw_rates(above, speeds)
        _draw_shares(below, speeds)
        out = BytesIO()
        kind = path.suffix.lower().removeprefix(".")
        metadata: Any = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
        figure.savefig(out, format=kind, dpi=160, metadata=metadata)
    write_bytes(path, out.getvalue())


def _title(speed: Speed) -> str:
    bench = speed.bench
    return f"{bench.experiment}: images per second in training, {bench.batch} a batch"


def _draw_rates(axes: Any, speeds: Sequence[Speed]) -> None:
    """Bars of what a run reaches, within outlines of what multiplying matrices would allow."""
    places = range(len(speeds))
    rates = [speed.bench.whole for speed in speeds]
    limits = [speed.whole.limit or 0 for speed in speeds]
    colours = [CARD if speed.place.startswith("gpu") else PROCESSOR for speed in speeds]
    axes.barh(places, limits, height=0.56, facecolor="none", edgecolor=SOFT, linestyle=(0, (4, 2)), linewidth=1)
    axes.barh(places, rates, height=0.56, color=colours)
    most = max(*rates, *limits)
    for at, (rate, limit) in enumerate(zip(rates, limits, strict=True)):
        words = _number(rate) + (f", {rate / limit:.0%} of the limit" if limit else "")
        if (kept := speeds[at].kept) is not None:
            words += f"\n{_number(kept.rate)} once features are kept"
        axes.text(max(rate, limit) + most * 0.012, at, words, va="center", fontsize=9.5, linespacing=1.4)
    axes.set_xlim(0, most * 1.45)
    axes.set_yticks(list(places), [speed.place for speed in speeds])
    axes.invert_yaxis()
    bench = speeds[-1].bench
    axes.set_title(f"together, as a run has them; dashed: what GEMM at {_number(bench.gemm)} GFLOP/s would allow")
    if len(speeds) > 1:
        axes.set_title("together, as a run has them; dashed: what the device's own GEMM rate would allow")
    axes.set_xlabel("images per second")


def _draw_shares(axes: Any, speeds: Sequence[Speed]) -> None:
    """A bar a device, in the colours of its stages."""
    from matplotlib.patches import Patch
    from matplotlib.ticker import PercentFormatter

    for at, speed in enumerate(speeds):
        left = 0.0
        for stage in speed.stages:
            assert stage.share is not None
            axes.barh(at, 100 * stage.share, left=left, height=0.56, color=COLOURS[stage.name])
            if stage.share > 0.13:
                words = f"{_number(stage.milliseconds)} ms"
                axes.text(left + 50 * stage.share, at, words, ha="center", va="center", color=PAPER, fontsize=9.5)
            left += 100 * stage.share
    axes.set_xlim(0, 100)
    axes.set_title("where the time of an image goes, each stage measured alone")
    axes.xaxis.set_major_formatter(PercentFormatter(decimals=0, symbol=" %"))

    there = [stage.name for stage in speeds[0].stages]
    handles = [Patch(color=COLOURS[name], label=MEANINGS[name]) for name in there]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.3), ncols=3, handlelength=1, borderpad=0)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
