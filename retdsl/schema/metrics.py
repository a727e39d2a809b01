"""The metrics: the figures that a study is judged by."""

from __future__ import annotations

from retdsl.schema.model import Entry, Option
from retdsl.schema.types import Choice, Fraction, Integer, optional

_PREVALENCE = "Where so many are positive, by Bayes' rule; without it, among the images at hand."

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
        "pr_auc",
        "metric",
        "Average precision; for more than two classes, one against the rest.",
        aliases=("average_precision", "auprc"),
        reference="J. Davis and M. Goadrich, ICML 2006",
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
    Entry(
        "ppv",
        "metric",
        "Positive predictive value: how likely a positive answer is right.",
        (Option("at_prevalence", optional(Fraction(inside=True)), None, _PREVALENCE),),
        aliases=("precision", "positive_predictive_value"),
    ),
    Entry(
        "npv",
        "metric",
        "Negative predictive value: how likely a negative answer is right.",
        (Option("at_prevalence", optional(Fraction(inside=True)), None, _PREVALENCE),),
        aliases=("negative_predictive_value",),
    ),
    Entry(
        "f1",
        "metric",
        "Harmonic mean of sensitivity and positive predictive value; for more than two classes, averaged over them.",
        aliases=("f1_score", "dice"),
    ),
    Entry(
        "quadratic_kappa",
        "metric",
        "Agreement of grades beyond chance; being wrong by two grades is four times as bad as by one.",
        aliases=("qwk", "quadratic_weighted_kappa"),
        reference="J. Cohen, Psychological Bulletin 1968",
    ),
    Entry(
        "brier",
        "metric",
        "Mean squared distance of probability and truth; lower is better.",
        aliases=("brier_score",),
        reference="G. W. Brier, Monthly Weather Review 1950",
    ),
    Entry(
        "calibration_error",
        "metric",
        "How far, on average, a probability is from the share for which it comes true; lower is better.",
        (
            Option("bins", Integer(1), 10, "How many bins of similar probabilities are looked at."),
            Option("equal", Choice(("mass", "width")), "mass", "What all bins have alike: images, or width."),
        ),
        aliases=("ece", "expected_calibration_error"),
        reference="M. P. Naeini et al., AAAI 2015; R. Roelofs et al., AISTATS 2022",
    ),
)

TWO_CLASS_METRICS = frozenset({"sensitivity", "specificity", "ppv", "npv"})
"""Those that ask for one class to find and another to leave alone."""

GRADED_METRICS = frozenset({"quadratic_kappa"})
"""Those of classes that are grades, in order."""

PROBABILITY_METRICS = frozenset({"brier", "calibration_error"})
"""Those that take probabilities at their word."""
