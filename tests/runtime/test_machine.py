"""What `doctor` says of machines of every kind."""

from __future__ import annotations

from importlib import metadata
from types import SimpleNamespace

import pytest

from retdsl.runtime import machine
from retdsl.runtime.machine import Answer, Finding

CPU = {"mxnet": "1.9.1"}
GPU = {"mxnet-cu117": "1.9.1"}


def states(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.name, finding.state) for finding in findings]


def test_this_machine_can_train() -> None:
    findings = machine.report()
    names = [finding.name for finding in findings]
    assert names[:5] == ["python", "system", "processors", "memory", "mxnet"]
    assert {"gpu", "numpy", "onnxruntime", "pictures", "weights"} <= set(names)
    assert all(finding.advice for finding in findings if finding.state != "ok")
    assert [finding for finding in findings if finding.state == "problem"] == []


@pytest.mark.parametrize(
    ("version", "state"), [((3, 9, 1), "problem"), ((3, 10, 0), "ok"), ((3, 12, 9), "ok"), ((3, 13, 0), "problem")]
)
def test_python(version: tuple[int, ...], state: str) -> None:
    assert machine.python(version).state == state


def test_system_and_memory() -> None:
    assert machine.system("Linux", "aarch64").state == "ok"
    assert machine.system("Darwin", "arm64").state == "warning"
    assert machine.memory(16.0, 8.0) == Finding("memory", "ok", "16.0 GiB, 8.0 GiB of it free")
    assert machine.memory(4.0, 0.5).state == "warning"
    assert machine.memory(None, None).state == "ok"


def test_no_mxnet() -> None:
    assert machine.mxnet({}, False, Answer()) == [
        Finding("mxnet", "problem", "not installed", "pip install mxnet==1.9.1")
    ]


def test_two_wheels_are_a_conflict() -> None:
    [finding] = machine.mxnet(CPU | GPU, True, Answer(gpus=1))
    assert finding.state == "problem"
    assert finding.text == "mxnet 1.9.1 and mxnet-cu117 1.9.1 lie over each other: they are made of the same files"
    assert finding.advice.startswith("pip uninstall -y mxnet mxnet-cu117")


def test_processor_wheel() -> None:
    assert states(machine.mxnet(CPU, False, Answer())) == [("mxnet", "ok"), ("gpu", "ok")]
    unused = machine.mxnet(CPU, True, Answer())[1]
    assert unused.state == "warning"
    assert "pip uninstall -y mxnet && pip install mxnet-cu117==1.9.1 nvidia-cuda-runtime-cu11" in unused.advice
    assert states(machine.mxnet({"mxnet": "1.8.0"}, False, Answer())) == [("mxnet", "warning"), ("gpu", "ok")]


def test_processor_wheel_that_does_not_load() -> None:
    [finding] = machine.mxnet(CPU, False, Answer(failure="it brings Python down (SIGILL)"))
    assert finding.state == "problem"
    assert finding.text == "mxnet 1.9.1 does not load: it brings Python down (SIGILL)"
    assert finding.advice == "pip install --force-reinstall --no-deps mxnet==1.9.1"


def test_gpu_wheel() -> None:
    assert states(machine.mxnet(GPU, True, Answer(gpus=2))) == [("mxnet", "ok"), ("gpu", "ok")]
    assert machine.mxnet(GPU, True, Answer(gpus=2))[1].text.startswith("2 GPUs seen")
    assert states(machine.mxnet(GPU, True, Answer())) == [("mxnet", "ok"), ("gpu", "warning")]
    failed = machine.mxnet(GPU, True, Answer(gpus=1, failure="no kernel image"))[1]
    assert failed.state == "problem"
    assert failed.text == "1 GPU seen, but computing there fails: no kernel image"


def test_gpu_wheel_that_does_not_load() -> None:
    missing = Answer(failure="libcudnn.so.8: cannot open shared object file: No such file or directory")
    [without_driver] = machine.mxnet(GPU, False, missing)
    assert "NVIDIA's driver" in without_driver.advice
    assert "pip uninstall -y mxnet-cu117 && pip install mxnet==1.9.1" in without_driver.advice
    [with_driver] = machine.mxnet(GPU, True, missing)
    assert with_driver.advice.startswith("pip install nvidia-cuda-runtime-cu11")
    assert "'nvidia-cudnn-cu11==8.*'" in with_driver.advice
    [other] = machine.mxnet(GPU, True, Answer(failure="undefined symbol"))
    assert "pip install mxnet==1.9.1" in other.advice


def test_what_is_not_trained_can_be_computed_by_another_engine() -> None:
    assert machine.engine("1.32.0", "1.23.2").advice == ""
    for versions, missing in (((None, None), "onnxruntime and onnx:"), (("1.32.0", None), "without onnx:")):
        finding = machine.engine(*versions)
        assert finding.state == "ok"
        assert missing in finding.text
        assert "retdsl[onnx]" in finding.advice


def test_libraries_pictures_weights() -> None:
    assert machine.library("lark", None).advice == "pip install lark"
    assert machine.library("lark", "1.2.2").state == "ok"
    assert machine.library("numpy", "2.1.0").state == "problem"
    assert "dot" in machine.pictures("/usr/bin/dot", "0.2.2").text
    assert "graphviz-pure" in machine.pictures(None, "0.2.2").text
    assert machine.pictures(None, None).state == "warning"
    assert machine.weights(None).state == "warning"
    assert machine.weights("0.1.0").state == "ok"


def test_wheels_are_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("mxnet_cu112", "numpy", "mxnet", "mxnet-model-server", "MXNet-cu101mkl", None)
    there = [SimpleNamespace(metadata={"Name": name}, version="1") for name in names]
    monkeypatch.setattr(metadata, "distributions", lambda: iter(there))
    assert machine.installed_wheels() == {"mxnet": "1", "mxnet-cu101mkl": "1", "mxnet-cu112": "1"}


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("print('noise'); print('{\"gpus\": 3}')", Answer(3)),
        ("raise OSError('libx.so: not there')", Answer(0, "libx.so: not there")),
        ("print('{\"gpus\": 1}', flush=True); raise SystemExit('wrong')", Answer(1, "wrong")),
        ("import os; os.abort()", Answer(0, "it brings Python down (SIGABRT)")),
        ("raise SystemExit(3)", Answer(0, "exit code 3")),
    ],
)
def test_another_process_may_die(monkeypatch: pytest.MonkeyPatch, program: str, expected: Answer) -> None:
    monkeypatch.setattr(machine, "QUESTION", program)
    assert machine.ask_mxnet() == expected


def test_another_process_may_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "QUESTION", "import time; print('{\"gpus\": 1}', flush=True); time.sleep(3600)")
    for patience in (2, 20, 200):
        monkeypatch.setattr(machine, "PATIENCE", patience)
        answer = machine.ask_mxnet()
        assert answer.failure == f"no answer within {patience} seconds"
        if answer.gpus:  # on a busy machine, Python itself may take long
            break
    assert answer.gpus == 1


def test_a_copy_without_retdsl_asks_for_less(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", missing)
    assert {finding.name for finding in machine.report()} >= set(machine.NEEDED_TO_TRAIN)


def test_what_retdsl_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["numpy<2,>=1.24", "mxnet==1.9.1", "lark>=1.2", "pytest>=8; extra == 'test'", "graphviz-pure>=0.2"]
    monkeypatch.setattr(metadata, "requires", lambda _: lines)
    asked = [finding.name for finding in machine.report()]
    assert asked[6:-3] == ["lark", "numpy"]
