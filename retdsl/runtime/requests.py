"""What a program is asked about a run that it has finished: which photographs, which checkpoint, where answers go.

Enters: plain data, as `retdsl evaluate`, `predict` and `export` write them into a file. Leaves: an
`EvaluationRequest`, a `PredictionRequest` or an `ExportRequest`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

from retdsl.runtime.files import write_text


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """The answers to labelled photographs are wanted.

    run: its folder; answers: the file for `predictions.csv` of it; facts: the file for what there is to tell of it, as
    `evaluation.answer_labelled` describes it; checkpoint: "best", "last", or the number of an epoch; labels: a table,
    or a folder with one folder a class; None for the test photographs of the run; labels_root: where the paths of the
    table start; image, label, patient: its columns, None for those of the run's own source; allow_known: whether
    photographs and patients that the run has learned from are told and not refused.
    """

    run: str
    answers: str
    facts: str
    checkpoint: str = "best"
    labels: str | None = None
    labels_root: str | None = None
    image: str | None = None
    label: str | None = None
    patient: str | None = None
    allow_known: bool = False


@dataclass(frozen=True, slots=True)
class PredictionRequest:
    """The answers to photographs without labels are wanted.

    run, checkpoint: as above; images: paths of the photographs; answers: the file for a line of JSON for each, as
    `prediction.answer_unlabelled` describes it.
    """

    run: str
    answers: str
    images: tuple[str, ...]
    checkpoint: str = "best"


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """The network is wanted as a file of ONNX.

    run, checkpoint: as above; skeleton: the file of the network without weights; output: the file to write, which
    is replaced; facts: the file for what there is to tell, as `export.export` describes it; metadata: what the file
    says about itself, besides what the program adds; with_normalization: whether it takes prepared photographs, uint8
    [N, H, W, C], in place of the network's input.
    """

    run: str
    skeleton: str
    output: str
    facts: str
    metadata: Mapping[str, str]
    checkpoint: str = "best"
    with_normalization: bool = False


Request: TypeAlias = EvaluationRequest | PredictionRequest | ExportRequest


def write_request(request: Request, path: Path) -> Path:
    """Writes a file that `read_request` reads; returns its path."""
    write_text(path, json.dumps(asdict(request)))
    return path


def read_evaluation_request(path: Path) -> EvaluationRequest:
    return EvaluationRequest(**_read(path))


def read_prediction_request(path: Path) -> PredictionRequest:
    asked = _read(path)
    return PredictionRequest(**{**asked, "images": tuple(asked["images"])})


def read_export_request(path: Path) -> ExportRequest:
    return ExportRequest(**_read(path))


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found
