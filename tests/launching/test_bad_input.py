"""What cannot be launched is said before anything starts, or ends it at once."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from jobs import NO_STATISTICS

from retdsl.cli import main


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    found = tmp_path / "study.retina"
    found.write_text(NO_STATISTICS)
    return found


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    code = main(["launch", *map(str, arguments)])
    return code, capsys.readouterr().err


def test_how_many_must_be_said(spec, capsys):
    code, said = refused(capsys, spec)
    assert code == 2
    assert "how many workers?" in said


def test_more_workers_than_a_batch_has_images(spec, tmp_path, capsys):
    code, said = refused(capsys, spec, "-n", 9, "--run", tmp_path / "run")
    assert code == 1
    assert "9 workers would share a batch of 8" in said
    assert not (tmp_path / "run").exists()


def test_a_port_in_use(spec, tmp_path, capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, said = refused(capsys, spec, "-n", 2, "--port", port, "--run", tmp_path / "run")
    assert code == 1
    assert f"port {port} cannot be used: Address already in use" in said
    assert "leave out --port" in said
    assert not (tmp_path / "run").exists()


def test_without_ssh_other_machines_cannot_be_reached(spec, tmp_path, capsys, monkeypatch):
    (tmp_path / "hosts").write_text("far-away slots=2\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    code, said = refused(capsys, spec, "--hosts", tmp_path / "hosts")
    assert code == 1
    assert "ssh is not installed" in said


@pytest.mark.parametrize("address", ["no-such-machine.invalid", "203.0.113.7"])
def test_an_address_that_is_not_of_this_machine(address, spec, tmp_path, capsys):
    code, said = refused(capsys, spec, "-n", 2, "--address", address, "--run", tmp_path / "run")
    assert code == 1
    assert f"this machine is not reached by the address {address}: " in said
    assert "hostname -I" in said
    assert not (tmp_path / "run").exists()


def test_a_run_that_is_not_there(tmp_path, capsys):
    code, said = refused(capsys, "--resume", tmp_path / "gone")
    assert code == 1
    assert "there is no such run" in said


@pytest.mark.parametrize(("asked", "one"), [(["--folds"], "--set NAME.fold=2"), (["--repeat", 3], "--set NAME.seed=2")])
def test_several_runs_are_a_job_each(asked, one, spec, tmp_path, capsys):
    code, said = refused(capsys, spec, "-n", 2, *asked, "--runs", tmp_path / "runs")
    assert code == 2
    assert f"a job trains one run, and {asked[0]} asks for several" in said
    assert one in said
    assert "retdsl train" in said
    assert not (tmp_path / "runs").exists()


def test_several_experiments_are_a_job_each(spec, tmp_path, capsys):
    more = "\ntrain other from tiny { seed = 4 }\n\nensemble both { of = [tiny, other] }\n"
    spec.write_text(NO_STATISTICS + more)
    code, said = refused(capsys, spec, "-n", 2, "--runs", tmp_path / "runs")
    assert code == 2, said
    assert "a job trains one experiment, and the spec has tiny, other" in said
    assert "choose one with --train" in said
    code, said = refused(capsys, spec, "-n", 2, "--train", "both", "--runs", tmp_path / "runs")
    assert code == 2, said
    assert "`both` is an ensemble" in said
    assert "name one of its members: tiny, other" in said


def test_a_series_goes_on_by_train(tmp_path, capsys):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "series.json").write_text("{}")
    code, said = refused(capsys, "--resume", tmp_path / "runs")
    assert code == 2
    assert "is a series of runs, and a job trains one run" in said
    assert f"it goes on with: retdsl train --resume {tmp_path / 'runs'}" in said
