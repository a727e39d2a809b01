"""What every step on a photograph costs: microseconds of processor time an image of 224 x 224, and ratios.

    python tests/benchmarks/augmentations.py [--rounds 60] [--size 224]

Steps of `augment` act on a prepared photograph, always (p = 100%), with random numbers of their own as in training; the
random numbers are part of what is measured. Steps of `image` act once a photograph, on one of that size. The
steps take turns, a few images each round, on one thread; printed is the least time of a round, which a busy machine
disturbs least. Ratios are to `to_network`, what any image costs that is only normalized. For comparison: the same noise
drawn anew for every value, the same flip of 32-bit numbers, and NumPy's generator in place of `Chance`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from retdsl.runtime.augment import Augmenter
from retdsl.runtime.augmentation import Augmentation, one_of
from retdsl.runtime.colours import brightness, contrast, hue, saturation
from retdsl.runtime.defects import blur, cutout, gaussian_noise, jpeg
from retdsl.runtime.enhance import clahe, green_channel, subtract_local_average
from retdsl.runtime.mixing import Mixer, cutmix, mixup
from retdsl.runtime.network_input import normalize, to_network
from retdsl.runtime.prepare import crop_circle, pad
from retdsl.runtime.randomness import Chance, generator
from retdsl.runtime.sources import Wanted
from retdsl.runtime.synthetic import synthetic_fundus
from retdsl.runtime.warps import flip_horizontal, rotate, rotate180, translate, zoom

BATCH = 8
"""Images a round."""

CHAINS: dict[str, tuple[Augmentation, ...]] = {
    "nothing": (),
    "gaussian_noise": (gaussian_noise(),),
    "rotate180": (rotate180(p=1),),
    "flip_horizontal": (flip_horizontal(p=1),),
    "rotate": (rotate(),),
    "zoom": (zoom(),),
    "translate": (translate(),),
    "rotate => zoom => translate": (rotate(), zoom(), translate()),
    "brightness": (brightness(),),
    "contrast": (contrast(),),
    "saturation": (saturation(),),
    "hue": (hue(),),
    "blur": (blur(),),
    "jpeg": (jpeg(),),
    "cutout": (cutout(),),
    "one_of([blur, jpeg])": (one_of([blur(), jpeg()]),),
    "gaussian_noise => rotate180, p = 50%": (gaussian_noise(p=0.5), rotate180()),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--size", type=int, default=224)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    ways = tasks(arguments.size)
    least = dict.fromkeys(ways, float("inf"))
    for turn in range(arguments.rounds):
        for name, work in ways.items():
            started = time.thread_time()
            work(turn)
            least[name] = min(least[name], (time.thread_time() - started) / BATCH)
    unit = least["to_network"]
    for name, seconds in least.items():
        print(f"{name:40} {seconds * 1e6:8.1f} us  {seconds / unit:6.2f}")


def tasks(size: int) -> dict[str, Callable[[int], object]]:
    """What is measured: a function that does it for `BATCH` images, given the number of the round."""
    painter = synthetic_fundus(12, size=size)
    photo = painter.read(Path(), painter.samples(Path(), Wanted(("healthy", "infected")))[0])
    floats = photo.astype(np.float32) / 255
    last = normalize(mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.2))
    out = np.empty((3, size, size), np.float32)
    images, labels = np.zeros((BATCH, 3, size, size), np.float32), np.zeros(BATCH, np.float32)

    def chain(steps: tuple[Augmentation, ...]) -> Callable[[int], object]:
        augmenter = Augmenter(steps, ("healthy", "infected"), 7)
        return lambda turn: [
            augmenter(photo, epoch=turn, name=f"{k}.jpeg", label=0, occurrence=0) for k in range(BATCH)
        ]

    def mixed(step: Augmentation) -> Callable[[int], object]:
        mixer = Mixer((step,), ("healthy", "infected"), 7)
        return lambda turn: mixer(images, labels, [(f"{k}.jpeg", 0) for k in range(BATCH)], turn)

    def repeated(work: Callable[[], object]) -> Callable[[int], object]:
        return lambda _turn: [work() for _ in range(BATCH)]

    def drawn_anew() -> object:
        noise = generator("augment", 1, 2, "0.jpeg", 0, 0).standard_normal(floats.shape, dtype=np.float32)
        noise *= np.float32(0.02)
        noise += floats
        return np.clip(noise, 0, 1, out=noise)

    return {
        "to_network": repeated(lambda: to_network(photo, last, out)),
        **{f"augment: {name}": chain(steps) for name, steps in CHAINS.items()},
        "augment: mixup": mixed(mixup()),
        "augment: cutmix": mixed(cutmix()),
        **{
            f"image: {type(step).__name__}": repeated(lambda step=step: step(photo))  # type: ignore[misc]
            for step in (crop_circle(), pad(size + 32, size + 32), clahe(), subtract_local_average(), green_channel())
        },
        "noise drawn anew, 32 bit": repeated(drawn_anew),
        "flip, 32 bit": repeated(lambda: cv2.flip(floats, 1)),
        "Chance": repeated(lambda: Chance("augment", 1, 2, "0.jpeg", 0, 0).random()),
        "NumPy's generator": repeated(lambda: generator("augment", 1, 2, "0.jpeg", 0, 0).random()),
    }


if __name__ == "__main__":
    main()
