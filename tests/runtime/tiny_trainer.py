"""Trainers of the tiny network, and batches for them that need no photographs."""

from __future__ import annotations

import numpy as np
from tiny_study import SIDE

from retdsl.runtime.loader import Batch
from retdsl.runtime.network import Network
from retdsl.runtime.optimizers import sgd
from retdsl.runtime.schedules import Course, constant
from retdsl.runtime.trainer import Recipe, Trainer

BATCH = 8


def batches(count=21, seed=0, shape=(3, SIDE, SIDE)):
    """Batches of 8, the last smaller; the second class is brighter."""
    random = np.random.RandomState(seed)
    labels = (np.arange(count) % 3 == 0).astype(np.float32)
    images = (random.normal(0, 1, (count, *shape)) + labels.reshape(-1, *[1] * len(shape))).astype(np.float32)
    cuts = range(0, count, BATCH)
    return [Batch(images[a : a + BATCH], labels[a : a + BATCH], np.arange(a, min(a + BATCH, count))) for a in cuts]


def trainer(
    net: Network, optimizer=None, seed=7, weights=(1.0, 2.0), schedule=None, epochs=2, devices=None, **more
) -> Trainer:
    start = net.starting_values(net.deploy_symbol(), seed, None, None)
    rng = np.random.RandomState(1)
    for name, array in start.auxiliary.items():  # statistics that a wrong step would visibly move
        array += rng.uniform(0.1, 0.2, array.shape) if name.endswith("mean") else rng.uniform(0, 1, array.shape)
    optimizer = optimizer or sgd(lr=0.05, momentum=0.9, wd=1e-4)
    settings = {"course": Course((3,) * epochs), "batch": BATCH, "seed": seed, "weights": weights, **more}
    recipe = Recipe(optimizer, schedule or constant(), **settings)
    return Trainer(net, start, recipe, devices=devices)


def train(net: Network, epochs=2, data=None, **options) -> Trainer:
    made = trainer(net, epochs=epochs, **options)
    for epoch in range(1, epochs + 1):
        made.train_epoch(epoch, data or batches())
    return made
