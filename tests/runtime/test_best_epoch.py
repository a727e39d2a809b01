"""The best epoch of a run, asked at its end: how far its lower precision is from float32, where that can be said."""

from __future__ import annotations

import json

import pytest
from test_phases import frozen_part, network, trained_from_epoch_2, trained_from_epoch_3
from tiny_study import experiment, paint

from retdsl.runtime import bf16, features
from retdsl.runtime.checkpoint import Checkpoints
from retdsl.runtime.network import Phase
from retdsl.runtime.program import run_program

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
    precision = json.loads((tmp_path / "run" / "lock.json").read_text())["engines"]["precision"]
    assert precision["features"] > 0
    assert (precision.get("largest", 0) >= precision.get("mean", 0) > 0) == measured
    assert ("mean" in precision) == measured
    assert ("probabilities are not compared, as some of it, or all, was unfrozen later" in said) == (not measured)
