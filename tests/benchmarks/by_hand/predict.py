"""What a network says of all photographs of a file of records, with `Module.predict`, bound for prediction alone.

    python predict.py FOLDER --side valid --rounds 3 --mean 127 127 127 --std 128 128 128

On stdout: images per second in each round, as JSON. The first round, which binds and warms up, does not count. Images
that fill up the last batch count, too: they are computed. Every round has an iterator of its own, since one that has
filled up its last batch leaves out as many photographs in the next round.
"""

from __future__ import annotations

import argparse
import json
import time

from mx import mx
from records import add_arguments, record_iterator


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument("--side", default="valid", help="of NAME.rec (default: valid)")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    symbol, values, statistics = mx.model.load_checkpoint(str(arguments.folder / "net"), 0)
    photographs = record_iterator(arguments, arguments.side, shuffle=False)
    module = mx.mod.Module(symbol, label_names=["softmax_label"], context=mx.cpu())
    module.bind(photographs.provide_data, photographs.provide_label, for_training=False)
    module.set_params(values, statistics)
    rates = []
    for _ in range(arguments.rounds + 1):
        began = time.perf_counter()
        photographs = record_iterator(arguments, arguments.side, shuffle=False)
        answers = module.predict(photographs).asnumpy()
        rates.append((len(answers) + -len(answers) % arguments.batch) / (time.perf_counter() - began))
    print(json.dumps({"images_per_second": rates[1:]}))


if __name__ == "__main__":
    main()
