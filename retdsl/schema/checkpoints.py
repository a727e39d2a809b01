"""When a network is saved and what is kept, and the periods that things are done in."""

from __future__ import annotations

from retdsl.schema.model import REQUIRED, Entry, Option
from retdsl.schema.types import Integer, OneOf, Policy, optional

PERIODS = (
    Entry(
        "batches",
        "period",
        "So many batches; written `200 batches`.",
        (Option("n", Integer(1), REQUIRED, "How many."),),
        ("n",),
    ),
    Entry(
        "epochs",
        "period",
        "So many epochs; written `2 epochs`.",
        (Option("n", Integer(1), REQUIRED, "How many."),),
        ("n",),
    ),
)

CHECKPOINTS = (
    Entry(
        "every",
        "checkpoint rule",
        "Saves the whole network every n epochs.",
        (
            Option(
                "n",
                OneOf((Integer(1), Policy("period"))),
                1,
                "How often: epochs, or a number of batches as well, as in `every(200 batches)`.",
            ),
            Option("from", Integer(0), 0, "Epochs that pass before counting starts."),
            Option("keep", optional(Policy("choice of checkpoints")), None, "Which to keep; without it, all."),
        ),
        ("n",),
    ),
)

KEEPS = (
    Entry(
        "best",
        "choice of checkpoints",
        "The best epoch by a metric on the validation side, and the last one.",
        (Option("metric", Policy("metric"), REQUIRED, "One of the metrics that the training computes."),),
        ("metric",),
    ),
)
