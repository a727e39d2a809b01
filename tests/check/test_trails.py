"""The way to a mistake: the shapes on it, and where the blocks around it are used, as people see them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from study_texts import ROOT, STUDY, check

from retdsl.check import check_source
from retdsl.diagnostics.render import render_text
from retdsl.source import Source


def shown(text: str, root: Path | None = None) -> str:
    """The messages about a text, without their first lines, notes and helps."""
    rows = render_text(check(dedent(text).lstrip(), root).diagnostics).split("\n")
    kept = [row for row in rows[:-2] if not row.startswith(("error", "   = ", "   |\n"))]
    while kept[-1].strip() in ("", "|"):
        kept.pop()
    return dedent("\n".join(kept))


def expected(text: str) -> str:
    return dedent(text).strip("\n")


def test_a_short_chain_shows_the_shape_after_each_step() -> None:
    text = """
    model m =
      input(3, 64, 64)
        => Convolution(8, kernel = 3)
        => Activation(relu)
        => FullyConnected(2)
    """
    assert shown(text) == expected(
        """
         --> study.retina:5:8
           |
         2 |   input(3, 64, 64)
           |   ----- [N, 3, 64, 64]
         3 |     => Convolution(8, kernel = 3)
           |        ----------- [N, 8, 62, 62]
         4 |     => Activation(relu)
           |        ---------- [N, 8, 62, 62]
         5 |     => FullyConnected(2)
           |        ^^^^^^^^^^^^^^^^^ gets [N, 8, 62, 62]
        """
    )


def test_a_cut_backbone_starts_with_the_shape_of_the_cut() -> None:
    text = """
    block own() = Convolution(8, kernel = 3, name = "c") => Flatten
    backbone b = own()
    model m = b[c] => Dropout => FullyConnected(2)
    """
    assert shown(text) == expected(
        """
         --> study.retina:3:30
           |
         3 | model m = b[c] => Dropout => FullyConnected(2)
           |           ----    -------    ^^^^^^^^^^^^^^^^^ gets [N, 8, 222, 222]
           |           |       |
           |           |       [N, 8, 222, 222]
           |           [N, 8, 222, 222]
        """
    )


def test_a_long_chain_leaves_out_what_kept_the_shape_and_then_the_middle() -> None:
    steps = [f"  => Convolution({8 * i}, kernel = 3)\n  => BatchNorm\n  => Activation(relu)" for i in range(1, 21)]
    text = "\n".join(["model m = input(3, 64, 64)", *steps, "  => FullyConnected(2)"])
    [item] = check(text).diagnostics
    assert [label.text for label in item.labels] == [
        "gets [N, 160, 24, 24]",
        "[N, 3, 64, 64]",
        *(f"[N, {8 * i}, {64 - 2 * i}, {64 - 2 * i}]" for i in range(16, 21)),
    ]
    assert [label.span.line for label in item.labels] == [62, 1, 47, 50, 53, 56, 59]


def test_a_join_shows_what_every_branch_gives_at_its_end() -> None:
    text = """
    block gate(ratio) = Pooling(kernel = ratio)

    model m =
      input(3, 64, 64)
        => {
          Convolution(8, kernel = 3, name = "a") => BatchNorm
          | gate(2)
          | identity
        }
        => Concat
    """
    assert shown(text) == expected(
        """
         --> study.retina:10:8
           |
         6 |       Convolution(8, kernel = 3, name = "a") => BatchNorm
           |                                                 --------- [N, 8, 62, 62]
         7 |       | gate(2)
           |         ---- [N, 3, 63, 63]
         8 |       | identity
           |         -------- [N, 3, 64, 64]
         9 |     }
        10 |     => Concat
           |        ^^^^^^ joins these
        """
    )


def test_a_block_within_blocks_shows_every_use_with_the_values_that_matter() -> None:
    text = """
    block unit(filters, stride, unused = 7, name) =
      Convolution(filters, kernel = 3, stride = stride, name = name)
    block stage(width, units) =
      repeat(units, i) { unit(2 * width, stride = 3, name = "u{i}") }
    model m = input(3, 64, 64) => stage(16, units = 4)
    """
    assert shown(text) == expected(
        """
         --> study.retina:2:3
           |
         2 |   Convolution(filters, kernel = 3, stride = stride, name = name)
           |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ gets [N, 32, 2, 2]
         3 | block stage(width, units) =
         4 |   repeat(units, i) { unit(2 * width, stride = 3, name = "u{i}") }
           |   ----------------   ---- used here, with filters = 32, stride = 3
           |   i = 3, after [N, 32, 21, 21], [N, 32, 7, 7], [N, 32, 2, 2]
         5 | model m = input(3, 64, 64) => stage(16, units = 4)
           |           -----               ----- used here, with width = 16, units = 4
           |           [N, 3, 64, 64]
        """
    )


def test_a_round_without_counter_is_numbered() -> None:
    [item] = check("model m = input(3, 8, 8) => repeat(9) { Pooling(kernel = 2, stride = 2) }").diagnostics
    assert [label.text for label in item.labels] == [
        "gets [N, 3, 1, 1]",
        "round 4, after [N, 3, 4, 4], [N, 3, 2, 2], [N, 3, 1, 1]",
        "[N, 3, 8, 8]",
    ]


def test_deep_uses_show_the_inner_ones_and_the_outermost() -> None:
    blocks = ["block b0(k) = Pooling(kernel = k)", *(f"block b{i}(k) = b{i - 1}(k)" for i in range(1, 9))]
    [item] = check("\n".join([*blocks, "model m = input(3, 8, 8) => b8(9)"])).diagnostics
    assert [label.span.text for label in item.labels[1:-1]] == ["b0", "b1", "b2", "b8"]
    assert {label.text for label in item.labels[1:-1]} == {"used here, with k = 9"}


def test_a_value_that_only_some_uses_make_wrong_shows_the_use() -> None:
    text = """
    block unit(filters, name) = Convolution(filters / 2, kernel = 3, name = name)
    model m = input(3, 64, 64) => unit(4, "a") => unit(name = "b", filters = 3) => unit(5, "c") => unit(7, "d")
    """
    [item] = check(text).diagnostics
    assert [(label.span.text, label.text) for label in item.labels] == [
        ("filters / 2", "this is the number 1.5"),
        ("unit", "used here, with filters = 3"),
    ]


@pytest.mark.parametrize("values", ["0", "0 * n"])
def test_a_mistake_that_every_use_makes_is_told_once(values: str) -> None:
    text = f"""
    block unit(n) = Convolution({values}, kernel = 3)
    model m = input(3, 64, 64) => {" => ".join(f"unit({n})" for n in range(1, 51))}
    """
    [item] = check(text).diagnostics
    assert item.notes == (("the same goes for 49 more uses",) if "n" in values else ())
    assert len(item.labels) == (2 if "n" in values else 1)


def test_a_shape_that_does_not_fit_is_told_once_for_all_models_that_use_the_block() -> None:
    text = """
    block pooled() = Pooling(kernel = 30)
    model a = input(3, 20, 20) => pooled
    model b = input(3, 10, 10) => pooled
    model c = a => Flatten
    """
    [item] = check(text).diagnostics
    assert item.notes == ("the same goes for 1 more use",)


def test_what_is_wrong_whatever_the_use_shows_no_use() -> None:
    [item] = check("block b(n) = Transformer(n)\nmodel m = input(3, 8, 8) => b(1) => b(2)").diagnostics
    assert len(item.labels) == 1
    assert item.notes == ()


def test_files_are_named_and_the_use_is_in_another(tmp_path: Path) -> None:
    text = STUDY + "backbone bn = zoo(inception_bn)\nmodel m = bn\n"
    small = "use zoo.inception_bn\nmodel m = input(3, 32, 32) => inception_bn(classes = 10)\n"
    for spec in (text, small):
        checked = check_source(Source("own.retina", spec, tmp_path / "own.retina"), ROOT)
        item = next(iter(checked.diagnostics))
        assert item.labels[0].span.source.name == "zoo/inception_bn.retina"
        assert item.labels[0].text == "gets [N, 1024, 1, 1]"
        used = [label for label in item.labels if label.span.source.name == "own.retina"]
        assert used[0].text.startswith("used here")
        assert "[N, 3, 32, 32]" in " ".join(label.text for label in used)
