"""Three checkpoints as people have them, all the way: cut, frozen, and trained on painted photographs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from old_symbols import as_of_2015, with_convention
from params_files import params_bytes
from spec_texts import checked, program

from retdsl.check.fixes import as_written
from retdsl.engines.mxnet import emit_program
from retdsl.ir import learned_numbers
from retdsl.runtime.mx import mx
from retdsl.viz import dot_text, draw, network_picture

ROOT = Path(__file__).resolve().parents[2]
SIDE = 64
SPEC = """
data eyes {{
  source = synthetic_fundus(48, ratio = 1 : 1, size = 64)
  classes = [healthy, infected]
  image = photo => resize(64, 64)
}}
backbone old = checkpoint("{prefix}", epoch = {epoch})
model net = old["{cut}"] => Flatten(name = "own_flat") => FullyConnected(2, name = "own_fc") => Softmax
train t {{ model = net  data = eyes  freeze = old  epochs = 2  batch = 8  metrics = [auc] }}
"""


def unit(x, filters, name, stride=1):
    x = mx.sym.Convolution(
        x, num_filter=filters, kernel=(3, 3), stride=(stride, stride), pad=(1, 1), name=f"conv_{name}"
    )
    return mx.sym.Activation(mx.sym.BatchNorm(x, name=f"bn_{name}"), act_type="relu", name=f"relu_{name}")


def small_inception():
    x = unit(mx.sym.Variable("data"), 8, "1", 2)
    x = mx.sym.Concat(
        unit(x, 8, "3c", 2),
        mx.sym.Pooling(x, kernel=(3, 3), stride=(2, 2), pool_type="max", name="max_pool_3c_pool"),
        name="ch_concat_3c_chconcat",
    )
    x = mx.sym.Pooling(x, kernel=(16, 16), pool_type="avg", name="global_pool")
    fc = mx.sym.FullyConnected(mx.sym.Flatten(x, name="flatten"), num_hidden=10, name="fc1")
    return mx.sym.SoftmaxOutput(fc, name="softmax")


def values_of(symbol) -> tuple[dict[str, Any], dict[str, Any]]:
    """Random parameters and moving statistics."""
    random = np.random.default_rng(5)
    known, _, states = symbol.infer_shape(data=(1, 3, SIDE, SIDE))
    shapes = {n: s for n, s in zip(symbol.list_arguments(), known, strict=True) if not n.endswith(("data", "_label"))}
    aux = dict(zip(symbol.list_auxiliary_states(), states, strict=True))
    scale = {name: (1 / max(1, np.prod(shape[1:]))) ** 0.5 for name, shape in shapes.items()}
    return (
        {n: random.normal(0.1, scale[n], s).astype("f4") for n, s in shapes.items()},
        {n: random.uniform(0.5, 1, s).astype("f4") for n, s in aux.items()},
    )


def of_2015(folder: Path) -> tuple[str, int, str]:
    """MXNet 0.5: everything as `param`, no word of how Poolings round, arrays in the layout of those days."""
    graph = as_of_2015(small_inception())
    (folder / "Inception-BN-symbol.json").write_text(json.dumps(graph))
    arguments, states = values_of(mx.sym.load_json(with_convention(graph)))
    named = {f"arg:{n}": v for n, v in arguments.items()} | {f"aux:{n}": v for n, v in states.items()}
    (folder / "Inception-BN-0126.params").write_bytes(params_bytes(named, layout=0))
    return "Inception-BN", 126, "global_pool"


def of_module(folder: Path) -> tuple[str, int, str]:
    """`Module.save_checkpoint` of MXNet 1.9."""
    symbol = mx.sym.load_json(with_convention(as_of_2015(small_inception())))
    module = mx.mod.Module(symbol)
    module.bind(data_shapes=[("data", (2, 3, SIDE, SIDE))], label_shapes=[("softmax_label", (2,))])
    module.init_params()
    arguments, states = ({n: mx.nd.array(v) for n, v in part.items()} for part in values_of(symbol))
    module.set_params(arguments, states)
    module.save_checkpoint(str(folder / "mod.el"), 3)
    return "mod.el", 3, "ch_concat_3c_chconcat"


def of_gluon(name: str) -> Callable[[Path], tuple[str, int, str]]:
    """`HybridBlock.export`."""

    def save(folder: Path) -> tuple[str, int, str]:
        mx.random.seed(1)
        net = mx.gluon.model_zoo.vision.get_model(name, classes=7, prefix="net_")
        net.initialize(mx.init.Xavier())
        net.hybridize()
        net(mx.nd.zeros((1, 3, 224, 224)))  # SqueezeNet's last layers take nothing smaller; the cut lies before them
        net.export(str(folder / "exported"))
        nodes = json.loads((folder / "exported-symbol.json").read_text())["nodes"]
        ends = {node["op"]: node["name"] for node in nodes}
        return "exported", 0, ends.get("Concat") or ends["Pooling"]

    return save


CHECKPOINTS = {
    "2015": of_2015,
    "module": of_module,
    "resnet18_v1": of_gluon("resnet18_v1"),
    "mobilenet": of_gluon("mobilenet0.25"),
    "squeezenet": of_gluon("squeezenet1.1"),
}


def output_of(symbol, values, image):
    arguments = {n: mx.nd.array(image if n == "data" else values[n]) for n in symbol.list_arguments()}
    states = {n: mx.nd.array(values[n]) for n in symbol.list_auxiliary_states()}
    return symbol.bind(mx.cpu(), arguments, grad_req="null", aux_states=states).forward()[0].asnumpy()


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_a_cut_and_frozen_backbone_answers_as_mxnet_does(kind: str, tmp_path: Path):
    prefix, epoch, cut = CHECKPOINTS[kind](tmp_path)
    text = (tmp_path / f"{prefix}-symbol.json").read_text()
    told = mx.sym.load_json(with_convention(json.loads(text)) if kind == "2015" else text)
    saved = mx.nd.load(str(tmp_path / f"{prefix}-{epoch:04d}.params"))
    values = {name.partition(":")[2]: value for name, value in saved.items()}
    image = np.random.default_rng(2).normal(size=(2, 3, SIDE, SIDE))
    part = told.get_internals()[f"{cut}_output"]
    wanted = output_of(part, values, image)

    study = program(SPEC.format(prefix=prefix, epoch=epoch, cut=cut), tmp_path)
    namespace: dict[str, Any] = {"__name__": "program", "__file__": str(tmp_path / "train.py")}
    exec(emit_program(study.experiments[0]), namespace)
    network = namespace["EXPERIMENT"].network
    deploy = network.deploy_symbol()
    start = network.starting_values(deploy, 0, None, tmp_path).all()
    found = output_of(deploy.get_internals()[f"{cut}_output"], start, image)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())

    backbone = [node for node in study.experiments[0].network.nodes if node.backbone]
    assert all(node.frozen and node.shape is not None for node in backbone)
    assert learned_numbers(backbone) == sum(values[n].size for n in part.list_arguments() if n != "data")


NAMES = [
    *("conv2/3x3_reduce", "inception_3a/1x1", "conv2.relu", "pool5/7x7 s1", "3x3", "class", "none", "data_1", "sym"),
    *(
        'say "a"',
        "back\\slash",
        "{x}",
        "{{",
        "f(x)",
        "<b>&amp;</b>",
        "it's",
        "a;b # c",
        "x|y",
        "%s",
        "größe",
        "features",
        "[0]",
    ),
]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_any_kind_go_all_the_way(name: str, tmp_path: Path):
    x = mx.sym.Convolution(mx.sym.Variable("data"), num_filter=3, kernel=(1, 1), name=name)
    symbol = mx.sym.Activation(x, act_type="relu", name=f"{name}/relu")
    arguments, _ = values_of(symbol)
    mx.model.save_checkpoint(str(tmp_path / "old"), 1, symbol, {n: mx.nd.array(v) for n, v in arguments.items()}, {})
    image = np.random.default_rng(2).normal(size=(2, 3, SIDE, SIDE))
    for cut in (name, f"{name}/relu"):
        text = SPEC.format(prefix="old", epoch=1, cut="CUT").replace('"CUT"', as_written(cut))
        study = program(text, tmp_path)
        namespace: dict[str, Any] = {"__name__": "program", "__file__": str(tmp_path / "train.py")}
        exec(emit_program(study.experiments[0]), namespace)
        network = namespace["EXPERIMENT"].network
        deploy = network.deploy_symbol()
        start = network.starting_values(deploy, 0, None, tmp_path).all()
        np.testing.assert_array_equal(
            output_of(deploy.get_internals()[f"{cut}_output"], start, image),
            output_of(symbol.get_internals()[f"{cut}_output"], arguments, image),
        )
    wrong = SPEC.format(prefix="old", epoch=1, cut="CUT").replace('"CUT"', as_written(f"{name}/rela"))
    [message] = [item for item in checked(wrong, tmp_path).diagnostics if item.code == "R206"]
    assert f"`{name}/relu`" in message.helps[0]
    assert {edit.replacement for fix in message.fixes for edit in fix.edits} <= {as_written(f"{name}/relu")}


def test_names_of_any_kind_can_be_drawn(tmp_path: Path):
    x = mx.sym.Variable("data")
    for name in NAMES:
        x = mx.sym.Convolution(x, num_filter=3, kernel=(1, 1), name=name)
    x = mx.sym.Pooling(x, kernel=(1, 1), global_pool=True, name="pool")
    arguments, _ = values_of(x)
    mx.model.save_checkpoint(str(tmp_path / "old"), 1, x, {n: mx.nd.array(v) for n, v in arguments.items()}, {})
    network = program(SPEC.format(prefix="old", epoch=1, cut="pool"), tmp_path).experiments[0].network
    drawn = ElementTree.fromstring(draw(dot_text(network_picture(network, expand=True)), ".svg"))
    shown = " ".join(element.text or "" for element in drawn.iter("{http://www.w3.org/2000/svg}text"))
    assert [name for name in NAMES if name not in shown.replace("\xa0", " ")] == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["2015", "module", "squeezenet"])
def test_a_checkpoint_is_trained_on_photographs_and_stays_as_it_is(kind: str, tmp_path: Path):
    prefix, epoch, cut = CHECKPOINTS[kind](tmp_path)
    (tmp_path / "study.retina").write_text(SPEC.format(prefix=prefix, epoch=epoch, cut=cut))
    command = [sys.executable, "-m", "retdsl", "train", str(tmp_path / "study.retina"), "--plain"]
    done = subprocess.run(
        [*command, "--runs", str(tmp_path / "runs")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    [run] = (tmp_path / "runs").iterdir()
    assert "auc" in json.loads((run / "test.json").read_text())
    before = mx.nd.load(str(tmp_path / f"{prefix}-{epoch:04d}.params"))
    after = mx.nd.load(str(run / "checkpoints" / "t-0002.params"))
    kept = [name for name in after if name in before]
    assert len(kept) == len(after) - 2
    attributes = mx.sym.load(str(run / "checkpoints" / "t-symbol.json")).attr_dict()
    for name in kept:
        layer = attributes.get(name.removeprefix("arg:").removesuffix("_gamma"), {})
        fixed = name.endswith("_gamma") and layer.get("fix_gamma", "True") == "True"
        # MXNet takes such a scale for 1 whatever the file says, and writes 1 wherever it trains.
        expected = np.ones_like(before[name].asnumpy()) if fixed else before[name].asnumpy()
        np.testing.assert_array_equal(after[name].asnumpy(), expected)
