"""The devices that a network is trained on.

Enters: `cpu(id)` and `gpu(id)`, as a spec names them, or nothing. Leaves: MXNet's contexts, in their order. Guaranteed:
they are there; a GPU that is not is a `RunError` that says what is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from retdsl.runtime.errors import RunError


@dataclass(frozen=True, slots=True)
class cpu:
    """The processor. Other numbers than 0 are the same processor, with arrays and threads of their own: by them what
    is written for several devices can be tried on any machine.
    """

    id: int = 0

    def __str__(self) -> str:
        return f"cpu({self.id})"


@dataclass(frozen=True, slots=True)
class gpu:
    """A graphics card, by CUDA's number."""

    id: int = 0

    def __str__(self) -> str:
        return f"gpu({self.id})"


AnyDevice: TypeAlias = cpu | gpu


def contexts(devices: Sequence[AnyDevice] | None = None) -> tuple[Any, ...]:
    """The contexts of these devices; of none, that of the first GPU if the installed MXNet can use one, else of the
    processor. Raises RunError for GPUs that are not there.
    """
    from retdsl.runtime.mx import mx

    there = mx.context.num_gpus()
    if not devices:
        return (mx.gpu(0) if there else mx.cpu(),)
    missing = [str(device) for device in devices if isinstance(device, gpu) and device.id >= there]
    if missing:
        raise _not_there(missing, there)
    return tuple(mx.gpu(device.id) if isinstance(device, gpu) else mx.cpu(device.id) for device in devices)


def in_words(devices: Sequence[Any]) -> str:
    """For the record: what is computed depends on which they are."""
    return ", ".join(map(str, devices))


def _not_there(missing: Sequence[str], there: int) -> RunError:
    """The error about GPUs that are missing, on a machine that has `there` of them."""
    text = f"`devices` names {', '.join(missing)}, and MXNet finds no such device"
    if there == 0:
        items = ["MXNet finds no GPU here: the processor, cpu(0), is all there is"]
        helps = ["`retdsl doctor` says why", "or leave `devices` out: `--set devices=none` trains on what there is"]
    else:
        here = ", ".join(f"gpu({number})" for number in range(there))
        items = [f"there {'is' if there == 1 else 'are'} {here}"]
        helps = [f"write `devices = [{here}]`, or say so for this run: `--set 'devices=[{here}]'`"]
    return RunError(text, items=items, help=helps)
