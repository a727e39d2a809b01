"""`run_all`: every benchmark is told, also one that fails, on the screen, as Markdown and as a picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import run_all
from ratio_picture import draw
from ratios import Ratio, at_least, at_most, faster, more

FAST = faster("training a head", 2.0, 90.0, at_least(40), "batch 32")
SLOW = more("int8 & bf16", 100.0, 120.0, at_least(1.5))
ALONE = Ratio("compiling ResNet-152", 1.2, None, "s", 1.2, at_most(1.5))


@pytest.fixture
def own_benchmarks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Benchmarks of this test's own, and a folder of photographs."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    (folder / "labels.csv").write_text("image,label,patient\n")
    (tmp_path / "good.py").write_text(
        "from ratios import at_least, faster\n"
        "def measure(photographs, folder, quick):\n"
        "    assert (photographs / 'labels.csv').is_file() and folder.is_dir()\n"
        "    return [faster('quick' if quick else 'whole', 1.0, 50.0, at_least(40))]\n"
    )
    (tmp_path / "bad.py").write_text("def measure(*_):\n    raise ValueError('no such network')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    return folder


def test_a_benchmark_runs_as_a_process_of_its_own(own_benchmarks: Path) -> None:
    found = run_all.measured("good", own_benchmarks, quick=True)
    assert found == run_all.Result("good", (faster("quick", 1.0, 50.0, at_least(40)),))


def test_one_that_fails_is_a_row(own_benchmarks: Path) -> None:
    assert run_all.measured("bad", own_benchmarks, quick=False).failure == "ValueError: no such network"
    assert "No module named 'missing'" in run_all.measured("missing", own_benchmarks, quick=False).failure


def test_one_that_hangs_is_ended(own_benchmarks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (own_benchmarks.parent / "hangs.py").write_text(
        "import subprocess, time\ndef measure(*_):\n    subprocess.run(['sleep', '60'])\n"
    )
    monkeypatch.setattr(run_all, "LONGEST", 2)
    assert run_all.measured("hangs", own_benchmarks, quick=False).failure == "no answer for 2 seconds"


def test_the_page(tmp_path: Path) -> None:
    results = [run_all.Result("head_training", (FAST,)), run_all.Result("streaming", (), "no such network")]
    run_all.write(results, tmp_path / "docs" / "page.md", tmp_path / "docs" / "images" / "speed.svg")
    text = (tmp_path / "docs" / "page.md").read_text()
    assert "| training a head | 2 s | 90 s | 45 | ≥ 40 | ✓ | batch 32 |" in text
    assert "`streaming.py` failed: no such network" in text
    assert "](images/speed.svg)" in text
    assert max(map(len, (line for line in text.splitlines() if not line.startswith("|")))) <= 130


def test_the_picture() -> None:
    svg = draw([FAST, SLOW, ALONE])
    words = "".join(ET.fromstring(svg).itertext())
    assert "training a head" in words
    assert "45 x  (≥ 40)" in words
    assert "int8 & bf16" in words
    assert "ResNet" not in words
    assert svg == draw([FAST, SLOW, ALONE])
    assert draw([])
