"""What is in a file that PyTorch wrote before version 1.6, or later with `_use_new_zipfile_serialization=False`.

Enters: a file: five pickles (a magic number, the version, facts of the machine, what was saved, the keys of its
storages), then the storages in the order of the keys, each led by its count in eight bytes. Leaves: a `Tensor` a name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from retdsl.weights.model import ANEW, DAMAGED, BadWeights, WeightsFile, item_size
from retdsl.weights.restricted_pickle import Foreign, Window
from retdsl.weights.torch_tensors import Storage, read_plain, read_tensors

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001

NO_PYTORCH = "it is a Python pickle, but not one of PyTorch's weights files"


def begins(head: bytes) -> bool:
    """Whether a file with these first bytes is a pickle, as far as pickles say it."""
    return head[:1] == b"\x80"


def read(path: Path, file: BinaryIO) -> WeightsFile:
    """What is in the file. Raises BadWeights."""
    end = file.seek(0, os.SEEK_END)
    file.seek(0)

    def window() -> Window:
        return Window(file, end - file.tell())

    try:
        magic = read_plain(window())
    except Foreign as error:
        raise BadWeights(f"{NO_PYTORCH}; it asks for {error.asked!r:.100}, and nothing of it was run") from error
    if magic != MAGIC:
        raise BadWeights(NO_PYTORCH, "save the tensors with torch.save(model.state_dict(), FILE)")
    if read_plain(window()) != PROTOCOL:
        raise BadWeights("it follows another version of PyTorch's format", ANEW)
    system = read_plain(window())
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise BadWeights("it was written on a big-endian machine, or its header is damaged", ANEW)
    saved = read_tensors(window())
    starts = _starts(file, read_plain(window()), saved.storages, end)
    tensors = {name: tensor.named(name, starts[tensor.storage.key]) for name, tensor in saved.tensors.items()}
    return WeightsFile(path, "PyTorch (before 1.6)", tensors, saved.metadata)


def _starts(file: BinaryIO, order: Any, storages: Mapping[str, Storage], end: int) -> dict[str, int]:
    """The first byte of each storage. The file stands before the first."""
    starts: dict[str, int] = {}
    for key in order if isinstance(order, list) else ():
        if not isinstance(key, str) or key not in storages or key in starts:
            raise BadWeights("the list of its storages is damaged", ANEW)
        count = int.from_bytes(file.read(8), "little", signed=True)
        starts[key] = file.tell()
        behind = starts[key] + count * item_size(storages[key].dtype)
        if count != storages[key].length or behind > end:
            raise BadWeights(DAMAGED, ANEW)
        file.seek(behind)
    if len(starts) != len(storages):
        raise BadWeights(DAMAGED, ANEW)
    return starts
