"""The loss heads, and the class weights that some of them take."""

from __future__ import annotations

from retdsl.schema.model import REQUIRED, Entry, Option
from retdsl.schema.types import Many, OneOf, Policy, Real, optional

_WEIGHTS = OneOf((Many(Real(0, above=True), least=1), Policy("class weighting")))

FINDINGS_LOSS = "Sigmoid"
"""The head for several findings at once; all others are for classes that exclude one another."""

LOSSES = (
    Entry("Softmax", "loss", "Cross-entropy of the softmax of the scores.", aliases=("SoftmaxOutput", "CrossEntropy")),
    Entry(
        "WSoftmax",
        "loss",
        "Cross-entropy in which an image of class c counts as much as the weight of c; the gradient of the scores is "
        "w[y] (p - onehot(y)).",
        (Option("weights", _WEIGHTS, REQUIRED, "A weight per class, or how they follow from the class counts."),),
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
        ),
        ("gamma",),
        ("FocalLoss", "Focal"),
        "Lin et al. 2017, arXiv:1708.02002",
    ),
    Entry(
        FINDINGS_LOSS,
        "loss",
        "Binary cross-entropy of several findings at once, averaged over the findings.",
        (Option("weights", optional(_WEIGHTS), None, "A weight per finding, or how they follow from the counts."),),
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
