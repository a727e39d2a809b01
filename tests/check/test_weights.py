"""What `weights = ...` means: files, names and hashes, told by what is at hand, and what programs are given of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from params_files import params_bytes
from safetensors_files import safetensors_bytes
from spec_texts import checked, experiment, program

from retdsl import compiler
from retdsl.check.fit import parameters
from retdsl.compare import compare
from retdsl.diagnostics import Diagnostic
from retdsl.engines.mxnet import emit_program
from retdsl.intake.networks import nodes_of
from retdsl.ir import Call
from retdsl.schema.backbones import usual_input
from retdsl.weights.layouts import LAYOUTS
from retdsl.weights.layouts.tables import named_tensors

BLOCK = """
block grader(classes = 5) =
  Convolution(4, kernel = 3, name = "conv") => Flatten(name = "flat") => FullyConnected(classes, name = "fc")
"""
DATA = """
data eyes { source = synthetic_fundus(60, ratio = 1 : 1)  classes = [healthy, infected]  image = photo => resize(8, 8) }
"""
NORMAL = DATA.replace("resize(8, 8)", "resize(8, 8) => normalize((0.5, 0.5, 0.5))")
OWN = {"conv_weight": (4, 3, 3, 3), "conv_bias": (4,), "fc_weight": (5, 144), "fc_bias": (5,)}
STUDY = BLOCK + NORMAL + "backbone own = grader({weights})\nmodel m = own[flat] => FullyConnected(2) => Softmax\n"
TRAIN = "train first { model = m  data = eyes  freeze = own }\n"
ZOO = (
    DATA
    + "backbone net = zoo(squeezenet1_1, weights = {weights})\nmodel m = net[{cut}] => Flatten => FullyConnected(2)"
)
ZOO += " => Softmax\ntrain first { model = m  data = eyes  freeze = net }\n".replace("{", "{{").replace("}", "}}")
ZOO = ZOO.replace("data eyes { ", "data eyes {{ ").replace("resize(8, 8) }", "resize(64, 64) }}")


def params(shapes: dict[str, tuple[int, ...]]) -> bytes:
    return params_bytes({f"arg:{name}": np.zeros(shape, "f4") for name, shape in shapes.items()})


def torchvision() -> dict[str, tuple[int, ...]]:
    shapes = parameters(nodes_of("squeezenet1_1"))
    names = named_tensors(LAYOUTS["squeezenet"]["squeezenet1_1"](), 0)
    return {theirs: tuple(map(int, shapes[ours] or ())) for theirs, ours in names if ours is not None}  # type: ignore[arg-type]


def tensors(shapes: dict[str, tuple[int, ...]]) -> bytes:
    return safetensors_bytes({name: np.zeros(shape, "f2") for name, shape in shapes.items()})


def said(text: str, root: Path) -> list[Diagnostic]:
    return list(checked(text, root).diagnostics)


def codes(text: str, root: Path) -> list[str]:
    return [item.code for item in said(text, root)]


def own(weights: str = 'weights = "own.params"', more: str = TRAIN) -> str:
    return STUDY.replace("{weights}", weights) + more


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "own.params").write_bytes(params(OWN))
    return tmp_path


def test_a_file_that_fits_is_taken_without_a_word(root: Path) -> None:
    assert said(own(), root) == []
    load = experiment(own(), root=root).network.backbones[0].weights
    assert load == Call("weights_file", (("path", "own.params"),))


def test_what_a_cut_leaves_away_does_not_matter(root: Path) -> None:
    for head in ({"fc_weight": (7, 144), "fc_bias": (7,)}, {}):
        body = {name: shape for name, shape in OWN.items() if name.startswith("conv")}
        (root / "own.params").write_bytes(params({**body, **head}))
        assert said(own(), root) == []
        [message] = said(own(more="model whole = own\n"), root)
        assert message.code == "R806"
    (root / "own.params").write_bytes(params({**OWN, "fc_weight": (7, 144), "fc_bias": (7,)}))
    [message] = said(own(more="model whole = own\n"), root)
    assert message.helps == ("only the head differs: cut before it, as in `own[flat]`",)


def test_layers_behind_a_backbone_that_retdsl_saved_are_no_mistake(root: Path) -> None:
    (root / "own.params").write_bytes(params({**OWN, "fullyconnected0_weight": (2, 5)}))
    assert said(own(), root) == []


def test_many_misfits_are_counted(root: Path) -> None:
    (root / "net.safetensors").write_bytes(tensors({"a.weight": (1,), "b.weight": (2,)}))
    text = ZOO.format(weights='"net.safetensors"', cut="global_pool")
    [message] = said(text, root)
    assert message.code == "R806"
    assert "52 of 52 parameters" in message.message or "50 of 50 parameters" in message.message
    assert message.notes[0].splitlines()[-1].startswith("... and ")
    assert any("a.weight, b.weight" in note for note in message.notes)


def test_a_file_of_another_network_says_what_it_looks_like(root: Path) -> None:
    (root / "net.safetensors").write_bytes(tensors(torchvision()))
    [message] = said(
        ZOO.format(weights='"net.safetensors"', cut="global_pool").replace("squeezenet1_1", "resnet18"), root
    )
    assert message.helps == ("the file looks like torchvision's `squeezenet1_1`",)
    assert len(message.notes[0].splitlines()) == 4, "which ones are missing says little"


@pytest.mark.parametrize(("name", "notes"), [("none.pth", 2), ("/none/none.pth", 1), ("~/none/none.pth", 1)])
def test_where_paths_start_is_told_of_those_that_start_there(root: Path, name: str, notes: int) -> None:
    [message] = said(ZOO.format(weights=f'"{name}"', cut="global_pool"), root)
    assert message.code == "R801"
    assert len(message.notes) == notes
    assert ("--root" in message.helps[0]) == (notes == 2)


@pytest.mark.parametrize("name", ["sub", "sub/", "net.pth"])
def test_a_folder_is_no_file_that_is_missing(root: Path, name: str) -> None:
    (root / name).mkdir()
    [message] = said(ZOO.format(weights=f'"./{name}"', cut="global_pool"), root)
    assert message.code == "R805"
    assert message.message.endswith("it is a folder")


def test_a_tensor_too_many_of_another_library_is_an_error(root: Path) -> None:
    (root / "net.safetensors").write_bytes(tensors({**torchvision(), "features.3.gate.weight": (3,)}))
    [message] = said(ZOO.format(weights='"net.safetensors"', cut="global_pool"), root)
    assert message.message.endswith("1 tensor too many")
    assert "features.3.gate.weight" in message.notes[0]


def test_a_head_of_other_classes_names_the_option(root: Path) -> None:
    shapes = {n: (3, *s[1:]) if n.startswith("classifier") else s for n, s in torchvision().items()}
    (root / "net.safetensors").write_bytes(tensors(shapes))
    text = 'backbone net = zoo(squeezenet1_1, weights = "net.safetensors")\nmodel m = net\n'
    [message] = said(text, root)
    assert "zoo(squeezenet1_1, classes = 3)" in message.helps[1]
    assert said(text.replace("squeezenet1_1,", "squeezenet1_1, classes = 3,"), root) == []
    assert said(text.replace("= net\n", "= net[dropout]\n"), root) == []


def test_weights_that_nobody_takes_are_checked_all_the_same(root: Path) -> None:
    (root / "own.params").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    assert codes(BLOCK + 'backbone own = grader(weights = "own.params")\n', root) == ["R805"]
    assert codes(BLOCK + 'backbone own = grader(weights = "gone.params")\n', root) == []


def test_of_weights_that_nobody_takes_the_head_does_not_matter_yet(root: Path) -> None:
    alone = BLOCK + 'backbone own = grader(weights = "own.params")\n'
    (root / "own.params").write_bytes(params({**OWN, "fc_weight": (7, 144), "fc_bias": (7,)}))
    assert said(alone, root) == []
    (root / "own.params").write_bytes(params({name: shape for name, shape in OWN.items() if name.startswith("fc")}))
    assert codes(alone, root) == ["R806"]


def test_a_bad_file_hides_no_other_mistake(root: Path) -> None:
    (root / "own.params").write_bytes(b"<!DOCTYPE html>")
    assert codes(own().replace("own[flat]", "own[flatt]"), root) == ["R805", "R206"]


@pytest.mark.parametrize("digits", [8, 9, 63, 64])
def test_a_hash_may_be_shortened_and_in_capitals(root: Path, digits: int) -> None:
    sha256 = hashlib.sha256((root / "own.params").read_bytes()).hexdigest()
    right = own(f'weights = "own.params" sha256 "{sha256[:digits].upper()}"')
    assert said(right, root) == []
    wrong = sha256[: digits - 1] + ("0" if sha256[digits - 1] != "0" else "1")
    [message] = said(own(f'weights = "own.params" sha256 "{wrong}"'), root)
    assert (message.code, message.labels[0].span.text) == ("R807", f'"{wrong}"')
    assert message.notes == (f"wanted {wrong}", f"found  {sha256}")


@pytest.mark.parametrize("text", ["", "0676ba6", "0676ba61x", "0" * 65, "{i}"])
def test_what_is_no_hash(root: Path, text: str) -> None:
    assert codes(own(f'weights = "own.params" sha256 "{text}"'), root) == ["R303"]


def test_a_hash_of_a_file_that_is_not_at_hand_is_kept_for_the_run(tmp_path: Path) -> None:
    text = own('weights = "own.params" sha256 "0676BA61"')
    assert codes(text, tmp_path) == ["R801"]
    [backbone] = checked(text, tmp_path).program.experiments[0].network.backbones  # type: ignore[union-attr]
    assert backbone.weights == Call("weights_file", (("path", "own.params"), ("sha256", "0676ba61")))


def test_nothing_has_a_hash_but_a_file(root: Path) -> None:
    for text in (
        'backbone a = zoo(resnet18, weights = none sha256 "0676ba61")',
        'backbone a = zoo(resnet18) sha256 "0676ba61"',
    ):
        assert codes(text, root) == ["R303"]
    assert codes(own(more=TRAIN.replace("freeze = own", 'freeze = own  epochs = 3 sha256 "0676ba61"')), root) == [
        "R303"
    ]


def test_a_written_program_holds_the_hash_of_what_is_at_hand(root: Path) -> None:
    sha256 = hashlib.sha256((root / "own.params").read_bytes()).hexdigest()
    for given in ("", f' sha256 "{sha256[:8]}"'):
        found = experiment(own(f'weights = "own.params"{given}'), root=root)
        assert f'sha256="{sha256}"' not in emit_program(found)
        assert f'sha256="{sha256}"' in emit_program(compiler.pin_weights(found, root))
    (root / "own.params").unlink()
    assert compiler.pin_weights(found, root) == found


def test_programs_with_other_hashes_differ(root: Path) -> None:
    sha256 = hashlib.sha256((root / "own.params").read_bytes()).hexdigest()
    one, other = (program(own(f'weights = "own.params" sha256 "{sha256[:n]}"'), root) for n in (8, 64))
    assert not compare(one, other).same
    assert compare(one, one).same


def test_the_spec_goes_before_what_weights_were_trained_on(root: Path) -> None:
    (root / "net.safetensors").write_bytes(tensors(torchvision()))
    text = ZOO.format(weights='"net.safetensors"', cut="global_pool")
    data = experiment(text, root=root).data
    usual = usual_input("squeezenet1_1", "torchvision")
    assert data.normalize is not None
    assert usual is not None
    assert all(data.normalize[option] == value for option, value in usual[0].options)
    assert data.normalize_from == "net"
    given = text.replace("resize(64, 64)", "resize(64, 64) => normalize((0, 0, 0))")
    data = experiment(given, root=root).data
    assert data.normalize is not None
    assert (data.normalize["mean"], data.normalize_from) == ((0.0, 0.0, 0.0), None)


def test_the_config_beside_weights_goes_before_what_is_usual(root: Path) -> None:
    config = {"architecture": "squeezenet1_1", "mean": [0.1, 0.2, 0.3], "std": [1, 1, 1], "input_size": [3, 96, 96]}
    (root / "config.json").write_text(json.dumps(config))
    for name, counts in {"model": True, "squeezenet1_1-b8a52dc0": True, "other": False}.items():
        (root / f"{name}.safetensors").write_bytes(tensors(torchvision()))
        [backbone] = experiment(
            ZOO.format(weights=f'"{name}.safetensors"', cut="global_pool"), root=root
        ).network.backbones
        assert backbone.convention is not None
        assert (backbone.convention.size == (96, 96)) == counts
        assert (backbone.convention.normalize["mean"] == (0.1, 0.2, 0.3)) == counts


@pytest.mark.parametrize(
    "config", ["", "[]", "{", '{"mean": "no"}', '{"architecture": 3}', '{"mean": [1, 2, NaN]}', "[" * 9999]
)
def test_a_config_that_makes_no_sense_is_passed_over(root: Path, config: str) -> None:
    (root / "config.json").write_text(config)
    (root / "model.safetensors").write_bytes(tensors(torchvision()))
    [backbone] = experiment(ZOO.format(weights='"model.safetensors"', cut="global_pool"), root=root).network.backbones
    assert backbone.convention is not None
    assert backbone.convention.origin == "usual for torchvision"


def test_unknown_input_is_told_once_for_all_experiments(root: Path) -> None:
    text = own().replace(NORMAL, DATA) + "train second from first { epochs = 3 }\n"
    [message] = said(text, root)
    assert (message.code, message.labels[0].span.text) == ("R808", '"own.params"')
    assert [label.text for label in message.labels] == ["", "gives values from 0 to 1"]


def test_unknown_weights_hide_no_other_mistake(root: Path) -> None:
    """The network is known all the same, so a wrong cut of it is told at once."""
    found = said(ZOO.format(weights='"nowhere"', cut="global_pol"), root)
    assert [message.code for message in found] == ["R803", "R206"]
