"""Explanations for the terminal and for programs.

Enters: codes of the catalogue. Leaves: rows of `(text, style name)` for `retdsl.diagnostics.render.paint`, where only
examples are wider than asked; or dicts for `json.dumps`.
"""

from __future__ import annotations

from textwrap import wrap
from typing import Any

from retdsl.diagnostics.catalogue import CATALOGUE, RANKS, Code
from retdsl.diagnostics.explanations import Example, explanation, preamble_names
from retdsl.diagnostics.snippet import Row

_INDENT = "  "


def explain_rows(code: str, width: int) -> list[Row]:
    """A code at length: its name, what it is about, an example wrong and right."""
    item, told = CATALOGUE[code], explanation(code)
    rows: list[Row] = [_head(item), []]
    for paragraph in told.paragraphs:
        rows += [*([(line, "")] for line in wrap(paragraph, width)), []]
    for title, style, example in (("Wrong", "error", told.wrong), ("Right", "right", told.right)):
        flag = ", with `retdsl check --data`" if example.reads_data else ""
        rows += [[(title, style), (flag, "")], [], *_lines(example.spec), []]
        for file in example.files:
            if file.text:
                rows += [[(f"and beside it {file.name}{file.how}", "")], [], *_lines(file.text), []]
            else:
                rows += [[(f"and beside it {file.name}", "")], []]
    about = relies_on(told.wrong, told.right)
    if about:
        rows += [*([(line, "secondary")] for line in wrap(about, width)), []]
    return rows[:-1]


def _lines(text: str) -> list[Row]:
    return [[(_INDENT + line, "")] if line else [] for line in text.splitlines()]


def relies_on(*examples: Example) -> str:
    """A sentence about the names of the preamble that examples use; empty for none."""
    names = [name for name in preamble_names() if any(name in example.builds_on for example in examples)]
    told = [f"`{name}` is {preamble_names()[name]}" for name in names]
    return "Declared elsewhere: " + "; ".join(told) + "." if told else ""


def list_rows(width: int) -> list[Row]:
    """Every code in its rank, with its name and what it is about."""
    name_width = max(len(item.name) for item in CATALOGUE.values())
    indent = " " * len(f"{_INDENT}R101  ") + " " * (name_width + 2)
    rows: list[Row] = []
    for rank, title in RANKS.items():
        rows += [[(title, "message")], []]
        for item in (item for item in CATALOGUE.values() if item.code.startswith(rank)):
            first, *others = wrap(item.summary, width - len(indent))
            rows.append(
                [
                    (_INDENT, ""),
                    (item.code, item.severity),
                    (f"  {item.name:{name_width}}  ", ""),
                    (first, ""),
                ]
            )
            rows += [[(indent + line, "")] for line in others]
        rows.append([])
    return [*rows, [("`retdsl explain CODE` tells more.", "")]]


def _head(item: Code) -> Row:
    return [(f"{item.severity}[{item.code}] {item.name}", item.severity), (f": {item.summary}", "message")]


def to_json(code: str, *, whole: bool) -> dict[str, Any]:
    """A code as a dict; with the explanation and the examples if `whole`."""
    item = CATALOGUE[code]
    short = {"code": item.code, "name": item.name, "severity": item.severity, "summary": item.summary}
    if not whole:
        return short
    told = explanation(code)
    return {
        **short,
        "explanation": list(told.paragraphs),
        "wrong": _example_json(told.wrong),
        "right": _example_json(told.right),
    }


def _example_json(example: Example) -> dict[str, Any]:
    files = [{"name": file.name, "text": file.text, "encoding": file.encoding} for file in example.files]
    return {"spec": example.spec, "builds_on": list(example.builds_on), "files": files}
