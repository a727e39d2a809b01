"""Work done ahead of time by threads, its results in order.

Enters: a function and what to apply it to. Leaves: its results, in the order of the items. Guaranteed: never more than
a few results wait; the first error, in the order of the items, is raised when its turn comes, and whether the end is
reached, something fails, Ctrl-C comes or the consumer stops early, no thread is left behind.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 2
"""How many results may wait beyond the one that each thread is making."""


def ahead(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int, name: str, waiting: int = AHEAD
) -> Generator[Result, None, None]:
    """The function's results. threads, name: of the threads; waiting: results that may wait besides one a thread."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
    try:
        rest = iter(items)
        made: deque[Future[Result]] = deque(pool.submit(function, item) for item in islice(rest, threads + waiting))
        while made:
            result = made.popleft().result()
            made.extend(pool.submit(function, item) for item in islice(rest, 1))
            yield result
            del result  # the consumer's now; who keeps it decides how long its memory lasts
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
