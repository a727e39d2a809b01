"""Entries in words: signatures, families, and the facts that commands and pages print."""

from __future__ import annotations

import json

import pytest

from retdsl.schema import ENTRIES, LAYERS, find_layer
from retdsl.schema.lookup import other_layers
from retdsl.schema.pages import layer_page
from retdsl.schema.refused import REFUSED
from retdsl.schema.words import OTHERS, facts, family, first_sentence, gives, signature, takes


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Pad", "Pad(mode = constant, pad_width, constant_value = 0)"),
        ("Flatten", "Flatten"),
        ("Dropout", "Dropout(p = 0.5, axes = ())"),
        ("GroupNorm", "GroupNorm(num_groups = 1, eps = 1e-5)"),
    ],
)
def test_signatures_of_layers(name: str, expected: str) -> None:
    assert signature(LAYERS[name].entry) == expected


def test_signatures_of_others() -> None:
    assert signature(ENTRIES["schedule"]["cosine"]) == "cosine(warmup = 0, floor = 0%)"
    assert signature(ENTRIES["data source"]["synthetic_fundus"]).endswith("ratio = 200 : 3, seed = 0, size = 256)")


def test_what_flows_in_and_out() -> None:
    assert [takes(LAYERS[name]) for name in ("Flatten", "Concat", "batch_dot")] == [
        "one value",
        "any number of branches",
        "the branches { lhs | rhs }",
    ]
    assert gives(LAYERS["Flatten"]) == "[N, C, H, W] to [N, C H W]"
    unknown = find_layer("topk")
    assert unknown is not None
    assert gives(unknown) == "a shape that is known when the program runs"


@pytest.mark.parametrize("layer", LAYERS.values(), ids=lambda layer: layer.name)
def test_every_shape_rule_says_itself_in_a_sentence(layer) -> None:
    assert layer.shape.__doc__.endswith(".")
    assert "\n" not in layer.shape.__doc__
    assert gives(layer)[0].isupper() or gives(layer)[0] == "["


def test_families() -> None:
    assert family(LAYERS["Convolution"]) == "Filters and weights"
    assert {family(layer) for layer in other_layers()} == {OTHERS}


def test_first_sentences() -> None:
    assert first_sentence("Adds a margin. Slow in MXNet: much.") == "Adds a margin."
    assert first_sentence("a x² + b x + c.") == "a x² + b x + c."


def test_facts_are_plain_data() -> None:
    for layer in (*LAYERS.values(), *other_layers()):
        known = facts(layer.entry, layer)
        assert json.loads(json.dumps(known)) == known
    known = facts(LAYERS["AdaptiveAvgPooling2D"].entry, LAYERS["AdaptiveAvgPooling2D"])
    assert known["operator"] == "_contrib_AdaptiveAvgPooling2D"
    assert known["options"][0] == {
        "name": "output_size",
        "takes": "two whole numbers (height, width) of at least 1, or one for both",
        "default": "1",
        "required": False,
        "unnamed": True,
        "doc": "Height and width of the grid.",
    }
    assert "operator" not in facts(ENTRIES["loss"]["Softmax"])


def test_the_page_has_every_layer_and_every_refusal_once() -> None:
    page = layer_page()
    for layer in (*LAYERS.values(), *other_layers()):
        assert page.count(f"\n| `{signature(layer.entry)}` |") == 1
    for name in REFUSED:
        assert f"`{name}`" in page[page.index("## What cannot") :]
    widths = {len(row.replace("\\|", "").split("|")) for row in page.splitlines() if row.startswith("|")}
    assert widths == {5, 6, 7}, "a bar within a cell"
