"""What is in a file that PyTorch wrote since version 1.6: a zip archive of a pickle and its storages.

Enters: a file. Leaves: a `Tensor` a name, with its place in the file, since PyTorch packs nothing, and the checksums of
all parts. Of the archive, whose parts all lie in one folder of any name, are read:

    FOLDER/data.pkl    what was saved; its storages are named by keys
    FOLDER/data/KEY    the numbers of a storage
    FOLDER/byteorder   `little`; older files do without, and are little-endian
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from retdsl.weights.model import ANEW, DAMAGED, SUFFIXES, BadWeights, Checksum, Tensor, WeightsFile, item_size
from retdsl.weights.restricted_pickle import MAX_PICKLE, Window
from retdsl.weights.torch_tensors import SAVE, Storage, read_tensors
from retdsl.weights.zip_parts import PART, Part, content_start, read_directory

PICKLE = "data.pkl"


def begins(head: bytes) -> bool:
    """Whether a file with these first bytes is a zip archive."""
    return head.startswith(PART)


def read(path: Path, file: BinaryIO) -> WeightsFile:
    """What is in the file. Raises BadWeights."""
    end = file.seek(0, os.SEEK_END)
    parts = read_directory(file)
    folder = _folder(parts)
    starts = {name: content_start(file, part, end) for name, part in parts.items()}
    if sum(part.size for part in parts.values()) > end:  # they lie over one another
        raise BadWeights(DAMAGED, ANEW)

    def content(name: str) -> bytes:
        part = parts[folder + name]
        if part.size > MAX_PICKLE:
            raise BadWeights(f"its part {name} has {part.size:,} bytes; {MAX_PICKLE:,} are allowed", ANEW)
        file.seek(starts[part.name])
        found = file.read(part.size)
        if zlib.crc32(found) != part.crc32:
            raise BadWeights(f"{DAMAGED}: the checksum of {name} differs", ANEW)
        return found

    if folder + "byteorder" in parts and content("byteorder") != b"little":
        raise BadWeights("its numbers are big-endian, which is not supported", "save it on another machine")
    pickle = content(PICKLE)
    saved = read_tensors(Window(io.BytesIO(pickle), len(pickle)))
    tensors: dict[str, Tensor] = {}
    for name, tensor in saved.tensors.items():
        part = _part_of(tensor.storage, folder, parts)
        tensors[name] = tensor.named(name, starts[part.name])
    checksums = tuple(Checksum(part.name, starts[part.name], part.size, part.crc32) for part in parts.values())
    return WeightsFile(path, "PyTorch", tensors, saved.metadata, checksums)


def _folder(parts: Mapping[str, Part]) -> str:
    """The folder of all parts, with a slash behind it. Raises BadWeights for an archive that PyTorch did not write."""
    found = [name.removesuffix(PICKLE) for name in parts if name.endswith(f"/{PICKLE}") and name.count("/") == 1]
    if len(found) == 1:
        folder = found[0]
        if f"{folder}constants.pkl" in parts or any(name.startswith(f"{folder}code/") for name in parts):
            said = "it is a TorchScript program, which holds code besides its tensors; nothing of it was run"
            raise BadWeights(said, f"in PyTorch: torch.save(torch.jit.load(FILE).state_dict(), NEW_FILE), or {SAVE}")
        return folder
    inside = next((name for name in parts if name.endswith(SUFFIXES)), None)
    helps = [f"unpack it, and name the file in it: {inside!r:.100}"] if inside else [f"save a network: {SAVE}"]
    raise BadWeights("it is a zip archive, but not one of PyTorch's weights files", *helps)


def _part_of(storage: Storage, folder: str, parts: Mapping[str, Part]) -> Part:
    """The part with the numbers of a storage, which has just as many bytes."""
    part = parts.get(f"{folder}data/{storage.key}")
    if part is None or part.size != storage.length * item_size(storage.dtype):
        how = "are missing" if part is None else "have another size than they should"
        raise BadWeights(f"{DAMAGED}: the numbers of its storage {storage.key!r:.40} {how}", ANEW)
    return part
