"""An interruption that comes where nothing can be raised."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, os, signal, sys, time, weakref
from retdsl.runtime.interruption import listen

class Array:
    def given_back(self, *_):
        os.kill(os.getpid(), signal.{kind})
        for _ in range(1000):  # here Python sees to the signal
            pass

class Deleted(Array):
    def __del__(self):
        self.given_back()

listen()
try:
    {where}
    time.sleep(600)
except KeyboardInterrupt:
    os.kill(os.getpid(), signal.SIGTERM)  # once is enough
    print("interrupted")
"""

PLACES = {
    "a destructor": "Deleted()",
    "a weak reference": "array = Array(); kept = weakref.ref(array, Array().given_back); del array",
    "a function that C calls": "ctypes.CFUNCTYPE(None)(Array().given_back)()",
    "anywhere else": "Array().given_back()",
}


@pytest.mark.parametrize("kind", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("place", PLACES)
def test_an_interruption_is_never_lost(place: str, kind: str) -> None:
    program = PROGRAM.format(where=PLACES[place], kind=kind)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


def test_what_else_cannot_be_raised_is_said() -> None:
    program = PROGRAM.format(where="Deleted()\n    sys.exit()", kind="NONE")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0
    assert "AttributeError" in done.stderr
