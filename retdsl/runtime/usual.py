"""What the photographs that a run has learned from look like, so that others can be told from them.

Enters: measures and looks of a sample of the training photographs. Leaves: `Usual`, also as JSON in the run folder,
which then judges by it where those photographs are not at hand. Guaranteed: a photograph is flagged for reasons that
can be put into words.

A *look* is a photograph's square around the retina at 4 x 4 pixels, 48 numbers: colours and where light and shade lie.
A photograph is unlike all that was seen if the nearest look is farther than training photographs are from one another:
its distance is compared with those of each training photograph to its own nearest, on a scale of logarithms, by median
and median absolute deviation (Iglewicz and Hoaglin 1993). What a look is too coarse for is compared in the same way:
noise and other things than retinas have more fine detail, or more contrast, than any photograph that was seen, and a
grey picture has less colour.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.decode import Photograph
from retdsl.runtime.measures import Measures
from retdsl.runtime.prepare import bright_field, crop_circle, resize
from retdsl.runtime.thresholds import FEWEST, NORMAL, RULES, Threshold, beyond, thresholds

DEVIATIONS = 3.5
"""How far from the median a photograph is refused: farther than an audit asks to look at it (Iglewicz and Hoaglin)."""

GRID = 4
"""Height and width of a look."""

NEAR = 1e-3
"""Looks that are nearer than this are the same."""

TOO_SMALL = 0.75
"""A retina is too small under this share of the smallest that was seen, if the network has to enlarge it."""

FORMAT = 2

Look = NDArray[np.float32]


@dataclass(frozen=True)
class Usual:
    """photographs: how many were looked at; lines: thresholds of their measures; side: of the smallest retina among
    them, in pixels, 0 where unknown; looks: theirs, float32 `[n, 48]`; farthest: from which distance to the nearest on
    a look is unlike all of them, infinite where that cannot be told; detail, contrast, colour: from the first two on,
    and below the third, a photograph is unlike them as well.
    """

    photographs: int
    lines: tuple[Threshold, ...]
    side: int
    looks: Look
    farthest: float
    detail: float = math.inf
    contrast: float = math.inf
    colour: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "photographs": self.photographs,
            "lines": [[line.value, line.median] for line in self.lines],
            "side": self.side,
            "looks": self.looks.round(4).tolist(),
            "farthest": _finite(self.farthest),
            "detail": _finite(self.detail),
            "contrast": _finite(self.contrast),
            "colour": self.colour,
        }


@dataclass(frozen=True, slots=True)
class Seen:
    """What is to be said of one photograph. measures: None without a retina; side: of its retina, in pixels."""

    measures: Measures | None
    side: int
    look: Look


def see(photo: Photograph, measures: Measures) -> Seen:
    """A photograph, uint8 RGB `[H, W, 3]`, described."""
    field = bright_field(photo, crop_circle().threshold)
    small = resize(GRID, GRID)(crop_circle()(photo)).astype(np.float32) / 255
    has_field = measures.roundness > 0 and field is not None
    side = max(field[2:]) if field is not None else 0
    return Seen(measures if has_field else None, side, small.reshape(-1))


def usual_of(seen: Sequence[Seen]) -> Usual:
    """What is usual among photographs; of fewer than `FEWEST` only the bounds that hold in whatever company."""
    known = [one for one in seen if one.measures is not None]
    lines = thresholds([one.measures for one in known if one.measures is not None], DEVIATIONS)
    looks = np.stack([one.look for one in known]) if known else np.zeros((0, GRID * GRID * 3), np.float32)
    side = min((one.side for one in known), default=0)
    if len(known) < FEWEST:
        return Usual(len(known), lines, side, looks, math.inf)
    detail = _highest([one.measures.sharpness for one in known if one.measures is not None])
    contrast = _highest([one.measures.contrast for one in known if one.measures is not None])
    colour = 1 / _highest([1 / max(_colour(one.look), NEAR) for one in known])
    return Usual(len(known), lines, side, looks, _farthest(looks), detail, contrast, colour)


def flags_of(seen: Seen, usual: Usual, network_side: int) -> dict[str, str]:
    """Why a photograph is not gradable, each reason in words by its flag; nothing if it is.

    network_side: the shorter side of what the network takes, in pixels.
    """
    if seen.measures is None:
        return {"no_field": "no retina is found"}
    found = {flag: _words(flag, seen.measures, usual) for flag in beyond(seen.measures, usual.lines)}
    smallest = min(network_side, TOO_SMALL * usual.side) if usual.photographs else network_side / 2
    if seen.side < smallest:
        found["too_small"] = f"the retina spans {seen.side} pixels, the network takes {network_side}"
    if unlike := _unlike(seen.measures, seen.look, usual):
        found["unlike"] = unlike
    return found


def _unlike(measures: Measures, look: Look, usual: Usual) -> str:
    """Why a photograph is like none that was learned from, in words; empty if it is like one."""
    if len(usual.looks) and (distance := _nearest(look, usual.looks)) > usual.farthest:
        return f"distance {distance:.2f} to the most similar photograph learned from, the limit is {usual.farthest:.2f}"
    if measures.sharpness > usual.detail:
        return f"more fine detail than a retina has here: {measures.sharpness:.2g}, the limit is {usual.detail:.2g}"
    if measures.contrast > usual.contrast:
        return f"more contrast than a retina has here: {measures.contrast:.2g}, the limit is {usual.contrast:.2g}"
    if (colour := _colour(look)) < usual.colour:
        return f"less colour than a retina has here: {colour:.2g}, the limit is {usual.colour:.2g}"
    return ""


def read_usual(path: Path) -> Usual | None:
    """What an earlier prediction has left in a run folder; None where there is none, or one of another version."""
    try:
        found = json.loads(path.read_text("utf-8"))
        if found["format"] != FORMAT or len(found["lines"]) != len(RULES):
            return None
        lines = tuple(Threshold(rule, *numbers) for rule, numbers in zip(RULES, found["lines"], strict=True))
        looks = np.array(found["looks"], np.float32).reshape(-1, GRID * GRID * 3)
        farthest, detail, contrast = (
            math.inf if found[key] is None else float(found[key]) for key in ("farthest", "detail", "contrast")
        )
        own = (int(found["photographs"]), lines, int(found["side"]), looks)
        return Usual(*own, farthest, detail, contrast, float(found["colour"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _words(flag: str, measures: Measures, usual: Usual) -> str:
    """`fine detail 0.031, the limit is 0.05`: of the measures with this flag, the one that is farthest beyond."""
    lines = [line for line in usual.lines if line.rule.flag == flag]
    line = max(lines, key=lambda line: line.beyond(measures[line.rule.place]))
    return f"{line.rule.words} {measures[line.rule.place]:.2g}, the limit is {line.value:.2g}"


def _farthest(looks: Look) -> float:
    """From which distance on a look is unlike all of these."""
    distances = np.sqrt(np.maximum(((looks[:, None] - looks[None]) ** 2).sum(axis=2), 0))
    np.fill_diagonal(distances, np.inf)
    return _highest(distances.min(axis=1))


def _highest(values: Sequence[float] | NDArray[Any]) -> float:
    """Up to which number one belongs to these, which are positive: never below the highest."""
    logs = np.log(np.maximum(values, NEAR))
    median = float(np.median(logs))
    deviation = NORMAL * float(np.median(abs(logs - median)))
    return float(np.exp(max(median + DEVIATIONS * deviation, logs.max())))


def _colour(look: Look) -> float:
    """How far a look is from grey: the range of red, green and blue, on average."""
    return float(np.ptp(look.reshape(-1, 3), axis=1).mean())


def _finite(limit: float) -> float | None:
    return None if math.isinf(limit) else limit


def _nearest(look: Look, looks: Look) -> float:
    return float(np.sqrt(((looks - look) ** 2).sum(axis=1).min()))
