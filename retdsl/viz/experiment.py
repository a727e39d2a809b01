"""An experiment as a picture: which photographs go where, through what, into which network, judged by what.

Two rows of cards. Above, the photographs on their way to numbers: training images pass sampling and augmentation,
validation and test images go past both. Below, the network, its loss and what is done with its answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from retdsl.ir import Call, DataPlan, Experiment, Network, Node, Value, learned_numbers
from retdsl.schema.sources import JOINED, sources_of
from retdsl.schema.spelling import default_of, option_type, spell, spell_call
from retdsl.schema.training import TRAIN_KEYS
from retdsl.viz.graph import Arrow, Box, Form, Identifiers, Look, Picture
from retdsl.viz.network import backbone_words, legend, loss_lines
from retdsl.viz.words import (
    amount,
    clipped,
    counted,
    dimensions,
    folded,
    layer,
    option,
    packed,
    phrase,
    telling,
    value,
)

MOST_LINES = 6
MOST_SETTINGS = 16
"""How much a card says at most, and that of training; a long thing in several lines; what is left out is counted."""


def experiment_picture(experiment: Experiment, *, title: str | None = None) -> Picture:
    """The picture of an experiment; `title` stands above instead of the experiment's name."""
    ids = Identifiers()
    photographs, arrows = _photographs(experiment, ids)
    learning, more = _learning(experiment, ids, photographs[-1])
    return Picture(
        name=experiment.name,
        title=title or experiment.name,
        subtitle=_subtitle(experiment),
        legend=legend(experiment.network, experiment.trained_from()),
        boxes=(*photographs, *learning),
        arrows=(*arrows, *more),
        groups=(),
        rows=(tuple(box.id for box in photographs), tuple(box.id for box in learning)),
    )


def _photographs(experiment: Experiment, ids: Identifiers) -> tuple[list[Box], list[Arrow]]:
    """From the source to the network's input; the last box is where all three parts of the split meet again."""
    data = experiment.data
    source = _card(
        ids,
        "photographs",
        data.source.name if data.source.name != JOINED else counted(len(sources_of(data.source)), "source"),
        _source_lines(data.source, data.classes),
        spell_call(data.source, "data source"),
    )
    boxes = [source, *_choices(data, ids)]
    if data.prepare:
        boxes.append(_steps(ids, "every photograph", "prepare", data.prepare, "image step"))
    arrows = [Arrow(one.id, other.id) for one, other in pairwise(boxes)]
    leaks = dict(data.settings).get("allow_leaks")
    split = _card(
        ids,
        "split",
        data.split.name,
        (
            *_options(data.split, without=("train", "valid", "test")),
            *([f"leaks allowed: {', '.join(map(str, leaks))}"] if isinstance(leaks, tuple) and leaks else []),
        ),
        spell_call(data.split, "split"),
    )
    arrows.append(Arrow(boxes[-1].id, split.id))
    policy = _card(
        ids,
        "sampling",
        experiment.sampling.name,
        _options(experiment.sampling),
        spell_call(experiment.sampling, "sampling policy"),
        Look.TRAINED,
    )
    boxes += [split, policy]
    arrows.append(_part(experiment, "train", split, policy))
    if experiment.augment:
        augment = _steps(ids, "training images", "augment", experiment.augment, "augmentation", Look.TRAINED)
        boxes.append(augment)
        arrows.append(Arrow(policy.id, augment.id, look=Look.TRAIN))
    normalize = _normalize(experiment, ids)
    arrows.append(Arrow(boxes[-1].id, normalize.id, look=Look.TRAIN))
    arrows.append(_part(experiment, "valid", split, normalize))
    if isinstance(elsewhere := dict(data.settings).get("test"), Call):
        lines = _source_lines(elsewhere, ())
        test = _card(ids, "test set", elsewhere.name, lines, spell_call(elsewhere, "data source"))
        boxes.append(test)
        arrows.append(Arrow(test.id, normalize.id, "test", Look.TEST))
    elif data.split["test"] not in (0, None):
        arrows.append(_part(experiment, "test", split, normalize))
    return [*boxes, normalize], arrows


