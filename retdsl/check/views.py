"""Views of an experiment: what cannot be one, and what adds nothing.

Enters: the name of a view that does not exist; views, checked against the schema. Leaves: R724, R725.
"""

from __future__ import annotations

from collections.abc import Sequence

from retdsl.check.settings import Settings
from retdsl.diagnostics import Diagnostics, Label
from retdsl.ir import Call, Value
from retdsl.schema import ENTRIES
from retdsl.schema.augmentations import VIEW
from retdsl.schema.spelling import spell_call
from retdsl.source import Span
from retdsl.syntax import tree as t

_INSTEAD = {
    "rotate": "`turn(10)` turns every photograph by the same angle",
    "zoom": "`magnify(1.1)` magnifies every photograph by the same factor",
}

_NOTHING: dict[str, Value] = {"turn": 0.0, "magnify": 1.0}
"""The option of a view with which it is the photograph as it is."""


def report_random(name: str, span: Span, out: Diagnostics) -> None:
    """Says that an augmentation is no view."""
    notes = [
        "a photograph must have one answer, whoever asks and however often: views are the same for all, and nothing "
        "about them is drawn"
    ]
    views = ", ".join(f"`{view}`" for view in ENTRIES[VIEW])
    helps = [*([_INSTEAD[name]] if name in _INSTEAD else []), f"there are {views}"]
    label = Label(span, "belongs in an `augment` chain")
    out.report("R724", f"`{name}` is drawn anew each time, and cannot be a view", label, notes=notes, helps=helps)


def report_chance(view: str, option: str, span: Span, out: Diagnostics) -> None:
    """Says that nothing about a view is left to chance, or hangs on what is to be found out."""
    label, text = Label(span, "a share of the images"), f"the view `{view}` has no `p`: it is taken of every photograph"
    helps = ["leave it out: every photograph is predicted as it is, too"]
    if option == "on":
        label = Label(span, "classes of images")
        text = f"the view `{view}` has no `on`: what a photograph shows is what the network is asked"
        helps = ["leave it out"]
    out.report("R724", text, label, helps=helps)


def check_views(checked: Settings, out: Diagnostics) -> None:
    """Warns of views that are given twice, or that are the photograph as it is."""
    views, written = checked.values["views"], checked.written.get("views")
    if not isinstance(views, tuple) or not isinstance(written, t.Listing):
        return
    seen: dict[Call, Span] = {}
    for view, item in zip(_calls(views), written.items, strict=True):
        if view.name in _NOTHING and view.options[0][1] == _NOTHING[view.name]:
            text = f"`{spell_call(view, VIEW)}` changes nothing"
            notes = ["every photograph is predicted as it is, too: that answer would count twice"]
            out.report("R725", text, Label(item.span), notes=notes, helps=["leave it out"])
        elif view in seen:
            labels = Label(item.span, "given again"), Label(seen[view], "first given here")
            text = f"the view `{spell_call(view, VIEW)}` is given twice"
            out.report("R725", text, *labels, notes=["its answer would count twice"], helps=["leave one out"])
        seen.setdefault(view, item.span)


def _calls(views: Sequence[Value]) -> list[Call]:
    return [view for view in views if isinstance(view, Call)]
