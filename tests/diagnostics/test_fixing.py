"""What `--fix` does to a text: it takes slips back, makes nothing worse, and stops."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from fixable_slips import SLIPS
from hypothesis import given, settings
from hypothesis import strategies as st
from study_texts import STUDY, edited

from retdsl.check import check_source
from retdsl.check.files import shipped_spec, zoo_file
from retdsl.diagnostics import Diagnostics, Edit, Fix
from retdsl.diagnostics.fixing import Fixed, apply, choose, fix_text
from retdsl.source import Source, Span

PLACE = Path("/nowhere/study.retina")
SPECS = [STUDY]
for _path in (shipped_spec("quickstart"), shipped_spec("three_answers"), zoo_file("inception_bn")):
    assert _path is not None
    SPECS.append(_path.read_text("utf-8"))


def check(source: Source) -> Diagnostics:
    return check_source(source, PLACE.parent).diagnostics


def fixed(text: str) -> Fixed:
    return fix_text(text, Source("study.retina", "", PLACE), check)


def errors(text: str) -> int:
    return check(Source("study.retina", text, PLACE)).errors


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_taken_back(name: str) -> None:
    assert fixed(edited(SLIPS[name])).text == STUDY, name


@settings(max_examples=40, deadline=None)
@given(st.sets(st.sampled_from(sorted(SLIPS)), min_size=2, max_size=8))
def test_slips_that_do_not_touch_are_taken_back_together(names: set[str]) -> None:
    text = STUDY
    for name in sorted(names):
        old, new = SLIPS[name]
        text = text.replace(old, new) if text.count(old) == 1 else text
    assert fixed(text).text == STUDY


def test_slips_that_hide_others_in_their_statement_are_taken_back() -> None:
    assert fixed(edited(*(SLIPS[name] for name in ("bare point", "space before percent", "pipe arrow")))).text == STUDY


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_mark_and_a_missing_last_line_end_stay(end: str, mark: str, last: bool) -> None:
    def as_saved(text: str) -> str:
        return mark + text.rstrip("\n").replace("\n", end) + end * last

    wrong = edited(SLIPS["thin arrow"], SLIPS["layer elsewhere"], ("    => Flatten\n", ""))
    assert fixed(as_saved(wrong)).text == as_saved(STUDY)


def test_mixed_line_ends_stay_as_they_are() -> None:
    text = "model a = input(3, 8, 8)\r\n  => Flaten\n  -> Droput\r\n"
    assert fixed(text).text == "model a = input(3, 8, 8)\r\n  => Flatten\n  => Dropout\r\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("MaxPool", "=> MaxPool2d(kernel = 2)"),  # moves otherwise than `Pooling`
        ("AdamW", "=> Dropout(p = 0.5, bias = 1)"),
        ("own name, a letter off", "=> Dropout => unt(3)"),
        ("no idea", "=> Transformer"),
        ("a range", "=> Dropout(p = 50)"),
        ("two words", "=> slice(begin = [none zero], end = [none, 2])"),
    ],
)
def test_what_may_mean_something_else_is_left(old: str, new: str) -> None:
    text = edited(("    => Flatten\n", f"    {new}\n    => Flatten\n"))
    assert errors(text) >= 1, old
    assert fixed(text) == Fixed(text)


def test_a_text_without_mistakes_stays() -> None:
    for text in SPECS:
        assert fixed(text) == Fixed(text)


def test_fixes_that_touch_each_other_wait_for_the_next_round() -> None:
    source = Source("a.retina", "abcdef")
    out = Diagnostics()
    for i, (start, end) in enumerate([(0, 2), (1, 3), (2, 4), (5, 6)]):
        span = Span(source, start, end)
        out.report("R205", f"{i}", span, fixes=[Fix.at(span, "x", safe=True)])
    out.report("R205", "unsafe", Span(source, 4, 4), fixes=[Fix.at(Span(source, 4, 4), "x")])
    other = Span(Source("b.retina", "abcdef"), 4, 5)
    out.report("R205", "elsewhere", other, fixes=[Fix.at(other, "x", safe=True)])
    assert [one.diagnostic.message for one in choose(out, source)] == ["0", "3"]


def test_the_edits_of_a_fix_go_together() -> None:
    source = Source("a.retina", "=> MaxPool2d(kernel = 2)\r\n")
    edits = (Edit(Span(source, 3, 12), "Pooling"), Edit(Span(source, 13, 13), "pool_type = max, "))
    assert apply(source.text, edits) == "=> Pooling(pool_type = max, kernel = 2)\r\n"


TOKEN = re.compile(r'"[^"\n]*"|\w+|[^\w\s]|\s+')
WORDS = "=> = -> ( ) [ ] { } , : ; % ' . // use model Dense ReLU() relu Flaten eyes Eyes kernel_size 3"
SNIPPETS = (*WORDS.split(), "\r\n", "\ufeff")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SPECS), st.randoms(use_true_random=False), st.integers(1, 4))
def test_whatever_the_text_it_ends_and_nothing_gets_worse(text: str, rng: random.Random, count: int) -> None:
    words = TOKEN.findall(text)
    for _ in range(count):
        i = rng.randrange(len(words))
        match rng.randrange(4):
            case 0:
                words[i] = ""
            case 1:
                words[i] = rng.choice(SNIPPETS)
            case 2:
                words[i] = words[i][1:] + words[i][:1]
            case _:
                words[i] += rng.choice(SNIPPETS)
    broken = "".join(words)
    before = errors(broken.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff"))
    done = fixed(broken)
    after = errors(done.text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff"))
    assert after <= before
    assert after < before or done == Fixed(broken)
    again = fixed(done.text)
    assert again == Fixed(done.text), "applying it again changes nothing"
