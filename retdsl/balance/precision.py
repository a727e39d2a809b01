"""How much a share can be trusted that was measured on a few photographs.

Enters: how many were found, of how many. Leaves: the interval that the true share lies in. Wilson's score interval,
E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927: it keeps its promise on
average for small numbers too, stays within 0 and 1, and needs a square root only.
"""

from __future__ import annotations

import math

Z = 1.959963984540054
"""The 97.5 % point of the normal distribution: of both ends, 5 % are left out."""

TYPICAL = 0.8
"""The share that is taken for an example: a sensitivity that screening programmes ask for."""


def wilson(found: float, of: int) -> tuple[float, float]:
    """The 95 % interval of a share, from `found` of `of` cases (1 or more)."""
    share = found / of
    middle = share + Z**2 / (2 * of)
    half = Z * math.sqrt(share * (1 - share) / of + Z**2 / (4 * of**2))
    scale = 1 + Z**2 / of
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def cases_needed(half_width: float, share: float = TYPICAL) -> int:
    """The fewest cases with which a measured `share` is known to plus or minus `half_width`."""
    cases = 1
    while True:
        low, high = wilson(share * cases, cases)
        if high - low <= 2 * half_width:
            return cases
        cases += 1
