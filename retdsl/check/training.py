"""`train` blocks to experiments: inheritance, references, and what model, data and training say of each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from retdsl.balance.counts import Counts, of_another_fold
from retdsl.balance.prior import seen_by_network
from retdsl.check.evaluate import Env
from retdsl.check.fixes import number_fixes
from retdsl.check.heads import (
    check_head_of_labels,
    check_positive_weights,
    check_written_weights,
    classes_of,
    has_findings,
    last_layer,
    report_weight_count,
)
from retdsl.check.imbalance import Marks, check_imbalance
from retdsl.check.loop import check_cache, check_loop, check_patience
from retdsl.check.measuring import Asked, check_accuracy_alone, check_operating_points
from retdsl.check.metrics import check_calibration, check_metrics, places_of
from retdsl.check.options import Context, place_of
from retdsl.check.photographs import fit_anywhere
from retdsl.check.provenance import Written, keys_of
from retdsl.check.samplings import check_policy
from retdsl.check.scope import Scope
from retdsl.check.settings import Settings, check_settings
from retdsl.check.splits import with_fold
from retdsl.diagnostics import Fix, Label
from retdsl.ir import Call, DataPlan, Experiment, Freeze, Network, Node, Shape, TrainingPlan, Value
from retdsl.records import dataclass, field
from retdsl.schema import ENTRIES
from retdsl.schema.losses import ORDERED_LOSS
from retdsl.schema.shapes import shape_text
from retdsl.schema.training import TRAIN_KEYS, TRAINING_SETTINGS
from retdsl.source import Span
from retdsl.syntax import tree as t

MAX_GENERATIONS = 100
"""Experiments that descend from one another."""


@dataclass(slots=True)
class Frozen:
    """What experiments have asked to freeze already, for those that ask again: layers of networks, and marked nodes."""

    layers: dict[tuple[str, Shape, str], frozenset[str]] = field(default_factory=dict)
    nodes: dict[tuple[str, Shape, frozenset[str]], tuple[Node, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a train block can refer to, already checked. `network` builds a model for an input shape, with where those
    of its backbones' weights are named of which nobody knows what they were trained on. counts: the photographs of the
    data blocks, where they are known. frozen: what experiments have asked to freeze.
    """

    data: dict[str, DataPlan]
    augments: dict[str, tuple[Call, ...]]
    samplings: dict[str, Call]
    network: Callable[[str, Shape], tuple[Network | None, dict[str, Span]]]
    counts: Mapping[str, Counts] = field(default_factory=dict)
    frozen: Frozen = field(default_factory=Frozen)


def inherited(train: t.Train, scope: Scope, ctx: Context) -> list[Written] | None:
    """The settings of an experiment with the blocks they stand in, those it takes over first.

    None if it descends from itself, from nothing, or from too many others.
    """
    generations = [train]
    seen = {train.name.name}
    while train.parent is not None:
        parent = scope.find("train", train.parent.name)
        if not isinstance(parent, t.Train):
            scope.report_unknown("train", train.parent.name, train.parent.span, ctx.out)
            return None
        if parent.name.name in seen:  # reported as a circle already
            return None
        train = parent
        seen.add(train.name.name)
        generations.append(train)
        if len(generations) > MAX_GENERATIONS + 1:  # reported at the one in between
            return None
    if len(generations) > MAX_GENERATIONS:
        text = f"experiments descend from experiments, more than {MAX_GENERATIONS} deep"
        ctx.out.report("R105", text, Label(generations[0].name.span))
        return None
    return [(block.name.name, setting) for block in reversed(generations) for setting in block.settings]


