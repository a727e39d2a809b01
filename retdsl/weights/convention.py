"""The input that weights were trained on, and what timm writes of it into the config.json beside its weights.

Enters: JSON that others wrote. Leaves: plain numbers that were looked at, or None.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

CONFIG = "config.json"
LARGEST_CONFIG = 1_000_000
"""Bytes; those of timm have one or two thousand."""

LARGEST_SIZE = 10_000
"""Pixels; nothing was ever trained on more."""

PUBLISHED = ("model.safetensors", "pytorch_model.bin")
"""What weights are called in the folders of timm, the better one first."""


class Convention(NamedTuple):
    """`(x * scale - mean) / std` for each of red, green, blue, with x from 0 to 1; size: height and width in pixels."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    scale: float = 1.0
    size: tuple[int, int] | None = None


class Config(NamedTuple):
    """What timm says of a weights file. architecture: its name for the network; tag: for these weights."""

    architecture: str | None
    tag: str | None
    licence: str | None
    convention: Convention | None


def read_config(path: Path) -> Config | None:
    """What timm's config.json says; None if there is none, or if the file is something else. Never raises."""
    try:
        if path.stat().st_size > LARGEST_CONFIG:
            return None
        said = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    inner = said.get("pretrained_cfg")
    about: Mapping[str, Any] = {**said, **inner} if isinstance(inner, dict) else said
    found = Config(_text(said.get("architecture")), _text(about.get("tag")), _text(about.get("license")), _timms(about))
    return found if found.architecture or found.convention else None


def config_of(weights: Path) -> Config | None:
    """What the config.json beside a weights file says, if it is of this file: one that is called as timm calls it, or
    after the architecture. In a folder full of downloads it may be of another.
    """
    config = read_config(weights.parent / CONFIG)
    named = config is not None and config.architecture is not None and config.architecture in weights.name
    return config if named or weights.name in PUBLISHED else None


def convention_of(said: object) -> Convention | None:
    """The convention that `mean`, `std`, `scale` and `size` of a JSON object say; None if they make no sense."""
    if not isinstance(said, dict):
        return None
    mean, std = _three(said.get("mean")), _three(said.get("std", (1, 1, 1)))
    scale, size = _number(said.get("scale", 1)), said.get("size")
    if mean is None or std is None or scale is None or min(std) <= 0 or scale <= 0:
        return None
    return Convention(mean, std, scale, _size(size))


def _timms(about: Mapping[str, Any]) -> Convention | None:
    channels_first = about.get("input_size")
    size = channels_first[-2:] if isinstance(channels_first, list) and len(channels_first) == 3 else None
    return convention_of({"mean": about.get("mean"), "std": about.get("std"), "size": size})


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable() else None


def _number(value: object) -> float | None:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if plain and math.isfinite(value) else None  # type: ignore[arg-type]


def _three(value: object) -> tuple[float, ...] | None:
    numbers = [_number(item) for item in value] if isinstance(value, list | tuple) else []
    found = tuple(number for number in numbers if number is not None)
    return found if len(found) == len(numbers) == 3 else None


def _size(value: object) -> tuple[int, int] | None:
    sides = value if isinstance(value, list | tuple) else (value, value)
    if len(sides) != 2 or not all(type(side) is int and 0 < side <= LARGEST_SIZE for side in sides):
        return None
    return (sides[0], sides[1])
