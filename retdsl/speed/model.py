"""What was measured on one device, beside what there is to compute.

Enters: figures of a program, and the work of its network. Leaves: `Speed` with its stages.
"""

from __future__ import annotations

from typing import Any

from retdsl.account.arithmetic import Work
from retdsl.records import dataclass
from retdsl.runtime.bench_record import Bench


@dataclass(frozen=True, slots=True)
class Stage:
    """rate: images per second; share: of the time that an image takes, None for the whole; engine: what carries it;
    limit: images per second that the device's multiplication of matrices would allow, None where nothing is multiplied.
    """

    name: str
    rate: float
    share: float | None
    engine: str
    limit: float | None

    @property
    def milliseconds(self) -> float:
        """Of one image."""
        return 1000 / self.rate

    @property
    def reached(self) -> float | None:
        """The share of the limit."""
        return None if self.limit is None else self.rate / self.limit


@dataclass(frozen=True, slots=True)
class Speed:
    """place: the device and its threads, in words."""

    place: str
    bench: Bench
    work: Work

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Loader, forward (where something is frozen), step."""
        bench, work = self.bench, self.work
        alone = {"loader": bench.loader, "forward": bench.forward, "step": bench.step}
        engines = {"loader": "opencv, numpy", "forward": bench.frozen or "", "step": bench.trained}
        multiplied = {"loader": 0, "forward": work.forward, "step": work.step}
        total = sum(1 / rate for rate in alone.values() if rate is not None)
        return tuple(
            Stage(name, rate, 1 / rate / total, engines[name], self._limit(multiplied[name]))
            for name, rate in alone.items()
            if rate is not None
        )

    @property
    def whole(self) -> Stage:
        """All of them together, as a run has them."""
        return Stage("together", self.bench.whole, None, "", self._limit(self.work.forward + self.work.step))

    @property
    def kept(self) -> Stage | None:
        """The same, once the features of all images are kept; None where they are not."""
        return None if self.bench.kept is None else Stage("later", self.bench.kept, None, "", None)

    @property
    def waits(self) -> float:
        """The share of a run's time in which the network waits for the loader, or computes slower because of it."""
        computing = sum(1 / stage.rate for stage in self.stages if stage.name != "loader")
        return max(0.0, 1 - computing * self.bench.whole)

    def _limit(self, multiply_adds: int) -> float | None:
        return None if multiply_adds == 0 else self.bench.gemm * 1e9 / (2 * multiply_adds)

    def to_json(self) -> dict[str, Any]:
        """Everything, as plain data."""
        stages = {
            stage.name: {"images_per_second": stage.rate, "share": stage.share, "gemm_limit": stage.limit}
            for stage in (*self.stages, self.whole, *filter(None, [self.kept]))
        }
        work = {"forward": self.work.forward, "step": self.work.step, "answer": self.work.answer}
        return {"place": self.place, "stages": stages, "multiply_adds": work, "measured": self.bench.to_json()}
