"""What the passes over a program do to its experiments, for people: a table for each experiment."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from retdsl.commands.terminal import print_table, say
from retdsl.ir import Experiment, Program


def explain(program: Program, chosen: Sequence[Experiment], names: Collection[str]) -> None:
    """Says for each of these experiments what the passes of these names do to it, and names those that are off."""
    from retdsl.passes import PASSES, tell

    told = tell(program, names)
    off = [each.name for each in PASSES if each.name not in names]
    for experiment in chosen:
        rows = [{"pass": one.name, "what_it_does": one.text} for one in told if one.experiment == experiment.name]
        if rows:
            print_table(f"{experiment.name}: {experiment.network.name} on {experiment.data.name}", rows)
            say("")
    if off:
        say(f"off: {', '.join(off)}")
