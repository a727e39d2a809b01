"""Parts of the network of a compiled program, for tests of what computes them."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from spec_texts import FROZEN, program

from retdsl.compiler import compile_experiment
from retdsl.runtime.bound import device
from retdsl.runtime.choice import forward_by
from retdsl.runtime.engines import AUTO, Engines
from retdsl.runtime.forward import Forward, Inference
from retdsl.runtime.mx import mx

BATCH = 6
SHAPE = (3, 32, 32)


def compiled(folder: Path) -> Path:
    """train.py of a study with a frozen part, whose network lies in ONNX beside it."""
    found = program(FROZEN)
    return compile_experiment(found, found.experiments[0], folder, Path())


def experiment_of(program: Path):
    spec = spec_from_file_location("program_of_parts", program)
    assert spec is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.EXPERIMENT


class Made:
    """A part of the network of a program, with some values."""

    def __init__(self, program: Path, *, whole: bool = False) -> None:
        network = experiment_of(program).network
        deploy = network.deploy_symbol()
        values = network.starting_values(deploy, 3, None, None).all()
        parameters = {name: mx.nd.array(value) for name, value in values.items()}
        symbol = deploy if whole else network.frozen_symbol()
        self.inference = Inference(symbol, parameters, "data", SHAPE, BATCH, device())

    def by(self, engines: Engines | None, part: str = "frozen") -> Forward:
        return forward_by(self.inference, engines, part)


def engines(program: Path, asked: str = AUTO, **changes) -> Engines:
    return Engines(asked, program, "tiny", 2, **changes)


def values(forward, images):
    return [output.asnumpy()[: len(images)] for output in forward(images)]
