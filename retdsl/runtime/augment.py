"""Augmentation: training images that differ a little each time they are seen.

Enters: prepared photographs, uint8 `[H, W, C]`. Leaves: the same kind and size, contiguous; images stay uint8 up to the
last step, `normalize`, because pixels of a byte cost a quarter to move.
Guaranteed: what happens to an image depends only on (seed, epoch, image, occurrence within the epoch), so any number
of threads, in any order, makes the same epoch. What enters is never written to.
"""

from __future__ import annotations

from collections.abc import Sequence

from retdsl.runtime.augmentation import Augmentation, OnImages, acting
from retdsl.runtime.decode import Photograph
from retdsl.runtime.randomness import Chance
from retdsl.runtime.warps import Matrix, Warp, warped


class Augmenter:
    """The steps of a chain on single images, one after the other; those that mix images are left to `mixing`.

    classes: of the data, in order: steps name those that they act on; seed: of the experiment.
    """

    def __init__(self, steps: Sequence[Augmentation], classes: Sequence[str], seed: int) -> None:
        self._steps = tuple(step for step in steps if not step.mixes)
        self._titles = dict(enumerate(classes))
        self._seed = seed

    def __call__(self, photo: Photograph, *, epoch: int, name: str, label: int, occurrence: int) -> Photograph:
        """The image as it looks at its `occurrence`-th turn (from 0) in `epoch`.

        name: its `Sample.image`; label: its class, as a place in `classes`.

        Every step has random numbers of its own, so that how many one draws does not matter to the next. Steps that
        move pixels and follow one another move them together: see `warps`.
        """
        title = self._titles.get(label)
        moves: Matrix | None = None
        for place, declared in enumerate(self._steps):
            random = Chance("augment", self._seed, epoch, name, occurrence, place)
            step = acting(declared, title, random)
            if isinstance(step, Warp):
                matrix = step.matrix(photo.shape[0], photo.shape[1], random)
                moves = matrix if moves is None else matrix @ moves
            elif isinstance(step, OnImages):
                photo = step.apply(photo if moves is None else warped(photo, moves), random)
                moves = None
        return photo if moves is None else warped(photo, moves)
