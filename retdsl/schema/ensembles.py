"""What an `ensemble` block can say."""

from __future__ import annotations

from retdsl.schema.model import REQUIRED, Entry, Option
from retdsl.schema.types import Choice, Integer, Many, Reference, optional

ENSEMBLE_KEYS = Entry(
    "ensemble",
    "ensemble block",
    "Several networks that answer together: the mean of what each of them says.",
    (
        Option("of", Many(Reference("train"), least=1), REQUIRED, "The experiments whose networks answer."),
        Option(
            "folds",
            optional(Choice(("all",))),
            None,
            "Whether each is trained once for every fold of its data's split, instead of for its own fold alone.",
        ),
        Option("repeats", Integer(1, 100), 1, "How many times each is trained, with seeds that count up from its own."),
    ),
)
