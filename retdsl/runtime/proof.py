"""The proof that what is frozen stays as it is: hashes of its arrays, before training and after.

Enters: arrays by name. Leaves: a `Fingerprint`, two of which are equal exactly if all arrays have the same names and
bytes. Anybody can compute it from a checkpoint: SHA-256 of each array's float32 values as they lie in memory, and of
the lines `NAME HASH` of all of them, sorted by name, each ended by a line feed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.errors import RunError
from retdsl.runtime.initial import Array
from retdsl.runtime.network import Parameters

FEW = 12
"""Frozen arrays up to this number are named in `lock.json`."""


@dataclass(frozen=True)
class Fingerprint:
    """arrays: the SHA-256 of each array by name, 64 hexadecimal digits, in the network's order."""

    arrays: Mapping[str, str]

    @property
    def sha256(self) -> str:
        """Of all arrays together, 64 hexadecimal digits."""
        return sha256("".join(f"{name} {self.arrays[name]}\n" for name in sorted(self.arrays)).encode()).hexdigest()

    def changed(self, after: Fingerprint) -> list[str]:
        """The arrays that `after` has otherwise, or not at all, in the network's order."""
        return [name for name, digest in self.arrays.items() if after.arrays.get(name) != digest]


def fingerprint(arrays: Mapping[str, Array]) -> Fingerprint:
    """The fingerprint of arrays as they are now."""
    values = {name: np.ascontiguousarray(array, "<f4").tobytes() for name, array in arrays.items()}
    return Fingerprint({name: sha256(data).hexdigest() for name, data in values.items()})


class Proof:
    """What a run proves, phase by phase: the facts for `lock.json`.

    write: takes them whenever there is something new, as `{"frozen": [...]}`.
    """

    def __init__(self, write: Callable[[Mapping[str, Any]], None]) -> None:
        self._write = write
        self._phases: list[dict[str, Any]] = []
        self._before = Fingerprint({})

    def begin(self, first: int, last: int, frozen: Parameters) -> None:
        """A phase begins, from epoch `first` to `last`, or goes on after an interruption. frozen: what is not to change
        in it. Raises RunError if that is not what it was when the phase began.
        """
        self._before = fingerprint(frozen.all())
        known = next((phase for phase in self._phases if phase["epochs"] == [first, last]), None)
        if known is not None:
            if known["sha256"]["before"] != self._before.sha256:
                raise RunError(
                    "what is frozen is not what it was before the interruption",
                    help="its figures would mean nothing; this is a defect of retdsl or of MXNet, please report it",
                )
            return
        names = {"names": list(self._before.arrays)} if len(self._before.arrays) <= FEW else {}
        self._phases.append(
            {
                "epochs": [first, last],
                "parameters": len(frozen.arguments),
                "statistics": len(frozen.auxiliary),
                **names,
                "sha256": {"before": self._before.sha256, "after": None},
            }
        )
        self._write({"frozen": self._phases})

    def state(self) -> dict[str, NDArray[np.uint8]]:
        return {"phases": np.frombuffer(json.dumps(self._phases).encode(), np.uint8)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._phases = json.loads(state["phases"].tobytes())
        self._write({"frozen": self._phases})

    def end(self, frozen: Parameters, last: int) -> None:
        """The phase ends with epoch `last`.

        Raises RunError, after writing the facts, if anything that was frozen is not as it was.
        """
        after = fingerprint(frozen.all())
        phase = self._phases[-1]
        phase["epochs"][1] = last
        phase["sha256"]["after"] = after.sha256
        self._write({"frozen": self._phases})
        if changed := self._before.changed(after):
            more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            first, last = phase["epochs"]
            when = f"epoch {first}" if first == last else f"epochs {first} to {last}"
            raise RunError(
                f"what is frozen changed in {when}: `{changed[0]}`{more}",
                help="its figures would mean nothing; this is a defect of retdsl or of MXNet, please report it",
            )
