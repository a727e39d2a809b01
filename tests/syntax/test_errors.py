"""Mistakes in the text: their words, their places, and that each hides no other and blames nobody else."""

from __future__ import annotations

import pytest
from tree_texts import declarations, mistakes, shown

from retdsl.diagnostics.fixing import apply
from retdsl.syntax import tree as t
from retdsl.syntax.parser import MAX_NESTING, MAX_SIZE
from retdsl.syntax.recovery import MAX_MISTAKES

DATA = 'data d {{\n  source = csv("a", label = {})\n}}'
TRAIN = "train t {{\n  epochs = 3\n  {}\n  seed = 1\n}}"
CHAIN = "model m =\n  a\n  {}\n  => G"

ONE_MISTAKE = [
    # text, code, words of the message, the text that is pointed at
    (CHAIN.format("=> F(a = 1 b = 2)"), "R102", "`,` is missing before `b`", "b"),
    (CHAIN.format("=> [1 2]"), "R102", "`,` is missing before `2`", "2"),
    (CHAIN.format("=> F(a 1)"), "R102", "`=` is missing between `a` and its value", "1"),
    (CHAIN.format("-> F"), "R101", "steps are chained with `=>`", "->"),
    (CHAIN.format("|> F"), "R101", "steps are chained with `=>`", "|>"),
    (CHAIN.format("F(1)"), "R102", "`=>` is missing before `F`", "F"),
    (CHAIN.format("=> F(p = 70 %)"), "R101", "`%` belongs directly behind a number", "%"),
    (CHAIN.format("=> F(p = x %)"), "R101", "`%` belongs behind a number", "%"),
    (CHAIN.format("=> F('text')"), "R101", "texts stand between double quotes", "'text'"),
    (CHAIN.format("=> F('text)"), "R101", "texts stand between double quotes", "'"),
    (CHAIN.format('=> F("text)'), "R101", "a text without closing quote", '"text)'),
    (CHAIN.format("=> F(.5)"), "R102", "a number starts with a digit", ".5"),
    (CHAIN.format("=> F(1]"), "R102", "`(` is not closed", "("),
    (CHAIN.format("=> F)"), "R102", "there is no `(` for this `)`", ")"),
    (CHAIN.format("=> $F"), "R101", "unexpected character `$`", "$"),
    (CHAIN.format("=> F(a = \x07)"), "R101", "unexpected character `U+0007`", "\x07"),
    (CHAIN.format("=> => F"), "R102", "unexpected `=>`", "=>"),
    (CHAIN.format("// a comment"), "R102", "a comment starts with `#`", "//"),
    (TRAIN.format("batch = 32,"), "R102", "nothing separates settings, no `,` either", ","),
    (TRAIN.format("batch = 32;"), "R102", "nothing separates settings, no `;` either", ";"),
    (TRAIN.format("batch: 32"), "R102", "a key and its value are joined by `=`", ":"),
    (TRAIN.format("batch == 32"), "R102", "a value follows a single `=`", "=="),
    (TRAIN.format("batch ="), "R102", "`batch` has no value", "batch"),
    (TRAIN.format("batch 32"), "R102", "unexpected `32`", "32"),
    (TRAIN.format("metrics = [auc"), "R102", "`[` is not closed", "["),
    (TRAIN.format("optimizer = sgd(0.1"), "R102", "`(` is not closed", "("),
    (TRAIN.format("optimizer = sgd(lr = )"), "R102", "unexpected `)`", ")"),
    ('backbone b = zoo(n, weights = "a" sha256 = "f0")', "R102", "no `=` stands between `sha256` and the hash", "="),
    ('backbone b = zoo(n, weights = "a" sha256 f0ab12)', "R102", "a hash is a text", "f0ab12"),
    ('backbone b = zoo(n, weights = "a" sha256 0676ba61)', "R102", "a hash is a text", "0676ba61"),
    ('backbone b = zoo(n, weights = "a" SHA256: "f0")', "R102", "a hash stands behind `sha256`", "SHA256: "),
    ('backbone b = zoo(n, weights = "a" md5 "f0")', "R102", "no hash but SHA-256 is known", "md5"),
    ("modle m = a", "R102", "no declaration starts with `modle`", "modle"),
    ("train t = { seed = 1 }", "R102", "no `=` stands before the settings of a block", "="),
    ("train t extends u { seed = 1 }", "R102", "an experiment continues another with `from`", "extends"),
    ("model m { a => F }", "R102", "a model does not stand in braces", "{"),
    ("model m-n-o = a", "R102", "a name has no dash", "m-n-o"),
    ("train t from a-b {}", "R102", "a name has no dash", "a-b"),
    ("train { seed = 1 }", "R102", "this train block has no name", "train"),
    ("model = a", "R102", "this model has no name", "model"),
    (CHAIN.format(">> F"), "R101", "steps are chained with `=>`", ">>"),
    (CHAIN.format(">= F"), "R101", "steps are chained with `=>`", ">="),
    (DATA.format("grade >= 2 => ill"), "R102", "the class of a rule stands behind `->`", "=>"),
    (DATA.format("grade => 2 -> ill"), "R102", "at least is written with `>=`", "=>"),
    (DATA.format("grade ≥ 2 -> ill"), "R101", "`≥` is written `>=`", "≥"),
    (DATA.format("grade >= 2"), "R102", "this rule names no class", ""),
    (DATA.format("grade >= 2 ill"), "R102", "this rule names no class", ""),
    ('data d {\n  source = csv("a", label == grade)\n}', "R102", "a value follows a single `=`", "=="),
    (CHAIN.format("= > F"), "R101", "steps are chained with `=>`", "= >"),
    (CHAIN.format("⇒ F"), "R101", "steps are chained with `=>`", "⇒"),
    (CHAIN.format("\u00a0\u00a0=> F"), "R101", "U+00A0 looks like a blank and is none", "\u00a0\u00a0"),
    (CHAIN.format("=> F(\u200b1)"), "R101", "U+200B looks like nothing", "\u200b"),
    ("```retina\nmodel m = a => F", "R101", "a fence of Markdown is no part of a spec", "```retina"),
    (TRAIN.format("metrics = auc, accuracy"), "R102", "a list stands in brackets", "auc, accuracy"),
    (TRAIN.format("metrics = [sensitivity(a = 1]"), "R102", "`(` is not closed", "("),
    (TRAIN.format('"batch" = 32'), "R102", "a key has no quotes", '"batch"'),
    (TRAIN.format("batch = 32 eyes"), "R102", "`eyes` is neither a setting nor part of one", "eyes"),
    (TRAIN.format("shuffle"), "R102", "`shuffle` is neither a setting nor part of one", "shuffle"),
    (TRAIN.format("schedule = cosine(warmup = 1 hour)"), "R102", "numbers have no unit", "hour"),
    ("model é = a", "R101", "`é` cannot be part of a name", "é"),
    ("model 眼睛 = a", "R101", "`眼` cannot be part of a name", "眼睛"),
    ("model größe = a", "R101", "`ö` cannot be part of a name", "größe"),
    (CHAIN.format("=> F(“text”)"), "R101", "texts stand between double quotes", "“text”"),
    (CHAIN.format("=> F(a = (1, 2)"), "R102", "`(` is not closed", "("),
    (CHAIN.format("=> { F(1 | H }"), "R102", "`(` is not closed", "("),
    ("model m = a => F(", "R103", "the declaration ends too early", ""),
    ("model m =", "R103", "the declaration ends too early", ""),
    ("train t {\n  seed = 1\n", "R103", "the declaration ends too early", ""),
    ("use", "R103", "the declaration ends too early", ""),
    ('model m = a => F("{1 +}")', None, None, None),  # `{1` is a text
    ('model m = a => F("{x +}")', "R106", "`{x +}` is not an expression", "x +"),
    ('model m = a => F("unit{x")', "R106", "`{` is not closed in this text", "{"),
]


