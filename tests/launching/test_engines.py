"""A job whose workers do not all have onnxruntime computes with one engine, and goes on with that one."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from jobs import Begun, ended, strike
from spec_texts import FROZEN

pytestmark = pytest.mark.slow

WITHOUT = """
import os, sys
if os.environ.get("RETDSL_RANK") == "1" and os.environ.get("RETDSL_ROLE") == "worker":
    sys.modules["onnxruntime"] = None
"""
"""Python reads this as it starts: the second worker has no onnxruntime."""


def test_a_worker_without_onnxruntime(tmp_path: Path):
    (tmp_path / "study.retina").write_text(FROZEN)
    job = Begun(tmp_path, "run", holds=2, first=WITHOUT)
    job.wait_for_epoch(2)
    strike(job.process.pid, signal.SIGINT)
    code, said = job.end()
    assert code == 130, said
    name = f"worker 1 on {os.uname().nodename}"
    assert f"MXNet computes what only predicts: {name}: onnxruntime cannot be loaded" in said
    first = json.loads((tmp_path / "run" / "lock.json").read_text())["engines"]
    assert first["asked"] == "auto"
    assert first["frozen"].startswith("mxnet ")
    assert first["why"].startswith(name)
    code, said = ended("launch", "--resume", "run", "--plain", folder=tmp_path)
    assert code == 0, said
    assert "going on after epoch" in said
    lock = json.loads((tmp_path / "run" / "lock.json").read_text())
    assert lock["engines"] == first, "now that all have it, the run goes on as it began"
    assert lock["features"]["engine"] == first["frozen"]
