"""A graph as a file of ONNX: the only place that uses the package `onnx`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retdsl.engines.onnx.graph import Constant, Graph, Operation
from retdsl.ir import Network, Shape

OPSET = 17
"""The version of ONNX's operators; runtimes from 2022 on have it."""

IR_VERSION = 8
"""The version of the file's form that came with them."""


def model_of(network: Network, graph: Graph, metadata: Mapping[str, str]) -> Any:
    """The `ModelProto` of a network's graph: every parameter that it uses is an input under MXNet's name, after the
    input itself; the axis N of all is left open. The same network gives the same bytes.
    """
    from onnx import TensorProto, helper

    def told(name: str, shape: Shape) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N" if n is None else n for n in shape])

    used = {name for operation in graph.operations for name in operation.inputs}
    parameters = {p.name: p.shape for _, p in network.parameters() if p.name in used and p.shape is not None}
    shapes = {node.name: node.shape for node in network.nodes if node.shape is not None}
    output = network.output
    if network.loss is not None:
        output = network.loss.name
        shapes[output] = shapes[network.output]
    made = helper.make_graph(
        [_node(operation) for operation in graph.operations],
        network.name,
        [told(network.input, network.input_shape), *(told(name, shape) for name, shape in parameters.items())],
        [told(output, shapes.pop(output))],
        [_tensor(name, constant) for constant, name in graph.constants.items()],
        value_info=[told(name, shape) for name, shape in shapes.items()],
    )
    model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="retdsl"
    )
    helper.set_model_props(model, dict(metadata))
    return model


def _node(operation: Operation) -> Any:
    from onnx import helper

    attributes: dict[str, Any] = dict(operation.attributes)
    return helper.make_node(operation.op, operation.inputs, [operation.output], operation.output, **attributes)


def _tensor(name: str, constant: Constant) -> Any:
    from onnx import TensorProto, helper

    kind = TensorProto.INT64 if constant.whole else TensorProto.FLOAT
    return helper.make_tensor(name, kind, constant.shape, constant.values)
