"""Steps of training on one and the same batch: what training costs where nothing is loaded.

    python one_fixed_batch.py FOLDER --steps 20 [--frozen]

On stdout: seconds of every step, as JSON. The first two, which bind and warm up, do not count. With `--frozen` all but
the head is frozen, as in frozen_head.py.
"""

from __future__ import annotations

import argparse
import json
import time

from frozen_head import with_stored_statistics
from mx import mx
from records import add_arguments


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--frozen", action="store_true", help="train the head alone")
    parser.add_argument("--head", default="fc1_", help="how the names of what is trained begin (default: fc1_)")
    arguments = parser.parse_args()

    symbol, values, statistics = mx.model.load_checkpoint(str(arguments.folder / "net"), 0)
    fixed = None
    if arguments.frozen:
        symbol = with_stored_statistics(symbol)
        fixed = [name for name in values if not name.startswith(arguments.head)]
    shape = (arguments.batch, 3, arguments.size, arguments.size)
    batch = mx.io.DataBatch([mx.nd.random.normal(shape=shape)], [mx.nd.arange(arguments.batch) % 2])
    module = mx.mod.Module(symbol, label_names=["softmax_label"], context=mx.cpu(), fixed_param_names=fixed)
    module.bind([("data", shape)], [("softmax_label", (arguments.batch,))])
    module.set_params(values, statistics)
    module.init_optimizer(optimizer="sgd", optimizer_params={"learning_rate": 0.0001, "momentum": 0.9})
    seconds = []
    for _ in range(arguments.steps + 2):
        began = time.perf_counter()
        module.forward_backward(batch)
        module.update()
        module.get_outputs()[0].asnumpy()
        mx.nd.waitall()
        seconds.append(time.perf_counter() - began)
    print(json.dumps({"steps": seconds[2:]}))


if __name__ == "__main__":
    main()
