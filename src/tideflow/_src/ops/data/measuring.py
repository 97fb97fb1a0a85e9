"""Measures how long the stages of a pipeline take: what ``Dataset.explain`` shows."""

from __future__ import annotations

import threading
from time import perf_counter
from typing import Any

from tideflow._src.ops.data.elements import Element


class Measured:
    """Is what is known of one stage.

    Attributes:
      elements: how many elements it gave.
      seconds: how long that took without its inputs; for what a thread makes ahead, how long the reader waited.
    """

    def __init__(self) -> None:
        self.elements = 0
        self.seconds = 0.0


class Clock:
    """Keeps what is known of the stages of one iterator."""

    def __init__(self) -> None:
        self.stages: dict[Any, Measured] = {}
        self._here = threading.local()

    def measured(self, stage: Any, running: Any) -> MeasuredRunning:
        """Returns a running stage that measures itself."""
        return MeasuredRunning(self, self.stages.setdefault(stage, Measured()), running)

    def enter(self) -> list[float]:
        """Begins a call; returns where its inputs, called in this thread, note how long they took."""
        stack = self._here.__dict__.setdefault("stack", [])
        inner = [0.0]
        stack.append(inner)
        return inner

    def leave(self, record: Measured, inner: list[float], seconds: float, elements: int) -> None:
        """Ends a call."""
        stack = self._here.stack
        stack.pop()
        if stack:
            stack[-1][0] += seconds
        record.seconds += seconds - inner[0]
        record.elements += elements


class MeasuredRunning:
    """Is a running stage that measures itself; all but the elements is left to the stage."""

    def __init__(self, clock: Clock, record: Measured, running: Any) -> None:
        self._clock, self._record, self._running = clock, record, running
        self.has_blocks = running.has_blocks

    def next(self) -> Element | None:
        """Returns the next element, or None at the end."""
        inner, start = self._clock.enter(), perf_counter()
        element: Element | None = None
        try:
            element = self._running.next()
            return element
        finally:
            self._clock.leave(self._record, inner, perf_counter() - start, element is not None)

    def next_block(self, count: int) -> list[Any] | None:
        """Returns up to ``count`` elements, stacked, or None at the end."""
        inner, start = self._clock.enter(), perf_counter()
        block: list[Any] | None = None
        try:
            block = self._running.next_block(count)
            return block
        finally:
            self._clock.leave(self._record, inner, perf_counter() - start, 0 if block is None else len(block[0]))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._running, name)