@pytest.mark.parametrize(("text", "code", "words", "place"), ONE_MISTAKE)
def test_one_mistake_is_one_message_at_its_place(text: str, code: str | None, words: str, place: str) -> None:
    _, said = mistakes(text)
    assert [item.code for item in said] == ([] if code is None else [code])
    for item in said:
        assert item.message.startswith(words)
        assert item.labels[0].span.text == place


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (CHAIN.format("=> F(a = 1 b = 2)"), CHAIN.format("=> F(a = 1,b = 2)")),
        (CHAIN.format("=> F(a 1)"), CHAIN.format("=> F(a=1)")),
        (CHAIN.format("-> F"), CHAIN.format("=> F")),
        (CHAIN.format("|> F"), CHAIN.format("=> F")),
        (CHAIN.format("F(1)"), CHAIN.format("=> F(1)")),
        (CHAIN.format("=> F(p = 70 %)"), CHAIN.format("=> F(p = 70%)")),
        (CHAIN.format("=> F('text')"), CHAIN.format('=> F("text")')),
        (CHAIN.format("=> F(“text”)"), CHAIN.format('=> F("text")')),
        (CHAIN.format("=> F(1]"), CHAIN.format("=> F(1)")),
        (CHAIN.format("=> F(a = (1, 2)"), CHAIN.format("=> F(a = (1, 2))")),
        (CHAIN.format("=> { F(1 | H }"), CHAIN.format("=> { F(1)| H }")),
        ("model m-n = a", "model m_n = a"),
        (CHAIN.format("=> F)"), CHAIN.format("=> F")),
        (CHAIN.format("// => H"), CHAIN.format("")),
        (TRAIN.format("batch = 32,"), TRAIN.format("batch = 32")),
        (TRAIN.format("batch: 32"), TRAIN.format("batch = 32")),
        (TRAIN.format("batch == 32"), TRAIN.format("batch = 32")),
        (TRAIN.format("metrics = [auc"), TRAIN.format("metrics = [auc]")),
        (TRAIN.format("optimizer = sgd(0.1"), TRAIN.format("optimizer = sgd(0.1)")),
        ("modle m = a", "model m = a"),
        (DATA.format("grade >= 2 => ill"), DATA.format("grade >= 2 -> ill")),
        (DATA.format("grade => 2 -> ill"), DATA.format("grade >= 2 -> ill")),
        (CHAIN.format(">= F"), CHAIN.format("=> F")),
        ("train t = { seed = 1 }", "train t { seed = 1 }"),
        ("train t extends u { seed = 1 }", "train t from u { seed = 1 }"),
        ("data d {\n  source = x\n", "data d {\n  source = x\n}"),
    ],
)
def test_a_plain_mistake_is_understood_as_it_was_meant(wrong: str, right: str) -> None:
    found, said = mistakes(wrong)
    assert len(said) == 1
    assert shown(found) == shown(declarations(right))


