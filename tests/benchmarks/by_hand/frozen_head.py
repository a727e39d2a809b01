"""Trains the head of a network whose backbone is frozen, and validates after every epoch, with `Module.fit`.

    python frozen_head.py FOLDER --epochs 20 --mean 127 127 127 --std 128 128 128

FOLDER has a checkpoint `net` of the whole network, and the photographs as train.rec and valid.rec (im2rec). What does
not belong to the head stays as it is: its parameters get no gradient (`fixed_param_names`), and its BatchNorm layers
go on with their stored statistics (`use_global_stats`); without that they are not frozen. Half of the photographs,
drawn anew every epoch, are turned by 180 degrees. On stdout: seconds of every epoch, loss and AUC, as JSON.
"""

from __future__ import annotations

import argparse
import json
import time

from mx import mx
from records import HalfTurned, add_arguments, record_iterator
from sklearn.metrics import roc_auc_score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--head", default="fc1_", help="how the names of what is trained begin (default: fc1_)")
    parser.add_argument("--lr", type=float, default=0.01)
    arguments = parser.parse_args()

    symbol, values, statistics = mx.model.load_checkpoint(str(arguments.folder / "net"), 0)
    symbol = with_stored_statistics(symbol)
    fixed = [name for name in values if not name.startswith(arguments.head)]
    train = HalfTurned(record_iterator(arguments, "train", shuffle=True))
    valid = record_iterator(arguments, "valid", shuffle=False)

    ends: list[float] = []
    losses: list[float] = []

    def note(told: object) -> None:
        ends.append(time.perf_counter())
        losses.append(dict(told.eval_metric.get_name_value())["cross-entropy"])

    module = mx.mod.Module(symbol, label_names=["softmax_label"], context=mx.cpu(), fixed_param_names=fixed)
    began = time.perf_counter()
    module.fit(
        train,
        eval_data=valid,
        eval_metric=[mx.metric.CrossEntropy(), mx.metric.Accuracy()],
        optimizer="sgd",
        optimizer_params={"learning_rate": arguments.lr, "momentum": 0.9, "wd": 0.0001},
        arg_params=values,
        aux_params=statistics,
        num_epoch=arguments.epochs,
        eval_end_callback=note,
    )
    epochs = [end - start for start, end in zip([began, *ends], ends, strict=False)]
    # A new iterator: one that has filled up its last batch leaves out as many photographs in the next round.
    answers, truth = [], []
    for (scores,), _, batch in module.iter_predict(record_iterator(arguments, "valid", shuffle=False)):
        answers += scores.asnumpy()[:, 1].tolist()
        truth += batch.label[0].asnumpy()[: len(scores)].tolist()
    print(json.dumps({"epochs": epochs, "losses": losses, "auc": roc_auc_score(truth, answers)}))


def with_stored_statistics(symbol: mx.sym.Symbol) -> mx.sym.Symbol:
    """The same network, whose BatchNorm layers neither look at the batch nor learn from it."""
    graph = json.loads(symbol.tojson())
    for node in graph["nodes"]:
        if node["op"] == "BatchNorm":
            node["attrs"]["use_global_stats"] = "True"
    return mx.sym.load_json(json.dumps(graph))


if __name__ == "__main__":
    main()
