"""Work done ahead of time by threads, its results in order.

Enters: a function and what to apply it to. Leaves: its results, in the order of the items. Guaranteed: never more than
a few results wait; the first error, in the order of the items, is raised when its turn comes, and whether the end is
reached, something fails, Ctrl-C comes or the consumer stops early, no thread is left behind, unless it hangs: on a file
of a server that does not answer, a thread may wait for ever, and whoever wants to leave must not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 2
"""How many results may wait beyond the one that each thread is making."""

PATIENCE = 3.0
"""Seconds that threads have to end what they are at; one that takes longer is left to itself."""


def ahead(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int, name: str, waiting: int = AHEAD
) -> Generator[Result, None, None]:
    """The function's results. threads, name: of the threads; waiting: results that may wait besides one a thread."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
    made: deque[Future[Result]] = deque()
    try:
        rest = iter(items)
        made.extend(pool.submit(function, item) for item in islice(rest, threads + waiting))
        while made:
            result = made[0].result()
            made.popleft()
            made.extend(pool.submit(function, item) for item in islice(rest, 1))
            yield result
            del result  # the consumer's now; who keeps it decides how long its memory lasts
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        begun = [future for future in made if not future.cancelled()]
        if not wait(begun, PATIENCE).not_done:
            pool.shutdown(wait=True)


def with_next(items: Iterable[Item]) -> Iterator[tuple[Item, bool]]:
    """Each item, and whether it is the last."""
    waiting: list[Item] = []
    for item in items:
        yield from ((before, False) for before in waiting)
        waiting = [item]
    yield from ((last, True) for last in waiting)