def test_a_broken_setting_leaves_the_others_and_is_not_missing() -> None:
    found, said = mistakes('data d {\n  source = csv("a)\n  classes = [x, y]\n  split = $\n  image = photo\n}')
    assert [item.code for item in said] == ["R101", "R101"]
    [declared] = found
    assert isinstance(declared, t.Data)
    assert {s.key.name: isinstance(s.value, t.Illegible) for s in declared.settings} == {
        "source": True,
        "classes": False,
        "split": True,
        "image": False,
    }


def test_a_broken_declaration_keeps_its_name_and_its_neighbours() -> None:
    found, said = mistakes("model a = x => $\nmodel b = a => F\nfoo c = 1\nmodel d = b =>")
    assert [(item.code, item.labels[0].span.line) for item in said] == [("R101", 1), ("R102", 3), ("R103", 4)]
    assert [type(item).__name__ for item in found] == [
        "IllegibleDeclaration",
        "Model",
        "IllegibleDeclaration",
        "IllegibleDeclaration",
    ]
    assert [item.name.name for item in found if not isinstance(item, t.Use)] == ["a", "b", "c", "d"]


def test_many_mistakes_are_told_at_once() -> None:
    text = "\n".join(["modle a = b => F(1 2)", TRAIN.format("batch: 70 %,"), "model c = d -> E('x' 'y')"])
    _, said = mistakes(text)
    assert len(said) == 9
    assert [item.labels[0].span.line for item in said] == sorted(item.labels[0].span.line for item in said)


def test_a_mistaken_line_inside_a_block_does_not_start_a_declaration() -> None:
    found, said = mistakes(TRAIN.format("model plain"))
    assert [item.message for item in said] == ["unexpected `plain`"]
    assert [type(item).__name__ for item in found] == ["Train"]


def test_fixes_cure_what_they_are_offered_for() -> None:
    for text in (
        CHAIN.format("=> F(a 1)"),
        CHAIN.format("=> F(a = 1 b = 2)"),
        CHAIN.format("-> F"),
        CHAIN.format("F(1)"),
        CHAIN.format("=> F(p = 70 %)"),
        CHAIN.format("=> F('text')"),
        CHAIN.format("=> F(.5)"),
        TRAIN.format("batch = 32,"),
        TRAIN.format("batch: 32"),
        "modle m = a",
        "train t extends u { seed = 1 }",
    ):
        _, [said] = mistakes(text)
        [fix] = said.fixes
        declarations(apply(text, fix.edits))


def test_nesting_has_an_end() -> None:
    deep = "model m = " + "[" * MAX_NESTING + "]" * MAX_NESTING
    declarations(deep)
    found, said = mistakes(deep.replace("[]", "[[]]"))
    assert [type(declared) for declared in found] == [t.IllegibleDeclaration]
    message = f"brackets are nested more than {MAX_NESTING} deep"
    assert [(item.code, item.message, item.labels[0].span.text) for item in said] == [("R105", message, "[")]


def test_nesting_inside_a_text_has_an_end() -> None:
    _, said = mistakes('model m = a => F("{x + ' + "(" * 50 + "1" + ")" * 50 + '}")')
    assert [item.code for item in said] == ["R105"]


def test_a_file_has_an_end() -> None:
    found, said = mistakes("#" * (MAX_SIZE + 1))
    assert (found, [item.code for item in said]) == ((), ["R107"])


def test_a_declaration_full_of_mistakes_ends_somewhere() -> None:
    _, said = mistakes("train t {" + " a = = 1" * (2 * MAX_MISTAKES) + "}")
    assert 1 <= len(said) <= MAX_MISTAKES


def test_huge_numbers_are_numbers() -> None:
    [declared] = declarations(f"train t {{ epochs = {'9' * 10_000} batch = 1e999 }}")
    assert isinstance(declared, t.Train)
    assert [setting.value.value > 1e300 for setting in declared.settings if isinstance(setting.value, t.Number)] == [
        True,
        True,
    ]
