"""What it costs to feed a network: the first pass, later epochs, the loader beside training, and memory.

    python tests/benchmarks/data.py [first later cost memory] [--photographs 160] [--rounds 3] [--threads 1]

Needs ../shared/fundus, whose photographs are enlarged to 3000 x 2000 JPEGs of quality 90. All ways see the same files
with the same number of threads, take turns in one process, and are compared by what they take of the processor, so that
a noisy machine is noisy for all of them; wall time is printed beside it.

first   every photograph from its file to 224 x 224: `load_all` with an empty cache, and MXNet's ImageRecordIter
later   an epoch of batches, gaussian_noise and rotate180 each on half of the images: our loader; ImageRecordIter,
        which augments nothing; and a loader as PyTorch has them, which decodes and augments in threads, image by image
cost    a training step with the loader, against one batch that is used again and again
memory  what the process holds after the third of 50 epochs, and after the last
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from retdsl.runtime import gaussian_noise, rotate180
from retdsl.runtime.dataset import Data, Dataset
from retdsl.runtime.disk_cache import clear
from retdsl.runtime.image_cache import ImageCache
from retdsl.runtime.loader import Loader
from retdsl.runtime.network_input import normalize
from retdsl.runtime.prepare import crop_circle, resize
from retdsl.runtime.prepared import PreparedImages
from retdsl.runtime.split import by_patient
from retdsl.runtime.tables import csv

FUNDUS = Path(__file__).resolve().parents[3] / "shared" / "fundus"
SIDE, BATCH = 224, 32
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
AUGMENT = (gaussian_noise(sigma=0.02, p=0.5), rotate180(p=0.5))
PARTS = ("first", "later", "cost", "memory")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all without any")
    parser.add_argument("--photographs", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="ImageRecordIter takes at most half the processors")
    parser.add_argument("--omp", type=int, default=len(os.sched_getaffinity(0)), help="threads of MXNet in `cost`")
    arguments = parser.parse_args()
    if not FUNDUS.is_dir():
        sys.exit(f"the photographs are not at {FUNDUS}")
    os.environ["OMP_NUM_THREADS"] = str(arguments.omp)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RETDSL_CACHE"] = str(Path(folder) / "cache")
        photographs = Photographs(Path(folder), arguments.photographs, arguments.threads)
        for part in arguments.parts or PARTS:
            {"first": first, "later": later, "cost": cost, "memory": memory}[part](photographs, arguments.rounds)


class Photographs:
    """Large JPEGs, as files with a table, and as records."""

    def __init__(self, folder: Path, count: int, threads: int) -> None:
        from retdsl.runtime.mx import mx

        self.folder, self.count, self.threads = folder, count, threads
        self.paths = [folder / f"{number:04d}.jpg" for number in range(count)]
        rows = ["image,label"]
        records = mx.recordio.MXIndexedRecordIO(str(folder / "all.idx"), str(folder / "all.rec"), "w")
        small = sorted((FUNDUS / "images").iterdir())
        for number, path in enumerate(self.paths):
            photo = cv2.resize(cv2.imread(str(small[number % len(small)])), (3000, 2000), interpolation=cv2.INTER_CUBIC)
            data = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
            path.write_bytes(data)
            label = number % 2
            records.write_idx(number, mx.recordio.pack(mx.recordio.IRHeader(0, label, number, 0), data))
            rows.append(f"{path.name},{('healthy', 'infected')[label]}")
        records.close()
        (folder / "labels.csv").write_text("\n".join(rows) + "\n")
        print(f"{count} JPEGs of 3000 x 2000, {threads} thread(s) each", flush=True)

    def dataset(self, *steps: Any) -> Dataset:
        data = Data(csv("labels.csv"), ("healthy", "infected"), by_patient(), (*steps, resize(SIDE, SIDE)))
        return data.divided(self.folder)

    def cached(self) -> tuple[Dataset, PreparedImages]:
        dataset = self.dataset()
        images = PreparedImages(dataset, self.threads, ImageCache(dataset.chain))
        images.load_all()
        return dataset, images

    def loader(self, threads: int, augment: tuple[Any, ...]) -> tuple[Loader, Any]:
        """A loader, and the order of an epoch of whole batches."""
        dataset, images = self.cached()
        everything = range(len(dataset.samples))
        last = normalize(mean=MEAN, std=STD)
        labels = dataset.labels(everything)
        loader = Loader(images, dataset, everything, labels, augment, last, BATCH, 0, threads)
        return loader, np.arange(self.count // BATCH * BATCH)

    def record_iter(self) -> Callable[[], None]:
        from retdsl.runtime.mx import mx

        iterator = mx.io.ImageRecordIter(
            path_imgrec=str(self.folder / "all.rec"),
            data_shape=(3, SIDE, SIDE),
            resize=SIDE,
            batch_size=BATCH,
            preprocess_threads=self.threads,
            **{f"mean_{c}": 255 * m for c, m in zip("rgb", MEAN, strict=True)},
            **{f"std_{c}": 255 * s for c, s in zip("rgb", STD, strict=True)},
        )

        def epoch() -> None:
            iterator.reset()
            for batch in iterator:
                batch.data[0].wait_to_read()

        return epoch


def compare(title: str, ways: dict[str, Callable[[], None]], rounds: int, images: int) -> None:
    """Lets the ways take turns, and prints what an image takes, and how the others stand to the first."""
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    wall: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            used, began = time.process_time(), time.perf_counter()
            way()
            if turn > 0:  # the first warms up
                cpu[name].append(time.process_time() - used)
                wall[name].append(time.perf_counter() - began)
    print(f"{title}, medians of {rounds} rounds")
    own = next(iter(ways))
    for name in ways:
        a, b = statistics.median(cpu[name]), statistics.median(wall[name])
        ratios = (a / statistics.median(cpu[own]), b / statistics.median(wall[own]))
        print(
            f"  {name:<34} {1000 * a / images:8.3f} ms of processor an image {ratios[0]:7.2f} x "
            f"{1000 * b / images:8.3f} ms of wall time {ratios[1]:7.2f} x",
            flush=True,
        )


def first(photographs: Photographs, rounds: int) -> None:
    def passes(*steps: Any) -> Callable[[], None]:
        dataset = photographs.dataset(*steps)

        def load() -> None:
            clear()
            found = PreparedImages(dataset, photographs.threads, ImageCache(dataset.chain)).load_all()
            assert found.prepared == photographs.count
            assert not found.refused

        return load

    ways = {
        "retdsl, resize": passes(),
        "retdsl, crop_circle and resize": passes(crop_circle()),
        "ImageRecordIter": photographs.record_iter(),
    }
    compare(f"first pass to {SIDE} x {SIDE}", ways, rounds, photographs.count)


def later(photographs: Photographs, rounds: int) -> None:
    loader, order = photographs.loader(photographs.threads, AUGMENT)
    plain, _ = photographs.loader(photographs.threads, ())
    epochs = iter(range(1, 10**6))

    def ours() -> None:
        assert sum(len(batch.labels) for batch in loader.epoch(order, next(epochs), training=True)) == len(order)

    def not_augmented() -> None:
        assert sum(len(batch.labels) for batch in plain.epoch(order, next(epochs), training=True)) == len(order)

    def in_the_way_of_pytorch() -> None:
        assert sum(map(len, torch_style(photographs, next(epochs)))) == len(order)

    ways = {
        "retdsl": ours,
        "retdsl, nothing augmented": not_augmented,
        "ImageRecordIter, nothing augmented": photographs.record_iter(),
        "decode and augment in threads": in_the_way_of_pytorch,
    }
    compare("later epochs", ways, rounds, len(order))


def torch_style(photographs: Photographs, epoch: int) -> Iterator[Any]:
    """Batches made as a PyTorch data set with a transform makes them."""
    random = np.random.default_rng(epoch)
    mean, std = np.float32(MEAN), np.float32(STD)

    def item(job: tuple[Path, int, bool, bool]) -> Any:
        path, seed, noisy, turned = job
        photo = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        image = cv2.resize(photo, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        if noisy:
            image += np.random.default_rng(seed).normal(0, 0.02, image.shape).astype(np.float32)
            np.clip(image, 0, 1, out=image)
        if turned:
            image = image[::-1, ::-1]
        return np.ascontiguousarray(((image - mean) / std).transpose(2, 0, 1))

    jobs = [
        (path, int(random.integers(2**31)), bool(random.random() < 0.5), bool(random.random() < 0.5))
        for path in photographs.paths[: photographs.count // BATCH * BATCH]
    ]
    with ThreadPoolExecutor(photographs.threads) as pool:
        for start in range(0, len(jobs), BATCH):
            yield np.stack(list(pool.map(item, jobs[start : start + BATCH])))


SPEC = """
data eyes {{
  source  = synthetic_fundus(64, ratio = 1 : 1)
  classes = [healthy, infected]
  image   = photo => resize(224, 224)
}}
backbone base = zoo(efficientnet_lite0)
model net = base[global_pool] => Flatten => FullyConnected(2) => Softmax
train t {{ model = net  data = eyes  freeze = {freeze}  batch = 32  optimizer = adam }}
"""


def cost(photographs: Photographs, rounds: int) -> None:
    for title, freeze, augment in (
        ("EfficientNet-Lite0 frozen, nothing augmented", "base", ()),
        ("EfficientNet-Lite0 frozen, augmented", "base", AUGMENT),
        ("EfficientNet-Lite0 trained, nothing augmented", "none", ()),
        ("EfficientNet-Lite0 trained, augmented", "none", AUGMENT),
    ):
        step_cost(photographs, title, freeze, augment, rounds)


def step_cost(photographs: Photographs, title: str, freeze: str, augment: tuple[Any, ...], rounds: int) -> None:
    """Prints what a step takes with the loader, against one fixed batch; each round has as many steps of both."""
    step = trainer(freeze)
    loader, order = photographs.loader(photographs.threads, augment)
    batches = 4
    order = np.resize(order, batches * BATCH)
    one = next(loader.epoch(order, 1, training=False))
    pairs: list[tuple[float, float]] = []
    used: list[tuple[float, float]] = []
    for turn in range(rounds + 1):
        took, cpu = [], []
        for source in ([one] * batches, loader.epoch(order, turn + 1, training=True)):
            began, busy = time.perf_counter(), time.process_time()
            step(source)
            took.append(time.perf_counter() - began)
            cpu.append(time.process_time() - busy)
        if turn > 0:
            pairs.append((took[0], took[1]))
            used.append((cpu[0], cpu[1]))
    fixed, loaded = (statistics.median(pair[place] for pair in pairs) for place in (0, 1))
    more = statistics.median(100 * (pair[1] / pair[0] - 1) for pair in pairs)
    busier = statistics.median(100 * (pair[1] / pair[0] - 1) for pair in used)
    print(
        f"{title}: {1000 * fixed / batches:.1f} ms a step with a fixed batch, {1000 * loaded / batches:.1f} with the "
        f"loader, {more:+.1f} % of wall time (median of {rounds} pairs), {busier:+.1f} % of the processor",
        flush=True,
    )


def trainer(freeze: str) -> Callable[[Any], None]:
    """What trains on batches, as a generated program does."""
    import runpy

    from retdsl import compiler
    from retdsl.diagnostics import Diagnostics
    from retdsl.runtime.schedules import Course, constant
    from retdsl.runtime.trainer import Recipe, Trainer

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spec.retina"
        path.write_text(SPEC.format(freeze=freeze))
        spec = compiler.read(str(path), None, Diagnostics())
        assert spec is not None
        program = compiler.check(spec).program
        assert program is not None
        train_py = compiler.compile_experiment(program, program.experiments[0], Path(folder) / "t", None)
        experiment = runpy.run_path(str(train_py))["EXPERIMENT"]
    network = experiment.network
    start = network.starting_values(network.deploy_symbol(), 0, None, None)
    made = Trainer(network, start, Recipe(experiment.training.optimizer, constant(), Course((1000,)), BATCH, 0, None))
    return lambda batches: (made.train_epoch(1, batches), None)[1]


def memory(photographs: Photographs, rounds: int) -> None:  # noqa: ARG001
    loader, order = photographs.loader(photographs.threads, AUGMENT)
    held = []
    for epoch in range(1, 51):
        for batch in loader.epoch(order, epoch, training=True):
            assert batch.images.shape[1:] == (3, SIDE, SIDE)
        held.append(resident())
    print(f"memory: {held[2]:.1f} MB after 3 epochs, {held[-1]:.1f} MB after 50, {held[-1] - held[2]:+.1f} MB")


def resident() -> float:
    """Megabytes that the process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
