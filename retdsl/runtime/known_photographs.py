"""What a run has seen before, among photographs that it is to be judged by: an evaluation on them would be none.

Enters: the manifest of a run (`images` of its lock.json), and the photographs it is asked about, with their hashes.
Leaves: `Known`. A run has learned from its training side, and chosen its best epoch and its thresholds by its
validation side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retdsl.runtime.errors import RunError
from retdsl.runtime.sample import Sample

LEARNED_FROM = {"train": "learned from", "valid": "validated on"}
"""What a run has done with the photographs of a side."""


@dataclass(frozen=True, slots=True)
class Known:
    """photographs: those that are files of the run's own training or validation side, patients: those that have
    photographs there, each in words; patients_compared: whether the run's record names its patients.
    """

    photographs: tuple[str, ...]
    patients: tuple[str, ...]
    patients_compared: bool

    def require_none(self) -> None:
        """Raises RunError if there are any."""
        if not self.photographs and not self.patients:
            return
        help = ["leave them out: figures on what a network has learned from say nothing"]
        if self.patients:
            help.append("if they are other people with the same names, give them other names")
        help.append("or go on knowingly with --allow-known; the figures are then marked")
        raise RunError("the run knows these already", items=self.lines(), help=help)

    def lines(self) -> list[str]:
        """What is known, a line each."""
        return [*self.photographs, *self.patients]

    def to_json(self) -> dict[str, Any]:
        return {
            "photographs": list(self.photographs),
            "patients": list(self.patients),
            "patients_compared": self.patients_compared,
        }


def find_known(manifest: Iterable[Mapping[str, str]], samples: Sequence[Sample], hashes: Sequence[str]) -> Known:
    """What of these samples a run has seen. hashes: the SHA-256 of each.

    A source that names no patients names each after its photograph: such names say nothing about another source.
    """
    rows = [row for row in manifest if row.get("side") in LEARNED_FROM]
    seen = {row["sha256"]: row for row in rows if row.get("sha256")}
    patients = {row["patient"]: row["side"] for row in rows if row.get("patient") not in (None, row["image"])}
    found: list[str] = []
    of_patients: dict[str, list[str]] = {}
    for sample, digest in zip(samples, hashes, strict=True):
        if (row := seen.get(digest)) is not None:
            same = "" if row["image"] == sample.image else f" is {row['image']}, which"
            found.append(f"{sample.image}:{same} the run has {LEARNED_FROM[row['side']]}")
        elif sample.patient != sample.image and sample.patient in patients:
            of_patients.setdefault(sample.patient, []).append(sample.image)
    named = [
        f"patient {patient}: the run has {LEARNED_FROM[patients[patient]]} others of the same name ({len(images)} here)"
        for patient, images in of_patients.items()
    ]
    return Known(tuple(found), tuple(named), any("patient" in row for row in rows))
