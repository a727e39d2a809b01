"""Where a model ends and what its classes are, for messages about heads that do not fit."""

from __future__ import annotations

from collections.abc import Sequence

from retdsl.check.frame import Frame
from retdsl.check.options import Context
from retdsl.diagnostics import Diagnostics, Label
from retdsl.ir import Call, DataPlan, Loss
from retdsl.schema import ENTRIES
from retdsl.schema.losses import FINDINGS_LOSS
from retdsl.schema.sources import FINDINGS, sources_of
from retdsl.source import Span
from retdsl.syntax import tree as t


def report_after_loss(loss: Loss, step: t.Expr, first: t.Expr, frame: Frame, out: Diagnostics) -> None:
    """Says that a step follows a loss head, of this chain or of the model `first` that the chain continues."""
    labels, helps = [Label(step.span, "follows the loss head")], [f"put it before `{loss.kind}`"]
    model = frame.scope.in_chain(first.name) if isinstance(first, t.Ref) else None
    ends = t.links_of(model.value)[-1].step if isinstance(model, t.Model) else step
    called = ends.function if isinstance(ends, t.Apply) else ends
    if isinstance(model, t.Model) and isinstance(called, t.Ref) and called.name in ENTRIES["loss"]:
        labels.append(Label(ends.span, f"`{model.name.name}` ends here"))
        helps = [f"continue what `{model.name.name}` is made of"]
    frame.report(out, "R504", "nothing can follow a loss head", *labels, helps=helps)


def classes_of(data: str, count: int, ctx: Context) -> list[Label]:
    """A label at the classes of a data block."""
    return [Label(span, f"{count} classes") for span in _written(data, "classes", ctx)]


def written_classes(data: str, ctx: Context) -> tuple[Span, list[str]] | None:
    """Where the classes of a data block are listed, and each as it is written; None where they are not."""
    declared = ctx.scope.find("data", data)
    for setting in declared.settings if isinstance(declared, t.Data) else ():
        if setting.key.name == "classes" and isinstance(setting.value, t.Listing):
            return setting.value.span, [item.span.text for item in setting.value.items]
    return None


def _written(data: str, key: str, ctx: Context) -> list[Span]:
    """Where a key of a data block has its value."""
    declared = ctx.scope.find("data", data)
    settings = declared.settings if isinstance(declared, t.Data) else ()
    return [setting.value.span for setting in settings if setting.key.name == key]


def has_findings(data: DataPlan) -> bool:
    """Whether photographs may show several of the classes at once."""
    labels = [dict(each.options).get("label") for each in sources_of(data.source)]
    return any(isinstance(label, Call) and label.name == FINDINGS for label in labels)


def _has_records(data: DataPlan) -> bool:
    """Whether only the photographs tell if they show several classes: records may hold a label for each."""
    return any(each.name == "recordio" for each in sources_of(data.source))


def check_head_of_labels(data: DataPlan, loss: Loss, trained: Span, ctx: Context) -> bool:
    """Whether the head fits: findings need one that takes each on its own, and exclusive classes one that does not."""
    several = has_findings(data)
    if several == (loss.kind == FINDINGS_LOSS) or (not several and _has_records(data)):
        return True
    if several:
        text = f"`{loss.kind}` shares one probability out among findings that may all be there"
        notes = ["several findings at once are questions of their own, each answered yes or no"]
        helps = [f"end the model in `{FINDINGS_LOSS}`"]
    else:
        text = f"`{loss.kind}` answers for each class alone, and a photograph has one class here"
        notes = ["the probabilities of classes that exclude one another add up to 1"]
        helps = ["end the model in `Softmax`, or name a column for each finding: `label = findings([...])`"]
    says = [Label(span, "says what photographs show") for span in _written(data.name, "source", ctx)]
    ctx.out.report("R613", text, Label(trained, f"ends in `{loss.kind}`"), *says, notes=notes, helps=helps)
    return False


def check_positive_weights(loss: Loss, classes: Sequence[str], where: Label, trained: Span, ctx: Context) -> bool:
    """Whether there are as many weights of positives as findings."""
    positive = dict(loss.options).get("positive")
    if not isinstance(positive, tuple) or len(positive) == len(classes):
        return True
    text = f"{len(positive)} weights of positives for {len(classes)} findings"
    here = [] if where.span == trained else [Label(trained, "trained here")]
    ctx.out.report("R503", text, where, *here, helps=[f"give a weight to each of {', '.join(classes)}"])
    return False


def check_written_weights(settings: Sequence[t.Setting], ctx: Context) -> None:
    """As many class weights as classes, where both are written down: whatever else may be wrong with the network.

    settings: of an experiment, with those that it takes over.
    """
    chosen = {setting.key.name: setting.value for setting in settings}
    names = [ref.name if isinstance(ref := chosen.get(key), t.Ref) else "" for key in ("model", "data")]
    model, data = ctx.scope.find("model", names[0]), ctx.scope.find("data", names[1])
    last = t.links_of(model.value)[-1].step if isinstance(model, t.Model) else None
    arguments = last.arguments if isinstance(last, t.Apply) and last.function.name in ENTRIES["loss"] else ()
    listed = (a.value for a in arguments if a.name is None or a.name.name == "weights")
    weights = next((value for value in listed if isinstance(value, t.Listing)), None)
    written = {setting.key.name: setting.value for setting in data.settings} if isinstance(data, t.Data) else {}
    classes = written.get("classes")
    if weights is None or not isinstance(classes, t.Listing) or len(weights.items) == len(classes.items):
        return
    report_weight_count(
        Label(weights.span, f"{len(weights.items)} given"),
        chosen["model"].span,
        [item.span.text.strip('"') for item in classes.items],
        classes_of(names[1], len(classes.items), ctx),
        len(weights.items),
        ctx,
    )


def report_weight_count(
    where: Label, trained: Span, classes: Sequence[str], declared: Sequence[Label], count: int, ctx: Context
) -> None:
    """Says that there are not as many class weights as classes."""
    text = f"{count} class weights for {len(classes)} classes"
    here = [] if where.span == trained else [Label(trained, "trained here")]
    helps = [f"give a weight to each of {', '.join(classes)}", "or let them follow: `inverse_frequency`"]
    ctx.out.report("R503", text, where, *here, *declared, helps=helps)


def last_layer(model: str, layer: str, ctx: Context) -> Span | None:
    """Where the last step of a model, or of the one that it continues, is written, if it is that layer."""
    declared = ctx.scope.find("model", model)
    seen: set[str] = set()
    while isinstance(declared, t.Model) and declared.name.name not in seen:
        seen.add(declared.name.name)
        steps = [link.step for link in t.links_of(declared.value)]
        for step in reversed(steps):
            called = step.function if isinstance(step, t.Apply) else step
            name = called.name if isinstance(called, t.Ref) else ""
            if name == layer:
                return step.span
            if name not in ENTRIES["loss"] and step is not steps[0]:
                return None
        declared = ctx.scope.find("model", name)
    return None
