"""One mistake, one message: nobody is blamed for what only follows from a mistake that has been reported."""

from __future__ import annotations

from pathlib import Path

import pytest
from study_texts import check, edited, only, said

from retdsl.check.files import read_spec
from retdsl.diagnostics import Diagnostics
from retdsl.diagnostics.render import render_text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rotate180", "rotate90"),
        ("sigma = 0.02", "sigma = -1"),
        ("p = 50%", "p 50%"),
        ("image => gaussian_noise", "image -> gaussian_noise"),
        ("resample(ratio = 1 : 1)", "resample(ratio = 1)"),
        ("resample(ratio = 1 : 1)", "resample(ratio = 1 : 1"),
        ("classes = [healthy, infected]", "classes = healthy"),
        ("classes = [healthy, infected]", "classes = [healthy, infected"),
        ("  classes = [healthy, infected]\n", ""),
        ("resize(32, 32)", "resize(32)"),
        ("  image   =", "  imag   ="),
        ("data eyes {", "data eyes = {"),
        ("data eyes {", "data eyes $ {"),
        ("data eyes {", "data é {"),
        ("data eyes {", "data 眼睛 {"),
        ('trunk(weights = "own.params")', 'trunc(weights = "own.params")'),
        ('trunk(weights = "own.params")', "trunk(weights = imagenet)"),
        ('trunk(weights = "own.params")', '$("own.params")'),
        ("block trunk(width = 4) =", "block trunk(width = 4)"),
        ("kernel = 3, pad = 1", "kernel = 3, padding = 1"),
        ("Convolution(filters", "Convolution(filter"),
        ("=> Flatten\n", "=> Flaten\n"),
        ("=> Flatten\n", "=> $\n"),
        ("model plain =", "model plain :"),
        ("epochs     = 3", "epochs = three"),
        ("epochs     = 3", "epochs = 3 passes"),
        ("epochs     = 3", '"epochs" = 3'),
        ("sigma = 0.02", "sigma = 0.02 white"),
        ("model      = plain", "model = plan"),
        ("  model      = plain\n", ""),
        ("metrics    = [accuracy,", "metrics = [acc,"),
        ("own[b_relu]", "own[c_relu]"),
    ],
)
def test_one_mistake_one_message(old: str, new: str) -> None:
    found = said((old, new), more="train third from first { seed = 3 }\ntrain fourth from third { seed = 4 }")
    assert len(found) == 1, found


def test_the_study_itself_is_without_mistakes() -> None:
    checked = check(edited())
    assert render_text(checked.diagnostics) == ""
    assert checked.program is not None


def test_a_layer_of_mxnet_may_be_a_block_of_a_file_that_could_not_be_read() -> None:
    assert said(("    => Flatten\n", "    => Flatten\n    => softmax\n"), more='use "missing.retina"\n') == [
        ("R208", '"missing.retina"')
    ]


def test_a_declaration_without_a_name_excuses_the_names_it_may_have_had() -> None:
    assert said(("data eyes {", "data {")) == [("R102", "data")]


def test_an_unknown_option_may_be_the_one_that_is_missing() -> None:
    item = only(("FullyConnected(count(eyes.classes))", "FullyConnected(amount = 2)"))
    assert (item.code, item.helps) == ("R302", ("`FullyConnected` needs `num_hidden`: is this meant for it?",))
    assert item.fixes == ()


def test_the_name_of_a_layer_is_a_text_or_a_parameter() -> None:
    block = "\nblock b(name) = Flatten(name = {})\nmodel m = own => b(late)"
    assert said(more=block.format("name")) == []
    assert said(more=block.format("nam")) == [("R303", "nam")]
    [fix] = only(("=> Flatten\n", "=> Flatten(name = flat)\n")).fixes
    assert ([edit.replacement for edit in fix.edits], fix.safe) == (['"flat"'], False)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    out = Diagnostics()
    assert read_spec(tmp_path / "none.retina", "a.retina", out) is None
    [item] = out
    assert (item.code, item.message) == ("R104", "cannot read a.retina: no such file or directory")


