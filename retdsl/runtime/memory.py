"""Python's search for garbage, put off while very many things are made that nobody throws away."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def garbage_kept() -> Iterator[None]:
    """No search for garbage in the body. A million rows make Python look through all of them again and again, which
    takes several times as long as to make them.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
