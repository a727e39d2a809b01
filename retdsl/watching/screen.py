"""Runs on a terminal: one in full, several in a row each.

Enters: the states of runs, how wide and high the terminal is. Leaves: something that rich prints. Guaranteed: no more
rows than there are, nothing beyond the right edge; what there is no room for is left out, the least important first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from retdsl.records import dataclass
from retdsl.runtime.progress import duration
from retdsl.watching.curves import field, limits, sparkline
from retdsl.watching.state import FAILED, FINISHED, INTERRUPTED, RUNNING, SILENT, WAITING, RunState, number
from retdsl.watching.words import advice, brief, figure, short, state_words, test_words

STYLES = {
    RUNNING: "cyan",
    FINISHED: "green",
    INTERRUPTED: "yellow",
    SILENT: "yellow",
    FAILED: "red",
    WAITING: "dim",
}
MARKS = {RUNNING: "●", FINISHED: "✔", INTERRUPTED: "■", SILENT: "◌", FAILED: "✘", WAITING: "…"}
TRAIN, VALID, BEST = "blue", "magenta", "bold green"

BESIDE = 84
"""From this width on two curves stand side by side."""

NARROW = 60
"""Below this width a run's name and its state have a row each."""

LEAST_HEIGHT = 18
"""Rows of a terminal that has room for curves."""

CURVE_ROWS = 5

GAP = 3
"""Blanks behind each of two curves."""


def screen(runs: Sequence[RunState], width: int, height: int) -> RenderableType:
    """What is known of the runs now."""
    return _one(runs[0], width, height) if len(runs) == 1 else _several(runs, width, height)


