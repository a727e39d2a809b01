"""What a `train` block can say."""

from __future__ import annotations

from retdsl.ir import Call
from retdsl.schema.model import REQUIRED, Entry, Option
from retdsl.schema.types import (
    Choice,
    Each,
    Factor,
    Integer,
    Many,
    Nothing,
    OneOf,
    Part,
    Policy,
    Reference,
    optional,
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
        Option(
            "rate",
            Each(Part(anywhere=True), Factor()),
            (),
            "What the learning rate is multiplied by for a part of the network; `head` is all that is in no backbone.",
        ),
        Option("epochs", Integer(1, 1_000_000), 10, "Passes over what the sampling gives."),
        Option("batch", Integer(1, 65536), 32, "Images in a step."),
        Option(
            "last_batch",
            Choice(("keep", "pad", "drop")),
            "keep",
            "What becomes of the images left over at the end of an epoch: a smaller batch, or one filled up with "
            "images from its start, or nothing.",
        ),
        Option(
            "views",
            optional(Many(Policy("view"), least=1)),
            None,
            "What a photograph is shown as, besides as it is, when the network predicts; the answers are averaged.",
        ),
        Option("accumulate", Integer(1, 65536), 1, "Batches whose gradients make one step."),
        Option("clip", optional(Policy("clipping")), None, "How far a gradient may reach."),
        Option(
            "average", optional(Policy("average")), None, "Of the weights, which is judged and saved in their place."
        ),
        Option(
            "precision",
            optional(Policy("precision")),
            None,
            "In which precision the frozen part is computed; else float32.",
        ),
        Option("metrics", Many(Policy("metric"), least=1), (Call("accuracy"), Call("auc")), "Figures of every epoch."),
        Option("checkpoint", Policy("checkpoint rule"), Call("every"), "When the network is saved, and what is kept."),
        Option("validate", optional(Policy("rhythm")), None, "How often validation is done; without it, every epoch."),
        Option("stop", optional(Policy("stop rule")), None, "When training ends before its last epoch."),
        Option("log", optional(Policy("rhythm")), None, "How often steps.jsonl gets a line."),
        Option(
            "devices",
            optional(Many(Policy("device"), least=1)),
            None,
            "What trains, each device a share of every batch; without it, the first GPU, or the processor.",
        ),
        Option(
            "cache",
            optional(Policy("cache")),
            Call("features"),
            "Whether what the frozen part makes of photographs is kept.",
        ),
        Option("seed", Integer(0, 2**31 - 1), 0, "Of everything that is random."),
    ),
)

_PLANNED = frozenset(
    {
        *("model", "data", "fold", "freeze", "sampling", "augment"),
        *("optimizer", "schedule", "epochs", "batch", "metrics", "checkpoint", "seed"),
    }
)

TRAINING_SETTINGS = tuple(option.name for option in TRAIN_KEYS.options if option.name not in _PLANNED)
"""Keys of a train block that a plan has no field for: they travel as its settings."""
