"""What other libraries call options and keys, for suggestions only: nothing here can be written in a spec."""

from __future__ import annotations

from collections.abc import Collection

_SYNONYMS: dict[str, tuple[str, ...]] = {
    "num_filter": ("filters", "channels", "out_channels"),
    "kernel": ("kernel_size", "pool_size", "size", "window"),
    "pad": ("padding",),
    "dilate": ("dilation", "dilation_rate"),
    "num_group": ("groups",),
    "no_bias": ("bias", "use_bias"),
    "num_hidden": ("units", "hidden", "out_features", "outputs"),
    "eps": ("epsilon",),
    "epsilon": ("eps",),
    "fix_gamma": ("affine", "scale", "learn_gamma"),
    "act_type": ("type", "kind", "activation"),
    "slope": ("alpha", "negative_slope"),
    "pool_type": ("type", "kind", "mode"),
    "p": ("prob", "probability", "rate", "drop"),
    "dim": ("axis",),
    "a_min": ("min", "low"),
    "a_max": ("max", "high"),
    "lr": ("learning_rate", "rate"),
    "wd": ("weight_decay", "decay"),
    "beta1": ("betas", "beta_1"),
    "every": ("step_size",),
    "factor": ("gamma",),
    "weights": ("alpha", "class_weight", "class_weights"),
    "epochs": ("num_epochs", "n_epochs", "num_epoch", "max_epochs"),
    "batch": ("batch_size", "batchsize"),
    "freeze": ("frozen",),
    "checkpoint": ("save", "save_every"),
    "model": ("network", "net"),
    "data": ("dataset",),
    "schedule": ("scheduler", "lr_schedule"),
    "augment": ("augmentation", "transform", "transforms"),
    "seed": ("random_state", "random_seed"),
    "sigma": ("std", "stddev"),
    "valid": ("val", "validation", "dev"),
    "std": ("sigma", "stddev"),
    "n": ("number", "count", "images"),
    "path": ("file", "filename", "root"),
    "patient": ("group", "subject", "patient_id"),
    "classes": ("labels", "class_names"),
    "image": ("images", "input", "prepare"),
    "metric": ("monitor",),
    "keep": ("save_best", "monitor"),
}


def synonyms(names: Collection[str]) -> dict[str, str]:
    """The words that may stand for one of `names`, each with the name it stands for."""
    return {word: name for name in names for word in _SYNONYMS.get(name, ())}
