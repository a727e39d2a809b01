"""What runs keep for later ones: the same bytes or none, whoever writes beside, whatever happens to the files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from retdsl.runtime.disk_cache import CHAIN, LIMIT, Cache, cache_limit, clear, listed, make_room
from retdsl.runtime.errors import RunError
from retdsl.runtime.segments import INDEX, PIXELS, RECORD, digest_of


class Numbers(Cache):
    """A kind that is as simple as can be."""

    FOLDER = "features"
    WHAT = "numbers"
    OTHERWISE = "counted anew"

    @classmethod
    def _key(cls, chain: str) -> str:
        return chain


class Photographs(Numbers):
    """Another kind."""

    FOLDER = "images"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That of a user who has nothing yet."""
    monkeypatch.setenv("RETDSL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("RETDSL_CACHE_LIMIT", raising=False)
    return tmp_path / "cache"


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def values(number: int, size: int = 100) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (1, 1, size), np.uint8)


def keep(cache: Cache, *numbers: int, size: int = 100) -> None:
    for number in numbers:
        kept = values(number, size)
        assert cache.keep(key(number), kept, digest_of(kept)) is not None


def found(cache: Cache, number: int) -> np.ndarray | None:
    """What the cache has, as whoever uses it reads it."""
    place = cache.find(key(number))
    return None if place is None else place.segment.read(place)


def require(cache: Cache, *numbers: int, size: int = 100) -> None:
    for number in numbers:
        np.testing.assert_array_equal(found(cache, number), values(number, size))


def files(suffix: str, kind: type[Cache] = Numbers) -> list[Path]:
    return sorted(kind.place().glob(f"*/*{suffix}"))


class TestUse:
    """What is kept, and what is found."""

    def test_what_one_process_has_kept_the_next_one_finds(self):
        cache = Numbers("chain")
        assert found(cache, 1) is None
        keep(cache, 1, 2)
        require(cache, 1, 2)
        require(Numbers("chain"), 1, 2)
        assert cache.trouble == []

    def test_another_chain_or_kind_has_nothing_of_it(self):
        keep(Numbers("chain"), 1)
        assert found(Numbers("other"), 1) is None
        assert found(Photographs("chain"), 1) is None

    def test_what_cannot_be_known_again_or_is_not_to_last_is_kept_for_the_process(self, folder):
        for cache in (Numbers(None), Numbers("chain", lasts=False), Numbers("chain", limit=0)):
            keep(cache, 1)
            require(cache, 1)
            assert cache.folder is None
        assert not folder.exists()
        nowhere = Numbers(None, spare=False)
        assert nowhere.keep(key(1), values(1), digest_of(values(1))) is None

    def test_a_stamp_is_known_with_its_key_and_found_by_the_next_process(self):
        cache = Numbers("chain")
        assert cache.known("eye.png 12:00") is None
        cache.note("eye.png 12:00", key(1))
        cache.note("odd \udcff name", key(2))
        for again in (cache, Numbers("chain")):
            assert again.known("eye.png 12:00") == key(1)
            assert again.known("odd \udcff name") == key(2)
            assert again.known("eye.png 12:01") is None
        cache.note("eye.png 12:00", key(3))
        assert Numbers("chain").known("eye.png 12:00") == key(3)

    def test_what_is_forgotten_is_looked_for_no_more_and_may_be_kept_anew(self):
        keep(Numbers("chain"), 1)
        cache = Numbers("chain")
        place = cache.find(key(1))
        assert place is not None
        cache.forget(key(1), place)
        assert cache.find(key(1)) is None
        keep(cache, 1)
        cache.forget(key(1), place)  # another thread's late word about the damaged one
        require(cache, 1)


