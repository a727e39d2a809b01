"""Speeds as lines for a terminal: a table of the stages, what they mean, and the devices side by side.

Enters: speeds. Leaves: text with rich's marks of style.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retdsl.speed.model import Speed, Stage

BAR = 24
"""Columns of the longest bar: the table is 80 wide with it."""

EIGHTHS = " ▏▎▍▌▋▊▉"

ENOUGH = 0.05
"""The share of time spent waiting that is not worth a word."""


def lines(speeds: Sequence[Speed]) -> Iterator[str]:
    """All that is said of them. The last of the processor's places, or the first GPU, is looked at closely."""
    chosen = next((speed for speed in speeds if speed.place.startswith("gpu")), speeds[-1])
    bench = chosen.bench
    whose = "painted photographs" if bench.painted else "photographs of the study"
    yield f"[bold]{bench.experiment}[/]  {chosen.place}, batches of {bench.batch}, {bench.photographs} {whose}"
    yield f"[dim]{bench.processor}[/]"
    yield ""
    heads = f"{'':<10}{'images/s':>10}{'ms an image':>13}   {'of the time':<{BAR + 7}}{'of the limit':>13}"
    yield f"[dim]{heads}[/]"
    for stage in (*chosen.stages, chosen.whole, *filter(None, [chosen.kept])):
        yield _row(stage)
    yield ""
    yield from _remarks(chosen)
    if len(speeds) > 1:
        yield ""
        yield from _side_by_side(speeds)


def _row(stage: Stage) -> str:
    share = "" if stage.share is None else f"{_percent(stage.share):>4} {bar(stage.share)}"
    reached = "" if stage.reached is None else _percent(stage.reached)
    name = f"[bold]{stage.name:<10}[/]" if stage.share is None else f"{stage.name:<10}"
    return f"{name}{_number(stage.rate):>10}{stage.milliseconds:>13.2f}   {share:<{BAR + 7}}{reached:>13}".rstrip()


def _remarks(speed: Speed) -> Iterator[str]:
    bench, whole = speed.bench, speed.whole
    computing = [stage for stage in speed.stages if stage.name != "loader"]
    yield "engines: " + ", ".join(f"{stage.name} by {stage.engine}" for stage in computing)
    way = max(bench.gflops, key=lambda name: bench.gflops[name])
    yield f"the limit: matrices are multiplied here at {_number(bench.gemm)} GFLOP/s ({way})"
    if whole.limit is not None:
        needs = 2 * (speed.work.forward + speed.work.step) / 1e9
        needed = f"{needs:.2f}" if needs >= 0.1 else f"{needs:.2g}"
        yield f"           an image needs {needed} GFLOP, so {_number(whole.limit)} images a second would be all"
    if speed.kept is not None:
        times = speed.kept.rate / whole.rate
        yield f"later: features are kept, and an epoch in which none is new is {_number(times)} times faster"
    if speed.waits > ENOUGH:
        yield f"[yellow]the loader costs {speed.waits:.0%} of a run's time[/]"
    else:
        yield "the loader keeps up: a run takes as long as its network computes"


def _side_by_side(speeds: Sequence[Speed]) -> Iterator[str]:
    width = max(len(speed.place) for speed in speeds)
    most = max(speed.bench.whole for speed in speeds)
    for speed in speeds:
        rate = speed.bench.whole
        times = f"   {rate / speeds[0].bench.whole:.2f} x" if speed is not speeds[0] else ""
        yield f"{speed.place:>{width}}  {bar(rate / most):<{BAR}} {_number(rate)} images/s{times}"


def bar(share: float) -> str:
    """A bar of BAR columns for 1, to an eighth of a column."""
    eighths = round(share * BAR * 8)
    return ("█" * (eighths // 8) + EIGHTHS[eighths % 8]).rstrip()


def _percent(share: float) -> str:
    return "< 1%" if share < 0.01 else f"{share:.0%}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
