"""Specs that parse, in any layout and with comments anywhere: words after the grammar, then what stands between them.

They need not make sense.
"""

from __future__ import annotations

from hypothesis import strategies as st

Words = list[str]

NAMES = st.sampled_from(
    ["a", "bb", "relu", "scores", "a_rather_long_name_of_something", "data", "model", "x1", "from_", "sha256"]
)
FREE_NAMES = NAMES.filter(lambda name: name not in ("data", "model"))
KEYS = NAMES.filter(lambda name: name != "sha256")
"""What may stand right behind a value."""

NUMBERS = st.sampled_from(["1", "007", "0.5", "1e-4", "2E3", "70%", "12.5%"])
COMPARISONS = st.sampled_from([">=", "<=", "==", "!=", ">", "<"])
TEXTS = st.sampled_from(['"text"', '"unit{i + 1}"', '"# none"', '"a\\"b"', '"{{ é 目"', '"' + "long " * 12 + '"'])

GAPS = st.sampled_from(["", " ", " ", "  ", "\t", "\n", "\n", "\n\n", "\n  \n\n    ", "\r\n", "\f", " \n  "])
COMMENTS = st.sampled_from(
    ["#", "# why", "#no blank", "# blanks behind  \t", '# = { ( " =>', "# 目é", "# " + "long " * 24]
)


def separated(items: list[Words], by: str) -> Words:
    """The items in one list of words, with a separator between them."""
    return [word for index, item in enumerate(items) for word in ([by, *item] if index else item)]


@st.composite
def listed(draw: st.DrawFn, opening: str, items: st.SearchStrategy[Words], closing: str, least: int = 0) -> Words:
    found = draw(st.lists(items, min_size=least, max_size=4))
    comma = [","] if found and draw(st.booleans()) else []
    return [opening, *separated(found, ","), *comma, closing]


def references() -> st.SearchStrategy[Words]:
    return st.lists(FREE_NAMES, min_size=1, max_size=2).map(lambda names: separated([[name] for name in names], "."))


def named(values: st.SearchStrategy[Words]) -> st.SearchStrategy[Words]:
    return st.tuples(FREE_NAMES, values).map(lambda pair: [pair[0], "=", *pair[1]])


def postfix(values: st.SearchStrategy[Words]) -> st.SearchStrategy[Words]:
    """What an operator takes: calls, lists, cuts, forks, repeats and so on, of values."""
    call = st.tuples(references(), listed("(", values | named(values), ")")).map(lambda pair: pair[0] + pair[1])
    return st.one_of(
        call,
        listed("[", values, "]"),
        listed("(", values, ")", least=2),
        values.map(lambda value: ["(", *value, ")"]),
        values.map(lambda value: ["(", *value, ",", ")"]),
        references().map(lambda base: [*base, "[", "pool", "]"]),
        references().map(lambda base: [*base, "[", '"bn/out"', "]"]),
        references().map(lambda base: [*base, "[", "..", "pool", "]"]),
        references().map(lambda base: [*base, "[", "stem", "..", "]"]),
        references().map(lambda base: [*base, "[", "stem", "..", '"bn/out"', "]"]),
        st.lists(values, min_size=1, max_size=3).map(lambda branches: ["{", *separated(branches, "|"), "}"]),
        st.tuples(call, values).map(lambda pair: [*pair[0], "{", *pair[1], "}"]),
    )


def operations(parts: st.SearchStrategy[Words]) -> st.SearchStrategy[Words]:
    """Sums, products and ratios of parts that bind tighter than any of these, and chains of them."""
    several = st.lists(parts, min_size=2, max_size=3)
    signed = parts | parts.map(lambda part: ["-", *part])
    products = st.tuples(signed, st.sampled_from("*/"), signed).map(lambda three: [*three[0], three[1], *three[2]])
    sums = st.tuples(products | signed, st.sampled_from("+-"), products | signed).map(
        lambda three: [*three[0], three[1], *three[2]]
    )
    ratios = several.map(lambda items: separated(items, ":"))
    steps = st.one_of(parts, ratios, sums)
    links = steps | st.tuples(steps, FREE_NAMES).map(lambda pair: [*pair[0], "as", pair[1]])
    chains = st.lists(links, min_size=1, max_size=4).map(lambda items: separated(items, "=>"))
    hashed = st.tuples(steps, TEXTS).map(lambda pair: [*pair[0], "sha256", pair[1]])
    rules = st.tuples(steps, COMPARISONS, steps, steps).map(lambda four: [*four[0], four[1], *four[2], "->", *four[3]])
    return st.one_of(parts, signed, products, sums, ratios, chains, chains, hashed, rules)


ATOMS = st.one_of(NUMBERS.map(lambda word: [word]), TEXTS.map(lambda word: [word]), references())
VALUES = st.recursive(ATOMS, lambda values: operations(postfix(values) | ATOMS), max_leaves=12)

PARTS = st.one_of(
    references(),
    TEXTS.map(lambda word: [word]),
    references().map(lambda base: [*base, "[", "..", "pool", "]"]),
    references().map(lambda base: [*base, "[", '"bn/out"', "..", "pool", "]"]),
    references().map(lambda base: [*base, "[", "pool", "..", "]"]),
)
HEADS = KEYS.map(lambda key: [key]) | st.tuples(KEYS, PARTS).map(lambda pair: [pair[0], "(", *pair[1], ")"])
SETTINGS = st.lists(st.tuples(HEADS, VALUES).map(lambda pair: [*pair[0], "=", *pair[1]]), max_size=4).map(
    lambda settings: ["{", *(word for setting in settings for word in setting), "}"]
)
PARAMETERS = listed("(", FREE_NAMES.map(lambda name: [name]) | named(ATOMS), ")")
DECLARATIONS = st.one_of(
    st.tuples(FREE_NAMES, SETTINGS).map(lambda pair: ["data", pair[0], *pair[1]]),
    st.tuples(FREE_NAMES, SETTINGS).map(lambda pair: ["train", pair[0], *pair[1]]),
    st.tuples(FREE_NAMES, SETTINGS).map(lambda pair: ["ensemble", pair[0], *pair[1]]),
    st.tuples(FREE_NAMES, SETTINGS).map(lambda pair: ["train", pair[0], "from", "other", *pair[1]]),
    st.tuples(FREE_NAMES, PARAMETERS, VALUES).map(lambda three: ["block", three[0], *three[1], "=", *three[2]]),
    st.tuples(st.sampled_from(["model", "augment", "sampling", "backbone"]), FREE_NAMES, VALUES).map(
        lambda three: [three[0], three[1], "=", *three[2]]
    ),
    st.sampled_from([["use", '"parts.retina"'], ["use", "zoo", ".", "resnet"]]),
)


@st.composite
def specs(draw: st.DrawFn) -> str:
    """A spec that parses."""
    declarations = draw(st.lists(DECLARATIONS, max_size=5))
    return draw(written([word for declaration in declarations for word in declaration]))


@st.composite
def written(draw: st.DrawFn, words: Words) -> str:
    """Words as a text, with blanks, line breaks and comments between them, and few or many of these."""
    rare = draw(st.sampled_from([0, 3, 10, 40]))
    text = ""
    for word in (*words, ""):
        gap = draw(GAPS) if rare else " "
        while rare and draw(st.integers(0, rare)) == rare:
            gap += draw(COMMENTS) + "\n" + draw(GAPS)
        if (
            not gap
            and text
            and word
            and (text[-1].isalnum() or text[-1] in "_%")
            and (word[0].isalnum() or word[0] == "_")
        ):
            gap = " "
        text += gap + word
    return text
