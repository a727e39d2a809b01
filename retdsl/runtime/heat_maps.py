"""Photographs and maps of where a network saw its answers, and the file that holds them.

Enters: what `grad_cam` has made. Leaves: the same, for whoever shows it. Guaranteed: what is read is what was written;
nothing of MXNet is loaded.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.decode import Photograph
from retdsl.runtime.files import write_bytes


@dataclass(frozen=True)
class Wanted:
    """A photograph by its name, and the class whose signs are looked for."""

    image: str
    label: int


@dataclass(frozen=True)
class HeatMaps:
    """photographs: as prepared, uint8 [H, W, C], by name; maps: float32 [h, w] by name, none where `layer` is None;
    layer: the one that was looked at; hashes: SHA-256 of the photographs' files; refused: why others cannot be shown.
    """

    photographs: Mapping[str, Photograph]
    maps: Mapping[str, NDArray[np.float32]]
    layer: str | None
    hashes: Mapping[str, str]
    refused: Mapping[str, str]

    def save(self, file: Path) -> None:
        """Writes all of it as one .npz file."""
        about = {"layer": self.layer, "hashes": dict(self.hashes), "refused": dict(self.refused)}
        arrays: dict[str, Any] = {f"photograph {name}": photo for name, photo in self.photographs.items()}
        arrays |= {f"map {name}": values for name, values in self.maps.items()}
        packed = io.BytesIO()
        np.savez(packed, about=np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays)
        write_bytes(file, packed.getvalue())


def load_heat_maps(file: Path) -> HeatMaps:
    """What `HeatMaps.save` has written."""
    with np.load(file, allow_pickle=False) as held:
        about = json.loads(held["about"].tobytes())
        photographs = {key.removeprefix("photograph "): held[key] for key in held if key.startswith("photograph ")}
        maps = {key.removeprefix("map "): held[key] for key in held if key.startswith("map ")}
    return HeatMaps(photographs, maps, about["layer"], about["hashes"], about["refused"])
