"""How far a run has come, from files that are still being written."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from made_up_run import add, age, epoch, run_folder, step

from retdsl.runtime.run_folder import RunFolder
from retdsl.watching.lines import GrowingFile
from retdsl.watching.state import FAILED, FINISHED, INTERRUPTED, RUNNING, SILENT, WAITING, Best, Watched


def test_a_half_written_line_is_read_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    growing = GrowingFile(path)
    assert growing.lines() == []
    path.write_text('{"epoch": 1}\n{"epo')
    assert growing.lines() == [{"epoch": 1}]
    assert growing.lines() == [{"epoch": 1}]
    with path.open("a") as file:
        file.write('ch": 2}\n{"epoch": 3}')
    assert growing.lines() == [{"epoch": 1}, {"epoch": 2}]
    with path.open("a") as file:
        file.write("\n")
    assert growing.lines() == [{"epoch": 1}, {"epoch": 2}, {"epoch": 3}]


def test_a_letter_that_is_cut_in_two_is_whole_again_later(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    whole = '{"note": "größer"}\n'.encode()
    growing = GrowingFile(path)
    for at in range(1, len(whole)):
        path.write_bytes(whole[:at])
        assert growing.lines() == []
    path.write_bytes(whole)
    assert growing.lines() == [{"note": "größer"}]


def test_a_file_that_became_shorter_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"epoch": 1}\n{"epoch": 2}\n{"epoch": 3}\n')
    growing = GrowingFile(path)
    assert len(growing.lines()) == 3
    path.write_text('{"epoch": 1}\n')
    assert growing.lines() == [{"epoch": 1}]
    with path.open("a") as file:
        file.write('{"epoch": 2}\n')
    assert growing.lines() == [{"epoch": 1}, {"epoch": 2}]


def test_another_file_of_the_same_size_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"epoch": 1}\n')
    growing = GrowingFile(path)
    growing.lines()
    path.write_text('{"epoch": 7}\n')
    assert growing.lines() == [{"epoch": 7}]


def test_what_is_no_object_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"epoch": 1}\n\xff\xfe\n[]\nnonsense\n{"epoch": 2}\n')
    assert GrowingFile(path).lines() == [{"epoch": 1}, {"epoch": 2}]


def test_metrics_alone_are_enough(tmp_path: Path) -> None:
    add(tmp_path, *(epoch(number) for number in range(1, 8)))
    run = Watched(tmp_path).look(time.time())
    assert (run.name, run.state, run.epoch, run.total) == (tmp_path.name, RUNNING, 7, 20)
    assert run.best == Best(5, "auc", 0.9)
    assert run.metric == "auc"
    assert run.done == pytest.approx(7 / 20)
    assert run.seconds_left == pytest.approx(130, abs=5)
    assert run.images_per_second == 6.4
    assert run.curve("valid", "loss")[:2] == [1.2, 0.6]
    assert str(run.curve("valid", "sensitivity_at_specificity_90")[0]) == "nan"


def test_the_states(tmp_path: Path) -> None:
    now = time.time()
    assert Watched(tmp_path / "none").look(now).state == WAITING
    (tmp_path / "empty").mkdir()
    assert Watched(tmp_path / "empty").look(now).state == WAITING
    begun = run_folder(tmp_path / "begun")
    assert Watched(begun).look(now + 100).state == RUNNING
    assert Watched(begun).look(now + 10_000).state == SILENT
    going = run_folder(tmp_path / "going", 3)
    assert Watched(going).look(now + 50).state == RUNNING
    assert Watched(going).look(now + 100).state == SILENT
    done = run_folder(tmp_path / "done", 20, finished=True)
    assert Watched(done).look(now + 10_000).state == FINISHED


def test_a_run_without_a_process_was_interrupted(tmp_path: Path) -> None:
    now, path = time.time(), run_folder(tmp_path / "run", 3)
    watched = Watched(path)
    assert watched.look(now).state == RUNNING
    with RunFolder(path).held():
        at_work = watched.look(now)
        assert at_work.state == RUNNING
        assert at_work.seconds_left == pytest.approx(170, abs=5)
    stopped = watched.look(now)
    assert (stopped.state, stopped.seconds_left) == (INTERRUPTED, None)


def test_a_run_whose_process_was_killed_was_interrupted(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", 3)
    code = "import os, sys, pathlib; from retdsl.runtime.run_folder import RunFolder\n"
    code += "with RunFolder(pathlib.Path(sys.argv[1])).held(): os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == -9
    assert (path / ".running").is_file()
    assert Watched(path).look(time.time()).state == INTERRUPTED


def test_whoever_only_looks_keeps_nobody_from_work(tmp_path: Path) -> None:
    folder, ended = RunFolder(run_folder(tmp_path / "run", 3)), threading.Event()

    def look() -> None:
        while not ended.is_set():
            folder.at_work()

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(300):
            with folder.held():
                pass
    finally:
        ended.set()
        looking.join()


def test_long_epochs_are_waited_for(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run")
    add(path, epoch(1, seconds=600.0))
    assert Watched(path).look(time.time() + 1500).state == RUNNING
    assert Watched(path).look(time.time() + 2000).state == SILENT


def test_a_traceback_is_a_failure_until_the_run_goes_on(tmp_path: Path) -> None:
    now, path = time.time(), run_folder(tmp_path / "run", 3)
    age(path, 100, now)
    (path / "defect.txt").write_text("Traceback")
    watched = Watched(path)
    assert watched.look(now).state == FAILED
    age(path, 100, now)
    add(path, epoch(4))
    assert watched.look(time.time()).state == RUNNING


def test_steps_say_what_metrics_cannot_yet(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", 2)
    add(path, *(step(3, batch) for batch in (1, 2)), to="steps.jsonl")
    watched = Watched(path)
    run = watched.look(time.time())
    assert run.step is not None
    assert run.step["batch"] == 2
    assert run.done == pytest.approx(2.5 / 20)
    assert run.images_per_second == 7.0
    add(path, epoch(3))
    run = watched.look(time.time())
    assert run.step is None
    assert run.done == pytest.approx(3 / 20)


def test_steps_without_a_loss_are_figures_within_an_epoch(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", 1)
    add(path, step(2, 1), {"epoch": 2, "batch": 2, "updates": 6, "valid": {"auc": 0.7}}, to="steps.jsonl")
    add(path, {"epoch": 2, "learning_rate": 0.1}, to="steps.jsonl")
    run = Watched(path).look(time.time())
    assert run.step is not None
    assert run.step["batch"] == 1


def test_runs_of_older_versions_say_what_they_can(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run")
    line = {key: value for key, value in epoch(2).items() if key not in ("epochs", "best", "images")}
    add(path, line)
    run = Watched(path).look(time.time())
    assert (run.total, run.done, run.seconds_left, run.best, run.metric) == (None, None, None, None, "accuracy")
    (path / "checkpoints").mkdir()
    (path / "checkpoints" / "best.json").write_text(json.dumps({"epoch": 2, "metric": "auc", "value": 0.66}))
    (path / "program").mkdir()
    program = {
        "experiments": [{"name": "other", "training": {"epochs": 3}}, {"name": "net", "training": {"epochs": 9}}]
    }
    (path / "program" / "program.json").write_text(json.dumps(program))
    run = Watched(path).look(time.time())
    assert (run.total, run.best) == (9, Best(2, "auc", 0.66))


@pytest.mark.parametrize("damage", ["[]", "{", "null", '{"experiments": 3}', '{"experiments": [7]}'])
def test_no_file_of_a_run_makes_watching_fail(tmp_path: Path, damage: str) -> None:
    path = run_folder(tmp_path / "run")
    (path / "program").mkdir()
    (path / "checkpoints").mkdir()
    for name in ("program/program.json", "checkpoints/best.json", "test.json"):
        (path / name).write_text(damage)
    add(path, {"epoch": 1}, {"epoch": "x", "train": None, "valid": 3, "images": [], "best": 4, "seconds": "a"})
    add(path, {"epoch": 2, "train": None, "valid": 3, "images": [], "best": 4, "seconds": "a"})
    run = Watched(path).look(time.time())
    assert run.state in (RUNNING, FINISHED)
    assert len(run.curve("valid", "auc")) == run.epoch == 2


def test_a_real_run_says_it_all(tmp_path: Path) -> None:
    from tiny_study import experiment, paint

    from retdsl.runtime.program import run_program

    root = paint(tmp_path)
    path = tmp_path / "run"
    assert run_program(experiment(root), ["--root", str(root), "--run", str(path), "--plain"]) == 0
    run = Watched(path).look(time.time())
    assert (run.name, run.state, run.epoch, run.total, run.metric) == ("tiny", FINISHED, 3, 3, "auc")
    best = json.loads((path / "checkpoints" / "best.json").read_text())
    assert run.best == Best(best["epoch"], best["metric"], best["value"])
    (path / "test.json").unlink()
    assert Watched(path).look(time.time()).best == run.best
