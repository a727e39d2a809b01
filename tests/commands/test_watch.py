"""`retdsl watch` as one uses it: on a terminal, in a pipe, while a run goes on, and TensorBoard's events read back."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from made_up_run import add, epoch, run_folder, step

from retdsl.cli import main
from retdsl.commands import watch

ROOT = Path(__file__).resolve().parents[2]


def test_a_finished_run_is_printed_and_that_is_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run_folder(tmp_path / "run", 20, finished=True)
    assert main(["watch", str(path)]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("epoch")] == [f"{n}/20" for n in range(1, 21)]
    assert lines[20:] == [
        "net: finished",
        "  best epoch  5 (auc 0.900)",
        "  test        loss 0.310  auc 0.943 [0.910, 0.970]",
    ]


def test_once_says_how_things_stand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--once", str(run_folder(tmp_path / "run", 3))]) == 0
    said = capsys.readouterr().err
    assert said.count("\nepoch  ") == 2  # the first line has none before it
    assert "net: epoch 4 of 20" in said


def test_once_of_nothing_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--once", str(tmp_path / "none")]) == 1
    said = capsys.readouterr().err
    assert "there is no such folder" in said
    assert "`watch` waits for it" in said


def test_a_file_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "metrics.jsonl").write_text("")
    assert main(["watch", str(tmp_path / "metrics.jsonl")]) == 1
    assert "this is a file, and runs are folders" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["0", "x", "-1", "1e9", "nan"])
def test_how_often_is_a_sensible_number(tmp_path: Path, seconds: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["watch", str(tmp_path), "--every", seconds])
    assert ended.value.code == 2


def training(path: Path) -> Iterator[None]:
    """A run that begins, writes lines in halves, and ends, a bit with each step."""
    run_folder(path)
    for number in range(1, 4):
        with (path / "metrics.jsonl").open("a") as file:
            line = epoch(number, 3, valid={"loss": 0.5, "auc": 0.6})
            text = json.dumps(line) + "\n"
            file.write(text[:40])
            file.flush()
            yield
            file.write(text[40:])
        yield
    (path / "test.json").write_text('{"auc": 0.7, "best_epoch": 3, "best_by": "auc", "best_value": 0.6, "epochs": 3}')


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that is not there yet, and comes on a bit whenever `watch` has looked at it."""
    steps = training(tmp_path / "later")
    monkeypatch.setattr(watch, "time", SimpleNamespace(time=time.time, sleep=lambda _: next(steps, None)))
    return tmp_path / "later"


