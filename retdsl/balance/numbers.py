"""Numbers as messages say them: `63 : 1`, `98.4 %`, `about 5`."""

from __future__ import annotations

from collections.abc import Sequence


def ratio_text(parts: Sequence[float]) -> str:
    """`63 : 1` of (315, 5): scaled so that the smallest part is 1; parts are 0 or more, a part of 0 is left out."""
    unit = min((part for part in parts if part > 0), default=1.0)
    return " : ".join(short(part / unit) for part in parts)


def short(number: float) -> str:
    """A number of 0 or more, with as many digits as are worth reading: 1, 1.6, 66.7, 4449."""
    if number >= 1e7:
        return f"{min(number, 1e300):.0e}"
    digits = 0 if number >= 99.95 else 1 if number >= 9.995 else 2
    text = f"{number:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float) -> str:
    """`98.4 %`; what is neither all nor nothing never reads as such: 99.97 % stays 99.97 %."""
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    for digits in range(1, 7):
        text = f"{100 * share:.{digits}f}"
        if float(text) not in (0, 100):
            return f"{text} %"
    return "nearly 100 %" if share > 0.5 else "nearly 0 %"


def whole_percent(share: float) -> str:
    """`83 %`."""
    return f"{100 * share:.0f} %"


def about(number: float, exact: bool) -> str:
    """`6` for what was counted, `about 6` for an estimate."""
    return f"{number}" if exact else f"about {number}"
