"""A run that is had again is told to be identical; of one that is not, the first thing that differs is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from retdsl import cli
from retdsl.reproducing import Difference, differences_of, differences_of_runs, read_record
from retdsl.runtime.errors import RunError

RECORD: dict[str, Any] = {
    "program_sha256": "aa",
    "versions": {"python": "3.11.9", "mxnet": "1.9.1", "numpy": "1.26.4"},
    "system": "Linux x86_64",
    "threads": 2,
    "device": "cpu(0)",
    "root": "/data",
    "labels_sha256": "bb",
    "images": [{"image": f"{at}.png", "side": "train", "label": "healthy", "sha256": f"{at}{at}"} for at in range(6)],
    "split_sha256": "cc",
    "weights": [{"file": "lite.npz", "sha256": "dd"}],
    "mean_image": None,
}


def changed(*steps: Callable[[dict[str, Any]], object]) -> list[Difference]:
    now = deepcopy(RECORD)
    for step in steps:
        step(now)
    return list(differences_of(RECORD, now))


def test_nothing_differs() -> None:
    assert changed() == []


CHANGES: list[tuple[str, str, Callable[[dict[str, Any]], object]]] = [
    ("numpy", "numpy is 1.25.0, the run had 1.26.4", lambda now: now["versions"].update(numpy="1.25.0")),
    ("threads", "the number of threads is 4, it was 2", lambda now: now.update(threads=4)),
    ("device", "the device is gpu(0), it was cpu(0)", lambda now: now.update(device="gpu(0)")),
    ("labels", "the table of labels is another one", lambda now: now.update(labels_sha256="xx")),
    ("image missing", "a photograph is not listed any more: 3.png", lambda now: now["images"].pop(3)),
    ("image unreadable", "a photograph cannot be read: 1.png", lambda now: now["images"][1].update(sha256="")),
    ("image changed", "a photograph is not the same file: 2.png", lambda now: now["images"][2].update(sha256="x")),
    (
        "image new",
        "a photograph is new: 9.png",
        lambda now: now["images"].append(dict(RECORD["images"][0], image="9.png")),
    ),
    (
        "image relabelled",
        "a photograph has another label: 4.png",
        lambda now: now["images"][4].update(label="infected"),
    ),
    ("split", "photographs, patients or labels are on other sides", lambda now: now.update(split_sha256="x")),
    ("weights", "the weights lite.npz differ", lambda now: now.update(weights=[{"file": "lite.npz", "sha256": "x"}])),
    (
        "mean_image",
        "the mean image were not there then",
        lambda now: now.update(mean_image={"file": "m", "sha256": "x"}),
    ),
]


@pytest.mark.parametrize(("subject", "message", "step"), CHANGES, ids=[subject for subject, _, _ in CHANGES])
def test_what_differs_is_named(subject: str, message: str, step: Callable[[dict[str, Any]], object]) -> None:
    [difference] = changed(step)
    assert (difference.subject, difference.message) == (subject, message)


def test_the_first_is_what_the_others_come_from() -> None:
    steps = [step for _, _, step in CHANGES if step is not CHANGES[7][2]]
    expected = [subject for subject, _, step in CHANGES if step in steps]
    assert [found.subject for found in changed(*reversed(steps[:4]), *steps[4:5], *steps[5:])][:4] == expected[:4]
    order = [subject for subject, _, _ in CHANGES]
    subjects = [found.subject for found in changed(*steps)]
    assert subjects == sorted(subjects, key=order.index)


def test_many_photographs_are_counted() -> None:
    [difference] = changed(lambda now: now.update(images=now["images"][:1]))
    assert difference.message == "5 photographs are not listed any more: 1.png, 2.png, 3.png, ..."


def test_data_that_cannot_be_used_stand_for_all_that_comes_from_them() -> None:
    found = changed(lambda now: now.update(problems={"data": "there is no file `labels.csv`"}, images=None))
    assert [(one.subject, one.message) for one in found] == [
        ("data", "the photographs cannot be used: there is no file `labels.csv`")
    ]


def write_run(
    folder: Path, auc: float = 0.5, epochs: int = 2, parameters: str = "p", row: str = "0.25", loss: float = 1
) -> Path:
    (folder / "checkpoints").mkdir(parents=True)
    lines = [
        {"epoch": 1 + at, "valid": {"auc": auc if at == epochs - 1 else 0.4}, "seconds": id(folder)}
        for at in range(epochs)
    ]
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (folder / "steps.jsonl").write_text(json.dumps({"batch": 2, "loss": loss, "images_per_second": id(folder)}) + "\n")
    (folder / "predictions.csv").write_text(f"image,p\na.png,0.5\nb.png,{row}\n")
    (folder / "checkpoints" / "t-0002.params").write_text(parameters)
    return folder


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({}, []),
        ({"auc": 0.6}, ["epoch 2: valid auc is 0.6, it was 0.5"]),
        ({"epochs": 1, "auc": 0.4}, ["epoch 2 is missing"]),
        ({"loss": 2}, ["steps.jsonl differs, first in line 1"]),
        ({"row": "0.75"}, ["predictions.csv differs, first in line 3"]),
        ({"parameters": "q"}, ["the parameters t-0002.params differ"]),
    ],
)
def test_results_are_compared(tmp_path: Path, other: dict[str, Any], expected: list[str]) -> None:
    same: list[str] = []
    run, again = write_run(tmp_path / "run"), write_run(tmp_path / "again", **other)
    assert [one.message for one in differences_of_runs(run, again, same)] == expected
    if not expected:
        assert same == ["2 epochs of metrics.jsonl", "steps.jsonl", "predictions.csv", "1 file of parameters"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "this folder holds no run: it has no lock.json"),
        ("{", "lock.json cannot be read"),
        ("[]", "lock.json is damaged"),
        (json.dumps({key: RECORD[key] for key in RECORD if key != "images"}), "older than the manifest"),
        (
            json.dumps({key: RECORD[key] for key in RECORD if key != "threads"}),
            "lock.json is damaged: it lacks threads",
        ),
        (json.dumps({**RECORD, "images": [{"image": 3}]}), "its parts are not what they should be"),
        (json.dumps({**RECORD, "threads": "two"}), "its parts are not what they should be"),
    ],
)
def test_records_that_cannot_be_used(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "lock.json").write_text(text)
    with pytest.raises(RunError, match=message):
        read_record(tmp_path)


def test_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["reproduce", str(tmp_path / "none")]) == 1
    assert "there is no such folder" in capsys.readouterr().err


SPEC = """
data eyes {
  source  = synthetic_fundus(60, ratio = 2 : 1, size = 64)
  classes = [healthy, infected]
  split   = folds(3, test = 20%)
  image   = photo => crop_circle => resize(32, 32)
}
model net =
  eyes.image
    => Convolution(8, kernel = 3, name = "c")
    => Activation(relu)
    => Pooling(global_pool = true, kernel = 1, pool_type = avg)
    => Flatten
    => FullyConnected(2)
    => Softmax
