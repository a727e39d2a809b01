"""The schedules: how the learning rate changes during training."""

from __future__ import annotations

from retdsl.schema.model import Entry, Option
from retdsl.schema.types import Fraction, Integer, Many, Real, optional

_WARMUP = Option("warmup", Real(0), 0.0, "Epochs in which the rate rises from 0 to its full value.")
_FLOOR = Option("floor", Fraction(), 0.0, "Where it ends, as a share of the full rate.")

SCHEDULES = (
    Entry("constant", "schedule", "The learning rate stays.", (_WARMUP,)),
    Entry(
        "step",
        "schedule",
        "The learning rate falls by a factor every few epochs, or after some.",
        (
            Option("every", optional(Integer(1)), None, "Epochs between falls."),
            Option("factor", Real(0, 1, above=True), 0.1, "What it is multiplied by."),
            Option("at", optional(Many(Integer(1), least=1)), None, "Epochs after which it falls, instead of `every`."),
            _WARMUP,
        ),
        ("every", "factor"),
    ),
    Entry(
        "cosine",
        "schedule",
        "The learning rate falls along half a cosine to the end of training.",
        (_WARMUP, _FLOOR),
        reference="Loshchilov and Hutter 2017, arXiv:1608.03983",
    ),
    Entry(
        "polynomial",
        "schedule",
        "The learning rate falls as a power of what is left of training.",
        (Option("power", Real(0, above=True), 1.0, "The power; 1 is a straight line."), _FLOOR, _WARMUP),
        ("power",),
    ),
    Entry(
        "one_cycle",
        "schedule",
        "The learning rate rises to its full value and falls far below where it began.",
        (
            Option("peak", Real(0, 0.99, above=True), 0.3, "The share of training until the full rate."),
            Option("start", Real(1), 25.0, "The full rate divided by the first one."),
            Option("end", Real(1), 10_000.0, "The first rate divided by the last one."),
        ),
        ("peak",),
        reference="Smith 2018, arXiv:1803.09820",
    ),
)
