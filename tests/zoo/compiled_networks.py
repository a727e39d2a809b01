"""Networks of the zoo on their whole way from a spec to MXNet: checked, written as a program, and read from it."""

from __future__ import annotations

import runpy
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from retdsl.check import check_source
from retdsl.engines.mxnet import emit_program
from retdsl.runtime.mx import mx
from retdsl.source import Source


@cache
def compiled_network(name: str, options: str = "", size: int = 224, classes: int = 10) -> Any:
    """The symbol up to the scores that the generated program builds for `zoo(NAME, OPTIONS)`."""
    spec = f"""
        data photographs {{
          source = folder("nowhere")  classes = [{", ".join(f"c{i}" for i in range(classes))}]
          image = photo => resize({size}, {size})
        }}
        backbone net = zoo({name}{options}, classes = count(photographs.classes))
        model whole = net => Softmax
        train whole {{ model = whole  data = photographs  metrics = [balanced_accuracy] }}
    """
    checked = check_source(Source("whole.retina", spec), Path())
    assert checked.program is not None, [found.message for found in checked.diagnostics]
    with TemporaryDirectory() as folder:
        program = Path(folder, "train.py")
        program.write_text(emit_program(checked.program.experiments[0]), encoding="utf-8")
        network = runpy.run_path(str(program))["EXPERIMENT"].network
    return network.trained({"data": mx.sym.Variable("data")})
