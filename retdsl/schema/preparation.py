"""Steps of the `image` chain: what becomes of every photograph, whichever side it is on."""

from __future__ import annotations

from retdsl.schema.model import REQUIRED, Entry, Option
from retdsl.schema.types import Fraction, Integer, Many, Name, Real, optional

PREPARE = (
    Entry(
        "crop_circle",
        "image step",
        "Finds the retina's disc on the black surround and cuts out the square around it.",
        (Option("threshold", Fraction(), 0.06, "Brightness, as a share of white, that counts as retina."),),
    ),
    Entry(
        "resize",
        "image step",
        "Brings the image to a size, averaging pixels when it shrinks.",
        (
            Option("height", Integer(8, 4096), REQUIRED, "Pixels."),
            Option("width", Integer(8, 4096), REQUIRED, "Pixels."),
        ),
        ("height", "width"),
    ),
)

NORMALIZE = Entry(
    "normalize",
    "image step",
    "(x * scale - mean) / std for every pixel x from 0 to 1, red, green, blue. Always the last step.",
    (
        Option("mean", optional(Many(Real(), length=3)), None, "Subtracted from red, green, blue."),
        Option(
            "mean_image",
            optional(Name("a file name", quoted=True)),
            None,
            "In place of `mean`: MXNet's mean image; relative to the spec's folder or `--root`.",
        ),
        Option("std", Many(Real(0, above=True), length=3), (1.0, 1.0, 1.0), "Divides red, green, blue."),
        Option(
            "scale",
            Real(0, above=True),
            1.0,
            "255 for networks trained on pixel values from 0 to 255, as it is with `mean_image` unless given.",
        ),
    ),
    ("mean", "std"),
)
