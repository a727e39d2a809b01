"""The cache of prepared photographs: used where nothing has changed, and never wrong pixels, whatever happens to it."""

from __future__ import annotations

import errno
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from retdsl.runtime import disk_cache, image_cache, segments, sources
from retdsl.runtime.dataset import Data, Dataset
from retdsl.runtime.decode import Photograph
from retdsl.runtime.disk_cache import listed
from retdsl.runtime.errors import RunError
from retdsl.runtime.image_cache import ImageCache, chain_text
from retdsl.runtime.prepare import resize
from retdsl.runtime.prepared import FirstPass, PreparedImages
from retdsl.runtime.segments import INDEX, PIXELS, RECORD
from retdsl.runtime.split import by_patient
from retdsl.runtime.synthetic import synthetic_fundus
from retdsl.runtime.tables import csv

N, SIDE = 12, 16


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of this test's own; photographs count as settled as soon as they are written."""
    monkeypatch.setenv("RETDSL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("RETDSL_CACHE_LIMIT", raising=False)
    monkeypatch.setattr(sources, "MOMENT", -1.0)


class Read(Dataset):
    """A data set that notes what is read and what is prepared."""

    fetched: list[int]
    prepared: list[int]

    def fetch(self, index: int) -> bytes | Photograph:
        self.fetched.append(index)
        return super().fetch(index)

    def prepare(self, fetched: bytes | Photograph) -> Photograph:
        self.prepared.append(len(self.prepared))
        return super().prepare(fetched)


def dataset(root: Path, *steps: object, n: int = N) -> Read:
    """Some photographs of noise; they are painted when first asked for."""
    if not (root / "labels.csv").exists():
        for number in range(n):
            paint(root, number, number)
        rows = "".join(f"{number}.png,{'ab'[number % 2]}\n" for number in range(n))
        (root / "labels.csv").write_text("image,label\n" + rows)
    steps = steps or (resize(SIDE, SIDE),)
    plain = Data(csv("labels.csv"), ("a", "b"), by_patient(), steps).divided(root)  # type: ignore[arg-type]
    read = Read(plain.data, plain.root, plain.samples, plain.train, plain.valid, plain.test)
    object.__setattr__(read, "fetched", [])
    object.__setattr__(read, "prepared", [])
    return read


def paint(root: Path, number: int, seed: int) -> None:
    photo = np.random.default_rng(seed).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    cv2.imwrite(str(root / f"{number}.png"), photo)


def pass_over(data: Read, **options: object) -> tuple[PreparedImages, FirstPass]:
    images = PreparedImages(data, 2, ImageCache(data.chain, **options))  # type: ignore[arg-type]
    return images, images.load_all()


def require_right(images: PreparedImages, data: Read) -> None:
    """Every photograph is what preparation gives, at its first use and later."""
    for _ in range(2):
        for index in range(len(data.samples)):
            assert np.array_equal(images[index], Dataset.prepare(data, Dataset.fetch(data, index)))


def files(suffix: str) -> list[Path]:
    return sorted(ImageCache.place().glob(f"*/*{suffix}"))


class TestUse:
    """What is taken from the cache, and what is not."""

    def test_a_later_run_neither_reads_nor_prepares(self, tmp_path: Path) -> None:
        _, first = pass_over(dataset(tmp_path))
        assert (first.prepared, first.unread) == (N, 0)
        again = dataset(tmp_path)
        images, found = pass_over(again)
        assert (again.fetched, again.prepared) == ([], [])
        assert (found.prepared, found.unread) == (0, N)
        assert found.looked == first.looked
        require_right(images, again)

    def test_what_is_given_out_is_not_written_to(self, tmp_path: Path) -> None:
        images, _ = pass_over(dataset(tmp_path))
        for index in range(N):
            _ = images[index]
        assert not any(images[index].flags.writeable for index in range(N))

    def test_files_that_were_touched_are_read_but_not_prepared(self, tmp_path: Path) -> None:
        pass_over(dataset(tmp_path))
        for number in range(N):
            os.utime(tmp_path / f"{number}.png", (1, 1))
        again = dataset(tmp_path)
        _, found = pass_over(again)
        assert (len(again.fetched), found.prepared, found.unread) == (N, 0, 0)
        last = dataset(tmp_path)
        assert pass_over(last)[1].unread == N, "their new stamps are noted"

    def test_a_photograph_that_has_just_changed_is_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It may change again within a tick of the file system's clock, and nobody could tell."""
        monkeypatch.setattr(sources, "MOMENT", 3600.0)
        pass_over(dataset(tmp_path))
        again = dataset(tmp_path)
        assert pass_over(again)[1].unread == 0
        assert again.prepared == []

    @pytest.mark.parametrize("keep_time", [False, True])
    def test_a_changed_photograph_is_read_anew(self, tmp_path: Path, keep_time: bool) -> None:
        before = pass_over(dataset(tmp_path))[1].looked
        path = tmp_path / "3.png"
        old = path.stat()
        paint(tmp_path, 3, 99)
        if keep_time:
            os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
        again = dataset(tmp_path)
        images, found = pass_over(again)
        index = next(i for i, sample in enumerate(again.samples) if sample.image == "3.png")
        assert (again.fetched, found.prepared) == ([index], 1)
        assert found.looked[index] != before[index]
        require_right(images, again)

    def test_photographs_that_change_places_do_not_change_pixels(self, tmp_path: Path) -> None:
        pass_over(dataset(tmp_path))
        os.rename(tmp_path / "1.png", tmp_path / "x.png")
        os.rename(tmp_path / "2.png", tmp_path / "1.png")
        os.rename(tmp_path / "x.png", tmp_path / "2.png")
        again = dataset(tmp_path)
        images, _ = pass_over(again)
        require_right(images, again)

    def test_a_photograph_that_changes_during_a_run_is_told(self, tmp_path: Path) -> None:
        images, _ = pass_over(dataset(tmp_path), lasts=False, spare=False)
        paint(tmp_path, 0, 77)
        with pytest.raises(RunError, match=r"0\.png is not what it was when it was first read"):
            _ = images[0]

    def test_another_chain_has_photographs_of_its_own(self, tmp_path: Path) -> None:
        pass_over(dataset(tmp_path))
        other = dataset(tmp_path, resize(SIDE, SIDE + 1))
        images, found = pass_over(other)
        assert found.prepared == N
        require_right(images, other)
        assert {chain.chain for chain in listed()} == {
            "photo => resize(height=16, width=16)",
            "photo => resize(height=16, width=17)",
        }

    @pytest.mark.parametrize("what", ["PREPARATION", "cv2"])
    def test_another_version_has_photographs_of_its_own(
        self, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pass_over(dataset(tmp_path))
        if what == "cv2":
            monkeypatch.setattr(cv2, "getBuildInformation", lambda: "another OpenCV")
        else:
            monkeypatch.setattr(image_cache, what, 999)
        assert pass_over(dataset(tmp_path))[1].prepared == N

    def test_painted_photographs_are_cached_and_the_painter_counts(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = Data(synthetic_fundus(12, size=64), ("a", "b"), by_patient(), (resize(SIDE, SIDE),))
        painted = data.divided(tmp_path)
        assert PreparedImages(painted, 2, ImageCache(painted.chain)).load_all().prepared == 12
        assert PreparedImages(painted, 2, ImageCache(painted.chain)).load_all().unread == 12
        monkeypatch.setattr("retdsl.runtime.synthetic.PAINTER", 999)
        found = PreparedImages(painted, 2, ImageCache(painted.chain)).load_all()
        assert (found.unread, found.prepared) == (0, 0), "painted anew, and found to be the same"

    def test_proof_reads_and_prepares_all(self, tmp_path: Path) -> None:
        _, first = pass_over(dataset(tmp_path))
        again = dataset(tmp_path)
        found = PreparedImages(again, 2, ImageCache(again.chain)).load_all(verify=True)
        assert sorted(again.fetched) == list(range(N))
        assert found.prepared == N
        assert found.looked == first.looked

    def test_steps_that_do_not_tell_their_options_are_not_cached(self, tmp_path: Path) -> None:
        assert chain_text((resize(2, 3), lambda photo: photo)) is None
        data = dataset(tmp_path, lambda photo: photo[:2, :2])
        images, _ = pass_over(data)
        require_right(images, data)
        assert files(INDEX) == []

    def test_it_can_be_left_alone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        data = dataset(tmp_path)
        require_right(pass_over(data, lasts=False)[0], data)
        monkeypatch.setenv("RETDSL_CACHE_LIMIT", "0")
        require_right(pass_over(data)[0], data)
        assert not ImageCache.place().exists()


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= 1
    path.write_bytes(bytes(data))


HARM: dict[str, Callable[[], None]] = {
    "a bit of pixels": lambda: flip(files(PIXELS)[0], 3000),
    "every byte of pixels": lambda: files(PIXELS)[0].write_bytes(bytes(files(PIXELS)[0].stat().st_size)),
    "a bit of the index": lambda: flip(files(INDEX)[0], 5 * RECORD + 40),
    "pixels cut short": lambda: os.truncate(files(PIXELS)[0], 2345),
    "pixels gone": lambda: files(PIXELS)[0].unlink(),
    "pixels empty": lambda: files(PIXELS)[0].write_bytes(b""),
    "index cut short": lambda: os.truncate(files(INDEX)[0], 3 * RECORD + 7),
    "index gone": lambda: files(INDEX)[0].unlink(),
    "index of another kind": lambda: files(INDEX)[0].write_bytes(os.urandom(5000)),
    "an index that is a folder": lambda: (files(INDEX)[0].unlink(), files(PIXELS)[0].with_suffix(INDEX).mkdir())[1],
    "all gone": lambda: disk_cache.clear(),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_cache_is_rebuilt(tmp_path: Path, harm: str) -> None:
    pass_over(dataset(tmp_path))
    for path in files(INDEX) + files(PIXELS):
        os.utime(path, (1, 1))
    HARM[harm]()
    data = dataset(tmp_path)
    images, found = pass_over(data)
    assert not found.refused
    require_right(images, data)
    assert images.damaged + found.prepared > 0 or harm == "a bit of the index"
    last = dataset(tmp_path)
    images, found = pass_over(last)
    require_right(images, last)
    assert (found.prepared, images.damaged) == (0, 0), "what was rebuilt is kept"


def test_any_bit_may_flip(tmp_path: Path) -> None:
    draw = random.Random(0)
    pass_over(dataset(tmp_path))
    for _ in range(40):
        victim = draw.choice([path for path in files(INDEX) + files(PIXELS) if path.stat().st_size])
        flip(victim, draw.randrange(10**9))
        data = dataset(tmp_path)
        require_right(pass_over(data)[0], data)


def test_damage_while_a_run_goes_on(tmp_path: Path) -> None:
    data = dataset(tmp_path)
    images, _ = pass_over(data)
    descriptor = os.open(files(PIXELS)[0], os.O_WRONLY)
    os.pwrite(descriptor, bytes(700), 0)
    os.close(descriptor)
    require_right(images, data)
    assert images.damaged == 1
    for path in files(PIXELS):
        os.truncate(path, 10)
    require_right(images, data)
    assert images.damaged == 1 + N


WRITER = """
import sys, time
from pathlib import Path
from retdsl.runtime import sources
sources.MOMENT = -1.0
from retdsl.runtime.dataset import Data
from retdsl.runtime.image_cache import ImageCache
from retdsl.runtime.prepare import resize
from retdsl.runtime.prepared import PreparedImages
from retdsl.runtime.split import by_patient
from retdsl.runtime.tables import csv
data = Data(csv("labels.csv"), ("a", "b"), by_patient(), (resize(16, 16),)).divided(Path(sys.argv[1]))
images = PreparedImages(data, 2, ImageCache(data.chain))
print("ready", flush=True)
found = images.load_all(lambda done, total: time.sleep(float(sys.argv[2])))
print(found.prepared, len(found.refused), *images.cache.trouble, flush=True)
"""


def writer(root: Path, pause: float = 0.0, **options: object) -> subprocess.Popen[str]:
    """A process that prepares all photographs and caches them."""
    command = [sys.executable, "-c", WRITER, str(root), str(pause)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload,no-any-return]


def test_writers_killed_at_any_moment(tmp_path: Path) -> None:
    dataset(tmp_path, n=60)
    draw = random.Random(1)
    for _ in range(20):
        process = writer(tmp_path, 0.001)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(draw.uniform(0, 0.06))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        data = dataset(tmp_path)
        images = PreparedImages(data, 2, ImageCache(data.chain))
        place = [images.cache.known(data.stamp(index)) for index in range(60)]
        for key in filter(None, place):
            found = images.cache.find(key)
            assert found is None or found.segment.read(found) is not None
        if draw.random() < 0.3:
            disk_cache.clear()
    data = dataset(tmp_path)
    images, _ = pass_over(data)
    require_right(images, data)


def test_two_processes_at_once(tmp_path: Path) -> None:
    dataset(tmp_path, n=60)
    both = [writer(tmp_path, 0.002), writer(tmp_path, 0.001)]
    said = [process.communicate()[0].split()[1:] for process in both]
    assert all(words[1:] == ["0"] for words in said), "nothing refused, no trouble"
    data = dataset(tmp_path)
    images, found = pass_over(data)
    assert found.unread == 60
    require_right(images, data)


class TestNoRoom:
    """Where the cache cannot be written, a run goes on without."""

    def test_a_full_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As the system tells of it: in the middle of a photograph, for all files from then on."""
        left, write = 3000, os.pwrite

        def pwrite(file: int, data: memoryview, offset: int) -> int:
            nonlocal left
            if left <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written = write(file, data[:left], offset)
            left -= written
            return written

        monkeypatch.setattr(segments.os, "pwrite", pwrite)
        data = dataset(tmp_path)
        images, found = pass_over(data)
        assert (found.prepared, found.refused) == (N, {})
        assert [("No space left" in text) for text in images.cache.trouble] == [True, True]
        require_right(images, data)
        monkeypatch.undo()
        monkeypatch.setenv("RETDSL_CACHE", str(tmp_path / "cache"))
        again = dataset(tmp_path)
        images, found = pass_over(again)
        assert found.prepared > 0
        require_right(images, again)

    def test_a_limit_on_the_size_of_files(self, tmp_path: Path) -> None:
        dataset(tmp_path)
        process = writer(
            tmp_path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
        )
        said = process.communicate()[0]
        assert process.returncode == 0
        assert f"{N} 0 " in said
        assert "File too large" in said
        data = dataset(tmp_path)
        images, found = pass_over(data)
        assert 0 < found.prepared < N
        require_right(images, data)

    def test_a_cache_folder_that_cannot_be(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("RETDSL_CACHE", str(tmp_path / "file"))
        data = dataset(tmp_path)
        images, found = pass_over(data)
        assert not found.refused
        assert len(images.cache.trouble) == 1
        assert "cannot be written to (Not a directory)" in images.cache.trouble[0]
        require_right(images, data)

    def test_a_cache_that_may_only_be_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        pass_over(dataset(tmp_path))
        paint(tmp_path, 3, 99)

        def refuse(_folder: Path) -> segments.Segment:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        monkeypatch.setattr(segments.Segment, "create", refuse)
        data = dataset(tmp_path)
        images, found = pass_over(data)
        assert (found.prepared, found.unread) == (1, N - 1)
        assert "Read-only file system" in images.cache.trouble[0]
        require_right(images, data)

    def test_no_place_anywhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RETDSL_CACHE", "/proc/none")
        monkeypatch.setattr("tempfile.tempdir", "/proc/none")
        data = dataset(tmp_path)
        images, found = pass_over(data)
        assert found.prepared == N
        assert len(images.cache.trouble) == 2
        require_right(images, data)


class TestLimit:
    """How much the cache may take."""

    def test_what_was_not_used_for_longest_goes_first(self, tmp_path: Path) -> None:
        size = N * (768 + RECORD * 2)
        chains = [(resize(SIDE, SIDE),), (resize(16, 15),), (resize(16, 14),)]
        for age, chain in ((300, chains[0]), (200, chains[1])):
            pass_over(dataset(tmp_path, *chain))
            newest = max(files(INDEX), key=lambda path: path.stat().st_mtime)
            os.utime(newest, (time.time() - age,) * 2)
        pass_over(dataset(tmp_path, *chains[0]))  # used again
        images, _ = pass_over(dataset(tmp_path, *chains[2]), limit=int(2.2 * size))
        assert images.cache.trouble == []
        assert {chain.chain[-9:-1] for chain in listed()} >= {"width=16", "width=14"}
        assert pass_over(dataset(tmp_path, *chains[0]))[1].prepared == 0
        assert pass_over(dataset(tmp_path, *chains[1]))[1].prepared == N

    def test_more_than_the_limit_is_kept_for_the_run_alone(self, tmp_path: Path) -> None:
        data = dataset(tmp_path)
        images, found = pass_over(data, limit=5000)
        assert found.prepared == N
        assert "the cache is full" in images.cache.trouble[0]
        assert sum(path.stat().st_size for path in files("")) <= 5000 + 100
        require_right(images, data)
