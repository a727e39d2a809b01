"""Surveys to judge: some made up number by number, some of painted photographs that were spoilt on purpose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.measures import Measures
from retdsl.runtime.sources import Wanted
from retdsl.runtime.survey import Survey, Surveyed, square
from retdsl.runtime.synthetic import synthetic_fundus

CLASSES = ("healthy", "infected")
GOOD = Measures(0.1, 0.4, 0.2, 0.0, 0.0, 0.7, 1.0)


@dataclass(frozen=True)
class Made:
    """A photograph as a test wants it; each shows an eye of its own unless `like` names another one."""

    image: str
    label: str = "healthy"
    patient: str = ""
    measures: Measures | None = GOOD
    refused: str = ""
    like: str = ""
    origin: int = 0


def made_survey(photographs: Iterable[Made], features: NDArray[np.float32] | None = None) -> Survey:
    made = list(photographs)
    shown = dict(zip((one.image for one in made), eyes(), strict=False))
    return Survey(
        CLASSES,
        tuple(
            Surveyed(
                one.image,
                one.label,
                one.patient or one.image,
                one.origin,
                "train",
                "" if one.refused else f"{at:064x}",
                one.refused,
                None if one.refused else one.measures,
            )
            for at, one in enumerate(made)
        ),
        tuple(b"" if one.refused else b"a picture" for one in made),
        tuple(b"" if one.refused else shown.get(one.like or one.image, b"") for one in made),
        features,
    )


@cache
def eyes() -> tuple[bytes, ...]:
    """Squares of painted eyes, enough for most surveys; photographs beyond them show none."""
    source = synthetic_fundus(60, ratio=(1, 1), size=128)
    samples = source.samples(Path(), Wanted(CLASSES))
    return tuple(square(np.asarray(source.read(Path(), sample), np.uint8)) for sample in samples)


def good(count: int) -> list[Made]:
    """Photographs that nothing is wrong with, and that differ a little."""
    spread = np.linspace(-0.01, 0.01, count)
    return [
        Made(f"good{at:03}.png", CLASSES[at % 2], measures=GOOD._replace(sharpness=GOOD.sharpness + float(by)))
        for at, by in enumerate(spread)
    ]


def renamed(survey: Survey, at: int, **changes: str) -> Survey:
    """The survey with other words for one photograph."""
    photographs = list(survey.photographs)
    photographs[at] = photographs[at]._replace(**changes)  # type: ignore[arg-type]
    return replace(survey, photographs=tuple(photographs))


STUDY = """
data painted {
  source  = synthetic_fundus(60, ratio = 1 : 1, size = 96)
  classes = [healthy, infected]
  image   = photo => crop_circle => resize(32, 32)
}
model small = painted.image => Flatten => FullyConnected(2) => Softmax
train first { model = small  data = painted  metrics = [auc]  epochs = 1 }
"""


def write_study(folder: Path) -> Path:
    path = folder / "study.retina"
    path.write_text(STUDY)
    return path
