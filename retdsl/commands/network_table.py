"""A network's layers on the screen: a table for people that fits their terminal, plain lines for pipes.

Marks say where to cut. A long network is shown by its places to cut alone, unless all of it is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from retdsl.account.layers import Row, best_cut, layer_rows, matching, operator, stretches
from retdsl.commands.terminal import colour_wanted
from retdsl.compiler import Refused
from retdsl.diagnostics.suggest import did_you_mean
from retdsl.ir import learned_numbers
from retdsl.networks import Seen, cut_groups
from retdsl.outline import Worth
from retdsl.schema.shapes import shape_text
from retdsl.schema.spelling import spell

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

LONG = 60
"""Rows of a table that somebody still reads."""

MOST_GROUPS = 12
"""Groups of layers that are named below a table."""

ANY_BLOCK = "block"
"""The kind of a part of which nothing is known but its name."""

GAP = 2
"""Blanks between columns."""

ENOUGH, LEAST = 24, 12
"""Columns for the words about how something is made: with fewer than enough of them it is not told what a cut keeps,
with fewer than the least the words are left out.
"""

MARKS: dict[Worth | None, tuple[str, str]] = {
    "stage": ("●", "*"),
    "place": ("○", "o"),
    "waist": ("·", "."),
    None: (" ", " "),
}
"""What is put before a layer, in Unicode and in ASCII."""

MEANINGS: tuple[tuple[Worth, str], ...] = (
    ("stage", "the end of a stage: the best place to cut"),
    ("place", "the end of a part: a good place to cut"),
    ("waist", "everything passes here"),
)


def print_network(seen: Seen, *, everything: bool, only: str | None, above: bool) -> None:
    """Prints a network's layers. above: an empty line first. Raises Refused where no layer is named as `only` says."""
    rows = layer_rows(seen.network)
    shown: Sequence[Row] = rows
    if only is not None:
        shown = matching(rows, only)
        if not shown:
            hint = did_you_mean(only, [row.nodes[-1].name for row in rows])
            raise Refused(f"{seen.title} has no layer named like `{only}`", hint or "`--only 'conv*'` takes patterns")
    if not sys.stdout.isatty():
        print("\n".join(_plain(seen, shown)))
        return
    if only is None and not everything:
        shown = _readable(rows)
    from rich.console import Console

    console = Console(no_color=not colour_wanted(sys.stdout), highlight=False)
    if above:
        console.print()
    _print_table(console, seen, shown, rows, only)


def _readable(rows: Sequence[Row]) -> Sequence[Row]:
    """All rows if they are few, else the places to cut, else the ends of stages."""
    if len(rows) <= LONG:
        return rows
    by_place = stretches(rows, ("stage", "place"))
    few = by_place if len(by_place) <= LONG else stretches(rows, ("stage",))
    return few if len(few) > 1 else rows


def _plain(seen: Seen, rows: Sequence[Row]) -> Iterator[str]:
    """A line a layer, columns apart by blanks; the operator, which may have blanks, is the last."""
    cells = [
        (
            row.written,
            shape_text(row.shape).replace(" ", ""),
            str(row.learned),
            row.worth or "-",
            operator(row.nodes[-1], brief=False),
        )
        for row in rows
    ]
    name, shape, learned = (max(len(row[i]) for row in cells) for i in range(3))
    yield f"# {_title(seen)}"
    for row in cells:
        yield f"{row[0]:<{name}}  {row[1]:<{shape}}  {row[2]:>{learned}}  {row[3]:<5}  {row[4]}"


def _title(seen: Seen) -> str:
    network = seen.network
    named = f"{seen.title} = {seen.declared}" if seen.backbone else seen.title
    return (
        f"{named}: {len(network.nodes)} layers, {learned_numbers(network.nodes):,} parameters,"
        f" for {shape_text(network.input_shape)}"
    )


def _print_table(console: Console, seen: Seen, shown: Sequence[Row], rows: Sequence[Row], only: str | None) -> None:
    from rich.text import Text

    joined = len(shown) < len(rows) and only is None
    lines = list(_cells(shown, _unicode(console)))
    console.print(Text(_title(seen), style="bold"))
    console.print()
    console.print(_fitted(lines, "made by" if joined else "operator", console.width))
    console.print()
    for line in _below(console, seen, shown, rows, joined):
        console.print(line)


