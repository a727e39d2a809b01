"""Run folders as runs write them, of figures that nobody has measured."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def epoch(number: int, total: int = 20, **changes: Any) -> dict[str, Any]:
    """A line of metrics.jsonl. The figures rise to epoch 5, which stays the best."""
    auc = 0.5 + 0.08 * min(number, 5) - 0.01 * max(0, number - 5)
    line = {
        "epoch": number,
        "epochs": total,
        "images": {"healthy": 60, "infected": 4},
        "train": {"accuracy": 0.9, "auc": auc + 0.05, "sensitivity_at_specificity_90": 0.8, "loss": 1 / number},
        "valid": {"loss": 1.2 / number, "accuracy": 0.88, "auc": auc, "sensitivity_at_specificity_90": None},
        "learning_rate": 0.01,
        "seconds": 10.0,
        "images_per_second": 6.4,
        "saved": f"net-{number:04d}.params",
        "best": {"epoch": min(number, 5), "metric": "auc", "value": 0.5 + 0.08 * min(number, 5)},
    }
    return {**line, **changes}


def step(number: int, batch: int, **changes: Any) -> dict[str, Any]:
    """A line of steps.jsonl: after a batch of 16 images, of an epoch of 4."""
    line = {
        "epoch": number,
        "batch": batch,
        "updates": 4 * (number - 1) + batch,
        "images": 16 * batch,
        "loss": 0.5 / number,
        "mean_loss": 0.6 / number - 0.01 * batch,
        "learning_rate": 0.01,
        "gradient_norm": 1.5,
        "images_per_second": 7.0,
    }
    return {**line, **changes}


def run_folder(path: Path, epochs: int = 0, total: int = 20, *, finished: bool = False, name: str = "net") -> Path:
    """A run with so many epochs, on another machine. Gives the path back."""
    path.mkdir(parents=True)
    lock = {"experiment": name, "started": "2026-11-23T08:00:00+00:00"}
    (path / "lock.json").write_text(json.dumps(lock))
    (path / ".running").write_text("another machine\n")
    (path / "spec.retina").write_text("train net { model = m  data = d }\n")
    if epochs:
        add(path, *(epoch(number, total) for number in range(1, epochs + 1)))
    if finished:
        test = {
            "loss": 0.31,
            "auc": 0.943,
            "auc_ci": [0.91, 0.97],
            "images": 292,
            "best_epoch": 5,
            "best_by": "auc",
            "best_value": 0.9,
            "epochs": total,
            "seconds": 1234.5,
        }
        (path / "test.json").write_text(json.dumps(test))
    return path


def add(path: Path, *lines: dict[str, Any], to: str = "metrics.jsonl") -> None:
    """Adds lines to a file of the run."""
    with (path / to).open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def age(path: Path, seconds: float, now: float) -> None:
    """Lets everything in the folder have been written so long ago."""
    for file in path.iterdir():
        os.utime(file, (now - seconds, now - seconds))
