"""Memory that does not suffice: really, in a process that may not take more."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_study import paint

from retdsl.runtime.errors import RunError
from retdsl.runtime.mx import mx
from retdsl.runtime.out_of_memory import OutOfMemory, enough_memory, is_out_of_memory

LIMITED = """
import os, resource
from retdsl.runtime.mx import mx
from retdsl.runtime.out_of_memory import OutOfMemory, enough_memory

data = mx.sym.Variable("data")
for number in range(4):
    data = mx.sym.Convolution(data, num_filter=64, kernel=(3, 3), pad=(1, 1), name=f"conv{number}")

def attempt(batch):
    executor = data.simple_bind(mx.cpu(), data=(batch, 3, 224, 224), grad_req="write")
    executor.backward(executor.forward(is_train=True))
    mx.nd.waitall()

attempt(1)
taken = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize"))
most = taken * 1024 + 2 * 2**30
resource.setrlimit(resource.RLIMIT_AS, (most, most))
try:
    with enough_memory("to train on", 256, attempt):
        attempt(256)
except OutOfMemory as error:
    attempt(error.fits)
    print(error.fits, flush=True)
    os._exit(0)
"""


def test_that_mxnet_runs_out_of_memory_is_told_with_a_batch_that_fits() -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) in (4, 8, 16, 32)


def test_the_largest_batch_that_fits_is_named_with_what_keeps_the_step() -> None:
    tried: list[int] = []

    def attempt(batch: int) -> None:
        tried.append(batch)
        if batch > 30:
            raise MemoryError

    with pytest.raises(OutOfMemory) as caught, enough_memory("to train on", 200, attempt):
        raise RuntimeError("simple_bind error.\nMXNetError: Failed to allocate CPU Memory")
    assert tried == [1, 2, 4, 8, 16, 32]
    assert caught.value.fits == 16
    assert str(caught.value) == (
        "there is not enough memory to train on 200 images at once\n"
        "   = help: `batch = 16` fits; with `accumulate = 13` a step still sees as many images"
    )


def test_where_not_even_one_image_fits_it_says_so() -> None:
    def attempt(_: int) -> None:
        raise MemoryError

    with pytest.raises(OutOfMemory, match="not even one image fits") as caught, enough_memory("to ask", 4, attempt):
        raise MemoryError
    assert caught.value.fits == 0


def test_without_a_way_to_try_a_smaller_batch_is_advised() -> None:
    with pytest.raises(OutOfMemory, match="batch = 4"), enough_memory("to train on", 8):
        raise MemoryError
    with pytest.raises(OutOfMemory, match="1 image at once"), enough_memory("to train on", 1):
        raise MemoryError


def test_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), enough_memory("to train on", 8):
        raise ZeroDivisionError
    with pytest.raises(RunError, match="another"), enough_memory("to train on", 8):
        raise RunError("another")


def test_what_numpy_raises_is_known() -> None:
    with pytest.raises(MemoryError) as caught:
        np.empty((2**20, 2**30))
    assert is_out_of_memory(caught.value)


RUN = """
import resource, sys
sys.path[:0] = [{tests!r}]
from pathlib import Path
from test_phases import network
from tiny_study import experiment
from retdsl.runtime import cpu, sym
from retdsl.runtime.callbacks import every_epochs
from retdsl.runtime.losses import Softmax
from retdsl.runtime.network import Phase
from retdsl.runtime.program import main

def limit(line):
    if line["epoch"] > 1:
        return
    most = Path({root!r}) / "most"
    if not most.exists():  # who tries what fits has as much
        taken = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize"))
        most.write_text(str(taken * 1024 + 256 * 2**20))
    resource.setrlimit(resource.RLIMIT_AS, (int(most.read_text()), int(most.read_text())))

def widely(features):
    wide = features["relu0"]  # far more than all before it, once gradients are wanted of it
    for number in range(6):
        wide = sym.Convolution(wide, num_filter=64, kernel=(3, 3), pad=(1, 1), name=f"wide{{number}}")
        wide = sym.Activation(wide, act_type="tanh", name=f"tanh{{number}}")
    return {{"joined": sym.Pooling(wide, global_pool=True, pool_type="avg", kernel=(1, 1), name="pool")}}

EXPERIMENT = experiment(
    Path({root!r}),
    network=network(phases=(Phase(2, widely),), loss=Softmax()),
    augment=(),
    training={{
        "epochs": 3, "batch": 512, "last_batch": "pad", "devices": {devices}, "callbacks": (every_epochs(1, limit),)
    }},
)
main(EXPERIMENT)
"""


@pytest.mark.slow
@pytest.mark.parametrize("devices", ["None", "(cpu(0), cpu(1))"], ids=["one", "two"])
def test_a_run_without_memory_says_which_batch_fits_and_keeps_what_is_saved(devices, tmp_path) -> None:
    program, run = tmp_path / "train.py", tmp_path / "run"
    program.write_text(RUN.format(tests=str(Path(__file__).parent), root=str(paint(tmp_path)), devices=devices))
    command = [sys.executable, str(program), "--run", str(run), "--plain", "--threads", "1", "--engine", "mxnet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 1, done.stderr
    assert "error: there is not enough memory to train on 512 images at once" in done.stderr
    fits = re.search(r"`batch = (\d+)` fits; with `accumulate = (\d+)`", done.stderr)
    assert fits is not None, done.stderr
    assert 1 <= int(fits[1]) <= 256
    assert "epoch 1 is saved in" in done.stderr
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 1
    assert mx.nd.load(str(run / "checkpoints" / "tiny-0001.params"))
    program.write_text(program.read_text().replace('"batch": 512', f'"batch": {fits[1]}'))
    command[3] = str(tmp_path / "fits")
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    # All epochs are trained; what comes after them may need more, since the trained network is still there.
    assert len((tmp_path / "fits" / "metrics.jsonl").read_text().splitlines()) == 3, done.stderr
