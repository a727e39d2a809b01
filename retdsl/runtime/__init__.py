"""What generated programs import. Of retdsl it needs only `weights` beside it, so that a copy of both runs alone.

Everything a program names is here: the parts of an experiment, under the names and options they have in a spec, and
`main`, which runs it. A name's module is imported when the name is first asked for, so that whoever needs only a small
part (the command line writes files) pays only for that. MXNet comes last of all: when the first symbol is built, after
`main` has set the number of threads.
"""

from importlib import import_module
from typing import Any

_NAMES_OF_MODULES = {
    "agreement": ("consensus",),
    "augmentation": ("one_of",),
    "average": ("ema",),
    "callbacks": ("every_batches", "every_epochs"),
    "checkpoint": ("best", "every"),
    "class_weights": ("effective_number", "inverse_frequency"),
    "classes_in_turn": ("class_aware",),
    "clipping": ("norm", "value"),
    "colours": ("brightness", "contrast", "hue", "saturation"),
    "dataset": ("Data",),
    "defects": ("blur", "cutout", "gaussian_noise", "jpeg"),
    "devices": ("cpu", "gpu"),
    "enhance": ("clahe", "green_channel", "subtract_local_average"),
    "errors": ("RunError",),
    "exclusion": ("audit",),
    "experiment": ("Experiment", "Training"),
    "feature_cache": ("features",),
    "folders": ("folder",),
    "hard_examples": ("hard",),
    "joined_sources": ("joined",),
    "labels": ("findings", "rule"),
    "losses": ("FocalSoftmax", "Ordinal", "Sigmoid", "Softmax", "WSoftmax"),
    "metrics": (
        *("accuracy", "auc", "balanced_accuracy", "brier", "calibration_error", "f1", "multi_ace", "npv", "ppv"),
        *("pr_auc", "quadratic_kappa", "sensitivity", "specificity"),
    ),
    "mixing": ("cutmix", "mixup"),
    "moving_ratio": ("progressive",),
    "folding": ("Predicting",),
    "network": ("Network", "Phase", "Pretrained"),
    "network_input": ("normalize",),
    "optimizers": (
        *("adadelta", "adagrad", "adam", "adamax", "adamw", "ftml"),
        *("lamb", "lars", "nadam", "rmsprop", "sgd", "signum"),
    ),
    "periods": ("batches", "epochs"),
    "precision": ("bf16", "int8"),
    "prepare": ("crop_circle", "mask_circle", "pad", "resize"),
    "pretrained": ("torch_package", "weights_file"),
    "program": ("main",),
    "record_source": ("recordio",),
    "sampling": ("balanced_subset", "natural", "oversample", "resample"),
    "schedules": ("constant", "cosine", "one_cycle", "polynomial", "step"),
    "stopping": ("early",),
    "split": ("by_column", "by_patient", "folds"),
    "symbols": ("sym",),
    "synthetic": ("synthetic_fundus",),
    "tables": ("csv",),
    "warps": ("flip_horizontal", "flip_vertical", "magnify", "rotate", "rotate180", "translate", "turn", "zoom"),
}

_MODULE_OF = {name: module for module, names in _NAMES_OF_MODULES.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