def check_train(
    train: t.Train, overrides: Sequence[t.Setting], env: Env, parts: Parts, ctx: Context
) -> Experiment | None:
    """The experiment of a train block, `overrides` (from the command line) put on top; None after a mistake."""
    _report_repeated(train, ctx)
    taken = inherited(train, ctx.scope, ctx)
    if taken is None:
        return None
    written: list[Written] = [*taken, *((None, setting) for setting in overrides)]
    settings, root = [setting for _, setting in written], train.parent is None
    check_written_weights(settings, ctx)
    checked = check_settings(TRAIN_KEYS, settings, train.name.span, env, ctx, overriding=True, whole=root)
    if checked is None:
        return None
    values = checked.values
    data = parts.data.get(str(values["data"]))
    counts = parts.counts.get(str(values["data"]))
    if data is not None and values["fold"] is not None:
        folded = with_fold(data, cast(int, values["fold"]), checked.place("fold", train.name.span), ctx)
        if folded is not None and folded != data:
            data, counts = folded, counts and of_another_fold(folded, counts)
    network, untold = parts.network(str(values["model"]), data.image_shape) if data else (None, {})
    sampling = values["sampling"]
    policy = parts.samplings.get(sampling) if isinstance(sampling, str) else cast(Call, sampling)
    augment = () if values["augment"] is None else parts.augments.get(str(values["augment"]))
    if augment and data is not None and not fit_anywhere(augment):
        from retdsl.check.augmentation import check_augmented

        used = checked.place("augment", train.name.span)
        check_augmented(augment, str(values["augment"]), used, data, cast(int, values["batch"]), ctx)
    check_loop(checked, train.name.span, ctx)
    if values["views"]:
        from retdsl.check.views import check_views

        check_views(checked, ctx.out)
    if values["devices"]:
        from retdsl.check.devices import check_devices

        check_devices(checked, train.name.span, ctx.out)
    training = _training(values, data, counts, checked, train, ctx)
    if data is None or network is None or policy is None or augment is None or training is None:
        return None
    errors = ctx.out.errors
    fits = _check_head(network, data, checked, train, ctx)
    side = None if counts is None else counts.train
    if network.loss is not None:
        fits = check_policy(policy, data, side, training.epochs, checked, train, ctx) and fits
    frozen = _with_frozen(network, checked, training.epochs, parts.frozen, ctx)
    if not fits or frozen is None:
        return None
    network, phases = frozen
    _check_precision(phases, checked, ctx)
    rates = _rates(network, phases, checked, ctx)
    check_patience(checked, phases, train.name.span, ctx)
    check_cache(checked, augment, phases, train.name.span, ctx)
    _check_trainable(network, phases, checked, train, ctx)
    if data.image_shape[1] == 1 and network.backbones:
        from retdsl.check.conventions import check_channels

        check_channels(data, network, ctx)
    if ctx.out.errors > errors:
        return None
    if data.normalize is None and any(backbone.weights for backbone in network.backbones):
        from retdsl.check.conventions import with_convention

        data = with_convention(data, network, untold, ctx)
    freeze = values["freeze"] if isinstance(values["freeze"], tuple) else (values["freeze"],)
    experiment = Experiment(
        name=train.name.name,
        network=network,
        data=data,
        sampling=policy,
        augment=augment,
        training=training,
        freeze=tuple(item for item in freeze if item is not None),
        place=place_of(train.name.span),
        keys=keys_of(TRAIN_KEYS, values, written, env, ctx.scope),
        phases=phases,
        rates=rates or (),
    )
    _check_imbalance(experiment, counts, checked, train, ctx)
    return experiment


def _check_imbalance(
    experiment: Experiment, counts: Counts | None, checked: Settings, train: t.Train, ctx: Context
) -> None:
    """What sampling and loss make of the classes."""
    loss = experiment.network.loss
    assert loss is not None, "a network without a loss is refused"
    if has_findings(experiment.data):  # a rare finding is no class that others crowd out
        return
    side, classes = None if counts is None else counts.train, len(experiment.data.classes)
    first, last = (
        seen_by_network(experiment.sampling, loss, classes, side, epoch) for epoch in (1, experiment.training.epochs)
    )
    model = ctx.scope.find("model", experiment.network.name)
    named, sampling = checked.place("model", train.name.span), checked.written.get("sampling")
    marks = Marks(named, None if sampling is None else sampling.span, _written_weights(model, named))
    check_imbalance(experiment, first, last, counts is not None and counts.exact, marks, ctx.out)
    places = places_of(experiment.training.metrics, checked, train.name.span)
    check_calibration(experiment, last, places, marks.sampling or marks.weights, ctx)


