"""Photographs in files of records, as MXNet's own iterator reads them."""

from __future__ import annotations

import argparse
from pathlib import Path

from mx import mx


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What all scripts take that read photographs."""
    parser.add_argument("folder", type=Path, help="net-symbol.json, net-0000.params, train.rec, valid.rec")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--mean", type=float, nargs=3, default=(0, 0, 0), help="of red, green, blue, within 0 to 255")
    parser.add_argument("--std", type=float, nargs=3, default=(1, 1, 1))
    parser.add_argument("--size", type=int, default=224, help="height and width")


def record_iterator(arguments: argparse.Namespace, name: str, shuffle: bool) -> mx.io.DataIter:
    """Batches of the photographs in NAME.rec, decoded by the library's own threads, ahead of the training."""
    means = dict(zip(("mean_r", "mean_g", "mean_b"), arguments.mean, strict=True))
    stds = dict(zip(("std_r", "std_g", "std_b"), arguments.std, strict=True))
    return mx.io.ImageRecordIter(
        path_imgrec=str(arguments.folder / f"{name}.rec"),
        path_imgidx=str(arguments.folder / f"{name}.idx"),
        data_shape=(3, arguments.size, arguments.size),
        batch_size=arguments.batch,
        shuffle=shuffle,
        seed=1,
        preprocess_threads=4,
        prefetch_buffer=4,
        ctx="cpu",
        verbose=False,
        **means,
        **stds,
    )


class HalfTurned(mx.io.DataIter):
    """Turns each photograph by 180 degrees with a chance of one half. The iterator itself turns by small angles only."""

    def __init__(self, photographs: mx.io.DataIter) -> None:
        super().__init__(photographs.batch_size)
        self.photographs = photographs
        self.provide_data = photographs.provide_data
        self.provide_label = photographs.provide_label

    def reset(self) -> None:
        self.photographs.reset()

    def next(self) -> mx.io.DataBatch:
        batch = self.photographs.next()
        (data,) = batch.data
        turned = mx.nd.random.uniform(shape=(data.shape[0],)) < 0.5
        batch.data = [mx.nd.where(turned, mx.nd.flip(data, axis=(2, 3)), data)]
        return batch
