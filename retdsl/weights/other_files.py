"""Files that lie where weights should be and are something else, told by how they begin.

Enters: the first bytes of a file that no reader knows. Leaves: what the file is, and what to do, in words; of weights,
as `BadWeights`. Symbol files, whose readers have the same surprises, are told apart here, too.
"""

from __future__ import annotations

from typing import NamedTuple, NoReturn

from retdsl.weights.model import BadWeights

HEAD = 512
"""How many of a file's first bytes tell what it is."""

KNOWN = "weights are read from .params (MXNet), .safetensors, .pth and .pt files"
UNPACK = "unpack it, and name the file in it"
KERAS = "in Python: save the arrays under their names with `safetensors.numpy.save_file`"


class Other(NamedTuple):
    """A kind of file: its first bytes (from `at` on), what is said, and what to do."""

    start: bytes
    said: str
    help: str
    at: int = 0


LFS_POINTER = b"version https://git-lfs"

OTHERS = (
    Other(
        LFS_POINTER,
        "it is a Git LFS pointer that stands for the file, not the file",
        "run `git lfs pull` where it came from, or download the file itself",
    ),
    Other(b"\x89HDF\r\n\x1a\n", "it is an HDF5 file, as Keras writes them, which is not supported", KERAS),
    Other(b"PK\5\6", "it is an empty zip archive", "copy or download it anew"),
    Other(b"\x1f\x8b", "it is packed with gzip", UNPACK),
    Other(b"BZh", "it is packed with bzip2", UNPACK),
    Other(b"\xfd7zXZ\x00", "it is packed with xz", UNPACK),
    Other(b"\x28\xb5\x2f\xfd", "it is packed with zstd", UNPACK),
    Other(b"7z\xbc\xaf\x27\x1c", "it is a 7z archive", UNPACK),
    Other(b"Rar!\x1a\x07", "it is a RAR archive", UNPACK),
    Other(b"ustar", "it is a tar archive", UNPACK, 257),
    Other(
        b"\x93NUMPY", "it is a NumPy file with one array that has no name", "save named arrays: .safetensors, .params"
    ),
    Other(b"GGUF", "it is a GGUF file, which holds language models", KNOWN),
    Other(b"TFL3", "it is a TensorFlow Lite model, which is not supported", KNOWN, 4),
)

SYMBOL_HELP = "weights are in the file beside it: NAME-0000.params belongs to NAME-symbol.json"
ANSWER_HELP = "it may be what a server answered instead of the file: look into it, and download the file anew"


def told_apart(head: bytes) -> tuple[str, str] | None:
    """What a file is that begins with `head`, up to `HEAD` bytes, and what to do; None if nothing of that kind."""
    if not head:
        return "it is empty", "copy or download it anew"
    for other in OTHERS:
        if head.startswith(other.start, other.at):
            return other.said, other.help
    if _text(head).startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<!--")):
        help = "download the file itself: its page has a link or a button for that (on a hub, `resolve`)"
        return "it is a web page that was saved in place of the file", help
    return None


def refuse(head: bytes) -> NoReturn:
    """Raises BadWeights for a file that begins with `head`, up to `HEAD` bytes."""
    known = told_apart(head)
    if known is not None:
        raise BadWeights(*known)
    text = _text(head)
    if text.startswith((b"{", b"[")):
        symbol = b'"nodes"' in text or b'"op"' in text
        raise BadWeights("it is JSON text, not weights", SYMBOL_HELP if symbol else ANSWER_HELP)
    if not any(head):
        raise BadWeights(
            "it begins with zeros, where a weights file says what it is", "its download may not be complete"
        )
    raise BadWeights("it is no weights file of a format that is known (its first bytes say so)", KNOWN)


def _text(head: bytes) -> bytes:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
