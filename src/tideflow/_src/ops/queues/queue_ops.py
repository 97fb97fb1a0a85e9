"""Queues as operations: making one, putting in, taking out, closing, and asking for the size.

Each comes twice: with the handle of a resource (``QueueEnqueueV2``) and, for old graphs, with a reference to a handle
(``QueueEnqueue``). Here both are a handle that goes from operation to operation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import OpDef, Shape, at_least
from tideflow._src.ops.queues.queue_resource import Queue
from tideflow._src.ops.queues.shared import both_forms, counted_shapes, no_shapes, resource_handle, resource_in
from tideflow._src.ops.queues.stores import (
    FifoStore,
    PriorityStore,
    ShuffledElementStore,
    ShuffledRowStore,
)
from tideflow._src.runtime.op import op

DType = dtypes.DType


def _queue_handle(
    kind: str,
    container: str,
    shared_name: str,
    capacity: int,
    component_types: list[DType],
    shapes: list[Shape],
    make_store: Callable[[], Any],
    least: int = 0,
) -> Any:
    """Returns the handle of the queue of that name, made on first use."""

    def make() -> Queue:
        return Queue(kind, shared_name or kind, capacity, component_types, shapes, make_store(), least)

    handle = resource_handle(container, shared_name, Queue, make)
    handle.resource.check_same(kind, capacity, least, component_types, shapes)
    return handle


def _check_shapes(shapes: list[Shape], component_types: list[DType]) -> None:
    if shapes and len(shapes) != len(component_types):
        raise InvalidArgumentError(
            None,
            None,
            f"shapes must be empty or hold a shape for each of the {len(component_types)} components, "
            f"but has {len(shapes)}.",
        )


def fifo_queue(
    *,
    component_types: list[DType],
    shapes: list[Shape] = (),  # type: ignore[assignment]
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
):
    """Makes a queue that gives elements in the order in which they came."""
    _check_shapes(shapes, component_types)

    def make_store() -> Any:
        return FifoStore(component_types, shapes or None)

    return _queue_handle("FIFOQueue", container, shared_name, capacity, component_types, shapes, make_store)


def padding_fifo_queue(
    *,
    component_types: list[DType],
    shapes: list[Shape] = (),  # type: ignore[assignment]
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
):
    """Makes a queue whose batches are filled up to the largest element where a size is not fixed."""
    if len(shapes) != len(component_types):
        raise InvalidArgumentError(
            None,
            None,
            f"Shapes must be provided for all components, but received {len(shapes)} shapes and "
            f"{len(component_types)} component types.",
        )

    def make_store() -> Any:
        return FifoStore(component_types, shapes, padded=True)

    return _queue_handle("PaddingFIFOQueue", container, shared_name, capacity, component_types, shapes, make_store)


def random_shuffle_queue(
    *,
    component_types: list[DType],
    shapes: list[Shape] = (),  # type: ignore[assignment]
    capacity: int = -1,
    min_after_dequeue: int = 0,
    seed: int = 0,
    seed2: int = 0,
    container: str = "",
    shared_name: str = "",
):
    """Makes a queue that gives elements at random."""
    _check_shapes(shapes, component_types)
    if min_after_dequeue < 0:
        raise InvalidArgumentError(None, None, f"min_after_dequeue {min_after_dequeue} must be >= 0")
    if 0 <= capacity <= min_after_dequeue:
        raise InvalidArgumentError(None, None, f"min_after_dequeue {min_after_dequeue} must be < capacity {capacity}")

    def make_store() -> Any:
        fixed = bool(shapes) and all(shape is not None and None not in shape for shape in shapes)
        kind: Any = ShuffledRowStore if fixed else ShuffledElementStore
        return kind(component_types, shapes or None, seed, seed2)

    kind = "RandomShuffleQueue"
    return _queue_handle(kind, container, shared_name, capacity, component_types, shapes, make_store, min_after_dequeue)


def priority_queue(
    *,
    component_types: list[DType] = (),  # type: ignore[assignment]
    shapes: list[Shape],
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
):
    """Makes a queue that gives the element of the least priority value, its first component, an int64 scalar."""
    _check_shapes(shapes, component_types)
    types = [dtypes.int64, *component_types]
    all_shapes = [(), *shapes] if len(shapes) == len(component_types) else []

    def make_store() -> Any:
        return PriorityStore(types, all_shapes or None)

    return _queue_handle("PriorityQueue", container, shared_name, capacity, types, all_shapes, make_store)


_MAKER = {"shapes": at_least(0, default=())}
for _name, _kernel, _constraints in (
    ("FIFOQueue", fifo_queue, {"component_types": at_least(1), **_MAKER}),
    ("PaddingFIFOQueue", padding_fifo_queue, {"component_types": at_least(1), **_MAKER}),
    ("RandomShuffleQueue", random_shuffle_queue, {"component_types": at_least(1), **_MAKER}),
    ("PriorityQueue", priority_queue, {"component_types": at_least(0, default=()), "shapes": at_least(0)}),
):
    both_forms(_name, "-> handle: HANDLE", _kernel, makes=True, shape=lambda: (), **_constraints)


@op("FakeQueue", "resource: resource -> handle: Ref(string)", tier="host", stateful=True, differentiable=False)
def fake_queue(resource):
    """Gives the handle of a queue as a reference, for operations that want one."""
    return resource


@fake_queue.shape
def _fake_queue_shape(resource):
    return ()


def _queue(handle: Any) -> Queue:
    return resource_in(handle, Queue)  # type: ignore[no-any-return]


def queue_enqueue(handle, components, *, timeout_ms: int = -1):
    """Adds an element to a queue; waits while it is full."""
    _queue(handle).enqueue(components, timeout_ms)


def queue_enqueue_many(handle, components, *, timeout_ms: int = -1):
    """Adds the slices of tensors along their first dimension to a queue; waits while it is full."""
    _queue(handle).enqueue_many(components, timeout_ms)


def queue_dequeue(handle, *, component_types: list[DType], timeout_ms: int = -1):
    """Takes an element from a queue; waits while there is none."""
    queue = _queue(handle)
    _check_types(queue, component_types)
    return queue.dequeue(timeout_ms)


def queue_dequeue_many(handle, n, *, component_types: list[DType], timeout_ms: int = -1):
    """Takes ``n`` elements from a queue as a batch; waits until there are so many."""
    queue = _queue(handle)
    _check_types(queue, component_types)
    return queue.dequeue_many(n, False, timeout_ms)


def queue_dequeue_up_to(handle, n, *, component_types: list[DType], timeout_ms: int = -1):
    """Takes ``n`` elements from a queue as a batch, or what is left when it is closed."""
    queue = _queue(handle)
    _check_types(queue, component_types)
    return queue.dequeue_many(n, True, timeout_ms)


def _check_types(queue: Queue, component_types: list[DType]) -> None:
    if queue.component_types != list(component_types):
        have = ", ".join(dtype.name for dtype in component_types)
        expected = ", ".join(dtype.name for dtype in queue.component_types)
        raise InvalidArgumentError(
            None, None, f"Signature mismatch, have: resource->{have} expected: resource->{expected}"
        )


def queue_close(handle, *, cancel_pending_enqueues: bool = False):
    """Closes a queue."""
    _queue(handle).close(cancel_pending_enqueues)


def queue_size(handle):
    """Tells how many elements are in a queue."""
    return np.int32(_queue(handle).size())


def queue_is_closed(handle):
    """Tells whether a queue is closed."""
    return np.bool_(_queue(handle).closed)


_TYPES = {"component_types": at_least(1)}
both_forms("QueueEnqueue", "handle: HANDLE, components: list(Tcomponents) ->", queue_enqueue, shape=no_shapes)
both_forms("QueueEnqueueMany", "handle: HANDLE, components: list(Tcomponents) ->", queue_enqueue_many, shape=no_shapes)
_LIST = "components: list(component_types)"
both_forms("QueueDequeue", f"handle: HANDLE -> {_LIST}", queue_dequeue, shape=counted_shapes, **_TYPES)
both_forms(
    "QueueDequeueMany", f"handle: HANDLE, n: int32 -> {_LIST}", queue_dequeue_many, shape=counted_shapes, **_TYPES
)
both_forms(
    "QueueDequeueUpTo", f"handle: HANDLE, n: int32 -> {_LIST}", queue_dequeue_up_to, shape=counted_shapes, **_TYPES
)
both_forms("QueueClose", "handle: HANDLE ->", queue_close, shape=no_shapes)
both_forms("QueueSize", "handle: HANDLE -> size: int32", queue_size, shape=lambda handle: ())
both_forms("QueueIsClosed", "handle: HANDLE -> is_closed: bool", queue_is_closed, shape=lambda handle: ())


# Samples: each form makes a queue of its own and fills it first.


def _sampled(form: str) -> None:
    """Gives samples to the operations of one form."""

    def made(s: Any) -> Any:
        return s.produced(f"FIFOQueue{form}", component_types=["int32"], shapes=[(2,)], capacity=4)

    def filled(s: Any) -> tuple[Any, list[Any]]:
        queue = made(s)
        return queue, [s.of(f"QueueEnqueueMany{form}", queue, [np.arange(6, dtype=np.int32).reshape(3, 2)])]

    def enqueue(s: Any) -> Any:
        yield s(made(s), [np.array([1, 2], np.int32)])
        yield s(made(s), [np.array([1, 2, 3], np.int32)], error="InvalidArgumentError")
        yield s(made(s), [np.array([1, 2], np.float32)], error="InvalidArgumentError")

    def enqueue_many(s: Any) -> Any:
        yield s(made(s), [np.zeros((3, 2), np.int32)])
        yield s(made(s), [np.zeros((3, 1), np.int32)], error="InvalidArgumentError")

    def dequeue(s: Any) -> Any:
        queue, before = filled(s)
        yield s(queue, component_types=["int32"], before=before)
        closed, before = filled(s)
        yield s(closed, component_types=["float"], before=before, error="InvalidArgumentError")
        yield s(
            (empty := made(s)),
            component_types=["int32"],
            before=[s.of(f"QueueClose{form}", empty)],
            error="OutOfRangeError",
        )

    def dequeue_many(s: Any) -> Any:
        queue, before = filled(s)
        yield s(queue, np.int32(2), component_types=["int32"], before=before)
        yield s(made(s), np.int32(0), component_types=["int32"])
        yield s(made(s), np.int32(-1), component_types=["int32"], error="InvalidArgumentError")

    def close(s: Any) -> Any:
        yield s(made(s))
        yield s(made(s), cancel_pending_enqueues=True)

    def plain(s: Any) -> Any:
        queue, before = filled(s)
        yield s(queue, before=before)
        yield s(made(s))

    for name, rule in (
        ("QueueEnqueue", enqueue),
        ("QueueEnqueueMany", enqueue_many),
        ("QueueDequeue", dequeue),
        ("QueueDequeueMany", dequeue_many),
        ("QueueDequeueUpTo", dequeue_many),
        ("QueueClose", close),
        ("QueueSize", plain),
        ("QueueIsClosed", plain),
    ):
        OpDef.registry[f"{name}{form}"].samples(rule)


_sampled("")
_sampled("V2")


def _sampled_makers() -> None:
    """Gives samples to the operations that make queues."""

    def made(**more: Any) -> Callable[[Any], Any]:
        def rule(s: Any) -> Any:
            yield s(
                component_types=["int32", "float"],
                shapes=[(2,), ()],
                shared_name=f"sampled_{s.definition.name}",
                **more,
            )

        return rule

    for form in ("", "V2"):
        OpDef.registry[f"FIFOQueue{form}"].samples(made(capacity=3))
        OpDef.registry[f"PaddingFIFOQueue{form}"].samples(made(capacity=3))
        OpDef.registry[f"RandomShuffleQueue{form}"].samples(made(min_after_dequeue=2, seed=1))
        OpDef.registry[f"PriorityQueue{form}"].samples(made())


_sampled_makers()


@fake_queue.samples
def _fake_queue_samples(s):
    yield s(s.produced("FIFOQueueV2", component_types=["int32"], shared_name=f"sampled_{s.definition.name}"))
