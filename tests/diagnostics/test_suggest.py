"""What is suggested for a word that does not exist."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retdsl.diagnostics.suggest import did_you_mean, suggest

OPTIONS = ("num_filter", "kernel", "stride", "pad", "dilate", "num_group", "no_bias", "name")
LAYERS = ("Convolution", "FullyConnected", "BatchNorm", "Activation", "Flatten", "Concat", "Softmax", "WSoftmax")
ALIASES = {"Dense": "FullyConnected", "conv2d": "Convolution", "filters": "num_filter"}


@pytest.mark.parametrize(
    ("word", "candidates", "expected"),
    [
        ("strde", OPTIONS, ["stride"]),  # left out
        ("strdie", OPTIONS, ["stride"]),  # swapped
        ("kernal", OPTIONS, ["kernel"]),  # changed
        ("padd", OPTIONS, ["pad"]),  # added
        ("filters", OPTIONS, ["num_filter"]),  # called so elsewhere
        ("Dense", LAYERS, ["FullyConnected"]),
        ("dense", LAYERS, ["FullyConnected"]),  # aliases know no case
        ("Conv_2d", LAYERS, ["Convolution"]),  # nor underscores
        ("dense", OPTIONS, []),  # an alias of something that would be wrong here
        ("fully_connected", LAYERS, ["FullyConnected"]),
        ("SOFTMAX", LAYERS, ["Softmax"]),
        ("Conv", LAYERS, ["Convolution"]),
        ("num", OPTIONS, ["num_group", "num_filter"]),  # the shorter rest first
        ("Con", LAYERS, ["Concat", "Convolution"]),
        ("pading", ("pad", "padding"), ["padding", "pad"]),
        ("stride", OPTIONS, []),  # what was written is no suggestion
        ("x", OPTIONS, []),
        ("", OPTIONS, []),
        ("learning_rate", OPTIONS, []),
        ("ab", ("xy",), []),
    ],
)
def test_suggestions(word: str, candidates: tuple[str, ...], expected: list[str]) -> None:
    assert suggest(word, candidates, ALIASES) == expected


def test_at_most_three() -> None:
    assert suggest("stage", [f"stage{i}" for i in range(9)]) == ["stage0", "stage1", "stage2"]


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ((), None),
        (("stride",), "did you mean `stride`?"),
        (("strider", "strides"), "did you mean `strider` or `strides`?"),
        (("strid1", "strid2", "strid3"), "did you mean `strid1`, `strid2` or `strid3`?"),
    ],
)
def test_did_you_mean(candidates: tuple[str, ...], expected: str | None) -> None:
    assert did_you_mean("strid", candidates) == expected


@given(st.text(max_size=12), st.lists(st.text(max_size=12), max_size=12))
def test_suggests_only_candidates(word: str, candidates: list[str]) -> None:
    found = suggest(word, candidates)
    assert len(found) <= 3
    assert len(set(found)) == len(found)
    assert set(found) <= set(candidates) - {word}


@given(st.text(alphabet="abcdefgh", min_size=4, max_size=14), st.data())
def test_one_slip_is_always_found(name: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(name) - 1))
    slip = data.draw(st.sampled_from([name[:place] + name[place + 1 :], name[:place] + "z" + name[place + 1 :]]))
    assert suggest(slip, [name]) == ([] if slip == name else [name])
