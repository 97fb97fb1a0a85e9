"""Makes room on Python's stack for functions in functions.

What builds, differentiates, plans and runs a function calls itself for the functions inside. Each level takes some of
Python's frames, of which a program may use no more than ``sys.getrecursionlimit()``. That limit is the user's: here it
is raised by what the levels that are under way need, and lowered again after them.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

#: The most frames of Python that a level takes.
_FRAMES = 100
#: The levels for which there is room; more would take more than the stack of a thread holds, which ends the process.
MOST_LEVELS = 1000
#: The highest limit that Python takes.
_HIGHEST = 2**31 - 1


class _Nesting(threading.local):
    def __init__(self) -> None:
        self.levels = 0


_nesting = _Nesting()
_lock = threading.Lock()


def level() -> AbstractContextManager[None]:
    """Gives the block, which is one more level of functions, room on the stack.

    Raises:
      RecursionError: there are too many levels already.
    """
    if _nesting.levels >= MOST_LEVELS:
        raise RecursionError(f"Functions are nested in functions more than {MOST_LEVELS} levels deep.")
    return room(1)


@contextmanager
def room(levels: int) -> Iterator[None]:
    """Gives the block room for levels of functions, beside those that this thread has room for already."""
    nesting = _nesting
    outer = nesting.levels
    inner = min(outer + levels, MOST_LEVELS)
    frames = _raise_limit((inner - outer) * _FRAMES)
    try:
        nesting.levels = inner
        yield
    finally:
        nesting.levels = outer
        _lower_limit(frames)


def has_room(levels: int) -> bool:
    """Tells whether this thread has made room for so many levels."""
    return _nesting.levels >= levels


def _raise_limit(frames: int) -> int:
    """Adds to the limit, which all threads share; returns how much, for a user may have set it as high as it goes."""
    with _lock:
        limit = sys.getrecursionlimit()
        frames = min(frames, _HIGHEST - limit)
        sys.setrecursionlimit(limit + frames)
        return frames


def _lower_limit(frames: int) -> None:
    """Takes from the limit what was added; one that is too low for that was set by the user meanwhile, and stays."""
    with _lock, suppress(ValueError, RecursionError):
        sys.setrecursionlimit(sys.getrecursionlimit() - frames)
