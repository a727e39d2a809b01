"""The best epoch, asked at the end of a run: the same for all workers, and how far its lower precision is from float32,
where that can be said.
"""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from side_by_side import everywhere
from test_phases import frozen_part, network, trained_from_epoch_2, trained_from_epoch_3
from tiny_study import experiment, paint

from retdsl.runtime import bf16, features
from retdsl.runtime.answers import answers_of
from retdsl.runtime.best_epoch import BestEpoch, told_parameters
from retdsl.runtime.checkpoint import Checkpoints
from retdsl.runtime.engines import Engines
from retdsl.runtime.network import Phase
from retdsl.runtime.predictions import Predictions
from retdsl.runtime.program import run_program
from retdsl.runtime.sample import Sample
from retdsl.runtime.workers import Workers

PARAMETERS = {"weight": np.float32([[1, np.nan], [-0.0, 1e-45]]), "empty": np.zeros((0, 3), np.float32)}


def test_one_process_reads_the_file_itself():
    assert told_parameters(Workers(), lambda: PARAMETERS) is PARAMETERS


def test_who_has_no_file_is_told_the_same_bits():
    read: list[int] = []

    def told(workers):
        def load():
            read.append(workers.rank)
            return PARAMETERS

        return told_parameters(workers, load)

    for found in everywhere(3, told):
        assert {name: (value.tobytes(), value.shape) for name, value in found.items()} == {
            name: (value.tobytes(), value.shape) for name, value in PARAMETERS.items()
        }
    assert read == [0], "the others have no such file"


SAMPLES = tuple(Sample(f"{number}.png", number % 2, f"patient {number}") for number in range(4))
LOWER = np.float32([[0.5, 0.5], [0.25, 0.75], [1, 0], [0.125, 0.875]])
EXACT = np.float32([[0.5, 0.5], [0.5, 0.5], [0.75, 0.25], [0.125, 0.875]])


def predictions(probabilities):
    return Predictions(np.arange(4), np.array([0, 1, 0, 1]), probabilities)


@pytest.mark.parametrize("name", ["int8", "bf16"])
def test_precisions_are_compared_by_probabilities_and_told(name):
    notes: list[str] = []
    written: list[dict] = []
    engines = Engines(record=written.append, facts={"precision": {"frozen": name, "features": 0.01}})
    dataset = SimpleNamespace(samples=SAMPLES, classes=("a", "b"))
    best = BestEpoch(
        experiment=SimpleNamespace(training=SimpleNamespace(epochs=1), network=SimpleNamespace(phases=())),
        epoch=1,
        parameters=PARAMETERS,
        trainer=SimpleNamespace(
            frozen_part=SimpleNamespace(is_there=True),
            predict=lambda batches, _saved: [*batches] and predictions(LOWER),
        ),
        batches=SimpleNamespace(of=lambda _side: [predictions(LOWER)], dataset=dataset),
        feed=SimpleNamespace(of=lambda asked: asked),
        engines=engines,
        workers=Workers(),
        progress=SimpleNamespace(note=notes.append, batch=lambda _images: None),
    )
    best.compare_precisions((0, 1, 2, 3), answers_of(predictions(EXACT), SAMPLES, ("a", "b")))
    expected = {"frozen": name, "features": 0.01, "largest": 0.25, "mean": 0.125}
    assert engines.facts["precision"] == expected
    assert written[-1]["engines"]["precision"] == expected
    [note] = notes
    assert note.startswith(f"{name} in the frozen part: probabilities of the validation photographs are within 0.25")
    assert "that is much" in note


IN_TWO = (Phase(2, trained_from_epoch_2), Phase(3, trained_from_epoch_3))
ALL = (*IN_TWO, Phase(4, lambda inputs: frozen_part(inputs["data"])))


@pytest.mark.parametrize(
    ("phases", "best", "measured"),
    [(IN_TWO, 3, True), (IN_TWO, 2, False), (ALL, 4, False)],
)
def test_precisions_are_compared_where_the_frozen_part_is_what_it_was(
    phases, best, measured, tmp_path, monkeypatch, capsys
):
    plain = Checkpoints.offer

    def offer(self, epoch, figures, *rest, **more):
        return plain(self, epoch, {**figures, "auc": float(epoch == best)}, *rest, **more)

    monkeypatch.setattr(Checkpoints, "offer", offer)
    training = {"epochs": 4, "precision": bf16("frozen"), "cache": features()}
    net = network(phases=phases, frozen=None if phases is ALL else frozen_part)
    study = experiment(paint(tmp_path), network=net, training=training, augment=())
    assert run_program(study, ["--run", str(tmp_path / "run"), "--plain", "--threads", "1", "--no-cache"]) == 0
    assert f"best epoch {best}" in (said := capsys.readouterr().err)
    lock = json.loads((tmp_path / "run" / "lock.json").read_text())
    precision = lock["engines"]["precision"]
    seen = sum(lock["split"][side]["images"] for side in ("train", "valid"))
    assert phases is ALL or lock["features"]["computed"] == 3 * seen  # in each phase once
    assert precision["features"] > 0
    assert (precision.get("largest", 0) >= precision.get("mean", 0) > 0) == measured
    assert ("mean" in precision) == measured
    assert ("probabilities are not compared, as some of it, or all, was unfrozen later" in said) == (not measured)
