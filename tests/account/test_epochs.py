"""What is told of the epochs: the numbers of `retdsl.balance`, in words; and the same for programs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from spec_texts import experiment

from retdsl.account.epochs import EpochsData, epochs_section
from retdsl.account.section import Section
from retdsl.balance.counts import Counts, Side
from retdsl.commands.accounts import WIDTH, section_rows
from retdsl.ir import to_json
from retdsl.runtime.feed import images_of

SPEC = """
data eyes { source = csv("labels.csv", patient = patient)  classes = [healthy, infected]
  image = photo => resize(8, 8) }
model net = eyes.image => Flatten => FullyConnected(2) => Softmax
"""
COUNTS = Counts(Side((315, 5), (160, 3)), Side((68, 1), (34, 1)), Side((67, 1), (34, 1)), "read")


def told(sampling: str, epochs: int = 100, counts: Counts | None = COUNTS, more: str = "") -> Section:
    text = f"{SPEC}train t {{ model = net  data = eyes  epochs = {epochs}  sampling = {sampling}  {more} }}"
    return epochs_section(experiment(text), counts)


@pytest.mark.parametrize(
    ("sampling", "columns", "rows"),
    [
        (
            "balanced_subset",
            ("", "an epoch", "each", "new in 2nd", "in 100 epochs", "all after"),
            [("healthy", "5", "1", "0", "5 of 315", "never"), ("infected", "5", "1", "0", "5 of 5", "1 epoch")],
        ),
        (
            "resample(ratio = 1 : 1)",
            ("", "an epoch", "each", "new in 2nd", "in 100 epochs", "all after"),
            [
                ("healthy", "5", "0 or 1", "4.92", "251 of 315", "396 epochs"),
                ("infected", "5", "1", "0", "5 of 5", "1 epoch"),
            ],
        ),
        (
            "oversample(ratio = 4 : 1)",
            ("", "an epoch", "each", "new in 2nd", "in 100 epochs", "all after"),
            [
                ("healthy", "315", "1", "0", "315 of 315", "1 epoch"),
                ("infected", "79", "15 or 16", "0", "5 of 5", "1 epoch"),
            ],
        ),
        (
            "class_aware(size = 20)",
            ("", "an epoch", "each", "new in 2nd", "in 100 epochs", "all after"),
            [
                ("healthy", "10", "about 0.03", "10", "315 of 315", "32 epochs"),
                ("infected", "10", "about 2", "0", "5 of 5", "1 epoch"),
            ],
        ),
        (
            "progressive(epochs = 30)",
            ("", "epoch 1", "each", "epoch 100", "each", "in 100 epochs", "all after"),
            [
                ("healthy", "315", "1", "5", "0 or 1", "315 of 315", "1 epoch"),
                ("infected", "5", "1", "5", "1", "5 of 5", "1 epoch"),
            ],
        ),
        (
            "resample(by = patient)",  # three patients have an infected eye, 160 a healthy one
            ("", "an epoch", "each", "new in 2nd", "in 100 epochs", "all after"),
            [
                ("healthy", "3", "0 or 1", "2.94", "136 of 160", "299 epochs"),
                ("infected", "3", "1", "0", "3 of 3", "1 epoch"),
            ],
        ),
    ],
)
def test_an_epoch_in_words(sampling: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    section = told(sampling)
    assert section.columns == columns
    assert list(section.rows) == rows
    lines = ["".join(text for text, _ in row) for row in section_rows(section)]
    assert max(map(len, lines)) <= WIDTH, "two classes of usual names fit a terminal"


def test_what_the_notes_say() -> None:
    assert "after 63 epochs, an image of `healthy` has come once on average" in told("resample").notes
    assert "after 54 epochs, a patient of `healthy` has come once on average" in told("resample(by = patient)").notes
    assert not any("once on average" in note for note in told("balanced_subset").notes)
    assert any("30.0 % of each class" in note for note in told("hard(30%, of = resample)").notes)


def test_nothing_is_told_where_every_epoch_sees_every_image_once() -> None:
    section = told("natural")
    assert (section.rows, section.notes) == ((), ())
    assert isinstance(section.data, EpochsData)
    assert section.data.first is not None
    assert section.data.first.drawn == (315, 5)


def test_nothing_is_told_that_nobody_knows() -> None:
    """Patients are counted by --data alone."""
    given = Counts(Side((315, 5)), Side((68, 1)), Side((67, 1)), "given")
    for sampling, counts in (("resample", None), ("resample(by = patient)", given)):
        section = told(sampling, counts=counts)
        assert (section.rows, section.notes) == ((), ())
        assert isinstance(section.data, EpochsData)
        assert (section.data.first, section.data.novelty) == (None, None)


def test_for_programs() -> None:
    assert to_json(told("progressive(epochs = 5, size = 40)", epochs=4).data) == {
        "classes": ["healthy", "infected"],
        "exact": True,
        "of": "images",
        "first": {"epoch": 1, "drawn": [39, 1], "least": [0, 0], "most": [1, 1], "mean": [39 / 315, 0.2]},
        "last": {"epoch": 4, "drawn": [25, 15], "least": [0, 3], "most": [1, 3], "mean": [25 / 315, 3.0]},
        "novelty": [
            {
                "among": 315,
                "new": pytest.approx(276 * 35 / 315),  # 39 were seen, and 35 are drawn
                "seen": pytest.approx(315 - 276 * 280 * 285 * 290 / 315**3),
                "once": 14,  # 39, 35, 30, 25, and then 20
                "all": pytest.approx(98, abs=5),
            },
            {"among": 5, "new": 4.0, "seen": 5.0, "once": 2, "all": 2.0},
        ],
    }


def test_the_labels_are_counted_with_data(tmp_path: Path) -> None:
    """Patients too: nine healthy ones with two photographs each, three infected ones with four."""
    import cv2
    import numpy as np

    rows, random = ["image,label,patient"], np.random.default_rng(0)
    for patient in range(12):
        for eye in range(4 if patient < 3 else 2):
            name = f"{patient}_{eye}.png"
            cv2.imwrite(str(tmp_path / name), random.integers(0, 255, (16, 16, 3), np.uint8))
            rows.append(f"{name},{'infected' if patient < 3 else 'healthy'},{patient}")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    spec = tmp_path / "study.retina"
    spec.write_text(f"{SPEC}train t {{ model = net  data = eyes  metrics = [auc]  sampling = resample(by = patient) }}")
    command = [sys.executable, "-m", "retdsl", "check", "--data", "-v", "--format", "json", str(spec)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    epochs = json.loads(done.stdout)["experiments"][0]["epochs"]
    assert (epochs["of"], epochs["exact"]) == ("patients", True)
    assert epochs["first"]["drawn"] == [1, 1]
    assert [known["among"] for known in epochs["novelty"]][1] == 1


@pytest.mark.parametrize("rule", ["keep", "pad", "drop"])
@pytest.mark.parametrize(
    ("sampling", "images"), [("natural", 320), ("balanced_subset", 10), ("natural(size = 41)", 41)]
)
def test_what_the_last_batch_adds_or_takes_is_told(rule: str, sampling: str, images: int) -> None:
    notes = " ".join(told(sampling, more=f"batch = 32 last_batch = {rule}").notes)
    seen = images_of(images, 32, rule)
    assert (f"an epoch draws {images} images and sees {seen}: `last_batch = {rule}`" in notes) == (seen != images)
