"""What the passes over a program do to its experiments, for people: a table for those to which they do the same."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from retdsl.commands.terminal import print_table, say
from retdsl.ir import Experiment, Program


def explain(program: Program, chosen: Sequence[Experiment], names: Collection[str]) -> None:
    """Says for each of these experiments what the passes of these names do to it, and names those that are off."""
    from retdsl.passes import PASSES, tell

    told = tell(program, names)
    off = [each.name for each in PASSES if each.name not in names]
    alike: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for experiment in chosen:
        texts = tuple((one.name, one.text) for one in told if one.experiment == experiment.name)
        title = f"{experiment.name}: {experiment.network.name} on {experiment.data.name}"
        alike.setdefault(texts, []).append(title)
    for texts, titles in alike.items():
        if texts:
            print_table("\n".join(titles), [{"pass": name, "what_it_does": text} for name, text in texts])
            say("")
    if off:
        say(f"off: {', '.join(off)}")
    if not told:
        say("All of each network is bound for training, and computed layer after layer.")
