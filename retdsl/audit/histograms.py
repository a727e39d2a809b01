"""How often each value of a measure occurs, class by class, as a picture in SVG.

Enters: values of a measure, by class, and the lines beyond which photographs are flagged. Leaves: an `svg` element
whose colours are variables of the page: `--class-0`, `--class-1`, ..., `--line` and `--ink`.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from retdsl.pages.page import COLOURS
from retdsl.runtime.thresholds import Threshold

WIDTH, HEIGHT = 320, 110
"""Of the bars, in the picture's own units; below them there is room for the numbers."""

BINS = 40
"""Bars in a histogram."""


def histogram(title: str, by_class: Sequence[NDArray[np.float64]], lines: Sequence[Threshold]) -> str:
    """Bars for each class, before one another, as shares of its photographs: a rare class shows as well."""
    values = np.concatenate(by_class)
    low, high = _range(values, lines)
    edges = np.linspace(low, high, BINS + 1)
    shares = [np.histogram(np.clip(v, low, high), edges)[0] / max(1, len(v)) for v in by_class]
    top = max((float(share.max()) for share in shares), default=0.0) or 1.0
    bars = [
        f'<path class="bars" style="--own: var(--class-{at % COLOURS})" d="{_outline(share / top)}"/>'
        for at, share in enumerate(shares)
    ]
    marks = [_mark(line, (line.value - low) / (high - low) * WIDTH) for line in lines]
    digits = 2 if high - low >= 0.2 else 3
    numbers = [
        f'<text x="{x:g}" y="{HEIGHT + 15}" text-anchor="{anchor}">{value:.{digits}f}</text>'
        for x, value, anchor in ((0, low, "start"), (WIDTH, high, "end"))
    ]
    return (
        f'<svg viewBox="-2 -6 {WIDTH + 4} {HEIGHT + 26}" role="img" aria-label="{escape(title)}">'
        f'<title>{escape(title)}</title>{"".join(bars)}<path class="axis" d="M0 {HEIGHT}H{WIDTH}"/>'
        f"{''.join(numbers)}{''.join(marks)}</svg>"
    )


def _range(values: NDArray[np.float64], lines: Sequence[Threshold]) -> tuple[float, float]:
    """What is drawn: nearly all values, and the lines; what lies farther out is in the outermost bars."""
    low, high = (float(v) for v in np.percentile(values, (0.2, 99.8))) if len(values) else (0.0, 1.0)
    low, high = min(low, *(line.value for line in lines)), max(high, *(line.value for line in lines))
    margin = max((high - low) * 0.04, 1e-3)
    return max(0.0, low - margin), high + margin if high > 1 else min(1.0, high + margin)


def _outline(heights: NDArray[np.float64]) -> str:
    """A path around bars of these heights, 0 to 1."""
    step = WIDTH / len(heights)
    tops = "".join(f"V{HEIGHT * (1 - float(h)):.1f}h{step:g}" for h in heights)
    return f"M0 {HEIGHT}{tops}V{HEIGHT}Z"


def _mark(line: Threshold, x: float) -> str:
    """A line where a flag begins, with an arrow to the side that has it."""
    way = -1 if line.rule.below else 1
    words = f"{line.rule.flag} {'below' if line.rule.below else 'above'} {line.value:.3g}"
    return (
        f'<g class="mark"><title>{escape(words)}</title><path d="M{x:.1f} -4V{HEIGHT}"/>'
        f'<path class="arrow" d="M{x:.1f} -5h{way * 9}m{way * -4} -3l{way * 4} 3l{way * -4} 3"/></g>'
    )
