"""Two finished runs of a study that trains in a second, on painted photographs that lie in a folder."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from spec_texts import TINY

from retdsl.cli import main
from retdsl.runtime import synthetic_fundus
from retdsl.runtime.sources import Wanted

CLASSES = ("healthy", "infected")
SIDE = 200

STUDY = TINY.replace("synthetic_fundus(60, ratio = 3 : 1, seed = 1, size = 64)", 'csv("labels.csv", patient = patient)')


class Runs(NamedTuple):
    """root: of the photographs; one, other: run folders, the second trained with another seed; spec: of both."""

    root: Path
    spec: Path
    one: Path
    other: Path


def paint(root: Path, count: int = 80, seed: int = 1, prefix: str = "") -> Path:
    """Photographs and `labels.csv` in a folder, which is given back."""
    source = synthetic_fundus(count, ratio=(3, 1), seed=seed, size=SIDE)
    rows = ["image,label,patient"]
    root.mkdir(parents=True, exist_ok=True)
    for at, sample in enumerate(source.samples(root, Wanted(CLASSES))):
        name = f"{prefix}{at:03d}.png"
        cv2.imwrite(str(root / name), np.asarray(source.read(root, sample))[:, :, ::-1])
        rows.append(f"{name},{CLASSES[sample.label]},{prefix}{sample.patient}")
    (root / "labels.csv").write_text("\n".join(rows) + "\n")
    return root


def train(folder: Path) -> Runs:
    """Paints the photographs, and trains both runs."""
    root = paint(folder / "photographs")
    spec = folder / "study.retina"
    spec.write_text(STUDY)
    for name, seed in (("one", 3), ("other", 4)):
        asked = ["train", str(spec), "--root", str(root), "--set", f"seed={seed}", "--run", str(folder / name)]
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            assert main([*asked, "--plain", "--threads", "2"]) == 0, said.getvalue()
    return Runs(root, spec, folder / "one", folder / "other")


def ensemble(runs: Runs, folder: Path) -> Path:
    """A folder as an ensemble of both runs leaves it, their folders beside it."""
    folder.mkdir()
    members = []
    for run in (runs.one, runs.other):
        shutil.copytree(run, folder.parent / f"member-{run.name}")
        members.append(f"member-{run.name}")
    facts = {"experiment": "both", "members": members}
    (folder / "lock.json").write_text(json.dumps(facts))
    shutil.copy(runs.one / "validation.csv", folder)
    return folder


def copied(run: Path, folder: Path) -> Path:
    """A run folder to spoil."""
    return Path(shutil.copytree(run, folder / run.name))
