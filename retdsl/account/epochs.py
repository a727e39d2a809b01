"""What `check --verbose` tells of the epochs: how many images of each class one sees, how often each, how many new.

Enters: an experiment, and the photographs of its classes where they are known. Leaves: a section, without rows where
nothing is known, or where every epoch sees every image once.
"""

from __future__ import annotations

from retdsl.account.section import Section
from retdsl.balance.counts import Counts
from retdsl.balance.epochs import by_patient, drawn_from, drawn_in_epoch
from retdsl.balance.novelty import PATIENCE, Novelty, novelty, times_each
from retdsl.balance.numbers import percent, short
from retdsl.ir import Call, Experiment, TrainingPlan
from retdsl.records import dataclass


@dataclass(frozen=True, slots=True)
class EpochData:
    """What one epoch sees: of each class, how many images, and how often each comes at least, at most and on average.
    null where only the average is known.
    """

    epoch: int
    drawn: tuple[int, ...]
    least: tuple[int | None, ...]
    most: tuple[int | None, ...]
    mean: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class EpochsData:
    """The first and the last epoch, and of each class what the training sees in all; null where it is not known."""

    classes: tuple[str, ...]
    exact: bool
    of: str
    first: EpochData | None
    last: EpochData | None
    novelty: tuple[Novelty, ...] | None


def epochs_section(experiment: Experiment, counts: Counts | None) -> Section:
    """Class by class: what an epoch draws, how often an image comes, and how many are new."""
    policy, epochs, classes = experiment.sampling, experiment.training.epochs, experiment.data.classes
    among = drawn_from(policy, counts.train if counts else None)
    exact = counts is not None and counts.exact
    of = "patients" if by_patient(policy) else "images"
    title = "what an epoch sees"
    if among is None:
        return Section("epochs", title, (), (), (), EpochsData(classes, exact, of, None, None, None))
    first, last = (_epoch(policy, epoch, among) for epoch in (1, epochs))
    known = tuple(novelty(policy, among, label, epochs) for label in range(len(classes)))
    data = EpochsData(classes, exact, of, first, last, known)
    plain = policy.name != "hard" and all(found.all == 1 for found in known)
    left_over = _left_over(experiment.training, first, last)
    if plain and first.drawn == last.drawn == among:
        return Section("epochs", title, (), (), left_over, data)
    moves = _moves(first, last)
    shown = (first, last) if moves else (last,)
    heads = [part for seen in shown for part in (f"epoch {seen.epoch}" if moves else "an epoch", "each")]
    columns = ("", *heads, *(() if moves else ("new in 2nd",)), f"in {epochs} epochs", "all after")
    rows = tuple(
        (
            name,
            *(part for seen in shown for part in (str(seen.drawn[at]), _times(seen, at))),
            *(() if moves else (_number(known[at].new),)),
            f"{_number(known[at].seen)} of {known[at].among}",
            _all(known[at]),
        )
        for at, name in enumerate(classes)
    )
    return Section("epochs", title, columns, rows, (*_notes(policy, of, known, classes), *left_over), data)


def _left_over(training: TrainingPlan, first: EpochData, last: EpochData) -> tuple[str, ...]:
    """What `last_batch` adds to an epoch, or takes from it, in a sentence, if anything."""
    changed = [(images, _images_of(images, training)) for images in (sum(first.drawn), sum(last.drawn))]
    if all(images == seen for images, seen in changed):
        return ()
    does = "leaves out the last of any class" if training["last_batch"] == "drop" else "repeats those it begins with"
    drawn, seen = (" to ".join(dict.fromkeys(map(str, numbers))) for numbers in zip(*changed, strict=True))
    return (f"an epoch draws {drawn} images and sees {seen}: `last_batch = {training['last_batch']}` {does}",)


def _images_of(images: int, training: TrainingPlan) -> int:
    """How many images an epoch has in the end, as `retdsl.runtime.feed` counts them."""
    left_over = images % training.batch
    if left_over == 0 or training["last_batch"] == "keep":
        return images
    if training["last_batch"] == "pad":
        return images - left_over + training.batch
    return images - left_over if images > training.batch else images


def _moves(first: EpochData, last: EpochData) -> bool:
    """Whether the last epoch of a training is another than its first."""
    return any(abs(a - b) > 1 for a, b in zip(first.drawn, last.drawn, strict=True))


def _epoch(policy: Call, epoch: int, among: tuple[int, ...]) -> EpochData:
    drawn = drawn_in_epoch(policy, epoch, len(among), among)
    assert drawn is not None, "what there is to draw is known"
    times = [times_each(policy, k, n) for k, n in zip(drawn, among, strict=True)]
    return EpochData(
        epoch,
        drawn,
        tuple(None if t is None else t[0] for t in times),
        tuple(None if t is None else t[1] for t in times),
        tuple(k / n for k, n in zip(drawn, among, strict=True)),
    )


def _times(seen: EpochData, at: int) -> str:
    """`1`, `0 or 1`, `about 32`."""
    least, most = seen.least[at], seen.most[at]
    if least is None or most is None:
        return f"about {short(seen.mean[at])}"
    return str(least) if least == most else f"{least} or {most}"


def _number(number: float) -> str:
    return short(number) if number >= 0.005 else "0"


def _all(found: Novelty) -> str:
    if found.all is None:
        return "never" if found.once is None else f"> {PATIENCE:,}"
    epochs = max(1, round(found.all))
    return f"{epochs} epoch{'s' * (epochs > 1)}"


def _notes(policy: Call, of: str, known: tuple[Novelty, ...], classes: tuple[str, ...]) -> list[str]:
    one = "a patient" if of == "patients" else "an image"
    notes = ["averages; new: in no epoch before; all after: until every one was seen"]
    most = max(range(len(known)), key=lambda at: known[at].once or 0)
    if (epochs := known[most].once or 0) > 1:
        notes.append(f"after {epochs} epochs, {one} of `{classes[most]}` has come once on average")
    if policy.name == "hard":
        share = percent(float(str(policy["fraction"])))
        notes.append(f"from the second epoch on, {share} of each class are those with the largest losses")
    if of == "patients":
        notes.append("patients are drawn, and one image of each; a patient counts in every class that they have")
    return notes