def _with_frozen(
    network: Network, checked: Settings, epochs: int, known: Frozen, ctx: Context
) -> tuple[Network, tuple[Freeze, ...]] | None:
    """The network with its frozen nodes marked, and the phases of training; None after a mistake."""
    if checked.values["freeze"] is None:
        return network, (Freeze(1, ()),)
    from retdsl.check.freezing import check_freeze

    return check_freeze(network, checked, epochs, known, ctx)


def _check_precision(phases: Sequence[Freeze], checked: Settings, ctx: Context) -> None:
    """A precision is that of the frozen part; without one, it says nothing."""
    if checked.values["precision"] is None or phases[0].nodes:
        return
    where = Label(checked.written["precision"].span)
    helps = ["freeze what comes before it, as in `freeze = backbone`, or leave `precision` out"]
    ctx.out.report("R737", "`precision` is of the frozen part, and nothing is frozen", where, helps=helps)


def _rates(
    network: Network, phases: Sequence[Freeze], checked: Settings, ctx: Context
) -> tuple[tuple[str, float], ...] | None:
    """Factors of the learning rate by parameter; None after a mistake."""
    if not checked.values["rate"]:
        return ()
    from retdsl.check.rates import check_rates

    return check_rates(network, phases, checked, ctx)


def _report_repeated(train: t.Train, ctx: Context) -> None:
    seen: dict[str, Span] = {}
    for setting in train.settings:
        key = setting.key
        head = setting.head
        name = key.name if setting.part is None else "".join(head.text.split())
        if name in seen:
            first = Label(seen[name], "first given here")
            ctx.out.report("R305", f"`{name}` is given twice", Label(head, "given again"), first)
        seen.setdefault(name, head)


def _training(
    values: dict[str, Value],
    data: DataPlan | None,
    counts: Counts | None,
    checked: Settings,
    train: t.Train,
    ctx: Context,
) -> TrainingPlan | None:
    metrics = cast("tuple[Call, ...]", values["metrics"])
    span = checked.place("metrics", train.name.span)
    errors = ctx.out.errors
    classes = data.classes if data else ()
    places = places_of(metrics, checked, span)
    if data is not None:
        check_metrics(metrics, places, data, ctx)
    checkpoint = cast(Call, values["checkpoint"])
    keep = checkpoint["keep"]
    check_accuracy_alone(metrics, classes, counts, span, ctx.out)
    if data is not None and counts is not None and not has_findings(data):
        chooser = keep["metric"] if isinstance(keep, Call) else None
        kept = checked.part("checkpoint", "keep", train.name.span)
        asked = [Asked(m, place, kept if m == chooser else None) for m, place in zip(metrics, places, strict=True)]
        check_operating_points(asked, classes, data.split, counts, ctx.out)
    if isinstance(keep, Call) and keep["metric"] not in metrics:
        chosen = cast(Call, keep["metric"])
        text = f"the best epoch is chosen by `{chosen.name}`, which is not among the metrics"
        helps = [f"add `{chosen.name}` to `metrics`"]
        if any(metric.name == chosen.name for metric in metrics):
            text = f"the best epoch is chosen by `{chosen.name}` with other options than among the metrics"
            helps = ["write the same options in both places"]
        where = Label(checked.part("checkpoint", "keep", train.name.span))
        ctx.out.report("R706", text, where, Label(span, "the metrics"), helps=helps)
    if ctx.out.errors > errors:
        return None
    return TrainingPlan(
        optimizer=cast(Call, values["optimizer"]),
        schedule=cast(Call, values["schedule"]),
        epochs=cast(int, values["epochs"]),
        batch=cast(int, values["batch"]),
        metrics=metrics,
        checkpoint=checkpoint,
        seed=cast(int, values["seed"]),
        settings=tuple((key, values[key]) for key in TRAINING_SETTINGS),
    )


