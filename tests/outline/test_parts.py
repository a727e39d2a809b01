"""Which parts of a network have a name: blocks, and stages with their blocks."""

from __future__ import annotations

from spec_texts import program

from retdsl.outline import outline

UNIT = """
block unit(name) =
  Convolution(8, kernel = 3, pad = 1, name = "{name}_conv") => Activation(relu, name = "{name}_relu")
"""


def parts(text: str) -> dict[str, tuple[str, ...]]:
    return outline(program(f"{UNIT}\nmodel m = input(3, 8, 8) => {text}").networks[0])


def test_a_stage_puts_blocks_one_after_the_other() -> None:
    found = parts(
        'stage("s") => Flatten\nblock stage(name) = repeat(3, i) { unit("{name}_{i}") } => Dropout(name = "p")'
    )
    assert found["s_2_conv"] == found["s_2_relu"] == ("stage(s)", "unit(s_2)")
    assert found["p"] == ("stage(s)",)
    assert found["flatten1"] == ()


def test_a_block_with_branches_is_one_thing() -> None:
    found = parts(
        'fork("f") => Flatten\nblock fork(name) = { unit("{name}_a") | unit("{name}_b") } => Add(name = "{name}_sum")'
    )
    assert {found[name] for name in ("f_a_conv", "f_b_relu", "f_sum")} == {("fork(f)",)}


def test_a_block_whose_parts_bear_its_name_is_one_thing() -> None:
    found = parts('pair("x") => Flatten\nblock pair(name) = unit(name) => unit("{name}_more")')
    assert {found[name] for name in ("x_conv", "x_more_relu")} == {("pair(x)",)}


def test_a_block_around_everything_says_nothing() -> None:
    found = parts('whole()\nblock whole() = unit("a") => unit("b")')
    assert (found["a_conv"], found["b_conv"]) == (("unit(a)",), ("unit(b)",))
