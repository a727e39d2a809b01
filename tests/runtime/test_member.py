"""A process of a job whose foreman goes away."""

from __future__ import annotations

import subprocess
import sys

import pytest

from retdsl.runtime.foreman import listening
from retdsl.runtime.member import LOST

PROGRAM = """
import sys, threading
from retdsl.runtime.member import Member
from retdsl.runtime.place import Place

def on_end():
    raise ValueError("nothing here is in good order any more")

Member(Place("worker", 0, 2, 0, "127.0.0.1", int(sys.argv[1])), on_end)
threading.Event().wait()  # as MXNet waits for a server that is gone
"""


@pytest.mark.parametrize("heard", [True, False])
def test_a_process_that_has_lost_its_foreman_leaves_whoever_else_is_gone(heard):
    """Its standard error may lead to a launcher that was killed: then nothing that it says can be said."""
    listener = listening(0, "127.0.0.1")
    member = subprocess.Popen([sys.executable, "-c", PROGRAM, str(listener.getsockname()[1])], stderr=subprocess.PIPE)
    assert member.stderr is not None
    line, _ = listener.accept()
    if not heard:
        member.stderr.close()
    line.close()
    listener.close()
    assert member.wait(timeout=600) == LOST
    if heard:
        said = member.stderr.read().decode()
        member.stderr.close()
        assert "worker 0 has lost the process that leads the job" in said
