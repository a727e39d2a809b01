"""Run folders as `retdsl train` leaves them, made up: answers of any number of classes, without any network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from retdsl.runtime.answers import Answers

NASTY = "<script>alert('x')</script>&\".png"


def answers(
    classes: tuple[str, ...], n: int = 60, *, exclusive: bool = True, seed: int = 1, certain: float = 2.0
) -> Answers:
    """Two photographs a patient; the right class mostly has the highest probability."""
    random = np.random.RandomState(seed)
    names = tuple(NASTY if at == 3 else f"eyes/{seed}-{at:03d}.png" for at in range(n))
    patients = tuple(f"p{at // 2}" for at in range(n))
    if exclusive:
        labels = np.arange(n) % len(classes)
        scores = random.normal(0, 1, (n, len(classes))) + certain * np.eye(len(classes))[labels]
        p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    else:
        labels = (random.uniform(size=(n, len(classes))) < 0.4).astype(np.int64)
        labels[0] = 0
        p = 1 / (1 + np.exp(-(random.normal(0, 1, labels.shape) + certain * (2 * labels - 1))))
    return Answers(names, patients, classes, labels, p.astype(np.float32))


def made_run(folder: Path, classes: tuple[str, ...] = ("healthy", "infected"), **given: Any) -> Path:
    """A run folder. Of `given`: exclusive, validation, test (whether there is such a side), finished, lock, figures."""
    folder.mkdir(parents=True)
    exclusive = given.get("exclusive", True)
    counts = dict.fromkeys(classes, 20)
    side = {"images": 60, "patients": 30, **counts}
    lock = {
        "experiment": "made_up",
        "made_by": "retdsl",
        "spec": "study.retina",
        "seed": 7,
        "split": {"train": side, "valid": side, "test": side},
        "skipped": {"count": 1, "reasons": {"the file is empty (0 bytes)": [NASTY]}},
        "excluded": {"photographs": 12, "flags": {"blurred": 9, "duplicate": 4}, "unseen": ["x.png"]},
        "leaks": {"allowed": ["similar"], "found": {"similar": ["a.png ~ b.png"]}},
        "labels": {"graders": {"kappa": 0.71, "undecided": ["row 7"]}},
        "started": "2026-03-01T09:30:00+01:00",
        "versions": {"python": "3.11.7", "mxnet": "1.9.1", "retdsl": None},
        "frozen": [
            {"epochs": [1, 2], "parameters": 9, "statistics": 4, "sha256": {"before": "ab" * 32, "after": "ab" * 32}},
            {"epochs": [3, 3], "parameters": 1, "statistics": 0, "names": ["stem"],
             "sha256": {"before": "cd" * 32, "after": None}},
        ],
        "images": [],
        **given.get("lock", {}),
    }  # fmt: skip
    (folder / "lock.json").write_text(json.dumps(lock))
    (folder / "spec.retina").write_text('# a & b\ndata eyes { source = csv("<b>.csv") }\n')
    lines = [
        {
            "epoch": at,
            "images": counts,
            "train": {"loss": 1 / at, "auc": 0.8},
            "valid": {"loss": 1.1 / at, "auc": None if at == 1 else 0.7, "f1": None},
            "learning_rate": 0.1 / at,
            "seconds": 2,
        }
        for at in (1, 2, 3)
    ]
    if not given.get("validation", True):
        lines = [{**line, "valid": None} for line in lines]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    if given.get("finished", True):
        if given.get("validation", True):
            (folder / "validation.csv").write_text(answers(classes, exclusive=exclusive, seed=2).text())
        if given.get("test", True):
            (folder / "predictions.csv").write_text(answers(classes, exclusive=exclusive).text())
        test = {"loss": 0.4, "images": 60, "patients": 30, "best_epoch": 2, "best_by": "auc", "epochs": 3}
        (folder / "test.json").write_text(json.dumps({**test, **given.get("figures", {})}))
    return folder


POINT = {
    "metric": "sensitivity_at_specificity_90", "threshold": 0.62, "chosen_on": "validation",
    "sensitivity": 0.9, "sensitivity_ci": [0.8, 0.97], "specificity": 0.93, "specificity_ci": [0.85, 0.98], "ppv": None,
}  # fmt: skip

FIGURES = {
    "auc": 0.95, "auc_ci": [0.9, 0.99], "accuracy": 0.9, "accuracy_ci": [0.8, 0.96], "f1": None, "f1_ci": [None, None],
    "operating_points": [POINT],
    "per_patient": {"auc": 0.96, "auc_ci": [0.9, 1.0], "operating_points": [{**POINT, "threshold": 0.7}]},
    "intervals": {"method": "percentile bootstrap over patients", "resamples": 2000, "level": 0.95, "seed": 1},
}  # fmt: skip
