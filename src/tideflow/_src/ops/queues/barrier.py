"""Barriers: they join components that come at different times, by key, and give the elements that are complete."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import CancelledError, InvalidArgumentError, OutOfRangeError
from tideflow._src.graph.op_def import Shape, at_least
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.queues.queue_resource import fits
from tideflow._src.ops.queues.shared import no_shapes, resource_handle, resource_in
from tideflow._src.ops.queues.stores import batch_of
from tideflow._src.runtime.arguments import wire_name
from tideflow._src.runtime.buffers import resources
from tideflow._src.runtime.op import op

DType = dtypes.DType
_FIRST_INDEX = -(1 << 63)


class _Element:
    """Is an element of a barrier: when its key came, and the components that have come so far."""

    __slots__ = ("components", "index", "missing")

    def __init__(self, index: int, count: int) -> None:
        self.index = index
        self.components: list[Any] = [None] * count
        self.missing = count


class Barrier:
    """Is a set of elements that become ready when all their components are there."""

    def __init__(self, name: str, component_types: list[DType], shapes: list[Shape]) -> None:
        self.name = name
        self.component_types = list(component_types)
        self.shapes = list(shapes)
        self._incomplete: dict[bytes, _Element] = {}
        self._ready: deque[tuple[int, bytes, list[Any]]] = deque()
        self._index = _FIRST_INDEX
        self._closed = False
        self._cancelled = False
        self._changed = threading.Condition()

    def insert_many(self, keys: Any, component: int, values: Any) -> None:
        """Adds a component of the elements that ``keys`` name."""
        if not 0 <= component < len(self.component_types):
            raise InvalidArgumentError(
                None, None, f"The component ID is out of range {component} > num_components {len(self.component_types)}"
            )
        self._check(keys, component, values)
        with self._changed:
            if self._cancelled:
                raise CancelledError(None, None, f"Barrier {self.name} is closed. Pending enqueues cancelled: keys.")
            index = self._index
            self._index += 1
            try:
                for position, key in enumerate(keys.tolist()):
                    self._insert(key, component, values[position, ...], index)
            finally:
                self._changed.notify_all()

    def _insert(self, key: bytes, component: int, value: Any, index: int) -> None:
        element = self._incomplete.get(key)
        if element is None:
            if self._closed:
                raise CancelledError(
                    None,
                    None,
                    f"Barrier {self.name} is closed, but attempted to insert a brand new key: {key.decode()}. "
                    "Pending inserts of existing keys are still allowed.",
                )
            element = self._incomplete[key] = _Element(index, len(self.component_types))
        if element.components[component] is not None:
            raise InvalidArgumentError(
                None, None, f"Key {key.decode()} already has a value for component {component} in barrier {self.name}"
            )
        element.components[component] = np.array(value)
        element.missing -= 1
        if not element.missing:
            del self._incomplete[key]
            self._put_ready(element.index, key, element.components)

    def _put_ready(self, index: int, key: bytes, components: list[Any]) -> None:
        """Puts an element among the ready ones, in the order in which the keys first came."""
        ready = self._ready
        if not ready or ready[-1][0] <= index:
            ready.append((index, key, components))
            return
        place = len(ready)
        while place and ready[place - 1][0] > index:
            place -= 1
        ready.insert(place, (index, key, components))

    def _check(self, keys: Any, component: int, values: Any) -> None:
        if keys.ndim != 1:
            raise InvalidArgumentError(None, None, f"keys must be a vector, but has shape {shape_text(keys.shape)}.")
        dtype = self.component_types[component]
        if dtypes.of_numpy[values.dtype] is not dtype:
            raise InvalidArgumentError(
                None,
                None,
                f"Component {component} of barrier {self.name} is {wire_name(dtype)}, got "
                f"{wire_name(dtypes.of_numpy[values.dtype])}.",
            )
        if not values.ndim or values.shape[0] != len(keys):
            raise InvalidArgumentError(
                None,
                None,
                f"The first dimension of values must be the number of keys, {len(keys)}, but the shape is "
                f"{shape_text(values.shape)}.",
            )
        if self.shapes and not fits(self.shapes[component], values.shape[1:]):
            expected = self.shapes[component]
            raise InvalidArgumentError(
                None,
                None,
                f"Shape mismatch in tuple component {component}. Expected {shape_text(expected)}, "
                f"got {shape_text(values.shape[1:])}",
            )

    def take_many(self, count: int, small_batch: bool, wait_for_incomplete: bool) -> Any:
        """Waits for ``count`` complete elements; returns when they came, their keys and components."""
        if count < 0:
            raise InvalidArgumentError(None, None, f"num_elements must not be negative, but is {count}.")

        def decided() -> bool:
            if len(self._ready) >= count or self._cancelled:
                return True
            if not self._closed:
                return False
            possible = len(self._ready) + len(self._incomplete)
            if small_batch:
                return (bool(self._ready) and not (wait_for_incomplete and self._incomplete)) or possible == 0
            return possible < count

        with self._changed:
            resources().interrupts.wait(self._changed, decided, "TakeMany")
            held = len(self._ready)
            if held < count and not (small_batch and held):
                raise OutOfRangeError(
                    None,
                    None,
                    f"Barrier '{self.name}' is closed and has insufficient elements (requested {count}, total size "
                    f"{held + len(self._incomplete)})",
                )
            taken = [self._ready.popleft() for _ in range(min(count, held))]
        return self._batch(taken)

    def _batch(self, taken: list[tuple[int, bytes, list[Any]]]) -> Any:
        indices = np.array([index for index, _, _ in taken], np.int64)
        keys = np.empty(len(taken), object)
        keys[:] = [key for _, key, _ in taken]
        values = []
        for number, dtype in enumerate(self.component_types):
            elements = [components[number] for _, _, components in taken]
            if elements:
                shape = elements[0].shape
            else:
                shape = tuple(size or 0 for size in (self.shapes[number] or ())) if self.shapes else ()
            if any(element.shape != shape for element in elements):
                raise InvalidArgumentError(
                    None, None, f"Elements of barrier {self.name} differ in shape in component {number}."
                )
            values.append(batch_of(elements, dtype, shape))
        return indices, keys, values

    def close(self, cancel_pending_enqueues: bool) -> None:
        """Closes the barrier: no new keys come in, nor anything at all if ``cancel_pending_enqueues``."""
        with self._changed:
            if self._closed and not (cancel_pending_enqueues and not self._cancelled):
                state = "and had its pending inserts cancelled " if self._cancelled else ""
                raise CancelledError(None, None, f"Barrier '{self.name}' is already closed {state}".rstrip() + ".")
            self._closed = True
            if cancel_pending_enqueues:
                self._cancelled = True
                self._incomplete.clear()
            self._changed.notify_all()

    def ready_size(self) -> int:
        """Returns how many elements are complete."""
        return len(self._ready)

    def incomplete_size(self) -> int:
        """Returns how many elements lack components."""
        return len(self._incomplete)


@op(
    "Barrier",
    "-> handle: Ref(string)",
    tier="host",
    stateful=True,
    differentiable=False,
    component_types=at_least(1),
    shapes=at_least(0, default=()),
)
def barrier_op(
    *,
    component_types: list[DType],
    shapes: list[Shape],
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
):
    """Makes a barrier."""
    if capacity != -1:
        raise InvalidArgumentError(
            None,
            None,
            f"Barrier only accepts capacity=-1.  Feed the inputs to your Barrier "
            f"through a queue to enforce a limited capacity. Got {capacity}.",
        )
    if shapes and len(shapes) != len(component_types):
        raise InvalidArgumentError(
            None, None, f"All of the component shapes must be specified: {len(component_types)}, got {len(shapes)}."
        )
    return resource_handle(container, shared_name, Barrier, lambda: Barrier(shared_name, component_types, shapes))


@barrier_op.shape
def _barrier_shape():
    return (2,)


@op("BarrierInsertMany", "handle: Ref(string), keys: string, values: T ->", tier="host", differentiable=False)
def barrier_insert_many(handle, keys, values, *, component_index: int):
    """Adds a component of the elements of some keys."""
    resource_in(handle, Barrier).insert_many(keys, component_index, values)


barrier_insert_many.shape(no_shapes)


@op(
    "BarrierTakeMany",
    "handle: Ref(string), num_elements: int32 -> indices: int64, keys: string, values: list(component_types)",
    tier="host",
    differentiable=False,
    component_types=at_least(1),
)
def barrier_take_many(
    handle,
    num_elements,
    *,
    component_types: list[DType],
    allow_small_batch: bool = False,
    wait_for_incomplete: bool = False,
    timeout_ms: int = -1,
):
    """Takes complete elements from a barrier; waits for them."""
    barrier = resource_in(handle, Barrier)
    if barrier.component_types != list(component_types):
        have = ", ".join(dtype.name for dtype in component_types)
        expected = ", ".join(dtype.name for dtype in barrier.component_types)
        raise InvalidArgumentError(None, None, f"Component types mismatch, have: {have} expected: {expected}")
    if timeout_ms != -1:
        raise InvalidArgumentError(None, None, f"Timeout not supported yet: timeout_ms must be -1, got {timeout_ms}.")
    return barrier.take_many(int(num_elements), allow_small_batch, wait_for_incomplete)


@barrier_take_many.shape
def _barrier_take_many_shape(handle, num_elements, *, component_types):
    return (None,), (None,), [None] * len(component_types)


@op("BarrierClose", "handle: Ref(string) ->", tier="host", differentiable=False)
def barrier_close(handle, *, cancel_pending_enqueues: bool = False):
    """Closes a barrier."""
    resource_in(handle, Barrier).close(cancel_pending_enqueues)


barrier_close.shape(no_shapes)


@op("BarrierReadySize", "handle: Ref(string) -> size: int32", tier="host", differentiable=False)
def barrier_ready_size(handle):
    """Tells how many elements of a barrier are complete."""
    return np.int32(resource_in(handle, Barrier).ready_size())


@op("BarrierIncompleteSize", "handle: Ref(string) -> size: int32", tier="host", differentiable=False)
def barrier_incomplete_size(handle):
    """Tells how many elements of a barrier lack components."""
    return np.int32(resource_in(handle, Barrier).incomplete_size())


for _size in (barrier_ready_size, barrier_incomplete_size):

    @_size.shape
    def _size_shape(handle):
        return ()


# Samples.


def _made(s: Any) -> Any:
    return s.produced("Barrier", component_types=["float", "int32"], shapes=[(), (2,)])


def _filled(s: Any) -> tuple[Any, list[Any]]:
    barrier = _made(s)
    keys = np.array([b"a", b"b"], object)
    first = s.of("BarrierInsertMany", barrier, keys, np.float32([1, 2]), component_index=0)
    second = s.of("BarrierInsertMany", barrier, keys[:1], np.int32([[3, 4]]), component_index=1)
    return barrier, [first, second]


@barrier_op.samples
def _barrier_samples(s):
    yield s(component_types=["float"], shared_name=f"sampled_{s.definition.name}")
    yield s(component_types=["float"], capacity=3, error="InvalidArgumentError")


@barrier_insert_many.samples
def _insert_samples(s):
    yield s(_made(s), s.strings((2,)), np.float32([1, 2]), component_index=0)
    yield s(_made(s), s.strings((2,)), np.float32([1, 2]), component_index=2, error="InvalidArgumentError")
    yield s(_made(s), s.strings((2,)), np.int32([1, 2]), component_index=0, error="InvalidArgumentError")


@barrier_take_many.samples
def _take_samples(s):
    barrier, before = _filled(s)
    yield s(barrier, np.int32(1), component_types=["float", "int32"], before=before)
    yield s(_made(s), np.int32(1), component_types=["float"], error="InvalidArgumentError")


@barrier_close.samples
def _close_samples(s):
    yield s(_made(s))
    yield s(_made(s), cancel_pending_enqueues=True)


def _size_samples(s: Any) -> Any:
    barrier, before = _filled(s)
    yield s(barrier, before=before)


barrier_ready_size.samples(_size_samples)
barrier_incomplete_size.samples(_size_samples)
