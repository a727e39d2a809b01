"""A run that is killed, wherever that happens, goes on and ends as if nothing had happened, to the last bit."""

from __future__ import annotations

import errno
import json
from hashlib import sha256
from pathlib import Path

import pytest
from killing import killed
from test_phases import network as network_of_phases
from tiny_study import experiment, network, paint, whole_part

from retdsl.runtime import cpu, hard, mixup, optimizers
from retdsl.runtime.average import ema
from retdsl.runtime.checkpoint import best, every
from retdsl.runtime.clipping import norm, value
from retdsl.runtime.losses import Ordinal, Softmax
from retdsl.runtime.metrics import auc
from retdsl.runtime.optimizers import adam, adamw, rmsprop, sgd
from retdsl.runtime.periods import batches
from retdsl.runtime.program import run_program
from retdsl.runtime.sampling import resample
from retdsl.runtime.schedules import cosine
from retdsl.runtime.stopping import early
from retdsl.runtime.symbols import sym
from retdsl.runtime.warps import flip_horizontal, rotate180

TIMES = {"seconds", "images_per_second"}


def head_with_dropout(features):
    flat = sym.Dropout(sym.Flatten(features["joined"], name="flat"), p=0.3, name="dropout")
    return sym.FullyConnected(flat, num_hidden=2, name="fc")


STUDIES = {
    "plain": {"training": {"epochs": 2}},
    "within epochs": {
        "training": {"epochs": 3, "checkpoint": every(batches(2), keep=best("auc")), "optimizer": adam(lr=0.01)},
        "network": network(frozen=None, trained=whole_part),  # statistics that move, and dropout
    },
    "hard and mixed": {
        "training": {"epochs": 3, "batch": 4, "checkpoint": every(batches(3))},
        "augment": (mixup(alpha=0.4),),
        "sampling": hard(0.5, resample()),
    },
    "phases": {
        "training": {"epochs": 4, "checkpoint": every(batches(2)), "schedule": cosine(warmup=2)},
        "network": network_of_phases(loss=Softmax()),
    },
    "several devices": {
        "training": {"epochs": 2, "checkpoint": every(batches(2)), "devices": (cpu(0), cpu(1))},
        "network": network(frozen=None, trained=whole_part),
    },
    "seldom": {"training": {"epochs": 5, "checkpoint": every(2, from_=1, keep=best("auc"))}},
    "everything": {
        "training": {
            "epochs": 4,
            "batch": 2,
            "optimizer": adamw(lr=0.003),
            "schedule": cosine(warmup=1),
            "rates": {"fc_*": 10.0, "conv1_*": 0.1},
            "accumulate": 3,
            "clip": norm(1),
            "average": ema(0.9),
            "checkpoint": every(batches(4), keep=best("auc")),
            "stop": early(auc(), patience=3),
            "validate": every(batches(5)),
            "log": every(batches(2)),
            "views": (flip_horizontal(), rotate180()),
        },
        "network": network_of_phases(loss=Softmax(smoothing=0.1), trained=head_with_dropout),
        "augment": (mixup(alpha=0.4),),
        "sampling": hard(0.5, resample()),
    },
    "stopped early": {
        "training": {
            "epochs": 30,
            "stop": early("loss", patience=2, min_delta=0.5),
            "validate": every(2),
            "log": every(1),
            "checkpoint": every(1, keep=best("auc")),
        }
    },
    "ordered": {
        "training": {
            "epochs": 2,
            "batch": 4,
            "optimizer": rmsprop(centered=True, momentum=0.9),
            "accumulate": 2,
            "clip": value(0.5),
            "checkpoint": every(batches(3)),
            "log": every(batches(1)),
        },
        "network": network(loss=Ordinal(), frozen=None, trained=whole_part),
    },
}

OPTIMIZERS = {
    "sgd": sgd(lr=0.05, momentum=0.9),
    "nag": sgd(lr=0.05, momentum=0.9, nesterov=True),
    "rmsprop": rmsprop(),
    "centered rmsprop": rmsprop(centered=True, momentum=0.9),
    "signum": optimizers.signum(lr=0.01),
    "lars": optimizers.lars(lr=0.1, wd=1e-4),
    **{
        name: getattr(optimizers, name)()
        for name in ("adam", "adamw", "adagrad", "adadelta", "adamax", "nadam", "ftml", "lamb")
    },
}

NASTIEST = [
    ("open checkpoints/.tiny-0002.params", "between the states and the parameters"),
    ("open checkpoints/.best.json", "between the parameters and best.json"),
    ("open metrics.jsonl", "before the line of figures"),
    ("os.rename resume/0000000004.state", "before a state has its name, within an epoch"),
    ("os.remove resume/0000000003.state", "before an old state goes"),
    ("os.rename validation.csv", "while finishing"),
    ("os.rename test.json", "at the very end"),
]


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    return paint(tmp_path_factory.mktemp("photographs"))