def test_a_file_that_is_not_there_excuses_the_names_it_may_have_declared() -> None:
    assert said(("block unit(", 'use "parts.retina"\nblock unite('), more="\nmodel m = own => mine(3)") == [
        ("R208", '"parts.retina"'),
        ("R205", "unit"),  # but not a name that is close to one that is here,
        ("R205", "unit"),  # wherever it stands
    ]


def test_a_file_with_mistakes_is_blamed_itself(tmp_path: Path) -> None:
    (tmp_path / "parts.retina").write_text("block part(n) = Convolution(n, kernel = $)\n")
    main = tmp_path / "main.retina"
    main.write_text('use "parts.retina"\nmodel m = input(3, 8, 8) => part(3)')
    from retdsl.check import check_source
    from retdsl.source import Source

    checked = check_source(Source("main.retina", main.read_text(), main), tmp_path)
    assert [(item.code, str(item.labels[0].span)) for item in checked.diagnostics] == [("R101", "parts.retina:1:41")]


def test_an_unused_block_is_checked_as_far_as_it_can_be() -> None:
    block = """
    block b(n, name) =
      Convolution(m, kernal = 3) => { Flaten | repeat(n, i) { Dropout(q = i) } } => Add => Softmaxx("{nam}")
    """
    assert said(more=block) == [
        ("R303", "m"),
        ("R302", "kernal"),
        ("R205", "Flaten"),
        ("R302", "q"),
        ("R205", "Softmaxx"),
    ]


def test_a_block_with_a_mistake_is_reported_once_however_often_it_is_used() -> None:
    more = (
        "block b(n) = Convolution(n, kernel = 1, strde = 1)\nmodel m = own => b(1) => b(2) => repeat(3, i) { b(i + 1) }"
    )
    assert said(more=more) == [("R302", "strde")]


def test_circles_are_reported_once_and_hide_nothing() -> None:
    more = """
    block a() = b
    block b() = c => Flaten
    block c() = { a | b } => Add
    model m = own => a
    train x from y {}
    train y from x {}
    train z from x {}
    """
    assert said(more=more) == [("R205", "Flaten"), ("R203", "a"), ("R203", "b"), ("R203", "x")]


def test_an_unused_checkpoint_need_not_be_at_hand() -> None:
    assert said(more='backbone b = checkpoint("b", epoch = 1)') == []
    assert said(more='backbone b = checkpoint("b", epch = 1)') == [("R302", "epch")]


def test_hints() -> None:
    assert only(("sgd(lr = 0.01)", "sgd(learning_rate = 0.01)")).helps == ("did you mean `lr`?",)
    assert only(("epochs     = 3", "epochs = 3 lr = 0.1")).helps == (
        "it belongs to what `optimizer` takes, as in `optimizer = sgd(lr = ...)`",
    )
    assert only(("p = 50%", "p = 50")).helps == ("write `50%`",)
    assert only(("=> Flatten\n", "=> BatchNorm(fix_gamma = False) => Flatten\n")).helps == ("did you mean `false`?",)
    assert only(("Convolution(filters", "Convolution(filtres")).helps == ("did you mean `filters`?",)
    assert only(("best(auc)", "best(sensitivity)")).helps == ("write the same options in both places",)
    assert only(("=> Flatten\n", "=> Flatten => Dense(3)\n")).helps == ("did you mean `FullyConnected`?",)
    assert only(("count(eyes.classes)", "count(eyes.class)")).helps == ("did you mean `eyes.classes`?",)


def test_overrides_of_the_command_line_replace_keys() -> None:
    from retdsl.check import check_source
    from retdsl.compiler import overrides
    from retdsl.source import Source

    text = edited()
    checked = check_source(Source("s.retina", text), Path(), overrides(["epochs=7"], Diagnostics()))
    assert checked.program is not None
    assert {experiment.training.epochs for experiment in checked.program.experiments} == {7}
    assert check(text).program != checked.program
