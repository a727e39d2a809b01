"""Which photographs stay out of a study, and what an audit can flag of a photograph."""

from __future__ import annotations

from retdsl.schema.model import REQUIRED, Entry, Option
from retdsl.schema.types import Choice, Many, Name

FLAGS = {
    "unreadable": "The file is not there, is damaged, or is no photograph.",
    "no_field": "There is no bright disc in the picture: it is black, or shows no retina.",
    "conflicting": "The same photograph is there more than once, with different labels: at least one of them is wrong.",
    "suspected_label": "A classifier that has never seen this patient is sure of another label: look at it again.",
    "blurred": "The smallest vessels cannot be seen: out of focus, moved, or seen through a cloudy lens.",
    "dark": "Too little light: most of the retina, or a large part of it, is in the dark.",
    "bright": "Too much light: the retina is washed out, or a part of it is plain white.",
    "low_contrast": "Vessels and lesions hardly stand out of their surroundings, as through haze.",
    "small_field": "The retina's disc fills little of the picture, or part of it is missing.",
    "duplicate": "A copy of another photograph, or nearly so: of those that are one, all but the first by name.",
    "eyes_disagree": "Photographs of one patient have different labels. That may well be so, and is no error.",
}
"""What an audit can say of a photograph, the worst first, and what it means."""

EXCLUSIONS = (
    Entry(
        "audit",
        "exclusion",
        "Leaves out the photographs that have one of these flags in the table that `retdsl audit` wrote.",
        (
            Option(
                "path",
                Name("a file name", quoted=True),
                REQUIRED,
                "The table; relative to the spec's folder or `--root`.",
            ),
            Option("flags", Many(Choice(tuple(FLAGS)), least=1), REQUIRED, "What is left out."),
        ),
        ("path", "flags"),
    ),
)
