"""Values in the language's words: what is spelled means, when it is checked, the very value that was spelled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from values import call, candidates

from retdsl.check.evaluate import Env, evaluate
from retdsl.check.options import Context, Failed, check_value, default_of
from retdsl.check.scope import Scope
from retdsl.diagnostics import Diagnostics
from retdsl.ir import Call, Value
from retdsl.schema import ENTRIES, REQUIRED, Entry, Option
from retdsl.schema.spelling import spell, spell_call, spell_layer
from retdsl.schema.training import TRAIN_KEYS
from retdsl.schema.types import Boolean, Fraction, Integer, Many, Name, Pair, Policy, RatioOf, Real, Type, optional
from retdsl.syntax.parser import parse_value

ALL = [(entry, option) for entries in ENTRIES.values() for entry in entries.values() for option in entry.options]


def read(text: str, kind: Type) -> Value:
    """The value of a text for a type, as the checker takes it."""
    out = Diagnostics()
    expr = parse_value(text, "value", out)
    assert expr is not None, text
    val = evaluate(expr, Env(), out)
    assert val is not None, text
    value = check_value(val, kind, Context(Scope(), out))
    assert not isinstance(value, Failed), (text, [message.message for message in out])
    return value


@pytest.mark.parametrize(("entry", "option"), ALL, ids=lambda x: x.name)
def test_every_value_of_every_option_is_spelled_as_it_is_read(entry: Entry, option: Option) -> None:
    for text in candidates(option.type):
        value = read(text, option.type)
        again = spell(value, option.type)
        assert read(again, option.type) == value, f"{entry.name}: {text} -> {again}"
        assert spell(read(again, option.type), option.type) == again


@pytest.mark.parametrize("entry", [e for es in ENTRIES.values() for e in es.values()], ids=lambda e: e.name)
def test_every_call_is_spelled_as_it_is_read(entry: Entry) -> None:
    if entry.category in ("layer", "network input", "backbone source"):
        return
    value = read(call(entry), Policy(entry.category))
    assert isinstance(value, Call)
    assert read(spell_call(value, entry.category), Policy(entry.category)) == value


def test_every_default_can_be_written_out() -> None:
    for option in TRAIN_KEYS.options:
        if option.default is not REQUIRED and candidates(option.type):
            value = default_of(option)
            assert read(spell(value, option.type), option.type) == value


WRITTEN = [
    (0.7, Fraction(), "70%"),
    (0.07, Fraction(), "7%"),
    (0.125, Fraction(), "12.5%"),
    (1.0, Fraction(), "100%"),
    (1 / 3, Fraction(), "0.3333333333333333"),
    (0.0001, Real(), "0.0001"),
    (1e-8, Real(), "1e-8"),
    (1.00001e-05, Real(), "1.00001e-5"),
    (2.0, Real(), "2"),
    (-3, Integer(), "-3"),
    (True, Boolean(), "true"),
    (None, optional(Integer()), "none"),
    ((3, 3), Pair(Integer()), "3"),
    ((3, 5), Pair(Integer()), "(3, 5)"),
    ((200, 3), RatioOf(), "200 : 3"),
    ((1.0, 66.7), Many(Real()), "[1, 66.7]"),
    ((127.0, 127.0, 127.0), Many(Real(), length=3), "(127, 127, 127)"),
    ((4,), Many(Integer()), "[4]"),
    ("healthy", Name(), "healthy"),
    ("none", Name(), '"none"'),
    ("mild {1}", Name(), '"mild {{1}}"'),
    ('a "b" \\ c', Name(), '"a \\"b\\" \\\\ c"'),
    ("labels", Name("a file name", quoted=True), '"labels"'),
]


@pytest.mark.parametrize(("value", "kind", "text"), WRITTEN)
def test_values_read_well(value: Value, kind: Type, text: str) -> None:
    assert spell(value, kind) == text
    assert read(text, kind) == value


CALLS = [
    ("sgd", "optimizer", "sgd(lr = 0.01)"),
    ("sgd(0.02, wd = 0.0001)", "optimizer", "sgd(lr = 0.02, wd = 0.0001)"),
    ("cosine(warmup = 2, floor = 0%)", "schedule", "cosine(warmup = 2)"),
    ("natural", "sampling policy", "natural"),
    ("every(1, keep = best(auc))", "checkpoint rule", "every(n = 1, keep = best(auc))"),
    ("step(every = 10)", "schedule", "step(10, factor = 0.1)"),
    ("resize(224, 224)", "image step", "resize(224, 224)"),
    ("pad", "image step", "pad"),
    ("normalize((0.5, 0.4, 0.3), std = [1, 2, 3])", "image step", "normalize((0.5, 0.4, 0.3), std = (1, 2, 3))"),
    ("normalize([0.5], [2])", "image step", "normalize([0.5], std = [2])"),
    ("rotate180(on = [infected])", "augmentation", "rotate180(on = [infected])"),
    (
        "one_of([blur(sigma = 1), jpeg(50)], weights = (1, 2), p = 50%)",
        "augmentation",
        "one_of([blur(sigma = 1), jpeg(quality = 50)], weights = [1, 2], p = 50%)",
    ),
    ('csv("l.csv", label = "a b")', "data source", 'csv("l.csv", label = "a b")'),
]


@pytest.mark.parametrize(("written", "category", "text"), CALLS)
def test_calls_read_well(written: str, category: str, text: str) -> None:
    assert spell(read(written, Policy(category)), Policy(category)) == text


def test_layers_read_well_known_or_not() -> None:
    assert spell_layer("Convolution", (("num_filter", 8), ("kernel", (3, 3)))) == "Convolution(8, kernel = 3)"
    assert spell_layer("BatchNorm", (("eps", 1e-3), ("fix_gamma", True))) == "BatchNorm"
    assert spell_layer("Own", (("nsize", 5), ("mode", "x"), ("at", (1, 2)))) == "Own(nsize = 5, mode = x, at = (1, 2))"


@given(st.floats(allow_nan=False, min_value=0, max_value=1e12))
def test_every_number_is_read_back_exactly(number: float) -> None:
    assert read(spell(number, Real()), Real()) == number
    if number <= 1:
        assert read(spell(number, Fraction()), Fraction()) == number


@given(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), min_size=1))
def test_every_text_is_read_back_exactly(text: str) -> None:
    assert read(spell(text, Name()), Name()) == text
