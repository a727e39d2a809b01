"""How a run was computed: by which engines and how exactly, what of it was kept, by how many processes.

Enters: lock.json. Leaves: lines of a name and a text. Guaranteed: nothing is said of what the record does not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from retdsl.report.words import counted, listed
from retdsl.runtime.feature_cache import in_words as features_in_words
from retdsl.runtime.precision import in_words as precision_in_words

PARTS = {"frozen": "what was frozen", "prediction": "validation, test"}
"""What an engine computed, by its key in the record."""


def computed(lock: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Learning first, then what only predicts, and what of it was kept."""
    mxnet = (lock.get("versions") or {}).get("mxnet")
    engines = lock.get("engines") or {}
    if mxnet and engines:
        yield "what was learned", f"by MXNet {mxnet}, in float32"
        yield from ((title, f"by {_engine(str(engines[key]))}") for key, title in PARTS.items() if key in engines)
    if engines.get("why"):
        yield "why by MXNet", str(engines["why"])
    if "difference" in engines:
        apart = f"{engines['difference']:.1g} of the largest value"
        yield "compared", f"with MXNet on the first photographs: at most {apart} apart"
    if engines.get("precision"):
        yield "precision", precision_in_words(engines["precision"])
    if lock.get("features") and (told := features_in_words(lock["features"])):
        yield "features", _engine(told)
    if (lock.get("workers") or 1) > 1:
        yield "together", _together(lock)


def _engine(name: str) -> str:
    return name.replace("mxnet", "MXNet")


def _together(lock: Mapping[str, Any]) -> str:
    """`2 workers and 1 server on node1 and node2`."""
    servers = f" and {counted(lock['servers'], 'server')}" if lock.get("servers") else ""
    hosts = f" on {listed(dict.fromkeys(map(str, lock['hosts'])))}" if lock.get("hosts") else ""
    return f"{counted(lock['workers'], 'worker')}{servers}{hosts}"