class TestWriters:
    """Several at once."""

    @settings(max_examples=25)
    @given(some.lists(some.tuples(some.integers(0, 2), some.integers(0, 5), some.integers(1, 200)), max_size=12))
    def test_whatever_they_keep_in_whatever_order(self, tmp_path_factory, turns):
        """The same key may come from several, and with other values: then one of them is found."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RETDSL_CACHE", str(tmp_path_factory.mktemp("cache")))
            writers = [Numbers("chain") for _ in range(3)]
            kept: dict[int, set[bytes]] = {}
            for writer, number, size in turns:
                keep(writers[writer], number, size=size)
                kept.setdefault(number, set()).add(values(number, size).tobytes())
                require(writers[writer], number, size=size)
            last = Numbers("chain")
            for number in range(6):
                there = found(last, number)
                assert there is None if number not in kept else there.tobytes() in kept[number]

    def test_threads_of_one_process(self):
        cache = Numbers("chain")
        threads = [threading.Thread(target=keep, args=[cache, *range(at, 200, 4)]) for at in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        require(cache, *range(200))
        require(Numbers("chain"), *range(200))

    def test_a_process_that_is_killed_leaves_what_it_had_kept(self):
        program = (
            "import sys\nfrom test_disk_cache import Numbers, keep\n"
            "cache, number = Numbers('chain'), 0\n"
            "while True:\n    keep(cache, number, size=5000)\n    print(number, flush=True)\n    number += 1\n"
        )
        here = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
        other = Numbers("chain")
        keep(other, 1000)
        for _ in range(3):
            process = subprocess.Popen(
                [sys.executable, "-c", program],
                env={**os.environ, "PYTHONPATH": here},
                stdout=subprocess.PIPE,
                text=True,
            )
            assert process.stdout is not None
            seen = [int(process.stdout.readline()) for _ in range(20)]
            process.send_signal(signal.SIGKILL)
            process.communicate()
            assert seen == list(range(20))
            require(Numbers("chain"), *seen, size=5000)
        keep(other, 1001)
        require(Numbers("chain"), 1000, 1001)


HARM: dict[str, Callable[[bytes, float, bytes], bytes]] = {
    "cut short": lambda data, at, _: data[: int(at * len(data))],
    "overwritten": lambda data, at, more: data[: int(at * len(data))] + more + data[int(at * len(data)) + len(more) :],
    "moved": lambda data, at, more: data[: int(at * len(data))] + more + data[int(at * len(data)) :],
    "of zeros": lambda data, at, _: data[: int(at * len(data))] + bytes(len(data) - int(at * len(data))),
    "another's": lambda _, at, more: more * int(1 + 50 * at),
}


def damage(file: Path, data: bytes) -> None:
    """As a disk does it, which tells of no other time."""
    before = file.stat()
    file.write_bytes(data)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


class TestDamage:
    """Files that are not what was written."""

    @pytest.mark.parametrize("used", [-50, 50])
    def test_what_was_made_anew_counts_from_then_on(self, used):
        """However often, and whichever file was used last: the damaged one has other numbers that are sound."""
        keep(Numbers("chain"), 1, 2)
        [index], [pixels] = files(INDEX), files(PIXELS)
        damage(pixels, bytes(100) + pixels.read_bytes()[100:])
        os.utime(pixels, (time.time() - 100,) * 2)
        cache = Numbers("chain")
        assert found(cache, 1) is None
        keep(cache, 1)
        [other] = (path for path in files(INDEX) if path != index)
        os.utime(other, (time.time() + used,) * 2)
        for _ in range(3):
            again = Numbers("chain")
            require(again, 1)
            require(again, 2)

    @settings(max_examples=80)
    @given(
        some.sampled_from([INDEX, PIXELS]),
        some.sampled_from(sorted(HARM)),
        some.floats(0, 1, exclude_max=True),
        some.binary(min_size=1, max_size=150),
    )
    def test_the_same_bytes_or_none(self, tmp_path_factory, suffix, harm, at, more):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RETDSL_CACHE", str(tmp_path_factory.mktemp("cache")))
            keep(Numbers("chain"), *range(5))
            [file], [pixels] = files(suffix), files(PIXELS)
            os.utime(pixels, (1, 1))
            damage(file, HARM[harm](file.read_bytes(), at, more))
            cache = Numbers("chain")
            there = {number: found(cache, number) for number in range(5)}
            for number, numbers in there.items():
                assert numbers is None or np.array_equal(numbers, values(number))
            keep(cache, *(number for number, numbers in there.items() if numbers is None))
            require(Numbers("chain"), *range(5))

    @pytest.mark.parametrize("records", [0, 1, 3])
    def test_of_an_index_cut_short_what_is_whole_counts(self, records):
        keep(Numbers("chain"), *range(5))
        [index] = files(INDEX)
        os.truncate(index, records * RECORD + RECORD // 2)
        cache = Numbers("chain")
        require(cache, *range(records))
        assert [found(cache, number) for number in range(records, 5)] == [None] * (5 - records)

    def test_files_that_others_have_put_there_are_nothing(self):
        keep(Numbers("chain"), 1)
        [index], [pixels] = files(INDEX), files(PIXELS)
        there = index.parent
        (there / f"alone{INDEX}").write_bytes(index.read_bytes())
        (there / f"nowhere{INDEX}").symlink_to(there / "gone")
        (there / f"folder{INDEX}").mkdir()
        (there / f"folder{PIXELS}").mkdir()
        (there / f"empty{INDEX}").touch()
        (there / f"photograph{INDEX}").write_bytes(bytes(range(256)) * 20)
        (there / f"photograph{PIXELS}").write_bytes(b"")
        (there / "notes.txt").write_text("mine")
        (there.parent / "stray").write_text("mine")
        require(Numbers("chain"), 1)
        assert found(Numbers("chain"), 2) is None
        (there / CHAIN).write_bytes(b"\xff\xfe chain")
        [chain] = listed()
        assert (chain.kind, chain.entries, chain.chain.endswith("chain")) == ("features", 1, True)
        assert pixels.exists()
        clear()
        assert listed() == []
        assert not Numbers.place().exists()

    @pytest.mark.parametrize(
        ("place", "what"),
        [
            (slice(0, 8), b"retdsl00"),
            (slice(8, 12), (7).to_bytes(4, "little")),
            (slice(12, 24), b"\xff" * 12),
            (slice(24, 32), (10**15).to_bytes(8, "little")),
        ],
        ids=["another version", "another kind of record", "more than any memory", "beyond the end"],
    )
    def test_a_sound_record_of_what_is_not_there_is_none(self, place, what):
        keep(Numbers("chain"), 1)
        [index] = files(INDEX)
        head = bytearray(index.read_bytes()[:-16])
        head[place] = what
        index.write_bytes(bytes(head) + blake2b(head, digest_size=16).digest())
        assert Numbers("chain").find(key(1)) is None

    def test_a_record_with_another_key_is_nobodys(self):
        """The bytes of the array are right, so its digest says nothing."""
        keep(Numbers("chain"), 1)
        [index] = files(INDEX)
        damage(index, index.read_bytes().replace(key(1), key(2)))
        assert [found(Numbers("chain"), number) for number in (1, 2)] == [None, None]


class TestRoom:
    """How much all of it may take."""

    def aged(self, kind: type[Cache], chain: str, age: float) -> Cache:
        """A chain of 1000 bytes, and a little, that was used so many seconds ago."""
        cache = kind(chain)
        keep(cache, 1, size=1000)
        [index] = (kind.place() / chain).glob(f"*{INDEX}")
        os.utime(index, (time.time() - age,) * 2)
        return cache

    def test_what_was_not_used_for_longest_goes_first_of_whatever_kind(self):
        for kind, chain, age in ((Numbers, "a", 400), (Photographs, "b", 500), (Photographs, "c", 300)):
            self.aged(kind, chain, age)
        room = make_room(3500, 1000, set())
        assert room == 1000
        assert [(chain.kind, chain.chain) for chain in listed()] == [("images", "c"), ("features", "a")], "and no more"
        require(Numbers("a"), 1, size=1000)
        assert found(Photographs("b"), 1) is None

    def test_what_is_in_use_stays_and_only_what_is_left_is_given(self):
        self.aged(Numbers, "a", 400)
        [index] = files(INDEX)
        assert make_room(1500, 1000, {index}) < 500
        assert make_room(900, 1000, {index}) == 0
        require(Numbers("a"), 1, size=1000)
        assert make_room(900, 1000, set()) == 900
        assert files("") == [index.parent / CHAIN]

    def test_finding_is_using(self):
        self.aged(Numbers, "a", 400)
        self.aged(Numbers, "b", 300)
        require(Numbers("a"), 1, size=1000)
        assert [chain.chain for chain in listed()] == ["a", "b"]

    def test_who_uses_what_goes_keeps_it_until_it_ends(self):
        cache = self.aged(Numbers, "a", 400)
        make_room(0, 1000, set())
        require(cache, 1, size=1000)
        assert found(Numbers("a"), 1) is None
        clear()
        require(cache, 1, size=1000)

    def test_beyond_the_limit_it_is_kept_for_the_process_and_said(self):
        cache = Numbers("chain", limit=2500)
        keep(cache, *range(5), size=1000)
        require(cache, *range(5), size=1000)
        [trouble] = cache.trouble
        assert trouble == (
            "the cache is full (RETDSL_CACHE_LIMIT allows 2.44 KiB): numbers beyond that are kept for this run alone"
        )
        assert sum(path.stat().st_size for path in files(INDEX) + files(PIXELS)) <= 2500

    @pytest.mark.parametrize(
        ("said", "means"),
        [("", LIMIT), ("5", 5), ("1.5G", 3 * 2**29), ("200 mb", 200 * 2**20), ("0", 0)],
    )
    def test_how_the_limit_is_said(self, said, means, monkeypatch):
        monkeypatch.setenv("RETDSL_CACHE_LIMIT", said)
        assert cache_limit() == means

    @pytest.mark.parametrize("said", ["much", "-5", "5 GG", "1e400", "nan", "G"])
    def test_a_limit_that_means_nothing_is_told(self, said, monkeypatch):
        monkeypatch.setenv("RETDSL_CACHE_LIMIT", said)
        with pytest.raises(RunError, match="is no number of bytes"):
            cache_limit()
