"""Program to ONNX: the network of an experiment from its input to the probabilities, by the package `onnx`.

`emit_skeleton(experiment, program_text)` gives the bytes of an ONNX file without weights, which `compile` puts beside
train.py as EXPERIMENT.onnx, or None. What is in it:

* inputs: the network's own (`data`), [N, C, H, W] with N left open, then every parameter that is used, under MXNet's
  name and shape, float32. A scale that `fix_gamma` holds at 1 is not used, and so is no input.
* values: what each layer gives is called by the layer's name, so that a part can be taken out by names of layers;
  names that hold a slash are of steps in between. `value_info` has the shape of every layer's value.
* output: the probabilities [N, C], called by the name of the loss head (`softmax`).
* metadata: `retdsl`, the version; `experiment`; `train_py_sha256`, of the program's text as UTF-8, so that whoever has
  changed train.py since is not given another network.

Guaranteed: every layer is computed as MXNet computes it in prediction, or the whole is refused. MXNet's own exporter
is not used: it does not work with any `onnx` of today.
"""

from __future__ import annotations

from hashlib import sha256

from retdsl import __version__
from retdsl.engines.onnx.graph import Refused
from retdsl.ir import Experiment

__all__ = ["Refused", "emit_skeleton", "skeleton"]


def emit_skeleton(experiment: Experiment, program_text: str) -> bytes | None:
    """The network without weights; None where the package is missing, or where a layer cannot be said in ONNX.

    program_text: of the train.py that it lies beside.
    """
    try:
        import onnx  # noqa: F401

        return skeleton(experiment, program_text)
    except (ImportError, Refused):
        return None


def skeleton(experiment: Experiment, program_text: str) -> bytes:
    """As `emit_skeleton`, but raises ImportError without the package, and Refused with the layer and the reason."""
    from retdsl.engines.onnx.model import model_of
    from retdsl.engines.onnx.network import graph_of

    graph = graph_of(experiment.network)
    metadata = {
        "retdsl": __version__,
        "experiment": experiment.name,
        "train_py_sha256": sha256(program_text.encode()).hexdigest(),
    }
    content: bytes = model_of(experiment.network, graph, metadata).SerializeToString(deterministic=True)
    return content
