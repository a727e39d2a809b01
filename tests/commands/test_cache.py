"""`retdsl cache list|clear`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from retdsl.cli import main
from retdsl.runtime.feature_cache import FeatureCache, FingerprintCache
from retdsl.runtime.image_cache import ImageCache
from retdsl.runtime.segments import digest_of


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RETDSL_CACHE", str(tmp_path))
    return tmp_path


def fill() -> None:
    for chain, side in (("photo => small", 4), ("photo => large", 40)):
        photo = np.zeros((side, side, 3), np.uint8)
        assert ImageCache(chain).keep(bytes(32), photo, digest_of(photo)) is not None


def test_what_is_cached(capsys: pytest.CaptureFixture[str]) -> None:
    fill()
    assert main(["cache", "list"]) == 0
    assert "1 photograph " in capsys.readouterr().out
    assert main(["cache", "list", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {(chain["chain"], chain["entries"]) for chain in found} == {("photo => small", 1), ("photo => large", 1)}
    assert all(chain["size"] > 48 and chain["used"] > 0 for chain in found)


def test_fingerprints_are_no_features(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {"a": FeatureCache("pool [8], by mxnet"), "b": FingerprintCache("to find near copies")}
    for key, cache in rows.items():
        values = np.zeros((1, 1, 8), np.uint8)
        assert cache.keep(key.encode() * 32, values, digest_of(values)) is not None
    assert main(["cache", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {tuple(line.split()[:2]) for line in lines[::2]} == {("1", "feature"), ("1", "fingerprint")}


def test_it_is_as_wide_as_the_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    chain = " => ".join(["photo", "crop_circle(threshold = 0.06)", "resize(height = 224, width = 224)", "clahe"])
    photo = np.zeros((4, 4, 3), np.uint8)
    assert ImageCache(chain).keep(bytes(32), photo, digest_of(photo)) is not None
    for columns in (70, 80):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert main(["cache", "list"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= columns
        assert " ".join(" ".join(lines[1:]).split()) == chain


def test_nothing_is_cached(own_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "list"]) == 0
    assert capsys.readouterr().err == f"nothing is cached in {own_cache}\n"
    assert main(["cache", "clear"]) == 0


def test_all_goes(own_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill()
    (own_cache / "weights").mkdir()
    assert main(["cache", "clear"]) == 0
    assert "0.0 MiB freed" in capsys.readouterr().err
    assert [path.name for path in own_cache.iterdir()] == ["weights"]


def test_a_cache_that_cannot_be_read(own_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (own_cache / "images").write_text("a file")
    assert main(["cache", "clear"]) == 1
    assert "the cache cannot be cleared" in capsys.readouterr().err
