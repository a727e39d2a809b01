"""What `weights = ...` of a backbone means: weights known by name, weights in the user's store, or a file.

Enters: what the spec says. Leaves: how the weights are loaded, the input they were trained on, and, of a file that is
at hand, which tensors it holds. Of a file only the header is read, and all of it only where the spec gives its hash.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retdsl.check.files import exists, is_file, report_absent
from retdsl.check.fixes import as_written, rename_fixes
from retdsl.diagnostics import Diagnostics, Fix, Label
from retdsl.diagnostics.suggest import guess
from retdsl.ir import Call, InputConvention, Value
from retdsl.records import dataclass, replace
from retdsl.schema.backbones import KNOWN_WEIGHTS, KnownWeights, known_weights
from retdsl.source import Span
from retdsl.syntax import tree as t

if TYPE_CHECKING:
    from retdsl.weights.model import WeightsFile
    from retdsl.weights.store import Record

LEAST_DIGITS, MOST_DIGITS = 8, 64
"""Of a hash: eight are enough against mistakes, and torchvision puts as many into the names of its files."""

_SHOWN = 16


@dataclass(frozen=True, slots=True)
class Hash:
    """The beginning or the whole of a SHA-256 that a spec gives, in lower case."""

    digits: str
    span: Span


@dataclass(frozen=True, slots=True)
class Target:
    """What weights are for. network: of the zoo, None for a block; layout: the zoo's family; root: where paths start;
    needed: whether some model is built on them, so that they must be at hand.
    """

    network: str | None
    layout: str | None
    root: Path
    needed: bool


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights as a spec asks for them.

    load: the call of `retdsl.runtime.pretrained` that reads them; at: where the spec names them; called: what messages
    call them; file: what is in their file, if that was looked at; at_hand: whether they are there and can be used.
    """

    load: Call
    at: Span
    called: str
    convention: InputConvention | None = None
    file: WeightsFile | None = None
    at_hand: bool = False

    @property
    def is_untold(self) -> bool:
        """Whether nobody knows what they were trained on. Of a file that is not at hand, it may yet turn out."""
        return self.at_hand and self.convention is None


def split_hash(expr: t.Expr, out: Diagnostics) -> tuple[t.Expr, Hash | None]:
    """A value without the hash behind it, and the hash; one that cannot be a hash is reported and left away."""
    if not isinstance(expr, t.Hashed):
        return expr, None
    text, span = (expr.sha256.plain or "").lower(), expr.sha256.span
    if LEAST_DIGITS <= len(text) <= MOST_DIGITS and not set(text) - set("0123456789abcdef"):
        return expr.value, Hash(text, span)
    strange = next((character for character in text if character not in "0123456789abcdef"), None)
    wrong = f"`{strange}` is none" if strange else f"these are {len(text)}"
    notes = [f"a SHA-256 has {MOST_DIGITS} digits, from 0 to 9 and a to f; its first {LEAST_DIGITS} or more are enough"]
    helps = ["`sha256sum FILE` tells it, and so does `retdsl weights list`"]
    out.report("R303", "this is no SHA-256", Label(span, wrong), notes=notes, helps=helps)
    return expr.value, None


def find_weights(name: Value, at: Span, hash: Hash | None, target: Target, out: Diagnostics) -> Weights | None:
    """The weights that are called `name` (a text); None, with a message, if there are none such."""
    text = str(name)
    known = known_weights(target.network or "", text)
    if known is not None:
        return _known(known, at, hash, out)
    from retdsl.weights.model import SUFFIXES

    if "/" in text or text.endswith(SUFFIXES):  # else it is a name in the store
        return _in_file(text, at, hash, target, out)
    return _in_store(text, at, hash, target, out)


def network_of(name: str) -> str | None:
    """The network that weights are for which the user's store has under a name; None if it has none such."""
    from retdsl.weights.store import DamagedStore, default_store

    try:
        record = default_store().record(name)
    except DamagedStore:
        return None
    return None if record is None else record.network


def report_other_network(name: str, network: str, at: Span, extra: Sequence[Span], out: Diagnostics) -> None:
    """Says that weights known by name are those of the network as it is, without options."""
    text = f"the weights `{name}` are those of `{network}` as it is"
    labels = [Label(extra[0], "with this it is another network"), Label(at)]
    helps = ["cut the backbone, as in `NAME[global_pool]`, and put layers of your own behind"]
    out.report("R803", text, *labels, helps=helps)


def check_hash(path: Path, shown: str, hash: Hash, out: Diagnostics) -> bool:
    """Whether the file at `path` is the one that is meant; if not, that is reported."""
    from retdsl.weights.files import sha256_of
    from retdsl.weights.model import BadWeights

    try:
        found = sha256_of(path)
    except BadWeights as error:
        out.report("R805", f"cannot read {shown}: {error}", Label(hash.span), helps=error.helps)
        return False
    if found.startswith(hash.digits):
        return True
    helps = [
        "if the file was copied or downloaded, do it anew: it may be damaged, or another version",
        f'if it is the one you mean, write `sha256 "{found[:_SHOWN]}"`',
    ]
    _report_other(shown, hash, found, helps, out, [Fix.at(hash.span, f'"{found}"')])
    return False


def weights_call(path: str, layout: str | None, sha256: str | None) -> Call:
    """How a file is loaded; only what is known is written."""
    options = {"path": path, "layout": layout, "sha256": sha256}
    return Call("weights_file", tuple((key, value) for key, value in options.items() if value is not None))


