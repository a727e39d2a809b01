"""The network of a program in ONNX, as `compile` leaves it beside train.py, and with its numbers put in.

Enters: a file NAME.onnx without weights, as `retdsl.engines.onnx` describes it; parameters by MXNet's names. Leaves: a
`ModelProto`. Guaranteed: a file that was not made with the program beside it is not taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from retdsl.runtime.errors import RunError
from retdsl.runtime.initial import Array
from retdsl.weights.files import sha256_of

Model: TypeAlias = Any
"""An `onnx.ModelProto`."""

PROGRAM = "train_py_sha256"
"""What the metadata calls the SHA-256 of the program that a skeleton was made with."""


def require_onnx() -> None:
    """Raises RunError where the package is missing."""
    try:
        import onnx  # noqa: F401
    except ImportError:
        help = "pip install 'retdsl[onnx]'"
        raise RunError("this needs the package `onnx`, which is not installed", help=help) from None


def read_skeleton(program: Path, name: str) -> Model | None:
    """The skeleton beside a program; None where there is none, where it was made with another program, as one that was
    edited since, where it cannot be read, or where the package `onnx` is missing.
    """
    path = program.with_name(f"{name}.onnx")
    try:
        import onnx

        model = onnx.load_model_from_string(path.read_bytes())
    except Exception:  # the package, the file, or what protobuf says of one that is damaged
        return None
    return model if program.is_file() and metadata_of(model).get(PROGRAM) == sha256_of(program) else None


def metadata_of(model: Model) -> dict[str, str]:
    """What a model says about itself."""
    return {item.key: item.value for item in model.metadata_props}


def filled(model: Model, parameters: Mapping[str, Array]) -> Model:
    """The same network with numbers in place of the inputs that are parameters; its own input stays one."""
    from onnx import ModelProto, numpy_helper

    whole = ModelProto()
    whole.CopyFrom(model)
    inputs = list(whole.graph.input)
    del whole.graph.input[:]
    whole.graph.input.extend(one for one in inputs if one.name not in parameters)
    names = (one.name for one in inputs if one.name in parameters)
    whole.graph.initializer.extend(numpy_helper.from_array(parameters[name], name) for name in names)
    return whole
