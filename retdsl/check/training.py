"""`train` blocks to experiments: inheritance, references, and what model, data and training say of each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import cast

from retdsl.check.data import Settings, check_settings
from retdsl.check.evaluate import Env
from retdsl.check.fixes import behind
from retdsl.check.options import Context, place_of
from retdsl.check.scope import Scope
from retdsl.diagnostics import Fix, Label
from retdsl.ir import Call, DataPlan, Experiment, Network, Node, Shape, TrainingPlan, Value
from retdsl.schema import ENTRIES
from retdsl.schema.backbones import KnownWeights
from retdsl.schema.shapes import shape_text
from retdsl.schema.training import TRAIN_KEYS, TWO_CLASS_METRICS
from retdsl.source import Span
from retdsl.syntax import tree as t


@dataclass(frozen=True, slots=True)
class Parts:
    """What a train block can refer to, already checked. `network` builds a model for an input shape, with what is
    known of its backbones' weights.
    """

    data: dict[str, DataPlan]
    augments: dict[str, tuple[Call, ...]]
    samplings: dict[str, Call]
    network: Callable[[str, Shape], tuple[Network | None, dict[str, KnownWeights]]]


def inherited(train: t.Train, scope: Scope, ctx: Context) -> list[t.Setting] | None:
    """The settings of an experiment, those it takes over first; None if it descends from itself or from nothing."""
    settings: list[list[t.Setting]] = [list(train.settings)]
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
        settings.insert(0, list(train.settings))
    return [setting for generation in settings for setting in generation]


def check_train(
    train: t.Train, overrides: Sequence[t.Setting], env: Env, parts: Parts, ctx: Context
) -> Experiment | None:
    """The experiment of a train block, `overrides` (from the command line) put on top; None after a mistake."""
    _report_repeated(train, ctx)
    settings = inherited(train, ctx.scope, ctx)
    if settings is None:
        return None
    written, root = [*settings, *overrides], train.parent is None
    _check_written_weights(written, ctx)
    checked = check_settings(TRAIN_KEYS, written, train.name.span, env, ctx, overriding=True, whole=root)
    if checked is None:
        return None
    values = checked.values
    data = parts.data.get(str(values["data"]))
    network, known = parts.network(str(values["model"]), data.image_shape) if data else (None, {})
    sampling = values["sampling"]
    policy = parts.samplings.get(sampling) if isinstance(sampling, str) else cast(Call, sampling)
    augment = () if values["augment"] is None else parts.augments.get(str(values["augment"]))
    training = _training(values, len(data.classes) if data else 2, checked, train, ctx)
    if data is None or network is None or policy is None or augment is None or training is None:
        return None
    errors = ctx.out.errors
    _check_head(network, data, checked, train, ctx)
    if network.loss is not None:
        _check_policy_sizes(policy, data, checked, train, ctx)
    frozen = _freeze(values["freeze"], network, checked, ctx)
    if ctx.out.errors > errors or frozen is None:
        return None
    network = replace(network, nodes=frozen)
    _check_trainable(network, checked, train, ctx)
    if ctx.out.errors > errors:
        return None
    if data.normalize is None and known:
        name, weights = next(iter(known.items()))
        data = replace(data, normalize=weights.normalize, normalize_from=name)
    freeze = values["freeze"] if isinstance(values["freeze"], tuple) else (values["freeze"],)
    return Experiment(
        name=train.name.name,
        network=network,
        data=data,
        sampling=policy,
        augment=augment,
        training=training,
        freeze=tuple(str(name) for name in freeze if name is not None),
        place=place_of(train.name.span),
        keys=tuple((key, place_of(value.span)) for key, value in checked.written.items()),
    )


def _report_repeated(train: t.Train, ctx: Context) -> None:
    seen: dict[str, Span] = {}
    for setting in train.settings:
        key = setting.key
        if key.name in seen:
            first = Label(seen[key.name], "first given here")
            ctx.out.report("R305", f"`{key.name}` is given twice", Label(key.span, "given again"), first)
        seen.setdefault(key.name, key.span)


def _training(
    values: dict[str, Value], classes: int, checked: Settings, train: t.Train, ctx: Context
) -> TrainingPlan | None:
    metrics = cast("tuple[Call, ...]", values["metrics"])
    span = checked.place("metrics", train.name.span)
    errors = ctx.out.errors
    for metric in metrics:
        if metric.name in TWO_CLASS_METRICS and classes != 2:
            text = f"`{metric.name}` is for two classes; there are {classes}"
            where = Label(checked.part("metrics", metric.name, span))
            ctx.out.report("R705", text, where, helps=["use `auc` or `balanced_accuracy`"])
    if all(metric.name == "accuracy" for metric in metrics):
        notes = ["who calls every eye healthy is right 98.5 % of the time at 200 : 3"]
        helps = ["add `auc`, `balanced_accuracy` or `sensitivity`"]
        listed = checked.written.get("metrics")
        fixes = [behind(listed.items[-1].span, ", auc")] if isinstance(listed, t.Listing) else []
        ctx.out.report("R703", "accuracy is the only metric", Label(span), notes=notes, helps=helps, fixes=fixes)
    checkpoint = cast(Call, values["checkpoint"])
    keep = checkpoint["keep"]
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
    )


def _check_head(network: Network, data: DataPlan, checked: Settings, train: t.Train, ctx: Context) -> None:
    model = ctx.scope.find("model", network.name)
    declared = [] if model is None else [Label(model.name.span, "declared here")]
    span = checked.place("model", train.name.span)
    if network.loss is None:
        helps = [f"let a model continue it: `model trained = {network.name} => Softmax`"]
        text = f"the model `{network.name}` does not end in a loss head and cannot be trained"
        ctx.out.report("R501", text, Label(span), *declared, helps=helps)
        return
    shape = network.node(network.loss.logits).shape
    count = len(data.classes)
    if shape is not None and shape != (None, count):
        text = f"the network gives {shape_text(shape)} scores, and there are {count} classes"
        step = _scores_of(model, ctx.scope)
        labels = [Label(span, f"trained on `{data.name}` here"), *declared]
        if step is not None:
            labels = [Label(step.span, f"gives {shape_text(shape)}"), labels[0]]
        notes = [f"`{data.name}` has the classes {', '.join(data.classes)}"]
        helps = [f"end it with `FullyConnected(num_hidden = count({data.name}.classes))`"]
        arguments = step.arguments if isinstance(step, t.Apply) else ()
        written = [a.value.span for a in arguments if isinstance(a.value, t.Number) and a.value.value == shape[-1]]
        fixes = [Fix.at(written[0], f"count({data.name}.classes)")] if len(written) == 1 else []
        ctx.out.report("R502", text, *labels, notes=notes, helps=helps, fixes=fixes)
    weights = dict(network.loss.options).get("weights")
    if isinstance(weights, tuple) and len(weights) != count and _written_weights(model) is None:
        text = f"{len(weights)} class weights for {count} classes"
        ctx.out.report("R503", text, Label(span), notes=[f"the classes are {', '.join(data.classes)}"])


def _scores_of(model: object, scope: Scope) -> t.Expr | None:
    """The layer that a model's scores come from, if one is written right before the head: here, or in the model that
    this one continues.
    """
    links = t.links_of(model.value) if isinstance(model, t.Model) else ()
    steps = [link.step for link in links[:-1]]  # the last is the loss head
    while steps and isinstance(steps[-1], t.Ref):
        earlier = scope.find("model", steps[-1].name)
        steps = [link.step for link in t.links_of(earlier.value)] if isinstance(earlier, t.Model) else []
    last = steps[-1] if steps else None
    return last if isinstance(last, t.Apply) and last.function.name in ENTRIES["layer"] else None


def _check_written_weights(settings: Sequence[t.Setting], ctx: Context) -> None:
    """As many class weights as classes, where both are written down: whatever else may be wrong with the network."""
    chosen = {setting.key.name: setting.value for setting in settings}
    names = [ref.name if isinstance(ref := chosen.get(key), t.Ref) else "" for key in ("model", "data")]
    model, data = ctx.scope.find("model", names[0]), ctx.scope.find("data", names[1])
    weights = _written_weights(model)
    written = {setting.key.name: setting.value for setting in data.settings} if isinstance(data, t.Data) else {}
    classes = written.get("classes")
    if weights is None or not isinstance(classes, t.Listing) or len(weights.items) == len(classes.items):
        return
    text = f"{len(weights.items)} class weights for {len(classes.items)} classes"
    labels = (
        Label(weights.span, f"{len(weights.items)} given"),
        Label(classes.span, f"{len(classes.items)} classes"),
        Label(chosen["model"].span, f"trained on `{names[1]}` here"),
    )
    ctx.out.report("R503", text, *labels)


def _written_weights(model: object) -> t.Listing | None:
    """The class weights of a model that ends in a head with a list of them."""
    last = t.links_of(model.value)[-1].step if isinstance(model, t.Model) else None
    arguments = last.arguments if isinstance(last, t.Apply) and last.function.name in ENTRIES["loss"] else ()
    return next((argument.value for argument in arguments if isinstance(argument.value, t.Listing)), None)


def _check_policy_sizes(policy: Call, data: DataPlan, checked: Settings, train: t.Train, ctx: Context) -> None:
    """A ratio has as many parts as there are classes."""
    span = checked.place("sampling", train.name.span)
    count = len(data.classes)
    ratio = dict(policy.options).get("ratio")
    if isinstance(ratio, tuple) and len(ratio) != count:
        ctx.out.report("R503", f"the ratio has {len(ratio)} parts, and there are {count} classes", Label(span))


def _freeze(wanted: Value, network: Network, checked: Settings, ctx: Context) -> tuple[Node, ...] | None:
    """The network's nodes, those of frozen backbones marked."""
    if wanted is None:
        return network.nodes
    names = wanted if isinstance(wanted, tuple) else (wanted,)
    here = {backbone.name: backbone for backbone in network.backbones}
    span = checked.written["freeze"].span
    for name in names:
        if name not in here:
            known = ", ".join(f"`{n}`" for n in here) or "none"
            notes = [f"backbones of `{network.name}`: {known}"]
            ctx.out.report("R701", f"the model `{network.name}` does not contain `{name}`", Label(span), notes=notes)
            return None
        if here[str(name)].weights is None:
            notes = ["its parameters are random numbers and would stay so"]
            helps = ["give it weights, or do not freeze it"]
            text = f"`{name}` is frozen without pretrained weights"
            ctx.out.report("R704", text, Label(span), notes=notes, helps=helps)
    return tuple(replace(node, frozen=True) if node.backbone in names else node for node in network.nodes)


def _check_trainable(network: Network, checked: Settings, train: t.Train, ctx: Context) -> None:
    if any(not node.frozen and node.parameters for node in network.nodes):
        return
    span = checked.place("freeze", train.name.span)
    helps = ["put a layer that learns behind the frozen part, such as `FullyConnected`"]
    ctx.out.report("R702", "nothing is left to train", Label(span, "everything is frozen"), helps=helps)
