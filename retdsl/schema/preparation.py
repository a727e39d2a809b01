"""Steps of the `image` chain: what becomes of every photograph, whichever side it is on.

Each has a shape rule: from the photographs that it takes to those that it gives, or a ShapeError that says why it
cannot take them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from retdsl.ir import Value
from retdsl.records import dataclass, replace
from retdsl.schema.model import REQUIRED, Entry, Option, ShapeError
from retdsl.schema.types import Choice, Fraction, Integer, Many, Name, Real, optional

CATEGORY = "image step"


@dataclass(frozen=True, slots=True)
class Photographs:
    """What flows through the chain. height, width: pixels, None where each has its own; channels: 3 or 1; colours:
    whether the channels still differ.
    """

    height: int | None = None
    width: int | None = None
    channels: int = 3
    colours: bool = True


PHOTOGRAPHS = Photographs()
"""What the chain begins with: colour photographs of any size."""

PhotographRule: TypeAlias = Callable[[Photographs, Mapping[str, Value]], Photographs]


def _any_size(given: Photographs, _options: Mapping[str, Value]) -> Photographs:
    """Every photograph gets a size of its own."""
    return replace(given, height=None, width=None)


def _as_it_is(given: Photographs, _options: Mapping[str, Value]) -> Photographs:
    """The size stays."""
    return given


def _resized(given: Photographs, options: Mapping[str, Value]) -> Photographs:
    """Height x width."""
    return replace(given, height=_pixels(options["height"]), width=_pixels(options["width"]))


def _padded(given: Photographs, options: Mapping[str, Value]) -> Photographs:
    """The longer side both ways, or height x width."""
    height, width = _pixels(options["height"]), _pixels(options["width"])
    if height is None and width is None:
        side = None if given.height is None or given.width is None else max(given.height, given.width)
        return replace(given, height=side, width=side)
    if height is None or width is None:
        given_one, missing = ("height", "width") if width is None else ("width", "height")
        raise ShapeError(
            f"`pad` has a {given_one} and no {missing}",
            note="without both, it pads to a square",
            help=f"give `{missing}`, too, or neither",
        )
    if given.height is None or given.width is None:
        raise ShapeError(
            "`pad` gets photographs of any size, of which some may be larger than it makes them",
            note="without a size, it pads each to a square",
            help=f"write `pad => resize({height}, {width})`, or put a `resize` before it",
        )
    if given.height > height or given.width > width:
        raise ShapeError(
            f"`pad` gets photographs of {given.height} x {given.width}, which are larger than {height} x {width}",
            help=f"to make them smaller, `pad => resize({height}, {width})`",
        )
    return replace(given, height=height, width=width)


def _green(given: Photographs, options: Mapping[str, Value]) -> Photographs:
    """The size stays; all channels are the same."""
    if options["channels"] not in (1, 3):
        raise ShapeError(f"`green_channel` gives 3 channels or 1, not {options['channels']}")
    if not given.colours:
        raise ShapeError("the photographs have no colours left, of which green could be taken", help="take it once")
    return replace(given, channels=_pixels(options["channels"]) or 3, colours=False)


def _pixels(value: Value) -> int | None:
    return value if isinstance(value, int) else None


_SIDE = optional(Integer(8, 4096))

_STEPS: tuple[tuple[Entry, PhotographRule], ...] = (
    (
        Entry(
            "crop_circle",
            CATEGORY,
            "Finds the retina's disc on the black surround and cuts out the square around it.",
            (Option("threshold", Fraction(), 0.06, "Brightness, as a share of white, that counts as retina."),),
        ),
        _any_size,
    ),
    (
        Entry(
            "mask_circle",
            CATEGORY,
            "Makes black what is beyond a circle around the middle of the retina's disc, or what is within it.",
            (
                Option("radius", Fraction(), 0.8, "Of the circle, as a share of the disc's radius."),
                Option("keep", Choice(("inside", "outside")), "inside", "What of the photograph stays."),
            ),
        ),
        _as_it_is,
    ),
    (
        Entry(
            "pad",
            CATEGORY,
            "Puts a margin around the image: to a square, or to a size.",
            (
                Option("height", _SIDE, None, "Pixels; with neither height nor width, to a square."),
                Option("width", _SIDE, None, "Pixels."),
                Option(
                    "fill", Choice(("black", "edge")), "black", "What the margin shows; `edge`: the outermost pixels."
                ),
            ),
            ("height", "width"),
        ),
        _padded,
    ),
    (
        Entry(
            "resize",
            CATEGORY,
            "Brings the image to a size, averaging pixels when it shrinks.",
            (
                Option("height", Integer(8, 4096), REQUIRED, "Pixels."),
                Option("width", Integer(8, 4096), REQUIRED, "Pixels."),
            ),
            ("height", "width"),
        ),
        _resized,
    ),
    (
        Entry(
            "clahe",
            CATEGORY,
            "Evens out the contrast of lightness, tile by tile, without letting noise grow.",
            (
                Option("clip_limit", Real(1, 100), 2.0, "No value counts more than so many times the mean one."),
                Option("tiles", Integer(1, 64), 8, "Tiles across, and as many down."),
            ),
            reference="Zuiderveld 1994, Contrast Limited Adaptive Histogram Equalization",
        ),
        _as_it_is,
    ),
    (
        Entry(
            "subtract_local_average",
            CATEGORY,
            "Takes away what a pixel has in common with its surroundings; grey outside the disc.",
            (
                Option("sigma", Fraction(), 0.033, "How far surroundings reach, as a share of the disc's radius."),
                Option("strength", Real(0, 100, above=True), 4.0, "What the difference is multiplied by."),
                Option("mask", Fraction(), 0.9, "What is kept of the disc, as a share of its radius."),
            ),
            reference="Graham 2015, Kaggle Diabetic Retinopathy Detection competition report",
        ),
        _as_it_is,
    ),
    (
        Entry(
            "green_channel",
            CATEGORY,
            "Keeps green alone, in all three channels or as the only one.",
            (Option("channels", Integer(1, 3), 3, "3, as pretrained networks take them, or 1."),),
        ),
        _green,
    ),
)

PREPARE = tuple(entry for entry, _ in _STEPS)

PHOTOGRAPH_RULES: Mapping[str, PhotographRule] = {entry.name: rule for entry, rule in _STEPS}

OF_ANY_SIZE = frozenset(name for name, rule in PHOTOGRAPH_RULES.items() if rule is _any_size)
"""Steps behind which photographs differ in size, whatever they were before."""

NORMALIZE = Entry(
    "normalize",
    CATEGORY,
    "(x * scale - mean) / std for every pixel x from 0 to 1, red, green, blue. Always the last step.",
    (
        Option(
            "mean",
            optional(Many(Real(), least=1, round_brackets=True)),
            None,
            "Subtracted from red, green, blue; one value where there is one channel.",
        ),
        Option(
            "mean_image",
            optional(Name("a file name", quoted=True)),
            None,
            "In place of `mean`: MXNet's mean image; relative to the spec's folder or `--root`.",
        ),
        Option(
            "std", Many(Real(0, above=True), least=1, round_brackets=True), (1.0, 1.0, 1.0), "Divides red, green, blue."
        ),
        Option(
            "scale",
            Real(0, above=True),
            1.0,
            "255 for networks trained on pixel values from 0 to 255, as it is with `mean_image` unless given.",
        ),
    ),
    ("mean", "std"),
)
