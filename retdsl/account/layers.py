"""The layers of a network in a table: what each is, what it gives, what it learns, and where to cut.

Enters: a network. Leaves: one row a layer, or one a stretch of layers up to a place to cut, and the same as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from retdsl.ir import Network, Node, Shape, learned_numbers, to_json
from retdsl.outline import Path, Worth, outline, places
from retdsl.records import dataclass
from retdsl.schema.spelling import spell, spell_layer

_TELLING = frozenset(
    (
        *("num_filter", "num_hidden", "kernel", "stride", "dilate", "num_group", "pool_type", "global_pool"),
        *("act_type", "p", "dim", "a_min", "a_max"),
    )
)
"""Options that tell a layer from others of its kind at a glance."""


@dataclass(frozen=True, slots=True)
class Row:
    """One layer, or several that lie between two places to cut.

    nodes: in their order, the last one is what the row is called by; part: the blocks of the last one; worth: of a cut
    there, None where some of the network goes past; learned: numbers that these nodes learn; kept: numbers that a cut
    there keeps, None if that is no waist.
    """

    nodes: tuple[Node, ...]
    part: Path
    worth: Worth | None
    learned: int
    kept: int | None

    @property
    def written(self) -> str:
        """The last layer's name as a cut writes it: in quotes unless it is a plain name."""
        return spell(self.nodes[-1].name)

    @property
    def shape(self) -> Shape | None:
        return self.nodes[-1].shape


def layer_rows(network: Network) -> list[Row]:
    """A row for every layer."""
    parts, worths = outline(network), places(network)
    rows: list[Row] = []
    kept = 0
    for node in network.nodes:
        learned, worth = learned_numbers([node]), worths.get(node.name)
        kept += learned  # what comes before a waist in topological order leads to it: there is no other way on
        rows.append(Row((node,), parts[node.name], worth, learned, kept if worth else None))
    return rows


def stretches(rows: Sequence[Row], wanted: Iterable[Worth]) -> list[Row]:
    """The same rows, those between two of the wanted worth taken together; the last is always there."""
    wanted = set(wanted)
    result: list[Row] = []
    run: list[Row] = []
    for i, row in enumerate(rows, start=1):
        run.append(row)
        if row.worth in wanted or i == len(rows):
            nodes = tuple(node for one in run for node in one.nodes)
            result.append(Row(nodes, row.part, row.worth, sum(one.learned for one in run), row.kept))
            run = []
    return result


def matching(rows: Sequence[Row], pattern: str) -> list[Row]:
    """The rows whose layer is named as `pattern` says: `*` is any text, a pattern without one may stand anywhere."""
    wild = pattern if any(sign in pattern for sign in "*?[") else f"*{pattern}*"
    return [row for row in rows if fnmatchcase(row.nodes[-1].name, wild) or row.nodes[-1].alias == pattern]


def operator(node: Node, *, brief: bool = True) -> str:
    """A layer in the language's words; `brief` leaves out what does not tell it from others of its kind."""
    options = [(key, value) for key, value in node.options if not brief or key in _TELLING]
    return spell_layer(node.op, options)


def best_cut(rows: Sequence[Row]) -> Row | None:
    """The cut that most studies want: the end of the last stage. None if there is nothing but the output to cut."""
    for wanted in ("stage", "place", "waist"):
        found = [row for row in rows[:-1] if row.worth == wanted]
        if found:
            return found[-1]
    return None


def as_json(network: Network) -> dict[str, Any]:
    """Everything about a network's layers for a program to read. `cut`: `stage`, `place` or null."""
    return {
        "input": network.input,
        "input_shape": to_json(network.input_shape),
        "output": network.output,
        "parameters": learned_numbers(network.nodes),
        "layers": [_layer_json(row) for row in layer_rows(network)],
    }


def _layer_json(row: Row) -> dict[str, Any]:
    node = row.nodes[-1]
    return {
        "name": node.name,
        "written": row.written,
        "alias": node.alias,
        "op": node.op,
        "options": {key: to_json(value) for key, value in node.options},
        "inputs": list(node.inputs),
        "shape": to_json(node.shape),
        "parameters": [to_json(parameter) for parameter in node.parameters],
        "backbone": node.backbone,
        "part": list(row.part),
        "waist": row.worth is not None,
        "cut": None if row.worth == "waist" else row.worth,
        "kept": row.kept,
    }
