"""What a generated program can be asked for instead of training, an option each.

Enters: an `Experiment`, its data's root, and the arguments of the program. Leaves: whatever the option names, and an
exit code. Guaranteed: MXNet is loaded only for what needs a network; a run folder stays as it is.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from retdsl.runtime.class_weights import class_weights, effective_number, inverse_frequency
from retdsl.runtime.data_check import examine
from retdsl.runtime.dataset import say_divided
from retdsl.runtime.engines import asked_engine, engines_of
from retdsl.runtime.errors import RunError
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.files import make_folder, write_text
from retdsl.runtime.progress import make_progress
from retdsl.runtime.reading import as_used

DONE, WRONG = 0, 1
"""Exit codes: all is well; the spec or the data have errors."""


@dataclass(frozen=True)
class Mode:
    """option: which asks for it; metavar: what it takes, "FILE" or "DIR", None for nothing; work: does it, and returns
    the exit code. Raises RunError.
    """

    option: str
    metavar: str | None
    help: str
    work: Callable[[Experiment, Path, Namespace], int]

    @property
    def key(self) -> str:
        """What the arguments hold it under."""
        return self.option.removeprefix("--").replace("-", "_")


def asked_modes(arguments: Namespace) -> list[Mode]:
    """Those that the arguments ask for, in the order of the table; none where the program is to train."""
    return [mode for mode in MODES if getattr(arguments, mode.key)]


def check_data(experiment: Experiment, root: Path, arguments: Namespace) -> int:
    """Reads all labels and every photograph, and says all that is wrong: as text to people, or, with `--format json`,
    on stdout as one object, which `Findings.to_json` describes.
    """
    with make_progress(plain=arguments.plain) as progress:
        findings = examine(
            experiment.data,
            root,
            arguments.threads,
            divided=lambda dataset: say_divided(experiment.name, dataset, progress.note),
            progress=progress.reading,
            cached=arguments.cache,
        )
        for note in findings.leaks.notes():
            progress.note(note)
    if arguments.format == "json":
        print(json.dumps(findings.to_json()))
    else:
        for severity, found in (("error", findings.errors), ("warning", findings.warnings)):
            for problem in found:
                print(f"{severity}: {problem}", file=sys.stderr)
    return WRONG if findings.errors else DONE


def say_facts(experiment: Experiment, root: Path, arguments: Namespace) -> int:
    """Puts what lock.json would say now on stdout, as `manifest.facts_of_today` describes it."""
    from retdsl.runtime.manifest import facts_of_today

    print(json.dumps(facts_of_today(experiment, root, arguments.threads)))
    return DONE


def write_survey(experiment: Experiment, root: Path, arguments: Namespace) -> int:
    """Looks at every photograph, for an audit. `--no-network`: without the features of the network's frozen part."""
    from retdsl.runtime.survey import survey

    describe = None
    if arguments.network:
        from retdsl.runtime.frozen_features import FrozenFeatures

        describe = FrozenFeatures(experiment, root, engines_of(experiment, asked_engine(arguments.engine)))
    with make_progress(plain=arguments.plain) as progress:
        found = survey(experiment.data, root, arguments.threads, describe, progress=progress.reading)
    found.save(arguments.survey)
    return DONE


def evaluate(experiment: Experiment, root: Path, arguments: Namespace) -> int:
    """Answers labelled photographs, as `evaluation.answer_labelled` does."""
    from retdsl.runtime.evaluation import answer_labelled
    from retdsl.runtime.requests import read_evaluation_request

    request = read_evaluation_request(arguments.evaluate)
    with make_progress(plain=arguments.plain) as progress:
        answer_labelled(
            experiment, root, request, progress, arguments.threads, cached=arguments.cache, engine=arguments.engine
        )
    return DONE


def predict(experiment: Experiment, root: Path, arguments: Namespace) -> int:
    """Answers photographs without labels, as `prediction.answer_unlabelled` does."""
    from retdsl.runtime.prediction import answer_unlabelled
    from retdsl.runtime.requests import read_prediction_request

    request = read_prediction_request(arguments.predict)
    with make_progress(plain=arguments.plain) as progress:
        answer_unlabelled(experiment, root, request, progress, arguments.threads, engine=arguments.engine)
    return DONE


def export(experiment: Experiment, root: Path, arguments: Namespace) -> int:
    """Writes the network as a file of ONNX, as `export.export` does."""
    from retdsl.runtime import export
    from retdsl.runtime.requests import read_export_request

    request = read_export_request(arguments.export)
    with make_progress(plain=arguments.plain) as progress:
        export.export(experiment, root, request, progress, arguments.threads, cached=arguments.cache)
    return DONE


def write_heat_maps(experiment: Experiment, root: Path, arguments: Namespace) -> int:
    """Where the best checkpoint of `--run` sees its answers in the photographs that the file `--images` names."""
    if arguments.run is None or arguments.images is None:
        raise RunError("--heat-maps needs --run and --images")
    from retdsl.runtime import grad_cam

    where = arguments.run, arguments.images, arguments.layer, arguments.heat_maps
    grad_cam.write_heat_maps(experiment, root, *where)
    return DONE


def write_symbols(experiment: Experiment, root: Path, arguments: Namespace) -> int:
    """Writes NAME-deploy-symbol.json and NAME-symbol.json into a folder.

    The labels are read only when the class weights depend on them. Raises RunError when they cannot be; the deploy
    symbol is written all the same.
    """
    network, data, folder = experiment.network, experiment.data, make_folder(arguments.symbols)
    write_text(folder / f"{experiment.name}-deploy-symbol.json", network.deploy_symbol().tojson())
    counts: Sequence[int] = ()
    soft = experiment.soft
    if isinstance(network.loss.weights, inverse_frequency | effective_number):
        dataset = as_used(data.open(root), arguments.threads)
        counts, soft = dataset.class_counts(dataset.train), soft or dataset.soft
    weights = class_weights(network.loss.weights, counts, data.classes)
    write_text(folder / f"{experiment.name}-symbol.json", network.whole_symbol(weights, soft=soft).tojson())
    return DONE


def write_bench(experiment: Experiment, root: Path, arguments: Namespace) -> int:
    """Measures the stages of training for `--seconds` each, on painted photographs with `--synthetic`; writes JSON."""
    from retdsl.runtime.bench import measure

    found = measure(
        experiment,
        root,
        arguments.threads,
        arguments.seconds,
        painted=arguments.synthetic,
        cached=arguments.cache,
        engine=arguments.engine,
    )
    write_text(arguments.bench, json.dumps(found.to_json()))
    return DONE


MODES = (
    Mode("--check-data", None, "only read all labels and photographs", check_data),
    Mode("--facts", None, "only say, as JSON, what a run would be made of", say_facts),
    Mode("--survey", "FILE", "only look at every photograph, and write what an audit needs", write_survey),
    Mode("--evaluate", "FILE", "only answer the labelled photographs that this request names", evaluate),
    Mode("--predict", "FILE", "only answer the photographs that this request names", predict),
    Mode("--export", "FILE", "only write the network that this request names in ONNX", export),
    Mode("--heat-maps", "FILE", "only write where the network of --run sees its answers", write_heat_maps),
    Mode("--bench", "FILE", "only measure how many images a second every stage of training takes", write_bench),
    Mode("--symbols", "DIR", "only write the symbols as JSON into DIR", write_symbols),
)
