"""How probabilities become an answer: by the thresholds that a run has frozen, or else by the most probable class.

Enters: a finished run, and the operating point that is wanted. Leaves: a `Rule`. Guaranteed: a threshold is used only
for the epoch whose validation answers it was chosen from.
"""

from __future__ import annotations

from collections.abc import Mapping

from retdsl.evaluation.members import Finished, operating_points
from retdsl.records import dataclass
from retdsl.runtime.errors import RunError
from retdsl.runtime.figures_table import key_in_words


@dataclass(frozen=True, slots=True)
class Rule:
    """How probabilities become a label. thresholds: from which probability on a photograph is of the last of two
    classes, or shows a finding, by its name; a finding without one is shown from 50 % on. Without the one of two
    classes, and of more, the most probable class is the answer. words: the same in a sentence.
    """

    thresholds: Mapping[str, float]
    words: str
    exclusive: bool = True

    def label(self, probabilities: Mapping[str, float]) -> str:
        """The class, or all findings with `+` between them."""
        names = list(probabilities)
        if not self.exclusive:
            return "+".join(name for name in names if probabilities[name] >= self.thresholds.get(name, 0.5))
        if self.thresholds:
            return names[-1] if probabilities[names[-1]] >= self.thresholds[names[-1]] else names[0]
        return max(names, key=lambda name: probabilities[name])


def rule_of(finished: Finished, metric: str | None = None, checkpoint: str = "best") -> Rule:
    """The rule that a run has frozen on its validation side: of the operating point that `metric` asks for, or else of
    the first. Of another checkpoint than the best there is none. Raises RunError for one that there is not.
    """
    experiment = finished.members[0].experiment
    exclusive = experiment.network.loss is None or experiment.network.loss.kind != "Sigmoid"
    is_best = finished.is_best(checkpoint)
    points = operating_points(finished.record) if is_best else []
    frozen = dict.fromkeys(str(point["metric"]) for point in points)
    if metric is not None and metric not in frozen:
        what = f"this run has frozen no threshold for `{metric}`"
        help = None if is_best else "thresholds are those of the best epoch: leave out --checkpoint"
        raise RunError(what, items=list(frozen), where=finished.record.path, help=help)
    if exclusive and len(finished.classes) != 2:
        points = []
    chosen = [point for point in points if point["metric"] == (metric or next(iter(frozen)))]
    thresholds = {str(point.get("finding", finished.classes[-1])): float(point["threshold"]) for point in chosen}
    if not thresholds:
        why = "the run has frozen no threshold" if is_best else "the run's thresholds are those of its best epoch"
        usual = "labels are the most probable class" if exclusive else "labels are the findings of 50 % and more"
        return Rule({}, f"{usual}: {why}", exclusive)
    listed = ", ".join(f"{name} from {value:.4g} on" for name, value in thresholds.items())
    others = "" if exclusive or len(thresholds) == len(finished.classes) else ", others from 50 % on"
    which = f"the threshold{'' if len(thresholds) == 1 else 's'} for {key_in_words(str(chosen[0]['metric']))}"
    return Rule(thresholds, f"{listed}{others}, {which}, chosen on validation", exclusive)
