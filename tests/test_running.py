"""What is said of several runs together."""

from __future__ import annotations

import json
from pathlib import Path

from retdsl import running
from retdsl.runtime.files import write_json


def test_a_summary_has_auc_with_its_interval_and_frozen_thresholds(tmp_path: Path) -> None:
    point = {"metric": "sensitivity_at_specificity_90", "sensitivity": 0.75, "specificity": 0.875}
    own = {"sensitivity_at_specificity_90": 0.8125, "sensitivity_at_specificity_90_ci": [0.5, 0.9]}
    common = {"loss": 0.5, "best_epoch": 3, "seconds": 12.3, "best_value": 0.9, "images": 40, "patients": 20}
    judged = {"auc": 0.9375, "auc_ci": [0.875, 1.0], "brier": None, "brier_ci": [None, None], **own}
    runs = {"one": tmp_path / "one", "two": tmp_path / "two"}
    for run, points in zip(runs.values(), ([point], []), strict=True):
        run.mkdir()
        write_json(run / "test.json", {**common, **judged, "operating_points": points})
    one, two = running.summary(runs)
    assert one == {
        "experiment": "one",
        "best epoch": "3",
        "seconds": "12",
        "auc": "0.938 [0.875, 1.000]",
        "brier": "-",
        "sensitivity at 90 % specificity, frozen": "0.750 / 0.875",
        "sensitivity_at_specificity_90": "",  # of the other
    }
    assert list(one) == list(two)
    assert two["sensitivity_at_specificity_90"] == "0.812"
    assert json.loads((runs["one"] / "test.json").read_text())["auc"] == 0.9375
