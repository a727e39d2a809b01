"""A generated program looks at every photograph of a data block, and its survey comes back.

It is the program of an experiment of the spec whose network begins with a pretrained backbone that is frozen as a
whole: its features are those that the study itself learns from. Where there is none, it is that of a small experiment
with EfficientNet-Lite0.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from retdsl.compiler import Spec, check, compile_experiment
from retdsl.ir import DataPlan, Experiment, Program
from retdsl.records import replace
from retdsl.running import require_answer, run_program
from retdsl.runtime.survey import Survey, load_survey
from retdsl.source import Source

OWN = Source(
    "the audit's own network",
    """
    data photographs {
      source  = csv("labels.csv", patient = patient)
      classes = [one, other]
      image   = photo => crop_circle => resize(224, 224)
    }
    backbone lite = zoo(efficientnet_lite0, weights = imagenet)
    model scores = lite[global_pool] => Flatten => FullyConnected(count(photographs.classes)) => Softmax
    train audit { model = scores  data = photographs  freeze = lite  metrics = [auc] }
    """,
)
"""What describes photographs where a study has nothing that could. Its own photographs are never read."""


class Looked:
    """survey: of every photograph; network: the backbone that described them, None if none was asked."""

    def __init__(self, survey: Survey, network: str | None) -> None:
        self.survey = survey
        self.network = network


def look_at(data: DataPlan, experiments: Iterable[Experiment], root: Path, *, network: bool, plain: bool) -> Looked:
    """Lets a program look at the photographs of a data block. plain: no live bar of its progress.

    experiments: those of the spec. Raises SystemExit if it cannot, for labels that cannot be used among other
    reasons: it has said why itself.
    """
    experiment = next((one for one in experiments if one.data.name == data.name and _frozen_backbone(one)), None)
    if experiment is None:
        experiment = _own(data, root)
    program = Program(data.place.file, (), (), (experiment,))
    with tempfile.TemporaryDirectory(prefix="retdsl-") as folder:
        train_py = compile_experiment(program, experiment, Path(folder), root)
        file = Path(folder) / "survey.npz"
        options = [*([] if network else ["--no-network"]), *(["--plain"] if plain else [])]
        code = run_program(train_py, "--survey", str(file), "--root", str(root), *options)
        require_answer(code)
        return Looked(load_survey(file), _frozen_backbone(experiment) if network else None)


def _frozen_backbone(experiment: Experiment) -> str | None:
    """The pretrained backbone that training leaves as it is from the first layer on to the last, at least at first."""
    frozen = {*experiment.phases[0].nodes}
    for backbone in experiment.network.backbones:
        learns = {node.name for node, _ in experiment.network.parameters() if node.backbone == backbone.name}
        if backbone.weights is not None and learns and learns <= frozen:
            return str(next((value for _, value in backbone.source.options if isinstance(value, str)), backbone.name))
    return None


def _own(data: DataPlan, root: Path) -> Experiment:
    """The audit's own experiment, with the photographs of a data block, prepared as its network wants them."""
    program = check(Spec(OWN, root)).program
    assert program is not None, "it is right"
    (experiment,) = program.experiments
    own = experiment.data
    prepared = replace(
        data,
        prepare=own.prepare,
        normalize=own.normalize,
        normalize_from=own.normalize_from,
        image_shape=own.image_shape,
    )
    return replace(experiment, data=prepared)
