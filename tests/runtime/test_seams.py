"""Where parts of a study meet that were each tested alone: whole runs of small studies."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import fields, replace
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import pytest
from tiny_study import CLASSES, SIDE, experiment, network, paint, whole_part

from retdsl.balance.counts import reading_of
from retdsl.balance.epochs import drawn_from, drawn_in_epoch
from retdsl.ir import Call
from retdsl.reproducing import differences_of
from retdsl.runtime import (
    class_aware,
    cutmix,
    gaussian_noise,
    hard,
    mixup,
    oversample,
    progressive,
    resample,
    rotate180,
)
from retdsl.runtime.class_weights import inverse_frequency
from retdsl.runtime.data_check import examine
from retdsl.runtime.dataset import Data
from retdsl.runtime.enhance import green_channel
from retdsl.runtime.exclusion import audit
from retdsl.runtime.feed import Batches
from retdsl.runtime.folders import folder
from retdsl.runtime.hard_examples import LastLosses
from retdsl.runtime.joined_sources import joined
from retdsl.runtime.labels import findings
from retdsl.runtime.loader import Loader
from retdsl.runtime.losses import Sigmoid, Softmax
from retdsl.runtime.manifest import facts_of_today
from retdsl.runtime.metrics import accuracy
from retdsl.runtime.mx import mx
from retdsl.runtime.network_input import normalize
from retdsl.runtime.packing import pack
from retdsl.runtime.prepare import resize
from retdsl.runtime.program import run_program
from retdsl.runtime.reading import read_all
from retdsl.runtime.record_source import recordio
from retdsl.runtime.sources import sha256_of_photograph
from retdsl.runtime.split import by_column, by_patient
from retdsl.runtime.tables import csv
from retdsl.runtime.trainer import Trainer


def run(study, folder: Path, *more: str) -> int:
    return run_program(study, ["--run", str(folder), "--plain", "--no-cache", "--threads", "2", *more])


def lines(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture
def noted(monkeypatch):
    """What every epoch tells those after it: the losses of its images."""
    found = []
    note = LastLosses.note

    def noting(self, positions, losses):
        found.append((positions.copy(), losses.copy()))
        note(self, positions, losses)

    monkeypatch.setattr(LastLosses, "note", noting)
    return found


@pytest.fixture
def outcomes(monkeypatch):
    """What became of every epoch."""
    found = []
    train_epoch = Trainer.train_epoch

    def training(self, *arguments, **options):
        found.append(train_epoch(self, *arguments, **options))
        return found[-1]

    monkeypatch.setattr(Trainer, "train_epoch", training)
    return found


@pytest.mark.parametrize("step", [mixup(alpha=1), cutmix()])
def test_the_loss_of_a_mixed_image_is_the_one_that_it_was_trained_by(step, noted, outcomes, tmp_path):
    study = experiment(
        paint(tmp_path), augment=(step,), sampling=hard(0.5), training={"epochs": 2, "last_batch": "pad"}
    )
    assert run(study, tmp_path / "run") == 0
    for line, trained, (_, losses) in zip(lines(tmp_path / "run"), outcomes, noted, strict=True):
        assert line["train"]["loss"] == pytest.approx(trained.loss)
        assert losses.mean() == pytest.approx(trained.loss)
    told = json.loads((tmp_path / "run" / "lock.json").read_text())["class_weights"]
    assert max(told.values()) > 1  # a mixed image weighs in between, so it matters by which labels


def paint_findings(root: Path) -> Path:
    rows = ["image,patient,red,blue"]
    for index in range(60):
        red, blue = index // 2 % 2, index // 4 % 2
        photo = np.random.RandomState(index).randint(60, 120, (SIDE, SIDE, 3)).astype(np.uint8)
        photo[:, :, 2] += np.uint8(80 * red)
        photo[:, :, 0] += np.uint8(80 * blue)
        cv2.imwrite(str(root / f"{index:03d}.png"), photo)
        rows.append(f"{index:03d}.png,p{index // 2},{red},{blue}")
    (root / "labels.csv").write_text("\n".join(rows) + "\n")
    return root


def several(root: Path, **changes):
    data = Data(
        source=csv("labels.csv", patient="patient", label=findings(("red", "blue"))),
        classes=("none", "red", "blue"),
        split=by_patient(0.6, 0.2, 0.2, seed=1),
    )
    settings = {
        "data": data,
        "network": network(loss=Sigmoid(), frozen=None, trained=three_part),
        "training": {"metrics": (accuracy(),), "checkpoint": None, "epochs": 2},
    }
    given = {**settings, **changes}
    training = {key: value for key, value in given["training"].items() if value is not None}
    return experiment(root, **{**given, "training": {"checkpoint": every_epoch(), **training}})


def every_epoch():
    from retdsl.runtime.checkpoint import every

    return every(1)


def three_part(features):
    from retdsl.runtime.symbols import sym

    flat = sym.Flatten(features["data"], name="flatten")
    return sym.FullyConnected(flat, num_hidden=3, name="fc")


def test_a_part_of_a_finding_is_no_finding_lost(noted, outcomes, tmp_path):
    """Labels [n, C] of mixed photographs are shares; figures and losses must not take each share below 1 for 0."""
    study = several(paint_findings(tmp_path), augment=(mixup(alpha=0.3),), sampling=hard(0.3))
    assert run(study, tmp_path / "run") == 0
    for line, trained, (_, losses) in zip(lines(tmp_path / "run"), outcomes, noted, strict=True):
        assert line["train"]["loss"] == pytest.approx(trained.loss)
        assert losses.mean() == pytest.approx(trained.loss)
        assert trained.predictions.labels.mean() > 0.35  # 5 of 12 without mixing


def test_findings_come_back_from_records_as_they_were_packed(tmp_path):
    study = several(paint_findings(tmp_path))
    before = study.data.divided(tmp_path)
    pack(before, range(60), tmp_path / "eyes.rec", form="as they are", threads=2)
    again = replace(study.data, source=recordio("eyes.rec", patient="([0-9]+)")).divided(tmp_path)
    said = {sample.image.split("/")[-1]: (sample.label, sample.target) for sample in again.samples}
    assert said == {sample.image: (sample.label, sample.target) for sample in before.samples}


def test_findings_are_refused_by_a_network_that_answers_with_one_class(tmp_path, capsys):
    study = several(paint_findings(tmp_path), network=network(loss=Softmax(), frozen=None, trained=three_part))
    assert run(study, tmp_path / "run") == 1
    assert "photographs show several classes at once, and the network answers with one" in capsys.readouterr().err


FACTS = ("split", "split_sha256", "images", "labels_sha256")


def test_what_a_run_left_out_is_no_difference_afterwards(tmp_path):
    """`reproduce` compares facts of today with those of the run, which has left out what cannot be read."""
    paint(tmp_path)
    study = experiment(tmp_path, training={"epochs": 1})
    study = replace(study, data=replace(study.data, on_bad_image="skip"))
    (tmp_path / "007.png").write_bytes((tmp_path / "007.png").read_bytes()[:100])
    (tmp_path / "030.png").write_bytes(b"")
    assert run(study, tmp_path / "run") == 0
    then, now = json.loads((tmp_path / "run" / "lock.json").read_text()), facts_of_today(study, tmp_path)
    assert {row["image"] for row in then["images"]} == {f"{at:03d}.png" for at in range(44)} - {"007.png", "030.png"}
    assert [*differences_of(then, now)] == []
    assert run_program(study, ["--symbols", str(tmp_path / "symbols")]) == 0
    symbol = (tmp_path / "symbols" / "tiny-symbol.json").read_text()
    assert all(str(weight) in symbol for weight in then["class_weights"].values())
    cv2.imwrite(str(tmp_path / "007.png"), np.full((SIDE, SIDE, 3), 90, np.uint8))
    told = [found.subject for found in differences_of(then, facts_of_today(study, tmp_path))]
    assert told == ["image new", "split"]


@pytest.mark.parametrize("policy", [resample(), resample(by="patient"), oversample(), class_aware()])
def test_an_epoch_of_findings_is_the_one_that_check_tells_of(policy, tmp_path):
    """What `check --data -v` is told of the labels says what the runtime draws, though findings overlap."""
    study = several(paint_findings(tmp_path), sampling=policy)
    found = examine(study.data, tmp_path, 2, lambda _: None, cached=False)
    counts = reading_of(json.loads(json.dumps(found.to_json())), tmp_path).counts
    options = tuple((field.name, getattr(policy, field.name)) for field in fields(policy))
    call = Call(type(policy).__name__, options)
    told = drawn_in_epoch(call, 1, 3, drawn_from(call, counts.train))
    reading = read_all(study.data.open(tmp_path), 2, cached=False)
    batches = Batches(study, reading.dataset, reading.images, None, 2)
    indices = np.concatenate([batch.indices for batch in batches.training(1)])
    assert told == tuple(np.bincount(reading.dataset.labels(indices.tolist())).tolist())


LEVEL = 20
"""The green of the first photograph; every other has a green of its own, by which it is known wherever it turns up."""


def paint_clinics(root: Path) -> dict[int, tuple[str, str]]:
    """Two clinics whose column says the sides, an external test set, an audit. Of every level of green that the study
    uses: the class and the side.
    """
    known: dict[int, tuple[str, str]] = {}
    audited = ["image,origin,label,flags,sha256"]
    level = LEVEL
    for clinic, count in (("north", 40), ("south", 24)):
        (root / clinic).mkdir()
        rows = ["image,label,patient,usage"]
        for at in range(count):
            label, name = CLASSES[at // 2 % 4 == 1], f"{clinic}/{at:02d}.png"
            side = ("Learn", "Learn", "Learn", "Test")[at // 2 % 8 // 2]
            photo = np.full((40, 40, 3), 250, np.uint8)
            photo[:, :, 1] = level
            data = cv2.imencode(".png", photo)[1].tobytes()
            broken, flagged = at % 16 == 3, at % 16 == 5
            (root / name).write_bytes(data[:60] if broken else data)
            rows.append(f"{name},{label},{clinic}{at // 2},{side}")
            digest = sha256_of_photograph((root / name).read_bytes())
            audited.append(f"{name},{('north', 'south').index(clinic)},{label},{'blurred' * flagged},{digest}")
            if not broken and not flagged:
                known[level] = label, side
            level += 1
        (root / f"{clinic}.csv").write_text("\n".join(rows) + "\n")
    for at in range(8):
        label = CLASSES[at % 2]
        (root / "elsewhere" / label).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / "elsewhere" / label / f"q{at}_left.png"), np.full((40, 40, 3), level, np.uint8))
        known[level] = label, "Test"
        level += 1
    (root / "audit.csv").write_text("\n".join(audited) + "\n")
    return known


def clinics(root: Path, **training):
    data = Data(
        source=joined((csv("north.csv", patient="patient"), csv("south.csv", patient="patient"))),
        classes=CLASSES,
        split=by_column("usage", train="Learn", valid=0.3, test="Test", seed=2),
        prepare=(green_channel(channels=1), resize(32, 32)),
        normalize=normalize(mean=(0.5,), std=(0.5,)),
        test=folder("elsewhere", patient="(q[0-9])_"),
        exclude=audit("audit.csv", ("blurred",)),
        on_bad_image="skip",
    )
    return experiment(
        root,
        data=data,
        network=network(input_shape=(1, 32, 32), frozen=None, trained=whole_part),
        augment=(rotate180(p=1.0), gaussian_noise(sigma=0.002, on=("infected",)), mixup(alpha=0.4, p=0.5)),
        sampling=hard(0.3, progressive(epochs=3)),
        training={"last_batch": "pad", "epochs": 4, "batch": 8, **training},
    )


def level_of(image) -> int:
    """Which photograph an input of the network is."""
    return round(float(image.mean() * 0.5 + 0.5) * 255)


def test_every_part_at_once_keeps_photographs_and_labels_together(monkeypatch, tmp_path):
    known = paint_clinics(tmp_path)
    study = replace(clinics(tmp_path), augment=(rotate180(), gaussian_noise(sigma=0.002, on=("infected",))))
    seen: list[tuple[bool, int, str]] = []
    made = Loader.ahead

    def watched(self, parts, number, *, training):
        for batch in made(self, parts, number, training=training):
            for image, label, index in zip(batch.images, batch.labels, batch.indices, strict=True):
                level = level_of(image)
                assert known[level][0] == CLASSES[int(label)]
                noisy = bool(image.std() > 1e-4)
                assert noisy == (training and CLASSES[int(label)] == "infected")
                seen.append((training, level, self._samples[index].image))
            yield batch

    monkeypatch.setattr(Loader, "ahead", watched)
    assert run(study, tmp_path / "run") == 0
    lock = json.loads((tmp_path / "run" / "lock.json").read_text())
    side_of = {row["image"]: row["side"] for row in lock["images"]}
    assert len(side_of) == len(known)
    assert {image for trains, _, image in seen if trains} <= {i for i, side in side_of.items() if side == "train"}
    assert {image for trains, _, image in seen if not trains} == {i for i, s in side_of.items() if s != "train"}
    assert len({(level, image) for _, level, image in seen}) == len({image for *_, image in seen})
    assert {known[level][1] == "Test" for _, level, image in seen if side_of[image] == "test"} == {True}
    counts = Counter(row["label"] for row in lock["images"] if row["side"] == "train")
    weights = inverse_frequency().weights([counts[name] for name in CLASSES])
    assert [*lock["class_weights"].values()] == pytest.approx(weights)
    assert lock["skipped"]["count"] == 5
    assert lock["excluded"]["photographs"] == 5
    assert json.loads((tmp_path / "run" / "test.json").read_text())["images"] == [*side_of.values()].count("test")
    predicted = (tmp_path / "run" / "predictions.csv").read_text().splitlines()[1:]
    assert {line.split(",")[0] for line in predicted} == {i for i, side in side_of.items() if side == "test"}
    assert [*differences_of(lock, facts_of_today(study, tmp_path))] == []


def test_threads_and_the_cache_change_no_bit(monkeypatch, tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    paint_clinics(root)
    monkeypatch.setenv("RETDSL_CACHE", str(tmp_path / "cache"))
    found = set()
    for name, *options in (
        ("one", "--threads", "1", "--no-cache"),
        ("two", "--threads", "2"),
        ("again", "--threads", "2"),
        ("four", "--threads", "4"),
    ):
        folder = tmp_path / name
        assert run_program(clinics(root, epochs=2), ["--run", str(folder), "--plain", *options]) == 0
        files = [*sorted((folder / "checkpoints").glob("*.params")), folder / "predictions.csv"]
        figures = [{k: v for k, v in line.items() if "second" not in k} for line in lines(folder)]
        found.add((*(sha256(file.read_bytes()).hexdigest() for file in files), json.dumps(figures)))
    assert len(found) == 1


def test_what_the_test_side_holds_changes_nothing_that_is_learned(tmp_path):
    """Other pixels and labels on the test side: the same parameters, bit by bit."""
    found = []
    for name in ("as it is", "otherwise"):
        root = tmp_path / name
        root.mkdir()
        paint_clinics(root)
        study = clinics(root, epochs=2)
        if name == "otherwise":
            for path in (root / "elsewhere").rglob("*.png"):
                cv2.imwrite(str(path), 255 - cv2.imread(str(path)))
            more = root / "elsewhere" / "infected"
            cv2.imwrite(str(more / "q9_left.png"), np.full((40, 40, 3), 3, np.uint8))
        assert run(study, root / "run") == 0
        params = sorted((root / "run" / "checkpoints").glob("*.params"))
        learned = [{**line["train"], **line["valid"]} for line in lines(root / "run")]
        found.append((*(sha256(path.read_bytes()).hexdigest() for path in params), json.dumps(learned)))
    assert found[0] == found[1]


@pytest.mark.parametrize("first", [(0.75, 0.25), (1.0, 0.0)])
def test_shares_in_records_are_trained_on(first, tmp_path):
    """Only the source knows that its labels are soft; no key of the data block says so."""
    writer = mx.recordio.MXRecordIO(str(tmp_path / "eyes.rec"), "w")
    for at in range(40):
        share = np.float32(first if at // 2 % 2 else (0.0, 1.0))
        photo = np.full((SIDE, SIDE, 3), 2 * at + 20, np.uint8)
        writer.write(mx.recordio.pack_img(mx.recordio.IRHeader(0, share, at, at // 2 + 1), photo, img_fmt=".png"))
    writer.close()
    study = experiment(tmp_path, training={"epochs": 1}, augment=())
    study = replace(study, data=replace(study.data, source=recordio("eyes.rec", patient="id2")))
    assert run(study, tmp_path / "run") == 0


def test_classes_are_refused_by_a_network_that_answers_for_each(tmp_path, capsys):
    study = experiment(paint(tmp_path), network=network(loss=Sigmoid(), frozen=None, trained=whole_part))
    assert run(study, tmp_path / "run") == 1
    assert "44 photographs do not say yes or no to each class" in capsys.readouterr().err
