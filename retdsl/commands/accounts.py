"""What `check --verbose` adds: every experiment written out, with the origin of each key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retdsl.commands.terminal import colour_wanted, say
from retdsl.diagnostics.render import paint
from retdsl.ir import Program


def say_keys(programs: Sequence[Program]) -> None:
    """Prints the experiments of programs, an empty line before each."""
    from retdsl.account.keys import written_out

    for experiment in (experiment for program in programs for experiment in program.experiments):
        rows = [[(code, ""), (comment, "dim")] for code, comment in written_out(experiment)]
        say("\n" + paint(rows, colour_wanted()))


def keys_json(programs: Sequence[Program]) -> list[dict[str, Any]]:
    """The same for a program to read: `file` and `name` of each experiment, and its `keys`."""
    from retdsl.account.keys import as_json

    return [{"file": p.file, **as_json(experiment)} for p in programs for experiment in p.experiments]
