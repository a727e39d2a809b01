"""The schema describes itself truly: everything documented, defaults of their own types, no word with two meanings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from retdsl.check.evaluate import Env, Val, evaluate
from retdsl.check.options import Context, Failed, check_arguments, check_value
from retdsl.check.scope import Scope
from retdsl.diagnostics import Diagnostics
from retdsl.ir import Call
from retdsl.schema import ENTRIES, LAYERS, REQUIRED, Entry, Option
from retdsl.schema.backbones import KNOWN_WEIGHTS, known_weights
from retdsl.schema.data import DATA_KEYS
from retdsl.schema.ensembles import ENSEMBLE_KEYS
from retdsl.schema.metrics import TWO_CLASS_METRICS
from retdsl.schema.synonyms import synonyms
from retdsl.schema.training import TRAIN_KEYS
from retdsl.schema.types import Each, Many, OneOf, Policy, Steps, Type, Word
from retdsl.source import Source, Span
from retdsl.syntax.parser import parse_value

ALL = [entry for entries in ENTRIES.values() for entry in entries.values()] + [DATA_KEYS, TRAIN_KEYS, ENSEMBLE_KEYS]
OPTIONS = [(entry, option) for entry in ALL for option in entry.options]
NOWHERE = Span(Source("nowhere", ""), 0, 0)


def named(given: object) -> str:
    return given.name if isinstance(given, Entry | Option) else ""


@pytest.mark.parametrize("entry", ALL, ids=named)
def test_every_entry_is_documented(entry: Entry) -> None:
    assert re.fullmatch(r"[A-Z(\w].{10,}[.]", entry.doc), entry.doc
    assert entry.name.isidentifier()
    assert entry.reference is None or re.search(r"\d{4}", entry.reference)


@pytest.mark.parametrize(("entry", "option"), OPTIONS, ids=named)
def test_every_option_is_documented_and_says_its_type(entry: Entry, option: Option) -> None:
    assert option.doc.endswith(".")
    assert len(option.doc) >= 4
    assert option.type.words
    assert entry.option(option.name) is option


@pytest.mark.parametrize("entry", ALL, ids=named)
def test_options_have_one_name_each_and_unnamed_ones_exist(entry: Entry) -> None:
    names = [option.name for option in entry.options]
    assert len(set(names)) == len(names)
    assert set(entry.unnamed) <= set(names)
    assert "name" not in names or entry.category == "backbone source"  # layers get `name` from the checker


def written(value: object) -> Val:
    """A default as if it stood in a spec."""
    if isinstance(value, tuple):
        return Val(tuple(written(item) for item in value), NOWHERE)
    if isinstance(value, Call):
        return Val(Word(value.name), NOWHERE)
    assert value is None or isinstance(value, bool | int | float | str)
    return Val(value, NOWHERE)


@pytest.mark.parametrize(("entry", "option"), OPTIONS, ids=named)
def test_defaults_are_of_their_own_types(entry: Entry, option: Option) -> None:
    if option.default is REQUIRED or option.name == "ratio" or isinstance(option.type, Each):
        return
    out = Diagnostics()
    value = check_value(written(option.default), option.type, Context(Scope(), out))
    assert not isinstance(value, Failed), [item.message for item in out]
    if not isinstance(option.default, Call) and option.name != "metrics":
        assert value == option.default, entry.name
        assert type(value) is type(option.default)


FORMS = ["3", "-0.5", "70%", '"a"', "a", "none", "true", "[]", "[a, 1]", "(1, 2)", "1 : 2", "f(1)", "a => b"]


@pytest.mark.parametrize("text", FORMS)
def test_whatever_is_written_is_taken_or_refused_in_words(text: str) -> None:
    for entry, option in OPTIONS:
        out = Diagnostics()
        expr = parse_value(text, "value", out)
        assert expr is not None
        val = evaluate(expr, Env(), out)
        assert val is not None
        value = check_value(val, option.type, Context(Scope(), out), f"`{option.name}` of `{entry.name}`")
        assert isinstance(value, Failed) == bool(len(out)) or isinstance(option.type, Steps)


@pytest.mark.parametrize("entry", ALL, ids=named)
def test_a_call_without_options_gives_the_defaults_or_names_what_is_missing(entry: Entry) -> None:
    out = Diagnostics()
    given = check_arguments(entry, (), NOWHERE, Env(), Context(Scope(), out))
    missing = [option.name for option in entry.options if option.default is REQUIRED]
    assert [item.message for item in out] == [f"`{entry.name}` needs `{name}`" for name in missing]
    assert (given is None) == bool(missing)
    if given is not None:
        assert list(given.values) == [option.name for option in entry.options]


@pytest.mark.parametrize("category", ENTRIES)
def test_aliases_are_no_names_and_mean_one_thing(category: str) -> None:
    entries = ENTRIES[category].values()
    aliases = [alias for entry in entries for alias in entry.aliases]
    assert len(set(aliases)) == len(aliases)
    assert not set(aliases) & set(ENTRIES[category])


def test_layers_losses_and_words_of_chains_do_not_share_names() -> None:
    names = [*LAYERS, *ENTRIES["loss"], "repeat", "input", "count"]
    assert len(set(names)) == len(names)


def policies(kind: Type) -> list[str]:
    if isinstance(kind, Policy):
        return [kind.category]
    if isinstance(kind, OneOf):
        return [category for each in kind.types for category in policies(each)]
    if isinstance(kind, Many):
        return policies(kind.of)
    return list(kind.categories) if isinstance(kind, Steps) else []


@pytest.mark.parametrize(("entry", "option"), OPTIONS, ids=named)
def test_policies_are_of_categories_that_exist(entry: Entry, option: Option) -> None:
    assert set(policies(option.type)) <= set(ENTRIES), entry.name


def test_two_class_metrics_exist() -> None:
    assert set(ENTRIES["metric"]) >= TWO_CLASS_METRICS


def test_synonyms_stand_for_options_that_exist() -> None:
    every = {option.name for _, option in OPTIONS}
    used = synonyms(every)
    assert set(used.values()) <= every
    assert used["weight_decay"] == "wd"
    assert synonyms(["kernel", "pool_type"])["type"] == "pool_type"
    assert synonyms([]) == {}
    from retdsl.schema.synonyms import _OPTIONS_SAME, _OPTIONS_SIMILAR

    assert {*_OPTIONS_SAME, *_OPTIONS_SIMILAR} <= every, "a synonym for nothing"


def test_known_weights_belong_to_networks_of_the_zoo() -> None:
    from retdsl.check.files import zoo_file

    for known in KNOWN_WEIGHTS:
        assert isinstance(zoo_file(known.network), Path)
        assert known_weights(known.network, known.name) is known
        assert {name for name, _ in known.normalize.options} == {"mean", "std", "scale"}
    assert known_weights("efficientnet_lite0", "nonsense") is None
