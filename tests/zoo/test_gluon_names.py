"""Gluon's names of every parameter, of both kinds, lead to the parameter that does the same in our network.

Which that is follows from the graphs (`matched_parameters`), which know nothing of names. For GluonCV, which is not
here, `tests/golden/make_gluoncv_names.py` kept what the graphs say.
"""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import matched_parameters
from test_gluon import NETWORKS, compiled, drawn, size_of
from test_zoo_specs import answer

from retdsl.check.files import zoo_networks
from retdsl.runtime.mx import mx
from retdsl.runtime.pretrained import weights_file
from retdsl.weights.files import open_weights
from retdsl.weights.layouts import recognise, rename

CASES = [case for case in NETWORKS if " of " not in case]
QUICK = ("resnet18_v2", "mobilenet_v2_gluon", "squeezenet1_1")
PREFIXES = ("", "net0_", "my_resnetv17_")


GLUONCV = json.loads(lzma.decompress((Path(__file__).parents[1] / "golden" / "gluoncv_names.json.xz").read_bytes()))


def save_parameters(net: Any, path: Path) -> Path:
    net.save_parameters(str(path))
    return path


def save_params(net: Any, path: Path) -> Path:
    """As the former `save_params`."""
    net.collect_params().save(str(path), strip_prefix=net.prefix)
    return path


def export(net: Any, path: Path) -> Path:
    net.export(str(path))
    return path.with_name("net-0000.params")


WAYS = {way.__name__: way for way in (save_parameters, save_params, export)}


def layout(case: str) -> str:
    return zoo_networks()[case.split()[0]].stem


def symbols_of_gluon(net: Any, case: str) -> dict[str, str]:
    """The name in Gluon's graph of each of our parameters."""
    size = size_of(case)
    return matched_parameters(compiled(case, size), net(mx.sym.Variable("data")), (1, 3, size, size))


@pytest.mark.parametrize("case", CASES)
def test_both_kinds_of_names_are_known(case: str) -> None:
    net = mx.gluon.model_zoo.vision.get_model(NETWORKS[case][1], classes=10)
    truth = symbols_of_gluon(net, case)
    parameters = net.collect_params()
    by_structure = {parameter.name: name for name, parameter in net._collect_params_with_prefix().items()}

    structural = rename(layout(case), dict.fromkeys(by_structure.values(), (1,)))
    assert structural.names == {ours: by_structure[theirs] for ours, theirs in truth.items()}
    assert structural[1:] == ((), (), "Gluon")

    for prefix in PREFIXES:
        renewed = {name: prefix + name.removeprefix(net.prefix) for name in parameters}
        prefixed = rename(layout(case), dict.fromkeys(renewed.values(), (1,)))
        assert prefixed.names == {ours: renewed[theirs] for ours, theirs in truth.items()}
        assert prefixed[1:] == ((), (), "Gluon")


@pytest.mark.parametrize("name", GLUONCV)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_both_kinds_of_names_of_gluoncv_are_known(name: str, prefix: str) -> None:
    for kind in (0, 1):
        truth = {ours: (prefix if kind else "") + theirs[kind] for ours, theirs in GLUONCV[name].items()}
        assert rename("resnet", dict.fromkeys(truth.values(), (1,))) == (truth, (), (), "GluonCV")
        found = recognise(dict.fromkeys(truth.values(), (1,)))
        assert [network.network for network in found] == [name]


@pytest.mark.parametrize("case", QUICK)
@pytest.mark.parametrize("way", WAYS)
def test_a_file_of_gluon_answers_as_gluon_does(case: str, way: str, tmp_path: Path) -> None:
    compare_answers(case, way, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in CASES if case not in QUICK])
@pytest.mark.parametrize("way", WAYS)
def test_every_file_of_gluon_answers_as_gluon_does(case: str, way: str, tmp_path: Path) -> None:
    compare_answers(case, way, tmp_path)


def compare_answers(case: str, way: str, folder: Path) -> None:
    """A network of Gluon is saved, read back as a file, and both answer the same images."""
    data = (2, 3, size_of(case), size_of(case))
    ours = compiled(case, data[2])
    parameters = drawn(ours, data)
    net = mx.gluon.model_zoo.vision.get_model(NETWORKS[case][1], classes=10)
    net.initialize()
    net.hybridize()
    net(mx.nd.zeros(data))
    theirs = net.collect_params()
    for name, gluon in symbols_of_gluon(net, case).items():
        theirs[gluon].set_data(mx.nd.array(parameters[name]))
    images = np.random.default_rng(1).standard_normal(data, dtype=np.float32)
    expected = net(mx.nd.array(images)).asnumpy()

    file = WAYS[way](net, folder / "net")
    shapes = open_weights(file).shapes
    found = recognise(shapes, {case: {name: array.shape for name, array in parameters.items()}})
    assert case in [network.network for network in found]
    assert {network.origin for network in found} == {"Gluon"}
    needed = {name: array.shape for name, array in parameters.items()}
    loaded = weights_file(str(file), layout(case)).load(needed)
    tolerance = 1e-4 * float(np.abs(expected).max())
    np.testing.assert_allclose(answer(ours, loaded, images), expected, rtol=0, atol=tolerance)
