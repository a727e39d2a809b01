"""A program comes back from its JSON as it was."""

from __future__ import annotations

import json

import pytest
from spec_texts import TINY, checked

from retdsl import compiler
from retdsl.diagnostics import Diagnostics
from retdsl.ir import to_json
from retdsl.program_json import program_of


@pytest.mark.parametrize("study", ["quickstart", "three_answers"])
def test_the_studies_that_ship_come_back(study: str) -> None:
    spec = compiler.read(study, None, Diagnostics())
    assert spec is not None
    program = compiler.check(spec).program
    assert program is not None
    assert program_of(json.loads(json.dumps(to_json(program)))) == program


def test_a_program_without_a_field_that_it_needs_is_refused() -> None:
    program = checked(TINY).program
    assert program is not None
    data = json.loads(json.dumps(to_json(program)))
    del data["experiments"][0]["training"]["optimizer"]
    with pytest.raises(TypeError, match="optimizer"):
        program_of(data)
