"""Workers of a job agree on one engine, whoever of them has what."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest
from network_parts import BATCH, SHAPE, Made, compiled, engines

from retdsl.runtime import choice
from retdsl.runtime.engines import AUTO, ONNXRUNTIME, Engines
from retdsl.runtime.errors import RunError
from retdsl.runtime.forward import ByMXNet, ByOnnxruntime
from retdsl.runtime.one_engine import why_not_all
from retdsl.runtime.onnx_part import NotCarried
from retdsl.runtime.workers import Workers

HERE = "onnxruntime 1.32.0"
MISSING = "onnxruntime cannot be loaded"
IMAGES = np.random.default_rng(0).normal(size=(BATCH, *SHAPE)).astype(np.float32)


class Seen(Workers):
    """One of several, whom the others have told this; it counts how often they came together."""

    def __init__(self, rank: int, *others: dict[str, object]) -> None:
        self.rank = rank
        self.count = 1 + len(others)
        self.others = others
        self.met = 0

    def joined(self, columns):
        self.met += 1
        texts = [json.dumps(other).encode() for other in self.others]
        texts.insert(self.rank, columns["text"].tobytes())
        return {
            "text": np.frombuffer(b"".join(texts), np.uint8),
            "length": np.array([len(text) for text in texts]),
        }


def other(engine: str | None = HERE, why: str = "") -> dict[str, object]:
    return {"host": "far", "engine": engine, "why": why}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("program"))


def of_job(program: Path, workers: Workers, asked: str = AUTO, **more) -> Engines:
    return engines(program, asked, workers=workers, calibration=lambda count: IMAGES[:count], **more)


def test_the_reason_names_the_worker_who_cannot() -> None:
    assert why_not_all(Seen(0, other(), other()), HERE, "") == ("", True)
    why, could = why_not_all(Seen(0, other(), other(None, MISSING)), HERE, "")
    assert (why, could) == (f"worker 2 on far: {MISSING}", True)
    assert why_not_all(Seen(1, other()), None, MISSING)[0].startswith("worker 1 on ")
    assert why_not_all(Seen(0, other(None, MISSING)), None, MISSING) == (MISSING, False)
    why, _ = why_not_all(Seen(0, other("onnxruntime 1.20.0")), HERE, "")
    assert why.startswith("worker 1 on far has onnxruntime 1.20.0, worker 0 on ")


def test_a_worker_without_onnxruntime_has_all_compute_by_mxnet(program) -> None:
    notes: list[str] = []
    chosen = of_job(program, Seen(0, other(None, MISSING)), note=notes.append)
    assert isinstance(Made(program).by(chosen), ByMXNet)
    assert chosen.facts["why"] == f"worker 1 on far: {MISSING}"
    assert chosen.facts["frozen"].startswith("mxnet ")
    assert "difference" not in chosen.facts
    assert notes == [f"MXNet computes what only predicts: worker 1 on far: {MISSING}"]


def test_who_asks_for_onnxruntime_by_name_hears_which_worker_has_none(program) -> None:
    with pytest.raises(RunError, match="onnxruntime was asked for") as caught:
        Made(program).by(of_job(program, Seen(0, other(None, MISSING)), ONNXRUNTIME))
    assert f"worker 1 on far: {MISSING}" in str(caught.value)


def test_workers_who_all_can_agree_once_before_any_image_comes(program) -> None:
    version = Made(program).by(engines(program)).engine
    workers = Seen(1, other(version))
    chosen = of_job(program, workers)
    assert isinstance(Made(program).by(chosen), ByOnnxruntime)
    assert 0 <= chosen.facts["difference"] < 1e-5
    assert isinstance(Made(program).by(chosen), ByOnnxruntime)
    assert workers.met == 1, "who binds anew, since memory ran out, must not wait for the others"
    Made(program, whole=True).by(chosen, "prediction")
    assert workers.met == 2


def test_a_run_that_goes_on_still_asks_whether_all_can(program) -> None:
    facts = {"asked": AUTO, "frozen": HERE, "difference": 1e-6}
    chosen = of_job(program, Seen(0, other(None, MISSING)), facts=facts)
    assert isinstance(Made(program).by(chosen), ByMXNet)


class Pair(Workers):
    """Two workers in two threads of this process, who meet whenever rows are joined."""

    count = 2

    def __init__(self, rank: int, told: dict[int, dict], barrier: threading.Barrier) -> None:
        self.rank = rank
        self._told = told
        self._barrier = barrier

    def joined(self, columns):
        self._told[self.rank] = columns
        self._barrier.wait(60)
        found = {name: np.concatenate([self._told[rank][name] for rank in (0, 1)]) for name in columns}
        self._barrier.wait(60)
        return found


@pytest.mark.parametrize("trouble", ["missing", "differs"])
def test_two_workers_of_whom_one_cannot_use_the_same(program, monkeypatch, trouble) -> None:
    told: dict[int, dict] = {}
    barrier = threading.Barrier(2)
    both = [of_job(program, Pair(rank, told, barrier)) for rank in (0, 1)]
    if trouble == "missing":

        def refused(*_):
            raise NotCarried(MISSING)

        monkeypatch.setattr(both[1], "model", refused)
    else:
        real = choice._from_mxnet
        monkeypatch.setattr(
            choice, "_from_mxnet", lambda one, two, images: 0.5 if images is strange else real(one, two, images)
        )
        strange = IMAGES[:2] * 2
        both[1].calibration = lambda _: strange
    found: dict[int, object] = {}
    made = [Made(program), Made(program)]

    def work(rank: int) -> None:
        found[rank] = made[rank].by(both[rank])

    threads = [threading.Thread(target=work, args=(rank,)) for rank in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [type(found[rank]) for rank in (0, 1)] == [ByMXNet, ByMXNet]
    assert both[0].facts == both[1].facts
    assert both[0].facts["why"].startswith("worker 1 on ")
