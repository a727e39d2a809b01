"""Steps of an `augment` chain: what is done to training images, anew every time one is seen."""

from __future__ import annotations

from retdsl.schema.model import Entry, Option
from retdsl.schema.types import Fraction, Real

_P = Option("p", Fraction(), 0.5, "Share of the images it is done to.")

AUGMENTATIONS = (
    Entry(
        "gaussian_noise",
        "augmentation",
        "Adds noise to every pixel.",
        (
            Option("sigma", Real(0, 1), 0.02, "Standard deviation, as a share of white."),
            Option("p", Fraction(), 1.0, "Share of the images it is done to."),
        ),
        ("sigma",),
        ("noise",),
    ),
    Entry("rotate180", "augmentation", "Turns the image by half a turn.", (_P,), aliases=("half_turn",)),
    Entry("flip_horizontal", "augmentation", "Mirrors left and right.", (_P,), aliases=("hflip", "fliplr", "flip")),
    Entry("flip_vertical", "augmentation", "Mirrors top and bottom.", (_P,), aliases=("vflip", "flipud")),
)
