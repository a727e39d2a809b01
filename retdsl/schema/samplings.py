"""Sampling policies: which images an epoch sees."""

from __future__ import annotations

from retdsl.schema.model import Entry, Option
from retdsl.schema.types import Choice, Integer, RatioOf, optional

_SIZE = optional(Integer(1))

SAMPLINGS = (
    Entry("natural", "sampling policy", "Every training image once an epoch, in a new order.", aliases=("all",)),
    Entry(
        "balanced_subset",
        "sampling policy",
        "One set with as many images of every class, drawn once; every epoch sees just these.",
        (
            Option("seed", Integer(0), 0, "Another seed draws another set."),
            Option("size", _SIZE, None, "Images in all; without it, every class as often as the rarest occurs."),
        ),
        aliases=("undersample", "balanced"),
    ),
    Entry(
        "resample",
        "sampling policy",
        "Draws every class anew from the whole training side, in a ratio. A class with too few images repeats them "
        "evenly.",
        (
            Option("ratio", optional(RatioOf()), None, "Classes in their order; without it, all alike."),
            Option("each", Choice(("epoch",)), "epoch", "When it draws."),
            Option("size", _SIZE, None, "Images an epoch; without it, as many as the rarest class allows unrepeated."),
        ),
        aliases=("oversample",),
    ),
)
