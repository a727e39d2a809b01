"""The loss heads, and the class weights that some of them take."""

from __future__ import annotations

from retdsl.schema.model import REQUIRED, Entry, Option
from retdsl.schema.types import Many, OneOf, Policy, Real, optional

_WEIGHTS = OneOf((Many(Real(0, above=True), least=1), Policy("class weighting")))

FINDINGS_LOSS = "Sigmoid"
"""The head for several findings at once; all others are for classes that exclude one another."""

ORDERED_LOSS = "Ordinal"
"""The head for which the order of the classes matters."""

_SMOOTHED_BY = "Szegedy et al. 2016, arXiv:1512.00567"


def _smoothing(doc: str) -> Option:
    return Option("smoothing", Real(0, 1, below=True), 0.0, doc)


_SMOOTHING = _smoothing("Share of a label that is spread evenly over all classes, so that no score grows without end.")

LOSSES = (
    Entry(
        "Softmax",
        "loss",
        "Cross-entropy of the softmax of the scores.",
        (_SMOOTHING,),
        aliases=("SoftmaxOutput", "CrossEntropy"),
        reference=_SMOOTHED_BY,
    ),
    Entry(
        "WSoftmax",
        "loss",
        "Cross-entropy in which an image of class c counts as much as the weight of c; the gradient of the scores is "
        "w[y] (p - onehot(y)).",
        (Option("weights", _WEIGHTS, REQUIRED, "A weight per class, or how they follow from the counts."), _SMOOTHING),
        ("weights",),
        ("WeightedSoftmax", "WeightedCrossEntropy"),
    ),
    Entry(
        "FocalSoftmax",
        "loss",
        "Cross-entropy times (1 - p)^gamma, so that images the network is sure of count little.",
        (
            Option("gamma", Real(0), 2.0, "How quickly easy images lose their weight; 0 is plain cross-entropy."),
            Option("weights", optional(_WEIGHTS), None, "A weight per class as well, called alpha in the paper."),
            _SMOOTHING,
        ),
        ("gamma",),
        ("FocalLoss", "Focal"),
        "Lin et al. 2017, arXiv:1708.02002",
    ),
    Entry(
        ORDERED_LOSS,
        "loss",
        "For grades, in the order of `classes`: the cross-entropy of each question whether the grade is above another, "
        "averaged over the questions, so that an answer costs the more the further off it is.",
        (
            Option("weights", optional(_WEIGHTS), None, "A weight per class, or how they follow from the counts."),
            _smoothing("Share of a label that goes to the grades beside it, as graders disagree."),
        ),
        ("weights",),
        ("OrdinalRegression", "RankedSoftmax"),
        "Toedter and Ahrens 2012, Monthly Weather Review 140; Niu et al. 2016, CVPR",
    ),
    Entry(
        FINDINGS_LOSS,
        "loss",
        "Binary cross-entropy of several findings at once, averaged over the findings.",
        (
            Option("weights", optional(_WEIGHTS), None, "A weight per finding, or how they follow from the counts."),
            Option(
                "positive",
                optional(Many(Real(0, above=True), least=1)),
                None,
                "Per finding, what a photograph that shows it counts against one that does not.",
            ),
            _smoothing("Share of every answer that is moved half way to the other."),
        ),
        ("weights",),
        ("BCELoss", "BCEWithLogitsLoss", "BinaryCrossEntropy", "LogisticRegressionOutput"),
    ),
)

CLASS_WEIGHTINGS = (
    Entry(
        "inverse_frequency",
        "class weighting",
        "The most frequent class over each class, by images of the training side; the most frequent class weighs 1.",
    ),
    Entry(
        "effective_number",
        "class weighting",
        "The inverse of (1 - beta^n) / (1 - beta), n being a class's images; the most frequent class weighs 1.",
        (Option("beta", Real(0, 0.999999999), 0.9999, "0 weighs all classes alike, near 1 nears inverse frequency."),),
        ("beta",),
        reference="Cui et al. 2019, arXiv:1901.05555",
    ),
)
