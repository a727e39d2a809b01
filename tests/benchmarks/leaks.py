"""How surely near copies of fundus photographs are told from different eyes, and how long it takes for many.

    python tests/benchmarks/leaks.py FOLDER [--size 224] [--crop] [--threads 2] [--many 20000]

FOLDER: holds photographs of different eyes, all of which are prepared at `--size`, with `--crop` after `crop_circle`.
Printed are the highest correlations of fingerprints among all pairs of different photographs, how many are proposed and
confirmed, and of each kind of copy, made of every photograph before it is prepared, how many are found. With `--many`,
so many fingerprints, half of them on one side, are compared; that takes photographs made of noise, since only their
number matters, and 0 leaves it out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from retdsl.runtime import likeness
from retdsl.runtime.decode import Photograph, decode
from retdsl.runtime.prepare import crop_circle, prepare_photograph, resize


def encoded(photo: Photograph, quality: int) -> Photograph:
    return decode(cv2.imencode(".jpg", photo[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())


def scaled(photo: Photograph, share: float) -> Photograph:
    small = cv2.resize(photo, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, photo.shape[1::-1]))


def cut(photo: Photograph, share: float) -> Photograph:
    """Without so much of the width and of the height, the same on all sides."""
    down, across = (round(length * share / 2) for length in photo.shape[:2])
    return photo[down : photo.shape[0] - down, across : photo.shape[1] - across]


def cut_on_one_side(photo: Photograph, share: float) -> Photograph:
    return photo[round(photo.shape[0] * share) :, round(photo.shape[1] * share) :]


COPIES: dict[str, Callable[[Photograph], Photograph]] = {
    "JPEG of quality 50": lambda photo: encoded(photo, 50),
    "60 % and back": lambda photo: scaled(photo, 0.6),
    "10 % brighter": lambda photo: np.asarray(cv2.convertScaleAbs(photo, alpha=1.1)),
    "10 % darker": lambda photo: np.asarray(cv2.convertScaleAbs(photo, alpha=0.9)),
    "cut by 2 %": lambda photo: cut(photo, 0.02),
    "cut by 3 %": lambda photo: cut(photo, 0.03),
    "cut by 6 %": lambda photo: cut(photo, 0.06),
    "3 % of two sides": lambda photo: cut_on_one_side(photo, 0.03),
    "half a turn": lambda photo: photo[::-1, ::-1],
    "mirrored": lambda photo: photo[:, ::-1],
    "several": lambda photo: encoded(np.asarray(cv2.convertScaleAbs(cut(scaled(photo, 0.6), 0.03), alpha=1.1)), 50)[
        :, ::-1
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--crop", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--many", type=int, default=20_000)
    arguments = parser.parse_args()
    steps = (*([crop_circle()] if arguments.crop else []), resize(arguments.size, arguments.size))
    files = sorted(arguments.folder.iterdir())
    cv2.setNumThreads(1)

    def prepared(file: Path, copy: Callable[[Photograph], Photograph] = lambda photo: photo) -> Photograph:
        return prepare_photograph(np.ascontiguousarray(copy(decode(file.read_bytes()))), steps)

    with ThreadPoolExecutor(arguments.threads) as pool:
        originals = list(pool.map(prepared, files))
        of_different_photographs(originals, files, arguments.threads)
        for name, copy in COPIES.items():
            copies = list(pool.map(lambda file, copy=copy: prepared(file, copy), files))
            of_copies(name, originals, copies, arguments.threads)
    if arguments.many:
        of_many(arguments.many, arguments.threads)


def of_different_photographs(photographs: list[Photograph], files: list[Path], threads: int) -> None:
    everything = range(len(photographs))
    prints = likeness.fingerprints(photographs.__getitem__, everything, threads)
    signs = [np.where(np.array(part) % 2, -1, 1).astype(np.float32) for part in likeness._LOWER]
    ways = (1, signs[0], signs[1], signs[0] * signs[1])
    best = np.max([(prints * way) @ prints.T for way in ways], axis=0)[np.triu_indices(len(prints), 1)]
    above = ", ".join(f"{(best > edge).sum()} above {edge}" for edge in (0.5, 0.6, likeness.PROPOSED))
    print(f"{len(best)} pairs of different photographs: at most {best.max():.2f}; {above}")
    for a, b, way, alike in likeness.near_copies(photographs.__getitem__, [(everything, everything)], threads):
        if a < b:
            print(f"  confirmed: {files[a].name} {files[b].name} {likeness.WAYS[way]} {alike:.2f}")


def of_copies(name: str, originals: list[Photograph], copies: list[Photograph], threads: int) -> None:
    count = len(originals)
    both = [*originals, *copies]
    prints = likeness.fingerprints(both.__getitem__, range(2 * count), threads)
    found = [
        likeness.likeness(originals[at], copies[at], way)
        for at in range(count)
        for _, _, way in likeness._candidates(prints[at : at + 1], prints[count + at : count + at + 1])
    ]
    confirmed = sorted(value for value in found if value >= likeness.least_likeness(originals[0]))
    low = confirmed[len(confirmed) // 100] if confirmed else 0
    print(
        f"{name:>20}: {len(found):4} of {count} proposed, {len(confirmed):4} confirmed "
        f"({100 * len(confirmed) / count:.1f} %), 99 % of them above {low:.2f}"
    )


def of_many(count: int, threads: int) -> None:
    random = np.random.default_rng(1)
    few = [random.integers(0, 255, (224, 224, 3)).astype(np.uint8) for _ in range(64)]
    clocks = time.perf_counter(), time.process_time()
    likeness.fingerprints(lambda index: few[index % 64], range(count), threads)
    print(f"fingerprints of {count}: {_took(*clocks)}")
    prints = random.normal(size=(count, len(likeness._LOWER[0]))).astype(np.float32)
    prints /= np.linalg.norm(prints, axis=1, keepdims=True)
    half = count // 2
    clocks = time.perf_counter(), time.process_time()
    pairs = list(likeness._candidates(prints[:half], prints[half:]))
    print(f"{half * (count - half):,} pairs compared in four ways, {len(pairs)} proposed: {_took(*clocks)}")


def _took(wall: float, processor: float) -> str:
    return f"{time.perf_counter() - wall:.1f} s, {time.process_time() - processor:.1f} s of processor time"


if __name__ == "__main__":
    main()
