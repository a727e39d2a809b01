"""The end that is asked for, by Ctrl-C or by a batch system, once, wherever it comes.

Enters: signals. Leaves: one KeyboardInterrupt in the main thread. Guaranteed: what comes after the first disturbs
nobody, and an interruption that comes where Python lets nothing be raised is not lost. Such places are many: MXNet
gives every array back in a `__del__`, and its callbacks are called by C.
"""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

KINDS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
"""Ctrl-C, a batch system, and the alarm by which one that was lost comes again."""

A_MOMENT = 0.01
"""Seconds until it comes again."""


def listen() -> None:
    """From now on, the first of these signals is a KeyboardInterrupt. To be called in the main thread."""
    sys.unraisablehook = _not_raised
    for kind in KINDS:
        signal.signal(kind, _interrupt)


def _interrupt(*_: object) -> NoReturn:
    for kind in KINDS:
        signal.signal(kind, lambda *_: None)
    raise KeyboardInterrupt


def _not_raised(what: sys.UnraisableHookArgs) -> None:
    if isinstance(what.exc_value, KeyboardInterrupt):
        listen()
        signal.setitimer(signal.ITIMER_REAL, A_MOMENT)
    else:
        sys.__unraisablehook__(what)
