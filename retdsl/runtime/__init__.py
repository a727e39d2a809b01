"""What generated programs import. Imports nothing else of retdsl, so that a copy of this folder runs alone.

Everything a program names is here: the parts of an experiment, under the names and options they have in a spec, and
`main`, which runs it. Importing this does not import MXNet: that happens when the first symbol is built, after `main`
has set the number of threads.
"""

from retdsl.runtime.augment import flip_horizontal, flip_vertical, gaussian_noise, rotate180
from retdsl.runtime.checkpoint import best, every
from retdsl.runtime.class_weights import effective_number, inverse_frequency
from retdsl.runtime.dataset import Data
from retdsl.runtime.errors import RunError
from retdsl.runtime.experiment import Experiment, Training
from retdsl.runtime.images import crop_circle, normalize, resize
from retdsl.runtime.losses import FocalSoftmax, Softmax, WSoftmax
from retdsl.runtime.metrics import accuracy, auc, balanced_accuracy, multi_ace, sensitivity, specificity
from retdsl.runtime.network import Network, Pretrained
from retdsl.runtime.optimizers import adam, sgd
from retdsl.runtime.pretrained import params_file, torch_package
from retdsl.runtime.program import main
from retdsl.runtime.sampling import balanced_subset, natural, resample
from retdsl.runtime.schedules import constant, cosine, step
from retdsl.runtime.sources import csv, folder
from retdsl.runtime.split import by_patient
from retdsl.runtime.symbols import sym
from retdsl.runtime.synthetic import synthetic_fundus

__all__ = [
    "Data",
    "Experiment",
    "FocalSoftmax",
    "Network",
    "Pretrained",
    "RunError",
    "Softmax",
    "Training",
    "WSoftmax",
    "accuracy",
    "adam",
    "auc",
    "balanced_accuracy",
    "balanced_subset",
    "best",
    "by_patient",
    "constant",
    "cosine",
    "crop_circle",
    "csv",
    "effective_number",
    "every",
    "flip_horizontal",
    "flip_vertical",
    "folder",
    "gaussian_noise",
    "inverse_frequency",
    "main",
    "multi_ace",
    "natural",
    "normalize",
    "params_file",
    "resample",
    "resize",
    "rotate180",
    "sensitivity",
    "sgd",
    "specificity",
    "step",
    "sym",
    "synthetic_fundus",
    "torch_package",
]
