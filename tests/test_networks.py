"""Networks by any name: what each word means, and what is said where it means nothing or something broken."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from graph_texts import symbol_file, zoo
from old_symbols import write_params
from safetensors_files import safetensors_bytes

from retdsl import compiler, networks
from retdsl.compiler import Refused
from retdsl.diagnostics import Diagnostics
from retdsl.networks import Seen
from retdsl.outline import outline

SPEC = """
backbone lite = zoo(mobilenet_v2, width = 50%)
backbone old  = checkpoint("net", epoch = 7)
model plain = lite[global_pool] => Flatten => FullyConnected(2)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a symbol file, parameters of two epochs, and a spec."""
    (tmp_path / "net-symbol.json").write_text(symbol_file(zoo("resnet18_v1")))
    shapes = {p.name: p.shape or () for _, p in zoo("resnet18_v1").parameters()}
    for epoch in (2, 12):
        write_params(tmp_path / f"net-{epoch:04d}.params", shapes)
    (tmp_path / "study.retina").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def the_network(what: str, side: int | None = None) -> Seen:
    looked = networks.one_network(what, None if side is None else (None, 3, side, side))
    assert [message.message for message in looked.messages] == []
    (seen,) = looked.networks
    return seen


@pytest.mark.parametrize(("name", "side"), [("resnet18_v1", 224), ("inception_v3", 299), ("efficientnet_lite1", 240)])
def test_the_zoo_at_the_size_it_was_made_for(name: str, side: int) -> None:
    seen = the_network(name)
    assert (seen.title, seen.declared, seen.backbone) == (name, f"zoo({name})", None)
    assert seen.network.input_shape == (None, 3, side, side)
    assert {node.backbone for node in seen.network.nodes} == {name}


def test_another_size() -> None:
    assert the_network("resnet18_v1", 64).network.node("stage4_unit1_relu").shape == (None, 512, 2, 2)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("what", "declared"),
    [
        ("net", 'checkpoint("net", 12)'),
        ("net-symbol.json", 'checkpoint("net", 12)'),
        ("net-0002.params", 'checkpoint("net", 2)'),
        ("./net", 'checkpoint("./net", 12)'),
    ],
)
def test_a_checkpoint_by_its_prefix_or_any_of_its_files(what: str, declared: str) -> None:
    assert networks.is_network(what)
    assert not networks.is_spec(what)
    seen = the_network(what)
    assert (seen.title, seen.declared) == ("net", declared)
    assert len(seen.network.nodes) == len(zoo("resnet18_v1").nodes)
    assert outline(seen.network)["stage3_unit2_conv1"] == ("stage(stage3)", "unit(stage3_unit2)")


def test_a_symbol_file_without_parameters_in_another_folder(here: Path) -> None:
    folder = here / 'odd {name} "here"'
    folder.mkdir()
    (folder / "net-symbol.json").write_text((here / "net-symbol.json").read_text())
    seen = the_network(str(folder / "net-symbol.json"))
    assert seen.declared is not None
    assert seen.declared.endswith(", 0)")


@pytest.mark.usefixtures("here")
def test_a_spec_has_its_backbones_whole_and_its_models() -> None:
    spec = compiler.read("study.retina", None, Diagnostics())
    assert spec is not None
    program = compiler.check(spec).program
    assert program is not None
    seen = (*networks.backbones_of_spec(spec)[0], *networks.models_of(program))
    assert [(one.title, one.declared, one.backbone) for one in seen] == [
        ("lite", "zoo(mobilenet_v2, width = 50%)", "lite"),
        ("old", 'checkpoint("net", epoch = 7)', "old"),
        ("plain", None, None),
    ]
    lite, old, plain = (one.network for one in seen)
    assert (lite.output, old.output) == ("fc", "fc")
    assert [node.name for node in plain.nodes[:-2]] == [node.name for node in lite.nodes[:-3]]
    assert networks.select(seen, "old", None, "study") == (seen[1],)
    assert networks.select(seen, None, None, "study") == seen
    for backbone, model, said in (("olt", None, "`old`"), (None, "lite", "plain"), ("plain", None, "lite, old")):
        with pytest.raises(Refused) as refused:
            networks.select(seen, backbone, model, "study")
        assert said in refused.value.help


def test_a_backbone_can_be_looked_at_while_a_model_is_wrong(here: Path) -> None:
    (here / "study.retina").write_text(SPEC.replace("global_pool", "global_pol") + "train t { model = plain }")
    spec = compiler.read("study.retina", None, Diagnostics())
    assert spec is not None
    assert compiler.check(spec).diagnostics.errors
    seen, checked = networks.backbones_of_spec(spec)
    assert [one.title for one in seen] == ["lite", "old"]
    assert not checked.diagnostics.errors


def test_a_wrong_backbone_is_told(here: Path) -> None:
    (here / "study.retina").write_text("# one\nmodel m = lite\nbackbone lite = zoo(resnet19_v1)")
    spec = compiler.read("study.retina", None, Diagnostics())
    assert spec is not None
    seen, checked = networks.backbones_of_spec(spec)
    [message] = checked.diagnostics
    assert (seen, message.code) == ((), "R208")
    assert message.labels[0].span.source.position(message.labels[0].span.start)[0] == 3


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("what", "error", "help"),
    [
        ("resnet20", "there is nothing called `resnet20`", "did you mean"),
        ("nets-symbol.json", "there is no file nets-symbol.json", "did you mean `net-symbol.json`?"),
        ("below/net-symbol.json", "there is no file below/net-symbol.json", "NAME-symbol.json or its prefix"),
        ("program.json", "program.json is not named as a symbol file", "NAME-symbol.json: rename it"),
        ("net.pth", "net.pth holds weights, and no network", "name the network that they are for"),
        ("gluon.params", "gluon.params holds weights, and no network", "name the network that they are for"),
        ("net-00012.params", "there is no file net-00012.params", ""),
    ],
)
def test_words_that_mean_no_network(here: Path, what: str, error: str, help: str) -> None:
    (here / "program.json").write_text("{}")
    for weights in ("gluon.params", "net.pth"):
        (here / weights).touch()
    assert not networks.is_network(what)
    assert not networks.is_spec(what)
    with pytest.raises(Refused, match=error) as refused:
        networks.one_network(what)
    assert help in refused.value.help


def test_a_broken_symbol_file_is_told_without_the_spec_that_nobody_wrote(here: Path) -> None:
    (here / "net-symbol.json").write_text('{"nodes": [')
    looked = networks.one_network("net")
    assert looked.networks == ()
    (message,) = looked.messages
    assert (message.code, message.labels) == ("R802", ())
    assert "net-symbol.json" in message.message


def test_of_a_file_whose_end_cannot_be_used_all_before_is_shown(here: Path) -> None:
    symbol = json.loads(symbol_file(zoo("resnet18_v1")))
    last = len(symbol["nodes"]) - 1
    symbol["nodes"].append({"op": "Custom", "name": "odd", "attrs": {"op_type": "mine"}, "inputs": [[last, 0, 0]]})
    symbol["heads"] = [[last + 1, 0, 0]]
    (here / "net-symbol.json").write_text(json.dumps(symbol))
    looked = networks.one_network("net")
    assert [seen.network.output for seen in looked.networks] == ["fc"]
    assert looked.messages == ()
    assert looked.remarks[0].startswith("this is all up to `fc`, the rest cannot be used: cannot use the layer `odd`")


def test_of_a_file_whose_parameters_are_for_another_size_all_before_them_is_shown(here: Path) -> None:
    network = zoo("vgg11")
    (here / "net-symbol.json").write_text(symbol_file(network))
    shapes = {parameter.name: parameter.shape or () for _, parameter in network.parameters()}
    weight = next(name for name, shape in shapes.items() if len(shape) == 2)
    write_params(here / "net-0012.params", {**shapes, weight: (shapes[weight][0], 2048)})
    looked = networks.one_network("net")
    assert [seen.network.output for seen in looked.networks] == ["flatten"]
    assert looked.remarks[0].startswith(
        "this is all up to `flatten`, the rest cannot be used: the weights net-0012.params do not"
    )
    assert looked.remarks[0].endswith("; `--size` says how large photographs are")


@pytest.mark.parametrize("side", [None, 64])
def test_a_file_of_several_values_is_shown_with_all_of_them(here: Path, side: int | None) -> None:
    symbol = json.loads(symbol_file(zoo("resnet18_v1")))
    place = next(i for i, node in enumerate(symbol["nodes"]) if node["name"] == "stage3_unit2_relu")
    options = {"kernel": "(1, 1)", "global_pool": "True", "pool_type": "avg"}
    symbol["nodes"].append({"op": "Pooling", "name": "beside", "attrs": options, "inputs": [[place, 0, 0]]})
    last = len(symbol["nodes"]) - 1
    symbol["heads"] = [[last - 1, 0, 0], [last, 0, 0]]
    (here / "net-symbol.json").write_text(json.dumps(symbol))
    looked = networks.one_network("net", None if side is None else (None, 3, side, side))
    (seen,) = looked.networks
    assert seen.network.output == "fc"
    assert networks.find_layer(seen, "beside") == "beside"
    assert looked.messages == ()
    assert looked.remarks == ("it gives 2 values, and has to be cut: `fc` or `beside`",)


@pytest.mark.parametrize("what", ["net", "inception_v3"])
def test_a_size_that_is_too_small_is_told_with_the_option_for_it(here: Path, what: str) -> None:
    (here / "net-symbol.json").write_text(symbol_file(zoo("inception_v3")))
    looked = networks.one_network(what, (None, 3, 32, 32))
    assert looked.networks == ()
    assert "the kernel covers 3 pixels" in looked.messages[0].message
    for message in looked.messages:
        assert message.helps[-1] == "`--size` says how large the photographs are; this was looked at for [N, 3, 32, 32]"
        assert all(label.span.source.path is not None for label in message.labels)


def test_layers_are_found_as_a_cut_finds_them() -> None:
    seen = the_network("resnet18_v1")
    assert networks.find_layer(seen, "global_pool_output") == "global_pool"
    with pytest.raises(Refused) as refused:
        networks.find_layer(seen, "globl_pool")
    assert refused.value.help == "did you mean `global_pool`?"
    assert networks.find_layer(seen, "stage3") == "stage3_unit2_relu"
    assert networks.cut_groups(seen, coarse=True)["stage3"] == "stage3_unit2_relu"
    with pytest.raises(Refused, match="4 values come out of the part `stage\\*_unit1_conv1`"):
        networks.find_layer(seen, "stage*_unit1_conv1")
    with pytest.raises(Refused) as refused:
        networks.find_layer(seen, "stge3")
    assert refused.value.help == "did you mean `stage3`?"
    with pytest.raises(Refused, match="only a backbone can be cut"):
        networks.find_layer(Seen("m", seen.network), "global_pool")


def test_weights_with_another_head_keep_nobody_from_looking(tmp_path: Path) -> None:
    (tmp_path / "net.safetensors").write_bytes(safetensors_bytes({"fc.weight": np.zeros((2, 512), "f4")}))
    written = 'zoo(resnet18, weights = "net.safetensors")'
    (tmp_path / "study.retina").write_text(f"backbone tuned = {written}\n")
    spec = compiler.read(str(tmp_path / "study.retina"), None, Diagnostics())
    assert spec is not None
    assert compiler.check(spec).diagnostics.errors
    seen, checked = networks.backbones_of_spec(spec)
    assert not list(checked.diagnostics)
    assert [(one.title, one.declared) for one in seen] == [("tuned", written)]
