"""Whether the Poolings of a symbol file round their windows up, as MXNet did before July 2016.

Then came `pooling_convention`, and with it rounding down unless a file asks for `full`. MXNet takes older files for new
ones, and their shapes no longer meet, or, worse, they meet and the numbers are others. There are two kinds of evidence:
MXNet before 0.9 wrote every option of a layer (as `param`), so that a Pooling written so without this one is older than
it; and branches that are joined, and weights that are at hand, need shapes that meet.
"""

from __future__ import annotations

from retdsl.check.imported import Imported, Stored, read_network
from retdsl.check.imported_pooling import Rounding, rounds_up
from retdsl.check.symbol_file import SymbolFile
from retdsl.ir import Place, Shape
from retdsl.records import dataclass
from retdsl.schema.shapes import shape_text


@dataclass(frozen=True, slots=True)
class Rounded:
    """A network, and what is to be told of its Poolings: `said` is None where nothing was in doubt."""

    network: Imported
    said: str | None = None
    why: str = ""
    notes: tuple[str, ...] = ()


def read_rounded(file: SymbolFile, input_shape: Shape, place: Place, stored: Stored | None = None) -> Rounded:
    """The layers of a symbol file, its Poolings as they were meant. Arguments and errors as of `read_network`."""
    written = read_network(file, input_shape, place, stored)
    old = any(item.complete and rounds_up(item, Rounding.UNSAID_UP) for item in file.nodes)
    if not old and not written.clashes:
        return Rounded(written)
    tries = (Rounding.UNSAID_UP,) if old else (Rounding.UNSAID_UP, Rounding.ALL_UP)
    up = written
    for rounding in tries:
        up = read_network(file, input_shape, place, stored, rounding)
        if not up.clashes:
            break
    where = _first_difference(written, up)
    if where is None:
        return Rounded(written)
    name, down_shape, up_shape = where
    sizes = f"`{name}` gives {shape_text(up_shape)} so, and {shape_text(down_shape)} if rounded down"
    age = "the file writes every option of a Pooling, and not `pooling_convention`, which MXNet has had since July 2016"
    if not up.clashes and (old or written.clashes):
        if written.clashes:
            why, notes = f"only so the shapes meet at `{written.clashes[0]}`", [age] if old else []
        else:
            why, notes = "older than `pooling_convention`", [age, "the shapes would meet either way"]
        return Rounded(up, "round up, as in MXNet before July 2016", why, (*notes, sizes))
    if old and written.clashes:
        neither = f"the shapes do not meet at `{up.clashes[0]}` either way: is the image of another size than theirs?"
        return Rounded(up, "round up, as in MXNet before July 2016", "older than it", (age, neither, sizes))
    if old:
        why = f"only so the shapes meet at `{up.clashes[0]}`"
        return Rounded(written, "round down, although the file is older than that", why, (age,))
    return Rounded(written)


def _first_difference(down: Imported, up: Imported) -> tuple[str, Shape | None, Shape | None] | None:
    """The first layer that has another shape, and both shapes."""
    shapes = {node.name: node.shape for node in up.nodes}
    return next(((n.name, n.shape, shapes.get(n.name)) for n in down.nodes if n.shape != shapes.get(n.name)), None)
