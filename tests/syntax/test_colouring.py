"""The kinds of words: nothing is lost, nothing raised, and a spec's words are what the language says they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retdsl.syntax.colouring import coloured

SPECS = sorted((Path(__file__).parents[2] / "specs").rglob("*.retina"))


@given(st.text() | st.text('train x={}()[]"#=>|,. \n\t0123%abc'))
def test_nothing_is_lost(text: str) -> None:
    assert "".join(piece.text for piece in coloured(text)) == text


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_nothing_is_lost_of_a_spec(path: Path) -> None:
    text = path.read_text("utf-8")
    assert "".join(piece.text for piece in coloured(text)) == text


def test_kinds() -> None:
    text = """
use "zoo.retina"
data train { source = csv("a.csv", image = image) }   # a table
model scores = eyes[pool] => Flatten => Dense(train = 5, p = 50%) as last
train two from one { data = train  epochs = 200 batches  keep = none }
"""
    found = [(piece.kind, piece.text) for piece in coloured(text) if piece.kind not in ("blank", "sign")]
    assert found == [
        ("keyword", "use"), ("text", '"zoo.retina"'),
        ("keyword", "data"), ("declared", "train"), ("key", "source"), ("step", "csv"), ("text", '"a.csv"'),
        ("key", "image"), ("name", "image"), ("comment", "# a table"),
        ("keyword", "model"), ("declared", "scores"), ("name", "eyes"), ("name", "pool"), ("step", "Flatten"),
        ("step", "Dense"), ("key", "train"), ("number", "5"), ("key", "p"), ("number", "50%"), ("keyword", "as"),
        ("name", "last"),
        ("keyword", "train"), ("declared", "two"), ("keyword", "from"), ("name", "one"), ("key", "data"),
        ("declared", "train"), ("key", "epochs"), ("number", "200 batches"), ("key", "keep"), ("number", "none"),
    ]  # fmt: skip