train first { model = net  data = eyes  epochs = 2  metrics = [auc]  fold = 2 }
"""


@pytest.mark.slow
def test_a_run_is_had_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "study.retina").write_text(SPEC)
    run = tmp_path / "run"
    assert cli.main(["train", str(tmp_path / "study.retina"), "--run", str(run), "--threads", "1", "--plain"]) == 0
    lock = json.loads((run / "lock.json").read_text())
    assert len(lock["images"]) == 60
    assert {image["side"] for image in lock["images"]} == {"train", "valid", "test"}
    assert cli.main(["reproduce", str(run), "--check"]) == 0
    assert "made of the same" in capsys.readouterr().err
    assert cli.main(["reproduce", str(run), "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["identical"], answer["ran"], answer["differences"]) == (True, True, [])
    (run / "metrics.jsonl").write_text((run / "metrics.jsonl").read_text().replace('"auc": 0', '"auc": 1', 1))
    assert cli.main(["reproduce", str(run)]) == 1
    assert "epoch 1: " in capsys.readouterr().err
    lock["images"][7]["sha256"] = "0" * 64
    (run / "lock.json").write_text(json.dumps(lock))
    assert cli.main(["reproduce", str(run)]) == 1
    assert f"a photograph is not the same file: {lock['images'][7]['image']}" in capsys.readouterr().err
    with (run / "program" / "train.py").open("a") as program:
        program.write("raise SystemExit(3)\n")
    assert cli.main(["reproduce", str(run), "--check"]) == 1
    assert "is not the program that was run" in capsys.readouterr().err
    shutil.rmtree(run / "program")
    assert cli.main(["reproduce", str(run)]) == 1
    assert "the program of this run is not in its folder" in capsys.readouterr().err
