"""Networks beside each other: what is found, how it is said, and what holds for networks of any kind.

Refresh the golden texts with `RETDSL_REFRESH=1 pytest tests/compare`.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from orderless import orderless
from spec_texts import TINY, program

from retdsl.compare import compare
from retdsl.compare.words import rows
from retdsl.diagnostics.render import paint
from retdsl.ir import Program, to_json

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parents[1] / "golden" / "comparisons"
STUDY = (ROOT / "specs/study/three_answers.retina").read_text()
QUICKSTART = (ROOT / "specs/quickstart.retina").read_text()

DATA = """
data eyes {
  source  = synthetic_fundus(60, ratio = 3 : 1)
  classes = [healthy, infected]
  image   = photo => resize(32, 32)
}
train t { model = net  data = eyes }
"""
RESIDUAL = (
    DATA
    + """
block unit(filters) =
  {
    identity
    | Convolution(filters, kernel = 3, pad = 1) => BatchNorm(fix_gamma = false) => Activation(relu)
        => Convolution(filters, kernel = 3, pad = 1) => BatchNorm(fix_gamma = false)
  }
    => Add => Activation(relu)

model net =
  eyes.image
    => Convolution(16, kernel = 3, pad = 1) => BatchNorm => Activation(relu)
    => repeat(12) { unit(16) }
    => Pooling(global_pool = true, pool_type = avg)
    => Flatten => FullyConnected(2) => Softmax
