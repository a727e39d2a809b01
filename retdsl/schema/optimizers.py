"""The optimizers: how a gradient becomes a step."""

from __future__ import annotations

from retdsl.schema.model import Entry, Option
from retdsl.schema.types import Real

OPTIMIZERS = (
    Entry(
        "sgd",
        "optimizer",
        "Stochastic gradient descent with momentum.",
        (
            Option("lr", Real(0, above=True), 0.01, "Learning rate."),
            Option("momentum", Real(0, 0.9999), 0.0, "Share of the last step that is kept."),
            Option("wd", Real(0), 0.0, "Weight decay; biases and BatchNorm's shifts are left alone."),
        ),
        ("lr",),
        ("SGD",),
    ),
    Entry(
        "adam",
        "optimizer",
        "Steps scaled by running means of the gradient and its square.",
        (
            Option("lr", Real(0, above=True), 0.001, "Learning rate."),
            Option("beta1", Real(0, 0.999999), 0.9, "Decay of the mean gradient."),
            Option("beta2", Real(0, 0.999999), 0.999, "Decay of the mean square."),
            Option("epsilon", Real(0, above=True), 1e-8, "Keeps the divisor from 0."),
            Option("wd", Real(0), 0.0, "Weight decay; biases and BatchNorm's shifts are left alone."),
        ),
        ("lr",),
        ("Adam", "adamw"),
        "Kingma and Ba 2015, arXiv:1412.6980",
    ),
)
