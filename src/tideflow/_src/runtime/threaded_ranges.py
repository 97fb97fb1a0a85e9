"""Shares the work on a large array among threads: NumPy lets go of the interpreter while it computes."""

from __future__ import annotations

import contextvars
import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tideflow._src.runtime.program_options import thread_count

#: Elements below which a thread costs more than it saves.
_WORTH_A_THREAD = 1 << 18

_pool: ThreadPoolExecutor | None = None
_pool_size = 0


def _forget_pool() -> None:
    """Drops the pool in a forked process, where its threads do not exist."""
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def over_ranges(function: Callable[[int, int], None], count: int, size: int) -> None:
    """Calls ``function(begin, end)`` for ranges that cover ``count`` items, at the same time where it pays.

    Args:
      function: works on the items of a range, and on nothing that another range touches.
      count: the number of items.
      size: how many elements all items have together.
    """
    global _pool, _pool_size
    parts = min(thread_count(), count, max(1, size // _WORTH_A_THREAD))
    if parts <= 1:
        function(0, count)
        return
    if _pool is None or _pool_size < parts:
        _pool = ThreadPoolExecutor(parts, thread_name_prefix="tideflow-ranges")
        _pool_size = parts
    bounds = [count * part // parts for part in range(parts + 1)]
    # A copy of the context each: it says, among other things, that NumPy must not warn.
    futures = [
        _pool.submit(contextvars.copy_context().run, function, begin, end)
        for begin, end in itertools.pairwise(bounds[1:])
    ]
    try:
        function(bounds[0], bounds[1])
    finally:
        for future in futures:
            future.result()