def test_a_run_that_is_not_there_yet_is_followed_to_its_end(later: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", str(later)]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "later: no such folder yet"
    assert [line.split()[1] for line in lines if line.startswith("epoch")] == ["1/3", "2/3", "3/3"]
    assert lines[-1] == "  test        auc 0.700"
    assert "net: finished" in lines


def test_the_runs_of_a_series_are_watched_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a-seed0", "a-seed1"):
        run_folder(tmp_path / name, 2, finished=True, name="a")
    (tmp_path / "series.json").write_text('{"members": [{"folder": "a-seed0"}, {"folder": "a-seed1"}]}')
    assert main(["watch", str(tmp_path)]) == 0
    assert capsys.readouterr().err.count("a: finished") == 2


def on_a_terminal(
    arguments: list[str], waits_for: Sequence[bytes] = (), steps: Iterable[None] = (), seconds: float = 600
) -> tuple[int, str]:
    """A process with a terminal: its exit code, and all that it put there. steps: one each time that it has shown what
    it waits for next, and then all the others.
    """
    ours, theirs = pty.openpty()
    size = {"COLUMNS": "100", "LINES": "30", "TERM": "xterm-256color"}
    environment = {**os.environ, **size, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "retdsl", "watch", *arguments]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    coming, left = iter(steps), list(waits_for)
    said, ends = b"", time.monotonic() + seconds
    while time.monotonic() < ends:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                said += os.read(ours, 65536)
            except OSError:
                break
            while left and left[0] in said:
                left.pop(0)
                for _ in coming:
                    if left:
                        break
        elif process.poll() is not None:
            break
    if time.monotonic() >= ends:
        process.kill()
    os.close(ours)
    return process.wait(), said.decode("utf-8", "replace")


def test_a_terminal_gets_a_live_screen_and_keeps_the_last_one(tmp_path: Path) -> None:
    path = tmp_path / "later"
    shown = [b"no such folder yet", b"before the first epoch", b"epoch 2 of 3"]
    code, said = on_a_terminal([str(path), "--every", "0.05"], shown, training(path))
    assert code == 0
    # The screen beside the one with what stood there before is left again, and the cursor is shown.
    before, _, after = said.rpartition("\x1b[?1049l")
    assert "\x1b[?1049h" in before
    assert "epoch 2 of 3" in before
    assert said.rfind("\x1b[?25h") > said.rfind("\x1b[?25l")
    assert "finished" in after
    assert "auc 0.700" in after


def test_a_finished_run_needs_no_live_screen(tmp_path: Path) -> None:
    code, said = on_a_terminal([str(run_folder(tmp_path / "run", 20, finished=True))])
    assert code == 0
    assert "\x1b[?1049h" not in said
    assert "took 20 min 34 s" in said


def events(folder: Path) -> dict[str, dict[int, float]]:
    """The scalars of an event file by tag and step, read by the format alone: records of a length and two checksums."""
    from tensorboardX.proto.event_pb2 import Event

    found: dict[str, dict[int, float]] = {}
    for path in sorted(folder.glob("events.out.tfevents.*")):
        data, at = path.read_bytes(), 0
        while at < len(data):
            length = int.from_bytes(data[at : at + 8], "little")
            event = Event.FromString(data[at + 12 : at + 12 + length])
            at += 16 + length
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    assert event.step not in found.setdefault(value.tag, {}), "an epoch stands there once"
                    found[value.tag][event.step] = value.simple_value
                    found.setdefault("time", {})[event.step] = event.wall_time
                else:
                    found.setdefault(value.tag, {})[event.step] = 0.0
    return found


def test_tensorboard_reads_what_a_run_has_written(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", 20, finished=True)
    add(path, step(1, 1), step(1, 2), {"epoch": 1, "batch": 3, "updates": 3, "valid": {"auc": 0.4}}, to="steps.jsonl")
    for _ in range(2):  # the second time changes nothing
        assert main(["watch", "--plain", str(path), "--tensorboard", str(tmp_path / "board")]) == 0
        found = events(tmp_path / "board" / "run")
        lines = [epoch(number) for number in range(1, 21)]
        for side in ("train", "valid"):
            for key in ("loss", "auc", "accuracy"):
                expected = {line["epoch"]: pytest.approx(line[side][key]) for line in lines}
                assert found[f"{key}/{side}"] == expected
        assert found["learning_rate"][20] == pytest.approx(0.01)
        assert found["auc/test"] == {5: pytest.approx(0.943)}
        assert "sensitivity_at_specificity_90/valid" not in found, "what means nothing has no point"
        assert found["steps/loss"] == {1: pytest.approx(0.5), 2: pytest.approx(0.5)}
        assert found["auc/valid_in_epoch"] == {3: pytest.approx(0.4)}
        assert any(tag.startswith("spec") for tag in found)
        assert found["time"][20] - found["time"][19] == pytest.approx(10)


def test_events_grow_with_the_run(later: Path, tmp_path: Path) -> None:
    assert main(["watch", str(later), "--tensorboard", str(tmp_path / "board")]) == 0
    assert sorted(events(tmp_path / "board" / "later")["auc/valid"]) == [1, 2, 3]


def test_others_events_are_left_alone(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", 2, finished=True)
    other = tmp_path / "board" / "run" / "events.out.tfevents.1.other"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"")
    assert main(["watch", "--plain", str(path), "--tensorboard", str(tmp_path / "board")]) == 0
    assert other.exists()


def test_without_tensorboardx_it_is_said_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    path = run_folder(tmp_path / "run", 2, finished=True)
    assert main(["watch", str(path), "--tensorboard", str(tmp_path / "board")]) == 1
    assert "pip install 'retdsl[tensorboard]'" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run_folder(tmp_path / "run", 2, finished=True)
    (tmp_path / "board").write_text("a file")
    assert main(["watch", "--plain", str(path), "--tensorboard", str(tmp_path / "board")]) == 1
    assert "events cannot be written" in capsys.readouterr().err
