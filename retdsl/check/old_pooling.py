"""Whether the Poolings of a symbol file round their windows up, as MXNet did before July 2016.

Then came `pooling_convention`, and with it rounding down unless a file asks for `full`. MXNet takes older files for new
ones, and their shapes no longer meet, or, worse, they meet and the numbers are others. There are two kinds of evidence:
MXNet before 0.9 wrote every option of a layer (as `param`), so that a Pooling written so without this one is older than
it; and branches that are joined, and weights that are at hand, need shapes that meet.
"""

from __future__ import annotations

from retdsl.check.imported import Imported, Stored, read_network
from retdsl.check.imported_pooling import says_nothing
from retdsl.check.symbol_file import SymbolFile
from retdsl.ir import Place, Shape
from retdsl.records import dataclass
from retdsl.schema.shapes import shape_text


@dataclass(frozen=True, slots=True)
class Rounded:
    """A network, and what is to be told of its Poolings to whoever needs one of the layers `concerned`, whose shape
    depends on them; none where nothing was in doubt. said: what they do; why: in a word; notes: the evidence.
    """

    network: Imported
    concerned: frozenset[str] = frozenset()
    said: str = ""
    why: str = ""
    notes: tuple[str, ...] = ()


def read_rounded(file: SymbolFile, input_shape: Shape, place: Place, stored: Stored | None = None) -> Rounded:
    """The layers of a symbol file, its Poolings as they were meant. Arguments and errors as of `read_network`."""
    down = read_network(file, input_shape, place, stored)
    old = any(item.complete and says_nothing(item) for item in file.nodes)
    if not old and not down.clashes:
        return Rounded(down)
    up = read_network(file, input_shape, place, stored, round_up=True)
    shapes = {node.name: node.shape for node in up.nodes}
    concerned = [node for node in down.nodes if node.shape != shapes.get(node.name)]
    if not concerned or (up.clashes and not old):
        return Rounded(down)
    first = concerned[0]
    sizes = f"`{first.name}` gives {shape_text(shapes.get(first.name))} rounded up, {shape_text(first.shape)} down"
    age = (_AGE,) if old else ()
    names = frozenset(node.name for node in concerned)
    if down.clashes and up.clashes:
        neither = f"the shapes do not meet at `{up.clashes[0]}` either way: is the image of another size than theirs?"
        return Rounded(up, names, _UP, "older than `pooling_convention`", (*age, neither, sizes))
    if up.clashes:
        return Rounded(down, names, _DOWN, f"only so the shapes meet at `{up.clashes[0]}`", (*age, sizes))
    if down.clashes:
        return Rounded(up, names, _UP, f"only so the shapes meet at `{down.clashes[0]}`", (*age, sizes))
    return Rounded(up, names, _UP, "older than `pooling_convention`", (*age, "the shapes meet either way", sizes))


_UP = "round up, as in MXNet before July 2016"
_DOWN = "round down, although the file is older than that"
_AGE = "the file writes every option of a Pooling, and not `pooling_convention`, which MXNet has had since July 2016"
