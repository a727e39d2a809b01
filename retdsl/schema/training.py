"""What a `train` block can say."""

from __future__ import annotations

from retdsl.ir import Call
from retdsl.schema.model import REQUIRED, Entry, Option
from retdsl.schema.types import (
    Choice,
    Fraction,
    Integer,
    Many,
    Nothing,
    OneOf,
    Part,
    Policy,
    Real,
    Reference,
    optional,
)

_WARMUP = Option("warmup", Real(0), 0.0, "Epochs in which the rate rises from 0 to its full value.")

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

CHECKPOINTS = (
    Entry(
        "every",
        "checkpoint rule",
        "Saves the whole network every n epochs.",
        (
            Option("n", Integer(1), 1, "Epochs between checkpoints."),
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

UNFREEZINGS = (
    Entry(
        "unfreeze",
        "unfreezing",
        "Trains a frozen part from an epoch on.",
        (
            Option(
                "what",
                OneOf((Many(Part(anywhere=True), least=1), Part(anywhere=True))),
                REQUIRED,
                "What is trained then.",
            ),
            Option("at_epoch", Integer(2), REQUIRED, "The first epoch that trains it."),
        ),
        ("what",),
        ("thaw",),
        "Howard and Ruder 2018, arXiv:1801.06146",
    ),
)

TRAIN_KEYS = Entry(
    "train",
    "train block",
    "One experiment.",
    (
        Option("model", Reference("model"), REQUIRED, "The network; it ends in a loss head."),
        Option("data", Reference("data"), REQUIRED, "The photographs."),
        Option("fold", optional(Integer(1)), None, "The fold that validates, where the data are split into folds."),
        Option(
            "freeze",
            OneOf((Many(OneOf((Part(), Policy("unfreezing")))), Part(), Policy("unfreezing"), Nothing())),
            None,
            "Parts of the network whose parameters and statistics do not change, and when they begin to.",
        ),
        Option(
            "sampling",
            OneOf((Reference("sampling"), Policy("sampling policy"))),
            Call("natural"),
            "What an epoch sees.",
        ),
        Option("augment", optional(Reference("augment")), None, "What is done to training images."),
        Option("optimizer", Policy("optimizer"), Call("sgd"), "How a gradient becomes a step."),
        Option("schedule", Policy("schedule"), Call("constant"), "How the learning rate changes."),
        Option("epochs", Integer(1, 1_000_000), 10, "Passes over what the sampling gives."),
        Option("batch", Integer(1, 65536), 32, "Images in a step."),
        Option(
            "last_batch",
            Choice(("keep", "pad", "drop")),
            "keep",
            "What becomes of the images left over at the end of an epoch: a smaller batch, or one filled up with "
            "images from its start, or nothing.",
        ),
        Option("metrics", Many(Policy("metric"), least=1), (Call("accuracy"), Call("auc")), "Figures of every epoch."),
        Option("checkpoint", Policy("checkpoint rule"), Call("every"), "When the network is saved, and what is kept."),
        Option("seed", Integer(0, 2**31 - 1), 0, "Of everything that is random."),
    ),
)
