"""The figures of a set of answers: what `metrics.jsonl`, `test.json` and `retdsl evaluate` say of them.

Enters: answers, the metrics of an experiment. Leaves: plain data, ready for JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retdsl.runtime.answers import Answers
from retdsl.runtime.metrics import Metric, measure


def judge(metrics: Sequence[Metric], answers: Answers, validation: Answers | None = None) -> dict[str, Any]:  # noqa: ARG001
    """Every metric by its key, in the order of `metrics`; NaN where it means nothing.

    validation: answers that no network has learned from, apart from the test side, to choose operating points on.
    """
    return dict(measure(metrics, answers.labels, answers.probabilities))
