"""The keys of a `data` block, and a network's input where no data block gives it."""

from __future__ import annotations

from retdsl.ir import Call
from retdsl.schema.model import REQUIRED, Entry, Option
from retdsl.schema.sources import SOURCE
from retdsl.schema.splits import LEAKS
from retdsl.schema.types import Choice, Integer, Many, Name, Nothing, OneOf, Policy, RatioOf, Steps, optional

DATA_KEYS = Entry(
    "data",
    "data block",
    "Where photographs and labels come from, how patients are split, how a photograph becomes the network's input.",
    (
        Option("source", SOURCE, REQUIRED, "Where photographs and labels come from."),
        Option("labels", optional(Policy("agreement of graders")), None, "How several graders' labels become one."),
        Option("classes", Many(Name("a name or a text")), REQUIRED, "The classes; the last of two is the one to find."),
        Option("counts", optional(RatioOf(whole=True)), None, "How many photographs of each class there are in all."),
        Option("split", Policy("split"), Call("by_patient"), "How patients are divided."),
        Option("test", OneOf((*SOURCE.types, Nothing())), None, "Photographs from elsewhere that are all to test on."),
        Option("exclude", optional(Policy("exclusion")), None, "Which photographs stay out of the study."),
        Option("allow_leaks", Many(Choice(LEAKS)), (), "What may stand on two sides of the split."),
        Option("image", Steps("photo", ("image step",)), REQUIRED, "How a photograph becomes the network's input."),
        Option(
            "on_bad_image",
            Choice(("error", "skip")),
            "error",
            "Whether photographs that cannot be read are an error, or are left out and counted.",
        ),
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
