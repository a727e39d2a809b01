"""The operators of the installed MXNet that take values, as lines for `retdsl/schema/operators.json`.

Left out are operators that are no part of a network under any name: updates of optimizers, gradients, numpy's world,
sparse storage, quantisation, images on disk, graphs, random numbers, control flow. What is left may still be refused in
a chain; `retdsl/schema/refused.py` says why.
"""

from __future__ import annotations

import ctypes
import json
import re
from collections.abc import Iterator
from typing import Any

from retdsl.runtime.mx import mx

PARAMETERS = ("weight", "bias", "gamma", "beta", "moving_mean", "moving_var")
"""Arguments that are learned; MXNet makes variables of these names."""
OPTIONAL = ("data_lengths", "label_lengths", "length", "like", "sequence_length")
"""Arguments that are only taken if an option says so, which the language leaves at no."""
SWITCHES = ("no_trans", "use_data_lengths", "use_label_lengths", "use_length", "use_sequence_length")
WITHOUT_MEANING = (
    *("cudnn_off", "cudnn_tune", "workspace", "num_args", "num_arrays", "init_output", "forward_stype", "is_int"),
    *("min_calib_range", "max_calib_range", "sparse_grad", "im2col_step"),
)
"""Options on how, not what, is computed; `num_args` is counted."""

NO_LAYERS = re.compile(
    r"update|backward|quantiz|calib|dgl_|^multi_|mp_|amp_|lars|all_finite|reset_arrays|_finite|cast_storage"
    r"|^_?(random|sample)_|pdf_|^_?shuffle|assign|_scatter_|edge_id|getnnz|hawkesll|group_adagrad|^_(foreach|cond|while)"
)


def snapshot() -> str:
    """The text of `operators.json`: an operator a line, by its readable name."""
    found = dict(sorted(_operators()))
    lines = (f"{json.dumps(name)}: {json.dumps(row)}" for name, row in found.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _operators() -> Iterator[tuple[str, dict[str, Any]]]:
    names: dict[str, list[str]] = {}
    infos: dict[str, list[tuple[str, str]]] = {}
    any_number: set[str] = set()
    for name in _names():
        operator, arguments, counted = _info(name)
        names.setdefault(operator, []).append(name)
        infos[operator] = arguments
        any_number |= {operator} if counted else set()
    for operator, spellings in names.items():
        readable = _readable(operator, spellings)
        inputs = [name for name, kind in infos[operator] if "Symbol" in kind]
        data = [name for name in inputs if name not in (*PARAMETERS, *OPTIONAL)]
        if readable is None or not data or any(NO_LAYERS.search(name) for name in spellings):
            continue
        options = {
            name: kind
            for name, kind in infos[operator]
            if "Symbol" not in kind and name not in (*SWITCHES, *WITHOUT_MEANING)
        }
        row: dict[str, Any] = {"operator": readable if operator.startswith("_np") else operator}
        also = sorted({*spellings} - {operator, readable} - {s for s in spellings if s.startswith(("_np", "_sparse"))})
        if also:
            row["also"] = also
        row["inputs"] = data
        if operator in any_number:
            row["joins"] = True
        if learned := [name for name in inputs if name in PARAMETERS]:
            row["learns"] = learned
        if options:
            row["options"] = options
        yield readable, row


def _readable(operator: str, spellings: list[str]) -> str | None:
    """The name to show: a public one, MXNet's own first, else that of `sym.contrib`, else of arithmetic."""
    public = [name for name in (operator, *sorted(spellings)) if not name.startswith("_")]
    if public:
        return public[0]
    if operator.startswith("_contrib_"):
        return operator.removeprefix("_contrib_")
    arithmetic = operator.endswith("_scalar") and not operator.startswith("_np")
    return operator.removeprefix("_") if arithmetic else None


def _names() -> list[str]:
    size, names = ctypes.c_uint(), ctypes.POINTER(ctypes.c_char_p)()
    mx.base.check_call(mx.base._LIB.MXListAllOpNames(ctypes.byref(size), ctypes.byref(names)))
    return [(names[i] or b"").decode() for i in range(size.value)]


def _info(name: str) -> tuple[str, list[tuple[str, str]], bool]:
    """An operator's own name; its arguments, inputs and options, with MXNet's words for their types; whether it takes
    any number of inputs.
    """
    handle = ctypes.c_void_p()
    mx.base.check_call(mx.base._LIB.NNGetOpHandle(name.encode(), ctypes.byref(handle)))
    own, doc, key, kind = (ctypes.c_char_p() for _ in range(4))
    count = ctypes.c_uint()
    arguments, types, docs = (ctypes.POINTER(ctypes.c_char_p)() for _ in range(3))
    filled = (own, doc, count, arguments, types, docs, key, kind)
    mx.base.check_call(mx.base._LIB.MXSymbolGetAtomicSymbolInfo(handle, *map(ctypes.byref, filled)))
    pairs = [((arguments[i] or b"").decode(), (types[i] or b"").decode()) for i in range(count.value)]
    return (own.value or b"").decode(), pairs, bool(key.value)
