"""What the keys of a train block that say how training runs say of each other.

Enters: the checked values of a block. Leaves: R716 to R719, about a metric that is not measured, and about what never
comes or does nothing, and R734 and R735, about features that cannot be kept, or in fewer ways than there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from retdsl.check.options import Context
from retdsl.check.settings import Settings
from retdsl.diagnostics import Label
from retdsl.ir import Call, Freeze, Value
from retdsl.schema.augmentations import FINITE, MIXING
from retdsl.source import Span


def check_loop(checked: Settings, block: Span, ctx: Context) -> None:
    """Everything that can be said before the network is known. block: where the train block's name stands."""
    values = checked.values
    _check_metric(values, checked, block, ctx)
    _check_optimizer(cast(Call, values["optimizer"]), checked, block, ctx)
    _check_schedule(cast(Call, values["schedule"]), cast(int, values["epochs"]), checked, block, ctx)


def check_patience(checked: Settings, phases: Sequence[Freeze], block: Span, ctx: Context) -> None:
    """Whether early stopping can stop anything."""
    stop, epochs = checked.values["stop"], cast(int, checked.values["epochs"])
    if not isinstance(stop, Call):
        return
    patience, begun = cast(int, stop["patience"]), phases[-1].from_epoch
    left = epochs - begun + 1
    if patience < left:
        return
    text = f"training never stops early: it would wait for {patience} epochs of {left}"
    if begun > 1:
        text += f", counted from epoch {begun}, when the last part is unfrozen"
    ends = [Label(checked.written["epochs"].span, "ends here")] if "epochs" in checked.written else []
    helps = [f"a `patience` of {max(1, left // 5)}, or more `epochs`"]
    ctx.out.report("R717", text, Label(checked.part("stop", "patience", block)), *ends, helps=helps)


def check_cache(
    checked: Settings, augment: Sequence[Call], phases: Sequence[Freeze], block: Span, ctx: Context
) -> None:
    """Whether what is said of kept features means anything."""
    cache = checked.values["cache"]
    if not isinstance(cache, Call) or "cache" not in checked.written:
        return
    if not phases[0].nodes:
        text = "there are no features to keep: nothing of the network is frozen"
        helps = ["freeze the part below the head, as in `freeze = eyes`, or leave `cache` out"]
        ctx.out.report("R735", text, Label(checked.place("cache", block)), helps=helps)
        return
    why = None if cache["draws"] is None else _without_draws(augment)
    if why is not None:
        draws = Label(checked.part("cache", "draws", block), "changes nothing")
        steps = [Label(checked.written["augment"].span, "augmented here")] if "augment" in checked.written else []
        ctx.out.report("R734", f"`draws` is not needed: {why}", draws, *steps, helps=["write `cache = features`"])


def _without_draws(augment: Sequence[Call]) -> str | None:
    """Why `draws` would change nothing; None where it would."""
    steps = [inner for step in augment for inner in _chosen(step)]
    if any(step.name in MIXING for step in steps):
        return "what blends images of a batch leaves no image twice, so none is kept"
    if not augment:
        return "without augmentation a photograph is always the same"
    if all(step.name in FINITE for step in steps):
        return "what augmentation leaves of a photograph are a few variants, and all of them are kept"
    return None


def _chosen(step: Call) -> Sequence[Call]:
    """A step, or those of a choice."""
    if step.name != "one_of":
        return (step,)
    return [inner for one in cast("tuple[Call, ...]", step["steps"]) for inner in _chosen(one)]


def _check_metric(values: dict[str, Value], checked: Settings, block: Span, ctx: Context) -> None:
    stop, metrics = values["stop"], cast("tuple[Call, ...]", values["metrics"])
    metric = stop["metric"] if isinstance(stop, Call) else None
    if not isinstance(metric, Call) or metric in metrics:
        return
    from retdsl.schema.spelling import spell_call  # only a mistake needs it

    text, helps = (
        f"training is to stop by `{metric.name}`, which is not among the metrics",
        [f"add `{spell_call(metric, 'metric')}` to `metrics`"],
    )
    if any(one.name == metric.name for one in metrics):
        text = f"training is to stop by `{metric.name}` with other options than among the metrics"
        helps = ["write the same options in both places"]
    measured = [Label(checked.written["metrics"].span, "the metrics")] if "metrics" in checked.written else []
    where = Label(checked.part("stop", "metric", block))
    ctx.out.report("R716", text, where, *measured, helps=helps)


def _check_optimizer(optimizer: Call, checked: Settings, block: Span, ctx: Context) -> None:
    options = dict(optimizer.options)
    if options.get("nesterov") and not options["momentum"]:
        text, helps = "`nesterov` looks ahead by the momentum, and there is none", ["give one: `momentum = 0.9`"]
        ctx.out.report("R719", text, Label(checked.part("optimizer", "nesterov", block)), helps=helps)
    if optimizer.name == "rmsprop" and options["momentum"] and not options["centered"]:
        text, helps = "`rmsprop` has a momentum only where it is centered", ["write `centered = true`, or leave it out"]
        ctx.out.report("R719", text, Label(checked.part("optimizer", "momentum", block)), helps=helps)


def _check_schedule(schedule: Call, epochs: int, checked: Settings, block: Span, ctx: Context) -> None:
    options = dict(schedule.options)
    span = checked.place("schedule", block)
    ends = [Label(checked.written["epochs"].span, "ends here")] if "epochs" in checked.written else []
    if schedule.name == "step":
        every, at = options["every"], options["at"]
        if (every is None) == (at is None):
            text = "`step` falls every few epochs or after some of them, not both"
            if every is None:
                text = "`step` needs to know when the rate falls"
            helps = ["write `step(every = 30)`, or `step(at = [30, 60])`"]
            ctx.out.report("R719", text, Label(span), helps=helps)
            return
        falls = cast("tuple[int, ...]", at) if at is not None else (cast(int, every),)
        late = [fall for fall in falls if fall >= epochs]
        if late:
            first = f"after epoch {late[0]}"
            text = f"the rate would fall {first}, and training ends with epoch {epochs}"
            ctx.out.report("R718", text, Label(span, "never comes"), *ends)
    warmup = options.get("warmup", 0)
    if isinstance(warmup, int | float) and warmup >= epochs:
        text = f"the warm-up takes {warmup:g} epochs, and training ends with epoch {epochs}"
        where = Label(checked.part("schedule", "warmup", block), "the full rate never comes")
        ctx.out.report("R718", text, where, *ends)
