"""Messages as people see them: exact texts, and promises that hold for any text."""

from __future__ import annotations

import io
import re
import subprocess
import sys

import pytest
from diagnostic_texts import some_diagnostics
from hypothesis import given
from hypothesis import strategies as st

from retdsl.commands.terminal import colour_wanted
from retdsl.diagnostics import Diagnostics, Label
from retdsl.diagnostics.measure import printable, printable_lines
from retdsl.diagnostics.render import render_text
from retdsl.source import Source, Span


def at(source: Source, text: str, label: str = "", nth: int = 0) -> Label:
    """A label on the nth occurrence of `text`."""
    start = -1
    for _ in range(nth + 1):
        start = source.text.index(text, start + 1)
    return Label(Span(source, start, start + len(text)), label)


def rendered(*labels: Label, code: str = "R302", message: str = "wrong") -> str:
    """One message without its first and last line, which are the same for all."""
    diagnostics = Diagnostics()
    diagnostics.report(code, message, *labels)
    return "\n".join(render_text(diagnostics).split("\n")[1:-2]) + "\n"


def expected(text: str) -> str:
    """The text of an indented literal that starts on the line after the quotes."""
    return "\n".join(line[8:] for line in text.split("\n")[1:])


def test_the_whole_style() -> None:
    source = Source(
        "screening.retina",
        "\n" * 13 + "    => Convolution(num_filter = 64, kernel = (7, 7), strde = (2, 2))\n",
    )
    diagnostics = Diagnostics()
    diagnostics.report(
        "R302",
        "`Convolution` has no option `strde`",
        at(source, "strde", "not an option of `Convolution`"),
        notes=["`Convolution` takes num_filter, kernel, stride, pad, dilate, num_group, no_bias, name"],
        helps=["did you mean `stride`?"],
    )
    diagnostics.report("R602", "photographs are split without knowing the patients", notes=["two\nlines"])
    diagnostics.report("R104", "gone.retina: no such file")
    assert render_text(diagnostics) + "\n" == expected(
        """
        warning[R602]: photographs are split without knowing the patients
           = note: two
                   lines

        error[R104]: gone.retina: no such file

        error[R302]: `Convolution` has no option `strde`
         --> screening.retina:14:54
           |
        14 |     => Convolution(num_filter = 64, kernel = (7, 7), strde = (2, 2))
           |                                                      ^^^^^ not an option of `Convolution`
           |
           = note: `Convolution` takes num_filter, kernel, stride, pad, dilate, num_group, no_bias, name
           = help: did you mean `stride`?

        2 errors, 1 warning; `retdsl explain R104 R302 R602` tells more
        """
    )


def test_no_messages_no_text() -> None:
    assert render_text(Diagnostics()) == ""
    assert render_text(Diagnostics(), colour=True) == ""


def test_several_labels_on_one_line() -> None:
    source = Source("a.retina", "a => Pooling(kernel = (2, 2)) => Dense(10)\n")
    labels = (at(source, "Dense", "no such step"), at(source, "Pooling", "gives 4-D"), at(source, "a", "x"))
    assert rendered(*labels) == expected(
        """
         --> a.retina:1:34
           |
         1 | a => Pooling(kernel = (2, 2)) => Dense(10)
           | -    -------                     ^^^^^ no such step
           | x    gives 4-D
        """
    )


def test_texts_that_would_touch_go_to_rows_of_their_own() -> None:
    source = Source("a.retina", "a => Pooling(2) => Flatten => Dense(10)\n")
    labels = (
        at(source, "Dense", "no such step"),
        at(source, "Flatten", "gives 2-D"),
        at(source, "Pooling", "gives [N, 64, 7, 7]"),
        at(source, "a", "宽"),
    )
    assert rendered(*labels) == expected(
        """
         --> a.retina:1:31
           |
         1 | a => Pooling(2) => Flatten => Dense(10)
           | -    -------       -------    ^^^^^ no such step
           | |    |             |
           | |    |             gives 2-D
           | 宽   gives [N, 64, 7, 7]
        """
    )


def test_labels_that_are_cut_off_share_a_text() -> None:
    source = Source("a.retina", "one => two => three => " + "x, " * 100 + "here")
    lines = rendered(at(source, "here", "wrong"), *(at(source, x, x.upper()) for x in ("three", "one", "two")))
    assert lines.splitlines()[3:] == [
        "   |    -" + " " * 108 + "^^^^ wrong",
        "   |    ONE, TWO, THREE",
    ]


