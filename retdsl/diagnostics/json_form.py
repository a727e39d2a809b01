"""Messages for programs: the same facts as the text, as plain dicts and lists.

Enters: diagnostics. Leaves: one dict a message, in the same order as the text, ready for `json.dumps`. Guaranteed: the
keys below are always there and keep their names; new ones may join them.

    {
      "code": "R302", "name": "unknown-option", "severity": "error" | "warning",
      "message": "...",
      "labels": [{PLACE, "text": "..."}],          the first is the subject's; empty for a message about a whole file
      "notes": ["..."], "helps": ["..."],
      "fixes": [{PLACE, "replacement": "...", "safe": true | false, "also": [{PLACE, "replacement": "..."}]}]
    }

PLACE is `"file", "start_line", "start_column", "end_line", "end_column"`: lines and columns from 1, columns in Unicode
code points, the end one past the last character. The edits of `also` belong to the fix: all of them or none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from retdsl.diagnostics.catalogue import CATALOGUE
from retdsl.diagnostics.model import Diagnostic, Fix
from retdsl.source import Span


def to_json(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """The messages as dicts; the module's docstring names every key."""
    return [
        {
            "code": item.code,
            "name": CATALOGUE[item.code].name,
            "severity": item.severity,
            "message": item.message,
            "labels": [{**_place(label.span), "text": label.text} for label in item.labels],
            "notes": list(item.notes),
            "helps": list(item.helps),
            "fixes": [_fix(fix) for fix in item.fixes],
        }
        for item in diagnostics
    ]


def _fix(fix: Fix) -> dict[str, Any]:
    first, *others = ({**_place(edit.span), "replacement": edit.replacement} for edit in fix.edits)
    return {**first, "safe": fix.safe, "also": others}


def _place(span: Span) -> dict[str, Any]:
    start_line, start_column = span.source.position(span.start)
    end_line, end_column = span.source.position(max(span.start, span.end))
    return {
        "file": span.source.name,
        "start_line": start_line,
        "start_column": start_column,
        "end_line": end_line,
        "end_column": end_column,
    }
