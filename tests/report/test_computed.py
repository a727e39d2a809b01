"""What a page says of how a run was computed."""

from __future__ import annotations

from retdsl.report.computed import computed

LOCK = {
    "versions": {"mxnet": "1.9.1"},
    "engines": {"asked": "auto", "frozen": "onnxruntime 1.32.0", "difference": 5.2e-06},
    "features": {"folder": "/cache", "engine": "onnxruntime 1.32.0", "draws": None, "found": 1000, "computed": 513},
    "workers": 1,
}


def test_a_run_with_kept_features() -> None:
    assert dict(computed(LOCK)) == {
        "what was learned": "by MXNet 1.9.1, in float32",
        "what was frozen": "by onnxruntime 1.32.0",
        "compared": "with MXNet on the first photographs: at most 5e-06 of the largest value apart",
        "features": "1,000 found, 513 computed, by onnxruntime 1.32.0",
    }


def test_an_older_record_says_nothing() -> None:
    assert not list(computed({}))
    assert not list(computed({"versions": {"mxnet": "1.9.1"}, "features": None, "engines": None}))


def test_draws_and_features_that_could_not_stay() -> None:
    features = {"folder": None, "engine": "mxnet 1.9.1", "draws": 8, "found": 0, "computed": 40}
    assert dict(computed({"features": features})) == {
        "features": "40 computed, by MXNet 1.9.1, 8 draws a photograph, kept for this run alone"
    }
    assert not list(computed({"features": {**features, "computed": 0}}))


def test_precision_and_workers() -> None:
    precision = {"frozen": "int8", "features": 0.1, "largest": 0.225, "mean": 0.0198}
    engines = {"frozen": "mxnet 1.9.1", "why": "it was asked for", "precision": precision}
    told = dict(computed({**LOCK, "engines": engines, "workers": 4, "servers": 2, "hosts": ["b", "a", "b"]}))
    assert told["what was frozen"] == "by MXNet 1.9.1"
    assert told["why by MXNet"] == "it was asked for"
    assert "within 0.23 of float32's, 0.02 on average" in told["precision"]
    assert told["together"] == "4 workers and 2 servers on b and a"
    del precision["largest"], precision["mean"]
    assert "probabilities are not compared" in dict(computed({**LOCK, "engines": engines}))["precision"]
