"""`report.html`: one page, one file, which opens without anything else.

Enters: a run folder. Leaves: the page. Guaranteed: it refers to nothing outside itself; whatever names of photographs,
patients and classes hold, it stays text; the same run gives the same bytes; a run that was stopped, or lacks a side of
its split, gives a page that says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from markupsafe import Markup

from retdsl import __version__
from retdsl.finished import RunRecord, read_run
from retdsl.pages.page import COLOURS, embedded, render
from retdsl.report import asked as spec
from retdsl.report import data, figures, plots, proof, verdict
from retdsl.report.computed import computed
from retdsl.report.confusion import confusion
from retdsl.report.mistakes import Group, groups_of
from retdsl.report.pictures import Pictures, pictures_of
from retdsl.report.plots import Plot
from retdsl.report.questions import Asked, ask
from retdsl.report.words import counted, figure_name, listed
from retdsl.running import Look
from retdsl.runtime.files import write_bytes
from retdsl.runtime.mean_answers import caution_of

PAGE = "report.html"


def write_report(
    run: Path,
    output: Path | None = None,
    *,
    root: Path | None = None,
    layer: str | None = None,
    look: Look | None = None,
) -> tuple[Path, tuple[str, ...]]:
    """Writes the page, `RUN/report.html` unless another place is given; returns its path and what it could not show.

    root: where the photographs are now, if not where they were; layer: whose heat maps are shown (see `pictures`);
    look: asks the program of the run, which has just trained. Raises RunError for a folder that holds no run, and for a
    layer that is not there.
    """
    record = read_run(run)
    test = record.test or {}
    if record.predictions is None:  # an ensemble over folds has the figures of what its members have not learned from
        test = {**test, **(test.get("out_of_fold") or {})}
    answers = record.predictions or record.validation
    asked = None if answers is None or not len(answers) else ask(answers, test.get("operating_points") or ())
    groups = [] if asked is None else groups_of(asked)
    shown = [one for group in groups for one in group.shown]
    with ThreadPoolExecutor(1) as beside:  # the program that looks at photographs is a process of its own
        told = beside.submit(_told, record, test, asked, groups)
        pictures = pictures_of(record, shown, root, layer, look)
    path = output or run / PAGE
    write_bytes(path, _page(told.result(), pictures).encode("utf-8", "replace"))
    return path, pictures.notes


def _page(told: Mapping[str, Any], pictures: Pictures) -> str:
    return render(
        "retdsl.report",
        "report.html.j2",
        **told,
        pictures=pictures,
        picture=partial(_picture, pictures.photographs),
        heat=partial(_picture, pictures.maps),
    )


def _told(record: RunRecord, test: Mapping[str, Any], asked: Asked | None, groups: Sequence[Group]) -> dict[str, Any]:
    """All that the page shows besides photographs, by the names that its template knows."""
    lock, plan, written = record.lock, spec.plan_of(record), spec.experiment_of(record)
    classes = _classes(plan, asked, record)
    epochs, planned = record.epochs, (plan.get("training") or {}).get("epochs")
    return {
        "version": __version__,
        "name": record.name,
        "file": lock.get("spec"),
        "started": str(lock.get("started", ""))[:16].replace("T", " "),
        "members": lock.get("members") or (),
        "classes": classes,
        "colours": COLOURS,
        "asked": asked,
        "tested": record.predictions is not None,
        "warnings": list(_warnings(record, asked, planned)),
        "sentences": [] if asked is None else list(verdict.sentences(asked, test)),
        "headlines": [] if asked is None else verdict.headlines(asked, test),
        "in_all": "" if asked is None else verdict.in_all(asked),
        "spec_lines": [] if record.spec is None else spec.lines_of(record.spec),
        "experiment": [] if written is None else spec.written_lines(written),
        "overrides": [] if written is None else spec.overrides(written),
        "sides": data.sides(lock, classes),
        "told": list(data.told(lock, plan)),
        "seen": plots.seen_plot(epochs, classes) if epochs else None,
        "epoch_plots": plots.epoch_plots(epochs, test.get("best_epoch"), _phases(lock)) if epochs else [],
        "trained": _trained(record, test, planned),
        "computed": list(computed(lock)),
        "separation": [] if asked is None else _there(plots.roc_plot(asked), plots.pr_plot(asked)),
        "scores": [] if asked is None else plots.score_plots(asked),
        "calibration": [] if asked is None else plots.calibration_plots(asked),
        "confusion": None if asked is None else confusion(asked),
        "rows": figures.rows_of(test),
        "points": figures.points_of(test),
        "per_patient": figures.has_patients(test),
        "intervals": test.get("intervals"),
        "groups": groups,
        "frozen": proof.frozen(lock),
        "knows_frozen": "frozen" in lock,
        "machine": list(proof.machine(lock)),
        "hashes": list(proof.hashes(lock)),
        "path": record.path.name,
        "counted": counted,
        "listed": listed,
    }


def _classes(plan: Mapping[str, Any], asked: Asked | None, record: RunRecord) -> tuple[str, ...]:
    """The names of the classes, wherever they stand."""
    if asked is not None:
        return asked.answers.classes
    named = (plan.get("data") or {}).get("classes")
    return tuple(named or (record.epochs[0].get("images") or {} if record.epochs else ()))


def _warnings(record: RunRecord, asked: Asked | None, planned: int | None) -> Iterator[str]:
    """What a reader must know before any figure."""
    if record.test is None:
        of = f" of {planned}" if planned else ""
        yield f"This run has not come to its end: {len(record.epochs)}{of} epochs are there, and no final figures."
    elif record.predictions is None:
        yield "This run has no test side."
    if asked is not None and record.predictions is None:
        yield "What follows is of the validation side, which has chosen the best epoch: it flatters the network."
    if asked is not None and record.validation is None:
        yield "This run has no validation side: no threshold could be frozen, and no epoch be chosen."
    if caution := caution_of(record.test or {}):
        yield f"{caution[0].upper()}{caution[1:]}."
    if asked is not None and not any(question.decided for question in asked.questions):
        yield "All photographs are of one class: no curve and few figures mean anything."


def _trained(record: RunRecord, test: Mapping[str, Any], planned: int | None) -> str:
    """How long, and which epoch is the one that counts."""
    if not record.epochs:
        return ""
    seconds = sum(line.get("seconds", 0) for line in record.epochs)
    took = f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"
    done = counted(len(record.epochs), "epoch") + (
        f" of {planned}" if planned and planned != len(record.epochs) else ""
    )
    text = f"{done} in {took}."
    if test.get("stopped"):
        text += f" It was stopped early: {test['stopped']}."
    if test.get("best_epoch") is not None:
        by, side = figure_name(str(test.get("best_by"))), "validation" if record.validation else "what it learns from"
        text += f" Epoch {test['best_epoch']} is the best by {by} on {side}; all figures are of it."
    return text


def _phases(lock: Mapping[str, Any]) -> list[int]:
    """The epochs, but for the first, in which more of the network began to be trained."""
    return [phase["epochs"][0] for phase in (lock.get("frozen") or ())[1:]]


def _picture(pictures: Mapping[str, bytes], image: str) -> Markup:
    return embedded(pictures.get(image, b""))


def _there(*found: Plot | None) -> list[Plot]:
    return [plot for plot in found if plot is not None]
