"""What leaving photographs out means for a study's figures, and whether the audit knows all of its photographs.

Enters: the plan of a data block, and what reading its labels and photographs found, if they were read. Leaves: R626 and
R627, at the block's `exclude`.
"""

from __future__ import annotations

from collections.abc import Sequence

from retdsl.balance.counts import Reading
from retdsl.check.settings import Settings
from retdsl.diagnostics import Diagnostics, Label
from retdsl.ir import Call
from retdsl.source import Span
from retdsl.syntax import tree as t

SHOWN_ITEMS = 5
"""How many photographs that the audit has not seen are named."""

FLATTERING = {
    "suspected_label": "they are those that a classifier finds hard, and some of their labels are right",
    "eyes_disagree": "their labels may all be right: disease begins in one eye",
}
"""Flags by which a test side loses just the photographs that are hard to tell, and why they should stay."""


def check_exclusion(settings: Settings, reading: Reading | None, where: Span, out: Diagnostics) -> None:
    """Reports flags that make figures too good, and photographs that the audit has not seen. where: of the block."""
    exclude = settings.values["exclude"]
    if not isinstance(exclude, Call):
        return
    flags = exclude["flags"]
    assert isinstance(flags, tuple)
    span = settings.place("exclude", where)
    for flag, reason in FLATTERING.items():
        if flag in flags:
            text = f"leaving out `{flag}` makes figures on the test side too good"
            helps = [f"look at them in audit.html, correct the labels that are wrong, and take `{flag}` off this list"]
            label = Label(_place_of(flag, settings, span), "gone from every side of the split")
            out.report("R627", text, label, notes=[reason], helps=helps)
    if reading is not None and reading.unseen:
        _report_unseen(reading.unseen, str(exclude["path"]), span, out)


def _place_of(flag: str, settings: Settings, otherwise: Span) -> Span:
    """Where a flag is written, in the list that the call takes."""
    call = settings.written.get("exclude")
    for argument in call.arguments if isinstance(call, t.Apply) else ():
        for item in argument.value.items if isinstance(argument.value, t.Listing) else ():
            if isinstance(item, t.Ref) and item.name == flag:
                return item.span
    return otherwise


def _report_unseen(unseen: Sequence[str], path: str, span: Span, out: Diagnostics) -> None:
    count = "1 photograph is" if len(unseen) == 1 else f"{len(unseen)} photographs are"
    shown = [*unseen[:SHOWN_ITEMS]] + [f"... and {len(unseen) - SHOWN_ITEMS} more"] * (len(unseen) > SHOWN_ITEMS)
    notes = ["\n".join(shown), "they stay in the study, be they blurred or copies"]
    out.report("R626", f"{count} not in `{path}`", Label(span), notes=notes, helps=["run `retdsl audit` again"])
