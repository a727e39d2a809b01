"""A part of a network that only predicts, in a lower precision.

Enters: the part as MXNet's symbol, or as an ONNX model, with float32 weights; images to calibrate int8 on. Leaves: the
same part, which takes and gives float32 all the same. Guaranteed: the same images give the same part, to the bit; what
enters stays as it is.

int8 is onnxruntime's alone: MXNet's own clips the sums of residual blocks at 0 where what is added was activated. bf16
is MXNet's alone: onnxruntime has none on processors.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.mx import amp
from retdsl.runtime.onnx_part import SLICE
from retdsl.runtime.skeleton import Model
from retdsl.runtime.symbols import Symbol


def int8_model(model: Model, input: str, images: NDArray[np.float32]) -> Model:
    """An ONNX model for SLICE images at once, quantized by onnxruntime: activations 0 to 255, weights -127 to 127 with
    a scale for each channel. images: [n, ...], the last are repeated where n is no multiple of SLICE.
    """
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    images = np.resize(images, (-(-len(images) // SLICE) * SLICE, *images.shape[1:]))

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._slices = iter([{input: images[at : at + SLICE]} for at in range(0, len(images), SLICE)])

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            return next(self._slices, None)

    with tempfile.TemporaryDirectory(prefix="retdsl-") as folder, _in_silence():
        made = Path(folder) / "int8.onnx"
        quantize_static(
            _joined(model, Path(folder)),
            made,
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        return onnx.load_model(made)


def _joined(model: Model, folder: Path) -> Model:
    """The same model with BatchNorms in the layers before them: what is quantized should be what is computed."""
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folder / "joined.onnx")
    options.log_severity_level = 4
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return onnx.load_model(folder / "joined.onnx")


def bf16_symbol(symbol: Symbol, parameters: Mapping[str, Any]) -> tuple[Symbol, dict[str, Any]]:
    """A symbol that MXNet computes in bfloat16 wherever it can, and all its parameters."""
    # Some poolings are not oneDNN's, and the others of MXNet know no bfloat16.
    poolings = [node["name"] for node in json.loads(symbol.tojson())["nodes"] if node["op"] == "Pooling"]
    with _in_silence():
        found, *values = amp().convert_model(
            symbol, *_split(symbol, parameters), target_dtype="bfloat16", excluded_sym_names=poolings
        )
    return found, {**values[0], **values[1]}


def _split(symbol: Symbol, parameters: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Those of the parameters that a symbol takes: arguments, and auxiliary states."""
    arguments = {name: parameters[name] for name in symbol.list_arguments() if name in parameters}
    return arguments, {name: parameters[name] for name in symbol.list_auxiliary_states()}


@contextmanager
def _in_silence() -> Iterator[None]:
    """Without what the tools log on their way: it is nothing that anyone could act upon."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
