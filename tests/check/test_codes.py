"""One mistake for every code of the catalogue: one message, with that code, at the very words that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from study_texts import check, edited, pointed_at

from retdsl.check.files import read_spec
from retdsl.diagnostics import CATALOGUE, Diagnostics
from retdsl.diagnostics.render import render_text

CASES: dict[str, tuple[str, list[tuple[str, str]], str, str]] = {
    # name: code, edits of the study, text behind it, the words that the message points at
    "character": ("R101", [("=> Flatten", "=> $Flatten")], "", "$"),
    "token": ("R102", [("epochs     = 3", "epochs: 3")], "", ":"),
    "end": ("R103", [], "model late =", ""),
    "nesting": ("R105", [], "model deep = " + "(" * 41 + "own" + ")" * 41, "("),
    "blocks too deep": (
        "R105",
        [],
        "block d0() = identity\n"
        + "\n".join(f"block d{i}() = d{i - 1}" for i in range(1, 120))
        + "\nmodel m = own => d119",
        "d19",
    ),
    "interpolation": ("R106", [('"{name}_conv"', '"{nme}_conv"')], "", "nme"),
    "interpolated list": ("R106", [('"{name}_conv"', '"{eyes.classes}_conv"')], "", "eyes.classes"),
    "unknown data": ("R201", [("data       = eyes", "data = eye")], "", "eye"),
    "unknown attribute": ("R201", [("count(eyes.classes)", "count(eyes.labels)")], "", "eyes.labels"),
    "unknown base": ("R201", [("own[b_relu]", "owned[b_relu]")], "", "owned"),
    "declared twice": ("R202", [("train second from first", "train first")], "", "first"),
    "block like a layer": ("R202", [], "block Flatten() = identity", "Flatten"),
    "circular model": ("R203", [], "model a = b => Flatten\nmodel b = a => Flatten", "a"),
    "circular block": ("R203", [], "block a() = { identity | a } => Add", "a"),
    "circular train": ("R203", [], "train a from b {}\ntrain b from a {}", "a"),
    "wrong kind": ("R204", [("freeze     = own", "freeze = plain")], "", "plain"),
    "data in a chain": ("R204", [], "model m = eyes => Flatten", "eyes"),
    "backbone in the middle": ("R204", [], "model m = eyes.image => own", "own"),
    "unknown layer": ("R205", [("=> Flatten", "=> Flaten")], "", "Flaten"),
    "unknown layer in an unused block": ("R205", [], "block b(n) = Flaten => Dropout(n)", "Flaten"),
    "unknown augmentation": ("R205", [("rotate180", "rotate90")], "", "rotate90"),
    "unknown metric": ("R205", [("[accuracy, auc,", "[accuracy, auroc, auc,")], "", "auroc"),
    "unknown cut": ("R206", [("own[b_relu]", "own[b_rel]")], "", "b_rel"),
    "nodes of one name": (
        "R207",
        [('unit(2 * width, "b")', 'unit(2 * width, "a") => unit(1, "b")')],
        "",
        '"{name}_conv"',
    ),
    "outputs of one name": ("R207", [], "model m = own => Flatten as f => Dropout as f", "f"),
    "unknown file": ("R208", [], 'use "parts.retina"', '"parts.retina"'),
    "unknown network": ("R208", [], "backbone b = zoo(inception)", "inception"),
    "missing option": ("R301", [("FullyConnected(count(eyes.classes))", "FullyConnected()")], "", "FullyConnected()"),
    "missing key": ("R301", [("  data       = eyes\n", "")], "", "first"),
    "missing parameter": ("R301", [('unit(width, "a")', "unit(width)")], "", "unit(width)"),
    "unknown option": ("R302", [("sgd(lr = 0.01)", "sgd(lr = 0.01, weight_decay = 1)")], "", "weight_decay"),
    "unknown key": ("R302", [("freeze     =", "freez =")], "", "freez"),
    "unknown parameter": ("R302", [('unit(width, "a")', 'unit(width, nam = "a")')], "", "nam"),
    "option in an unused block": ("R302", [], "block b(n) = Flatten(size = n)", "size"),
    "wrong type": ("R303", [("epochs     = 3", "epochs = ten")], "", "ten"),
    "not a policy": ("R303", [("sgd(lr = 0.01)", "0.01")], "", "0.01"),
    "out of range": ("R304", [("epochs     = 3", "epochs = 0")], "", "0"),
    "ratio of nothing": ("R304", [("1 : 1", "1 : 0")], "", "0"),
    "option twice": ("R305", [("sgd(lr = 0.01)", "sgd(lr = 0.01, lr = 0.02)")], "", "lr"),
    "key twice": ("R305", [("epochs     = 3", "epochs = 3 epochs = 4")], "", "epochs"),
    "parameter twice": ("R305", [('unit(width, "a")', 'unit(width, "a", filters = 2)')], "", "filters = 2"),
    "too many values": ("R306", [("sgd(lr = 0.01)", "sgd(0.01, 0.9, 0.1)")], "", "0.9, 0.1"),
    "too many for a block": ("R306", [('unit(width, "a")', 'unit(width, "a", 3)')], "", "3"),
    "division by zero": ("R307", [("2 * width", "2 / (width - 4)")], "", "(width - 4)"),
    "arithmetic with a name": ("R307", [("2 * width", "2 * wdth")], "", "wdth"),
    "overflow": ("R307", [("2 * width", "2 * 999999999999")], "", "2 * 999999999999"),
    "beyond numbers": ("R307", [("epochs     = 3", "epochs = 1e999")], "", "1e999"),
    "shape": ("R401", [("    => Flatten\n", "")], "", "FullyConnected(count(eyes.classes))"),
    "other input": ("R401", [("own[b_relu]", "input(3, 64, 64)"), ("freeze     = own", "")], "", "input(3, 64, 64)"),
    "join": ("R402", [], "model m = own => { identity | Pooling(kernel = 2) } => Add", "Add"),
    "not joined": ("R403", [], "model m = own => { identity | Flatten } => Flatten", "Flatten"),
    "not joined at the end": ("R403", [], "model m = own => { identity | Flatten }", "own => { identity | Flatten }"),
    "no input": ("R404", [], "model m = Flatten => Softmax", "Flatten"),
    "too large": (
        "R405",
        [],
        "model m = own => repeat(1000, i) { repeat(1000, j) { Activation(relu) } }",
        "Activation(relu)",
    ),
    "no loss": ("R501", [("model      = plain", "model = scores")], "", "scores"),
    "class count": ("R502", [("FullyConnected(count(eyes.classes))", "FullyConnected(5)")], "", "FullyConnected(5)"),
    "weight count": ("R503", [("=> Softmax", "=> WSoftmax(weights = [1, 2, 3])")], "", "[1, 2, 3]"),
    "ratio count": ("R503", [("1 : 1", "1 : 1 : 1")], "", "fresh"),
    "loss not last": ("R504", [("=> Softmax", "=> Softmax => Dropout")], "", "Dropout"),
    "split sum": (
        "R601",
        [("train = 70%", "train = 80%")],
        "",
        "by_patient(train = 80%, valid = 15%, test = 15%, seed = 2016)",
    ),
    "no patient": (
        "R602",
        [(", patient = patient", "")],
        "",
        'csv("labels.csv", image = image, label = label)',
    ),
    "class twice": ("R603", [("[healthy, infected]", "[healthy, healthy]")], "", "healthy"),
    "no size": ("R604", [(" => resize(32, 32)", "")], "", "photo => crop_circle"),
    "start of a chain": ("R604", [("photo => crop_circle", "image => crop_circle")], "", "image"),
    "not frozen": ("R701", [], 'backbone b = trunk(weights = "b.params")\ntrain t from first { freeze = b }', "b"),
    "nothing to train": (
        "R702",
        [
            ("    => FullyConnected(count(eyes.classes))\n", ""),
            ("own[b_relu]\n    => Flatten", "own => Flatten => slice(begin = (none, 0), end = (none, 2))"),
        ],
        "",
        "own",
    ),
    "accuracy alone": (
        "R703",
        [("[accuracy, auc, sensitivity(at_specificity = 90%)]", "[accuracy]"), (", keep = best(auc)", "")],
        "",
        "[accuracy]",
    ),
    "frozen noise": ("R704", [('trunk(weights = "own.params")', "trunk()")], "", "own"),
    "metric of two classes": (
        "R705",
        [("[healthy, infected]", "[a, b, c]"), ("1 : 1", "1 : 1 : 1")],
        "",
        "sensitivity(at_specificity = 90%)",
    ),
    "unused best": ("R706", [("best(auc)", "best(balanced_accuracy)")], "", "best(balanced_accuracy)"),
    "missing checkpoint": (
        "R801",
        [],
        'backbone b = checkpoint("no", epoch = 1)\nmodel m = b',
        'checkpoint("no", epoch = 1)',
    ),
    "unknown weights": ("R803", [], "backbone b = zoo(inception_bn, weights = imagenet)", "imagenet"),
}

ELSEWHERE = {
    "R104": "needs a file: test_an_unreadable_file",
    "R605": "said by the runtime, which reads labels and photographs",
    "R802": "needs a file: tests/check/test_imported.py",
}


@pytest.mark.parametrize("name", CASES)
def test_one_mistake_is_one_message_at_its_words(name: str) -> None:
    code, edits, more, words = CASES[name]
    checked = check(edited(*edits, more=more))
    shown = render_text(checked.diagnostics)
    assert [(item.code, pointed_at(item)) for item in checked.diagnostics] == [(code, words)], shown
    assert f"[{code}]" in shown
    assert (checked.program is None) == (CATALOGUE[code].severity == "error" or code == "R801")


def test_every_code_has_a_case() -> None:
    covered = {code for code, *_ in CASES.values()}
    assert covered.isdisjoint(ELSEWHERE)
    assert covered | set(ELSEWHERE) == set(CATALOGUE)


def test_the_study_itself_is_without_mistakes() -> None:
    checked = check(edited())
    assert render_text(checked.diagnostics) == ""
    assert checked.program is not None


def test_an_unreadable_file(tmp_path: Path) -> None:
    for content, words in ((b"model m = \xff", "not UTF-8"), (None, "cannot read")):
        path = tmp_path / "a.retina"
        if content is not None:
            path.write_bytes(content)
        out = Diagnostics()
        assert read_spec(path if content is not None else tmp_path / "none.retina", "a.retina", out) is None
        [item] = out
        assert item.code == "R104"
        assert words in item.message
