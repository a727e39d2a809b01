"""Batches: in order, the same for any number of threads, and no thread left behind."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest

from retdsl.runtime import gaussian_noise, mixup, rotate180
from retdsl.runtime.ahead import AHEAD
from retdsl.runtime.decode import Photograph
from retdsl.runtime.errors import RunError
from retdsl.runtime.loader import Batch, Loader
from retdsl.runtime.network_input import normalize, to_network
from retdsl.runtime.sample import Sample

LAST = normalize(mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))


class Painted:
    """Numbered photographs that count how often they are asked for, and their samples."""

    def __init__(self, n: int = 40, broken: tuple[int, ...] = ()) -> None:
        self.samples = tuple(Sample(f"{index}.png", index % 2, str(index)) for index in range(n))
        self.photographs = np.random.default_rng(0).integers(0, 256, (n, 8, 6, 3), dtype=np.uint8)
        self.broken = broken
        self.asked: list[int] = []

    def __getitem__(self, index: int) -> Photograph:
        self.asked.append(index)
        if index in self.broken:
            raise RunError(f"{index}.png cannot be read")
        return np.asarray(self.photographs[index])


def loader(painted: Painted, threads: int = 2, seed: int = 7) -> Loader:
    indices = range(len(painted.samples))
    labels = [sample.label for sample in painted.samples]
    steps = (gaussian_noise(sigma=0.1, p=0.8), rotate180())
    return Loader(painted, painted, indices, labels, steps, LAST, batch=8, seed=seed, threads=threads)


def pixels(batches: Sequence[Batch]) -> dict[tuple[int, int], bytes]:
    """What each turn of each image looked like."""
    seen: dict[tuple[int, int], bytes] = {}
    for batch in batches:
        for index, image in zip(batch.indices.tolist(), batch.images, strict=True):
            turn = sum(key[0] == index for key in seen)
            seen[index, turn] = image.tobytes()
    return seen


def no_threads_left() -> bool:
    return not any(thread.name.startswith("loader") for thread in threading.enumerate())


def test_validation_batches_are_the_prepared_images_in_order() -> None:
    painted = Painted()
    order = [5, 3, 9, 11, 2, 1, 0, 30, 31, 32]
    first, second = loader(painted).epoch(order, 1, training=False)
    assert first.images.shape == (8, 3, 8, 6)
    assert second.images.shape == (2, 3, 8, 6)
    assert first.images.dtype == first.labels.dtype == np.float32
    assert first.images.flags.c_contiguous
    assert np.concatenate([first.indices, second.indices]).tolist() == order
    assert first.labels.tolist() == [1, 1, 1, 1, 0, 1, 0, 0]
    assert np.array_equal(second.images[1], to_network(painted.photographs[32], LAST))


def test_an_epoch_of_nothing_has_no_batches() -> None:
    assert list(loader(Painted()).epoch([], 1, training=True)) == []


def test_threads_and_order_change_nothing() -> None:
    order = np.random.default_rng(1).integers(0, 40, 100).tolist()
    single = list(loader(Painted(), threads=1).epoch(order, 3, training=True))
    several = list(loader(Painted(), threads=4).epoch(order, 3, training=True))
    assert all(np.array_equal(a.images, b.images) for a, b in zip(single, several, strict=True))
    backwards = list(loader(Painted(), threads=4).epoch(order[::-1], 3, training=True))
    assert pixels(single) == pixels(backwards)


def test_each_turn_epoch_and_seed_looks_different() -> None:
    looks = [
        image.tobytes()
        for seed, epoch in [(7, 1), (7, 2), (8, 1)]
        for batch in loader(Painted(), seed=seed).epoch([4] * 6, epoch, training=True)
        for image in batch.images
    ]
    assert len(set(looks)) > 15  # 18, but for images that two steps of chance left alone


def test_only_a_few_batches_are_made_ahead() -> None:
    painted = Painted()
    batches = loader(painted, threads=1).epoch(list(range(40)) * 50, 1, training=False)
    next(batches)
    assert len(painted.asked) <= (2 + AHEAD) * (8 + 1)
    batches.close()


def test_mixing_makes_targets_in_training_only() -> None:
    painted = Painted()
    batches = Loader(
        painted, painted, range(40), [k % 2 for k in range(40)], (rotate180(), mixup(alpha=1)), LAST, 8, 7, 2, "ab"
    )
    plain = loader(painted)
    for mixed, as_it_is in zip(
        batches.epoch(range(40), 1, training=True), batches.epoch(range(40), 1, training=False), strict=True
    ):
        assert mixed.labels.shape == (8, 2)
        assert mixed.labels.dtype == np.float32
        assert as_it_is.labels.shape == (8,)
        assert not np.array_equal(mixed.images, as_it_is.images)
    again, several = (list(batches.epoch(range(40), 1, training=True)) for _ in range(2))
    assert all(np.array_equal(a.images, b.images) for a, b in zip(again, several, strict=True))
    assert next(plain.epoch(range(8), 1, training=True)).labels.shape == (8,)


def test_steps_act_on_the_classes_that_they_name() -> None:
    painted = Painted()
    steps = (rotate180(p=1, on=("b",)),)
    batches = Loader(painted, painted, range(40), [k % 2 for k in range(40)], steps, LAST, 8, 7, 2, "ab")
    (made,) = batches.epoch(range(8), 1, training=True)
    for index, image in enumerate(made.images):
        photo = painted.photographs[index]
        expected = np.ascontiguousarray(photo[::-1, ::-1]) if index % 2 else photo
        assert np.array_equal(image, to_network(expected, LAST))


def test_leaving_early_ends_the_threads() -> None:
    for _ in loader(Painted()).epoch(range(40), 1, training=True):
        break
    assert no_threads_left()


def test_a_photograph_that_fails_raises_in_its_turn_and_ends_the_threads() -> None:
    batches = loader(Painted(broken=(20,))).epoch(range(40), 1, training=False)
    assert next(batches).indices[0] == 0
    assert next(batches).indices[0] == 8
    with pytest.raises(RunError, match=r"20\.png cannot be read"):
        next(batches)
    assert no_threads_left()


def test_memory_of_batches_is_used_again_once_nobody_has_them() -> None:
    batches = loader(Painted(n=400), threads=2).epoch(range(400), 1, training=True)
    places = set()
    for batch in batches:
        places.add(batch.images.ctypes.data)
        del batch
    assert len(places) <= 2 + AHEAD + 2


def test_memory_of_batches_that_somebody_has_is_left_alone() -> None:
    painted = Painted(n=400)
    kept = [batch.images[1:2] for batch in loader(painted).epoch(range(400), 1, training=False)]
    for number, images in enumerate(kept):
        assert np.array_equal(images[0], to_network(painted.photographs[8 * number + 1], LAST))


def test_ctrl_c_ends_the_threads() -> None:
    class Interrupted(Painted):
        def __getitem__(self, index: int) -> Photograph:
            if index == 17:
                raise KeyboardInterrupt
            return super().__getitem__(index)

    batches = loader(Interrupted(), threads=3).epoch(range(40), 1, training=True)
    with pytest.raises(KeyboardInterrupt):
        list(batches)
    assert no_threads_left()


def test_the_first_of_several_errors_is_told() -> None:
    batches = loader(Painted(broken=(30, 9, 12)), threads=4).epoch(range(40), 1, training=False)
    with pytest.raises(RunError, match=r"^9\.png"):
        list(batches)
