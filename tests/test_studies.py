"""What ships works: every spec and example checks without a message, and the studies train to the figures we claim."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from retdsl import compiler
from retdsl.diagnostics import Diagnostics
from retdsl.diagnostics.render import render_text

ROOT = Path(__file__).resolve().parents[1]
FUNDUS = ROOT.parent / "shared" / "fundus"
SHIPPED = sorted([*ROOT.glob("specs/**/*.retina"), *ROOT.glob("examples/**/*.retina")])

needs_fundus = pytest.mark.skipif(not FUNDUS.is_dir(), reason=f"the fundus photographs are not in {FUNDUS}")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_shipped_spec_is_without_mistakes(path: Path):
    spec = compiler.read(str(path), None, Diagnostics())
    assert spec is not None
    checked = compiler.check(spec)
    assert render_text(checked.diagnostics) == ""
    assert checked.program is not None


def trained(name: str, runs: Path, *options: str) -> dict[str, dict[str, float]]:
    """Trains through the command line; the test figures of each experiment."""
    command = [sys.executable, "-m", "retdsl", "train", name, "--plain", "--runs", str(runs), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {path.parent.name.split("-")[0]: json.loads(path.read_text()) for path in sorted(runs.glob("*/test.json"))}


@pytest.mark.slow
def test_the_quickstart_finds_the_infected_eyes(tmp_path: Path):
    (figures,) = trained("quickstart", tmp_path).values()
    assert figures["auc"] >= 0.95


@pytest.mark.slow
@needs_fundus
def test_the_study_trains_on_real_photographs(tmp_path: Path):
    figures = trained("three_answers", tmp_path, "--root", str(FUNDUS), "--set", "epochs=5")
    assert set(figures) == {"penalised", "balanced", "refreshed"}
    for name, found in figures.items():
        assert found["auc"] >= 0.95, name


@pytest.mark.slow
def test_a_network_of_ones_own_learns(tmp_path: Path):
    (figures,) = trained("examples/own_network/small.retina", tmp_path).values()
    assert figures["auc"] >= 0.8


@pytest.mark.slow
def test_the_clinics_folder_can_be_painted_and_trained(tmp_path: Path):
    example = ROOT / "examples" / "clinic_folder"
    paint = [sys.executable, str(example / "paint.py"), str(tmp_path / "photographs")]
    subprocess.run(paint, check=True, cwd=ROOT)
    spec = tmp_path / "screening.retina"
    spec.write_text((example / "screening.retina").read_text())
    (figures,) = trained(str(spec), tmp_path / "runs").values()
    assert figures["auc"] >= 0.9