def _choices(data: DataPlan, ids: Identifiers) -> Iterator[Box]:
    """What becomes of the photographs as they were listed: whose labels they get, and which of them are left out."""
    settings = dict(data.settings)
    labels, exclude = settings.get("labels"), settings.get("exclude")
    if isinstance(labels, Call):
        options = dict(labels.options)
        graders = options.get("graders")
        said = [f"{len(graders)} graders" if isinstance(graders, tuple) else "", str(options.get("method", ""))]
        said += ["soft labels"] if options.get("soft") else []
        yield _card(ids, "labels", labels.name, packed(said), spell_call(labels, "agreement of graders"))
    skipped = ["what cannot be read"] if settings.get("on_bad_image") == "skip" else []
    if isinstance(exclude, Call):
        options = dict(exclude.options)
        flags = options.get("flags")
        lines = [str(options.get("path", "")), *packed(map(str, flags) if isinstance(flags, tuple) else ()), *skipped]
        yield _card(ids, "left out", exclude.name, lines, spell_call(exclude, "exclusion"))
    elif skipped:
        yield _card(ids, "left out", "skip", skipped, "on_bad_image = skip")


def _learning(experiment: Experiment, ids: Identifiers, numbers: Box) -> tuple[list[Box], list[Arrow]]:
    """From the network's input to the checkpoint."""
    network, training = experiment.network, experiment.training
    frozen = [node for node in network.nodes if node.frozen]
    trained = [node for node in network.nodes if not node.frozen]
    shape = dimensions(network.input_shape, "\n")
    boxes: list[Box] = []
    arrows: list[Arrow] = []
    at = numbers
    for nodes, look in ((frozen, Look.FROZEN), (trained, Look.TRAINED)):
        if nodes:
            part = _part_of_network(ids, network, nodes, look)
            arrows.append(Arrow(at.id, part.id, shape))
            boxes.append(part)
            at, shape = part, dimensions(nodes[-1].shape, "\n")
    loss = network.loss
    if loss is not None:
        judged = _card(
            ids, "loss", loss.kind, loss_lines(loss), spell_call(Call(loss.kind, loss.options), "loss"), Look.LOSS
        )
        boxes.append(judged)
        arrows.append(Arrow(at.id, judged.id, "training", Look.TRAIN))
    metrics = _steps(ids, "validation and test", "metrics", training.metrics, "metric")
    schedule = (*_options(training.optimizer), phrase(training.schedule))
    run = f"{counted(training.epochs, 'epoch')}, batch {training.batch}"
    others = tuple(
        f"{key.replace('_', ' ')}: {spell(value, option_type(TRAIN_KEYS, key))}"
        for key, value in training.settings
        if value != default_of(TRAIN_KEYS, key)
    )
    optimizer = _card(
        ids,
        "training",
        training.optimizer.name,
        (*schedule, run, *others, f"seed {training.seed}"),
        f"{spell_call(training.optimizer, 'optimizer')}\n{spell_call(training.schedule, 'schedule')}",
        Look.TRAINED,
        most=MOST_SETTINGS,
    )
    checkpoint = _card(
        ids, "checkpoint", *_checkpoint_words(training.checkpoint), spell_call(training.checkpoint, "checkpoint rule")
    )
    boxes += [metrics, optimizer, checkpoint]
    arrows.append(Arrow(boxes[-4].id if loss is not None else at.id, optimizer.id, look=Look.TRAIN))
    arrows.append(
        Arrow(at.id, metrics.id, f"validation\n{_often(dict(training.settings).get('validate'))}", Look.VALID)
    )
    arrows.append(Arrow(at.id, metrics.id, "test\nat the end", Look.TEST))
    arrows.append(Arrow(metrics.id, checkpoint.id, look=Look.VALID))
    return boxes, arrows


def _often(validate: Value) -> str:
    """How often validation is done."""
    period = validate["n"] if isinstance(validate, Call) else None
    if not isinstance(period, Call):
        return "every epoch"
    within = "every epoch\nand every" if period.name == "batches" else "every"
    return f"{within} {spell_call(period, 'period')}"


def _card(
    ids: Identifiers,
    role: str,
    title: str,
    lines: Iterable[str],
    tooltip: str,
    look: Look = Look.PLAIN,
    figure: str = "",
    most: int = MOST_LINES,
) -> Box:
    said = list(lines)
    if len(said) > most:
        said[most - 1 :] = [f"and {len(said) - most + 1} more"]
    shown = [line for each in said for line in folded(each)]
    return Box(
        ids.new(role),
        clipped(title),
        tuple(shown),
        figure,
        look,
        Form.CARD,
        role,
        tooltip or "\n".join([title, *shown]),
    )


