"""Gives variables back what a run that fails has changed in them.

The first run of a thread keeps an *undo log*; the programs that it calls write into the same one. Before a run replaces
the value of a variable, the log keeps the old value, which costs nothing, for nobody changes it. Before an operation
changes some rows where they are, its kernel keeps these rows (:func:`keep_rows`). A run that raises puts everything
back.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

from tideflow._src.core.inheritance import inherited
from tideflow._src.runtime.buffers import Buffer


class _Rows:
    """Is what an array held before a run changed some of its rows.

    Attributes:
      array: the array, which is there as long as this, so that no other has its identity.
      kept: where rows were, and what they were, the last change last.
      size: how many elements these have.
      writer: what changed the variable last before the run.
    """

    __slots__ = ("array", "kept", "size", "writer")

    def __init__(self, array: Any, writer: Any) -> None:
        self.array = array
        self.kept: list[tuple[Any, Any]] = []
        self.size = 0
        self.writer = writer

    def undo(self, array: Any) -> Any:
        """Puts the rows back into an array, and returns it."""
        for where, rows in reversed(self.kept):
            array[where] = rows
        return array


class UndoLog:
    """Is what a run gives back to variables if it fails.

    Attributes:
      values: of each variable whose value the run has replaced, the first one, its lease, and what had written it.
      rows: of each variable of which it has changed rows before, these.
      by_array: the same by the identity of the array that holds the rows.
      is_last: whether the last stage of the run has begun, which changes everything or nothing if XLA runs it.
    """

    def __init__(self) -> None:
        self.values: dict[Buffer, tuple[Any, Any, Any]] = {}
        self.rows: dict[Buffer, _Rows] = {}
        self.by_array: dict[int, _Rows] = {}
        self.is_last = False

    def keep(self, buffer: Buffer) -> bool:
        """Keeps the value of a variable, under its lock, before it is replaced; tells whether it was not kept yet."""
        if buffer.writer is not self:
            self._forget(buffer)
        if buffer in self.values:
            return False
        self.values[buffer] = buffer.value, buffer.lease, buffer.writer
        buffer.writer = self  # not later: Ctrl-C may come between the new value and what is said of it
        return True

    def keep_rows_of(self, buffer: Buffer, array: Any) -> None:
        """Gets ready, under the lock, to keep rows that change in an array that :meth:`Buffer.take` has given."""
        if buffer.writer is not self:
            self._forget(buffer)
        if buffer in self.values:
            return
        rows = self.rows.get(buffer)
        if array is not buffer.value:
            self.keep(buffer)
        elif rows is None:
            self.rows[buffer] = self.by_array[id(array)] = _Rows(array, buffer.writer)
        elif rows.size > array.size:  # a loop keeps no more than a copy
            self.values[buffer] = rows.undo(np.array(array)), None, rows.writer
            self._forget_rows(buffer)
        buffer.writer = self  # not later: an interrupted kernel may have changed rows

    def _forget(self, buffer: Buffer) -> None:
        """Forgets what a variable had before somebody else changed it: that change is not to be lost."""
        self.values.pop(buffer, None)
        self._forget_rows(buffer)

    def _forget_rows(self, buffer: Buffer) -> None:
        rows = self.rows.pop(buffer, None)
        if rows is not None:
            self.by_array.pop(id(rows.array), None)

    def clear(self) -> None:
        """Forgets what was kept."""
        self.values.clear()
        if self.rows:
            self.rows.clear()
            self.by_array.clear()

    def roll_back(self) -> None:
        """Gives variables what they had before the run.

        A variable that another thread, or a Python function, has changed since then gets what that one left in it.
        """
        try:
            for buffer in {**self.values, **self.rows}:
                with buffer.lock:
                    if buffer.writer is self:
                        self._give_back(buffer)
        except KeyboardInterrupt:  # which ends the run, but no half of it
            self.roll_back()
            raise

    def _give_back(self, buffer: Buffer) -> None:
        rows = self.rows.get(buffer)
        if buffer not in self.values:
            assert rows is not None
            value, lease, writer = rows.undo(buffer.take()), None, rows.writer
        else:
            value, lease, writer = self.values[buffer]
            if rows is not None:  # somebody may have read the array since
                value, lease, writer = rows.undo(np.array(value)), None, rows.writer
            elif value.__class__ is np.ndarray:
                value.flags.writeable = False
        buffer.value, buffer.lease, buffer.writer = value, lease, writer


class _ThisThread(threading.local):
    """Knows the run of this thread."""

    def __init__(self) -> None:
        #: The log of the run of this thread; None outside of runs, and in a run that cannot fail by halves.
        self.log: UndoLog | None = None
        #: How many programs that change variables this thread runs inside of the one that began the log.
        self.depth = 0


this_thread = inherited(_ThisThread())


def begin(*, needed: bool = True) -> UndoLog | None:
    """Says that a program that changes variables begins.

    Whoever calls it has taken ``log`` and ``depth`` of :data:`this_thread` before, and puts them back in the end with a
    plain assignment, since Ctrl-C may come before any call.

    Args:
      needed: whether the program can fail once it has changed something.

    Returns:
      The log that the program began; None if the program belongs to a run that has one, or needs none.
    """
    current = this_thread
    if current.log is not None:
        current.depth += 1
        return None
    if not needed:
        return None
    log = current.log = UndoLog()
    return log


@contextmanager
def joined(log: UndoLog | None) -> Iterator[None]:
    """Makes the block, in this thread, a part of the run that keeps ``log``; of none if that is None."""
    current = this_thread
    saved = current.log, current.depth
    current.log, current.depth = log, 0 if log is None else 1
    try:
        yield
    finally:
        current.log, current.depth = saved


def apart() -> AbstractContextManager[None]:
    """Makes the block no part of the run around it, which gives back nothing that the block changes."""
    return joined(None)


def current_log() -> UndoLog | None:
    """Returns the log of the run of this thread, or None."""
    return this_thread.log


def for_good() -> bool:
    """Tells whether what a compiled stage does is the last thing that its run does, so that nothing need be kept."""
    log = this_thread.log
    return log is None or (log.is_last and not this_thread.depth)


def replace(buffer: Buffer, value: Any) -> None:
    """Replaces the value of a variable, under its lock, in an operation of a run."""
    log = this_thread.log
    if log is not None:
        log.keep(buffer)
    buffer.store(value, log)


def rows_to_change(buffer: Buffer) -> Any:
    """Returns, under the lock, the value of a variable as an array in which a kernel may change rows.

    The kernel tells :func:`keep_rows` which. The array is then to be stored as the value that the log has written.
    """
    value = buffer.take()
    log = this_thread.log
    if log is not None:
        log.keep_rows_of(buffer, value)
    return value


def last_rows_to_change(buffer: Buffer) -> Any:
    """Is :func:`rows_to_change` for the last operation of a program that can fail: in its own run nothing is kept."""
    return rows_to_change(buffer) if this_thread.depth else buffer.take()


def done() -> None:
    """Says that nothing that is left to do in a program can fail: if the run is its own, what it did is for good."""
    current = this_thread
    if current.log is not None and not current.depth:
        current.log.clear()


def keep_rows(array: Any, where: Any, rows: Any = None) -> None:
    """Keeps rows that a kernel is about to change in an array that it was given to change.

    Args:
      array: the array.
      where: what it is indexed with: an array of integers, or a tuple of such; all are in range.
      rows: a copy of the rows, if the kernel has one.
    """
    log = this_thread.log
    if log is None:
        return
    found = log.by_array.get(id(array))
    if found is None:
        return
    if rows is None:
        rows = array.take(where, 0) if where.__class__ is np.ndarray else np.array(array[where])
    found.kept.append((where, rows))
    found.size += rows.size
