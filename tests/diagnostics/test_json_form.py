"""Messages as data: every key, in one example."""

from __future__ import annotations

import json

from diagnostic_texts import some_diagnostics
from hypothesis import given

from retdsl.diagnostics import Diagnostics, Fix, Label
from retdsl.diagnostics.json_form import to_json
from retdsl.source import Source, Span

SOURCE = Source("a.retina", "model a = b\n  => Flaten\n")


def test_every_key() -> None:
    diagnostics = Diagnostics()
    place = Span(SOURCE, 17, 23)
    diagnostics.report(
        "R205",
        "no step or layer is called `Flaten`",
        Label(place, "here"),
        Label(Span(SOURCE, 0, 23)),
        notes=["a note"],
        helps=["did you mean `Flatten`?"],
        fixes=[Fix.at(place, "Flatten", safe=True)],
    )
    where = {"file": "a.retina", "start_line": 2, "start_column": 6, "end_line": 2, "end_column": 12}
    assert to_json(diagnostics) == [
        {
            "code": "R205",
            "name": "unknown-step",
            "severity": "error",
            "message": "no step or layer is called `Flaten`",
            "labels": [{**where, "text": "here"}, {**where, "start_line": 1, "start_column": 1, "text": ""}],
            "notes": ["a note"],
            "helps": ["did you mean `Flatten`?"],
            "fixes": [{**where, "replacement": "Flatten", "safe": True, "also": []}],
        }
    ]


def test_nothing() -> None:
    assert to_json(Diagnostics()) == []


@given(some_diagnostics())
def test_is_json_whatever_the_texts(diagnostics: Diagnostics) -> None:
    made = to_json(diagnostics)
    assert json.loads(json.dumps(made)) == made
    assert [item["message"] for item in made] == [item.message for item in diagnostics]
