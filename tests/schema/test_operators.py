"""The snapshot of MXNet's registry: it is the installed library's, entries by hand agree with it, it can be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from operator_registry import snapshot

import retdsl.schema
from retdsl.schema import ENTRIES, LAYERS, REQUIRED, Layer, Option, find_layer
from retdsl.schema.left_out import LEFT_OUT
from retdsl.schema.lookup import _SAME, find_operator, layer_names, other_layers, refusal
from retdsl.schema.operator_words import OPERATORS, OPTIONS
from retdsl.schema.operators import Operator, has_default, layer_of, operators, option_of, spellings
from retdsl.schema.refused import REFUSED
from retdsl.schema.types import Boolean, Choice, Integer, Many, Name, Nothing, OneOf, Pair, Real, Type, optional

FILE = Path(retdsl.schema.__file__).with_name("operators.json")
BY_HAND = [layer for layer in LAYERS.values() if layer.name != "ReLU6"]


def test_the_snapshot_is_that_of_the_installed_library() -> None:
    if os.environ.get("RETDSL_REFRESH"):
        FILE.write_text(snapshot(), encoding="utf-8")
    assert FILE.read_text(encoding="utf-8") == snapshot()


@pytest.mark.parametrize(
    ("words", "type_", "default"),
    [
        ("int, required", Integer(), REQUIRED),
        ("int, optional, default='-1'", Integer(), -1),
        ("int (non-negative), optional, default=1", Integer(0), 1),
        ("long (non-negative), optional, default=512", Integer(0), 512),
        ("int or None, optional, default='None'", optional(Integer()), None),
        ("float, optional, default=0.100000001", Real(), 0.1),
        ("float, optional, default=9.99999975e-06", Real(), 1e-5),
        ("double, optional, default=0.0010000000474974513", Real(), 0.001),
        ("float, optional, default=2", Real(), 2.0),
        ("float", Real(), REQUIRED),
        ("boolean, optional, default=1", Boolean(), True),
        ("boolean or None, optional, default=None", optional(Boolean()), None),
        ("Shape(tuple), optional, default=[0,0]", Many(Integer()), (0, 0)),
        ("Shape or None, optional, default=None", optional(Many(Integer())), None),
        ("tuple of <float>, optional, default=[0.5,1,2]", Many(Real()), (0.5, 1, 2)),
        ("{'clip', 'wrap'},optional, default='clip'", Choice(("clip", "wrap")), "clip"),
        ("{'affine'}, required", Choice(("affine",)), REQUIRED),
        ("{None, 'csr', 'default'},optional, default='None'", optional(Choice(("csr", "default"))), None),
        ("string", Name("a text"), REQUIRED),
    ],
)
def test_mxnets_words_for_an_option(words: str, type_: Type, default: object) -> None:
    option = option_of("x", words, "What it is.")
    assert (option.type, option.default) == (type_, default)
    assert type(option.default) is type(default)


def test_sizes_of_images_take_one_number_for_both() -> None:
    assert option_of("kernel", "Shape(tuple), required", "").type == Pair(Integer(1))
    assert option_of("pad", "Shape(tuple), optional, default=[]", "") == Option(
        "pad", optional(Pair(Integer(0))), None, ""
    )


def compatible(ours: Type, mxnets: Type) -> bool:
    """Whether MXNet takes all that we take."""
    match ours, mxnets:
        case OneOf(types=types), _:
            return all(compatible(one, mxnets) for one in types)
        case _, OneOf(types=types):
            return any(compatible(ours, one) for one in types)
        case Choice(names=few), Choice(names=all_names):
            return set(few) <= set(all_names)
        case Integer(), Integer(low=low):
            return low is None or (ours.low is not None and ours.low >= low)
        case Pair(of=of), Many(of=each):
            return compatible(of, each)
        case Many(of=of), Many(of=each):
            return compatible(of, each)
        case Integer(), Many(of=Integer()):
            return True
        case Nothing(), Many() | Integer():  # `none` in a slice
            return True
        case _:
            return type(ours) is type(mxnets)


@pytest.mark.parametrize("layer", BY_HAND, ids=lambda layer: layer.name)
def test_entries_by_hand_agree_with_the_registry(layer: Layer) -> None:
    row = spellings()[layer.operator]
    registry = dict(row.options)
    if not row.joins:  # the kernel of `UpSampling` is one of any number of inputs
        assert layer.learns == row.learns
    assert layer.inputs == row.inputs or layer.joins
    for option in layer.entry.options:
        theirs = option_of(option.name + "_", registry[option.name], "")
        assert compatible(option.type, theirs.type), (option.type, theirs.type)
        if option.default is REQUIRED or option.always:
            continue  # asking for more, and writing it out, cannot go wrong
        none = theirs.default in (None, (), (0, 0))
        assert (
            option.default == theirs.default
            or (none and option.default in (None, (1, 1), (0, 0)))
            or (option.name == "count_include_pad")
        ), f"{option.name}: {option.default} and {theirs.default}"
    left_out = set(registry) - {option.name for option in layer.entry.options}
    assert left_out <= LEFT_OUT.keys(), f"{layer.name} leaves options out without a reason"


def test_every_layer_has_a_name_of_its_own() -> None:
    names = layer_names()
    assert len(set(names)) == len(names) > 180
    assert not set(names) & set(REFUSED)
    assert not set(names) & set(ENTRIES["loss"])
    assert all(find_layer(name) is not None for name in names)


@pytest.mark.parametrize("layer", list(other_layers()), ids=lambda layer: layer.name)
def test_layers_of_the_registry_are_documented(layer: Layer) -> None:
    assert layer.shape is None
    assert layer.name in OPERATORS
    for option in layer.entry.options:
        assert option.name in OPTIONS or f"{layer.name}.{option.name}" in OPTIONS, option.name
        assert option.doc.endswith(".")


def test_no_words_stand_for_nothing() -> None:
    layers = {layer.name: layer for layer in other_layers()}
    assert OPERATORS.keys() == layers.keys()
    used = {option.name for layer in layers.values() for option in layer.entry.options}
    for key in OPTIONS:
        layer, _, option = key.rpartition(".")
        assert option in used if not layer else layers[layer].entry.option(option)


def test_everything_in_the_registry_is_a_layer_or_refused_with_a_reason() -> None:
    left = [
        name
        for name, row in operators().items()
        if find_layer(name) is None and name not in REFUSED and find_operator(row.operator) not in LAYERS.values()
    ]
    assert left == []
    for refused in REFUSED.values():
        assert refused.why
        assert refused.instead
        assert not refused.why.endswith(".")


def test_operators_are_found_by_every_name_that_mxnet_has_for_them() -> None:
    for spelling, layer in {
        "_Plus": "Add",
        "ElementWiseSum": "Add",
        "_minus": "Subtract",
        "broadcast_plus": "Add",
        "concat": "Concat",
        "_MulScalar": "mul_scalar",
        "_contrib_AdaptiveAvgPooling2D": "AdaptiveAvgPooling2D",
        "_contrib_ROIAlign": "ROIAlign",
        "BatchNorm_v1": "BatchNorm",
        "_copy": "identity",
        "clip": "clip",
    }.items():
        found = find_operator(spelling)
        assert found is not None
        assert found.name == layer
    assert find_operator("no_such_thing") is None
    assert set(_SAME.values()) <= LAYERS.keys()


def test_names_that_are_no_layers() -> None:
    assert find_layer("SoftmaxOutput") is None
    assert find_layer("_contrib_ROIAlign") is None
    assert find_layer("Flaten") is None
    assert refusal("Flaten") is None
    assert refusal("dot") is not None


def test_defaults_that_only_mxnet_has() -> None:
    assert has_default("mean", "axis")
    assert not has_default("Convolution", "num_filter")
    assert not has_default("no_such_thing", "axis")


def test_an_operator_without_words_is_still_a_layer() -> None:
    layer = layer_of(Operator("new", "_contrib_new", ("data",), options=(("a", "int, required"),)))
    assert layer.entry.doc == "MXNet's operator `_contrib_new`."
    assert [(option.name, option.doc) for option in layer.entry.options] == [("a", "See MXNet's documentation.")]
