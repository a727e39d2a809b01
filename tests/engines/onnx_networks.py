"""Whole networks in MXNet and in ONNX on the same random weights and images."""

from __future__ import annotations

import runpy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx

from retdsl.engines.mxnet import emit_program
from retdsl.engines.onnx import skeleton
from retdsl.ir import Experiment
from retdsl.runtime.export import by_mxnet, by_onnx
from retdsl.runtime.skeleton import filled
from retdsl.runtime.symbols import sym


def built(experiment: Experiment) -> Any:
    """The network that the generated program builds."""
    with TemporaryDirectory() as folder:
        program = Path(folder, "train.py")
        program.write_text(emit_program(experiment), encoding="utf-8")
        return runpy.run_path(str(program))["EXPERIMENT"].network


def drawn(network: Any, images: int = 2) -> tuple[dict[str, Any], Any]:
    """Parameters that keep the size of values from layer to layer, and images."""
    draw = np.random.RandomState(0)
    normal, uniform = draw.normal(size=10_007).astype(np.float32), draw.uniform(0.5, 1.5, 10_007).astype(np.float32)
    arguments, auxiliary = network.shapes(network.deploy_symbol())
    values = {}
    for name, shape in {**arguments, **auxiliary}.items():
        # The last layer of some networks is a rectifier: their biases are positive, too.
        positive = name.endswith(("gamma", "var", "bias"))
        spread = np.float32((2 / max(1, np.prod(shape[1:]))) ** 0.5)
        start = draw.randint(len(normal))
        numbers = np.resize(np.roll(uniform if positive else normal, start), shape)
        values[name] = numbers if positive else numbers * spread
    return values, draw.standard_normal((images, *network.input_shape)).astype(np.float32)


def answers(experiment: Experiment) -> tuple[list[Any], list[Any]]:
    """Scores and probabilities of both, MXNet's first. The file of ONNX passes every check of the package."""
    network = built(experiment)
    parameters, images = drawn(network)
    model = onnx.load_model_from_string(skeleton(experiment, ""))
    whole = filled(model, parameters)
    onnx.checker.check_model(whole, full_check=True)
    scores = next(one for one in whole.graph.value_info if one.name == experiment.network.output)
    whole.graph.output.insert(0, scores)
    deploy = network.deploy_symbol()
    symbol = sym.Group([deploy.get_internals()[f"{experiment.network.output}_output"], deploy])
    return by_mxnet(symbol, parameters, network.input, images), by_onnx(whole, images)[1]
