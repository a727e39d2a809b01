"""Everything that a spec can call, described once: options, types, defaults, shape rules and docs."""

from __future__ import annotations

from retdsl.schema.augmentations import AUGMENTATIONS, VIEWS
from retdsl.schema.backbones import BACKBONE_SOURCES
from retdsl.schema.checkpoints import CHECKPOINTS, KEEPS, PERIODS
from retdsl.schema.data import INPUT
from retdsl.schema.exclusions import EXCLUSIONS
from retdsl.schema.layers import ESSENTIAL, LAYERS
from retdsl.schema.lookup import find_layer
from retdsl.schema.loop import AVERAGES, CACHES, CLIPPINGS, DEVICES, PRECISIONS, RHYTHMS, STOPS
from retdsl.schema.losses import CLASS_WEIGHTINGS, LOSSES
from retdsl.schema.metrics import METRICS
from retdsl.schema.model import REQUIRED, Entry, Layer, Option, ShapeError
from retdsl.schema.optimizers import OPTIMIZERS
from retdsl.schema.preparation import NORMALIZE, PREPARE
from retdsl.schema.samplings import SAMPLINGS
from retdsl.schema.schedules import SCHEDULES
from retdsl.schema.sources import CONSENSUSES, LABELLINGS, SOURCES
from retdsl.schema.splits import SPLITS
from retdsl.schema.training import UNFREEZINGS

ENTRIES: dict[str, dict[str, Entry]] = {}
"""category -> name -> entry; of layers only those by hand, see `find_layer`"""

for _entry in (
    *SOURCES,
    *LABELLINGS,
    *CONSENSUSES,
    *SPLITS,
    *EXCLUSIONS,
    *PREPARE,
    NORMALIZE,
    *AUGMENTATIONS,
    INPUT,
    *SAMPLINGS,
    *OPTIMIZERS,
    *SCHEDULES,
    *METRICS,
    *PERIODS,
    *CLIPPINGS,
    *AVERAGES,
    *PRECISIONS,
    *STOPS,
    *RHYTHMS,
    *DEVICES,
    *CACHES,
    *CHECKPOINTS,
    *KEEPS,
    *UNFREEZINGS,
    *VIEWS,
    *LOSSES,
    *CLASS_WEIGHTINGS,
    *BACKBONE_SOURCES,
    *(layer.entry for layer in LAYERS.values()),
):
    ENTRIES.setdefault(_entry.category, {})[_entry.name] = _entry

__all__ = ["ENTRIES", "ESSENTIAL", "LAYERS", "REQUIRED", "Entry", "Layer", "Option", "ShapeError", "find_layer"]
