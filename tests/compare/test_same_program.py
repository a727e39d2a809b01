"""Two spellings of one thing are the same program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from orderless import orderless
from respell import respelled
from spec_texts import TINY, program

from retdsl import compiler
from retdsl.account.keys import written_out
from retdsl.compare import compare
from retdsl.compare.words import rows
from retdsl.diagnostics import Diagnostics
from retdsl.diagnostics.render import paint
from retdsl.ir import Program

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted([*ROOT.glob("specs/*.retina"), *ROOT.glob("specs/study/*.retina"), *ROOT.glob("examples/**/*.retina")])


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def assert_same(a: Program, b: Program, said: str = "") -> None:
    comparison = compare(a, b)
    assert comparison.same, paint(rows(comparison, ("a", "b"))) + "\n" + said
    assert comparison.count == 0
    assert orderless(compare(b, a)) == orderless(comparison.mirrored())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_program_is_the_same_as_itself(path: Path) -> None:
    assert_same(program(read(path)), program("\n\n" + read(path)))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_another_spelling_is_the_same_program(path: Path, seed: int) -> None:
    text = respelled(read(path), seed)
    assert text != respelled(read(path), seed + 1000)
    assert_same(program(read(path)), program(text), text)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_an_experiment_written_out_is_the_same(path: Path) -> None:
    """What `check --verbose` prints can take the place of the train blocks."""
    whole = program(read(path))
    declarations = re.sub(r"^train .*?(^\}|\}$)", "", read(path), flags=re.DOTALL | re.MULTILINE)
    blocks = ["\n".join(code + comment for code, comment in written_out(e)) for e in whole.experiments]
    assert blocks
    assert_same(whole, program("\n".join([declarations, *blocks])), "\n".join(blocks))


NAMES = ("fundus", "eyes", "scores", "weighted", "plain", "gentle", "subset", "resampled")


@pytest.mark.parametrize("name", NAMES)
def test_names_that_do_not_reach_a_checkpoint_mean_nothing(name: str) -> None:
    study = read(ROOT / "specs/study/three_answers.retina")
    renamed = re.sub(rf"\b{name}\b", f"my_{name}", study)
    assert renamed.count(f"my_{name}") >= 2
    assert_same(program(study), program(renamed))


BASE = """
data d { source = synthetic_fundus(60, ratio = 3 : 1) classes = [healthy, infected] image = photo => resize(32, 32) }
train t { model = net data = d }
"""
BODY = """
block unit(filters, name) =
  Convolution(filters, kernel = 3, pad = 1, name = "{name}_conv") => Activation(relu, name = "{name}_relu")
model net = d.image => repeat(2, i) { unit(8 * (i + 1), "u{i}") } => Flatten => FullyConnected(2) => Softmax
"""
OTHER_BODIES = {
    "repeat unrolled": BODY.replace('repeat(2, i) { unit(8 * (i + 1), "u{i}") }', 'unit(8, "u0") => unit(16, "u1")'),
    "block inlined": """