def _fitted(lines: Sequence[Sequence[Text]], how: str, width: int) -> Table:
    """The table of these cells. What gives way where the terminal is narrow are the words about how something is made,
    then what a cut keeps.
    """
    from rich.table import Table
    from rich.text import Text

    heads = ("  layer", how, "output", "parameters", "up to here")
    needs = [max(len(head), *(line[i].cell_len for line in lines)) for i, head in enumerate(heads)]
    for fixed, least in (((0, 2, 3, 4), ENOUGH), ((0, 2, 3), LEAST), ((0, 2, 3), 0), ((0, 2), 0), ((0,), 0)):
        room = width - sum(needs[i] + GAP for i in fixed) + GAP * (least == 0)
        if room >= least:
            break
    kept = sorted((*fixed, 1) if least else fixed)
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim")
    for i in kept:
        most = min(needs[1], room) if i == 1 else None
        table.add_column(
            Text(heads[i]),
            justify="right" if i > 2 else "left",
            no_wrap=i == 1,
            overflow="ellipsis" if i == 1 else "fold",
            max_width=most,
        )
    for line in lines:
        table.add_row(*(line[i] for i in kept))
    return table


def _cells(shown: Sequence[Row], unicode: bool) -> Iterator[Sequence[Text]]:
    """The five cells of each line: a row, or the heading of a part."""
    from rich.text import Text

    for part, run in groupby(shown, key=lambda row: row.part[:1]):
        members = list(run)
        grouped = bool(part) and len(members) > 1
        if grouped:
            kind, name = _block(part[0])
            if name.isdigit() and not all(name in node.name for row in members for node in row.nodes):
                name = ""  # only the number of the block's use
            total = f"{sum(row.learned for row in members):,}"
            counted = f"{kind} {name}" if name.isdigit() else name
            heading = (
                Text(f"  {counted or kind}", style="bold"),
                Text(kind if name and counted == name else "", style="dim"),
            )
            yield *heading, Text(), Text(total, style="bold"), Text()
        for row in members:
            unknown = any(p.shape is None for node in row.nodes for p in node.parameters)
            yield (
                _name(row, grouped, unicode),
                Text(_made_by(row), style="" if row.worth in ("stage", "place") else "dim"),
                Text(shape_text(row.shape)),
                Text("?" if unknown else f"{row.learned:,}" if row.learned else ""),
                Text("" if row.kept is None else f"{row.kept:,}", style="dim"),
            )


def _name(row: Row, grouped: bool, unicode: bool) -> Text:
    from rich.text import Text

    mark = MARKS[row.worth][0 if unicode else 1]
    style = {"stage": "bold cyan", "place": "cyan"}.get(row.worth or "", "")
    alias = row.nodes[-1].alias
    text = Text(f"{mark} ", style=style or "dim").append("  " * grouped).append(row.written, style=style)
    return text.append(f" as {alias}", style="dim") if alias else text


def _made_by(row: Row) -> str:
    """The operator of a single layer; of several the block that ends there, and how many layers lead to it."""
    if len(row.nodes) == 1:
        return operator(row.nodes[0])
    kind, name = _block(row.part[-1]) if row.part else ("", "")
    said = kind if kind != ANY_BLOCK else "" if name.isdigit() else name
    layers = f"{len(row.nodes)} layers"
    return f"{said}, {layers}" if said else layers


def _block(part: str) -> tuple[str, str]:
    """Kind and name of `bottleneck(unit1)`."""
    kind, _, name = part.removesuffix(")").partition("(")
    return kind, name


def _below(console: Console, seen: Seen, shown: Sequence[Row], rows: Sequence[Row], joined: bool) -> Iterator[Text]:
    """The legend, how a cut is written, and what is not shown."""
    from rich.text import Text

    there = {row.worth for row in shown}
    for worth, meaning in MEANINGS:
        if worth in there:
            mark = MARKS[worth][0 if _unicode(console) else 1]
            yield Text(f"{mark} {meaning}", style="dim")
    best = best_cut(rows)
    if seen.declared is not None and best is not None:
        name = seen.backbone or "NAME"
        declared = "" if seen.backbone else f", after `backbone NAME = {seen.declared}`"
        yield Text(f"a cut is written `{name}[{best.written}]`{declared}")
        groups = [spell(group) for group in cut_groups(seen, coarse=True)]
        if groups:
            more = ", ..." if len(groups) > MOST_GROUPS else ""
            yield Text(f"a group of layers can stand there, too: {', '.join(groups[:MOST_GROUPS])}{more}")
    if joined:
        yield Text("`--all` shows every layer, `--only 'PATTERN'` those of a name")


def _unicode(console: Console) -> bool:
    return console.encoding.lower().startswith("utf")
