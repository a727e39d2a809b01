"""onnxruntime computes what MXNet computes, or MXNet does it itself, and lock.json says which."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from network_parts import BATCH, SHAPE, Made, compiled, engines, values

from retdsl.runtime.choice import Tried
from retdsl.runtime.engines import AUTO, MXNET, ONNXRUNTIME, Engines
from retdsl.runtime.errors import RunError
from retdsl.runtime.folding import Predicting
from retdsl.runtime.forward import ByMXNet, ByOnnxruntime
from retdsl.runtime.mx import mx
from retdsl.runtime.onnx_part import SLICE
from retdsl.runtime.precision import bf16, int8


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Path:
    return compiled(tmp_path_factory.mktemp("program"))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(size=(2 * BATCH, *SHAPE)).astype(np.float32)


@pytest.mark.parametrize("whole", [False, True])
def test_both_engines_give_the_same(program, images, whole) -> None:
    made, chosen = Made(program, whole=whole), engines(program)
    forward, plain = made.by(chosen), made.by(None)
    for count in (BATCH, 1, SLICE):
        for ours, theirs in zip(values(forward, images[:count]), values(plain, images[:count]), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert forward.engine.startswith("onnxruntime ")
    assert plain.engine == f"mxnet {mx.__version__}"
    assert chosen.facts["frozen"] == forward.engine
    assert 0 <= chosen.facts["difference"] < 1e-5


def test_what_comes_out_for_an_image_hangs_on_nothing_else(program, images) -> None:
    made = Made(program)
    [together] = values(made.by(engines(program)), images[:BATCH])
    alone_engines = engines(program)
    alone_engines.threads = 1
    alone = made.by(alone_engines)
    for row in range(BATCH):
        [one] = values(alone, images[row : row + 1])
        assert np.array_equal(one[0], together[row])


def test_without_the_package_mxnet_carries_it_and_lock_json_says_why(program, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    notes: list[str] = []
    chosen = engines(program, note=notes.append)
    forward = Made(program).by(chosen)
    assert isinstance(forward, ByMXNet)
    assert chosen.facts["frozen"].startswith("mxnet ")
    assert "onnxruntime" in chosen.facts["why"]
    assert notes == []
    with pytest.raises(RunError, match="onnxruntime was asked for") as caught:
        Made(program).by(engines(program, ONNXRUNTIME))
    assert "pip install 'retdsl[onnx]'" in str(caught.value)


def test_a_program_that_was_edited_is_computed_by_mxnet(program, tmp_path) -> None:
    edited = tmp_path / "train.py"
    edited.write_text(program.read_text() + "\n# edited\n")
    (tmp_path / "tiny.onnx").write_bytes(program.with_name("tiny.onnx").read_bytes())
    chosen = engines(edited)
    assert isinstance(Made(program).by(chosen), ByMXNet)
    assert "as it is now" in chosen.facts["why"]


def test_without_a_skeleton_mxnet_carries_it(program, tmp_path) -> None:
    alone = tmp_path / "train.py"
    alone.write_bytes(program.read_bytes())
    assert isinstance(Made(program).by(engines(alone)), ByMXNet)
    assert isinstance(Made(program).by(Engines(AUTO)), ByMXNet)


def test_a_network_that_computes_something_else_is_found_out(program, images, monkeypatch) -> None:
    import onnx

    model = onnx.load(program.with_name("tiny.onnx"))
    [relu] = [node for node in model.graph.node if node.op_type == "Relu"][:1]
    relu.op_type = "Sigmoid"
    monkeypatch.setattr("retdsl.runtime.engines.read_skeleton", lambda *_: model)
    notes: list[str] = []
    chosen, made = engines(program, note=notes.append), Made(program)
    forward = made.by(chosen)
    assert isinstance(forward, Tried)
    for ours, theirs in zip(values(forward, images[:3]), values(made.by(None), images[:3]), strict=True):
        assert np.array_equal(ours, theirs)
    assert forward.engine.startswith("mxnet ")
    assert chosen.facts["frozen"].startswith("mxnet ")
    assert len(notes) == 1
    assert "onnxruntime differs from it by" in notes[0]
    assert isinstance(made.by(chosen, "prediction"), ByMXNet)  # and so it stays
    with pytest.raises(RunError, match="onnxruntime was asked for"):
        made.by(engines(program, ONNXRUNTIME))(images[:3])


def test_an_operator_that_is_refused_is_left_to_mxnet(program, monkeypatch) -> None:
    import onnx

    model = onnx.load(program.with_name("tiny.onnx"))
    [relu] = [node for node in model.graph.node if node.op_type == "Relu"][:1]
    relu.op_type = "NoSuchOperator"
    monkeypatch.setattr("retdsl.runtime.engines.read_skeleton", lambda *_: model)
    chosen = engines(program)
    assert isinstance(Made(program).by(chosen), ByMXNet)
    assert "refuses" in chosen.facts["why"]


def test_a_part_is_compared_once(program, images) -> None:
    made, chosen = Made(program, whole=True), engines(program)
    made.by(chosen, "prediction")(images[:2])
    assert isinstance(made.by(chosen, "prediction"), ByOnnxruntime)


def test_lock_json_is_written_when_something_is_new(program, images) -> None:
    written: list[dict] = []
    made, chosen = Made(program, whole=True), engines(program, record=written.append)
    for _ in range(3):
        made.by(chosen, "prediction")(images[:2])
    assert [sorted(facts["engines"]) for facts in written] == [["asked", "difference", "prediction"]]


@pytest.mark.parametrize(
    ("precision", "asked"),
    [(int8("frozen", photographs=7), AUTO), (bf16("frozen"), AUTO), (bf16("frozen"), MXNET)],
)
def test_a_lower_precision_is_near_and_said(program, images, precision, asked) -> None:
    made = Made(program)
    chosen = engines(program, asked, precision=precision, calibration=lambda n: images[:n])
    forward, plain = made.by(chosen), made.by(None)
    expected = forward.engine
    [ours], [theirs] = values(forward, images[:BATCH]), values(plain, images[:BATCH])
    assert expected == forward.engine
    error = np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
    assert 0 < error < 0.05
    assert chosen.facts["precision"] == {"frozen": precision.name, "features": pytest.approx(error, rel=1e-3)}
    assert forward.engine.endswith(f" {precision.name}")
    assert forward.engine.startswith("mxnet" if precision.name == "bf16" else "onnxruntime")
    anew = made.by(engines(program, asked, precision=precision, calibration=lambda n: images[:n]))
    assert np.array_equal(values(anew, images[:BATCH])[0], ours)
    assert not made.by(chosen, "prediction").engine.endswith(precision.name)


def test_int8_without_onnxruntime_is_refused_with_what_to_do(program, images) -> None:
    chosen = engines(program, MXNET, precision=int8("frozen"), calibration=lambda n: images[:n])
    with pytest.raises(RunError, match="cannot be computed in int8") as caught:
        Made(program).by(chosen)(images[:2])
    assert "take `precision = bf16(frozen)`" in str(caught.value)


def test_layers_that_are_not_to_be_joined_are_left_to_mxnet(program, images) -> None:
    """And whoever asks for more than that is told, as is lock.json."""
    made = Made(program)
    made.inference = replace(made.inference, predicting=Predicting(fused=False))
    chosen = engines(program)
    forward = made.by(chosen)
    assert isinstance(forward, ByMXNet)
    assert chosen.facts["frozen"] == forward.engine
    assert "layers are not joined" in chosen.facts["why"]
    with pytest.raises(RunError, match="onnxruntime was asked for"):
        made.by(engines(program, ONNXRUNTIME))
    with pytest.raises(RunError, match="cannot be computed in int8"):
        made.by(engines(program, precision=int8("frozen"), calibration=lambda n: images[:n]))(images[:BATCH])
