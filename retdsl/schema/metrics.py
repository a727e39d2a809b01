"""The metrics: the figures that a study is judged by."""

from __future__ import annotations

from retdsl.schema.model import Entry, Option
from retdsl.schema.types import Fraction, optional

METRICS = (
    Entry("accuracy", "metric", "Share of images whose most probable class is right.", aliases=("acc",)),
    Entry("balanced_accuracy", "metric", "Mean over the classes of the share recognised.", aliases=("uar",)),
    Entry("multi_ace", "metric", "Mean cross-entropy of each class, averaged over classes; lower is better."),
    Entry(
        "auc",
        "metric",
        "Area under the ROC curve; for more than two classes, one against the rest.",
        aliases=("roc_auc", "auroc"),
    ),
    Entry(
        "sensitivity",
        "metric",
        "Share of the last class's images that are found.",
        (
            Option(
                "at_specificity",
                optional(Fraction()),
                None,
                "At the threshold that keeps this specificity; without it, where the last class is most probable.",
            ),
        ),
        aliases=("recall", "tpr", "true_positive_rate"),
    ),
    Entry(
        "specificity",
        "metric",
        "Share of the first class's images that are left alone.",
        (Option("at_sensitivity", optional(Fraction()), None, "At the threshold that keeps this sensitivity."),),
        aliases=("tnr", "true_negative_rate"),
    ),
)

TWO_CLASS_METRICS = frozenset({"sensitivity", "specificity"})
