"""Sampling policies: which images an epoch sees."""

from __future__ import annotations

from retdsl.schema.model import REQUIRED, Entry, Option
from retdsl.schema.types import Boolean, Choice, Integer, Nothing, OneOf, Policy, RatioOf, Real, optional

_SIZE = optional(Integer(1))
_RATIO = optional(RatioOf())
_BY = Option(
    "by",
    optional(Choice(("patient",))),
    None,
    "`patient` draws patients, and each time one of their images; all numbers are then numbers of patients.",
)
_ENDS = (RatioOf(), Choice(("natural",)))

SAMPLINGS = (
    Entry(
        "natural",
        "sampling policy",
        "Every training image once an epoch, in a new order.",
        (
            Option("size", _SIZE, None, "Images an epoch, drawn anew every time; without it, all."),
            _BY,
        ),
        aliases=("all",),
    ),
    Entry(
        "balanced_subset",
        "sampling policy",
        "One set with as many images of every class, drawn once; every epoch sees just these.",
        (
            Option("seed", Integer(0), 0, "Another seed draws another set."),
            Option("size", _SIZE, None, "Images in all; without it, every class as often as the rarest occurs."),
            _BY,
        ),
        aliases=("undersample", "balanced"),
    ),
    Entry(
        "resample",
        "sampling policy",
        "Draws every class anew from the whole training side, in a ratio. A class with too few images repeats them "
        "evenly.",
        (
            Option("ratio", _RATIO, None, "Classes in their order; without it, all alike."),
            Option("each", Choice(("epoch",)), "epoch", "When it draws."),
            Option("replace", Boolean(), False, "Draws every image by itself, so that repeats are left to chance."),
            Option("size", _SIZE, None, "Images an epoch; without it, as many as the rarest class allows unrepeated."),
            _BY,
        ),
    ),
    Entry(
        "oversample",
        "sampling policy",
        "Every image at least once; those of classes that are too rare for the ratio are repeated evenly.",
        (
            Option("ratio", _RATIO, None, "Classes in their order; without it, all alike."),
            _BY,
        ),
    ),
    Entry(
        "class_aware",
        "sampling policy",
        "The classes in turn. Each has a list of its images that goes on from epoch to epoch and is shuffled when it "
        "is at its end.",
        (
            Option("size", _SIZE, None, "Images an epoch; without it, as many as there are to learn from."),
            _BY,
        ),
        reference="Shen, Lin and Huang, Relay Backpropagation for Effective Learning of Deep Convolutional Neural "
        "Networks, ECCV 2016",
    ),
    Entry(
        "progressive",
        "sampling policy",
        "Draws every class anew in shares that move, epoch by epoch, from those of one ratio to those of another.",
        (
            Option(
                "from", OneOf(_ENDS), "natural", "The ratio of the first epoch; `natural` for that of the photographs."
            ),
            Option(
                "to", OneOf((*_ENDS, Nothing())), None, "The ratio that it ends with; without it, all classes alike."
            ),
            Option("epochs", Integer(2), REQUIRED, "The number of the first epoch that has the last ratio."),
            Option("size", _SIZE, None, "Images an epoch; without it, as many as the rarest class allows unrepeated."),
            _BY,
        ),
        reference="Kang et al., Decoupling Representation and Classifier for Long-Tailed Recognition, ICLR 2020",
    ),
    Entry(
        "hard",
        "sampling policy",
        "From the second epoch on, a part of what another policy draws is replaced by the images of the same class "
        "with the largest losses when last seen.",
        (
            Option("fraction", Real(0, 1, above=True), REQUIRED, "How much of every class is replaced."),
            Option("of", optional(Policy("sampling policy")), None, "The other policy; without it, `natural`."),
        ),
        unnamed=("fraction",),
        reference="Shrivastava, Gupta and Girshick, Training Region-based Object Detectors with Online Hard Example "
        "Mining, CVPR 2016",
    ),
)
