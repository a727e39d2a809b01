"""What a person reads during a run."""

from __future__ import annotations

import io
import math
import os

import pytest

from retdsl.runtime.progress import (
    EpochReport,
    LiveProgress,
    PlainProgress,
    duration,
    epoch_line,
    figures_line,
    make_progress,
)

REPORT = EpochReport(3, 10, 0.41267, {"loss": 0.3921, "auc": 0.953}, 142.4, 21.3, "best")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def tell(progress):
    with progress:
        for done in range(1, 4):
            progress.reading(done, 3)
        progress.training(3, 10, 2)
        progress.batch(8, 0.5)
        progress.batch(8, 0.4)
        progress.stage("validating", 1)
        progress.batch(8)
        progress.epoch(REPORT)
        progress.note("[done] in 3 s")


def test_epoch_line():
    assert epoch_line(REPORT) == "epoch  3/10  loss 0.413  valid loss 0.392  auc 0.953  142 images/s  21 s  best"


def test_figures():
    figures = {"auc": math.nan, "sensitivity_at_specificity_90": 0.87, "loss": 0.00002, "big": 12345.0, "zero": 0.0}
    assert figures_line(figures) == "auc -  sensitivity@90 0.870  loss 2.0e-05  big 1.2e+04  zero 0.000"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (4.24, "4.2 s"),
        (0.0, "0.0 s"),
        (0.0384, "38 ms"),
        (0.0996, "0.1 s"),
        (38.4, "38 s"),
        (59.7, "1 min 00 s"),
        (725, "12 min 05 s"),
        (7440, "2 h 04 min"),
    ],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_plain_lines():
    stream = io.StringIO()
    tell(PlainProgress(stream))
    assert stream.getvalue().splitlines() == ["3 photographs read", epoch_line(REPORT), "[done] in 3 s"]


def test_live_bar_keeps_the_same_lines(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    tell(LiveProgress(stream))
    text = stream.getvalue()
    for line in ("3 photographs read", "valid loss 0.392", "[done] in 3 s"):
        assert line in text
    assert text.rstrip().endswith("\x1b[?25h") or "\x1b[?25h" in text  # the cursor is back


def test_the_bar_is_for_terminals():
    assert isinstance(make_progress(plain=False, stream=io.StringIO()), PlainProgress)
    assert isinstance(make_progress(plain=True, stream=Terminal()), PlainProgress)
    assert isinstance(make_progress(plain=False, stream=Terminal()), LiveProgress)


def test_a_run_goes_on_when_nobody_listens_any_more():
    """As when `ssh` or `tee` at the other end of a pipe has died in the night."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as stream, make_progress(plain=True, stream=stream) as progress:
        progress.note("epoch 1/2")
        progress.note("epoch 2/2")
