"""A run folder that is damaged, or not the run that it was: what is said, and that what was good is still there."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from killing import killed
from tiny_study import experiment, paint

from retdsl.reproducing import TIMES
from retdsl.runtime.checkpoint import best, every
from retdsl.runtime.errors import RunError
from retdsl.runtime.finished_network import finished_network
from retdsl.runtime.grad_cam import write_heat_maps
from retdsl.runtime.program import run_program

POLICIES = {"best": every(1, keep=best("auc")), "all": every(1)}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    return paint(tmp_path_factory.mktemp("photographs"))


@pytest.fixture(scope="module")
def runs(photographs, tmp_path_factory):
    """By policy: a finished run, and one that was killed before the parameters of its last epoch were written."""
    found = {}
    for name, policy in POLICIES.items():
        folder = tmp_path_factory.mktemp(name)
        study = experiment(photographs, training={"checkpoint": policy})
        with killed(folder / "whole", None) as writes:
            assert start(study, folder / "whole") == 0
        at = next(at for at, write in enumerate(writes) if write.startswith("open checkpoints/.tiny-0003.params"))
        with killed(folder / "half", at):
            start(study, folder / "half")
        found[name] = study, folder
    return found


@pytest.fixture
def half(runs, tmp_path):
    """Gives a study, a copy of the run that was killed, and the finished one."""

    def copy(policy="best"):
        study, folder = runs[policy]
        return study, Path(shutil.copytree(folder / "half", tmp_path / "run")), folder / "whole"

    return copy


def start(study, folder, *more):
    return run_program(study, ["--run", str(folder), "--plain", "--threads", "2", *more])


def resume(study, folder, *more):
    return run_program(study, ["--resume", str(folder), "--plain", *more])


def files(folder):
    return {path.name: path.read_bytes() for path in (folder / "checkpoints").iterdir()}


def figures(folder):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in TIMES} for line in lines]


def same(folder, whole):
    assert files(folder) == files(whole)
    assert figures(folder) == figures(whole)
    assert (folder / "predictions.csv").read_bytes() == (whole / "predictions.csv").read_bytes()


def states(folder):
    return sorted((folder / "resume").glob("*.state"))


def flip(path: Path, at: float = 0.6) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * at)] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize("at", [0.0, 0.02, 0.2, 0.9, 0.999])
def test_a_flipped_bit_in_the_newest_state(at, half, capsys):
    study, folder, whole = half()
    flip(states(folder)[-1], at)
    assert resume(study, folder) == 0
    assert f"{states(whole.parent / 'half')[-1].name}: " in (err := capsys.readouterr().err)
    assert "going on from the state before it, after epoch 1" in err
    same(folder, whole)


@pytest.mark.parametrize("cut", [0, 10, 500])
def test_a_newest_state_that_is_cut_short(cut, half, capsys):
    study, folder, whole = half()
    newest = states(folder)[-1]
    newest.write_bytes(newest.read_bytes()[:cut])
    assert resume(study, folder) == 0
    assert "it is damaged; going on from the state before it" in capsys.readouterr().err
    same(folder, whole)


def test_a_newest_state_that_is_gone(half):
    study, folder, whole = half()
    states(folder)[-1].unlink()
    assert resume(study, folder) == 0
    same(folder, whole)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind", ["params", "states"])
@pytest.mark.parametrize("damage", [flip, Path.unlink])
def test_a_newest_checkpoint_that_is_damaged_or_gone(policy, kind, damage, half, capsys):
    study, folder, whole = half(policy)
    damage(folder / "checkpoints" / f"tiny-0002.{kind}")
    assert resume(study, folder) == 0
    assert f"tiny-0002.{kind} is damaged, or gone; going on from the state before it" in capsys.readouterr().err
    same(folder, whole)


def test_an_old_checkpoint_that_nothing_needs(half, capsys):
    study, folder, whole = half("all")
    (folder / "checkpoints" / "tiny-0001.params").unlink()
    assert resume(study, folder) == 0
    assert "tiny-0001.params is damaged, or gone, and cannot be had again" in capsys.readouterr().err
    assert figures(folder) == figures(whole)
    assert (folder / "checkpoints" / "tiny-0003.params").read_bytes() == files(whole)["tiny-0003.params"]


def test_all_states_damaged(half, capsys):
    study, folder, _ = half()
    for path in states(folder):
        flip(path)
    before = files(folder)
    assert resume(study, folder) == 1
    err = capsys.readouterr().err
    assert "error: this run cannot go on: every state that it saved is damaged" in err
    assert all(path.name in err for path in states(folder))
    assert files(folder) == before


def test_all_states_gone(half, capsys):
    study, folder, _ = half()
    shutil.rmtree(folder / "resume")
    before = files(folder)
    assert resume(study, folder) == 1
    assert "the states that this run could go on from are gone" in capsys.readouterr().err
    assert files(folder) == before


def test_a_state_of_a_later_format(half, capsys):
    study, folder, _ = half()
    for path in states(folder):
        path.write_bytes(path.read_bytes().replace(b"retdsl state 1\n", b"retdsl state 2\n", 1))
    assert resume(study, folder) == 1
    assert "another version of retdsl wrote it" in capsys.readouterr().err


def test_figures_that_were_edited_are_made_again(half):
    study, folder, whole = half()
    (folder / "metrics.jsonl").write_text('{"epoch": 1}\n{"epoch": 2}\n{"epoch": 3}\n{"ep')
    (folder / "checkpoints" / "best.json").write_text("{")
    assert resume(study, folder) == 0
    same(folder, whole)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lock: lock["versions"].update(numpy="1.0"), "the run had 1.0"),
        (lambda lock: lock["versions"].update(retdsl="0.0.1"), "the run had 0.0.1"),
        (lambda lock: lock.update(device="gpu(0)"), "the device is cpu(0), it was gpu(0)"),
    ],
)
def test_another_machine(change, said, half, capsys):
    study, folder, _ = half()
    lock = json.loads((folder / "lock.json").read_text())
    change(lock)
    (folder / "lock.json").write_text(json.dumps(lock))
    before = files(folder)
    assert resume(study, folder) == 1
    err = capsys.readouterr().err
    assert said in err
    assert "--inexact" in err
    assert files(folder) == before
    assert resume(study, folder, "--inexact") == 0
    [again] = json.loads((folder / "lock.json").read_text())["resumed"]
    assert said in again["differing"][0]
    assert again["after"] == "epoch 2"


def test_the_threads_are_those_of_the_run_and_others_are_refused(half, capsys):
    study, folder, whole = half()
    lock = json.loads((folder / "lock.json").read_text())
    assert resume(study, folder, "--threads", "2") == 0
    same(folder, whole)
    lock["threads"] = 1
    shutil.rmtree(folder)
    _, folder, _ = half()
    (folder / "lock.json").write_text(json.dumps(lock))
    assert resume(study, folder, "--threads", "2") == 1
    said = capsys.readouterr().err
    assert "the number of threads is" in said, "None, where MXNet was loaded before the program could say how many"
    assert "it was 1" in said


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda root: flip(root / "007.png"), "007.png"),
        (lambda root: (root / "007.png").unlink(), "007.png"),
        (lambda root: flip_label(root), "the table of labels is another one"),
    ],
)
def test_other_data(damage, said, half, photographs, tmp_path, capsys):
    study, folder, _ = half()
    root = Path(shutil.copytree(photographs, tmp_path / "data"))
    damage(root)
    before = files(folder)
    assert resume(study, folder, "--root", str(root)) == 1
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err
    assert "--inexact" not in err, "no figure would mean anything"
    assert files(folder) == before


def flip_label(root):
    table = root / "labels.csv"
    text = table.read_text()
    assert "006.png,infected" in text
    table.write_text(text.replace("006.png,infected", "006.png,healthy").replace("007.png,infected", "007.png,healthy"))


def test_photographs_that_have_moved(half, photographs, tmp_path):
    study, folder, whole = half()
    root = Path(shutil.copytree(photographs, tmp_path / "data"))
    assert resume(study, folder, "--root", str(root)) == 0
    same(folder, whole)


def test_a_spec_that_was_edited(half, capsys):
    study, folder, _ = half()
    lock = json.loads((folder / "lock.json").read_text())
    (folder / "lock.json").write_text(json.dumps({**lock, "spec_sha256": "0" * 64}))
    (folder / "spec.retina").write_text("train other {}")
    assert resume(study, folder) == 1
    assert "spec.retina is not the spec that was run" in capsys.readouterr().err


def test_a_run_of_another_experiment(half, photographs, capsys):
    _, folder, _ = half()
    assert resume(experiment(photographs, name="other"), folder) == 1
    assert "this is a run of `tiny`, not of `other`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda _: None, "there is no such run"),
        (lambda path: path.write_text(""), "there is no such run"),
        (lambda path: path.mkdir(), "this folder holds no run"),
        (lambda path: [path.mkdir(), (path / "lock.json").write_text("{")], "lock.json cannot be read"),
        (lambda path: [path.mkdir(), (path / "lock.json").write_text("[]")], "lock.json is damaged"),
    ],
)
def test_a_folder_that_is_no_run(make, said, photographs, tmp_path, capsys):
    make(tmp_path / "run")
    assert resume(experiment(photographs), tmp_path / "run") == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run" / ".running").exists()


def test_two_at_once(half, capsys):
    study, folder, whole = half()
    from retdsl.runtime.run_folder import RunFolder

    with RunFolder(folder).held():
        assert resume(study, folder) == 1
        assert "another process is at work on this run" in capsys.readouterr().err
    assert resume(study, folder) == 0
    same(folder, whole)


@pytest.mark.parametrize("name", ["tiny-0003.states", "tiny-0003.params", "best.json", ".state", "validation.csv"])
def test_a_full_disk(name, half, monkeypatch, capsys):
    """The run says what to do, and goes on exactly when there is room again."""
    study, folder, whole = half("all")
    replace = os.replace

    def full(source, target):
        if str(target).endswith(name):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    assert resume(study, folder) == 1
    err = capsys.readouterr().err
    assert "No space left on device" in err
    assert f"go on with: python train.py --resume {folder}" in err
    assert "everything saved earlier is still whole" in err
    monkeypatch.undo()
    assert not list(folder.rglob("*.part"))
    assert resume(study, folder) == 0
    same(folder, whole)


@pytest.mark.parametrize("kind", ["whole", "half"])
def test_a_flipped_bit_in_a_checkpoint_is_noticed_by_whoever_reads_it(kind, runs, tmp_path):
    """Every number in it is still a number: only its hash tells."""
    study, folder = runs["all"]
    run = Path(shutil.copytree(folder / kind, tmp_path / "run"))
    path = run / "checkpoints" / "tiny-0002.params"
    finished_network(study, run, "2")
    flip(path, 0.3)
    with pytest.raises(RunError, match="this checkpoint is damaged: it is not the file that the run saved"):
        finished_network(study, run, "2")
    (tmp_path / "asked").write_text("[]")
    best = json.loads((run / "checkpoints" / "best.json").read_text())
    flip(run / "checkpoints" / best["params"], 0.3)
    if best["params"] == path.name:
        flip(path, 0.3)
        flip(path, 0.4)
    with pytest.raises(RunError, match="this checkpoint is damaged"):
        write_heat_maps(study, study.data_root, run, tmp_path / "asked", None, tmp_path / "maps")


def test_best_json_that_names_another_epoch_than_its_file(runs, tmp_path):
    study, folder = runs["all"]
    run = Path(shutil.copytree(folder / "whole", tmp_path / "run"))
    found = json.loads((run / "checkpoints" / "best.json").read_text())
    (run / "checkpoints" / "best.json").write_text(json.dumps({**found, "epoch": found["epoch"] ^ 2}))
    with pytest.raises(RunError, match="this run has no best checkpoint"):
        finished_network(study, run)


def test_a_run_that_was_killed_after_its_last_file_keeps_no_states(half):
    study, folder, whole = half()
    for name in ("test.json", "lock.json"):
        shutil.copy(whole / name, folder)
    assert resume(study, folder) == 0
    assert not (folder / "resume").exists()
