"""The store of weights: whole or not at all, each name one file, whoever else writes, and whatever lies in it."""

from __future__ import annotations

import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from retdsl.weights.convention import Convention
from retdsl.weights.store import DamagedStore, NameTaken, Record, Store, default_store, is_name

CONTENT = b"numbers" * 100_000


def record(name: str, content: bytes = CONTENT, convention: Convention | None = None) -> Record:
    return Record(
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        suffix=".safetensors",
        network="resnet18",
        layout="resnet",
        origin="torchvision",
        source="a disk",
        licence=None,
        convention=convention,
        convention_from="told at the import",
        format="safetensors",
        tensors=3,
        size=len(content),
        classes=1000,
        imported="2026-01-01T00:00:00+00:00",
    )


def keep(store: Store, folder: Path, name: str, content: bytes = CONTENT) -> Record:
    source = folder / f"{name}.source"
    source.write_bytes(content)
    made = record(name, content)
    with store.copying(source) as copy:
        assert (copy.sha256, copy.size) == (made.sha256, made.size)
        store.keep(copy, made)
    return made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def left(store: Store) -> list[str]:
    """All files of the store but its lock."""
    return sorted(path.name for path in store.folder.rglob("*") if path.is_file() and path.name != ".lock")


def test_a_store_that_is_not_there_is_empty(store: Store) -> None:
    assert store.names() == store.orphans() == []
    assert store.record("any") is None
    assert not store.remove("any")
    assert not store.folder.exists()


def test_what_is_kept_is_there_as_it_came_and_cannot_be_written(store: Store, tmp_path: Path) -> None:
    made = keep(store, tmp_path, "one")
    assert store.names() == ["one"]
    assert store.record("one") == made
    path = store.file(made)
    assert path.name == f"{made.sha256}.safetensors"
    assert path.read_bytes() == CONTENT
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert list(store.verify(["one"])) == [("one", None)]


def test_a_record_holds_all_that_is_said(store: Store, tmp_path: Path) -> None:
    said = record("one", convention=Convention((0.5, 0.4, 0.3), (1.0, 2.0, 3.0), 255.0, (224, 192)))
    (tmp_path / "x").write_bytes(CONTENT)
    with store.copying(tmp_path / "x") as copy:
        store.keep(copy, said)
    assert store.record("one") == said


def test_two_names_share_a_file_until_the_last_goes(store: Store, tmp_path: Path) -> None:
    made = keep(store, tmp_path, "one")
    keep(store, tmp_path, "two")
    assert len(left(store)) == 3
    assert store.remove("one")
    assert store.file(made).is_file()
    assert store.remove("two")
    assert left(store) == []


def test_a_name_does_not_change_what_it_stands_for(store: Store, tmp_path: Path) -> None:
    made = keep(store, tmp_path, "one")
    with pytest.raises(NameTaken) as caught:
        keep(store, tmp_path, "one", b"others")
    assert caught.value.record == made
    assert left(store) == sorted(["one.json", f"{made.sha256}.safetensors"])
    keep(store, tmp_path, "one")  # the same again is no change


def test_what_is_not_kept_leaves_nothing(store: Store, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(CONTENT)
    with pytest.raises(ZeroDivisionError), store.copying(tmp_path / "x"):
        raise ZeroDivisionError
    assert left(store) == []
    with pytest.raises(FileNotFoundError), store.copying(tmp_path / "y"):
        pass
    assert left(store) == []


def test_a_full_disk_leaves_the_store_as_it_was(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(store, tmp_path, "one")
    before = left(store)

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        keep(store, tmp_path, "two", b"others")
    assert left(store) == before


def test_many_at_once_keep_everything(store: Store, tmp_path: Path) -> None:
    def work(at: int) -> None:
        folder = tmp_path / str(at)
        folder.mkdir()
        keep(store, folder, f"name{at % 5}", str(at % 5).encode() * 1000)
        keep(store, folder, f"own{at}", CONTENT)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(20)))
    assert len(store.names()) == 25
    assert [finding for _, finding in store.verify(store.names()) if finding] == []
    assert store.orphans() == []
    assert len(left(store)) == 25 + 6


