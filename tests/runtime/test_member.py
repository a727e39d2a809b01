"""A process of a job: it leaves when it is told to, or when nobody is there to tell it, whatever it waits for."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys

import pytest

from retdsl.runtime.foreman import listening
from retdsl.runtime.job_line import DONE, END, Messages, message_of
from retdsl.runtime.member import LOST, _free_port
from retdsl.runtime.place import SCHEDULER, Place

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


START = """
import sys, threading, time
from retdsl.runtime import member
from retdsl.runtime.member import Member
from retdsl.runtime.place import Place

place = Place("worker", 0, 2, 0, "127.0.0.1", int(sys.argv[1]))
"""

WAITS_IN_ORDER = """
Member(place, threading.Event().wait)  # as a progress bar whose terminal takes no more
threading.Event().wait()
"""

SENDS_TO_NOBODY = """
member.PATIENCE = 1.0
Member(place).exchange(bytes(1 << 28))
"""

IS_DONE = """
real = time.sleep
member.time.sleep = lambda seconds: real(0.001)  # no patience runs out before the test is done
Member(place).done()
"""

LIVES = """
Member(place)
threading.Event().wait()
"""


class Foreman:
    """The other end of the line of one process, which runs this text."""

    def __init__(self, text: str) -> None:
        with listening(0, "127.0.0.1") as listener:
            command = [sys.executable, "-c", START + text, str(listener.getsockname()[1])]
            self.member = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
            listener.settimeout(120)
            self.line, _ = listener.accept()
        self.line.settimeout(120)

    def hear(self, kind: bytes) -> None:
        """Waits for a message of that kind."""
        messages = Messages()
        while True:
            if any(found == kind for found, _ in messages.take(self.line.recv(1 << 16))):
                return

    def ended(self) -> tuple[int, str]:
        """Exit code and words of the process."""
        _, said = self.member.communicate(timeout=120)
        return self.member.returncode, said


def test_what_cannot_be_put_in_order_keeps_no_process() -> None:
    foreman = Foreman(WAITS_IN_ORDER)
    foreman.line.sendall(message_of(END, code=3))
    assert foreman.ended() == (3, "")
    foreman.line.close()


def test_a_process_that_cannot_get_rid_of_its_rows_notices_that_nobody_is_there() -> None:
    """Its foreman's machine is cut off, and takes nothing any more."""
    foreman = Foreman(SENDS_TO_NOBODY)
    code, said = foreman.ended()
    assert code == LOST
    assert "nothing has been heard of it for 1 s" in said
    foreman.line.close()


def test_who_is_done_waits_for_the_others_as_long_as_it_takes() -> None:
    foreman = Foreman(IS_DONE)
    foreman.hear(DONE)
    foreman.line.sendall(message_of(END, code=5))
    assert foreman.ended() == (5, "")
    foreman.line.close()


def test_the_end_is_heard_though_the_line_is_closed_when_something_is_to_be_said() -> None:
    foreman = Foreman(LIVES)
    foreman.member.send_signal(signal.SIGSTOP)
    foreman.line.sendall(message_of(END, code=0))
    foreman.line.close()
    foreman.member.send_signal(signal.SIGCONT)
    assert foreman.ended() == (0, "")


def test_the_port_of_the_scheduler_is_nobody_elses_until_mxnet_listens() -> None:
    with listening(0) as other, socket.socket() as third, socket.socket() as mxnet:
        port = other.getsockname()[1]
        with _free_port(Place(SCHEDULER, 0, 2, 1, "127.0.0.1", port - 1)) as reserved:
            found = reserved.getsockname()[1]
            assert found != port
            with pytest.raises(OSError, match="in use"):
                third.bind(("", found))
            mxnet.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            mxnet.bind(("", found))
            mxnet.listen()
