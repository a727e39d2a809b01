"""Answers of a finished network: against `mod.predict`, and against what the processor's matrix product allows.

    python tests/benchmarks/predicting.py [PHOTOGRAPHS] [--quick]

`mod.predict` is measured twice: of the module that was trained, as whoever calls it after `fit` has it, and of one that
was bound for prediction alone. The limit is the fastest product of two matrices of 2304 x 2304 in float32 that NumPy's
BLAS, MXNet's oneDNN and onnxruntime reach with as many threads; a network takes 2 operations for each of its products.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ratios import Ratio, at_least, faster, interleaved, more
from streaming import BATCH, SIDE, Study, benchmark, study

BATCHES = 3
SIZE = 2304


def predicted(made: Study, engine: str) -> Callable[[], object]:
    """Some batches answered as `retdsl predict` and validation answer them, their photographs at hand."""
    from retdsl.runtime.engines import engines_of
    from retdsl.runtime.inference import Predictor, predict
    from retdsl.runtime.loader import Batch

    network = made.experiment.network
    engines = engines_of(made.experiment, engine)
    values = made.start.all()
    where = (network.input, network.input_shape, BATCH, network.predicting, engines)
    predictor = Predictor(network.deploy_symbol(), values, *where)
    batches = [Batch(made.images, made.labels, np.arange(BATCH) + BATCH * at) for at in range(BATCHES)]
    return lambda: predict(batches, predictor)


def by_hand(made: Study, *, for_training: bool) -> Callable[[], object]:
    """The same batches answered by `mod.predict`."""
    from retdsl.runtime.mx import mx

    symbol = mx.sym.load_json(made.experiment.network.whole_symbol(None).tojson())
    module = mx.mod.Module(symbol, label_names=["softmax_label"])
    images, labels = (np.concatenate([array] * BATCHES) for array in (made.images, made.labels))
    photographs = mx.io.NDArrayIter(images, labels, BATCH, label_name="softmax_label")
    module.bind(photographs.provide_data, photographs.provide_label, for_training=for_training)
    sides = (made.start.arguments, made.start.auxiliary)
    module.set_params(*({name: mx.nd.array(value) for name, value in side.items()} for side in sides))
    return lambda: module.predict(photographs).asnumpy()


def products(made: Study) -> int:
    """The products that convolutions and fully connected layers take for one image."""
    symbol = made.experiment.network.deploy_symbol()
    nodes = json.loads(symbol.tojson())["nodes"]
    inside = symbol.get_internals()
    _, shapes, _ = inside.infer_shape(data=(1, 3, SIDE, SIDE))
    shape_of = dict(zip(inside.list_outputs(), shapes, strict=True))
    count = 0
    for node in nodes:
        if node["op"] in ("Convolution", "FullyConnected"):
            weight = shape_of[nodes[node["inputs"][1][0]]["name"]]
            count += math.prod(shape_of[f"{node['name']}_output"]) * math.prod(weight[1:])
    return count


def matrix_products() -> dict[str, Callable[[], object]]:
    """The product of two matrices, by every library at hand."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    from retdsl.runtime.mx import mx

    one = np.random.default_rng(0).random((SIZE, SIZE), np.float32)
    told = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [SIZE, SIZE]) for name in "ac"]
    node = helper.make_node("MatMul", ["a", "b"], ["c"])
    graph = helper.make_graph([node], "product", told[:1], told[1:], [numpy_helper.from_array(one, "b")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    session: Any = onnxruntime.InferenceSession(model.SerializeToString(), options)
    array = mx.nd.array(one)
    full = {"num_hidden": SIZE, "no_bias": True}
    return {
        "numpy": lambda: one @ one,
        "oneDNN": lambda: mx.nd.FullyConnected(array, array, **full).wait_to_read(),
        "onnxruntime": lambda: session.run(None, {"a": one}),
    }


def gemm_limit(rounds: int) -> tuple[float, str]:
    """The most operations in a second that any library reached, in 1e9, and what each did."""
    rates = {}
    for name, work in matrix_products().items():
        work()
        best = math.inf
        for _ in range(rounds):
            began = time.perf_counter()
            work()
            best = min(best, time.perf_counter() - began)
        rates[name] = 2 * SIZE**3 / best / 1e9
    return max(rates.values()), ", ".join(f"{name} {rate:.0f}" for name, rate in rates.items())


def measure(photographs: Path, folder: Path, quick: bool) -> list[Ratio]:
    """Rows for EfficientNet-Lite0 and ResNet-50. quick: fewer rounds."""
    rounds = 3 if quick else 6
    made = study("EfficientNet-Lite0", photographs, folder)
    works = {
        "trained module": by_hand(made, for_training=True),
        "bound module": by_hand(made, for_training=False),
        "mxnet": predicted(made, "mxnet"),
        "onnxruntime": predicted(made, "onnxruntime"),
    }
    took = interleaved(works, rounds)
    said = ", ".join(f"{name} {BATCHES * BATCH / one.seconds:.0f}" for name, one in took.items())
    ours, note = took["onnxruntime"].seconds, f"images/s: {said}"
    name = "prediction, EfficientNet-Lite0, against mod.predict"
    ratios = [
        faster(f"{name} after fit", ours, took["trained module"].seconds, at_least(3), note),
        faster(f"{name} of a module bound for prediction", ours, took["bound module"].seconds, None, note),
    ]
    made = study("ResNet-50", photographs, folder)
    work = predicted(made, "onnxruntime")
    limit, said = gemm_limit(rounds)
    took = interleaved({"onnxruntime": work}, rounds)
    limit, said = max((limit, said), gemm_limit(rounds))
    rate = BATCHES * BATCH / min(took["onnxruntime"].rounds)
    done = 2 * products(made) * rate / 1e9
    note = f"{rate:.1f} images/s; products of matrices: {said}"
    ratios.append(more("prediction, ResNet-50, of the GEMM limit", done, limit, at_least(0.85), note, unit="GFLOP/s"))
    return ratios


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    benchmark(measure, "Prediction")
