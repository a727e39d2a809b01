"""Learning rates of parts, from the spec to the parameters: which factor reaches which, who overrides whom."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spec_texts import checked, experiment

from retdsl import compiler
from retdsl.check import check_source
from retdsl.compare import compare
from retdsl.diagnostics import Diagnostics
from retdsl.engines.mxnet import emit_program
from retdsl.ir import Experiment
from retdsl.runtime.network import matches
from retdsl.source import Source

STUDY = """
data eyes {
  source  = synthetic_fundus(60, ratio = 3 : 1, seed = 1, size = 64)
  classes = [healthy, infected]
  split   = by_patient(train = 50%, valid = 25%, test = 25%, seed = 1)
  image   = photo => resize(32, 32)
}

block unit(filters, name) =
  Convolution(filters, kernel = 3, pad = 1, no_bias = true, name = "{name}_conv")
    => BatchNorm(fix_gamma = false, name = "{name}_bn")
    => Activation(relu, name = "{name}_relu")

block trunk() = unit(4, name = "stage1_unit1") => unit(6, name = "stage1_unit2") => unit(8, name = "stage2_unit1")

backbone body = trunk(weights = "body.params")

model plain =
  body[stage2]
    => Pooling(global_pool = true, pool_type = avg, name = "pool")
    => Flatten
    => FullyConnected(8, name = "fc1")
    => FullyConnected(2, name = "fc2")
    => Softmax

