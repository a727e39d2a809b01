"""No text makes checking raise, run away, or point outside of the text; and checking starts in a blink."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutations, words_of_the_language
from study_texts import STUDY, check

from retdsl.diagnostics.json_form import to_json
from retdsl.diagnostics.render import render_text

LONG = 20.0
"""Seconds of the processor; the texts below that are stopped take well under one."""


def examine(text: str) -> None:
    """Checks a text, and that everything that is said about it can be shown and lies within it."""
    checked = check(text)
    for item in checked.diagnostics:
        for span in (*(label.span for label in item.labels), *(edit.span for fix in item.fixes for edit in fix.edits)):
            assert 0 <= span.start <= span.end <= len(span.source.text), item
    shown = render_text(checked.diagnostics)
    assert (shown == "") == (len(checked.diagnostics) == 0)
    assert len(to_json(checked.diagnostics)) == len(checked.diagnostics)
    if checked.program is not None:
        assert checked.diagnostics.errors == 0


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_any_text(text: str) -> None:
    examine(text)


@settings(max_examples=300, deadline=None)
@given(words_of_the_language())
def test_any_words_of_the_language(text: str) -> None:
    examine(text)


@settings(max_examples=200, deadline=None)
@given(mutations())
def test_any_mutation_of_a_spec(text: str) -> None:
    examine(text)


def blocks(bottom: str, body: str, levels: int) -> str:
    """Blocks that each use the one below as `body` says, and a model of the last."""
    lines = [f"block b0() = {bottom}", *(f"block b{i}() = {body.format(f'b{i - 1}')}" for i in range(1, levels))]
    return "\n".join([*lines, f"model m = input(3, 8, 8) => b{levels - 1}"])


RUNAWAYS = {
    "a million layers": (
        'model m = input(3, 8, 8) => repeat(1000, i) { repeat(1000, j) { Activation(relu, name = "a{i}_{j}") } }',
        ["R405"],
    ),
    "a thousand million nothings": (
        "model m = input(3, 8, 8) => repeat(1000) { repeat(1000) { repeat(1000) { identity } } }",
        ["R405"],
    ),
    "a thousand million mistakes": (
        "model m = input(3, 8, 8) => repeat(1000) { repeat(1000) { repeat(1000) { Transformer } } }",
        ["R205"],
    ),
    "doubling layers": (blocks("Activation(relu)", "{0} => {0}", 40), ["R405"]),
    "doubling nothings": (blocks("identity", "{0} => {0}", 40), ["R405"]),
    "doubling mistakes": (blocks("Transformer", "{0} => {0}", 40), ["R205"]),
    "doubling branches": (blocks("identity", "{{ {0} | {0} }} => Add", 40), ["R405"]),
    "doubling in a backbone": (
        blocks("Activation(relu)", "{0} => {0}", 40).replace("model m = input(3, 8, 8) =>", "backbone b ="),
        ["R405"],
    ),
    "deep blocks": (blocks("identity", "{0}", 2000), ["R105"]),
    "deep models": (
        "model m0 = input(3, 8, 8)\n" + "\n".join(f"model m{i} = m{i - 1}" for i in range(1, 500)),
        ["R105"],
    ),
    "doubling texts": (
        "block b0(n) = BatchNorm(name = n)\n"
        + "\n".join(f'block b{i}(n) = b{i - 1}("{{n}}{{n}}")' for i in range(1, 50))
        + '\nmodel m = input(3, 8, 8) => b49("a")',
        ["R107"],
    ),
    "doubling lists": (
        "block b0(n) = BatchNorm(eps = n)\n"
        + "\n".join(f"block b{i}(n) = b{i - 1}([n, n])" for i in range(1, 50))
        + "\nmodel m = input(3, 8, 8) => b49(1)",
        ["R303"],
    ),
    "a long sum": ("model m = input(3, 8, 8) => Dropout(1" + " + 1" * 10_000 + ")", ["R304"]),
    "a long chain": ("model m = input(3, 8, 8)" + " => Dropout" * 3_000, []),
    "a long circle": ("block b0() = b999\n" + "\n".join(f"block b{i}() = b{i - 1}" for i in range(1, 1000)), ["R203"]),
    "brackets": ("model m = " + "(" * 100_000, ["R105"]),
    "quotes": ("model m = " + '"' * 50_000, ["R102"]),
    "a long name": (f'use "{"a" * 100_000}"', ["R208"]),
    "a name no file can have": ('backbone b = checkpoint("a\x00b", epoch = 1)\nmodel m = b => Flatten', ["R801"]),
    "a name no file can have either": ('use "\ud800"', ["R208"]),
    "a huge number": ("model m = input(3, 8, 8) => Dropout(" + "9" * 100_000 + ")", ["R307"]),
    "an infinite number": ("model m = input(3, 8, 8) => Dropout(1e999)", ["R307"]),
    "arithmetic without end": ("block b(n) = Dropout(1e12 * 1e12 * 1e12 - n)", ["R307"]),
    "division by next to nothing": ("block b(n) = Dropout(1 / 1e-300 / 1e-300)", ["R307"]),
}


@pytest.mark.parametrize("name", RUNAWAYS)
def test_runaways_are_stopped_early_and_told_once(name: str) -> None:
    text, codes = RUNAWAYS[name]
    began = time.process_time()
    checked = check(text)
    took = time.process_time() - began
    assert [item.code for item in checked.diagnostics] == codes
    assert took < LONG
    examine(text)


@pytest.mark.parametrize("levels", [5, 15, 39])
def test_deep_nesting_that_is_allowed_does_not_exhaust_the_stack(levels: int) -> None:
    for text in (
        "train t { metrics = " + "[" * levels + "auc" + "]" * levels + "}",
        "model m = input(3, 8, 8) => " + "{" * levels + "Flatten" + "} => Add" * levels,
        "block b(n) = Dropout(" + "(" * levels + "n" + ")" * levels + ")",
        "sampling s = " + "f(a = " * levels + "1" + ")" * levels,
        "block b(n) = " + "repeat(2, i) { " * levels + "identity" + "}" * levels,
    ):
        examine(text)


def test_line_ends_of_every_system_mean_the_same(tmp_path: Path) -> None:
    from retdsl.check.files import read_spec
    from retdsl.diagnostics import Diagnostics

    path = tmp_path / "a.retina"
    texts = []
    for end in ("\n", "\r\n", "\r"):
        path.write_bytes(b"\xef\xbb\xbf" + STUDY.replace("\n", end).encode())
        source = read_spec(path, "a.retina", Diagnostics())
        assert source is not None
        texts.append(source.text)
    assert texts == [STUDY] * 3
