"""The queue behind the queue operations: a store, a capacity, and the calls that wait for room or for elements.

Calls that cannot proceed stand in line, one line for those that bring elements and one for those that want some.
Whoever changes the queue serves both lines as far as possible, in order, so that a call may be finished by another
thread; the thread that made the call only waits. A call for many elements takes or brings them as they come.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import CancelledError, InvalidArgumentError, OpError, OutOfRangeError
from tideflow._src.graph.op_def import Shape
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.queues.stores import FifoStore
from tideflow._src.runtime.arguments import wire_name
from tideflow._src.runtime.buffers import resources

_DONE, _PROGRESS, _STUCK = 2, 1, 0


def lent(value: Any) -> Any:
    """Returns a value that a resource goes on holding, so that whoever gets it as a result gets a copy."""
    if value.__class__ is np.ndarray:
        value.flags.writeable = False
    return value


def owned(value: Any) -> Any:
    """Returns a value as an array that nobody else can change."""
    if value.__class__ is not np.ndarray:
        return np.asarray(value) if isinstance(value, np.generic) else value
    if value.flags.writeable or value.base is not None:
        return value.copy()
    return value


class _Call:
    """Is one call that stands in line.

    Attributes:
      finished: nothing is left to do for it.
      error: why it failed, or None.
      changed: is notified when it is finished; None while its thread does not wait.
    """

    __slots__ = ("changed", "error", "finished")

    what = ""

    def __init__(self) -> None:
        self.finished = False
        self.error: OpError | None = None
        self.changed: threading.Condition | None = None

    def proceed(self, queue: Queue) -> int:
        """Does what it can; says whether it is done, did something, or is stuck."""
        raise NotImplementedError

    def abandon(self, queue: Queue) -> None:
        """Undoes what can be undone when the caller gives up."""


class _Enqueue(_Call):
    __slots__ = ("components",)
    what = "Enqueue"

    def __init__(self, components: list[Any]) -> None:
        super().__init__()
        self.components = components

    def proceed(self, queue: Queue) -> int:
        if queue.closed:
            self.error = queue.closed_error()
            return _DONE
        if queue.store.size >= queue.capacity:
            return _STUCK
        queue.store.put(self.components)
        return _DONE


class _EnqueueMany(_Call):
    __slots__ = ("components", "position", "total")
    what = "Enqueue"

    def __init__(self, components: list[Any], total: int) -> None:
        super().__init__()
        self.components = components
        self.position = 0
        self.total = total

    def proceed(self, queue: Queue) -> int:
        if queue.closed:
            self.error = queue.closed_error()
            return _DONE
        count = min(queue.capacity - queue.store.size, self.total - self.position)
        if count <= 0:
            return _STUCK
        queue.store.put_many(self.components, self.position, self.position + count)
        self.position += count
        return _DONE if self.position == self.total else _PROGRESS


class _Close(_Call):
    __slots__ = ()
    what = "Close"

    def proceed(self, queue: Queue) -> int:
        if queue.closed:
            self.error = CancelledError(None, None, f"Queue '{queue.name}' is already closed.")
        queue.closed = True
        return _DONE


class _Dequeue(_Call):
    __slots__ = ("result",)
    what = "Dequeue"

    def __init__(self) -> None:
        super().__init__()
        self.result: list[Any] = []

    def proceed(self, queue: Queue) -> int:
        if queue.available() > 0:
            self.result = queue.store.take()
            return _DONE
        if queue.closed:
            self.error = queue.exhausted_error(1)
            return _DONE
        return _STUCK


class _DequeueMany(_Call):
    __slots__ = ("drawn", "result", "small_batch", "tokens", "total")
    what = "Dequeue"

    def __init__(self, total: int, small_batch: bool) -> None:
        super().__init__()
        self.total = total
        self.small_batch = small_batch
        self.drawn = 0
        self.tokens: list[Any] = []
        self.result: list[Any] = []

    def proceed(self, queue: Queue) -> int:
        store = queue.store
        if queue.closed and store.size < self.total - self.drawn:
            missing, held = self.total - self.drawn, store.size
            self.abandon(queue)
            if self.small_batch and store.size:
                self.total = store.size
            elif self.small_batch and queue.has_enqueuers():
                return _PROGRESS if missing != self.total else _STUCK
            else:
                self.error = queue.exhausted_error(missing, held)
                return _DONE
        count = min(queue.available(), self.total - self.drawn)
        if count > 0:
            self.tokens += store.draw(count)
            self.drawn += count
        if self.drawn == self.total:
            self.result = store.collect(self.tokens, self.total)
            return _DONE
        return _PROGRESS if count > 0 else _STUCK

    def abandon(self, queue: Queue) -> None:
        queue.store.restore(self.tokens)
        self.tokens = []
        self.drawn = 0


class Queue:
    """Is a queue of tuples of values that any number of threads use.

    Args:
      kind: the name of the operation that makes it, such as ``"FIFOQueue"``.
      name: its name, for messages.
      capacity: how many elements it holds; negative for no limit.
      component_types: the dtypes of the components of an element.
      shapes: their shapes; None or empty where elements of any shape are taken.
      store: what keeps the elements.
      least: how many elements stay in an open queue.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        capacity: int,
        component_types: Sequence[DType],
        shapes: Sequence[Shape],
        store: Any,
        least: int = 0,
    ) -> None:
        self.kind = kind
        self.name = name
        self.capacity = sys.maxsize if capacity < 0 else capacity
        self.component_types = list(component_types)
        self.shapes = list(shapes)
        self.store = store
        self.least = least
        self.closed = False
        self.pads = isinstance(store, FifoStore) and store._padded
        self._lock = threading.Lock()
        self._enqueuers: deque[_Call] = deque()
        self._dequeuers: deque[_Call] = deque()

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name!r} of {self.size()} elements>"

    # What calls see while they hold the lock.

    def available(self) -> int:
        """Returns how many elements may be taken now."""
        return self.store.size - (0 if self.closed else self.least)  # type: ignore[no-any-return]

    def has_enqueuers(self) -> bool:
        """Tells whether calls wait that bring elements."""
        return any(not isinstance(call, _Close) for call in self._enqueuers)

    def closed_error(self) -> OpError:
        """Returns the error of a call that brings elements to a closed queue."""
        return CancelledError(None, None, f"{self.kind} '{self.name}' is closed.")

    def exhausted_error(self, requested: int, held: int | None = None) -> OpError:
        """Returns the error of a call that wants more elements than a closed queue has."""
        size = self.store.size if held is None else held
        return OutOfRangeError(
            None,
            None,
            f"{self.kind} '{self.name}' is closed and has insufficient elements "
            f"(requested {requested}, current size {size})",
        )

    # Operations.

    def enqueue(self, components: Sequence[Any], timeout_ms: int = -1) -> None:
        """Adds an element; waits while the queue is full."""
        _check_timeout(timeout_ms)
        self._check_element(components)
        self._make(_Enqueue([owned(component) for component in components]), self._enqueuers)

    def enqueue_many(self, components: Sequence[Any], timeout_ms: int = -1) -> None:
        """Adds the slices of ``components`` along their first dimension; waits while the queue is full."""
        _check_timeout(timeout_ms)
        total = self._check_batch(components)
        if total:
            self._make(_EnqueueMany([owned(component) for component in components], total), self._enqueuers)

    def dequeue(self, timeout_ms: int = -1) -> list[Any]:
        """Takes an element; waits while there is none."""
        _check_timeout(timeout_ms)
        call = _Dequeue()
        self._make(call, self._dequeuers)
        return call.result

    def dequeue_many(self, n: Any, small_batch: bool = False, timeout_ms: int = -1) -> list[Any]:
        """Takes ``n`` elements as a batch, or what is left in a closed queue if ``small_batch``."""
        _check_timeout(timeout_ms)
        operation = "DequeueUpTo" if small_batch else "DequeueMany"
        if np.ndim(n):
            raise InvalidArgumentError(None, None, f"{operation} requires a scalar n, got shape {list(np.shape(n))}.")
        if n < 0:
            raise InvalidArgumentError(None, None, f"{operation}Op requested {int(n)} < 0 elements")
        if not self.pads and len(self.shapes) != len(self.component_types):
            raise InvalidArgumentError(
                None,
                None,
                f"{self.kind}'s DequeueMany and DequeueUpTo require the components to have specified shapes.",
            )
        if n == 0:
            return [
                np.empty((0, *(size or 0 for size in shape or ())), dtype.as_numpy_dtype)
                for dtype, shape in zip(self.component_types, self.shapes, strict=True)
            ]
        call = _DequeueMany(int(n), small_batch)
        self._make(call, self._dequeuers)
        return call.result

    def close(self, cancel_pending_enqueues: bool = False) -> None:
        """Closes the queue: nothing more goes in; what is in can be taken.

        Args:
          cancel_pending_enqueues: whether calls that wait for room fail; else they are done first.
        """
        if not cancel_pending_enqueues:
            self._make(_Close(), self._enqueuers)
            return
        with self._lock:
            self.closed = True
            for call in self._enqueuers:
                call.error = CancelledError(None, None, "Enqueue operation was cancelled")
                self._finish(call)
            self._enqueuers.clear()
            self._serve()

    def size(self) -> int:
        """Returns how many elements there are."""
        return int(self.store.size)

    # Lines.

    def _make(self, call: _Call, line: deque[_Call]) -> None:
        """Makes a call: at once, or in its turn."""
        with self._lock:
            if not line and call.proceed(self) == _DONE:
                if self._enqueuers or self._dequeuers:
                    self._serve()
            else:
                line.append(call)
                self._serve()
                if not call.finished:
                    self._wait(call, line)
        if call.error is not None:
            raise call.error

    def _wait(self, call: _Call, line: deque[_Call]) -> None:
        changed = call.changed = threading.Condition(self._lock)
        try:
            resources().interrupts.wait(changed, lambda: call.finished, call.what)
        except BaseException:
            if not call.finished:
                line.remove(call)
                call.abandon(self)
                self._serve()
            raise

    def _serve(self) -> None:
        """Lets the calls in both lines proceed as far as they can."""
        changed = True
        while changed:
            changed = self._serve_line(self._enqueuers)
            changed = self._serve_line(self._dequeuers) or changed

    def _serve_line(self, line: deque[_Call]) -> bool:
        changed = False
        while line:
            outcome = line[0].proceed(self)
            if outcome == _DONE:
                self._finish(line.popleft())
                changed = True
            else:
                return changed or outcome == _PROGRESS
        return changed

    def _finish(self, call: _Call) -> None:
        call.finished = True
        if call.changed is not None:
            call.changed.notify_all()

    # Checks.

    def _check_types(self, components: Sequence[Any]) -> None:
        expected = self.component_types
        if len(components) != len(expected):
            raise InvalidArgumentError(
                None,
                None,
                f"Wrong number of components in tuple. Expected {len(expected)}, got {len(components)}",
            )
        for index, (component, dtype) in enumerate(zip(components, expected, strict=True)):
            if dtypes.of_numpy[component.dtype] is not dtype:
                raise InvalidArgumentError(
                    None,
                    None,
                    f"Type mismatch in tuple component {index}. Expected {wire_name(dtype)}, "
                    f"got {wire_name(dtypes.of_numpy[component.dtype])}",
                )

    def _check_element(self, components: Sequence[Any]) -> None:
        self._check_types(components)
        for index, shape in enumerate(self.shapes):
            if not fits(shape, components[index].shape):
                raise InvalidArgumentError(
                    None,
                    None,
                    f"Shape mismatch in tuple component {index}. Expected {shape_text(shape)}, "
                    f"got {shape_text(components[index].shape)}",
                )

    def _check_batch(self, components: Sequence[Any]) -> int:
        self._check_types(components)
        total = None
        for index, component in enumerate(components):
            shape = component.shape
            if not shape:
                raise InvalidArgumentError(
                    None, None, f"Input tuple component {index} must have at least one dimension, got a scalar."
                )
            if total is None:
                total = shape[0]
            elif shape[0] != total:
                raise InvalidArgumentError(
                    None,
                    None,
                    f"All input tensors must have the same size in the 0th dimension. Component {index} has {shape[0]}"
                    f", and should have {total}",
                )
            if self.shapes and not fits(self.shapes[index], shape[1:]):
                expected = self.shapes[index]
                full = (total, *expected) if expected is not None else None
                raise InvalidArgumentError(
                    None,
                    None,
                    f"Shape mismatch in tuple component {index}. Expected {shape_text(full)}, got {shape_text(shape)}",
                )
        return int(total or 0)

    # Sharing.

    def check_same(
        self, kind: str, capacity: int, least: int, component_types: Sequence[DType], shapes: Sequence[Shape]
    ) -> None:
        """Checks that a node that names this queue asks for a queue just like it.

        Raises:
          InvalidArgumentError: it does not.
        """
        if kind != self.kind:
            raise InvalidArgumentError(None, None, f"Expected {kind}, found {self.kind}")
        capacity = sys.maxsize if capacity < 0 else capacity
        asked = (capacity, least, list(component_types), list(shapes))
        have = (self.capacity, self.least, self.component_types, self.shapes)
        if asked == have:
            return
        for what, mine, theirs in (
            ("capacity", self.capacity, capacity),
            ("min_after_dequeue", self.least, least),
            ("component types", _names(self.component_types), _names(component_types)),
            ("component shapes", _texts(self.shapes), _texts(shapes)),
        ):
            if mine != theirs:
                raise InvalidArgumentError(
                    None, None, f"Shared queue '{self.name}' has {what} {mine} but requested {what} was {theirs}"
                )


def fits(shape: Shape, given: tuple[int, ...]) -> bool:
    """Tells whether a value's shape is one that a static shape allows."""
    if shape is None or shape == given:
        return True
    return len(shape) == len(given) and all(a is None or a == b for a, b in zip(shape, given, strict=True))


def _names(types: Sequence[DType]) -> str:
    return "[" + ", ".join(wire_name(dtype) for dtype in types) + "]"


def _texts(shapes: Sequence[Shape]) -> str:
    return "[" + ", ".join(shape_text(shape) for shape in shapes) + "]"


def _check_timeout(timeout_ms: int) -> None:
    if timeout_ms != -1:
        raise InvalidArgumentError(None, None, f"Timeout not supported yet: timeout_ms must be -1, got {timeout_ms}.")
