"""The pages that come from the program are those that it would write today, and the examples on them are true."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from retdsl.diagnostics import CATALOGUE
from retdsl.diagnostics.explanations import explanation, preamble_names
from retdsl.diagnostics.render import render_text

DOCS = Path(__file__).resolve().parents[1] / "docs"
CODES = DOCS.parent / "retdsl" / "diagnostics" / "codes"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = load()


def test_every_code_is_explained_and_nothing_else_is() -> None:
    assert {path.stem for path in CODES.glob("*.md")} == set(CATALOGUE), "write retdsl/diagnostics/codes/CODE.md"
    assert {path.stem for path in (DOCS / "errors").glob("*.md")} - {"README"} == set(CATALOGUE)


def test_the_index_is_what_would_be_written() -> None:
    assert (DOCS / "errors" / "README.md").read_text("utf-8") == generate.error_index()


@pytest.mark.parametrize("code", CATALOGUE)
def test_the_page_of_a_code_is_what_would_be_written(code: str) -> None:
    path = DOCS / "errors" / f"{code}.md"
    assert path.is_file(), "run `python docs/generate.py`"
    assert path.read_text("utf-8") == generate.error_page(CATALOGUE[code]), "run `python docs/generate.py`"


@pytest.mark.parametrize("code", CATALOGUE)
def test_the_wrong_example_gives_that_message_alone_and_the_right_one_none(code: str, tmp_path: Path) -> None:
    for kind in ("wrong", "right"):
        (tmp_path / kind).mkdir()
    told = explanation(code)
    wrong = generate.diagnose(told.wrong, tmp_path / "wrong")
    assert [item.code for item in wrong] == [code], render_text(wrong)
    right = generate.diagnose(told.right, tmp_path / "right")
    assert right == [], render_text(right)


@pytest.mark.parametrize("code", CATALOGUE)
def test_an_explanation_is_short_and_says_something(code: str) -> None:
    told = explanation(code)
    words = " ".join(told.paragraphs).split()
    assert 25 <= len(words) <= 130
    assert told.wrong != told.right
    assert all(len(line) <= 118 for line in (told.wrong.spec + told.right.spec).splitlines())


def test_what_examples_build_on_is_described() -> None:
    assert list(preamble_names()) == ["eyes", "lite", "scores", "plain"]
