"""The schedules: how the learning rate changes during training."""

from __future__ import annotations

from retdsl.schema.model import REQUIRED, Entry, Option
from retdsl.schema.types import Fraction, Integer, Real

_WARMUP = Option("warmup", Real(0), 0.0, "Epochs in which the rate rises from 0 to its full value.")

SCHEDULES = (
    Entry("constant", "schedule", "The learning rate stays.", (_WARMUP,)),
    Entry(
        "step",
        "schedule",
        "The learning rate falls by a factor every few epochs.",
        (
            Option("every", Integer(1), REQUIRED, "Epochs between falls."),
            Option("factor", Real(0, 1, above=True), 0.1, "What it is multiplied by."),
            _WARMUP,
        ),
        ("every", "factor"),
    ),
    Entry(
        "cosine",
        "schedule",
        "The learning rate falls along half a cosine to the end of training.",
        (_WARMUP, Option("floor", Fraction(), 0.0, "Where it ends, as a share of the full rate.")),
        reference="Loshchilov and Hutter 2017, arXiv:1608.03983",
    ),
)
