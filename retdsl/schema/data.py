"""What a `data` block and an `augment` chain can say: sources, splits, and steps on photographs."""

from __future__ import annotations

from retdsl.ir import Call
from retdsl.schema.model import REQUIRED, Entry, Option
from retdsl.schema.types import Fraction, Integer, Many, Name, Policy, RatioOf, Real, Steps, optional

_P = Option("p", Fraction(), 0.5, "Share of the images it is done to.")

SOURCES = (
    Entry(
        "csv",
        "data source",
        "A table with a row per photograph, comma, semicolon or tab between columns.",
        (
            Option(
                "path",
                Name("a file name", quoted=True),
                REQUIRED,
                "The table; relative to the spec's folder or `--root`.",
            ),
            Option("image", Name("a column"), "image", "Column with the photograph's path."),
            Option("label", Name("a column"), "label", "Column with its class."),
            Option("patient", optional(Name("a column")), None, "Column that tells patients apart."),
        ),
        ("path",),
        ("table", "tsv"),
    ),
    Entry(
        "folder",
        "data source",
        "A folder with one folder of photographs per class.",
        (
            Option(
                "path",
                Name("a folder name", quoted=True),
                REQUIRED,
                "The folder; relative to the spec's folder or `--root`.",
            ),
            Option(
                "patient",
                optional(Name("a regular expression", quoted=True)),
                None,
                "Regular expression on the file name whose first group is the patient.",
            ),
        ),
        ("path",),
        ("directory", "dir", "image_folder"),
    ),
    Entry(
        "synthetic_fundus",
        "data source",
        "Painted fundus photographs, two eyes a patient; infected eyes have lesions, some photographs are blurred.",
        (
            Option("n", Integer(12, 1_000_000), REQUIRED, "Number of photographs."),
            Option("ratio", RatioOf(), (200, 3), "Healthy to infected photographs."),
            Option("seed", Integer(0), 0, "Another seed paints other patients."),
            Option("size", Integer(64, 1024), 256, "Height and width in pixels."),
        ),
        ("n",),
        ("synthetic",),
    ),
)

SPLITS = (
    Entry(
        "by_patient",
        "split",
        "Divides patients, never the eyes of one, so that every class is spread alike.",
        (
            Option("train", Fraction(), 0.7, "Share of patients to learn from."),
            Option("valid", Fraction(), 0.15, "Share that chooses the best epoch and operating points."),
            Option("test", Fraction(), 0.15, "Share that gives the final figures."),
            Option("seed", Integer(0), 0, "Another seed divides them differently."),
        ),
    ),
)

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

DATA_KEYS = Entry(
    "data",
    "data block",
    "Where photographs and labels come from, how patients are split, how a photograph becomes the network's input.",
    (
        Option("source", Policy("data source"), REQUIRED, "Where photographs and labels come from."),
        Option("classes", Many(Name("a name or a text")), REQUIRED, "The classes; the last of two is the one to find."),
        Option("counts", optional(RatioOf(whole=True)), None, "How many photographs of each class there are in all."),
        Option("split", Policy("split"), Call("by_patient"), "How patients are divided."),
        Option("image", Steps("photo", ("image step",)), REQUIRED, "How a photograph becomes the network's input."),
    ),
)

INPUT = Entry(
    "input",
    "network input",
    "A network's input, where it starts with neither a backbone nor a data block's image.",
    (
        Option("channels", Integer(1, 64), REQUIRED, "Channels."),
        Option("height", Integer(1, 8192), REQUIRED, "Pixels."),
        Option("width", Integer(1, 8192), REQUIRED, "Pixels."),
    ),
    ("channels", "height", "width"),
)
