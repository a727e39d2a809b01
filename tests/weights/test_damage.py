"""Damage of every sort to a file of every format: an answer or `BadWeights`, never another error, in little memory."""

from __future__ import annotations

import random
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from params_files import SOME, params_bytes
from reading import GOLDEN, damaged, described
from safetensors_files import safetensors_bytes
from torch_files import contiguous, torch_file, zip_file

from retdsl.weights.model import BadWeights, item_size

TINY = {"fc.weight": np.arange(6, dtype="f4").reshape(2, 3), "fc.bias": np.array([7, 8], "f4")}

FORMATS = {
    "params": params_bytes(SOME),
    "params of 2015": params_bytes(SOME, 0),
    "safetensors": safetensors_bytes(TINY, {"from": "here"}),
    "old pth": torch_file(*contiguous(TINY)),
    "pth": zip_file(*contiguous(TINY)),
}

MOST = 4_000_000
"""Bytes that reading a file of a few kilobytes may take."""


def inside(content: bytes) -> bool:
    """Whether a file is taken; if so, every tensor in it must lie within its bytes."""
    try:
        weights = described(content)
    except BadWeights:
        return False
    for tensor in weights.tensors.values():
        last = sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides or (), strict=False))
        count = int(np.prod(tensor.shape)) if tensor.strides is None else last + 1
        assert tensor.offset + count * item_size(tensor.dtype) <= len(content)
    return True


@pytest.mark.parametrize("content", FORMATS.values(), ids=FORMATS)
def test_every_truncation_is_found(content: bytes) -> None:
    assert inside(content)
    for size in range(len(content)):
        assert not inside(content[:size])


@pytest.mark.parametrize("content", FORMATS.values(), ids=FORMATS)
def test_no_flipped_bit_escapes_as_another_error(content: bytes) -> None:
    tracemalloc.start()
    try:
        taken = sum(inside(one) for one in damaged(content))
        assert tracemalloc.get_traced_memory()[1] < MOST
    finally:
        tracemalloc.stop()
    assert taken < 8 * len(content)


@pytest.mark.parametrize("content", FORMATS.values(), ids=FORMATS)
def test_bytes_of_other_values(content: bytes) -> None:
    rng = random.Random(4)
    for _ in range(1000):
        changed = bytearray(content)
        for _ in range(rng.choice((1, 2, 8))):
            changed[rng.randrange(len(changed))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        inside(bytes(changed))


@pytest.mark.parametrize("name", sorted(path.name for path in GOLDEN.glob("*.*t*") if path.suffix != ".py"))
def test_real_files_cut_short(name: str) -> None:
    content = (GOLDEN / name).read_bytes()
    for size in range(0, len(content), 37):
        assert not inside(content[:size])


SPARSE = """
import json, resource, struct, sys, time
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from retdsl.runtime.arrays import open_arrays, read_array
from retdsl.runtime.errors import RunError

path, kind = Path(sys.argv[1]), sys.argv[1].rsplit("/", 1)[1]
GIGA = 1 << 30
if kind == "safetensors":
    header = {"huge": {"dtype": "F32", "shape": [GIGA], "data_offsets": [0, 4 * GIGA]}}
    header["small"] = {"dtype": "F32", "shape": [2], "data_offsets": [4 * GIGA, 4 * GIGA + 8]}
    content = json.dumps(header).encode()
    start, end = struct.pack("<Q", len(content)) + content, 8 + len(content) + 4 * GIGA + 8
elif kind == "params":
    def array(size):
        return struct.pack("<IiIqiii", 0xF993FAC9, 0, 1, size, 1, 0, 0)
    path.write_bytes(struct.pack("<QQQ", 0x112, 0, 2) + array(2) + struct.pack("<ff", 1, 2) + array(GIGA))
    with path.open("ab") as file:
        file.truncate(file.tell() + 4 * GIGA)
        file.seek(0, 2)
        for name in (None, b"small", b"huge"):
            file.write(struct.pack("<Q", 2) if name is None else struct.pack("<Q", len(name)) + name)
    start = None
elif kind == "old pth":
    from torch_files import MAGIC, SYSTEM, pickled, storage, tensor
    saved = {"huge": tensor(storage("a", "float32", GIGA), (GIGA,), (1,))}
    saved["small"] = tensor(storage("a", "float32", GIGA), (2,), (GIGA // 2,))
    start = b"".join(map(pickled, (MAGIC, 1001, SYSTEM, saved, ["a"]))) + struct.pack("<q", GIGA)
    end = len(start) + 4 * GIGA
elif kind == "zeros":
    start, end = b"", 4 * GIGA
else:
    start, end = {"pth": b"PK\\3\\4", "pickle": b"\\x80\\x02X\\xff\\xff\\xff\\x7f"}[kind], 4 * GIGA
if start is not None:
    with path.open("wb") as file:
        file.write(start)
        file.truncate(end)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.process_time()
try:
    small = read_array(open_arrays(path), "small")
    print("read", small.shape)
except RunError as error:
    print(error.message)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, time.process_time() - began)
"""


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("safetensors", "read (2,)"),
        ("params", "read (2,)"),
        ("old pth", "read (2,)"),
        ("pth", "directory at its end is missing"),
        ("pickle", "truncated or damaged"),
        ("zeros", "begins with zeros"),
    ],
)
def test_a_file_of_four_gigabytes_costs_nothing(kind: str, words: str, tmp_path: Path) -> None:
    """The files are sparse: four gigabytes long, and next to nothing on the disk."""
    here = Path(__file__).resolve().parent
    command = [sys.executable, "-c", SPARSE, str(tmp_path / kind), str(here), str(here.parents[1])]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600).stdout.splitlines()
    (tmp_path / kind).unlink()
    assert words in out[0]
    kilobytes, seconds = map(float, out[1].split())
    assert kilobytes < 20_000
    assert seconds < 2
