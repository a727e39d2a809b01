"""The input that weights were trained on: from whoever knows it (the store, timm's config.json, their origin), and as
the last step of a study's photographs, where the study does not say it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from retdsl.check.options import Context, complete
from retdsl.diagnostics import Label
from retdsl.ir import Call, DataPlan, InputConvention, Network
from retdsl.records import replace
from retdsl.schema.backbones import IMAGENET_INPUT, usual_input
from retdsl.source import Span
from retdsl.syntax import tree as t

if TYPE_CHECKING:
    from retdsl.weights.convention import Convention
    from retdsl.weights.model import WeightsFile
    from retdsl.weights.store import Record


def convention_of_record(record: Record) -> InputConvention | None:
    """What the store says."""
    if record.convention is None:
        return None
    told_by = f": {record.convention_from}" if record.convention_from else ""
    return _convention(record.convention, f"the store's `{record.name}`{told_by}")


def convention_of_file(file: WeightsFile, network: str | None, layout: str | None) -> InputConvention | None:
    """What the config.json beside the file says, or else what is usual where such a file comes from."""
    from retdsl.weights.convention import CONFIG, config_of
    from retdsl.weights.layouts import rename

    said = config_of(file.path)
    if said is not None and said.convention is not None:
        return _convention(said.convention, f"the {CONFIG} beside its weights")
    origin = rename(layout, file.shapes).origin
    usual = usual_input(network, origin) if network and origin else None
    return None if usual is None else InputConvention(*usual, f"usual for {origin}")


def _convention(found: Convention, origin: str) -> InputConvention:
    options = (("mean", found.mean), ("std", found.std), ("scale", found.scale))
    return InputConvention(Call("normalize", options), found.size, origin)


def with_convention(data: DataPlan, network: Network, untold: Mapping[str, Span], ctx: Context) -> DataPlan:
    """The plan of photographs that the spec does not normalize, made as the network's weights expect them.

    untold: backbones with weights of which nobody knows what they were trained on, with where these are named; they are
    reported if no other backbone's convention is taken.
    """
    for backbone in network.backbones:
        if backbone.convention is not None:
            last = complete(backbone.convention.normalize, "image step")
            return replace(data, normalize=last, normalize_from=backbone.name)
    image = [Label(span, "gives values from 0 to 1") for span in _image_of(data, ctx)]
    for name, at in untold.items():
        from retdsl.schema.spelling import spell_call

        text = f"nobody knows what photographs the weights of `{name}` were trained on"
        notes = ["a network that gets other values than it was trained on sees little, and nothing says so"]
        usual = spell_call(IMAGENET_INPUT, "image step")
        helps = [
            f"say it at the end of `image`: with PyTorch and Gluon it mostly was `{usual}`",
            "if it really was values from 0 to 1, `normalize((0, 0, 0))` says so",
        ]
        ctx.out.report("R808", text, Label(at), *image, notes=notes, helps=helps)
    return data


def check_channels(data: DataPlan, network: Network, ctx: Context) -> None:
    """Reports weights that were trained on three channels where the photographs have one."""
    for backbone in network.backbones:
        means = None if backbone.convention is None else backbone.convention.normalize["mean"]
        if isinstance(means, tuple) and len(means) == 3:
            text = f"the weights of `{backbone.name}` are for three channels, and the photographs have one"
            labels = [Label(span) for span in _image_of(data, ctx)]
            helps = ["write `green_channel` without `channels`: it gives green three times"]
            ctx.out.report("R604", text, *labels, helps=helps)


def _image_of(data: DataPlan, ctx: Context) -> list[Span]:
    """Where the chain of the photographs is written."""
    declared = ctx.scope.find("data", data.name)
    settings = declared.settings if isinstance(declared, t.Data) else ()
    return [setting.value.span for setting in settings if setting.key.name == "image"]
