"""Whole runs with all passes and without any: the same figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from retdsl import cli
from retdsl.passes import ALL
from retdsl.runtime.mx import mx

STUDY = """
data eyes {
  source  = synthetic_fundus(60, ratio = 2 : 1, seed = 1, size = 64)
  classes = [healthy, infected]
  split   = by_patient(train = 50%, valid = 25%, test = 25%, seed = 1)
  image   = photo => resize(32, 32)
}
block unit(filters, name) =
  Convolution(filters, kernel = 3, stride = 2, pad = 1, no_bias = true, name = "{name}_conv")
    => BatchNorm(fix_gamma = false, name = "{name}_bn")
    => Activation(relu, name = "{name}_relu")
block trunk() = unit(6, name = "a") => unit(8, name = "b")
backbone body = trunk()
model net =
  body => unit(8, name = "c") => Pooling(global_pool = true, pool_type = avg) => Flatten => Dropout(20%)
    => FullyConnected(2) => Softmax
train first {
  model     = net
  data      = eyes
  freeze    = body
  optimizer = sgd(lr = 0.05, momentum = 0.9)
  epochs    = 3
  batch     = 8
  metrics   = [auc]
  seed      = 3
}
"""


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RETDSL_CACHE", str(tmp_path / "cache"))
    (tmp_path / "study.retina").write_text(STUDY)
    return tmp_path / "study.retina"


def trained(spec: Path, run: str, *options: str) -> Path:
    assert cli.main(["train", str(spec), "--run", run, "--plain", "--threads", "1", *options]) == 0
    return Path(run)


def last_parameters(run: Path) -> dict[str, np.ndarray]:
    file = sorted((run / "checkpoints").glob("*.params"))[-1]
    return {name: array.asnumpy() for name, array in mx.nd.load(str(file)).items()}


@pytest.mark.slow
def test_results_do_not_depend_on_passes(spec: Path, capsys: pytest.CaptureFixture[str]):
    with_all, without = trained(spec, "all"), trained(spec, "none", "--passes=none")
    assert json.loads((with_all / "lock.json").read_text())["passes"] == list(ALL)
    assert json.loads((without / "lock.json").read_text())["passes"] == []
    ours, theirs = last_parameters(with_all), last_parameters(without)
    assert ours.keys() == theirs.keys(), "checkpoints are ordinary ones"
    for name, value in ours.items():
        np.testing.assert_allclose(value, theirs[name], rtol=1e-5, atol=1e-5, err_msg=name)
    for one, other in zip(*(_losses(run) for run in (with_all, without)), strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    assert cli.main(["reproduce", str(without)]) == 0, "its program has on record how it was carried out"
    assert cli.main(["train", "--resume", str(without), "--passes=split"]) == 2
    assert "--passes cannot be given with --resume" in capsys.readouterr().err


def _losses(run: Path) -> list[float]:
    return [json.loads(line)["train"]["loss"] for line in (run / "metrics.jsonl").read_text().splitlines()]