"""
)


def changed(text: str, *replacements: tuple[str, str]) -> str:
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    return text


STRICT = changed(
    STUDY,
    ("seed = 2016", "seed = 2017"),
    ("num_hidden = 128)\n", "num_hidden = 256)\n    => Dropout(0.5)\n"),
    ("lr = 0.01", "lr = 0.02"),
    ("=> rotate180(p = 50%)", "=> flip_horizontal"),
    ("auc, sens", "balanced_accuracy, auc, sens"),
    ("plain    = scores => Softmax", "plain    = scores => FocalSoftmax"),
    ("train refreshed", "train renewed"),
)
PAIRS = {
    "study_and_variant": (STUDY, STRICT),
    "study_and_quickstart": (STUDY, QUICKSTART),
    "same": (RESIDUAL, RESIDUAL.replace("    ", "  ")),
    "kernel_in_every_unit": (
        RESIDUAL,
        changed(
            RESIDUAL, ("| Convolution(filters, kernel = 3, pad = 1)", "| Convolution(filters, kernel = 5, pad = 2)")
        ),
    ),
    "layer_in_every_unit": (
        RESIDUAL,
        changed(RESIDUAL, ("=> Activation(relu)\n        =>", "=> Activation(relu) => Dropout(0.3)\n        =>")),
    ),
    "layer_in_front": (
        RESIDUAL,
        changed(RESIDUAL, ("eyes.image\n", "eyes.image => Convolution(8, kernel = 3, pad = 1) => BatchNorm\n")),
    ),
    "more_units": (RESIDUAL, changed(RESIDUAL, ("repeat(12)", "repeat(14)"))),
    "other_names": (
        RESIDUAL,
        changed(
            RESIDUAL, ("Convolution(16, kernel = 3, pad = 1)", 'Convolution(16, kernel = 3, pad = 1, name = "stem")')
        ),
    ),
    "other_join": (RESIDUAL, changed(RESIDUAL, ("=> Add", "=> Concat"), ("unit(16)", "unit(16 * (1))"))),
    "other_head": (
        RESIDUAL,
        changed(
            RESIDUAL,
            ("Flatten =>", "Flatten => FullyConnected(64) => Activation(tanh) =>"),
            ("pool_type = avg", "pool_type = max"),
        ),
    ),
    "other_backbone": (
        QUICKSTART,
        changed(
            QUICKSTART,
            ("zoo(efficientnet_lite0, weights = imagenet)", "zoo(inception_bn)"),
            ("  freeze     = lite\n", ""),
        ),
    ),
    "not_frozen": (QUICKSTART, changed(QUICKSTART, ("  freeze     = lite\n", ""))),
    "no_weights": (QUICKSTART, changed(QUICKSTART, (", weights = imagenet", ""), ("  freeze     = lite\n", ""))),
}


def said(a: Program, b: Program) -> str:
    return paint(rows(compare(a, b), ("a.retina", "b.retina"))) + "\n"


@pytest.mark.parametrize("name", PAIRS)
def test_a_comparison_is_said_as_it_was_approved(name: str) -> None:
    a, b = (program(text) for text in PAIRS[name])
    text = said(a, b)
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("RETDSL_REFRESH"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()
    assert all(len(line) <= 80 and line == line.rstrip() for line in text.splitlines())


@pytest.mark.parametrize("name", PAIRS)
def test_the_other_way_round_the_sides_change_places(name: str) -> None:
    a, b = (program(text) for text in PAIRS[name])
    assert orderless(compare(b, a)) == orderless(compare(a, b).mirrored())
    assert compare(a, b).mirrored().mirrored() == compare(a, b)


@pytest.mark.parametrize("name", PAIRS)
def test_a_comparison_is_plain_data(name: str) -> None:
    a, b = (program(text) for text in PAIRS[name])
    data = to_json(compare(a, b))
    assert json.loads(json.dumps(data)) == data
    assert data["same"] == (name == "same")


def test_two_experiments_of_one_file() -> None:
    study = program(STUDY)
    text = paint(rows(compare(study, study, [("penalised", "refreshed")]), ("penalised", "refreshed")))
    assert re.findall(r"^  (\w+) ", text, re.MULTILINE) == ["sampling", "augment", "loss"]
    with pytest.raises(KeyError):
        compare(study, study, [("penalised", "nobody")])


def test_a_difference_that_several_experiments_have_is_told_once() -> None:
    comparison = compare(program(STUDY), program(changed(STUDY, ("lr = 0.01", "lr = 0.1"))))
    [part] = comparison.parts
    assert [pair[0] for pair in part.pairs] == ["penalised", "balanced", "refreshed"]
    assert comparison.count == 1


def test_an_experiment_that_was_only_renamed() -> None:
    comparison = compare(program(STUDY), program(STUDY.replace("refreshed", "renewed")))
    assert comparison.renamed == (("refreshed", "renewed"),)
    assert not comparison.parts
    assert not comparison.same, "checkpoints bear the experiment's name"


def test_a_long_comparison_says_how_much_it_leaves_out() -> None:
    convolutions = "".join(f' => Convolution({i + 1}, kernel = 1, name = "c_{i}x")' for i in range(40))
    text = DATA + f"model net = eyes.image{convolutions} => Flatten => FullyConnected(2) => Softmax"
    other = re.sub(r"Convolution\((\d+),", lambda m: f"Convolution({100 + 2 * int(m[1])},", text)
    assert "and 28 more" in said(program(text), program(other))
    assert compare(program(text), program(other)).count == 40


def test_one_layer_used_twice_is_not_two_layers() -> None:
    shared = "Convolution(4, kernel = 1) => { identity | identity } => Add"
    apart = "{ Convolution(4, kernel = 1) | Convolution(4, kernel = 1) } => Add"
    texts = [
        DATA + f"model net = eyes.image => {body} => Flatten => FullyConnected(2) => Softmax"
        for body in (shared, apart)
    ]
    assert not compare(program(texts[0]), program(texts[1])).same


def test_a_new_connection_between_old_layers() -> None:
    body = 'Convolution(4, kernel = 1, name = "c_a") => {fork} => Concat => Flatten => FullyConnected(2) => Softmax'
    one = "{ identity | Activation(relu) }"
    other = "{ identity | Activation(relu) | identity }"
    a, b = (program(DATA + "model net = eyes.image => " + body.replace("{fork}", fork)) for fork in (one, other))
    text = said(a, b)
    assert "concat1: takes c_a, relu1 -> c_a, relu1, c_a" in text


STEPS = st.sampled_from(
    [
        "Convolution(4, kernel = 3, pad = 1)",
        "Convolution(8, kernel = 3, pad = 1)",
        'Convolution(4, kernel = 1, name = "{n}")',
        "BatchNorm",
        "Activation(relu)",
        "Activation(tanh)",
        "Dropout(0.5)",
        "{ identity | Activation(relu) } => Add",
        "{ BatchNorm | Activation(relu) } => Concat",
        "{ Dropout(0.1) | Dropout(0.1) } => Add",
    ]
)


def named(steps: list[str]) -> list[str]:
    return [step.replace("{n}", f"own_{at}_x") for at, step in enumerate(steps)]


def network(steps: list[str]) -> Program:
    chain = " => ".join(["eyes.image", *steps, "Flatten", "FullyConnected(2)", "Softmax"])
    return program(DATA + f"model net = {chain}")


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=9), st.lists(STEPS, max_size=9))
def test_what_holds_for_any_two_networks(one: list[str], other: list[str]) -> None:
    a, b = network(named(one)), network(named(other))
    comparison = compare(a, b)
    assert comparison.same == (one == other)
    assert orderless(compare(b, a)) == orderless(comparison.mirrored())
    assert all(text == text.rstrip() for text in said(a, b).splitlines())
    layers = {name for part in comparison.parts for d in part.differences for one in d.layers for name in one.a}
    assert layers <= {node.name for node in a.experiments[0].network.nodes} | {"softmax"}


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=12), st.data())
def test_one_layer_more_is_one_layer_more(steps: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(steps)))
    steps = named(steps)
    a, b = network(steps), network([*steps[:at], "LeakyReLU(elu)", *steps[at:]])
    found = [d for part in compare(a, b).parts for d in part.differences if d.kind != "renamed"]
    assert [(d.kind, d.changes[0].b) for d in found] == [("added", "LeakyReLU(act_type = elu)")]


def test_tiny_with_other_weights_of_its_head() -> None:
    other = changed(TINY, ("WSoftmax(weights = inverse_frequency)", "WSoftmax(weights = [1, 3])"))
    assert "WSoftmax: weights inverse_frequency -> [1, 3]" in said(program(TINY), program(other))
