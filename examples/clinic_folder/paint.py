"""Paints a clinic's folder of photographs: FOLDER/healthy and FOLDER/infected, the patient in each file's name."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2

from retdsl.runtime.sources import Wanted
from retdsl.runtime.synthetic import synthetic_fundus

CLASSES = ("healthy", "infected")


def paint(folder: Path, photographs: int = 240) -> None:
    """Writes the photographs as PNG files."""
    source = synthetic_fundus(photographs, ratio=(5, 1), seed=7)
    for number, sample in enumerate(source.samples(folder, Wanted(CLASSES))):
        side = ("right", "left")[number % 2]
        path = folder / CLASSES[sample.label] / f"p{sample.patient.removeprefix('patient-')}_{side}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        photograph = source.read(folder, sample)
        if not cv2.imwrite(str(path), cv2.cvtColor(photograph, cv2.COLOR_RGB2BGR)):
            sys.exit(f"cannot write {path}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python paint.py FOLDER")
    paint(Path(sys.argv[1]))
