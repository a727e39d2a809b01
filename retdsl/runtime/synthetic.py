"""`synthetic_fundus`: a source of painted eye photographs, for when no real ones are at hand.

Enters: how many photographs, in which ratio of classes, a seed. Leaves: a list of `Sample`s and, for each, its pixels.
Guaranteed: photograph i depends on (seed, i, its class, size) alone, not on the order of reading nor on how many there
are; were it of the other class, it would be the same photograph but for the lesions. Photographs 2p and 2p + 1 are the
right and the left eye of patient p. The classes are in the ratio asked for, exact to the nearest photograph, unless
that left fewer than three patients with an infected eye or fewer than three with none: a split into training,
validation and test needs three of each.

They are cartoons of an eye: good enough to try a study on, never to judge a screening model by.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.errors import RunError
from retdsl.runtime.fundus_painter import paint_fundus
from retdsl.runtime.randomness import generator
from retdsl.runtime.sample import Sample
from retdsl.runtime.sources import Wanted, refuse_columns

FEWEST_PATIENTS = 3
"""Patients with an infected eye, and patients with none, that there are at least: one for each side of a split."""

FEWEST_PHOTOGRAPHS = 4 * FEWEST_PATIENTS
"""The smallest collection of two-eyed patients that can hold any ratio of classes."""

BOTH_EYES = 0.6
"""The share of infected patients that have both eyes infected, if the ratio leaves a choice."""

PAINTER = 1
"""Goes up whenever the painter would paint another photograph."""

_NAME = re.compile(r"synthetic/(\d+)")


@dataclass(frozen=True, slots=True)
class synthetic_fundus:
    """`n` painted photographs, uint8 RGB [size, size, 3], two eyes a patient.

    n: photographs in all, at least 12.
    ratio: healthy to infected photographs, default 200 : 3.
    seed: another seed, another clinic; default 0.
    size: height and width in pixels, default 256, at least 64.
    """

    n: int
    ratio: tuple[float, float] = (200, 3)
    seed: int = 0
    size: int = 256

    def samples(self, root: Path, wanted: Wanted) -> list[Sample]:  # noqa: ARG002 - every source has a root
        """Photograph i as `synthetic/0000i`. The first of the two `classes` is healthy, the second infected.

        Raises RunError if there are not exactly two classes or the options make no sense.
        """
        refuse_columns("`synthetic_fundus`", wanted)
        self._require_sense(wanted.classes)
        infected = self._infected()
        return [Sample(f"synthetic/{i:05d}", int(infected[i]), f"patient-{i // 2:05d}") for i in range(self.n)]

    def read(self, root: Path, sample: Sample) -> NDArray[np.uint8]:  # noqa: ARG002 - every source has a root
        """The photograph of `sample`, uint8 RGB [size, size, 3]. Raises RunError for a name that is none of ours."""
        name = _NAME.fullmatch(sample.image)
        if name is None:
            raise RunError(f"{sample.image!r} is not a synthetic photograph", help="names read `synthetic/00012`")
        index = int(name[1])
        return paint_fundus(
            size=self.size,
            left=index % 2 == 1,
            infected=sample.label == 1,
            patient=generator(self.seed, "patient", index // 2),
            photograph=generator(self.seed, "photograph", index),
            lesions=generator(self.seed, "lesions", index),
        )

    def tables(self, root: Path) -> list[str]:  # noqa: ARG002 - every source has a root
        """None: there are only the photographs."""
        return []

    def stamp(self, root: Path, sample: Sample) -> str:  # noqa: ARG002 - every source has a root
        """All that the photograph depends on, and the painter's hand."""
        return f"{PAINTER}:{self.seed}:{self.size}:{sample.image}:{sample.label}"

    def _require_sense(self, classes: tuple[str, ...]) -> None:
        if len(classes) != 2:
            raise RunError(
                f"synthetic_fundus paints two classes, not {len(classes)}",
                items=classes,
                help="write `classes = [healthy, infected]`",
            )
        problems = []
        if self.n < FEWEST_PHOTOGRAPHS:
            problems.append(f"n = {self.n}: fewer than the {FEWEST_PHOTOGRAPHS} that a split by patient needs")
        if len(self.ratio) != 2 or not all(0 < part < float("inf") for part in self.ratio):
            problems.append(f"ratio = {' : '.join(map(str, self.ratio))}: not two positive numbers")
        if self.size < 64:
            problems.append(f"size = {self.size}: below 64, where no lesion can be seen")
        if problems:
            raise RunError(
                "synthetic_fundus cannot paint this collection",
                items=problems,
                help="synthetic_fundus(n = 600, ratio = 200 : 3) paints 591 healthy and 9 infected eyes",
            )

    def _infected(self) -> NDArray[np.bool_]:
        """Which of the n photographs show an infected eye, bool [n]."""
        healthy_part, infected_part = self.ratio
        eyes = int(self.n * infected_part / (healthy_part + infected_part) + 0.5)
        eyes = min(max(eyes, FEWEST_PATIENTS), self.n - 2 * FEWEST_PATIENTS)
        # A lone last eye (odd n) stays healthy: only a patient with two eyes can have one or both infected.
        fewest, most = max(FEWEST_PATIENTS, -(-eyes // 2)), min(eyes, -(-self.n // 2) - FEWEST_PATIENTS)
        patients = min(max(round(eyes / (1 + BOTH_EYES)), fewest), most)
        both = eyes - patients

        rng = generator(self.seed, "classes")
        chosen = rng.permutation(self.n // 2)[:patients]
        worse_eye = rng.integers(0, 2, size=patients)
        infected = np.zeros(self.n, dtype=bool)
        infected[2 * chosen + worse_eye] = True
        infected[2 * chosen[:both] + 1 - worse_eye[:both]] = True
        return infected