@pytest.fixture(scope="module")
def whole(photographs, tmp_path_factory):
    """Uninterrupted runs by the name of their study: what they left, and the writes that they did."""
    known: dict[str, tuple[dict, list[str]]] = {}

    def run(name):
        if name not in known:
            folder = tmp_path_factory.mktemp("whole") / "run"
            with killed(folder, None) as writes:
                assert start(study(name, photographs), folder) == 0
            known[name] = left(folder), [plain(write) for write in writes]
        return known[name]

    return run


def study(name, photographs):
    return experiment(photographs, **STUDIES[name])


def start(found, folder, *more):
    return run_program(found, ["--run", str(folder), "--plain", "--threads", "2", *more])


def resume(found, folder, *more):
    return run_program(found, ["--resume", str(folder), "--plain", *more])


def plain(write):
    """Without the process's number."""
    return write.rsplit(".", 2)[0] if write.endswith(".part") else write


def left(folder: Path) -> dict[str, str]:
    """What is in a finished run, by file, as a hash; without times, and without what lock.json says of them."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.name in ("metrics.jsonl", "steps.jsonl"):
            lines = [{k: v for k, v in json.loads(line).items() if k not in TIMES} for line in content.splitlines()]
            content = json.dumps(lines).encode()
        elif path.name == "test.json":
            content = json.dumps({k: v for k, v in json.loads(content).items() if k not in TIMES}).encode()
        elif path.name == "lock.json":
            lock = json.loads(content)
            content = json.dumps({key: lock[key] for key in ("images", "split", "frozen", "class_weights")}).encode()
        found[str(path.relative_to(folder))] = sha256(content).hexdigest()
    return found


def kill_and_resume(found, folder, at):
    """Returns whether it was killed before it was done."""
    with killed(folder, at) as writes:
        start(found, folder)
    died = len(writes) - 1 == at or len(writes) > at
    assert resume(found, folder) == 0
    return died


@pytest.mark.parametrize("write", [write for write, _ in NASTIEST], ids=[why for _, why in NASTIEST])
def test_killed_at_the_nastiest_moments(write, whole, photographs, tmp_path):
    expected, writes = whole("within epochs")
    at = writes.index(write) if write != "open metrics.jsonl" else len(writes) - 1 - writes[::-1].index(write)
    assert kill_and_resume(study("within epochs", photographs), tmp_path / "run", at)
    assert left(tmp_path / "run") == expected


@pytest.mark.parametrize("name", STUDIES)
def test_killed_again_and_again(name, whole, photographs, tmp_path):
    """Each time it gets a little further than the last time."""
    expected, writes = whole(name)
    found, folder, times = study(name, photographs), tmp_path / "run", 0
    with killed(folder, len(writes) // 3):
        start(found, folder)
    while not (folder / "test.json").exists():
        with killed(folder, len(writes) // 3 + 2 * times):
            resume(found, folder)
        times += 1
        assert times < 12
    assert times >= 2
    assert resume(found, folder) == 0
    assert left(folder) | {".running": ""} == expected | {".running": ""}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_goes_on_exactly(name, photographs, tmp_path):
    """In the midst of the second epoch, and of the batches of a step."""
    training = {"optimizer": OPTIMIZERS[name], "epochs": 2, "batch": 4, "accumulate": 2, "average": ema(0.9)}
    found = experiment(photographs, training={**training, "checkpoint": every(batches(3))})
    with killed(tmp_path / "whole", None) as writes:
        assert start(found, tmp_path / "whole") == 0
    states = [at for at, write in enumerate(writes) if write.startswith("os.rename resume/")]
    assert len(states) == 4  # batch 3 and the end of both epochs
    assert kill_and_resume(found, tmp_path / "run", states[-1])
    assert left(tmp_path / "run") == left(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_killed_at_every_write_that_changes_anything(name, whole, photographs, tmp_path):
    expected, writes = whole(name)
    for at, write in enumerate(writes):
        if " ." in write or "/." in write:  # on the disk, it is as before the rename that comes next
            continue
        folder = tmp_path / str(at)
        kill_and_resume(study(name, photographs), folder, at)
        assert left(folder) == expected, write


def test_what_is_finished_says_so_and_stays(photographs, tmp_path, capsys):
    folder = tmp_path / "run"
    assert start(study("plain", photographs), folder) == 0
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert resume(study("plain", photographs), folder) == 0
    assert "this run is finished" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_run_killed_just_before_its_end_is_tidied(photographs, tmp_path):
    folder = tmp_path / "run"
    assert start(study("plain", photographs), folder) == 0
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    leftovers = folder / ".running", folder / "resume" / "a state", folder / ".test.json.part"
    (folder / "resume").mkdir()
    for path in leftovers:
        path.touch()
    assert resume(study("plain", photographs), folder) == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_finished_run_in_an_archive_says_so(photographs, tmp_path, capsys, monkeypatch):
    """On a file system that cannot be written to, even what is not there cannot be taken away."""
    folder = tmp_path / "run"
    assert start(study("plain", photographs), folder) == 0

    def refused(path, **_):
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "unlink", refused)
    assert resume(study("plain", photographs), folder) == 0
    assert "this run is finished" in capsys.readouterr().err
