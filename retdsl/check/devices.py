"""What the devices of an experiment say of one another and of its batch, whatever machine it will run on.

Enters: the checked values of a train block. Leaves: R736.
"""

from __future__ import annotations

from typing import cast

from retdsl.check.settings import Settings
from retdsl.diagnostics import Diagnostics, Label
from retdsl.ir import Call
from retdsl.source import Span
from retdsl.syntax import tree as t


def check_devices(checked: Settings, block: Span, out: Diagnostics) -> None:
    """Every device once, all of one kind, and no more of them than a batch has images."""
    devices = cast("tuple[Call, ...]", checked.values["devices"])
    batch = cast(int, checked.values["batch"])
    place = checked.place("devices", block)
    written = checked.written.get("devices")
    spans = [item.span for item in written.items] if isinstance(written, t.Listing) else [place] * len(devices)
    seen: dict[Call, Span] = {}
    for device, span in zip(devices, spans, strict=True):
        if device in seen:
            text = f"the device `{_said(device)}` is named twice"
            labels = Label(span, "named again"), Label(seen[device], "first named here")
            notes = ["each device takes its share of every batch; twice the share is no faster"]
            out.report("R736", text, *labels, notes=notes, helps=["leave it out, or name another one"])
        seen.setdefault(device, span)
    if len({device.name for device in devices}) > 1:
        first = devices[0].name
        other = next(span for device, span in zip(devices, spans, strict=True) if device.name != first)
        labels = Label(other, "another kind of device"), Label(spans[0], f"a {first}")
        notes = ["every device takes an equal share of each batch: a GPU would wait for the processor all the time"]
        helps = ["name GPUs alone; the processor prepares their batches in any case"]
        out.report("R736", "the devices are not all of one kind", *labels, notes=notes, helps=helps)
    if len(devices) > batch:
        images = "one image" if batch == 1 else f"{batch} images"
        text = f"{len(devices)} devices are to share a batch of {images}"
        size = [Label(checked.written["batch"].span, "the batch")] if "batch" in checked.written else []
        helps = [f"a `batch` of {32 * len(devices)} would give each 32 images", f"or name at most {batch} of them"]
        out.report("R736", text, Label(place, "some would have nothing to do"), *size, helps=helps)


def _said(device: Call) -> str:
    return f"{device.name}({device['id']})"