DAMAGE = {
    b"": "not JSON",
    b"[1]": "not a JSON object",
    b'{"name": "one"}': "`sha256`",
    b"[" * 50_000: "not JSON",
    b" " * 200_000: "too long",
    b"\xff\xfe": "not JSON",
}


@pytest.mark.parametrize("content", DAMAGE, ids=range(len(DAMAGE)))
def test_a_damaged_record_is_said_and_can_be_replaced(store: Store, tmp_path: Path, content: bytes) -> None:
    made = keep(store, tmp_path, "one")
    path = store.folder / "names" / "one.json"
    path.write_bytes(content)
    with pytest.raises(DamagedStore, match=DAMAGE[content]):
        store.record("one")
    [(_, finding)] = store.verify(["one"])
    assert finding is not None
    assert "record is damaged" in finding.wrong
    assert [orphan.path.name for orphan in store.orphans()] == [f"{made.sha256}.safetensors"]
    keep(store, tmp_path, "one")
    assert store.record("one") == made


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("sha256", "../../etc/passwd"), ("sha256", "AB" * 32), ("suffix", "/../x"), ("suffix", ""), ("name", "two")),
        *(("tensors", -1), ("size", 1.5), ("licence", 3), ("classes", "many"), ("convention", {"mean": [1, 2]})),
    ],
)
def test_a_record_that_lies_is_damaged(store: Store, tmp_path: Path, key: str, value: object) -> None:
    import json

    keep(store, tmp_path, "one")
    path = store.folder / "names" / "one.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(DamagedStore, match=f"`{key}`"):
        store.record("one")


def test_verify_finds_flipped_bits_and_files_that_are_gone(store: Store, tmp_path: Path) -> None:
    one, two = keep(store, tmp_path, "one"), keep(store, tmp_path, "two", b"others")
    path = store.file(one)
    path.chmod(0o644)
    path.write_bytes(bytes([CONTENT[0] ^ 1]) + CONTENT[1:])
    store.file(two).unlink()
    wrong = {name: finding.wrong for name, finding in store.verify(store.names()) if finding}
    assert wrong["one"].startswith("its file is damaged: it has SHA-256")
    assert wrong["two"] == "its file is gone"


def test_what_nothing_stands_for_is_found(store: Store, tmp_path: Path) -> None:
    keep(store, tmp_path, "one")
    (store.folder / "files" / "stray.bin").touch()
    (store.folder / "files" / ".abc.part").touch()
    (store.folder / "fetch-abc").mkdir()
    said = {finding.path.name: finding.wrong for finding in store.orphans()}
    assert said == {
        "stray.bin": "no name stands for it",
        ".abc.part": "an import was interrupted, or is going on",
        "fetch-abc": "a download was interrupted, or is going on",
    }


def test_names_play_no_tricks_with_paths(store: Store) -> None:
    for bad in ("", ".", "..", "a/b", "../x", "a\\b", "-a", ".a", "a\0", "a b", "é", "a" * 101, "a\n"):
        assert not is_name(bad)
        assert store.record(bad) is None
    assert all(map(is_name, ("a", "resnet50.a1_in1k", "resnet50-0676ba61", "A+b")))


def test_where_the_store_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    monkeypatch.setenv("RETDSL_CACHE", "~/own")
    assert default_store().folder == tmp_path / "own" / "weights"
    monkeypatch.delenv("RETDSL_CACHE")
    assert default_store().folder == Path("/caches/retdsl/weights")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert default_store().folder == tmp_path / ".cache" / "retdsl" / "weights"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_store().folder == tmp_path / ".cache" / "retdsl" / "weights"
