"""Speeds of made-up devices: shares, limits, what is said of them and drawn."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from retdsl.account.arithmetic import Work
from retdsl.runtime.bench_record import Bench
from retdsl.speed import Speed, lines, measuring, write_picture
from retdsl.speed.measuring import _counts
from retdsl.speed.words import BAR, bar

WORK = Work(forward=400_000_000, step=100_000_000, answer=450_000_000)
HERE = Bench(
    experiment="head",
    device="cpu(0)",
    processor="a processor",
    gpus=0,
    threads=2,
    batch=32,
    photographs=128,
    painted=False,
    frozen="onnxruntime 1.32.0",
    trained="mxnet 1.9.1",
    loader=1000.0,
    forward=100.0,
    step=400.0,
    whole=80.0,
    kept=None,
    gflops={"dot": 100.0, "FullyConnected": 200.0},
)
TWO = Speed("2 threads", HERE, WORK)
ONE = Speed("1 thread", replace(HERE, whole=40.0, gflops={"dot": 100.0}), WORK)
CARD = Speed("gpu(0)", replace(HERE, device="gpu(0)", gpus=1, whole=4000.0, gflops={"dot": 9000.0}), WORK)


def test_shares_are_those_of_the_time_of_an_image() -> None:
    loader, forward, step = TWO.stages
    assert [stage.share for stage in (loader, forward, step)] == pytest.approx([1 / 13.5, 10 / 13.5, 2.5 / 13.5])
    assert forward.engine == "onnxruntime 1.32.0"


def test_the_limit_is_what_multiplying_matrices_would_allow() -> None:
    loader, forward, step = TWO.stages
    assert loader.limit is None
    assert forward.limit == pytest.approx(200e9 / 0.8e9)
    assert step.limit == pytest.approx(200e9 / 0.2e9)
    assert TWO.whole.limit == pytest.approx(200e9 / 1e9)
    assert TWO.whole.reached == pytest.approx(0.4)


def test_what_waiting_for_the_loader_costs() -> None:
    assert TWO.waits == pytest.approx(0)
    waiting = replace(HERE, whole=40.0)
    assert Speed("2 threads", waiting, WORK).waits == pytest.approx(0.5)
    assert "the loader costs 50% of a run's time" in "\n".join(lines([Speed("2 threads", waiting, WORK)]))


def test_what_is_said() -> None:
    text = "\n".join(lines([ONE, TWO]))
    assert "head[/]  2 threads, batches of 32, 128 photographs of the study" in text
    assert "an image needs 1.00 GFLOP, so 200 images a second would be all" in text
    assert "the loader keeps up" in text
    assert text.splitlines()[-1].endswith("80 images/s   2.00 x")
    assert all(len(re.sub(r"\[/?\w*\]", "", line)) <= 80 for line in text.splitlines())


def test_a_network_that_computes_little_needs_more_than_nothing() -> None:
    text = "\n".join(lines([Speed("2 threads", HERE, Work(forward=0, step=1_700_000, answer=500_000))]))
    assert "an image needs 0.0034 GFLOP" in text


def test_what_is_interrupted_is_not_taken_for_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "run_program", lambda *_: 130)
    monkeypatch.setattr(measuring, "compile_experiment", lambda *_: None)
    experiment = SimpleNamespace(training=SimpleNamespace(settings=()))
    monkeypatch.setattr(measuring, "replace", lambda one, **_: one)
    place = measuring._Place("1 thread", (), 1)
    with pytest.raises(SystemExit) as ended:
        measuring._measured(None, experiment, Path(), measuring.Asked(), place)  # type: ignore[arg-type]
    assert ended.value.code == 130


def test_what_keeping_features_is_worth() -> None:
    kept = Speed("2 threads", replace(HERE, kept=800.0), WORK)
    text = "\n".join(lines([kept]))
    assert "later     [/]       800" in text
    assert "an epoch in which none is new is 10 times faster" in text
    assert kept.to_json()["stages"]["later"]["images_per_second"] == 800.0
    assert "later" not in "\n".join(lines([TWO]))


def test_the_graphics_card_is_looked_at_closely_where_there_is_one() -> None:
    assert "gpu(0), batches" in next(lines([ONE, TWO, CARD]))


@pytest.mark.parametrize(("share", "columns"), [(0, ""), (1, "█" * BAR), (0.5, "█" * (BAR // 2)), (1 / 8 / BAR, "▏")])
def test_bars(share: float, columns: str) -> None:
    assert bar(share) == columns


@pytest.mark.parametrize(("most", "counts"), [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])])
def test_counts_of_threads(most: int, counts: list[int]) -> None:
    assert _counts(most) == counts


def test_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "new" / "speed.svg"
    write_picture([ONE, TWO, CARD], path)
    words = " ".join("".join(ET.fromstring(path.read_text()).itertext()).split())
    for said in ("1 thread", "2 threads", "gpu(0)", "4,000, 44% of the limit", "step: what is trained"):
        assert said in words
    before = path.read_bytes()
    write_picture([ONE, TWO, CARD], path)
    assert path.read_bytes() == before
    write_picture([TWO], tmp_path / "speed.png")
    assert (tmp_path / "speed.png").read_bytes().startswith(b"\x89PNG")
