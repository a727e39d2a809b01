"""How much each class counts in the loss, from how many images of it there are to learn from.

Enters: numbers written in the spec, or a rule, and the class counts of the training pool. Leaves: one positive finite
weight a class. Guaranteed: the rules give the most frequent class weight 1; numbers of the spec stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from retdsl.runtime.errors import RunError


@dataclass(frozen=True, slots=True)
class inverse_frequency:
    """w_c = max(n) / n_c: every class weighs as much as the most frequent one in total."""

    def weights(self, counts: Sequence[int]) -> tuple[float, ...]:
        most = max(counts)
        return tuple(most / count for count in counts)


@dataclass(frozen=True, slots=True)
class effective_number:
    """w_c = (1 - beta) / (1 - beta^n_c), scaled so that the most frequent class has weight 1.

    beta: in [0, 1); 0 weighs all classes alike, towards 1 it becomes `inverse_frequency`.
    Source: Cui et al., Class-Balanced Loss Based on Effective Number of Samples, CVPR 2019.
    """

    beta: float = 0.9999

    def weights(self, counts: Sequence[int]) -> tuple[float, ...]:
        # 1 - beta^n through expm1: for beta near 1 the plain difference loses most of its digits.
        numbers = [-math.expm1(count * math.log(self.beta)) if self.beta > 0 else 1.0 for count in counts]
        return tuple(max(numbers) / number for number in numbers)


ClassWeights: TypeAlias = Sequence[float] | inverse_frequency | effective_number


def class_weights(
    chosen: ClassWeights | None, counts: Sequence[int], classes: Sequence[str]
) -> tuple[float, ...] | None:
    """The weight of every class, or None where the loss has none.

    counts: images of each class in the training pool, in the order of `classes`. Raises RunError when a rule meets a
    class without images, or when numbers are not one a class, positive and finite.
    """
    match chosen:
        case None:
            return None
        case inverse_frequency() | effective_number():
            empty = [name for name, count in zip(classes, counts, strict=True) if count == 0]
            if empty:
                raise RunError(
                    f"`{type(chosen).__name__}` cannot weigh a class that has no image to learn from",
                    items=(f"`{name}`: 0 images in the training split" for name in empty),
                    help="write the weights as numbers, or give every class an image",
                )
            return chosen.weights(counts)
        case _:
            return _checked(tuple(float(weight) for weight in chosen), classes)


def _checked(weights: tuple[float, ...], classes: Sequence[str]) -> tuple[float, ...]:
    if len(weights) != len(classes):
        raise RunError(f"{len(weights)} class weights for {len(classes)} classes ({', '.join(classes)})")
    if wrong := [f"{weight:g}" for weight in weights if not (math.isfinite(weight) and weight > 0)]:
        raise RunError("class weights must be positive numbers", items=wrong)
    return weights
