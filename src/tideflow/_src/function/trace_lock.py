"""Defines ``TraceLock``: one thread at a time traces a function, and threads that trace never wait in a circle.

A thread that traces one function may have to trace another, which a second thread is tracing, which needs the first.
With plain locks both would wait for ever. Here each thread that waits is known, and for which lock. The one that would
close a circle does not wait: it traces beside the other thread, and of two equal traces the first to be done is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tideflow._src.core.inheritance import identity
from tideflow._src.runtime.blocking import longest_wait

#: Guards who owns which lock and who waits for which. Nothing is done while it is held.
_guard = threading.RLock()
#: Is told when an owner leaves. It is never entered: its methods are Python, which Ctrl-C may leave half done.
_changed = threading.Condition(_guard)
#: The lock that each waiting thread waits for.
_awaited: dict[int, TraceLock] = {}


class TraceLock:
    """Is a lock that the thread which has it may take again, and that is not waited for in a circle."""

    def __init__(self) -> None:
        self._owner: int | None = None
        self._depth = 0

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Holds the lock inside the block; yields False where waiting for it would never end: it is not held then."""
        me = identity()
        depth = self._depth if self._owner == me else 0
        try:
            yield self._acquire(me)
        finally:
            self._release(me, depth)

    def _acquire(self, me: int) -> bool:
        with _guard:
            if self._owner not in (None, me):
                if self._waits_for(me):
                    return False
                _awaited[me] = self
                try:
                    while self._owner is not None:
                        _changed.wait(longest_wait())
                finally:
                    del _awaited[me]
            self._owner = me
            self._depth += 1
            return True

    def _release(self, me: int, depth: int) -> None:
        """Gives back what a thread has beyond ``depth``, if anything: Ctrl-C may have come before it had the lock."""
        with _guard:
            if self._owner != me:
                return
            self._depth = depth
            if not depth:
                self._owner = None
                _changed.notify_all()

    def _waits_for(self, thread: int) -> bool:
        """Tells whether who has this lock waits, perhaps for one who waits, for a lock that ``thread`` has."""
        lock: TraceLock | None = self
        while lock is not None:
            if lock._owner == thread:
                return True
            lock = None if lock._owner is None else _awaited.get(lock._owner)
        return False