def test_labels_over_each_other() -> None:
    source = Source("a.retina", "model a = b[c]\n")
    whole, inner = at(source, "b[c]", "whole"), at(source, "c", "inner")
    assert rendered(whole, inner, Label(inner.span, "again"), Label(inner.span)) == expected(
        """
         --> a.retina:1:11
           |
         1 | model a = b[c]
           |           ^^^^ whole
           |             |
           |             inner
           |             again
        """
    )


def test_other_lines_and_other_files() -> None:
    source = Source("a.retina", "model a = b\n\n\n\nmodel a = c\nuse d\n")
    other = Source("d.retina", "\n" * 122 + "block e = f\r\n")
    again = Label(Span(source, 21, 22), "again")
    assert again.span.line == 5
    assert rendered(again, Label(Span(source, 6, 7), "first"), at(other, "e", "and here"), at(source, "use d")) == (
        expected(
            """
          --> a.retina:5:7
            |
          1 | model a = b
            |       - first
        ...
          5 | model a = c
            |       ^ again
          6 | use d
            | -----
            |
          ::: d.retina:123:7
            |
        123 | block e = f
            |       - and here
        """
        )
    )


@pytest.mark.parametrize(
    ("text", "marked", "shown", "marks"),
    [
        ("\tx = 1", "x", "    x = 1", "    ^"),
        ("ab\tx = 1", "x", "ab  x = 1", "    ^"),
        ("a\tb", "\t", "a   b", " ^^^"),
        ("世界 = x", "界", "世界 = x", "  ^^"),
        ("世界 = x", "x", "世界 = x", "       ^"),
        ("e\u0301 = x", "x", "e\u0301 = x", "    ^"),
        ("ae\u0301 = x", "\u0301", "ae\u0301 = x", " ^"),
        ("a\x1b[31m", "[", "a\u241b[31m", "  ^"),
        ("a\u202eb", "b", "a\ufffdb", "  ^"),
        ("a = b\r\nc", "b\r\n", "a = b", "    ^"),
        ("a = b\r\nc", "\r\n", "a = b", "     ^"),
        ("a = b  ", "b", "a = b", "    ^"),
    ],
)
def test_columns(text: str, marked: str, shown: str, marks: str) -> None:
    lines = rendered(at(Source("a.retina", text), marked)).splitlines()
    assert lines[2:] == [f" 1 | {shown}", f"   | {marks}"]


@pytest.mark.parametrize(
    ("text", "place", "number", "shown", "marks"),
    [
        ("", 0, 1, "", "^"),
        ("model", 5, 1, "model", "     ^"),
        ("model\n", 6, 2, "", "^"),
        ("model\r\n", 6, 1, "model", "     ^"),
        ("model a", 6, 1, "model a", "      ^"),
        ("model", 99, 1, "model", "     ^"),
        ("model", -3, 1, "model", "^"),
    ],
)
def test_empty_spans(text: str, place: int, number: int, shown: str, marks: str) -> None:
    lines = rendered(Label(Span(Source("a.retina", text), place, place))).splitlines()
    assert lines[2:] == [f" {number} | {shown}".rstrip(), f"   | {marks}"]


def test_a_span_over_several_lines() -> None:
    source = Source("a.retina", "model scores =\n  a\n  b\n  c\n    => Softmax\n")
    assert rendered(at(source, source.text.strip(), "never trained")) == expected(
        """
         --> a.retina:1:1
           |
         1 | / model scores =
        ...  |
         5 | |     => Softmax
           | |______________^ never trained
        """
    )
    assert rendered(at(source, "scores =\n  a\n  b", "this"), at(source, "=", "of")) == expected(
        """
         --> a.retina:1:7
           |
         1 |   model scores =
           |                - of
           |  _______^
         2 | |   a
         3 | |   b
           | |___^ this
        """
    )


def test_spans_over_several_lines_within_each_other() -> None:
    source = Source("a.retina", "a =\n b\n c\n d\n e\n")
    assert rendered(at(source, source.text, "all"), at(source, "b\n c", "some"), at(source, "d", "one")) == expected(
        """
         --> a.retina:1:1
           |
         1 | /  a =
         2 | |/  b
         3 | ||  c
           | ||__- some
         4 | |   d
           | |   - one
         5 | |   e
           | |___^ all
        """
    )


