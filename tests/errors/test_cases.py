"""Every code has cases: a spec with one mistake, and all that `retdsl check` says about it, word by word.

`CODE_what-happened.retina` is the spec and `CODE_what-happened.txt` the text; where other files lie beside the spec,
all share a folder `CODE_what-happened/`, in which the spec is `study.retina`. Refresh the texts with
`RETDSL_REFRESH=1 pytest tests/errors`, then read what changed.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from retdsl import compiler, running
from retdsl.diagnostics import CATALOGUE, Diagnostic, Diagnostics
from retdsl.diagnostics.explanations import explanation
from retdsl.diagnostics.render import render_text

HERE = Path(__file__).parent
SPECS = {
    path.parent.name if path.name == "study.retina" else path.stem: path
    for path in sorted([*HERE.glob("R*.retina"), *HERE.glob("R*/study.retina")])
}


def told(spec: Path, code: str) -> tuple[list[Diagnostic], bool]:
    """All messages about a spec, and whether a program came out of it."""
    out = Diagnostics()
    read = compiler.read(str(spec), None, out)
    assert read is not None, render_text(out)
    checked = compiler.check(read)
    if explanation(code).wrong.reads_data and checked.program is not None:
        checked = running.check_data(read, checked.program, quiet=True)
    return list(checked.diagnostics), checked.program is not None


@pytest.mark.parametrize("case", SPECS)
def test_case(case: str) -> None:
    code = case[:4]
    spec, text = SPECS[case], HERE / f"{case}.txt"
    messages, program = told(spec, code)
    shown = render_text(messages).replace(str(spec.parent), "FOLDER") + "\n"
    if os.environ.get("RETDSL_REFRESH"):
        text.write_text(shown)
    assert {item.code for item in messages} == {code}, "one mistake, one code:\n" + shown
    assert shown == text.read_text(), "RETDSL_REFRESH=1 pytest tests/errors, then read what changed"
    if CATALOGUE[code].severity == "error":
        assert not program, "a spec with an error gives no program"


def test_every_code_has_a_case() -> None:
    assert set(CATALOGUE) - {case[:4] for case in SPECS} == set(), "write tests/errors/CODE_what-happened.retina"


def test_every_case_has_a_code_and_every_text_a_case() -> None:
    assert {case[:4] for case in SPECS} <= set(CATALOGUE)
    assert all(re.fullmatch(r"R\d{3}_[a-z0-9_-]+", case) for case in SPECS)
    assert {path.stem for path in HERE.glob("*.txt")} == set(SPECS)


def test_every_code_is_reported_somewhere() -> None:
    package = HERE.parents[1] / "retdsl"
    table = package / "diagnostics" / "catalogue.py"
    source = "".join(path.read_text("utf-8") for path in package.rglob("*.py") if path != table)
    assert [code for code in CATALOGUE if f'"{code}"' not in source] == []
