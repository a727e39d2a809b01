"""What `normalize` subtracts: a value of each colour (`mean`), or the pixels of a file (`mean_image`)."""

from __future__ import annotations

from pathlib import Path

from retdsl.check.files import exists, report_absent
from retdsl.diagnostics import Diagnostics, Label
from retdsl.ir import Call, Shape, Value
from retdsl.records import replace
from retdsl.schema.preparation import NORMALIZE
from retdsl.source import Span
from retdsl.syntax import tree as t

PIXEL_SCALE = 255.0
"""A mean image has the values that pixels have in files, and so do photographs that it is subtracted from."""


def check_mean(call: Call, step: t.Expr, span: Span, channels: int, out: Diagnostics) -> Call | None:
    """The call of `normalize` with one of the two, and a `scale` to match; None after a mistake.

    step: as it is written, at `span`; channels: of the photographs, for each of which it has a value.
    """
    options = dict(call.options)
    if not _check_lengths(options, _written(step), channels, out):
        return None
    if "std" not in _written(step):
        options["std"] = (1.0,) * channels
    if options["mean"] is not None and options["mean_image"] is not None:
        places = _written(step)
        labels = (
            Label(places.get("mean_image", span), "given again"),
            Label(places.get("mean", span), "first given here"),
        )
        notes = ["`mean` is one value a colour, `mean_image` a file with one for each pixel"]
        out.report("R305", "the mean is given twice", *labels, notes=notes, helps=["leave one out"])
        return None
    if options["mean"] is None and options["mean_image"] is None:
        label = Label(span, "nothing to subtract")
        helps = ['give `mean = (RED, GREEN, BLUE)`, or a file: `mean_image = "mean_224.nd"`']
        out.report("R301", f"`{NORMALIZE.name}` needs `mean` or `mean_image`", label, helps=helps)
        return None
    if options["mean_image"] is not None and "scale" not in _written(step):
        options["scale"] = PIXEL_SCALE
    return replace(call, options=tuple(options.items()))


def _check_lengths(options: dict[str, Value], places: dict[str, Span], channels: int, out: Diagnostics) -> bool:
    """Whether `mean` and `std` have a value for each channel."""
    fits = True
    for name in ("mean", "std"):
        values = options[name]
        if name in places and isinstance(values, tuple) and len(values) != channels:
            items = f"{channels} items" if channels > 1 else "1 item"
            notes = ["the photographs have one channel: green"] if channels == 1 else []
            label = Label(places[name], f"has {len(values)}")
            out.report("R303", f"`{name}` of `{NORMALIZE.name}` must have {items}", label, notes=notes)
            fits = False
    return fits


def check_mean_image(call: Call, step: t.Expr, span: Span, shape: Shape, root: Path, out: Diagnostics) -> None:
    """Whether the file of `mean_image` fits photographs of `shape`. One that is not here is a warning only."""
    file = dict(call.options).get("mean_image")
    if not isinstance(file, str):
        return
    from retdsl.weights.files import open_weights
    from retdsl.weights.mean_image import mean_image_in
    from retdsl.weights.model import BadWeights

    at = _written(step).get("mean_image", span)
    if not exists(root / file):
        report_absent(f"the mean image `{file}` is not here", Label(at, "no such file"), root, out)
        return
    try:
        mean_image_in(open_weights(root / file), tuple(size for size in shape[1:] if size is not None))
    except BadWeights as error:
        out.report("R608", f"cannot use the mean image `{file}`: {error}", Label(at), helps=error.helps)


def _written(step: t.Expr) -> dict[str, Span]:
    """Where the values of a step's options stand."""
    arguments = step.arguments if isinstance(step, t.Apply) else ()
    unnamed = iter(NORMALIZE.unnamed)
    return {next(unnamed) if one.name is None else one.name.name: one.value.span for one in arguments}
