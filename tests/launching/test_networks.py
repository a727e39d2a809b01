"""Workers on other machines: network namespaces of this one, reached by a script in place of ssh."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from jobs import NO_STATISTICS, Begun, alone, distance, ended

pytestmark = pytest.mark.slow

SSH = """#!/bin/sh
while [ "$1" = "-o" ]; do shift 2; done
host=$1; shift
[ -e "/var/run/netns/$host" ] || { echo "ssh: connect to host $host port 22: No route to host" >&2; exit 255; }
exec ip netns exec "$host" sh -c "$*"
"""

OWN = os.getpid()
"""The names are the whole machine's, on which these tests may run twice at a time."""

NAMES = (f"rd{OWN}a", f"rd{OWN}b")
BRIDGE, NETWORK = f"rd{OWN}br", f"10.{200 + OWN % 50}.{OWN // 50 % 250}"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def gone(*words: str) -> None:
    subprocess.run(["ip", *words], check=False, capture_output=True)


def remove() -> None:
    for name in NAMES:
        gone("netns", "del", name)
        gone("link", "del", f"{name}h")
    gone("link", "del", BRIDGE)


@pytest.fixture(scope="module")
def machines() -> Iterator[tuple[str, str]]:
    """Two namespaces that reach this machine and one another over a bridge."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and iproute2")
    remove()
    try:
        ip("link", "add", BRIDGE, "type", "bridge")
        ip("addr", "add", f"{NETWORK}.1/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        for number, name in enumerate(NAMES, start=2):
            ip("netns", "add", name)
            ip("link", "add", f"{name}h", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"{name}h", "master", BRIDGE)
            ip("link", "set", f"{name}h", "up")
            ip("-n", name, "addr", "add", f"{NETWORK}.{number}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                ip("-n", name, "link", "set", device, "up")
    except subprocess.CalledProcessError as error:
        remove()
        pytest.skip(f"no network namespaces can be made here: {error.stderr.decode().strip()}")
    yield NAMES
    remove()


@pytest.fixture(scope="module")
def folder(machines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("machines")
    tools = found / "tools"
    tools.mkdir()
    (tools / "ssh").write_text(SSH)
    (tools / "ssh").chmod(0o755)
    (found / "hosts").write_text("".join(f"{name} slots=1\n" for name in machines))
    (found / "study.retina").write_text(NO_STATISTICS)
    return found


def path(folder: Path) -> str:
    return os.pathsep.join([str(folder / "tools"), os.environ["PATH"]])


def test_workers_on_two_machines_are_one_process(folder):
    code, said = alone(folder, "one")
    assert code == 0, said
    asked = ("study.retina", "--hosts", "hosts", "-s", 2, "--address", f"{NETWORK}.1", "--threads", 1, "--plain")
    code, said = ended("launch", *asked, "--run", "two", folder=folder, PATH=path(folder))
    assert code == 0, said
    assert distance(folder / "one", folder / "two", 2) < 1e-5


def test_a_machine_that_is_cut_off_ends_the_job(folder):
    more = ("--hosts", "hosts", "--address", f"{NETWORK}.1")
    job = Begun(folder, "cut", *more, holds=2, PATH=path(folder))
    job.wait_for_epoch(2)
    ip("-n", NAMES[1], "link", "set", "eth0", "down")
    try:
        code, said = job.end()
    finally:
        ip("-n", NAMES[1], "link", "set", "eth0", "up")
    assert code == 70, said
    assert "has not been heard of for" in said
    assert "go on with: retdsl launch --resume cut" in said
    assert not job.left()


def test_a_machine_that_does_not_answer_is_named(folder):
    (folder / "absent").write_text(f"{NAMES[0]}\nnobody-there\n")
    asked = ("study.retina", "--hosts", "absent", "--address", f"{NETWORK}.1", "--run", "absent-run", "--plain")
    code, said = ended("launch", *asked, folder=folder, PATH=path(folder))
    assert code == 70
    assert "worker 1 on nobody-there could not be started or reached by ssh" in said
    assert "No route to host" in said
    assert "does `ssh nobody-there true` work?" in said
