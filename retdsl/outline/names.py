"""The parts of a network that was written without blocks, as an imported one, from its graph and from its names.

The graph says where one part may end and the next begin: at its waists. The names say which of these stretches belong
together: `stage1_unit1_conv1` and `stage1_unit1_bn1` are of `stage1` and there of `unit1`, `conv_3a_1x1` and
`bn_3a_1x1` of `3a`, `conv2_1` and `relu2_1` of `2`. Words for the kind of a layer say nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby, takewhile
from typing import TypeAlias

from retdsl.ir import Node
from retdsl.records import dataclass, replace

Path: TypeAlias = tuple[str, ...]

FINISHING = frozenset({"BatchNorm", "Activation", "LeakyReLU", "ReLU6", "clip"})
"""Layers that finish the one before: it is rarely cut, and never drawn, between the two."""

_KIND_WORDS = frozenset(
    (
        *("conv", "convolution", "deconv", "deconvolution", "fc", "fullyconnected", "dense", "bn", "batchnorm"),
        *("batch", "norm", "lrn", "scale", "relu", "prelu", "act", "activation", "sigmoid", "clip", "softmax"),
        *("pool", "pooling", "max", "avg", "global", "concat", "chconcat", "ch", "plus", "elemwise", "add", "sum"),
        *("flatten", "dropout", "drop", "pad", "res", "fwd", "output"),
    )
)
FORK = "fork"
"""The kind of a part of which nothing is known but that it has branches."""

_COUNTED = re.compile(r"[A-Za-z]+_?\d+")
"""What parts of a part are called, as `unit2`; other words only tell its layers from each other."""

_WORD = re.compile(r"(conv[123]d|[A-Za-z]+)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The nodes behind one waist up to the next.

    label: what their names have in common; fork: the name of the node that joins branches here, or of the one that this
    stretch finishes; empty where nothing forks.
    """

    nodes: tuple[Node, ...]
    label: Path
    fork: str = ""


def named_parts(nodes: Sequence[Node], waists: frozenset[str]) -> dict[str, Path]:
    """The part of each node, by its name, in the form of a node's `path`: none, `stage(stage1)`, or a block in it.

    nodes: of one backbone, in topological order; waists: names of those that everything passes through.
    The head belongs to no part.
    """
    body = nodes[: head(nodes, waists)]
    stretches = _without_shared(list(_stretches(body, waists)))
    paths: dict[str, Path] = dict.fromkeys((node.name for node in nodes), ())
    for top, run in groupby(_joined(stretches), key=lambda stretch: stretch.label[:1]):
        members = list(run)
        if sum(node.op not in FINISHING for stretch in members for node in stretch.nodes) < 2:
            continue  # a convolution and what finishes it
        for stretch in members:
            named = stretch.label != (stretch.fork,)
            path = (_block(top[0], top[0]), *_inner(stretch)) if named else (f"{FORK}({stretch.fork})",)
            paths |= dict.fromkeys((node.name for node in stretch.nodes), path)
    return paths


def _inner(stretch: _Stretch) -> Path:
    """The part within its part: `unit2` by its name, or a fork, where the names do not count them."""
    for word in stretch.label[1:2]:
        if _COUNTED.fullmatch(word):
            return (_block(word, f"{stretch.label[0]}_{word}"),)
    return (f"{FORK}({stretch.fork})",) if stretch.fork else ()


def head(nodes: Sequence[Node], waists: Collection[str]) -> int:
    """How many nodes there are before the head: the first waist that pools the whole image, or flattens it."""
    for i, node in enumerate(nodes):
        if node.name in waists and (node.op in ("Flatten", "FullyConnected") or _pools_all(node)):
            return i
    return len(nodes)


def _pools_all(node: Node) -> bool:
    everything = dict(node.options).get("global_pool") or (node.shape is not None and node.shape[2:] == (1, 1))
    return node.op == "Pooling" and bool(everything)


def _stretches(nodes: Sequence[Node], waists: frozenset[str]) -> Iterator[_Stretch]:
    run: list[Node] = []
    for node in nodes:
        run.append(node)
        if node.name in waists:
            yield _stretch(run)
            run = []
    if run:
        yield _stretch(run)


def _stretch(nodes: Sequence[Node]) -> _Stretch:
    label = _common([key for key in map(_key, nodes) if key])
    return _Stretch(tuple(nodes), label, nodes[-1].name if len(nodes) > 1 else "")


def _joined(stretches: Sequence[_Stretch]) -> list[_Stretch]:
    """The stretches that belong to a part, each with its label: that of its names, of what it finishes, or of its last
    node if it is a fork.
    """
    found: list[_Stretch] = []
    before = _Stretch((), ())
    for stretch in stretches:
        label, fork = stretch.label, stretch.fork
        weak = label[:1] in ((), before.label[:1]) or "".join(label).isdigit()
        if _finishes(stretch) and before.label and weak:
            label, fork = before.label, before.fork
        elif not label and fork:
            label = (fork,)
        before = _Stretch(stretch.nodes, label, fork)
        found.append(before)
    for i in reversed(range(len(found) - 1)):  # what finishes no fork of its part may prepare the next one
        if _finishes(found[i]) and found[i].label and found[i].label[:1] == found[i + 1].label[:1]:
            found[i] = _Stretch(found[i].nodes, found[i + 1].label, found[i + 1].fork)
    return [stretch for stretch in found if stretch.label]


def _finishes(stretch: _Stretch) -> bool:
    return not stretch.fork and stretch.nodes[-1].op in FINISHING


def _without_shared(stretches: Sequence[_Stretch]) -> list[_Stretch]:
    """The stretches without the words that nearly all labels begin with, as the name of the network."""
    labels = [stretch.label for stretch in stretches if stretch.label]
    shared = 0
    while labels:
        column = Counter(label[shared : shared + 1] for label in labels)
        word, count = column.most_common(1)[0]
        if not word or count < 0.9 * len(labels):
            break
        labels = [label for label in labels if label[shared : shared + 1] == word]
        shared += 1
    prefix = labels[0][:shared] if labels else ()
    return [
        replace(stretch, label=stretch.label[shared:]) if stretch.label[:shared] == prefix else stretch
        for stretch in stretches
    ]


def _key(node: Node) -> Path:
    """The words of a name that tell where its layer belongs: `stage1`, `unit1`, `1` of `stage1_unit1_conv1`."""
    if node.name.startswith("_"):  # MXNet's automatic name
        return ()
    words: list[str] = []
    open_word = False
    for token in filter(None, re.split(r"[_/.\-:]", node.name)):
        word = _WORD.match(token)
        letters, rest = word.groups() if word else ("", token)
        said = rest if letters.lower() in _KIND_WORDS or letters[:4].lower() == "conv" else token
        if not said:
            continue
        if open_word and word is None:  # `mixed_5b` is one word
            words[-1] += f"_{said}"
        else:
            words.append(said)
        open_word = said.isalpha()
    return tuple(words)


def _common(keys: Sequence[Path]) -> Path:
    """What all keys begin with."""
    columns = takewhile(lambda column: len(set(column)) == 1, zip(*keys, strict=False))
    return tuple(column[0] for column in columns)


def _block(word: str, name: str) -> str:
    """`stage(stage1)` of `stage1`; what is nothing but a number is a block."""
    kind = re.sub(r"[_\W]*\d.*", "", word, flags=re.DOTALL).strip("_")
    return name if kind == name else f"{'block' if kind in _KIND_WORDS else kind or 'block'}({name})"
