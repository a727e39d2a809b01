"""The network of a finished run as a file of ONNX, compared with MXNet before it is written.

Enters: an experiment, its data's root, an `ExportRequest`. Leaves: the file, and facts about it. Guaranteed: for
photographs of the run it gives the probabilities that MXNet gives, to `CLOSE`, or nothing is written; the file is whole
or not there; nothing in the run's folder changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.bound import Bound
from retdsl.runtime.errors import RunError
from retdsl.runtime.evaluation import require_size
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.files import replacing, write_json
from retdsl.runtime.finished_network import finished_parameters
from retdsl.runtime.image_cache import ImageCache
from retdsl.runtime.initial import Array
from retdsl.runtime.mean_image import with_mean_image
from retdsl.runtime.mx import mx
from retdsl.runtime.network_input import PLAIN, normalize, to_network
from retdsl.runtime.prepared import PreparedImages
from retdsl.runtime.progress import Progress
from retdsl.runtime.requests import ExportRequest
from retdsl.runtime.skeleton import Model, filled, require_onnx
from retdsl.runtime.symbols import Symbol

CLOSE = 1e-4
"""How far a probability may be from MXNet's."""

COMPARED = 16
"""Photographs that both engines are asked about: of the test side first, then of the others."""

PHOTOGRAPHS = "photographs"
"""The input of a network that normalizes by itself."""


def export(
    experiment: Experiment,
    root: Path,
    request: ExportRequest,
    progress: Progress,
    threads: int,
    *,
    cached: bool = True,
) -> None:
    """Writes the two files of the request. root: that of the run's data. Raises RunError.

    The facts: `epoch`; `engine`, what computed the file for the comparison; `photographs`, how many were compared;
    `difference`, the largest of any probability.
    """
    require_onnx()
    import onnx

    network = experiment.network
    deploy, parameters, epoch = finished_parameters(experiment, Path(request.run), request.checkpoint)
    skeleton = onnx.load_model(request.skeleton)
    _require_same_network(skeleton, parameters, network.input)
    model = filled(skeleton, parameters)
    last = with_mean_image(experiment.data.normalize, network.input_shape, experiment.folder, root) or PLAIN
    prepared = _photographs(experiment, root, progress, threads, cached)
    inputs = np.stack([to_network(photo, last) for photo in prepared])
    given = inputs
    if request.with_normalization:
        model, given = normalizing(model, last), np.stack(prepared)
    onnx.checker.check_model(model, full_check=True)
    expected = by_mxnet(deploy, parameters, network.input, inputs)[0]
    engine, [found] = by_onnx(model, given)
    difference = float(np.abs(found - expected).max())
    if not difference <= CLOSE:
        first = first_that_differs(deploy, parameters, filled(skeleton, parameters), network.input, inputs[:2])
        raise _unlike(difference, engine, first)
    # The metadata of the skeleton go: what has weights must never be taken for one.
    facts = {"epoch": epoch, "engine": engine, "photographs": len(prepared), "difference": difference}
    compared = f"as MXNet {mx.__version__} on {len(prepared)} photographs of the run, to {difference:.1e}, by {engine}"
    onnx.helper.set_model_props(model, {**request.metadata, "epoch": str(epoch), "compared": compared})
    with replacing(Path(request.output), "choose another file with -o") as beside:
        beside.write_bytes(model.SerializeToString(deterministic=True))
    write_json(Path(request.facts), facts)


def _require_same_network(skeleton: Model, parameters: Mapping[str, Array], input: str) -> None:
    """Raises RunError for a skeleton that does not take the program's input and parameters."""
    wanted = {
        one.name: tuple(axis.dim_value for axis in one.type.tensor_type.shape.dim) for one in skeleton.graph.input
    }
    own = wanted.pop(input, None)
    wrong = [] if own is not None else [f"it does not take `{input}`"]
    wrong += [f"`{name}` is no parameter of the program" for name in wanted if name not in parameters]
    for name, shape in wanted.items():
        if name in parameters and parameters[name].shape != shape:
            wrong.append(f"`{name}` is {list(shape)}, the program's is {list(parameters[name].shape)}")
    if wrong:
        raise RunError(_OTHER, items=wrong, help=_EDITED)


_OTHER = "the network of program.json is not that of train.py"
_EDITED = "train.py was edited: what the language does not know cannot be said in ONNX"


def _photographs(
    experiment: Experiment, root: Path, progress: Progress, threads: int, cached: bool
) -> list[NDArray[np.uint8]]:
    """Prepared photographs to compare on, as many as `COMPARED` where there are. Raises RunError if there is none."""
    dataset = experiment.data.divided(root)
    indices = [*dataset.test, *dataset.valid, *dataset.train][:COMPARED]
    images = PreparedImages(dataset, threads, ImageCache(dataset.chain, lasts=cached))
    first = images.load_all(progress.preparing, indices)
    readable = [index for index in indices if index in first.looked]
    if not readable:
        why = [f"{dataset.samples[index].image}: {error.message}" for index, error in first.refused.items()]
        help = "--root says where the run's photographs are now"
        raise RunError("there is no photograph to compare the file with MXNet on", items=why, help=help)
    require_size(images[readable[0]].shape, experiment.network)
    return [images[index] for index in readable]


