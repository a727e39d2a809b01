"""Trains all of a network, and validates after every epoch, with `Module.fit`.

    python fine_tune.py FOLDER --epochs 3 --mean 127 127 127 --std 128 128 128

FOLDER has a checkpoint `net` of the whole network, and the photographs as train.rec and valid.rec (im2rec). On stdout:
the seconds that training took in every epoch, without its validation, and the images per second, as JSON. With
`--asked N` it trains on N batches of the next epoch for every line on stdin, and says `took SECONDS PROCESSOR-SECONDS`.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from itertools import islice

from mx import mx
from records import HalfTurned, add_arguments, record_iterator


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--asked", type=int, metavar="N", help="train on N batches whenever a line comes on stdin")
    arguments = parser.parse_args()

    symbol, values, statistics = mx.model.load_checkpoint(str(arguments.folder / "net"), 0)
    train = HalfTurned(record_iterator(arguments, "train", shuffle=True))
    valid = record_iterator(arguments, "valid", shuffle=False)
    module = mx.mod.Module(symbol, label_names=["softmax_label"], context=mx.cpu())
    module.bind(train.provide_data, train.provide_label)
    module.set_params(values, statistics)
    module.init_optimizer(
        optimizer="sgd", optimizer_params={"learning_rate": arguments.lr, "momentum": 0.9, "wd": 0.0001}
    )
    loss = mx.metric.CrossEntropy()

    def epoch(batches: int | None = None) -> int:
        """Trains on an epoch, or on its first batches. Returns how many images that were."""
        train.reset()
        loss.reset()
        images = 0
        for batch in islice(train, batches):
            module.forward_backward(batch)
            module.update()
            module.update_metric(loss, batch.label)
            images += arguments.batch
        mx.nd.waitall()
        return images

    if arguments.asked is not None:
        for _ in sys.stdin:
            before, began = resource.getrusage(resource.RUSAGE_SELF).ru_utime, time.perf_counter()
            epoch(arguments.asked)
            took = time.perf_counter() - began
            print("took", took, resource.getrusage(resource.RUSAGE_SELF).ru_utime - before, flush=True)
        return
    seconds, images = [], 0
    for _ in range(arguments.epochs):
        began = time.perf_counter()
        images = epoch()
        seconds.append(time.perf_counter() - began)
        valid.reset()
        module.score(valid, loss)
    print(json.dumps({"epochs": seconds, "images_per_second": images / sorted(seconds)[len(seconds) // 2]}))


if __name__ == "__main__":
    main()
