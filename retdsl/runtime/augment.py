"""Augmentation: training images that differ a little each time they are seen.

Enters: prepared photographs, uint8 `[H, W, C]`. Leaves: the same kind and size, contiguous; images stay uint8 up to the
last step, `normalize`, because pixels of a byte cost a quarter to move.
Guaranteed: what happens to an image depends only on (seed, epoch, image, occurrence within the epoch), so any number
of threads, in any order, makes the same epoch. What enters is never written to.

Where the features of images are kept (see `feature_feed`), it matters that an image comes again: `variant` tells, from
what was drawn and without the image. Steps that do the same whenever they act leave few variants of a photograph, such
as four of mirrors. With `draws`, every photograph has so many fixed variants, and an occurrence draws one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from retdsl.runtime.augmentation import Augmentation, OnImages, acting
from retdsl.runtime.decode import Photograph
from retdsl.runtime.randomness import Chance
from retdsl.runtime.warps import Matrix, Warp, warped

Variant: TypeAlias = bytes
"""What was done to a photograph. Two of the same photograph are equal only if all of their pixels are."""

Acting: TypeAlias = list[tuple[OnImages, Chance]]
"""The steps that act, each with the random numbers that it goes on to draw from."""


class Augmenter:
    """The steps of a chain on single images, one after the other; those that mix images are left to `mixing`.

    classes: of the data, in order: steps name those that they act on; seed: of the experiment; draws: how many variants
    of each photograph there are; None for a fresh one every time, as where all that can come of it comes again.
    """

    def __init__(
        self, steps: Sequence[Augmentation], classes: Sequence[str], seed: int, draws: int | None = None
    ) -> None:
        self._steps = tuple(step for step in steps if not step.mixes)
        self._titles = dict(enumerate(classes))
        self._seed = seed
        self._draws = None if all(step.repeats for step in self._steps) else draws
        self._chain = repr(self._steps)

    def __call__(self, photo: Photograph, *, epoch: int, name: str, label: int, occurrence: int) -> Photograph:
        """The image as it looks at its `occurrence`-th turn (from 0) in `epoch`.

        name: its `Sample.image`; label: its class, as a place in `classes`.

        Every step has random numbers of its own, so that how many one draws does not matter to the next. Steps that
        move pixels and follow one another move them together: see `warps`.
        """
        moves: Matrix | None = None
        for step, random in self._acting(self._key(epoch, name, occurrence), label):
            if isinstance(step, Warp):
                matrix = step.matrix(photo.shape[0], photo.shape[1], random)
                moves = matrix if moves is None else matrix @ moves
            else:
                photo = step.apply(photo if moves is None else warped(photo, moves), random)
                moves = None
        return photo if moves is None else warped(photo, moves)

    def variant(self, size: tuple[int, int], *, epoch: int, name: str, label: int, occurrence: int) -> Variant | None:
        """What is done to a photograph of that height and width in that turn; None for what never comes again."""
        key = self._key(epoch, name, occurrence)
        found = variant_of(self._acting(key, label), size)
        if found is None and self._draws is not None:
            return repr((self._chain, key, self._titles.get(label))).encode("utf-8", "surrogatepass")
        return found

    def _key(self, epoch: int, name: str, occurrence: int) -> tuple[int | str, ...]:
        """What the random numbers of a turn hang on, besides the place of a step in the chain."""
        if self._draws is None:
            return (self._seed, epoch, name, occurrence)
        draw = Chance("draw", self._seed, epoch, name, occurrence).integers(self._draws)
        return (self._seed, "draw", draw, name)

    def _acting(self, key: tuple[int | str, ...], label: int) -> Acting:
        title = self._titles.get(label)
        found = []
        for place, declared in enumerate(self._steps):
            random = Chance("augment", *key, place)
            step = acting(declared, title, random)
            if isinstance(step, OnImages):
                found.append((step, random))
        return found


def variant_of(acting: Acting, size: tuple[int, int]) -> Variant | None:
    """What these steps make of a photograph of that size together: of mirrors, the one that all of them are."""
    moves: Matrix = np.eye(3)
    for step, random in acting:
        if not (step.finite and isinstance(step, Warp)):
            return None
        moves = step.matrix(*size, random) @ moves
    return (moves + 0.0).tobytes()  # -0 becomes 0
