"""Makes `gluoncv_names.json.xz`: GluonCV's names, of both kinds, for every parameter of our ResNets.

Needed once, not by the tests, in an environment with MXNet and retdsl:

    pip download --no-deps gluoncv==0.10.5.post0 && unzip gluoncv-*.whl -d gluoncv
    PYTHONPATH=tests/zoo python tests/golden/make_gluoncv_names.py gluoncv/gluoncv/model_zoo/resnetv1b.py

Which parameter is which follows from the graphs alone. The file holds, by network, our name of each parameter with
GluonCV's by structure (`save_parameters`) and by prefix and number, without the network's own prefix.
"""

from __future__ import annotations

import json
import lzma
import runpy
import sys
from pathlib import Path

from compiled_networks import compiled_network
from graphs import matched_parameters

from retdsl.runtime.mx import mx

made = runpy.run_path(sys.argv[1])
names = {}
for network in ("resnet18", "resnet50", "resnet152"):
    net = made[f"{network}_v1b"](classes=10)
    truth = matched_parameters(compiled_network(network, size=64), net(mx.sym.Variable("data")), (1, 3, 64, 64))
    structure = {parameter.name: name for name, parameter in net._collect_params_with_prefix().items()}
    assert {*truth.values()} == {*structure}
    names[network] = {ours: (structure[theirs], theirs.removeprefix(net.prefix)) for ours, theirs in truth.items()}
    print(network, len(truth))
path = Path(__file__).with_name("gluoncv_names.json.xz")
path.write_bytes(lzma.compress(json.dumps(names).encode()))
