"""How patients are divided into those to learn from, to validate on and to test on."""

from __future__ import annotations

from retdsl.schema.model import REQUIRED, Entry, Option
from retdsl.schema.types import Boolean, Fraction, Integer, Name, OneOf, optional

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
            Option(
                "stable",
                Boolean(),
                False,
                "Whether a patient's side never changes when others come or go; shares then hold on average only.",
            ),
        ),
    ),
    Entry(
        "folds",
        "split",
        "Divides patients into k folds, every class spread alike; one fold validates, all others are trained on.",
        (
            Option("k", Integer(2, 1000), REQUIRED, "How many folds."),
            Option("fold", Integer(1), 1, "The fold that validates; an experiment's own `fold` goes before it."),
            Option(
                "test",
                OneOf((Fraction(), Name("a word of the column"))),
                0.0,
                "Share of patients that is set aside first, for every fold the same; with a column, its word for them.",
            ),
            Option("seed", Integer(0), 0, "Another seed divides them differently."),
            Option("column", optional(Name("a column")), None, "The column that names what is tested on instead."),
            Option(
                "train", Name("a word of the column"), "train", "What the column calls those that the folds divide."
            ),
        ),
        ("k",),
        ("kfold", "cross_validation"),
    ),
    Entry(
        "by_column",
        "split",
        "Divides as a column of the source says.",
        (
            Option("column", Name("a column"), REQUIRED, "The column that names the side of every photograph."),
            Option("train", Name("a word of the column"), "train", "What the column calls the side to learn from."),
            Option(
                "valid",
                OneOf((Fraction(), Name("a word of the column"))),
                0.15,
                "What it calls the side that chooses the best epoch, or a share of the patients to learn from.",
            ),
            Option("test", optional(Name("a word of the column")), "test", "What it calls the test side."),
            Option("seed", Integer(0), 0, "Of drawing a share; another seed draws others."),
        ),
        ("column",),
    ),
)

LEAKS = ("patient", "identical", "similar")
"""What may stand on two sides of a split, and must not: the same patient, the same photograph, nearly the same one."""
