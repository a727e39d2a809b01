"""What makes a run the run it is: what stayed frozen, versions, seeds, hashes, and how to have it again.

Enters: lock.json. Leaves: lines of a name and a text. Guaranteed: hashes stand whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from retdsl.report.words import counted


@dataclass(frozen=True)
class Frozen:
    """A phase of training: its epochs, what was frozen in it, the hash before; same: whether it is the hash after,
    None while the phase has not come to its end.
    """

    epochs: str
    what: str
    names: tuple[str, ...]
    sha256: str
    same: bool | None


def frozen(lock: Mapping[str, Any]) -> list[Frozen]:
    """What was frozen in each phase; phases in which all was trained are left out."""
    return [_phase(phase) for phase in lock.get("frozen") or () if phase["parameters"] or phase["statistics"]]


def _phase(phase: Mapping[str, Any]) -> Frozen:
    first, last = phase["epochs"]
    statistics = f", {counted(phase['statistics'], 'array')} of statistics" if phase["statistics"] else ""
    before, after = phase["sha256"]["before"], phase["sha256"]["after"]
    return Frozen(
        f"epoch {first}" if first == last else f"epochs {first} to {last}",
        counted(phase["parameters"], "array") + " of parameters" + statistics,
        tuple(phase.get("names", ())),
        before,
        None if after is None else before == after,
    )


def machine(lock: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Versions, threads, the device, seeds."""
    versions = lock.get("versions") or {}
    if versions:
        yield "versions", ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    for name, key in (("made by", "made_by"), ("system", "system"), ("device", "device"), ("threads", "threads")):
        if lock.get(key):
            yield name, str(lock[key])
    for name, key in (("seed", "seed"), ("seed of the split", "split_seed")):
        if lock.get(key) is not None:
            yield name, str(lock[key])


def hashes(lock: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """SHA-256 of everything that the run was made of."""
    for name, key in (("spec", "spec_sha256"), ("program", "program_sha256"), ("split", "split_sha256")):
        if lock.get(key):
            yield name, lock[key]
    yield from (lock.get("labels_sha256") or {}).items()
    files = [*(lock.get("weights") or ()), *([lock["mean_image"]] if lock.get("mean_image") else ())]
    yield from ((found["file"], found["sha256"]) for found in files)
