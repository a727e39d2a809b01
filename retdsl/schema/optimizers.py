"""The optimizers: how a gradient becomes a step."""

from __future__ import annotations

from retdsl.schema.model import Entry, Option
from retdsl.schema.types import Boolean, Real


def _rate(default: float) -> Option:
    return Option("lr", Real(0, above=True), default, "Learning rate.")


def _memory(name: str, default: float, doc: str) -> Option:
    return Option(name, Real(0, 0.999999), default, doc)


def _betas(beta1: float = 0.9, beta2: float = 0.999) -> tuple[Option, Option]:
    return _memory("beta1", beta1, "Decay of the mean gradient."), _memory("beta2", beta2, "Decay of the mean square.")


def _epsilon(default: float) -> Option:
    return Option("epsilon", Real(0, above=True), default, "Keeps the divisor from 0.")


def _momentum(default: float) -> Option:
    return Option("momentum", Real(0, 0.9999), default, "Share of the last step that is kept.")


_WD = Option("wd", Real(0), 0.0, "Weight decay; biases and BatchNorm's shifts are left alone.")

OPTIMIZERS = (
    Entry(
        "sgd",
        "optimizer",
        "Stochastic gradient descent with momentum.",
        (
            _rate(0.01),
            _momentum(0.0),
            Option("nesterov", Boolean(), False, "Whether it looks ahead by its momentum."),
            _WD,
        ),
        ("lr",),
        ("SGD",),
        "Sutskever et al. 2013, ICML",
    ),
    Entry(
        "adam",
        "optimizer",
        "Steps scaled by running means of the gradient and its square.",
        (_rate(0.001), *_betas(), _epsilon(1e-8), _WD),
        ("lr",),
        ("Adam",),
        "Kingma and Ba 2015, arXiv:1412.6980",
    ),
    Entry(
        "adamw",
        "optimizer",
        "Adam whose weight decay does not pass through the running means.",
        (
            _rate(0.001),
            *_betas(),
            _epsilon(1e-8),
            Option(
                "wd", Real(0), 0.01, "Share of the rate by which weights shrink; not biases and BatchNorm's shifts."
            ),
        ),
        ("lr",),
        ("AdamW",),
        "Loshchilov and Hutter 2019, arXiv:1711.05101",
    ),
    Entry(
        "rmsprop",
        "optimizer",
        "Steps divided by the root of a running mean square.",
        (
            _rate(0.001),
            _memory("decay", 0.9, "Decay of the mean square."),
            Option("centered", Boolean(), False, "Whether the mean gradient is taken off the mean square."),
            Option("momentum", Real(0, 0.9999), 0.0, "Share of the last step that is kept, if it is centered."),
            _epsilon(1e-8),
            _WD,
        ),
        ("lr",),
        ("RMSprop", "RMSProp"),
        "Tieleman and Hinton 2012, Coursera; Graves 2013, arXiv:1308.0850",
    ),
    Entry(
        "adagrad",
        "optimizer",
        "Steps divided by the root of the sum of all squared gradients.",
        (_rate(0.01), _epsilon(1e-7), _WD),
        ("lr",),
        ("Adagrad", "AdaGrad"),
        "Duchi et al. 2011, JMLR 12",
    ),
    Entry(
        "adadelta",
        "optimizer",
        "Steps as large as those before, by the root of a running mean square.",
        (_rate(1.0), _memory("rho", 0.9, "Decay of the mean squares."), _epsilon(1e-5), _WD),
        ("lr",),
        ("Adadelta", "AdaDelta"),
        "Zeiler 2012, arXiv:1212.5701",
    ),
    Entry(
        "adamax",
        "optimizer",
        "Adam with the largest gradient in place of the mean square.",
        (_rate(0.002), *_betas(), _epsilon(1e-8), _WD),
        ("lr",),
        ("Adamax",),
        "Kingma and Ba 2015, arXiv:1412.6980",
    ),
    Entry(
        "nadam",
        "optimizer",
        "Adam that looks ahead by its momentum.",
        (
            _rate(0.001),
            *_betas(),
            _epsilon(1e-8),
            Option("schedule_decay", Real(0), 0.004, "How soon the momentum reaches beta1."),
            _WD,
        ),
        ("lr",),
        ("Nadam", "NAdam"),
        "Dozat 2016, ICLR workshop",
    ),
    Entry(
        "ftml",
        "optimizer",
        "Follows the leader of the latest gradients.",
        (_rate(0.0025), *_betas(beta1=0.6), _epsilon(1e-8), _WD),
        ("lr",),
        ("FTML",),
        "Zheng and Kwok 2017, ICML",
    ),
    Entry(
        "lamb",
        "optimizer",
        "Adam with a step as large as each layer's weights allow, for huge batches.",
        (_rate(0.001), *_betas(), _epsilon(1e-6), _WD),
        ("lr",),
        ("LAMB", "Lamb"),
        "You et al. 2020, arXiv:1904.00962",
    ),
    Entry(
        "lars",
        "optimizer",
        "sgd with a rate for each layer by its weights and gradients, for huge batches.",
        (
            _rate(0.1),
            _momentum(0.9),
            Option("eta", Real(0, above=True), 0.001, "How far a layer moves, as a share of its weights."),
            Option("wd", Real(0), 0.0, "Weight decay; biases and BatchNorm's parameters are left alone."),
        ),
        ("lr",),
        ("LARS",),
        "You et al. 2017, arXiv:1708.03888",
    ),
    Entry(
        "signum",
        "optimizer",
        "Steps of one size, by the sign of the running mean gradient.",
        (_rate(0.0001), _momentum(0.9), _WD),
        ("lr",),
        ("Signum", "signsgd"),
        "Bernstein et al. 2018, arXiv:1802.04434",
    ),
)
