"""Figures in words: names, shares, intervals, counts.

Enters: keys and numbers of test.json and lock.json. Leaves: short texts. Guaranteed: a share that is neither none nor
all never reads `0 %` or `100 %`; what means nothing reads `-`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from retdsl.runtime.figures_table import is_number, key_in_words

NAMES = {
    "auc": "AUC",
    "pr_auc": "area under precision and recall",
    "ppv": "positive predictive value",
    "npv": "negative predictive value",
    "f1": "F1",
    "brier": "Brier score",
    "multi_ace": "cross-entropy averaged over classes",
}
"""What figures are called where their key would not do."""

SHARES = ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "ppv", "npv")
"""Figures that are shares of photographs or patients, and read best in per cent."""


def figure_name(key: str) -> str:
    """`sensitivity_at_specificity_90` as `sensitivity at 90 % specificity`."""
    base, words = key.partition("_at_")[0], key_in_words(key)
    return NAMES[base] + words[len(base) :] if base in NAMES else words


def figure(key: str, value: Any) -> str:
    """A figure's value: a share in per cent, anything else with three decimals."""
    if not is_number(value):
        return "-"
    return percent(value) if key.startswith(SHARES) else f"{value:.3f}"


def interval(key: str, ends: Any) -> str:
    """`84 to 97 %`; empty without any."""
    if not isinstance(ends, Sequence) or len(ends) != 2 or not all(map(is_number, ends)):
        return ""
    low, high = (figure(key, end) for end in ends)
    return f"{low.removesuffix(' %')} to {high}" if high.endswith("%") else f"{low} to {high}"


def percent(share: float) -> str:
    """`93 %`, and `99.7 %` or more digits rather than a false `100 %`."""
    for digits in range(6):
        text = f"{100 * share:.{digits}f}"
        if 0 < float(text) < 100 or share in (0, 1):
            return f"{text} %"
    return f"{100 * share:g} %"


def counted(count: int, thing: str) -> str:
    """`1 photograph`, `2,000 photographs`."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def listed(words: Iterable[str]) -> str:
    """`a, b and c`."""
    *others, last = [*words] or [""]
    return f"{', '.join(others)} and {last}" if others else last


def facts(found: Any, title: str = "") -> list[tuple[str, str]]:
    """Plain data of any depth as lines of a name and a value."""
    if isinstance(found, Mapping):
        return [
            line for key, value in found.items() for line in facts(value, f"{title} {key}".replace("_", " ").strip())
        ]
    if isinstance(found, list) and any(isinstance(each, Mapping) for each in found):
        return [line for each in found for line in facts(each, title)]
    if isinstance(found, list):
        return [(title, ", ".join(map(str, found)))]
    return [(title, f"{found:.4g}" if isinstance(found, float) else "-" if found is None else str(found))]