train t {
  model = plain
  data  = eyes
  epochs = 9
  LINES
}
"""


def study(lines: str, more: str = "") -> str:
    return STUDY.replace("LINES", lines) + more


def factors(found: Experiment) -> dict[str, float]:
    """Of every parameter that is learned, by what the program is told; 1 where it is told nothing."""
    names = [p.name for _, p in found.network.parameters() if not p.auxiliary]
    said = {name: [factor for pattern, factor in found.rates if matches(name, (pattern,))] for name in names}
    assert all(len(each) <= 1 for each in said.values()), "no two patterns match the same"
    return {name: (each or [1.0])[0] for name, each in said.items()}


def of(lines: str, more: str = "", name: str = "t") -> dict[str, float]:
    return factors(experiment(study(lines, more), name))


def part(found: dict[str, float], start: str) -> set[float]:
    return {factor for name, factor in found.items() if name.startswith(start)}


def test_the_head_is_all_that_is_in_no_backbone() -> None:
    found = of("rate(head) = 10x")
    assert part(found, "fc") == {10.0}
    assert part(found, "stage") == {1.0}


@pytest.mark.parametrize("order", [("rate(body) = 0.1x", "rate(body[stage1]) = 0.01x"), None])
def test_of_two_parts_that_overlap_the_smaller_counts(order: tuple[str, str] | None) -> None:
    lines = order or ("rate(body[stage1]) = 0.01x", "rate(body) = 0.1x")
    found = of("\n".join(lines))
    assert part(found, "stage1") == {0.01}
    assert part(found, "stage2") == {0.1}
    assert part(found, "fc") == {1.0}


@pytest.mark.parametrize(
    ("written", "reached"),
    [
        ("body", "stage"),
        ("body[stage2]", "stage2"),
        ("body[.. stage1]", "stage1"),
        ('"stage2_*"', "stage2"),
        ("stage1_unit2", "stage1_unit2"),
        ("fc1", "fc1"),
    ],
)
def test_parts_are_named_as_in_freeze(written: str, reached: str) -> None:
    found = of(f"rate({written}) = 3x")
    assert {name for name, factor in found.items() if factor == 3} == {n for n in found if n.startswith(reached)}


def test_a_block_that_descends_overrides_the_same_part_and_keeps_others() -> None:
    more = "train u from t { rate( body ) = 0.5x }\ntrain v from u { rate(fc2) = 7x  rate(head) = 1x }"
    assert part(of("rate(head) = 10x rate(body) = 0.1x", more, "u"), "stage") == {0.5}
    assert part(of("rate(head) = 10x rate(body) = 0.1x", more, "u"), "fc") == {10.0}
    found = of("rate(head) = 10x rate(body) = 0.1x", more, "v")
    assert (part(found, "fc1"), part(found, "fc2"), part(found, "stage")) == ({1.0}, {7.0}, {0.5})


def test_the_command_line_overrides_the_same_part() -> None:
    out = Diagnostics()
    overrides = compiler.overrides(["rate(head)=2x", 'rate( "stage1_*" ) = 0.5x', "rate(body[stage2 ..])=4"], out)
    result = check_source(Source("a.retina", study("rate(head) = 10x")), Path(), overrides)
    assert result.program is not None
    found = factors(result.program.experiments[0])
    assert (part(found, "fc"), part(found, "stage1"), part(found, "stage2")) == ({2.0}, {0.5}, {4.0})


def test_what_is_unfrozen_later_has_its_rate_from_then_on() -> None:
    found = of("freeze = [body, unfreeze(body[stage2], at_epoch = 3)]  rate(body) = 0.1x  rate(head) = 10x")
    assert part(found, "stage2") == {0.1}
    assert part(found, "stage1") == {1.0}, "frozen throughout, and told nothing"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("rate(bdy) = 2x", "R701"),
        ("rate(pool) = 2x", "R715"),
        ("freeze = body  rate(body[stage1]) = 2x", "R715"),
        ("rate(head) = 0x", "R304"),
        ("rate(head) = -1", "R304"),
        ("rate(head) = fast", "R303"),
        ("rate = 2x", "R303"),
        ("batch(head) = 2", "R303"),
        ("rate(head) = 2x rate(head) = 3x", "R305"),
        ("rates(head) = 2x", "R302"),
    ],
)
def test_mistakes(lines: str, code: str) -> None:
    assert [item.code for item in checked(study(lines)).diagnostics if item.code[0] == "R" and item.code != "R801"] == [
        code
    ]


def test_a_layer_that_is_called_head_is_that_layer() -> None:
    text = study("rate(head) = 10x").replace('name = "fc2"', 'name = "head"')
    found = factors(experiment(text))
    assert part(found, "head") == {10.0}
    assert part(found, "fc1") == {1.0}


def test_the_program_says_it_by_patterns() -> None:
    text = emit_program(experiment(study("rate(head) = 10x  rate(body[stage1]) = 0.1x")))
    assert "rates={" in text
    namespace: dict[str, object] = {"__name__": "program", "__file__": "train.py"}
    exec(text, namespace)
    assert namespace["EXPERIMENT"].training.rates == {"stage1_*": 0.1, "fc1_*": 10.0, "fc2_*": 10.0}  # type: ignore[attr-defined]


def test_a_rate_is_a_difference() -> None:
    a, b = (checked(study(lines)).program for lines in ("rate(head) = 10x", "rate(head) = 5x rate(fc1) = 2x"))
    assert a is not None
    assert b is not None
    [found] = compare(a, b).parts
    assert [(d.key, d.changes[0].a, d.changes[0].b) for d in found.differences] == [
        ("rate", "head 10x", "head 5x, fc1 2x")
    ]


PARTS = [
    "body",
    "body[stage1]",
    "body[stage2]",
    "body[.. stage1_unit1]",
    '"*_bn"',
    '"*_conv"',
    "fc1",
    "head",
    "stage1_unit2",
]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(PARTS), st.sampled_from([0.1, 2.0, 10.0])), max_size=5, unique_by=lambda x: x[0])
)
def test_the_order_of_lines_means_nothing_but_between_parts_of_one_size(lines: list[tuple[str, float]]) -> None:
    """And whatever the parts are, each parameter has one factor, that of the smallest part it is in."""
    found = of("\n".join(f"rate({part}) = {factor:g}x" for part, factor in lines))
    layers = {"body": 9, "body[stage1]": 6, "body[stage2]": 3, "body[.. stage1_unit1]": 3, "fc1": 1, "stage1_unit2": 3}
    for name, factor in found.items():
        inside = {
            "body": name.startswith("stage"),
            "body[stage1]": name.startswith("stage1"),
            "body[stage2]": name.startswith("stage2"),
            "body[.. stage1_unit1]": name.startswith("stage1_unit1"),
            '"*_bn"': "_bn_" in name,
            '"*_conv"': "_conv_" in name,
            "fc1": name.startswith("fc1"),
            "head": name.startswith("fc"),
            "stage1_unit2": name.startswith("stage1_unit2"),
        }
        sizes = {**layers, '"*_bn"': 3, '"*_conv"': 3, "head": 4}
        holding = [(sizes[written], -at, value) for at, (written, value) in enumerate(lines) if inside[written]]
        assert factor == (min(holding)[2] if holding else 1.0), name
