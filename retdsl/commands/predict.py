"""`retdsl predict RUN IMAGE_OR_FOLDER...`: what a finished run says of photographs, a row for each."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from retdsl.commands.evaluate import add_checkpoint, add_program_options, program_options
from retdsl.commands.terminal import DONE, say, say_wrapped

if TYPE_CHECKING:
    from retdsl.evaluation.predicting import Prediction
    from retdsl.evaluation.rules import Rule

SHOWN = 5
"""Remarks on folders that are written out; of more, how many there are."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder, or that of an ensemble")
    parser.add_argument("images", nargs="+", metavar="IMAGE_OR_FOLDER", help="photographs; folders are gone through")
    add_checkpoint(parser)
    parser.add_argument("--threshold", metavar="METRIC", help="the operating point that decides (default: the first)")
    parser.add_argument("--root", type=Path, metavar="DIR", help="where the run's own data are now, if they have moved")
    parser.add_argument("--format", choices=("csv", "json"), default="csv")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write there, not to stdout")
    add_program_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from retdsl.evaluation.asking import remarks
    from retdsl.evaluation.members import read_finished
    from retdsl.evaluation.photographs import find_photographs
    from retdsl.evaluation.predicting import predict
    from retdsl.evaluation.rules import rule_of
    from retdsl.runtime.files import replacing

    finished = read_finished(arguments.run)
    options = program_options(arguments, finished.record.lock.get("threads"))
    rule = rule_of(finished, arguments.threshold, arguments.checkpoint)
    found = find_photographs(arguments.images)
    for remark in found.remarks[:SHOWN]:
        say(f"note: {remark}")
    if len(found.remarks) > SHOWN:
        say(f"note: and {len(found.remarks) - SHOWN} more")
    for remark in remarks(finished):
        say(f"note: {remark}")
    tally = _Tally()
    answers = tally.watch(predict(finished, found.images, rule, arguments.checkpoint, arguments.root, options))
    write = _write_json if arguments.format == "json" else _write_csv
    if arguments.output is None:
        out = io.TextIOWrapper(os.fdopen(os.dup(sys.stdout.fileno()), "wb"), "utf-8", "surrogateescape", newline="")
        sys.stdout.flush()
        with out:
            write(answers, finished.classes, rule, out)
    else:
        with (
            replacing(arguments.output, "choose another file with -o") as beside,
            beside.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file,
        ):
            write(answers, finished.classes, rule, file)
    for line in [*tally.lines(), rule.words, *found.left_out()]:
        say_wrapped(line)
    if arguments.output is not None:
        say(str(arguments.output))
    return DONE


def _write_csv(answers: Iterable[Prediction], classes: Sequence[str], rule: Rule, out: IO[str]) -> None:
    """One row a photograph: image, gradable, why, label, threshold, `p_CLASS` for every class."""
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["image", "gradable", "why", "label", "threshold", *(f"p_{name}" for name in classes)])
    threshold = _in_a_cell(rule)
    for one in answers:
        numbers = [""] * len(classes) if one.probabilities is None else [f"{p:.9g}" for p in one.probabilities.values()]
        why = "; ".join(f"{flag}: {words}" for flag, words in one.flags.items())
        rows.writerow([one.image, "yes" if one.gradable else "no", why, one.label or "", threshold, *numbers])


def _in_a_cell(rule: Rule) -> str:
    """The threshold, or those of findings with their names."""
    if rule.exclusive:
        return "".join(f"{value:.9g}" for value in rule.thresholds.values())
    return "; ".join(f"{name} {value:.9g}" for name, value in rule.thresholds.items())


def _write_json(answers: Iterable[Prediction], classes: Sequence[str], rule: Rule, out: IO[str]) -> None:
    """One object: the rule, and a list with an object for each photograph, a line each.

    The rule's threshold is a number, or of findings an object by their names.
    """
    thresholds = dict(rule.thresholds) if not rule.exclusive else next(iter(rule.thresholds.values()), None)
    head = {"classes": list(classes), "threshold": thresholds, "rule": rule.words}
    out.write(json.dumps(head)[:-1] + ', "photographs": [')
    for at, one in enumerate(answers):
        row = {
            "image": one.image,
            "gradable": one.gradable,
            "why": dict(one.flags),
            "label": one.label,
            "probabilities": None if one.probabilities is None else dict(one.probabilities),
        }
        out.write(f"{',' if at else ''}\n {json.dumps(row)}")
    out.write("\n]}\n")


class _Tally:
    """How many photographs are what, counted while they pass."""

    def __init__(self) -> None:
        self._labels: Counter[str] = Counter()
        self._flags: Counter[str] = Counter()
        self._ungradable = 0

    def watch(self, answers: Iterable[Prediction]) -> Iterator[Prediction]:
        for one in answers:
            if one.gradable:
                self._labels[one.label or "none"] += 1
            else:
                self._ungradable += 1
                self._flags.update(list(one.flags))
            yield one

    def lines(self) -> list[str]:
        """`12 photographs: 9 gradable (7 healthy, 2 infected), 3 not (2 blurred, 1 unreadable)`."""
        gradable = sum(self._labels.values())
        from retdsl.runtime.figures_table import counts_in_words

        labels = counts_in_words(self._labels.most_common())
        flags = ", ".join(f"{count} {name}" for name, count in self._flags.most_common())
        total = gradable + self._ungradable
        said = [f"{gradable} gradable" + (f" ({labels})" if labels else "")]
        said += [f"{self._ungradable} not ({flags})"] if self._ungradable else []
        return [f"{total} photograph{'s' if total != 1 else ''}: {', '.join(said)}"]
