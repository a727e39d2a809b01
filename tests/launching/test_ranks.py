"""The generated program under `srun` and `mpirun`: it knows its role by its rank."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from jobs import NO_STATISTICS, distance, ended, variables


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("SLURM_PROCID", "SLURM_NTASKS")])
def test_two_ranks_are_one_process(tmp_path: Path, ranks):
    (tmp_path / "study.retina").write_text(NO_STATISTICS)
    code, said = ended("compile", "study.retina", "-o", "program", folder=tmp_path)
    assert code == 0, said
    train_py = next((tmp_path / "program").rglob("train.py"))
    asked = [sys.executable, str(train_py), "--threads", "1", "--plain", "--root", str(tmp_path)]
    subprocess.run([*asked, "--run", "one"], cwd=tmp_path, env=variables(), check=True, timeout=600)
    rank, size = ranks
    both = [
        subprocess.Popen(
            [*asked, "--run", "two"],
            cwd=tmp_path,
            env=variables(**{rank: str(number), size: "2"}),
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in (0, 1)
    ]
    said = [process.communicate(timeout=600)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert "epoch 2/2" in said[0]
    assert "epoch" not in said[1]
    assert distance(tmp_path / "one", tmp_path / "two", 2) < 1e-5
