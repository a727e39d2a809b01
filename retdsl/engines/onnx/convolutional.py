"""Layers with learned filters and weights as ONNX. MXNet lays weights out as ONNX does."""

from __future__ import annotations

from retdsl.engines.onnx.graph import Attribute, Graph, Lowering, Step


def _filtered(graph: Graph, step: Step, op: str, **more: Attribute) -> str:
    """What filters give that are laid over an image, or lay one out."""
    return graph.add(
        op,
        *step.inputs,
        *step.parameters.values(),
        kernel_shape=step.pair("kernel"),
        strides=step.pair("stride"),
        pads=step.pair("pad") * 2,
        dilations=step.pair("dilate"),
        group=step.whole("num_group"),
        **more,
    )


def _convolution(graph: Graph, step: Step) -> str:
    return _filtered(graph, step, "Conv")


def _deconvolution(graph: Graph, step: Step) -> str:
    return _filtered(graph, step, "ConvTranspose", output_padding=step.pair("adj"))


def _fully_connected(graph: Graph, step: Step) -> str:
    return graph.add("Gemm", *step.inputs, *step.parameters.values(), transB=1)


LOWERED: dict[str, Lowering] = {
    "Convolution": _convolution,
    "Deconvolution": _deconvolution,
    "FullyConnected": _fully_connected,
}
