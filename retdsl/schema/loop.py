"""What else a training does between its batches: clipping, averaging, stopping early, and in which rhythm."""

from __future__ import annotations

from retdsl.schema.model import REQUIRED, Entry, Option
from retdsl.schema.types import Choice, Integer, OneOf, Policy, Real, optional

_LIMIT = Real(0, above=True)

CLIPPINGS = (
    Entry(
        "norm",
        "clipping",
        "Scales all gradients alike where their norm together is larger.",
        (Option("limit", _LIMIT, REQUIRED, "The largest norm."),),
        ("limit",),
        ("clip_grad_norm", "clip_grad_norm_", "clipnorm", "global_norm", "gradient_clip_norm"),
        "Pascanu et al. 2013, arXiv:1211.5063",
    ),
    Entry(
        "value",
        "clipping",
        "Cuts every number of the gradients off.",
        (Option("limit", _LIMIT, REQUIRED, "The largest number, either way."),),
        ("limit",),
        ("clip_grad_value", "clip_grad_value_", "clipvalue", "clip_gradient"),
    ),
)

AVERAGES = (
    Entry(
        "ema",
        "average",
        "The exponential average of the weights over the updates.",
        (Option("decay", Real(0, 0.999999), 0.999, "How much of the average each update keeps."),),
        ("decay",),
        ("ExponentialMovingAverage", "ModelEma", "ModelEmaV2", "AveragedModel", "swa", "polyak"),
        "Polyak and Juditsky 1992, SIAM; Tarvainen and Valpola 2017, arXiv:1703.01780",
    ),
)

PRECISIONS = (
    Entry(
        "int8",
        "precision",
        "8-bit integers, whose scales are set by photographs of the training side.",
        (
            Option("what", Choice(("frozen",)), REQUIRED, "What is computed so."),
            Option("photographs", Integer(1, 65536), 64, "How many set the scales."),
        ),
        ("what", "photographs"),
        ("quantize", "quantized", "qint8", "uint8"),
        "Jacob et al. 2018, arXiv:1712.05877",
    ),
    Entry(
        "bf16",
        "precision",
        "The range of float32 with 8 bits of precision.",
        (Option("what", Choice(("frozen",)), REQUIRED, "What is computed so."),),
        ("what",),
        ("bfloat16", "float16", "half", "amp", "mixed_precision"),
        "Kalamkar et al. 2019, arXiv:1905.12322",
    ),
)

STOPS = (
    Entry(
        "early",
        "stop rule",
        "Stops when a validation figure does not become better any more.",
        (
            Option("metric", OneOf((Policy("metric"), Choice(("loss",)))), REQUIRED, "One of the metrics, or `loss`."),
            Option("patience", Integer(1), 10, "Epochs without a better figure."),
            Option("min_delta", Real(0), 0.0, "What is no more than this is no better."),
        ),
        ("metric", "patience"),
        ("EarlyStopping", "early_stopping"),
        "Prechelt 1998, LNCS 1524",
    ),
)

RHYTHMS = (
    Entry(
        "every",
        "rhythm",
        "Once in so many batches or epochs.",
        (Option("n", Policy("period"), REQUIRED, "How many: `50 batches`, `2 epochs`."),),
        ("n",),
    ),
)

_NUMBER = Option("id", Integer(0, 255), 0, "Which of them, counted from 0.")

DEVICES = (
    Entry(
        "cpu",
        "device",
        "The processor; other numbers are the same one, to try out what is written for several devices.",
        (_NUMBER,),
        ("id",),
        ("CPU", "host"),
    ),
    Entry("gpu", "device", "A graphics card, by CUDA's number.", (_NUMBER,), ("id",), ("GPU", "cuda", "CUDA")),
)

CACHES = (
    Entry(
        "features",
        "cache",
        "What the frozen part makes of each photograph is computed once, and kept on the disk.",
        (
            Option(
                "draws",
                optional(Integer(1, 10_000)),
                None,
                "How many variants every photograph has where augmentation would never give the same image twice.",
            ),
        ),
    ),
)
