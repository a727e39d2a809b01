"""The photographs of the page, and over them where the network saw its answers.

Enters: a run, and which photographs are shown. Leaves: pictures by name, as JPEG. Guaranteed: the maps are made by the
run's own program from its best checkpoint (of an ensemble by every member's, and averaged); a photograph that is not
the one of the run any more is not shown.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retdsl import running
from retdsl.finished import RunRecord
from retdsl.report.mistakes import Shown
from retdsl.runtime.decode import Photograph
from retdsl.runtime.errors import RunError
from retdsl.runtime.heat_maps import HeatMaps, load_heat_maps

SIDE, QUALITY = 224, 82
"""Pixels of a picture's longer side, and the quality of its JPEG."""

VEIL = 0.85
"""How far the colours hide the photograph where a map is highest."""


@dataclass(frozen=True)
class Pictures:
    """photographs, maps: JPEG by name; layer: where the network was looked at; notes: what could not be shown, why."""

    photographs: Mapping[str, bytes] = field(default_factory=dict)
    maps: Mapping[str, bytes] = field(default_factory=dict)
    layer: str | None = None
    notes: tuple[str, ...] = ()


def pictures_of(
    record: RunRecord,
    shown: Sequence[Shown],
    root: Path | None,
    layer: str | None,
    look: running.Look | None = None,
) -> Pictures:
    """Lets the program of a run look at photographs once more.

    root: where the photographs are now, if not where they were; layer: as the spec names it, None for the last one with
    more than one pixel; look: asks the program of the run, if it is still there. Raises RunError for a layer that is
    not there; whatever else fails is told in `notes`.
    """
    if not shown:
        return Pictures()
    try:
        found = [_looked(run, shown, root, layer, look) for run in record.members]
    except RunError as error:
        if layer is not None:
            raise
        reason = "; ".join((error.message, *error.items))
        return Pictures(notes=(f"The photographs cannot be shown: {reason}",))
    hashes = {row["image"]: row["sha256"] for row in record.lock.get("images", [])}
    first = found[0]
    changed = [name for name, digest in first.hashes.items() if hashes.get(name, digest) != digest]
    refused = {**first.refused, **dict.fromkeys(changed, "it is another file now than when the run was made")}
    notes = [f"{name} cannot be shown: {reason}" for name, reason in sorted(refused.items())]
    if first.layer is None:
        notes.append("There are no heat maps: no layer of the network has more than one pixel.")
    names = [name for name in first.photographs if name not in changed]
    photographs = {name: _fitted(first.photographs[name]) for name in names}
    maps = {
        name: _joined([each.maps[name] for each in found], photographs[name]) for name in names if name in first.maps
    }
    return Pictures(
        {name: _jpeg(photo) for name, photo in photographs.items()},
        {name: _jpeg(overlaid(photographs[name], values)) for name, values in maps.items()},
        first.layer,
        tuple(notes),
    )


def _looked(
    run: RunRecord, shown: Sequence[Shown], root: Path | None, layer: str | None, look: running.Look | None
) -> HeatMaps:
    train_py, place, threads = run.train_py, root or Path(run.lock.get("root", ".")), run.lock.get("threads")
    with tempfile.TemporaryDirectory(prefix="retdsl-report-") as folder, tempfile.TemporaryFile() as said:
        asked, file = Path(folder) / "asked.json", Path(folder) / "maps.npz"
        asked.write_text(json.dumps([{"image": one.image, "label": one.label} for one in shown]))
        if look is not None and look({"images": str(asked), "file": str(file)}):
            return load_heat_maps(file)
        options = ["--threads", str(threads)] if threads else []
        options += ["--layer", _node(run, layer)] if layer else []
        command = ["--heat-maps", str(file), "--run", str(run.path), "--images", str(asked), "--root", str(place)]
        code = running.run_program(train_py, *command, *options, said=said)
        if code == running.INTERRUPTED:
            raise KeyboardInterrupt
        if code != 0:
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines()
            words = [line.strip().removeprefix("error: ") for line in lines]
            raise RunError(words[0] if words else "the program cannot look at them", items=words[1:])
        return load_heat_maps(file)


def _node(run: RunRecord, layer: str) -> str:
    """The layer that the spec calls so: by its own name, or by that of `as`."""
    nodes: Sequence[Mapping[str, Any]] = run.program["experiments"][0]["network"]["nodes"]
    return str(next((node["name"] for node in nodes if node.get("alias") == layer), layer))


def _joined(maps: Sequence[NDArray[np.float32]], photo: Photograph) -> NDArray[np.float32]:
    """The mean of several networks' maps, each from 0 to 1, as large as the photograph."""
    height, width = photo.shape[:2]
    large = [np.maximum(cv2.resize(one, (width, height), interpolation=cv2.INTER_CUBIC), 0) for one in maps]
    mean = np.mean([one / top if (top := one.max()) > 0 else one for one in large], axis=0)
    return np.asarray(mean / mean.max() if mean.max() > 0 else mean, np.float32)


def overlaid(photo: Photograph, values: NDArray[np.float32]) -> Photograph:
    """A photograph in grey with a map over it, in colours whose brightness grows with the map for every eye (viridis),
    the stronger the higher it is.

    photo: uint8 [H, W, C]; values: [H, W], 0 to 1.
    """
    from matplotlib import colormaps

    grey = (photo if photo.shape[2] == 1 else cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None]).astype(np.float32)
    colours = colormaps["viridis"](np.clip(values, 0, 1))[..., :3].astype(np.float32) * 255
    veil = (VEIL * np.clip(values, 0, 1) ** 0.75)[..., None]
    mixed: Photograph = np.clip((1 - veil) * grey * 0.9 + veil * colours, 0, 255).astype(np.uint8)
    return mixed


def _fitted(photo: Photograph) -> Photograph:
    """No longer than the page shows it."""
    height, width = photo.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = photo if scale == 1 else cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    return np.atleast_3d(small)


def _jpeg(photo: Photograph) -> bytes:
    code = cv2.COLOR_GRAY2BGR if photo.shape[2] == 1 else cv2.COLOR_RGB2BGR
    _, file = cv2.imencode(".jpg", cv2.cvtColor(np.ascontiguousarray(photo), code), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return file.tobytes()
