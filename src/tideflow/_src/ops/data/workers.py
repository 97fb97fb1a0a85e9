"""Threads that work for a running stage, and end with it."""

from __future__ import annotations

import os
import queue
import threading
import weakref
from collections.abc import Callable
from typing import Any

from tideflow._src.runtime.blocking import longest_wait
from tideflow._src.runtime.program_options import processors

_MOST_THREADS = 64


def parallelism(asked: int, private_threads: int | None = None) -> int:
    """Returns how many threads a stage has that asks for so many; -1 leaves the choice to us."""
    if asked < 0:
        asked = private_threads or processors()
    return max(1, min(asked, _MOST_THREADS))


class Task:
    """Is a call that a thread makes: its result, or what it raised."""

    __slots__ = ("_call", "_done", "_error", "_result", "_tell")

    def __init__(self, call: Callable[[], Any], tell: Callable[[Task], None] | None = None) -> None:
        self._call: Callable[[], Any] | None = call
        self._tell = tell
        self._done = threading.Event()
        self._result: Any = None
        self._error: BaseException | None = None

    def run(self) -> None:
        """Makes the call; whatever it raises is kept for who asks for the result."""
        call, self._call = self._call, None
        assert call is not None
        try:
            self._result = call()
        except BaseException as error:
            self._error = error
        self._done.set()
        if self._tell is not None:
            self._tell(self)

    def result(self) -> Any:
        """Returns what the call returned, once it has.

        Raises:
          Exception: what the call raised.
        """
        while not self._done.wait(longest_wait()):
            pass
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return self._result


class Workers:
    """Is some threads, which begin with the first tasks and end with this object.

    Args:
      count: how many there are at most.
      name: the name of the threads.
    """

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._started = 0
        self._process = os.getpid()
        self._ended = weakref.finalize(self, _end, self._tasks, count)
        self._ended.atexit = False

    def submit(self, task: Task) -> Task:
        """Lets a thread make the call of a task; returns the task."""
        if self._process != os.getpid():
            # A fork copies no threads.
            self._process, self._started = os.getpid(), 0
        if self._started < self._count:
            self._started += 1
            threading.Thread(target=_work, args=(self._tasks,), name=f"tideflow-{self._name}", daemon=True).start()
        self._tasks.put(task)
        return task

    def close(self) -> None:
        """Ends the threads once they have done what they are at."""
        self._ended()


def _end(tasks: queue.SimpleQueue[Task | None], count: int) -> None:
    while True:
        try:
            tasks.get_nowait()
        except queue.Empty:
            break
    for _ in range(count):
        tasks.put(None)


def _work(tasks: queue.SimpleQueue[Task | None]) -> None:
    while True:
        task = tasks.get()
        if task is None:
            return
        task.run()
        del task
