"""What is done to images: steps of an `augment` chain, anew every time one is trained on, and views to predict."""

from __future__ import annotations

from retdsl.schema.model import REQUIRED, Entry, Option
from retdsl.schema.types import Fraction, Integer, Many, Name, Policy, Real, Type, optional

CATEGORY = "augmentation"

MIXING = frozenset({"mixup", "cutmix"})
"""Steps that blend images of a batch, and so stand behind all that change single ones."""

OF_COLOURS = frozenset({"hue", "saturation"})
"""Steps that change nothing where there are no colours."""

FINITE = frozenset({"rotate180", "flip_horizontal", "flip_vertical"})
"""Steps that do the same whenever they act, so that what they leave of an image comes again."""

PARTICULAR = MIXING | OF_COLOURS | {"one_of"}
"""Steps that cannot stand everywhere, or be used with all photographs."""


def _step(
    name: str, doc: str, *options: Option, p: float = 1.0, aliases: tuple[str, ...] = (), reference: str | None = None
) -> Entry:
    """A row: every step has a `p` and an `on`; its own first option may go unnamed."""
    chance = (
        Option("p", Fraction(), p, "Share of the images it is done to."),
        Option("on", optional(Many(Name("a class"), least=1)), None, "Classes whose images alone it is done to."),
    )
    unnamed = tuple(option.name for option in options[:1])
    return Entry(name, CATEGORY, doc, (*options, *chance), unnamed, aliases, reference)


def _at_most(name: str, kind: Type, default: float, doc: str) -> Option:
    return Option(name, kind, default, f"{doc}; how much is drawn anew each time.")


AUGMENTATIONS = (
    _step(
        "gaussian_noise",
        "Adds noise to every pixel.",
        Option("sigma", Real(0, 1), 0.02, "Standard deviation, as a share of white."),
        aliases=("noise",),
    ),
    _step("rotate180", "Turns the image by half a turn.", p=0.5, aliases=("half_turn",)),
    _step("flip_horizontal", "Mirrors left and right.", p=0.5, aliases=("hflip", "fliplr", "flip")),
    _step("flip_vertical", "Mirrors top and bottom.", p=0.5, aliases=("vflip", "flipud")),
    _step(
        "rotate",
        "Turns the image about its centre; what comes in from outside is black.",
        _at_most("degrees", Real(0, 180), 15.0, "At most so far, either way"),
        aliases=("rotation",),
    ),
    _step(
        "zoom",
        "Magnifies the image about its centre, or makes it smaller on black.",
        _at_most("amount", Fraction(), 0.1, "With 10%, by a factor of at most 1.1, in or out"),
        aliases=("scale",),
    ),
    _step(
        "translate",
        "Shifts the image up or down and left or right; what comes in from outside is black.",
        _at_most("amount", Fraction(), 0.1, "At most so far each way, as a share of height and width"),
        aliases=("shift",),
    ),
    _step(
        "brightness",
        "Makes the image brighter or darker: multiplies all values by a factor.",
        _at_most("amount", Fraction(), 0.2, "With 20%, a factor from 0.8 to 1.2"),
    ),
    _step(
        "contrast",
        "Draws values away from the image's mean brightness, or towards it, by a factor.",
        _at_most("amount", Fraction(), 0.2, "With 20%, a factor from 0.8 to 1.2"),
    ),
    _step(
        "saturation",
        "Draws colours away from the grey of their brightness, or towards it, by a factor.",
        _at_most("amount", Fraction(), 0.2, "With 20%, a factor from 0.8 to 1.2"),
    ),
    _step(
        "hue",
        "Turns colours about the axis of greys; brightness stays.",
        _at_most("degrees", Real(0, 180), 5.0, "At most so far, either way, of 360"),
    ),
    _step(
        "blur",
        "Blurs the image by a Gaussian.",
        _at_most("sigma", Real(0, 32, above=True), 1.0, "Standard deviation in pixels, at most"),
        aliases=("gaussian_blur",),
    ),
    _step(
        "jpeg",
        "Compresses the image as a JPEG file does, and reads it again.",
        Option("quality", Integer(1, 100), 50, "At least this, of 100; how much is drawn anew each time."),
        aliases=("compression",),
    ),
    _step(
        "cutout",
        "Blackens squares anywhere in the image; a part of one may lie outside.",
        Option("size", Fraction(), 0.25, "Side of a square, as a share of the image's shorter side."),
        Option("holes", Integer(1, 64), 1, "How many squares."),
        aliases=("erase",),
        reference="DeVries & Taylor 2017, Improved Regularization of Convolutional Neural Networks with Cutout",
    ),
    _step(
        "one_of",
        "Does one of several steps, which then acts by its own `p` and `on`.",
        Option("steps", Many(Policy(CATEGORY), least=2), REQUIRED, "Steps to draw one of, anew each time."),
        Option(
            "weights",
            optional(Many(Real(0, above=True))),
            None,
            "How often each is drawn, against the others; without them, all alike.",
        ),
    ),
    _step(
        "mixup",
        "Blends the image, and what is to be learned of it, with another of its batch. Stands last.",
        Option("alpha", Real(0, 100, above=True), 0.2, "The image's share is drawn from Beta(alpha, alpha)."),
        reference="Zhang et al. 2018, mixup: Beyond Empirical Risk Minimization",
    ),
    _step(
        "cutmix",
        "Pastes a rectangle of another image of the batch, and blends what is to be learned by its area. Stands last.",
        Option("alpha", Real(0, 100, above=True), 1.0, "The image's share is drawn from Beta(alpha, alpha)."),
        reference="Yun et al. 2019, CutMix: Regularization Strategy to Train Strong Classifiers",
    ),
)

VIEW = "view"
"""Their category. Nothing in it draws anything: a view is the same for every photograph, and every time."""

VIEWS = (
    Entry("flip_horizontal", VIEW, "Mirrored left and right.", aliases=("hflip", "fliplr", "flip")),
    Entry("flip_vertical", VIEW, "Mirrored top and bottom.", aliases=("vflip", "flipud")),
    Entry("rotate180", VIEW, "Turned by half a turn, as if mirrored both ways.", aliases=("half_turn",)),
    Entry(
        "turn",
        VIEW,
        "Turned about its centre, clockwise; what comes in from outside is black.",
        (Option("degrees", Real(-180, 180), REQUIRED, "By how much."),),
        ("degrees",),
    ),
    Entry(
        "magnify",
        VIEW,
        "Magnified about its centre, or made smaller on black.",
        (Option("factor", Real(0.1, 10), REQUIRED, "Above 1 larger, below 1 smaller."),),
        ("factor",),
    ),
)
