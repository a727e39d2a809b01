"""The network of a finished run as a file of ONNX for whoever uses it: `export`.

Enters: a run, a checkpoint, where the file goes. Leaves: the file, and what there is to tell of it. Guaranteed: the
graph is that of the run's checked program, its numbers are put in by the run's own program, and the file is compared
with MXNet on photographs of the run before it is written. What it says about itself is in `metadata_of_run`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from retdsl import __version__
from retdsl.engines import onnx as engine
from retdsl.evaluation.asking import ask, root_of
from retdsl.evaluation.members import Finished, operating_points, require_program
from retdsl.evaluation.rules import rule_of
from retdsl.finished import RunRecord
from retdsl.ir import Call, DataPlan, Experiment, to_json
from retdsl.records import dataclass
from retdsl.runtime.errors import RunError
from retdsl.runtime.requests import ExportRequest, write_request
from retdsl.runtime.skeleton import read_skeleton, require_onnx
from retdsl.schema.preparation import CATEGORY
from retdsl.schema.spelling import spell_call

_POINT = ("metric", "finding", "threshold", "chosen_on")
"""What is told of a frozen threshold."""


@dataclass(frozen=True, slots=True)
class Exported:
    """path: of the file; facts: what the program has told (see `runtime.export`); cautions: what whoever uses the file
    must know, in words.
    """

    path: Path
    facts: Mapping[str, Any]
    cautions: tuple[str, ...]


def export(
    finished: Finished,
    output: Path,
    checkpoint: str = "best",
    root: Path | None = None,
    options: Sequence[str] = (),
    *,
    with_normalization: bool = False,
) -> Exported:
    """Writes the network of a run. root: where its photographs are now; options: of its program, as `--threads`.

    Raises RunError for an ensemble, for a network that cannot be said in ONNX, and where the comparison fails.
    """
    require_onnx()
    record = finished.record
    if finished.is_ensemble:
        members = [str(member.path) for member in finished.members]
        help = "export each of them; the answer of the ensemble is the mean of their probabilities"
        raise RunError(
            "an ensemble is several networks, and a file is one", where=record.path, items=members, help=help
        )
    train_py = require_program(record)
    metadata = metadata_of_run(finished, checkpoint, with_normalization=with_normalization)
    with tempfile.TemporaryDirectory(prefix="retdsl-") as folder:
        skeleton = Path(folder) / "skeleton.onnx"
        skeleton.write_bytes(_skeleton(record, train_py))
        request = ExportRequest(
            run=str(record.path.resolve()),
            skeleton=str(skeleton),
            output=str(output.resolve()),
            facts=str(Path(folder) / "facts.json"),
            metadata=metadata,
            checkpoint=checkpoint,
            with_normalization=with_normalization,
        )
        path = write_request(request, Path(folder) / "request.json")
        ask(train_py, "--export", str(path), "--root", str(root_of(record, root)), *options)
        facts = json.loads(Path(request.facts).read_text("utf-8"))
    return Exported(output, facts, tuple(_cautions(record.experiment, metadata, with_normalization)))


def _skeleton(record: RunRecord, train_py: Path) -> bytes:
    """The run's network without weights: that beside its program, or else anew from program.json. Raises RunError."""
    found = read_skeleton(train_py, record.name)
    if found is not None:
        return bytes(found.SerializeToString())
    try:
        return engine.skeleton(record.experiment, train_py.read_text("utf-8"))
    except engine.Refused as why:
        help = "`retdsl predict` and `retdsl evaluate` answer by MXNet"
        raise RunError("this network cannot be said in ONNX", where=record.path, items=[str(why)], help=help) from None


def metadata_of_run(finished: Finished, checkpoint: str, *, with_normalization: bool = False) -> dict[str, str]:
    """What the file says about itself: texts, those of several things as JSON. `docs/export.md` has them all."""
    record, experiment = finished.record, finished.record.experiment
    data, loss = experiment.data, experiment.network.loss
    assert loss is not None, "an experiment's network has a loss"
    exclusive = loss.kind != "Sigmoid"
    points = operating_points(record) if finished.is_best(checkpoint) else []
    metadata = {
        "retdsl": __version__,
        "made_by": str(record.lock.get("made_by") or ""),
        "experiment": experiment.name,
        "spec": str(record.lock.get("spec") or ""),
        "spec_sha256": str(record.lock.get("spec_sha256") or ""),
        "program_sha256": str(record.lock.get("program_sha256") or ""),
        "checkpoint": checkpoint,
        "classes": _json(data.classes),
        "output": "a probability for each class; they sum to 1" if exclusive else "a probability for each finding",
        "input": _json(input_of(experiment, with_normalization=with_normalization)),
        "prepare": " => ".join(["photo", *(spell_call(step, CATEGORY) for step in data.prepare)]),
        "prepare_json": _json([_plain(step) for step in data.prepare]),
        "normalize": _json({**normalization_of(data), "in_the_graph": with_normalization}),
        "operating_points": _json([{key: point[key] for key in _POINT if key in point} for point in points]),
        "rule": rule_of(finished, None, checkpoint).words,
    }
    if experiment.training["views"] is not None:
        metadata["views"] = "the run's own figures are of the mean over several views of a photograph, this is one"
    return {key: text for key, text in metadata.items() if text}


def input_of(experiment: Experiment, *, with_normalization: bool = False) -> dict[str, Any]:
    """What the one input of the file takes: the network's own, or photographs as `prepare` leaves them."""
    channels, height, width = experiment.network.input_shape[1:]
    form = {"layout": "NHWC", "type": "uint8"} if with_normalization else {"layout": "NCHW", "type": "float32"}
    colours = ["red", "green", "blue"] if channels == 3 else ["grey"]
    return {**form, "size": [height, width], "channels": colours}


def normalization_of(data: DataPlan) -> dict[str, Any]:
    """The last step in numbers: x of 0 to 255 becomes (x / 255 * scale - mean) / std, channel by channel."""
    given = {} if data.normalize is None else dict(data.normalize.options)
    channels = data.image_shape[1] or 3
    found: dict[str, Any] = {
        "formula": "(x / 255 * scale - mean) / std",
        "scale": float(str(given.get("scale", 1.0))),
        "mean": to_json(given.get("mean") or (0.0,) * channels),
        "std": to_json(given.get("std") or (1.0,) * channels),
    }
    if given.get("mean_image"):
        found["mean"] = {"mean_image": given["mean_image"]}
    return found


def _cautions(experiment: Experiment, metadata: Mapping[str, str], with_normalization: bool) -> list[str]:
    found = [metadata["views"]] if "views" in metadata else []
    if (
        not with_normalization
        and experiment.data.normalize is not None
        and dict(experiment.data.normalize.options).get("mean_image")
    ):
        found.append("its input lacks a mean image: `--with-normalization` puts the numbers into the file")
    return found


def _plain(call: Call) -> dict[str, Any]:
    """A step as its name and options."""
    return {"step": call.name, **{key: to_json(value) for key, value in call.options if value is not None}}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
