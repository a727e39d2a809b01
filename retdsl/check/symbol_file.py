"""MXNet's symbol files of any age as plain records, read as JSON, without MXNet.

Enters: a path. Leaves: the nodes in the file's order, with the attributes that MXNet's operators read, and the heads.
Guaranteed: there is a layer, every input of a node is an earlier node, names are texts that can be shown and occur
once, and neither time nor memory grows beyond what the limits here allow; what is not so is a `BadSymbol`.

What MXNet itself brings up to date in an old file when it loads it is done here too: 2015 wrote an operator's options
as `param` and what users added as `attr`, 2016 both as `attr`, and since 2017 it is `attrs`; hints for training among
them (`lr_mult`, `weight_wd_mult`) are none of the operator's options; and `argmax` over axis -1 meant all axes.
"""

from __future__ import annotations

import json
import keyword
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from retdsl.records import dataclass
from retdsl.weights.model import ANEW
from retdsl.weights.other_files import HEAD, told_apart

MAX_BYTES = 8 << 20
"""DenseNet-201, the longest file of those that people have, has 0.6 MB."""
MAX_NODES = 100_000
MAX_NAME = 500
"""Characters of a node's name."""

VARIABLE = "null"
_HINTS = ("ctx_group", "lr_mult", "wd_mult", "force_mirroring", "mirror_stage")
_AXIS_OPTIONAL = 905
"""MXNet 0.9.5, from when on `argmax` and `argmin` can do without an axis."""


class BadSymbol(Exception):
    """The file is not an MXNet symbol, or not a whole one; the message says why, `helps` what to do."""

    def __init__(self, message: str, *helps: str) -> None:
        super().__init__(message)
        self.helps = helps


@dataclass(frozen=True, slots=True)
class FileNode:
    """A node as the file has it, brought up to date.

    inputs: index of a node, and which of its outputs; complete: written with all its options, as only MXNet before 0.9
    did, so that an option that is not there did not exist.
    """

    name: str
    op: str
    options: Mapping[str, str]
    inputs: tuple[tuple[int, int], ...]
    complete: bool

    @property
    def is_variable(self) -> bool:
        return self.op == VARIABLE


@dataclass(frozen=True, slots=True)
class SymbolFile:
    """A whole file. heads: what the network gives, each as the index of a node and which of its outputs."""

    nodes: tuple[FileNode, ...]
    heads: tuple[tuple[int, int], ...]


def open_symbol(path: Path) -> SymbolFile:
    """The nodes of a symbol file. Raises BadSymbol."""
    graph = _json(path)
    if not isinstance(graph, dict) or not isinstance(graph.get("nodes"), list):
        raise BadSymbol("it is JSON, but not an MXNet symbol (it has no list of nodes)")
    raw = graph["nodes"]
    if len(raw) > MAX_NODES:
        raise BadSymbol(f"it has {len(raw):,} nodes, and no network has more than {MAX_NODES:,}")
    try:
        version = _version(graph)
        nodes = tuple(_node(item, index, raw, version) for index, item in enumerate(raw))
        heads = tuple(_entry(head, len(nodes)) for head in graph.get("heads") or ())
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise BadSymbol(f"a node of it is not as MXNet writes nodes ({error})") from error
    seen: set[str] = set()
    for node in nodes:
        if node.name in seen:
            raise BadSymbol(f"two of its nodes are named `{node.name}`")
        seen.add(node.name)
    if all(node.is_variable for node in nodes):
        raise BadSymbol("it has no layers")
    return SymbolFile(nodes, heads)


def _json(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadSymbol((error.strerror or str(error)).lower()) from error
    if len(content) > MAX_BYTES:
        raise BadSymbol(f"it has more than {MAX_BYTES >> 20} MiB, which no network's description has")
    try:
        return json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BadSymbol(*_why(content[:HEAD], error)) from error


def _why(head: bytes, error: Exception) -> tuple[str, ...]:
    """Why a file's content is no JSON, and what to do."""
    known = told_apart(head.strip())
    if known is not None:
        return known
    if isinstance(error, RecursionError):
        return ("it is not JSON that MXNet writes (it is nested too deep)",)
    line = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
    return f"it is not JSON{line}", ANEW


def _version(graph: Mapping[str, Any]) -> int:
    """The MXNet that wrote the file, 10901 for 1.9.1. Those that do not say it were 0.8 or older."""
    try:
        return int(graph["attrs"]["mxnet_version"][1])
    except (LookupError, TypeError, ValueError):
        return 800


def _node(item: Mapping[str, Any], index: int, raw: Sequence[Any], version: int) -> FileNode:
    name, op = item["name"], item["op"]
    if not isinstance(name, str) or not name:
        raise BadSymbol("one of its nodes has no name")
    if len(name) > MAX_NAME or not name.isprintable():
        raise BadSymbol(f"the name of its node {index} is none that MXNet writes")
    if not isinstance(op, str):
        raise BadSymbol(f"its node `{name}` has no operator")
    complete = isinstance(item.get("param"), dict) and "attrs" not in item
    attributes = item["param"] if complete else item.get("attrs") or item.get("attr") or {}
    options = {key: str(value) for key, value in attributes.items() if not _is_hint(key)}
    if op in ("argmax", "argmin") and version < _AXIS_OPTIONAL and options.get("axis") == "-1":
        del options["axis"]
    for word in (op, *options) if op != VARIABLE else ():  # these become names in a program
        if not word.isidentifier() or not word.isascii() or keyword.iskeyword(word):
            raise BadSymbol(f"`{word}` at its layer `{name}` is no name that MXNet has")
    inputs = tuple(_entry(entry, len(raw)) for entry in item["inputs"])
    for source, _ in inputs:
        if source >= index:
            after = raw[source]["name"]
            raise BadSymbol(
                f"its node `{name}` takes `{after}`, which comes after it" if source > index else
                f"its node `{name}` takes its own output",
                "MXNet writes a node behind those that it takes: the file was edited, or damaged",
            )  # fmt: skip
    return FileNode(name, op, options, inputs, complete)


def _is_hint(key: str) -> bool:
    """Whether an attribute says something to MXNet's training and nothing to the operator."""
    return key.startswith("__") or key.endswith(_HINTS)


def _entry(entry: Sequence[Any], count: int) -> tuple[int, int]:
    """A node's input, as `[3, 0]` or, since 2017, `[3, 0, 0]`."""
    source, output = entry[0], entry[1] if len(entry) > 1 else 0
    if not all(isinstance(number, int) and not isinstance(number, bool) for number in (source, output)):
        raise TypeError("an input is not a pair of numbers")
    if not 0 <= source < count or output < 0:
        raise BadSymbol(f"it names a node {source}, and has {count}", ANEW)
    return source, output
