"""A part of a network computed by onnxruntime.

Enters: a part as an ONNX model with its weights, images. Leaves: its outputs, as arrays of NumPy. Guaranteed:
what comes out for an image depends on nothing but the image, whatever batch it comes in and however many threads work.

Each thread carries a few images through the whole part by itself. So what one layer gives is still in the processor's
cache when the next one takes it, and no thread ever waits for another, or spins while the loader's threads work: on a
network of many thin layers that is half as fast again as all threads working on one batch together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.initial import Array
from retdsl.runtime.skeleton import Model

SLICE = 4
"""Images that a thread carries at once."""


class NotCarried(Exception):
    """Why onnxruntime cannot compute a part, in words."""


class OnnxPart:
    """A part with one input, ready to compute.

    outputs: the names of what comes out; threads: that work on a batch; kind: what is said of it besides, as " int8".

    Raises NotCarried where onnxruntime is missing, or refuses the model.
    """

    def __init__(self, model: Model, input: str, outputs: Sequence[str], threads: int, kind: str = "") -> None:
        require_installed()
        self.engine = f"onnxruntime {_version()}{kind}"
        try:
            self._session = session(model)
        except Exception as error:  # onnxruntime has a class of its own for each way to refuse
            raise NotCarried(f"onnxruntime refuses the network: {str(error).splitlines()[0]}") from None
        self._input = input
        self._outputs = list(outputs)
        self._threads = threads

    def __call__(self, images: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Every output [n, ...] for images [n, ...]."""
        slices = [images[at : at + SLICE] for at in range(0, len(images), SLICE)]
        if self._threads == 1 or len(slices) == 1:
            found = [*map(self._run, slices)]
        else:
            # Threads of this call alone: none is left when a process ends, and starting them takes no time to speak of.
            with ThreadPoolExecutor(self._threads, thread_name_prefix="forward") as pool:
                found = list(pool.map(self._run, slices))
        return [np.concatenate(column) for column in zip(*found, strict=True)]

    def _run(self, images: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Outputs of at most SLICE images, which are filled up to SLICE, so that all are computed alike."""
        count = len(images)
        if count < SLICE:
            images = np.concatenate([images, np.zeros((SLICE - count, *images.shape[1:]), np.float32)])
        outputs: list[NDArray[np.float32]] = self._session.run(self._outputs, {self._input: images})
        return [values[:count] for values in outputs]


def _version() -> str:
    import onnxruntime

    return str(onnxruntime.__version__)


def session(model: Model) -> Any:
    """A session that computes in the thread that calls it, the same bits every time."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 4  # whatever it has to say comes as an exception
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def part_of(
    skeleton: Model, input: str, shape: Sequence[int], outputs: Sequence[str], values: Mapping[str, Array]
) -> Model:
    """What lies between the input and some layers, with the values of its parameters, for SLICE images `shape` at once.

    values: at least those that the part needs. Raises NotCarried where something that it needs is not there.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = skeleton.graph
    nodes = _needed(graph.node, input, outputs)
    used = {name for node in nodes for name in node.input if name}
    made = {name for node in nodes for name in node.output}
    constants = [tensor for tensor in graph.initializer if tensor.name in used]
    wanted = used - made - {input} - {tensor.name for tensor in constants}
    if missing := sorted((set(outputs) - made) | (wanted - set(values))):
        raise NotCarried(f"the network in ONNX lacks {', '.join(missing[:3])}")
    part = helper.make_graph(
        nodes,
        graph.name,
        [helper.make_tensor_value_info(input, TensorProto.FLOAT, [SLICE, *shape])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [*constants, *(numpy_helper.from_array(values[name], name) for name in sorted(wanted))],
    )
    return helper.make_model(part, opset_imports=skeleton.opset_import, ir_version=skeleton.ir_version)


def _needed(nodes: Sequence[Any], input: str, outputs: Collection[str]) -> list[Any]:
    """The nodes that the outputs hang on, in their order, as far back as the input."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted & set(node.output):
            kept.append(node)
            wanted |= set(node.input) - {input}
    return kept[::-1]


def require_installed() -> None:
    """Raises NotCarried where onnxruntime is missing, or `onnx`, which makes its models, or one cannot be loaded."""
    for name in ("onnxruntime", "onnx"):
        try:
            import_module(name)
        except ImportError as error:
            raise NotCarried(f"{name} cannot be loaded ({error}): pip install 'retdsl[onnx]'") from None
