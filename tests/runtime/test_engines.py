"""Which engine is asked for, and that a run goes on with the one that it has begun with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from network_parts import Made, compiled, engines

from retdsl.runtime.differences import differences_of_the_machine
from retdsl.runtime.engines import MXNET, ONNXRUNTIME, asked_engine, engine_of
from retdsl.runtime.errors import RunError
from retdsl.runtime.forward import ByOnnxruntime
from retdsl.runtime.mx import mx


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Path:
    return compiled(tmp_path_factory.mktemp("program"))


def test_a_run_that_goes_on_keeps_what_it_found_out(program) -> None:
    written: list[dict] = []
    found = {"asked": "auto", "frozen": "onnxruntime 1.32.0", "difference": 3e-6}
    chosen = engines(program, ONNXRUNTIME, facts=dict(found), record=written.append)
    assert isinstance(Made(program).by(chosen), ByOnnxruntime)
    assert asked_engine(None, {"versions": {}, "engines": {"asked": "onnxruntime"}}) == ONNXRUNTIME
    assert [facts["engines"]["difference"] for facts in written] in ([], [3e-6])


def test_an_unknown_engine_is_refused(monkeypatch) -> None:
    monkeypatch.setenv("RETDSL_ENGINE", "tensorrt")
    with pytest.raises(RunError, match="no engine `tensorrt`") as caught:
        asked_engine(None)
    assert "auto, mxnet, onnxruntime" in str(caught.value)
    monkeypatch.setenv("RETDSL_ENGINE", "mxnet")
    assert asked_engine(None) == MXNET
    assert asked_engine("onnxruntime") == ONNXRUNTIME


def test_a_run_goes_on_with_the_engine_that_it_began_with() -> None:
    record = {"versions": {}, "engines": {"asked": "auto", "frozen": "onnxruntime 1.32.0"}}
    assert asked_engine(None, record) == ONNXRUNTIME
    assert asked_engine("auto", record) == ONNXRUNTIME
    with pytest.raises(RunError, match="begun with onnxruntime"):
        asked_engine("mxnet", record)
    assert asked_engine("mxnet", record, exact=False) == MXNET
    assert engine_of({"versions": {}}) == MXNET
    assert engine_of({}) is None
    assert engine_of({"engines": {"asked": "auto"}, "versions": {}}) is None


def test_a_program_runs_with_the_engine_that_is_asked_for(program, tmp_path) -> None:
    def run(*arguments: str, code: int = 0) -> str:
        command = [sys.executable, program, "--plain", "--no-cache", "--threads", "2", *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        return done.stderr

    def engines_in(folder: Path) -> dict:
        return json.loads((folder / "lock.json").read_text())["engines"]

    run("--run", str(tmp_path / "auto"))
    run("--run", str(tmp_path / "mxnet"), "--engine", "mxnet")
    auto, plain = engines_in(tmp_path / "auto"), engines_in(tmp_path / "mxnet")
    assert auto["frozen"].startswith("onnxruntime ")
    assert plain == {"asked": "mxnet", "frozen": f"mxnet {mx.__version__} folded"}
    assert "invalid choice: 'tensorrt'" in run("--engine", "tensorrt", code=2)


def test_a_run_whose_engine_is_gone_says_so() -> None:
    """The record of a run that onnxruntime computed, in a place where it is not installed any more."""
    record = {"versions": {"onnxruntime": "1.32.0"}, "engines": {"asked": "auto", "frozen": "onnxruntime 1.32.0"}}
    then = {**record, "threads": 2, "system": "Linux", "device": "cpu(0)"}
    without = {**then, "versions": {"onnxruntime": None}}
    [found] = differences_of_the_machine(then, without)
    assert found.message == "onnxruntime is not here, the run had 1.32.0"
    assert found.help == "pip install onnxruntime==1.32.0"
    plain = {**then, "engines": {"asked": "mxnet", "frozen": "mxnet 1.9.1"}}
    assert list(differences_of_the_machine(plain, without)) == []


@pytest.mark.parametrize("missing", ["onnxruntime", "onnx"])
def test_what_onnxruntime_lacks_is_named(missing, program, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(RunError, match="onnxruntime was asked for") as caught:
        Made(program).by(engines(program, ONNXRUNTIME))
    assert f"{missing} cannot be loaded" in str(caught.value)
    assert "--engine mxnet" in str(caught.value)
    begun = {"asked": "auto", "frozen": "onnxruntime 1.32.0"}
    with pytest.raises(RunError, match="begun with onnxruntime, which cannot go on here") as caught:
        Made(program).by(engines(program, asked_engine(None, {"engines": begun}), facts=begun))
    assert f"{missing} cannot be loaded" in str(caught.value)
    assert "--inexact" in str(caught.value)
    assert "--engine" not in str(caught.value)
