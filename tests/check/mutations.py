"""Texts that are nearly specs: the shipped ones, those of the examples and of the documentation, changed at random."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st
from study_texts import STUDY

ROOT = Path(__file__).resolve().parents[2]

_FENCED = re.compile(r"```retina\n(.*?)```", re.DOTALL)

FILES = sorted(path for folder in ("specs", "examples") for path in (ROOT / folder).rglob("*.retina"))
DOCUMENTED = [
    text for path in sorted((ROOT / "docs").rglob("*.md")) for text in _FENCED.findall(path.read_text("utf-8"))
]
SPECS = [STUDY, *(path.read_text("utf-8") for path in FILES), *DOCUMENTED]

TOKEN = re.compile(r'"[^"\n]*"|\w+|[^\w\s]|\s+')
_DECLARATION = re.compile(r"^(?=(?:data|backbone|block|model|augment|sampling|train|use)\b)", re.MULTILINE)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_NAME = re.compile(r"\b[A-Za-z_]\w*\b")

SYMBOLS = "=> { } ( ) [ ] | , = == : % ' \" # -> |> // ; $ \\ 1e999 0 - * / . .. none true data train from as use"
NUMBERS = [
    *("0", "1", "2", "3", "-1", "-0", "0.5", "1e-300", "1e300", "1e999", "1000", "1001", "20000", "1000000000"),
    *("4294967296", "100%", "0%", "101%"),
]
SNIPPETS = [
    *SYMBOLS.split(),
    *NUMBERS,
    *("\x00", "\ud800", "\ufeff", "\u2028", "\u202e", "\x1b[31m", "\r", "\t", "é", "😀", "ｆｕｌｌ", "e\u0301"),
    *(
        "9" * 400,
        "0." + "0" * 400 + "1",
        "a" * 3000,
        '"{i}"',
        '"{"',
        '"{{"',
        '"{i + }"',
        '"\\"',
        '"' + "{i}" * 50 + '"',
    ),
    *("repeat(3, i)", "repeat(1000, i) { identity }", "repeat(1000000000, i)", "{ identity | Flatten } => Add"),
    *("count(eyes.classes)", "eyes.image", "input(3, 8, 8)", "input(1000000, 1000000, 1000000)"),
    *(
        "counts = 4000 : 3",
        "WSoftmax(weights = inverse_frequency)",
        "balanced_subset",
        "FocalSoftmax(2, [1e-300, 1])",
        "Ordinal(weights = inverse_frequency, smoothing = 10%)",
        "Sigmoid(positive = [10])",
        "views = [flip_horizontal, rotate(3), turn(0), turn]",
        "Softmax",
        "own[b_relu]",
        "\nmodel x = y\n",
        "\ntrain t from t {}\n",
        "use zoo.inception_bn",
        'use ""',
        'use "/"',
    ),
    *("\nblock b(n) = b(n)\n", "as a as b", 'sha256 "0676ba61"', "(" * 45, "[" * 39, "{" * 20, "=> " * 10),
]

_RAW = [
    "\x00",
    "\x1b",
    "\x7f",
    "\ud800",
    "\udfff",
    "\ufffe",
    "\u2028",
    "\ufeff",
    "\t",
    "\r",
    "\n",
    '"',
    "#",
    "{",
    "}",
    "=",
]


def words_of_the_language() -> st.SearchStrategy[str]:
    """Words in any order."""
    return st.lists(st.sampled_from(SNIPPETS) | st.sampled_from(TOKEN.findall(STUDY)), max_size=40).map(" ".join)


def _tokens(change: Callable[[st.DataObject, list[str]], list[str]]) -> Callable[[st.DataObject, str], str]:
    def changed(data: st.DataObject, text: str) -> str:
        tokens = TOKEN.findall(text)
        return "".join(change(data, tokens)) if tokens else text

    return changed


def _place(data: st.DataObject, items: list[str]) -> int:
    return data.draw(st.integers(0, len(items) - 1))


@_tokens
def _delete(data: st.DataObject, words: list[str]) -> list[str]:
    i = _place(data, words)
    return words[:i] + words[i + data.draw(st.sampled_from([1, 1, 2, 5, 50, 300])) :]


@_tokens
def _double(data: st.DataObject, words: list[str]) -> list[str]:
    i = _place(data, words)
    end = i + data.draw(st.sampled_from([1, 2, 10, 60]))
    return words[:end] + words[i:end] + words[end:]


@_tokens
def _swap(data: st.DataObject, words: list[str]) -> list[str]:
    i, j = _place(data, words), _place(data, words)
    words[i], words[j] = words[j], words[i]
    return words


@_tokens
def _put(data: st.DataObject, words: list[str]) -> list[str]:
    words[_place(data, words)] = data.draw(st.sampled_from(SNIPPETS))
    return words


def _rename(data: st.DataObject, text: str) -> str:
    """One name everywhere, or in one place, becomes another that occurs."""
    names = sorted(set(_NAME.findall(text)))
    if not names:
        return text
    old, new = data.draw(st.sampled_from(names)), data.draw(st.sampled_from(names))
    return re.sub(rf"\b{old}\b", new, text, count=data.draw(st.sampled_from([0, 1])))


def _number(data: st.DataObject, text: str) -> str:
    places = list(_NUMBER.finditer(text))
    if not places:
        return text
    at = data.draw(st.sampled_from(places))
    return text[: at.start()] + data.draw(st.sampled_from(NUMBERS)) + text[at.end() :]


def _splice(data: st.DataObject, text: str) -> str:
    """Declarations of another spec between those of this one, or in the middle of them."""
    other = _DECLARATION.split(data.draw(st.sampled_from(SPECS)))
    at = data.draw(st.integers(0, len(text)))
    return text[:at] + data.draw(st.sampled_from(other)) + text[at:]


def _shuffle(data: st.DataObject, text: str) -> str:
    return "\n".join(data.draw(st.permutations(_DECLARATION.split(text))))


def _nest(data: st.DataObject, text: str) -> str:
    """A piece of the text put within brackets, again and again."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 200)))
    left, right = data.draw(
        st.sampled_from([("(", ")"), ("[", "]"), ("{", "}"), ("F(a = ", ")"), ("repeat(2, i) {", "}")])
    )
    times = data.draw(st.sampled_from([1, 3, 39, 41, 500]))
    return text[:start] + left * times + text[start:end] + right * times + text[end:]


def _cut(data: st.DataObject, text: str) -> str:
    return text[: data.draw(st.integers(0, len(text)))]


def _raw(data: st.DataObject, text: str) -> str:
    """Single characters put in, whatever they are."""
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(st.sampled_from(_RAW) | st.characters()) + text[at:]
    return text


def _one_line(_data: st.DataObject, text: str) -> str:
    return text.replace("\n", " ")


def _grow(data: st.DataObject, text: str) -> str:
    """A word or a line many times over."""
    part = data.draw(st.sampled_from([*TOKEN.findall(text)[:200], *text.splitlines()[:50], "x"]))
    return text + part * data.draw(st.sampled_from([10, 300]))


GRAMMAR_AWARE = (_delete, _double, _swap, _put, _rename, _number, _splice, _shuffle, _nest)
RAW = (_cut, _raw, _one_line, _grow)


@st.composite
def mutations(draw: st.DrawFn, most: int = 4) -> str:
    """A shipped text after one to `most` changes, most of which know what a word is."""
    data = draw(st.data())
    text = draw(st.sampled_from(SPECS))
    for _ in range(draw(st.integers(1, most))):
        text = draw(st.sampled_from([*GRAMMAR_AWARE, *GRAMMAR_AWARE, *RAW]))(data, text)
    return text