def _steps(
    ids: Identifiers, role: str, title: str, steps: tuple[Call, ...], category: str, look: Look = Look.PLAIN
) -> Box:
    return _card(ids, role, title, map(phrase, steps), "\n".join(spell_call(step, category) for step in steps), look)


def _options(given: Call, without: tuple[str, ...] = ()) -> tuple[str, ...]:
    return packed(option(key, v) for key, v in telling(given) if key not in without)


def _source_lines(source: Call, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Where the photographs lie and what they are called; column names say nothing where they say themselves."""
    sources = sources_of(source)
    if len(sources) == 1:
        said = [
            str(v) if key == "path" else value(key, v) if key == "label" and not isinstance(v, str) else option(key, v)
            for key, v in source.options
            if v is not None and str(v) != key and (key, v) != ("encoding", "utf-8") and key != "patient"
        ]
    else:
        said = [str(dict(each.options).get("path", each.name)) for each in sources]
    known = ("patients known",) if all(dict(each.options).get("patient") is not None for each in sources) else ()
    return (*packed(said), *packed(classes), *known)


def _part(experiment: Experiment, part: str, tail: Box, head: Box) -> Arrow:
    """An arrow for one side of the split with its share."""
    look = {"train": Look.TRAIN, "valid": Look.VALID, "test": Look.TEST}[part]
    word = {"train": "training", "valid": "validation", "test": "test"}[part]
    share = dict(experiment.data.split.options).get(part)
    return Arrow(tail.id, head.id, f"{word}\n{value(part, share)}" if isinstance(share, float) else word, look)


def _normalize(experiment: Experiment, ids: Identifiers) -> Box:
    given = experiment.data.normalize
    if given is None:
        return _card(ids, "normalize", "0 to 1", ("values as they are",), "no normalize: values from 0 to 1")
    lines = [f"{key} {value(key, v)}" for key, v in given.options if v not in (None, 1.0)]
    taken = experiment.data.normalize_from
    return _card(
        ids, "normalize", f"as {taken} expects" if taken else given.name, packed(lines), spell_call(given, "image step")
    )


def _part_of_network(ids: Identifiers, network: Network, nodes: list[Node], look: Look) -> Box:
    """The frozen or the trained part: its backbone, or its layers one by one where they are few."""
    backbones = list(dict.fromkeys(node.backbone for node in nodes if node.backbone))
    lines: list[str] = []
    for declared in network.backbones:
        if declared.name in backbones:
            lines += packed(backbone_words(declared))
    own = [node for node in nodes if node.backbone is None]
    if backbones:
        lines.append(f"{counted(len(nodes), 'layer')}, up to {nodes[-1].name}")
    if own and (not backbones or len(own) <= MOST_LINES):
        lines += [" ".join((layer(node)[0], *layer(node)[1])) for node in own]
    role = "frozen" if look is Look.FROZEN else "trained"
    title = ", ".join(backbones) or network.name
    count = learned_numbers(nodes)
    return _card(ids, role, title, lines, f"{nodes[0].name} to {nodes[-1].name}", look, counted(count, "parameter"))


def _checkpoint_words(given: Call) -> tuple[str, tuple[str, ...]]:
    options = dict(given.options)
    n, start, keep = options.get("n", 1), options.get("from", 0), options.get("keep")
    lines = [f"from epoch {start}"] if start else []
    if isinstance(keep, Call):
        metric = dict(keep.options).get("metric")
        said = phrase(metric) if isinstance(metric, Call) else str(metric or "")
        lines.append(f"keep the {keep.name} {said}".rstrip())
    often = spell_call(n, "period") if isinstance(n, Call) else f"{n} epochs"
    return "every epoch" if n == 1 else f"every {often}", tuple(lines)


def _subtitle(experiment: Experiment) -> str:
    network, data = experiment.network, experiment.data
    total = amount(learned_numbers(network.nodes))
    return f"data {data.name} · model {network.name}, {counted(len(network.nodes), 'layer')}, {total} parameters"