def open_file(path: Path, shown: str, at: Span, out: Diagnostics) -> WeightsFile | None:
    """What is in a file that is there; None, with a message, if it is no weights file."""
    from retdsl.weights.files import open_weights
    from retdsl.weights.model import BadWeights

    try:
        return open_weights(path)
    except BadWeights as error:
        out.report("R805", f"cannot use {shown}: {error}", Label(at, "cannot be used as weights"), helps=error.helps)
        return None


def _known(known: KnownWeights, at: Span, hash: Hash | None, out: Diagnostics) -> Weights | None:
    sha256 = str(known.load["sha256"])
    if hash is not None and not sha256.startswith(hash.digits):
        helps = ["leave the hash out: these weights are always checked against it"]
        _report_other(f"`{known.name}`", hash, sha256, helps, out, [])
        return None
    convention = InputConvention(known.normalize, (known.size, known.size), f"known of `{known.name}`")
    return Weights(known.load, at, f"`{known.name}`", convention, at_hand=True)


def _in_file(text: str, at: Span, hash: Hash | None, target: Target, out: Diagnostics) -> Weights | None:
    path = target.root / os.path.expanduser(text)
    weights = Weights(weights_call(text, target.layout, hash.digits if hash else None), at, text)
    if not exists(path):
        if target.needed:
            notes = ["whether they fit the network cannot be checked"]
            start = None if os.path.isabs(os.path.expanduser(text)) else target.root
            report_absent(f"the weights `{text}` are not here", Label(at, "no such file"), start, out, notes=notes)
        return weights
    if hash is not None and not check_hash(path, text, hash, out):
        return weights
    file = open_file(path, text, at, out)
    if file is None:
        return weights
    from retdsl.check.conventions import convention_of_file

    convention = convention_of_file(file, target.network, target.layout)
    return replace(weights, file=file, convention=convention, at_hand=True)


def _in_store(name: str, at: Span, hash: Hash | None, target: Target, out: Diagnostics) -> Weights | None:
    from retdsl.check.conventions import convention_of_record
    from retdsl.weights.store import DamagedStore, default_store

    store = default_store()
    try:
        record = store.record(name)
        kept = store.names() if record is None else []
    except DamagedStore as error:
        helps = [f"if it stays so: `retdsl weights remove {name}`, and import the file anew"]
        notes = [f"the store is {store.folder}"]
        out.report("R805", f"cannot use `{name}` of the store: {error}", Label(at), notes=notes, helps=helps)
        return None
    if record is None:
        _report_unknown(name, at, target, kept, out)
        return None
    if hash is not None and not record.sha256.startswith(hash.digits):
        helps = [f"`retdsl weights list` tells where `{name}` is from; another file needs another name"]
        _report_other(f"`{name}`", hash, record.sha256, helps, out, [])
        return None
    path = store.file(record)
    load = weights_call(_from_home(path), target.layout, record.sha256)
    weights = Weights(load, at, f"`{name}`", convention_of_record(record))
    if not is_file(path):
        text = f"the file of the weights `{name}` is gone from the store"
        helps = [_import_anew(record), "`retdsl weights verify` looks at all that the store has"]
        out.report("R801", text, Label(at, "known, but not at hand"), notes=[f"it was {path}"], helps=helps)
        return weights
    file = open_file(path, f"`{name}`", at, out)
    return weights if file is None else replace(weights, file=file, at_hand=True)


def _import_anew(record: Record) -> str:
    source = f" (it came from {record.source})" if record.source else ""
    return f"import it anew{source}: `retdsl weights import FILE --for {record.network} --name {record.name}`"


def _from_home(path: Path) -> str:
    """A path as programs name it: from the user's home folder on, so that another machine's is found, too."""
    try:
        return f"~/{path.relative_to(os.path.expanduser('~')).as_posix()}"
    except ValueError:
        return str(path)


def _report_unknown(name: str, at: Span, target: Target, kept: Sequence[str], out: Diagnostics) -> None:
    known = [weights.name for weights in KNOWN_WEIGHTS if weights.network == target.network]
    meant = guess(name, [*known, *kept])
    listed = ", ".join(f"`{each}`" for each in known)
    notes = [f"weights known by name: {listed}" if known else "none are known by name"]
    notes += [f"the store has {', '.join(f'`{each}`' for each in kept)}"] if kept and len(kept) <= _FEW else []
    importing = f"retdsl weights import FILE --for {target.network}" if target.network else ""
    helps = [meant.question] if meant.question else ['give a file: `weights = "FILE.safetensors"`']
    helps += [f"`{importing} --name {name}` puts a file into the store"] if importing and not meant.question else []
    helps += ["`retdsl weights list` tells what the store has"] if len(kept) > _FEW else []
    quoted = replace(meant, names=tuple(as_written(each) for each in meant.names))
    fixes = rename_fixes(quoted, name, at, own=True)
    whom = f"`{target.network}`" if target.network else "a block"
    text = f"no weights `{name}` are known for {whom}"
    out.report("R803", text, Label(at), notes=[] if meant.names else notes, helps=helps, fixes=fixes)


_FEW = 6


def _report_other(
    shown: str, hash: Hash, found: str, helps: Sequence[str], out: Diagnostics, fixes: Sequence[Fix]
) -> None:
    label = Label(hash.span, f"it has {_short(found)}")
    notes = [f"wanted {hash.digits}", f"found  {found}"]
    text = f"{shown} is not the file that is meant: its SHA-256 differs"
    out.report("R807", text, label, notes=notes, helps=helps, fixes=fixes)


def _short(sha256: str) -> str:
    """A hash that people can compare."""
    return f"{sha256[:_SHOWN]}..." if len(sha256) > _SHOWN else sha256
