"""Every construct of the language to its tree, each part with its exact place in the text."""

from __future__ import annotations

import pytest
from tree_texts import declarations, nodes, shown, value

from retdsl.diagnostics import Diagnostics
from retdsl.source import Source
from retdsl.syntax import parse
from retdsl.syntax import tree as t
from retdsl.syntax.parser import parse_value
from retdsl.syntax.text import KEYWORDS


def ref(name: str) -> tuple[object, ...]:
    return ("Ref", tuple(name.split(".")))


def number(n: float) -> tuple[object, ...]:
    return ("Number", n)


def argument(name: str | None, given: object) -> tuple[object, ...]:
    return ("Argument", None if name is None else ("Ident", name), given)


VALUES = {
    "3": number(3),
    "007": number(7),
    "0.5": number(0.5),
    "1e-4": number(1e-4),
    "2E3": number(2000.0),
    "70%": ("Percent", 0.7),
    "12.5%": ("Percent", 0.125),
    "200 batches": ("Quantity", 200, "batches"),
    "1 epoch": ("Quantity", 1, "epochs"),
    "10x": ("Quantity", 10, "x"),
    "relu": ref("relu"),
    "fundus.classes": ref("fundus.classes"),
    '"text"': ("Text", ("text",)),
    "[a, 1,]": ("Listing", (ref("a"), number(1)), "["),
    "[]": ("Listing", (), "["),
    "(3, 4)": ("Listing", (number(3), number(4)), "("),
    "(3,)": ("Listing", (number(3),), "("),
    "(3)": ("Group", number(3)),
    "200 : 3": ("Ratio", (number(200), number(3))),
    "1:2:3": ("Ratio", (number(1), number(2), number(3))),
    "-x": ("Negative", ref("x")),
    "a + b - 1": ("Sum", ("+", "-"), (ref("a"), ref("b"), number(1))),
    "a - -1": ("Sum", ("-",), (ref("a"), ("Negative", number(1)))),
    "a + b * c / 2": ("Sum", ("+",), (ref("a"), ("Product", ("*", "/"), (ref("b"), ref("c"), number(2))))),
    "(a + 1) * 2": ("Product", ("*",), (("Group", ("Sum", ("+",), (ref("a"), number(1)))), number(2))),
    "a + 1 : 2": ("Ratio", (("Sum", ("+",), (ref("a"), number(1))), number(2))),
    "F()": ("Apply", ref("F"), ()),
    "F(1, k = 2,)": ("Apply", ref("F"), (argument(None, number(1)), argument("k", number(2)))),
    "count(fundus.classes)": ("Apply", ref("count"), (argument(None, ref("fundus.classes")),)),
    "lite[global_pool]": ("Cut", ref("lite"), ref("global_pool")),
    'lite["bn/out"]': ("Cut", ref("lite"), ("Text", ("bn/out",))),
    "lite[.. stage3]": ("Cut", ref("lite"), ("Range", None, ref("stage3"))),
    "lite[stage2..stage4]": ("Cut", ref("lite"), ("Range", ref("stage2"), ref("stage4"))),
    'lite[stage2 .. "bn/out"]': ("Cut", ref("lite"), ("Range", ref("stage2"), ("Text", ("bn/out",)))),
    "lite[stage4 ..]": ("Cut", ref("lite"), ("Range", ref("stage4"), None)),
    "a => F => G(1)": (
        "Chain",
        (
            ("Link", ref("a"), None),
            ("Link", ref("F"), None),
            ("Link", ("Apply", ref("G"), (argument(None, number(1)),)), None),
        ),
    ),
    "a => F as f => G": (
        "Chain",
        (("Link", ref("a"), None), ("Link", ref("F"), ("Ident", "f")), ("Link", ref("G"), None)),
    ),
    "a >= 2 -> b": ("Rule", ref("a"), ">=", number(2), ref("b")),
    'a.b != "x" -> "y"': ("Rule", ref("a.b"), "!=", ("Text", ("x",)), ("Text", ("y",))),
    "a<-1->b": ("Rule", ref("a"), "<", ("Negative", number(1)), ref("b")),
    'a sha256 "f0"': ("Hashed", ref("a"), ("Text", ("f0",))),
    '"a" sha256 "f0"': ("Hashed", ("Text", ("a",)), ("Text", ("f0",))),
    'f(1) sha256 "f0"': ("Hashed", ("Apply", ref("f"), (argument(None, number(1)),)), ("Text", ("f0",))),
    "sha256": ref("sha256"),
    "F(sha256 = sha256)": ("Apply", ref("F"), (argument("sha256", ref("sha256")),)),
    "a as b": ("Chain", (("Link", ref("a"), ("Ident", "b")),)),
    "a => { identity | F => G } => Add": (
        "Chain",
        (
            ("Link", ref("a"), None),
            (
                "Link",
                ("Fork", (ref("identity"), ("Chain", (("Link", ref("F"), None), ("Link", ref("G"), None))))),
                None,
            ),
            ("Link", ref("Add"), None),
        ),
    ),
    "repeat(n, i) { F }": (
        "Repeat",
        ref("repeat"),
        (argument(None, ref("n")), argument(None, ref("i"))),
        ref("F"),
    ),
}


@pytest.mark.parametrize("text", VALUES)
def test_values(text: str) -> None:
    assert shown(value(text)) == VALUES[text]


