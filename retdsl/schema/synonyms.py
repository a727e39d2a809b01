"""What other libraries call layers, options and the rest, for suggestions only: nothing here can be written in a spec.

`SAME` words mean what stands here in every respect that a spec can tell, so that a fix may write it without asking. Of
`SIMILAR` ones the defaults, the direction or more differ (`MaxPool2d` moves by its kernel's size, `Pooling` by 1).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

_SAME: dict[str, dict[str, str]] = {
    "layer": {
        "FullyConnected": "Dense Linear fc InnerProduct nn.Linear",
        "Convolution": "Conv Conv2d Conv2D Convolution2D SpatialConvolution",
        "Deconvolution": "ConvTranspose2d Conv2DTranspose ConvTranspose TransposedConv",
        "BatchNorm": "bn BatchNorm2d BatchNormalization",
        "Activation(relu)": "ReLU Rectifier",
        "Activation(sigmoid)": "logistic",
        "Activation(tanh)": "Tanh",
        "Activation(softsign)": "Softsign",
        "Activation(softrelu)": "Softplus",
        "LeakyReLU(prelu)": "PReLU",
        "LeakyReLU(gelu)": "GELU",
        "LeakyReLU(selu)": "SELU",
        "Pooling(global_pool = true, pool_type = avg)": "GlobalAvgPool GlobalAvgPool2D GlobalAveragePooling2D",
        "Pooling(global_pool = true, pool_type = max)": "GlobalMaxPool GlobalMaxPool2D GlobalMaxPooling2D",
        "Concat": "Concatenate cat",
        "Add": "ElementWiseSum add_n elemwise_add",
        "Multiply": "Mul elemwise_mul",
        "clip": "clamp clip_by_value",
        "identity": "Identity nn.Identity skip shortcut",
    },
    "loss": {
        "Softmax": "SoftmaxOutput CrossEntropy CrossEntropyLoss SoftmaxCrossEntropyLoss SoftmaxCELoss",
        "WSoftmax": "WeightedSoftmax WeightedCrossEntropy WeightedCrossEntropyLoss",
        "FocalSoftmax": "FocalLoss Focal",
        "Ordinal": "OrdinalRegression RankedSoftmax",
    },
    "metric": {
        "accuracy": "acc top1",
        "balanced_accuracy": "uar bac balanced_accuracy_score",
        "auc": "auroc roc_auc roc_auc_score",
        "pr_auc": "average_precision average_precision_score auprc aupr AP",
        "sensitivity": "recall tpr true_positive_rate",
        "specificity": "tnr true_negative_rate",
        "ppv": "precision positive_predictive_value",
        "npv": "negative_predictive_value",
        "f1": "f1_score F1 dice",
        "quadratic_kappa": "qwk quadratic_weighted_kappa",
        "brier": "brier_score brier_score_loss",
    },
    "schedule": {
        "cosine": "CosineAnnealing CosineAnnealingLR CosineDecay",
        "step": "StepLR",
        "polynomial": "poly PolynomialLR PolynomialDecay PolyScheduler",
        "one_cycle": "OneCycleLR OneCycle OneCycleScheduler onecycle",
        "constant": "ConstantLR",
    },
    "sampling policy": {
        "natural": "all shuffle",
        "oversample": "RandomOverSampler",
        "class_aware": "ClassAwareSampler",
        "progressive": "progressively_balanced",
        "hard": "ohem hard_mining hard_examples",
    },
    "augmentation": {
        "flip_horizontal": "hflip fliplr HorizontalFlip RandomHorizontalFlip",
        "flip_vertical": "vflip flipud VerticalFlip RandomVerticalFlip",
        "rotate180": "half_turn",
        "gaussian_noise": "GaussNoise",
        "rotate": "RandomRotation",
        "zoom": "RandomZoom",
        "translate": "RandomTranslation",
        "brightness": "RandomBrightness",
        "contrast": "RandomContrast",
        "blur": "GaussianBlur",
        "jpeg": "ImageCompression JpegCompression",
        "cutout": "RandomErasing CoarseDropout",
        "one_of": "OneOf RandomChoice",
    },
    "data source": {"csv": "read_csv", "folder": "ImageFolder image_folder directory"},
    "value": {"avg": "average mean", "max": "maximum", "true": "yes on", "false": "no off", "none": "null nil"},
}
"""category -> what to write here -> the words for it elsewhere"""

_SIMILAR: dict[str, dict[str, str]] = {
    "layer": {
        "Pooling(pool_type = max)": "MaxPool MaxPool2d MaxPooling2D",
        "Pooling(pool_type = avg)": "AvgPool AvgPool2d AveragePooling2D",
        "Pooling(global_pool = true, pool_type = avg)": "AdaptiveAvgPool2d gap",
        "Pooling(global_pool = true, pool_type = max)": "AdaptiveMaxPool2d",
        "LeakyReLU(elu)": "ELU",
        "Dropout": "Dropout2d SpatialDropout2D drop",
        "slice": "Crop Cropping2D narrow",
        "Pad": "ZeroPad2d ZeroPadding2D",
        "Flatten": "Reshape view ravel",
        "Convolution": "DepthwiseConv2D SeparableConv2D",
        "BatchNorm": "LayerNorm GroupNorm InstanceNorm SyncBatchNorm",
        "Add": "sum plus residual",
    },
    "loss": {
        "Softmax": "NLLLoss categorical_crossentropy sparse_categorical_crossentropy BCELoss BCEWithLogitsLoss",
        "WSoftmax": "weighted_loss",
        "FocalSoftmax": "SigmoidFocalLoss BinaryFocalLoss",
        "Ordinal": "CORAL CoralLoss CORN CornLoss CumulativeLink ProportionalOdds OrdinalLoss",
    },
    "metric": {
        "quadratic_kappa": "kappa cohen_kappa cohen_kappa_score",
        "calibration_error": "ece expected_calibration_error calibration",
        "multi_ace": "cross_entropy ce log_loss nll loss",
    },
    "optimizer": {"adam": "RAdam adabelief", "sgd": "NAG momentum nesterov", "adagrad": "ftrl", "signum": "lion"},
    "stop rule": {"early": "patience stop EarlyStoppingCallback"},
    "clipping": {"norm": "global l2 gradient", "value": "elementwise clip"},
    "schedule": {
        "cosine": "CosineAnnealingWarmRestarts",
        "step": "MultiStepLR MultiFactorScheduler FactorScheduler ExponentialLR ReduceLROnPlateau exponential decay",
        "constant": "fixed",
        "polynomial": "linear LinearLR",
        "one_cycle": "CyclicLR cyclic",
    },
    "sampling policy": {
        "balanced_subset": "undersample balanced RandomUnderSampler",
        "resample": "WeightedRandomSampler weighted",
        "class_aware": "BalancedBatchSampler BalancedSampler",
    },
    "augmentation": {
        "gaussian_noise": "noise",
        "flip_horizontal": "flip mirror",
        "rotate": "RandomAffine ShiftScaleRotate",
        "brightness": "ColorJitter RandomBrightnessContrast",
        "hue": "HueSaturationValue",
    },
    "data source": {"csv": "table tsv excel dataframe", "synthetic_fundus": "synthetic fake painted"},
    "split": {
        "by_patient": "GroupShuffleSplit train_test_split random stratified by_group",
        "folds": "KFold GroupKFold StratifiedGroupKFold k_fold crossval",
        "by_column": "column predefined PredefinedSplit fixed given",
    },
    "image step": {
        "crop_circle": "CenterCrop crop circle",
        "mask_circle": "mask circle_mask hide_rim",
        "resize": "RandomResizedCrop rescale",
        "pad": "PadIfNeeded letterbox",
        "clahe": "equalize equalize_adapthist",
        "green_channel": "green grayscale grey",
        "subtract_local_average": "graham ben_graham",
        "normalize": "standardize",
    },
    "class weighting": {
        "inverse_frequency": "balanced inverse inv_freq",
        "effective_number": "class_balanced effective_num_samples",
    },
    "checkpoint rule": {"every": "ModelCheckpoint each"},
    "backbone source": {"zoo": "pretrained model_zoo timm torchvision", "checkpoint": "load load_checkpoint params"},
}

_OPTIONS_SAME: dict[str, str] = {
    "num_filter": "filters channels out_channels num_filters",
    "kernel": "kernel_size pool_size",
    "stride": "strides",
    "pad": "padding",
    "dilate": "dilation dilation_rate",
    "num_group": "groups",
    "num_hidden": "units hidden out_features num_outputs",
    "eps": "epsilon",
    "epsilon": "eps",
    "act_type": "activation",
    "p": "prob probability dropout_rate",
    "dim": "axis",
    "lr": "learning_rate",
    "wd": "weight_decay",
    "beta1": "beta_1",
    "beta2": "beta_2",
    "every": "step_size",
    "epochs": "num_epochs n_epochs num_epoch max_epochs",
    "batch": "batch_size",
    "optimizer": "optimiser optim",
    "schedule": "scheduler lr_schedule lr_scheduler",
    "seed": "random_state random_seed",
    "valid": "val validation",
    "warmup": "warmup_epochs",
    "at": "milestones",
    "power": "pwr",
    "nesterov": "use_nesterov",
    "clip": "clip_gradient gradient_clip_val grad_clip gradient_clipping",
    "accumulate": "accumulate_grad_batches gradient_accumulation_steps accumulation_steps accum_steps",
    "stop": "early_stopping EarlyStopping early_stop",
    "average": "ema model_ema swa",
    "devices": "device gpus ctx context device_ids",
    "validate": "check_val_every_n_epoch val_check_interval eval_every validation_freq",
    "log": "log_every_n_steps log_interval",
    "decay": "rho alpha gamma1",
    "limit": "max_norm",
    "replace": "replacement with_replacement",
}
_OPTIONS_SIMILAR: dict[str, str] = {
    "kernel": "size window",
    "no_bias": "bias use_bias",
    "num_hidden": "outputs out",
    "fix_gamma": "affine scale learn_gamma",
    "act_type": "type kind",
    "slope": "alpha negative_slope",
    "pool_type": "type kind mode",
    "p": "rate drop ratio drop_rate",
    "a_min": "min low",
    "a_max": "max high",
    "lr": "rate",
    "rate": "lr_mult param_groups layer_decay",
    "peak": "pct_start",
    "start": "div_factor",
    "end": "final_div_factor",
    "patience": "wait epochs",
    "min_delta": "threshold delta",
    "wd": "decay",
    "beta1": "betas",
    "factor": "gamma",
    "weights": "alpha class_weight class_weights",
    "freeze": "frozen",
    "checkpoint": "save save_every",
    "model": "network net",
    "data": "dataset",
    "augment": "augmentation transform transforms",
    "sampling": "sampler balance",
    "metrics": "evaluate",
    "sigma": "std stddev",
    "valid": "dev",
    "std": "sigma stddev",
    "n": "number count images",
    "path": "file filename root",
    "patient": "group subject patient_id",
    "classes": "labels class_names",
    "image": "images input prepare",
    "source": "path files",
    "metric": "monitor",
    "keep": "save_best monitor",
    "floor": "eta_min min_lr",
}


def foreign(category: str) -> dict[str, str]:
    """The words elsewhere for what can be called in a category, or is a value, each with what is written here.

    Loss heads are steps of a chain, as layers are.
    """
    categories = ("layer", "loss") if category == "layer" else (category,)
    tables = [table.get(name, {}) for name in categories for table in (_SIMILAR, _SAME)]
    return {word: here for table in tables for here, words in table.items() for word in words.split()}


def synonyms(names: Collection[str]) -> dict[str, str]:
    """The words that may stand for one of the options `names`, each with the option it stands for."""
    tables = (_OPTIONS_SIMILAR, _OPTIONS_SAME)
    return {word: name for table in tables for name in names for word in table.get(name, "").split()}


def means_the_same(word: str, here: str) -> bool:
    """Whether `here` says all that `word` says elsewhere; also if it is the same word in another spelling."""
    spelt = _spelt(word)
    return spelt == _spelt(here) or any(spelt == _spelt(other) for other in _same(here))


def _same(here: str) -> Iterator[str]:
    for table in (*_SAME.values(), _OPTIONS_SAME):
        yield from table.get(here, "").split()


def _spelt(word: str) -> str:
    return word.casefold().replace("_", "")
