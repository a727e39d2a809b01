"""The figures of a set of answers: what `test.json` and `retdsl evaluate` say of them.

Enters: answers, the metrics of an experiment, and the answers about its validation images. Leaves: plain data, ready
for JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from retdsl.runtime.answers import Answers
from retdsl.runtime.bootstrap import LEVEL, RESAMPLES, SEED, intervals
from retdsl.runtime.metric import Metric
from retdsl.runtime.metrics import measure
from retdsl.runtime.operating_points import operating_points
from retdsl.runtime.worse_eye import worse_eye


def judge(
    metrics: Sequence[Metric],
    answers: Answers,
    validation: Answers | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> dict[str, Any]:
    """All that is known of some answers; NaN where a figure means nothing.

    `KEY`, `KEY_ci`: every metric of the photographs, in the order of `metrics`, and its 95 % interval `[low, high]`, by
    bootstrap over patients. `operating_points`: the thresholds that `validation` sets, applied to `answers`; empty
    without it. `per_patient`: the same of patients, for whom the worse eye decides. `intervals`: how they were made.
    Where there are any, beside the figures: `undefined_resamples`, in how many of them a figure meant nothing, and
    `wilson`, the shares for which all resamples agreed and whose interval is Wilson's.
    """
    of = partial(_figures, resamples=resamples, seed=seed)
    patients = worse_eye(answers)
    facts = {"level": LEVEL, "method": "BCa bootstrap over patients", "resamples": resamples, "seed": seed}
    return {
        **of(metrics, answers),
        "operating_points": operating_points(metrics, answers, validation, of),
        "per_patient": {
            **of(metrics, patients),
            "operating_points": operating_points(
                metrics, patients, None if validation is None else worse_eye(validation), of
            ),
        },
        "intervals": facts,
    }


def _figures(metrics: Sequence[Metric], answers: Answers, *, resamples: int, seed: int) -> dict[str, Any]:
    """`KEY` and `KEY_ci` of every metric; besides, which intervals are not the usual ones."""
    values = measure(metrics, answers.labels, answers.probabilities)
    found = intervals(metrics, answers.labels, answers.probabilities, answers.patients, resamples, seed)
    figures: dict[str, Any] = {}
    for key, value in values.items():
        figures |= {key: value, f"{key}_ci": [found[key].low, found[key].high]}
    if undefined := {key: one.undefined for key, one in found.items() if one.undefined}:
        figures["undefined_resamples"] = undefined
    if by_wilson := [key for key, one in found.items() if one.method == "wilson"]:
        figures["wilson"] = by_wilson
    return figures