def test_long_lines_are_cut_around_the_span() -> None:
    source = Source("a.retina", "a, " * 100 + "HERE" + ", b" * 100)
    lines = rendered(at(source, "HERE", "this one"), at(source, "b", "far right", nth=99)).splitlines()
    assert lines[2] == f" 1 | ...{' a,' * 18} HERE{', b' * 18},..."
    start = lines[2].index("HERE")
    assert lines[3][start : start + 4] == "^^^^"
    assert lines[-1].strip("| ") == "this one"

    for place, cut in ((0, "a, a"), (len(source.text), "b, b")):
        line = rendered(Label(Span(source, place, place))).splitlines()[2]
        assert cut in line
        assert line.count("...") == 1


NARROW = Source(
    "a.retina", "model m = input(3, 8, 8) => " + "Activation(relu) => " * 4 + "Convolution(2) => Transformer\n"
)


def test_a_narrow_terminal_gets_cut_lines_and_wrapped_sentences() -> None:
    diagnostics = Diagnostics()
    labels = (at(NARROW, "Transformer", "not a layer"), at(NARROW, "input", "gives [N, 3, 8, 8]"))
    listed = ", ".join(f"`{name}`" for name in ("Activation", "Add", "BatchNorm", "Concat", "Convolution", "Dropout"))
    diagnostics.report("R205", "there is no layer `Transformer`", *labels, helps=[f"there are {listed}"])
    assert render_text(diagnostics, columns=60) + "\n" == expected(
        """
        error[R205]: there is no layer `Transformer`
         --> a.retina:1:127
           |
         1 | ...ctivation(relu) => Convolution(2) => Transformer
           |    -                                    ^^^^^^^^^^^
           |    gives [N, 3, 8, 8]                   not a layer
           |
           = help: there are `Activation`, `Add`, `BatchNorm`,
                   `Concat`, `Convolution`, `Dropout`

        1 error; `retdsl explain R205` tells more
        """
    )


@given(some_diagnostics(), st.integers(20, 130))
def test_any_text_fits_a_terminal_as_far_as_it_can(diagnostics: Diagnostics, columns: int) -> None:
    text = render_text(diagnostics, columns=columns)
    for item in diagnostics:
        for part in (item.message, *item.notes, *item.helps):
            assert all(word in text for line in printable_lines(part) for word in line.split())
    assert all(line == line.rstrip() for line in text.split("\n"))
    plain = [line for line in text.split("\n") if line.isascii()]
    drawn = [line for line in plain if re.match(r" *\d+ \| ", line)]
    assert all(len(line) <= max(columns, 60) for line in drawn)


@pytest.mark.parametrize(
    ("variables", "terminal", "wanted"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colour_is_for_terminals_and_for_those_who_want_it(
    variables: dict[str, str], terminal: bool, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert colour_wanted() is wanted


def test_colour_says_the_same() -> None:
    source = Source("a.retina", "model a = b\n")
    diagnostics = Diagnostics()
    diagnostics.report("R201", "nothing is called `b`", at(source, "b", "here"), notes=["n"], helps=["h"])
    diagnostics.report("R602", "no patient", at(source, "a"))
    coloured = render_text(diagnostics, colour=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render_text(diagnostics)
    assert "\x1b[1;31merror[R201]\x1b[0m" in coloured
    assert "\x1b[33mwarning[R602]\x1b[0m" in coloured
    assert "\x1b[36mhelp\x1b[0m" in coloured


def test_plain_text_needs_no_rich() -> None:
    code = (
        "import sys; from retdsl.diagnostics.render import render_text; from retdsl.diagnostics import Diagnostics;"
        "d = Diagnostics(); d.report('R104', 'x'); print(render_text(d)); assert 'rich' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@given(some_diagnostics())
def test_any_text_is_rendered_with_every_message(diagnostics: Diagnostics) -> None:
    text = render_text(diagnostics)
    for item in diagnostics:
        for part in (item.message, *item.notes, *item.helps):
            assert all(line.strip() in text for line in printable_lines(part))
        assert all(printable(label.text).strip() in text for label in item.labels)
    lines = text.split("\n")
    assert lines == text.splitlines() or not text
    assert all(line == line.rstrip() for line in lines)
    assert all(char.isprintable() or char in "\n\u200c\u200d" or not char.isascii() for char in text)
    text.encode()
    assert re.sub(r"\x1b\[[0-9;]*m", "", render_text(diagnostics, colour=True)) == text
