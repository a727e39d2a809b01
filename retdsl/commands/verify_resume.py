"""`retdsl verify-resume FILE`: whether a training that is interrupted ends as it would have without."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from retdsl import compiler
from retdsl.commands.spec import add_spec_arguments, checked_spec
from retdsl.commands.terminal import DONE, WRONG, print_table, say

EPOCHS, TIMES = 2, 6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_spec_arguments(parser)
    parser.add_argument("--train", metavar="NAME", help="this experiment (default: the first)")
    parser.add_argument(
        "--epochs", type=int, default=EPOCHS, metavar="N", help=f"how many to train (default: {EPOCHS})"
    )
    parser.add_argument("--times", type=int, default=TIMES, metavar="N", help=f"interruptions (default: {TIMES})")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the moments (default: 0)")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads (default: all)")


def run(arguments: argparse.Namespace) -> int:
    """0: every run ended alike; 1: one did not, and is kept to be looked at."""
    for name in ("epochs", "times", "threads"):
        if (number := getattr(arguments, name)) is not None and number < 1:
            raise compiler.Refused(f"--{name} must be 1 or more")
    arguments.set = [f"epochs={arguments.epochs}", *arguments.set]
    spec, program, checked = checked_spec(arguments)
    experiment = compiler.select(program, [arguments.train] if arguments.train else [])[0]
    from retdsl.verifying import verify

    options = [] if arguments.threads is None else ["--threads", str(arguments.threads)]
    folder = Path(tempfile.mkdtemp(prefix="retdsl-verify-resume-"))
    say(f"{experiment.name}: {arguments.epochs} epochs once without an interruption, then {arguments.times} times with")
    trials = []
    for trial in verify(program, checked, experiment, spec.root, folder, arguments.times, arguments.seed, options):
        trials.append(trial)
        say(f"  {len(trials)} of {arguments.times}: {trial.difference or 'identical'}")
    rows = [
        {
            "": str(number),
            "killed": trial.moment,
            "went on after": trial.after or "(it was done)",
            "ended": "otherwise" if trial.difference else "identical",
        }
        for number, trial in enumerate(trials, 1)
    ]
    same = sum(trial.difference is None for trial in trials)
    print_table(f"{experiment.name}, killed {len(trials)} times: {same} of {len(trials)} ended identical", rows)
    if first := next((trial.difference for trial in trials if trial.difference), None):
        say(f"error: {first}")
        return WRONG
    shutil.rmtree(folder)
    return DONE