model net = d.image
  => Convolution(8, kernel = 3, pad = 1, name = "u0_conv") => Activation(relu, name = "u0_relu")
  => Convolution(16, kernel = (3, 3), pad = (1, 1), name = "u1_conv") => Activation(relu, name = "u1_relu")
  => Flatten => FullyConnected(2) => Softmax""",
    "a block of another name": BODY.replace("unit(", "part("),
    "a model that continues another": BODY.replace("=> Flatten", "model net = trunk => Flatten").replace(
        "model net = d.image", "model trunk = d.image"
    ),
    "an output with a second name": BODY.replace("=> Flatten", "as features => Flatten"),
    "an input instead of the image": BODY.replace("d.image", "input(3, 32, 32)"),
    "names that would be given anyway": BODY.replace("Flatten ", 'Flatten(name = "flatten1") '),
    "a backbone without weights": BODY.replace(
        "model net = d.image => repeat(2, i)", "block all() = repeat(2, i)"
    ).replace("=> Flatten", "backbone b = all() model net = b => Flatten"),
}


@pytest.mark.parametrize("what", OTHER_BODIES)
def test_networks_are_what_they_compute_and_what_they_are_called(what: str) -> None:
    assert OTHER_BODIES[what] != BODY
    assert_same(program(BASE + BODY), program(BASE + OTHER_BODIES[what]))


SAME_VALUES = [
    ("ratio = 3 : 1)", "ratio = 6 : 2)"),
    ("ratio = 3 : 1)", "ratio = 3.0 : 1, seed = 0)"),
    ("resize(32, 32)", "resize(32, 32) => normalize((0, 0, 0))"),
    ("data = d }", "data = d sampling = natural }"),
    ("data = d }", "data = d sampling = s } sampling s = natural"),
    ("data = d }", "data = d metrics = [accuracy, auc] seed = 0 freeze = none }"),
    ("data = d }", "data = d freeze = [] }"),
]


@pytest.mark.parametrize(("one", "other"), SAME_VALUES)
def test_values_are_what_they_mean(one: str, other: str) -> None:
    assert one in BASE
    assert_same(program(BASE + BODY), program(BASE.replace(one, other) + BODY))


@pytest.mark.parametrize(
    "samplings",
    [
        ("resample", "resample(ratio = 2 : 2)"),
        ("oversample", "oversample(ratio = 3 : 3)"),
        ("progressive(epochs = 3)", "progressive(from = natural, to = 2 : 2, epochs = 3)"),
        ("progressive(from = 4 : 2, epochs = 3)", "progressive(from = 2 : 1, epochs = 3)"),
        ("hard(20%)", "hard(fraction = 0.2, of = natural)"),
        ("hard(20%, of = resample)", "hard(20%, of = resample(ratio = 1 : 1))"),
    ],
)
def test_a_sampling_may_be_written_in_several_ways(samplings: tuple[str, str]) -> None:
    texts = [BASE.replace("data = d }", f"data = d epochs = 9 sampling = {sampling} }}") for sampling in samplings]
    assert_same(program(texts[0] + BODY), program(texts[1] + BODY))


def test_branches_of_a_sum_have_no_order_and_those_of_a_concat_have() -> None:
    fork = "=> { identity | Convolution(3, kernel = 3, pad = 1) } => %s => Flatten"
    for join, same in (("Add", True), ("Multiply", True), ("Concat", False)):
        one = BASE + BODY.replace("d.image", "d.image " + (fork % join).removesuffix("=> Flatten"))
        other = one.replace(
            "{ identity | Convolution(3, kernel = 3, pad = 1) }", "{ Convolution(3, kernel = 3, pad = 1) | identity }"
        )
        assert one != other
        assert compare(program(one), program(other)).same is same


def test_a_used_file_is_the_same_as_its_declarations(tmp_path: Path) -> None:
    (tmp_path / "parts.retina").write_text(BODY.split("model")[0])
    (tmp_path / "whole.retina").write_text(BASE + BODY)
    (tmp_path / "using.retina").write_text('use "parts.retina"\n' + BASE + "model" + BODY.split("model")[1])
    programs = [compiled(tmp_path / name) for name in ("whole.retina", "using.retina")]
    assert_same(*programs)


def compiled(path: Path) -> Program:
    spec = compiler.read(str(path), None, Diagnostics())
    assert spec is not None
    checked = compiler.check(spec)
    assert checked.program is not None
    return checked.program


def test_a_network_of_the_zoo_is_the_same_as_its_block() -> None:
    zoo = "backbone b = zoo(inception_bn)\nmodel net = b[global_pool] => Flatten => FullyConnected(2) => Softmax"
    own = "use zoo.inception_bn\nbackbone mine = inception_bn(classes = 1000)\n" + zoo.splitlines()[1].replace(
        "b[", "mine["
    )
    data = BASE.replace("32, 32", "224, 224")
    assert_same(program(data + zoo), program(data + own))


def test_what_no_experiment_uses_is_no_part_of_the_program() -> None:
    more = "model other = d.image => Flatten => FullyConnected(3)\nsampling s = natural\n" + BASE.replace(
        "data d", "data e"
    ).replace("train t { model = net data = d }", "")
    assert_same(program(BASE + BODY), program(BASE + BODY + more))


def test_models_are_compared_where_there_is_no_experiment() -> None:
    models = [
        BASE.replace("train t { model = net data = d }", "") + body for body in (BODY, OTHER_BODIES["block inlined"])
    ]
    assert_same(program(models[0]), program(models[1].replace("net", "other")))
    continued = OTHER_BODIES["a model that continues another"]
    assert_same(program(models[0]), program(models[0].replace(BODY, continued)))
    different = compare(program(models[0]), program(models[0].replace("pad = 1", "pad = 2")))
    assert (different.of, different.count) == ("declarations", 1)


def test_tiny_is_not_the_quickstart() -> None:
    assert not compare(program(TINY), program(read(ROOT / "specs/quickstart.retina"))).same
