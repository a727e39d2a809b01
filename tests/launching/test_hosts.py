"""Host files, and which worker goes to which machine."""

from __future__ import annotations

import pytest

from retdsl.launching.hosts import HERE, Host, address_for, read_hosts, workers_on
from retdsl.runtime.errors import RunError


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


def test_host_files_that_cannot_be_read(tmp_path):
    (tmp_path / "hosts").write_bytes(b"\xff\xfe")
    for path, what in ((tmp_path, "Is a directory"), (tmp_path / "no", "No such file"), (tmp_path / "hosts", "UTF-8")):
        with pytest.raises(RunError, match=what) as raised:
            read_hosts(path)
        assert "Errno" not in str(raised.value)
