"""How often the first suggestion is the one that was meant, beside what Python's own `difflib` would have said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from suggestion_cases import pairs

from retdsl.diagnostics.suggest import Guess, guess
from retdsl.schema import ENTRIES
from retdsl.schema.data import DATA_KEYS
from retdsl.schema.synonyms import foreign, means_the_same, synonyms
from retdsl.schema.training import TRAIN_KEYS
from retdsl.syntax.text import KEYWORDS, KEYWORDS_ELSEWHERE

BLOCKS = {"option train": TRAIN_KEYS, "option data": DATA_KEYS}


def known(where: str) -> tuple[list[str], Mapping[str, str]]:
    """The names that would be right in a place, and what they are called elsewhere, as the checker knows them."""
    kind, _, of = where.partition(" ")
    if where == "keyword":
        return list(KEYWORDS), KEYWORDS_ELSEWHERE
    if kind == "value":
        return ["true", "false"] if of == "flag" else ["max", "avg", "sum"], foreign("value")
    if kind == "option":
        entries = [entry for entries in ENTRIES.values() for entry in entries.values()]
        entry = BLOCKS.get(where) or next(entry for entry in entries if entry.name == of)
        options = [option.name for option in entry.options]
        return [*options, "name"], synonyms([*options, "name"])
    entries = list(ENTRIES[where].values()) + (list(ENTRIES["loss"].values()) if where == "layer" else [])
    extra = ["identity", "repeat"] if where == "layer" else []
    elsewhere = foreign(where)
    spelt = {word.casefold() for word in elsewhere}
    own = {alias: entry.name for entry in entries for alias in entry.aliases if alias.casefold() not in spelt}
    return [*(entry.name for entry in entries), *extra], {**own, **elsewhere}


def first(names: Iterable[str]) -> str | None:
    return next(iter(names), None)


def ours(where: str, word: str) -> Guess:
    names, aliases = known(where)
    return guess(word, names, aliases)


def asked() -> list[tuple[str, str, str | None]]:
    """The cases that are mistakes at all: a word that has become one of the language is none."""
    return [(where, word, meant) for where, word, meant in pairs() if word not in known(where)[0]]


def test_the_first_suggestion_is_nearly_always_right_and_far_more_often_than_difflibs() -> None:
    cases = asked()
    assert len(cases) >= 250
    said = [(where, word, meant, first(ours(where, word).names)) for where, word, meant in cases]
    wrong = [case for case in said if case[3] != case[2]]
    theirs = sum(
        first(get_close_matches(word, known(where)[0], n=1)) == (meant.partition("(")[0] if meant else None)
        for where, word, meant in cases
    )
    right = len(cases) - len(wrong)
    print(f"{len(cases)} cases: first suggestion right {right} ({right / len(cases):.1%}), difflib {theirs}")
    assert right / len(cases) >= 0.97, wrong
    assert theirs < 0.8 * right  # where a call is meant, difflib is credited with its name alone


def test_slips_alone_are_found_more_often_than_difflib_finds_them() -> None:
    slips = [case for case in asked() if case[1] not in known(case[0])[1] and case[2] in known(case[0])[0]]
    assert len(slips) >= 100
    right = sum(first(ours(where, word).names) == meant for where, word, meant in slips)
    theirs = sum(first(get_close_matches(word, known(where)[0], n=1)) == meant for where, word, meant in slips)
    print(f"{len(slips)} slips: first suggestion right {right}, difflib {theirs}")
    assert right > theirs
    assert right / len(slips) >= 0.97


def test_a_certain_guess_is_right() -> None:
    for where, word, meant in asked():
        found = ours(where, word)
        if found.slip or (found.same and means_the_same(word, found.names[0])):
            assert found.names == (meant,), (where, word)


def test_every_word_elsewhere_leads_to_something_that_exists() -> None:
    for category in (*ENTRIES, "value"):
        names = known("layer")[0] if category in ("layer", "loss") else [*ENTRIES.get(category, {})]
        for word, here in foreign(category).items():
            assert word != here
            name = here.partition("(")[0]
            assert category == "value" or name in names or name == "Deconvolution", (category, here)