def normalizing(model: Model, last: normalize) -> Model:
    """The network with its last step: it takes prepared photographs, uint8 [N, H, W, C], red, green, blue."""
    from onnx import ModelProto, TensorProto, helper, numpy_helper

    whole = ModelProto()
    whole.CopyFrom(model)
    graph, [old] = whole.graph, whole.graph.input
    colours, height, width = (axis.dim_value for axis in old.type.tensor_type.shape.dim[1:])
    mean = np.zeros(colours) if last.mean is None else np.asarray(last.mean, np.float64)
    std = np.asarray(last.std, np.float64)[:colours].reshape(-1, 1, 1)
    mean = mean[:colours].reshape(-1, 1, 1) if mean.ndim == 1 else mean
    taken = {name for node in graph.node for name in (*node.input, *node.output)}
    input = PHOTOGRAPHS
    while any(name.partition("/")[0] == input for name in taken):
        input += "_"
    steps: tuple[tuple[str, tuple[str, ...], dict[str, Any]], ...] = (
        ("Cast", (input,), {"to": TensorProto.FLOAT}),
        ("Transpose", (f"{input}/cast",), {"perm": (0, 3, 1, 2)}),
        ("Mul", (f"{input}/transpose", f"{input}/factor"), {}),
        ("Add", (f"{input}/mul", f"{input}/shift"), {}),
    )
    outputs = (*(f"{input}/{op.lower()}" for op, _, _ in steps[:-1]), old.name)
    made = [helper.make_node(op, i, [o], o, **more) for (op, i, more), o in zip(steps, outputs, strict=True)]
    nodes = [*made, *graph.node]
    del graph.node[:], graph.input[:]
    graph.node.extend(nodes)
    graph.input.append(helper.make_tensor_value_info(input, TensorProto.UINT8, ("N", height, width, colours)))
    numbers = {f"{input}/factor": last.scale / std / 255, f"{input}/shift": -mean / std}
    graph.initializer.extend(numpy_helper.from_array(v.astype(np.float32), name) for name, v in numbers.items())
    return whole


def by_mxnet(
    symbol: Symbol, parameters: Mapping[str, Array], input: str, images: NDArray[np.float32]
) -> list[NDArray[np.float32]]:
    """What MXNet gives for images [n, C, H, W], on the processor."""
    arrays = {name: mx.nd.array(value) for name, value in parameters.items()}
    bound = Bound(symbol, arrays, {input: images.shape[1:]}, len(images), mx.cpu())
    return [value.asnumpy() for value in bound([mx.nd.array(images)])]


def by_onnx(model: Model, given: NDArray[Any]) -> tuple[str, list[NDArray[np.float32]]]:
    """What computes a model here, and all that it gives: onnxruntime, or where that is missing the reference of
    `onnx`, which is slow.
    """
    name = model.graph.input[0].name
    try:
        import onnxruntime
    except ImportError:
        import onnx
        from onnx.reference import ReferenceEvaluator

        return f"the reference of onnx {onnx.__version__}", list(ReferenceEvaluator(model).run(None, {name: given}))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return f"onnxruntime {onnxruntime.__version__}", list(session.run(None, {name: given}))


def first_that_differs(
    deploy: Symbol, parameters: Mapping[str, Array], model: Model, input: str, images: NDArray[np.float32]
) -> str | None:
    """The first layer after which the two are not close; None where that cannot be told.

    It is measured by the largest value that the layer gives.
    """
    inside = deploy.get_internals()
    outputs = set(inside.list_outputs())
    order = [name for node in model.graph.node for name in node.output if f"{name}_output" in outputs]
    told = {one.name: one for one in [*model.graph.value_info, *model.graph.output]}
    names: list[str] = [name for name in order if name in told]
    opened = filled(model, {})
    del opened.graph.output[:]
    opened.graph.output.extend(told[name] for name in names)
    _, values = by_onnx(opened, images)
    for name, found in zip(names, values, strict=True):
        # One by one: asked for what lies within layers that it fuses, MXNet binds something that it then cannot run.
        [expected] = by_mxnet(inside[f"{name}_output"], parameters, input, images)
        if expected.shape != found.shape:
            return name
        if not np.abs(expected - found).max() <= CLOSE * max(1.0, float(np.abs(expected).max())):
            return name
    return None


def _unlike(difference: float, engine: str, first: str | None) -> RunError:
    what = f"the exported network is not MXNet's: a probability differs by {difference:.2g}, and {CLOSE:g} is allowed"
    items = [] if first is None else [f"the first layer that differs is `{first}`"]
    help = ("nothing was written", f"{_EDITED}; else it is a defect of retdsl or of {engine}")
    return RunError(what, items=items, help=help)
