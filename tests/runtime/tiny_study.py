"""A study small enough to train in a second: coloured squares, two classes, a network of three layers."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from retdsl.runtime import gaussian_noise, rotate180
from retdsl.runtime.checkpoint import best, every
from retdsl.runtime.class_weights import inverse_frequency
from retdsl.runtime.dataset import Data
from retdsl.runtime.experiment import Experiment, Training
from retdsl.runtime.losses import WSoftmax
from retdsl.runtime.metrics import accuracy, auc, multi_ace
from retdsl.runtime.network import Network
from retdsl.runtime.optimizers import sgd
from retdsl.runtime.sampling import natural
from retdsl.runtime.schedules import cosine
from retdsl.runtime.split import by_patient
from retdsl.runtime.symbols import sym
from retdsl.runtime.tables import csv

SIDE = 16
CLASSES = ("healthy", "infected")


def frozen_part(data):
    conv0 = sym.Convolution(data, num_filter=6, kernel=(3, 3), no_bias=True, name="conv0")  # [N, 6, 14, 14]
    bn0 = sym.BatchNorm(conv0, fix_gamma=False, name="bn0")
    return {"relu0": sym.Activation(bn0, act_type="relu", name="relu0")}


def trained_part(features):
    conv1 = sym.Convolution(
        features["relu0"], num_filter=8, kernel=(3, 3), no_bias=True, name="conv1"
    )  # [N, 8, 12, 12]
    bn1 = sym.BatchNorm(conv1, fix_gamma=False, name="bn1")
    relu1 = sym.Activation(bn1, act_type="relu", name="relu1")
    pool = sym.Pooling(relu1, global_pool=True, pool_type="avg", kernel=(1, 1), name="pool")
    dropout = sym.Dropout(sym.Flatten(pool, name="flatten"), p=0.3, name="dropout")
    return sym.FullyConnected(dropout, num_hidden=2, name="fc")  # the logits


def whole_part(features):
    return trained_part(frozen_part(features["data"]))


def network(**changes) -> Network:
    settings = {
        "input_shape": (3, SIDE, SIDE),
        "frozen": frozen_part,
        "trained": trained_part,
        "loss": WSoftmax(inverse_frequency()),
    }
    return Network(**{**settings, **changes})


def experiment(root: Path, *, name: str = "tiny", training: dict | None = None, **changes) -> Experiment:
    settings = {
        "optimizer": sgd(lr=0.05, momentum=0.9, wd=1e-4),
        "schedule": cosine(warmup=1),
        "epochs": 3,
        "batch": 8,
        "metrics": (accuracy(), multi_ace(), auc()),
        "checkpoint": every(1, keep=best("auc")),
        "seed": 7,
    }
    parts = {
        "network": network(),
        "data": Data(
            source=csv("labels.csv", patient="patient"), classes=CLASSES, split=by_patient(0.5, 0.25, 0.25, seed=1)
        ),
        "training": Training(**{**settings, **(training or {})}),
        "sampling": natural(),
        "augment": (gaussian_noise(sigma=0.02, p=0.5), rotate180(p=0.5)),
        "root": root,
    }
    return Experiment(name=name, **{**parts, **changes})


def paint(root: Path, photographs: int = 44, infected_every: int = 3) -> Path:
    """Grey noise; infected ones are redder. Two photographs a patient. Gives `root` back."""
    random = np.random.RandomState(3)
    rows = ["image,label,patient"]
    for index in range(photographs):
        infected = (index // 2) % infected_every == 0
        photo = random.randint(60, 120, (SIDE, SIDE, 3)).astype(np.uint8)
        if infected:
            photo[:, :, 2] += 60
        cv2.imwrite(str(root / f"{index:03d}.png"), photo)
        rows.append(f"{index:03d}.png,{CLASSES[infected]},p{index // 2}")
    (root / "labels.csv").write_text("\n".join(rows) + "\n")
    return root
