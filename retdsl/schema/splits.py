"""How patients are divided into those to learn from, to validate on and to test on."""

from __future__ import annotations

from retdsl.schema.model import Entry, Option
from retdsl.schema.types import Fraction, Integer

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
