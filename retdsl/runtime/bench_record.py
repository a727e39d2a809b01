"""What `bench` has measured of an experiment's training, as plain data.

Enters: figures. Leaves: `Bench`, also as JSON.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Bench:
    """Images per second: loader: prepared, augmented and put into batches; forward: through the part in which nothing
    is trained, None where there is none; step: through the trained part, forwards and backwards, with its update;
    whole: all of it as a run does it; kept: as it does it once the features are kept, None where they are not, or not
    all of them.

    device, threads, batch, photographs: on what, and how many different ones; processor: its maker's name for it;
    gpus: how many MXNet sees; painted: that photographs were not the study's own; frozen, trained: the engines of both
    parts; gflops: what `gemm_rates` gives.
    """

    experiment: str
    device: str
    processor: str
    gpus: int
    threads: int
    batch: int
    photographs: int
    painted: bool
    frozen: str | None
    trained: str
    loader: float
    forward: float | None
    step: float
    whole: float
    kept: float | None
    gflops: dict[str, float]

    @property
    def gemm(self) -> float:
        """GFLOP/s of the best of the ways."""
        return max(self.gflops.values())

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def of_json(value: dict[str, Any]) -> Bench:
        return Bench(**value)