@pytest.mark.parametrize("text", VALUES)
def test_a_value_spans_exactly_its_text(text: str) -> None:
    assert value(text).span.text == text


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('"conv_{name}"', ("conv_", ref("name"))),
        ('"{name}"', (ref("name"),)),
        ('"{a}{b}"', (ref("a"), ref("b"))),
        ('"unit{i + 1}_x"', ("unit", ("Sum", ("+",), (ref("i"), number(1))), "_x")),
        ('"a{{b}}c"', ("a{b}c",)),
        (r'"say \"hi\""', ('say "hi"',)),
        (r'"back\\slash"', ("back\\slash",)),
        (r'"\d{4}_"', (r"\d{4}_",)),
        ('""', ("",)),
        ('"# no comment => {{"', ("# no comment => {",)),
    ],
)
def test_texts(text: str, parts: object) -> None:
    assert shown(value(text)) == ("Text", parts)


def test_interpolated_expressions_have_their_own_place() -> None:
    text = value('"unit{i + 1}_{name}"')
    assert isinstance(text, t.Text)
    assert [part.span.text for part in text.parts if not isinstance(part, str)] == ["i + 1", "name"]


DECLARATIONS = {
    "data d { source = csv(1) }": (
        "Data",
        ("Ident", "d"),
        (("Setting", ("Ident", "source"), ("Apply", ref("csv"), (argument(None, number(1)),)), None),),
    ),
    "backbone b = zoo(x)": ("Backbone", ("Ident", "b"), ("Apply", ref("zoo"), (argument(None, ref("x")),))),
    "block b() = F": ("Block", ("Ident", "b"), (), ref("F")),
    "block b(n, k = 3,) = F": (
        "Block",
        ("Ident", "b"),
        (("Parameter", ("Ident", "n"), None), ("Parameter", ("Ident", "k"), number(3))),
        ref("F"),
    ),
    "model m = a": ("Model", ("Ident", "m"), ref("a")),
    "augment g = image": ("Augment", ("Ident", "g"), ref("image")),
    "sampling s = natural": ("Sampling", ("Ident", "s"), ref("natural")),
    "train t { }": ("Train", ("Ident", "t"), None, ()),
    "train t from u { seed = 1 }": (
        "Train",
        ("Ident", "t"),
        ("Ident", "u"),
        (("Setting", ("Ident", "seed"), number(1), None),),
    ),
    "train t { rate(head) = 10x rate(b[.. c]) = 2 }": (
        "Train",
        ("Ident", "t"),
        None,
        (
            ("Setting", ("Ident", "rate"), ("Quantity", 10, "x"), ref("head")),
            ("Setting", ("Ident", "rate"), number(2), ("Cut", ref("b"), ("Range", None, ref("c")))),
        ),
    ),
    'use "a.retina"': ("Use", ("Text", ("a.retina",))),
    "use zoo.inception_bn": ("Use", ref("zoo.inception_bn")),
}


@pytest.mark.parametrize("text", DECLARATIONS)
def test_declarations(text: str) -> None:
    [declared] = declarations(f"# before\n\n  {text}  # behind\n")
    assert shown(declared) == DECLARATIONS[text]
    assert declared.span.text == text


@pytest.mark.parametrize("word", [*KEYWORDS, "from", "as", "repeat", "photo", "image"])
def test_keywords_are_ordinary_words_as_options(word: str) -> None:
    assert shown(value(f"F({word} = 1)")) == ("Apply", ref("F"), (argument(word, number(1)),))


@pytest.mark.parametrize("word", KEYWORDS)
def test_keywords_are_ordinary_words_as_keys(word: str) -> None:
    [declared] = declarations(f"train t {{ epochs = 1 {word} = a }}")
    assert isinstance(declared, t.Train)
    assert [setting.key.name for setting in declared.settings] == ["epochs", word]
    assert declared.settings[1].key.span.text == word


@pytest.mark.parametrize("text", ["", "\n", "# only a comment", "\ufeff", " \t\r\n# a\r\n"])
def test_nothing_declares_nothing(text: str) -> None:
    assert declarations(text) == ()


@pytest.mark.parametrize("space", ["\n", "\r\n", "\t", ' # a comment with => { ( "\n', "\f", "\ufeff"])
def test_white_space_means_nothing(space: str) -> None:
    words = ["train", "t", "from", "u", "{", "epochs", "=", "3", "batch", "=", "4", "}"]
    assert shown(declarations(space.join(words))) == shown(declarations(" ".join(words)))


def test_comparison_leaves_places_out() -> None:
    assert declarations("model m = a => F") == declarations("model m =\n  a   => F # same")
    assert declarations("model m = a => F") != declarations("model m = a => G")


def test_every_part_of_the_shipped_networks_has_its_place() -> None:
    from retdsl.check.files import shipped_spec, zoo_families

    paths = [*zoo_families().values(), shipped_spec("quickstart"), shipped_spec("three_answers")]
    for path in paths:
        assert path is not None
        file = parse(Source(path.name, path.read_text("utf-8")), out := Diagnostics())
        assert not len(out)
        for node in nodes(file.declarations):
            text = node.span.text
            match node:
                case t.Ident(name=name) | t.Ref(parts=(name,)):
                    assert text == name
                case t.Number():
                    assert float(text) == node.value
                case t.Text():
                    assert text[0] == text[-1] == '"'
                case t.Apply():
                    assert text.startswith(node.function.span.text + "(")
                    assert text.endswith(")")
                case t.Fork():
                    assert (text[0], text[-1]) == ("{", "}")
                case t.Listing():
                    assert (text[0], text[-1]) in (("(", ")"), ("[", "]"))
                case _:
                    assert text == text.strip() != ""


def test_a_value_of_the_command_line() -> None:
    out = Diagnostics()
    assert shown(parse_value("sgd(lr = 1e-2)", "--set", out)) == (
        "Apply",
        ref("sgd"),
        (argument("lr", number(0.01)),),
    )
    assert not len(out)
    assert parse_value("sgd(", "--set optimizer", out) is None
    assert [str(item.labels[0].span) for item in out] == ["--set optimizer:1:5"]