def _check_head(network: Network, data: DataPlan, checked: Settings, train: t.Train, ctx: Context) -> bool:
    """Whether the model ends in a loss that fits the classes."""
    model = ctx.scope.find("model", network.name)
    declared = [] if model is None else [Label(model.name.span, "declared here")]
    span = checked.place("model", train.name.span)
    if network.loss is None:
        helps = [f"let a model continue it: `model trained = {network.name} => Softmax`"]
        fixes = []
        text = f"the model `{network.name}` does not end in a loss head and cannot be trained"
        shares = last_layer(network.name, "softmax", ctx)
        if shares is not None:
            declared = [Label(shares, "gives probabilities, and is no loss")]
            helps = ["write `Softmax`, the loss head, which gives them, too"]
            fixes = [Fix.at(shares, "Softmax")] if shares.text == "softmax" else []
        ctx.out.report("R501", text, Label(span), *declared, helps=helps, fixes=fixes)
        return False
    fits = True
    shape = network.node(network.loss.logits).shape
    count = len(data.classes)
    declared_classes = classes_of(data.name, count, ctx)
    if shape is not None and shape != (None, count):
        gives = f"{shape[-1]} scores" if len(shape) == 2 else f"{shape_text(shape)}"
        text = f"the network gives {gives}, and there are {count} classes"
        last = last_layer(network.name, "FullyConnected", ctx)
        labels = (
            [Label(span), *declared] if last is None else [Label(last, f"gives {gives}"), Label(span, "trained here")]
        )
        helps = [f"end it with `FullyConnected(num_hidden = count({data.name}.classes))`"]
        fixes = [] if last is None else number_fixes(last, shape[-1], f"count({data.name}.classes)")
        notes = []
        if network.loss.kind == ORDERED_LOSS and shape == (None, count - 1):
            notes = [
                f"`{ORDERED_LOSS}` takes a score for every class, as `Softmax` does: it asks its {count - 1} questions "
                "of the probabilities that they give"
            ]
        ctx.out.report("R502", text, *labels, *declared_classes, notes=notes, helps=helps, fixes=fixes)
        fits = False
    fits = check_head_of_labels(data, network.loss, span, ctx) and fits
    weights = dict(network.loss.options).get("weights")
    if isinstance(weights, tuple) and len(weights) != count:
        where = Label(_written_weights(model, span), f"{len(weights)} given")
        report_weight_count(where, span, data.classes, declared_classes, len(weights), ctx)
        fits = False
    where = Label(_written_option(model, "positive", span))
    fits = check_positive_weights(network.loss, data.classes, where, span, ctx) and fits
    if fits and network.loss.kind == ORDERED_LOSS:
        from retdsl.check.ordered import check_order

        check_order(data, network.loss, span, ctx)
    return fits


def _written_option(model: object, option: str, otherwise: Span) -> Span:
    """Where an option of a model's head stands."""
    last = t.links_of(model.value)[-1].step if isinstance(model, t.Model) else None
    arguments = last.arguments if isinstance(last, t.Apply) else ()
    return next((a.value.span for a in arguments if a.name is not None and a.name.name == option), otherwise)


def _written_weights(model: object, otherwise: Span) -> Span:
    """Where the class weights of a model's head stand, if the model ends in a head with weights."""
    last = t.links_of(model.value)[-1].step if isinstance(model, t.Model) else None
    if not isinstance(last, t.Apply) or last.function.name not in ENTRIES["loss"]:
        return otherwise
    for argument in last.arguments:
        if argument.name is not None and argument.name.name != "weights":
            continue
        called = argument.value.function if isinstance(argument.value, t.Apply) else argument.value
        is_rule = isinstance(called, t.Ref) and called.name in ENTRIES["class weighting"]
        if is_rule or isinstance(called, t.Listing):
            return argument.value.span
    return last.span


def _check_trainable(
    network: Network, phases: Sequence[Freeze], checked: Settings, train: t.Train, ctx: Context
) -> None:
    if any(not node.frozen and node.parameters for node in network.nodes):
        return
    span = checked.place("freeze", train.name.span)
    helps = ["put a layer that learns behind the frozen part, such as `FullyConnected`"]
    until = f" until epoch {phases[1].from_epoch}" if len(phases) > 1 else ""
    text = f"nothing is left to train{until}"
    ctx.out.report("R702", text, Label(span, f"everything is frozen{until}"), helps=helps)