def _one(run: RunState, width: int, height: int) -> RenderableType:
    head = _head(run, width)
    rows: list[RenderableType] = [*head, _bar(run, width), Text("")]
    used = len(rows)
    tail = _tail(run)
    below = sum(-(-len(text) // width) + 1 for text in tail)  # a line that is broken between words may be one more
    if used + below > height:
        tail, below = [], 0
    curves = _curves(run, width)
    beside = len(curves) == 2 and width >= BESIDE
    high = (CURVE_ROWS + 2) * (1 if beside else len(curves)) + 1
    if curves and height >= max(LEAST_HEIGHT, used + high + below + 5):
        rows += [_beside(curves) if beside else Group(*curves), Text("")]
        used += high
    left = height - used - below - 3
    if run.epochs and left > 0:
        rows += [_table(run, width, left), Text("")]
    return Group(*rows, *tail)


def _head(run: RunState, width: int) -> list[RenderableType]:
    """Who it is, and how it stands; one below the other where there is little room."""
    style = STYLES[run.state]
    if width < NARROW:
        name = Text.assemble((f"{MARKS[run.state]} ", style), (run.name, "bold"), overflow="ellipsis", no_wrap=True)
        return [name, Text(state_words(run), style=style, overflow="ellipsis", no_wrap=True)]
    head = Table.grid(expand=True, padding=(0, 1))
    head.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    head.add_column(justify="right", no_wrap=True, overflow="ellipsis")
    head.add_row(
        Text.assemble((f"{MARKS[run.state]} ", style), (run.name, "bold"), (f"  {_path(run)}", "dim")),
        Text(state_words(run), style=style),
    )
    return [head]


def _path(run: RunState) -> str:
    return str(run.path) if str(run.path) != run.name else ""


def _bar(run: RunState, width: int) -> RenderableType:
    done = run.done
    facts = []
    if run.seconds_left is not None:
        facts.append(f"{duration(run.seconds_left)} left")
    elif run.state == FINISHED and (seconds := number(run.test.get("seconds"))) is not None:
        facts.append(f"took {duration(seconds)}")
    if (speed := run.images_per_second) is not None:
        facts.append(f"{speed:,.0f} images/s")
    said = "  ".join([*([f"{done:.0%}"] if done is not None else []), *facts])
    bar = Table.grid(expand=True, padding=(0, 1))
    bar.add_column(ratio=1)
    bar.add_column(justify="right", no_wrap=True)
    colour = STYLES[run.state] if run.state != WAITING else "bright_black"
    drawn: RenderableType = Text("")
    if done is not None:
        room = max(8, width - len(said) - 1)
        drawn = ProgressBar(1.0, done, width=room, complete_style=colour, finished_style=colour, style="bright_black")
    bar.add_row(drawn, Text(said, style="dim"))
    return bar


def _curves(run: RunState, width: int) -> list[RenderableType]:
    """The losses, and the figure by which epochs are ranked."""
    room = width
    train, valid = run.curve("train", "loss"), run.curve("valid", "loss")
    drawn: list[RenderableType] = []
    if len(run.epochs) < 2:
        steps = [value for step in run.steps if (value := number(step.get("mean_loss"))) is not None]
        return [_curve("loss of the epoch so far", [("batches", steps, TRAIN)], room, "")] if len(steps) > 1 else []
    sides = [("train", train, TRAIN), ("valid", valid, VALID)]
    last = f"epochs 1 to {run.epoch}"
    key = run.metric
    if key not in (None, "loss") and width >= BESIDE:
        room = (width - 2 * GAP) // 2
    drawn.append(_curve("loss", [side for side in sides if _known(side[1])], room, last))
    if key is not None and key != "loss":
        sides = [("train", run.curve("train", key), TRAIN), ("valid", run.curve("valid", key), VALID)]
        best = run.best.epoch if run.best is not None and run.best.metric == key else None
        drawn.append(_curve(short(key), [side for side in sides if _known(side[1])], room, last, best, run.epoch))
    return drawn


def _curve(
    title: str,
    sides: Sequence[tuple[str, Sequence[float], str]],
    width: int,
    below: str,
    best: int | None = None,
    epochs: int = 0,
) -> RenderableType:
    """A title that names the curves with their last values, the curves with a scale, and what lies below them."""
    if not sides:
        return Text(f"{title}: none", style="dim")
    low, high = limits([values for _, values, _ in sides])
    labels = [figure(high), figure(low)]
    margin = max(map(len, labels))
    head = Text(f"{title} ", style="bold", no_wrap=True, overflow="ellipsis")
    for name, values, style in sides:
        head.append(f"  ━ {name} ", style)
        head.append(figure(values[-1]))
    lines = [head]
    room = max(4, width - margin - 2)
    for at, row in enumerate(field([values for _, values, _ in sides], room, CURVE_ROWS)):
        label = labels[0] if at == 0 else labels[1] if at == CURVE_ROWS - 1 else ""
        line = Text(f"{label:>{margin}} ", style="dim", no_wrap=True)
        line.append("┤" if label else "│", "dim")
        for cell in row:
            line.append(cell.character, "" if cell.curve is None else sides[cell.curve][2])
        lines.append(line)
    foot = Text(" " * (margin + 1), no_wrap=True, overflow="ellipsis")
    foot.append("└", "dim")
    if best is not None and epochs > 1:
        at = round((best - 1) / (epochs - 1) * (room - 1))
        mark = f"▲ best: epoch {best}"
        mark = f"best: epoch {best} ▲" if at + len(mark) > room and at + 1 >= len(mark) else mark
        foot.append(" " * max(0, at - (len(mark) - 1 if mark.endswith("▲") else 0)) + mark, "green")
    else:
        foot.append(below, "dim")
    return Group(*lines, foot)


def _beside(curves: Sequence[RenderableType]) -> Table:
    grid = Table.grid(expand=True, padding=(0, GAP, 0, 0))
    for _ in curves:
        grid.add_column(ratio=1)
    grid.add_row(*curves)
    return grid


def _table(run: RunState, width: int, rows: int) -> Table:
    """The last epochs, as many as there is room for, the best one among them."""
    shown = run.epochs[-rows:]
    best = run.best.epoch if run.best is not None else None
    if best is not None and len(shown) > 1 and all(line.get("epoch") != best for line in shown):
        found = [line for line in run.epochs if line.get("epoch") == best]
        shown = [*found, *shown[len(found) :]]
    columns = _columns(run, width)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column.head, justify="right", no_wrap=True)
    for line in shown:
        style = BEST if line.get("epoch") == best else ""
        table.add_row(*(column.cell(line) for column in columns), style=style)
    return table


@dataclass(frozen=True, slots=True)
class _Column:
    """head: what stands above it; cell: what it says of a line; need: columns of the least need go first."""

    head: str
    cell: Callable[[Mapping[str, Any]], str]
    need: int


def _columns(run: RunState, width: int) -> list[_Column]:
    """What is said of an epoch, as far as there is room for it."""

    def of(side: str, key: str) -> Callable[[Mapping[str, Any]], str]:
        return lambda line: figure(number((line.get(side) or {}).get(key)))

    valid = [key for key in (run.epochs[-1].get("valid") or {}) if key not in ("loss", run.metric)]
    ranked = [run.metric] if run.metric not in (None, "loss") else []
    columns = [
        _Column("epoch", lambda line: str(line.get("epoch", "?")), 9),
        _Column("train loss", of("train", "loss"), 5),
        *([_Column("valid loss", of("valid", "loss"), 6)] if run.epochs[-1].get("valid") else []),
        *(_Column(short(key), of("valid", key), 8) for key in ranked if key is not None),
        *(_Column(short(key), of("valid", key), 4) for key in valid),
        _Column("rate", lambda line: figure(number(line.get("learning_rate"))), 2),
        _Column("time", lambda line: duration(number(line.get("seconds")) or 0.0), 1),
        _Column("", lambda line: _note(run, line), 7),
    ]

    def wide(column: _Column) -> int:
        return max(len(column.head), *(len(column.cell(line)) for line in run.epochs)) + 2

    while sum(map(wide, columns)) > width and len(columns) > 1:
        least = min(column.need for column in columns)
        columns.remove([column for column in columns if column.need == least][-1])
    return columns


def _note(run: RunState, line: Mapping[str, Any]) -> str:
    if run.best is not None and line.get("epoch") == run.best.epoch:
        return "best"
    return "saved" if line.get("saved") else ""


def _tail(run: RunState) -> list[Text]:
    tail: list[Text] = []
    if (tested := test_words(run)) is not None:
        tail.append(Text.assemble(("test  ", "bold"), tested))
    if (todo := advice(run)) is not None:
        tail.append(Text(todo, style=STYLES[run.state]))
    return tail


def _several(runs: Sequence[RunState], width: int, height: int) -> RenderableType:
    """A row a run."""
    key = next((run.metric for run in runs if run.metric is not None), None)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0), expand=True)
    table.add_column("run", no_wrap=True, overflow="ellipsis", ratio=2, min_width=8)
    table.add_column("", no_wrap=True, overflow="ellipsis", ratio=2, min_width=8)
    table.add_column("epoch", justify="right", no_wrap=True)
    curve = 16 if width >= 80 else 0
    if curve:
        table.add_column("", no_wrap=True, width=curve)
    if width >= 60:
        table.add_column(f"valid {short(key or 'loss')}", justify="right", no_wrap=True)
    table.add_column("best", justify="right", no_wrap=True)
    if width >= 100:
        table.add_column("loss", justify="right", no_wrap=True)
        table.add_column("left", justify="right", no_wrap=True)
    names = _told_apart(runs)
    room = max(1, height - 4)
    for run, name in list(zip(runs, names, strict=True))[:room]:
        style, figures = STYLES[run.state], run.curve("valid", run.metric or "loss")
        cells: list[RenderableType] = [
            Text.assemble((f"{MARKS[run.state]} ", style), name),
            Text(brief(run), style=style),
            f"{run.epoch}/{run.total}" if run.total else str(run.epoch),
        ]
        if curve:
            cells.append(Text(sparkline(figures, curve), style=VALID))
        if width >= 60:
            cells.append(figure(figures[-1]) if figures else "-")
        cells.append(Text(_best_words(run), style="green"))
        if width >= 100:
            losses = run.curve("train", "loss")
            left = run.seconds_left
            cells += [figure(losses[-1]) if losses else "-", "" if left is None else duration(left)]
        table.add_row(*cells)
    counts = [(state, sum(run.state == state for run in runs)) for state in STYLES]
    said = ", ".join(f"{count} {state}" for state, count in counts if count)
    more = [Text(f"and {len(runs) - room} more", style="dim")] if len(runs) > room else []
    return Group(table, *more, Text(""), Text(f"{len(runs)} runs: {said}", style="dim"))


def _best_words(run: RunState) -> str:
    if run.best is None:
        return "-"
    return f"{figure(run.best.value)} ({run.best.epoch})"


def _told_apart(runs: Sequence[RunState]) -> list[str]:
    """The experiments' names, or the folders' where several have the same."""
    names = [run.name for run in runs]
    return [name if names.count(name) == 1 else run.path.name for name, run in zip(names, runs, strict=True)]


def _known(values: Sequence[float]) -> bool:
    return any(not math.isnan(value) for value in values)
