"""What cannot be launched is said before anything starts, or ends it at once."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from jobs import NO_STATISTICS

from retdsl.cli import main
from retdsl.launching.hosts import HERE, Host, address_for, read_hosts, workers_on
from retdsl.runtime.errors import RunError


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


def test_every_mistake_of_a_host_file_at_once(tmp_path):
    (tmp_path / "hosts").write_text(
        "# machines\none slots=two\n-oProxyCommand=x\nfour slots=1\nfour\nfive colour=red\n"
    )
    with pytest.raises(RunError) as caught:
        read_hosts(tmp_path / "hosts")
    said = str(caught.value)
    for words in ("line 2: `slots=two`", "line 3: `-oProxyCommand=x`", "line 5: `four` stands", "line 6: `colour=red`"):
        assert words in said


def test_workers_fill_slots_or_go_round(tmp_path):
    (tmp_path / "hosts").write_text("one slots=2\n\ntwo slots=1 python=/p  # fast\n")
    one, two = read_hosts(tmp_path / "hosts")
    assert two == Host("two", 1, "/p")
    assert workers_on([one, two], None) == [one, one, two]
    assert workers_on([one, two], 2) == [one, one]
    with pytest.raises(RunError, match="3 slots"):
        workers_on([one, two], 4)
    free, other = Host("free"), Host("other")
    assert workers_on([free, other], 3) == [free, free, other]
    assert workers_on([HERE], 2) == [HERE, HERE]


def test_an_address_that_nobody_knows_has_to_be_said():
    assert address_for([HERE]) == "127.0.0.1"
    with pytest.raises(RunError, match="--address"):
        address_for([Host("no-such-machine.invalid")])


@pytest.mark.parametrize("address", ["no-such-machine.invalid", "203.0.113.7"])
def test_an_address_that_is_not_of_this_machine(address, spec, tmp_path, capsys):
    code, said = refused(capsys, spec, "-n", 2, "--address", address, "--run", tmp_path / "run")
    assert code == 1
    assert f"this machine is not reached by the address {address}: " in said
    assert "hostname -I" in said
    assert not (tmp_path / "run").exists()


def test_host_files_that_cannot_be_read(tmp_path):
    (tmp_path / "hosts").write_bytes(b"\xff\xfe")
    for path, what in ((tmp_path, "Is a directory"), (tmp_path / "no", "No such file"), (tmp_path / "hosts", "UTF-8")):
        with pytest.raises(RunError, match=what) as raised:
            read_hosts(path)
        assert "Errno" not in str(raised.value)


def test_a_run_that_is_not_there(tmp_path, capsys):
    code, said = refused(capsys, "--resume", tmp_path / "gone")
    assert code == 1
    assert "there is no such run" in said
