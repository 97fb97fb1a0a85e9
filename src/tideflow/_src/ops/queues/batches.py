"""Batches of what several runs ask for at the same time, computed at once: a server's ``BatchFunction`` and its kin.

Each run brings a task, some rows. The first one of a batch leads it: it waits until the batch is full or its time is
over, computes for all, and the others get their rows. So no thread is needed beside those of the runs. A leader that is
interrupted while it waits leaves the batch to the next one.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any, Literal

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import (
    AlreadyExistsError,
    CancelledError,
    DeadlineExceededError,
    FailedPreconditionError,
    InternalError,
    OpError,
    UnavailableError,
    invalid_argument,
)
from tideflow._src.graph.op_def import Function, OpDef, at_least
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.queues.queue_resource import owned
from tideflow._src.ops.queues.shared import resource_handle
from tideflow._src.runtime import blocking
from tideflow._src.runtime.buffers import resources
from tideflow._src.runtime.checks import require_memory, scalar
from tideflow._src.runtime.op import op

Array = Any

_MICROSECONDS = 1e-6


class _Task:
    """Is what one run brings to a batch.

    Attributes:
      values: its rows, an array for each input.
      rows: how many.
      outcome: what it gets of the batch's results, once that is there.
    """

    def __init__(self, values: list[Array], rows: int) -> None:
        self.values = values
        self.rows = rows
        self.batch: _Batch
        self.outcome: Any = None


class _Batch:
    """Collects tasks.

    Attributes:
      function: what is to be called with them; tasks for another function go to another batch.
      moment: when it is computed though it is not full.
      is_closed: no other task is to come.
      is_running, is_done: whether the leader computes, and has computed.
      error: why that failed, or None.
    """

    def __init__(self, function: Any, moment: float) -> None:
        self.function = function
        self.tasks: list[_Task] = []
        self.rows = 0
        self.moment = moment
        self.is_closed = False
        self.is_running = False
        self.is_done = False
        self.error: BaseException | None = None


#: Computes for the tasks of a batch what each of them gets.
Compute = Callable[[list[_Task]], list[Any]]


class Batcher:
    """Brings tasks together.

    Args:
      threads: how many batches may be computed at the same time; as many as there are where it is not positive.
      most_rows: the size of a full batch.
      seconds: how long an incomplete one waits for more.
      most_batches: how many may wait; at least one can.
      splits: whether a task of more rows than fit is divided.
      most_rows_given: the greatest size of a task.
    """

    def __init__(
        self, threads: int, most_rows: int, seconds: float, most_batches: int, splits: bool, most_rows_given: int
    ) -> None:
        self._threads = threads
        self._most_rows = most_rows
        self._seconds = seconds
        self._most_batches = most_batches
        self._splits = splits
        self._most_rows_given = most_rows_given
        self._changed = threading.Condition()
        self._open: _Batch | None = None
        self._waiting = 0
        self._running = 0

    def run(self, values: list[Array], function: Any, compute: Compute, what: str) -> list[Any]:
        """Has a task of at least one row computed, with those of others; returns what each part of it gets.

        Raises:
          InvalidArgumentError: it has too many rows.
          UnavailableError: too many batches wait.
          CancelledError: the session was closed, or the run that computed was interrupted.
        """
        rows = len(values[0])
        if rows > self._most_rows_given:
            raise invalid_argument(f"Task size {rows} is larger than maximum input batch size {self._most_rows_given}")
        with self._changed:
            if self._open is not None and self._open.function is not function:
                self._close()
            tasks = self._joined(values, rows, function)
        try:
            for task in tasks:
                self._finish(task, compute, what)
        except BaseException:
            with self._changed:
                for task in tasks:
                    self._leave(task)
            raise
        return [task.outcome for task in tasks]

    def _room(self) -> int:
        batch = self._open
        return 0 if batch is None else self._most_rows - batch.rows

    def _joined(self, values: list[Array], rows: int, function: Any) -> list[_Task]:
        """Puts a task, or the parts of it, into batches, if there is room for all."""
        room = self._room()
        if room < rows and not self._splits:
            room = 0
        more = -(-max(rows - room, 0) // self._most_rows)
        limit = max(self._most_batches, 1)
        if more and self._waiting + more > limit:
            raise UnavailableError(
                None,
                None,
                "The batch scheduling queue to which this task was submitted is full; currently "
                f"{self._waiting} batches enqueued and max_enqueued_batches is {self._most_batches}",
            )
        cuts = [0, *range(room, rows, self._most_rows), rows] if room else [*range(0, rows, self._most_rows), rows]
        tasks = []
        for begin, end in itertools.pairwise(cuts):
            task = _Task([value[begin:end] for value in values], end - begin)
            batch = self._open
            if batch is None or batch.rows + task.rows > self._most_rows:
                self._close()
                batch = self._open = _Batch(function, monotonic() + self._seconds)
                self._waiting += 1
            task.batch = batch
            batch.tasks.append(task)
            batch.rows += task.rows
            if batch.rows == self._most_rows:
                self._close()
            tasks.append(task)
        return tasks

    def _close(self) -> None:
        if self._open is not None:
            self._open.is_closed = True
            self._open = None
            self._changed.notify_all()

    def _finish(self, task: _Task, compute: Compute, what: str) -> None:
        """Waits until a task is computed, or computes its batch."""
        batch = task.batch
        with self._changed:
            self._wait(batch, lambda: batch.is_done or (batch.tasks[0] is task and batch.is_closed), what, task)
            if not batch.is_done and not batch.is_running:
                resources().interrupts.wait(
                    self._changed, lambda: self._threads <= 0 or self._running < self._threads, what
                )
                batch.is_running = True
                self._waiting -= 1
                self._running += 1
        if batch.is_running and batch.tasks[0] is task:
            self._compute(batch, compute)
        if batch.error is not None:
            raise _told(batch.error, leads=batch.tasks[0] is task)

    def _wait(self, batch: _Batch, ready: Callable[[], bool], what: str, task: _Task) -> None:
        """Waits, with the lock held; who leads the batch closes it when its time is over."""
        interrupts = resources().interrupts
        limit = blocking.deadline()
        while not ready():
            leads = batch.tasks[0] is task
            moment = batch.moment if leads and (limit is None or batch.moment < limit) else limit
            try:
                with blocking.until(moment):
                    interrupts.wait(
                        self._changed, lambda leads=leads: ready() or (batch.tasks[0] is task) != leads, what
                    )
            except DeadlineExceededError:
                if moment is limit:
                    raise
                if batch is self._open:
                    self._close()

    def _leave(self, task: _Task) -> None:
        """Takes a task out of a batch that nobody computes yet."""
        batch = task.batch
        if batch.is_running and batch.tasks[0] is task:  # interrupted before it began to compute
            batch.error = CancelledError(None, None, _INTERRUPTED)
            self._end(batch)
        if batch.is_running or batch.is_done or task not in batch.tasks:
            return
        batch.tasks.remove(task)
        batch.rows -= task.rows
        if not batch.tasks:
            self._waiting -= 1
            if batch is self._open:
                self._open = None
        self._changed.notify_all()

    def _compute(self, batch: _Batch, compute: Compute) -> None:
        try:
            outcomes = compute(batch.tasks)
            for task, outcome in zip(batch.tasks, outcomes, strict=True):
                task.outcome = outcome
        except BaseException as error:  # who waits must be told, whatever it is; the leader raises it
            batch.error = error
        finally:
            with self._changed:
                self._end(batch)

    def _end(self, batch: _Batch) -> None:
        batch.is_done = True
        batch.is_running = False
        self._running -= 1
        self._changed.notify_all()


_INTERRUPTED = "The run that computed this batch was interrupted."


def _moved(batch: _Batch, task: _Task, led: bool) -> Callable[[], bool]:
    """Returns a function that tells whether a task has become its batch's first one, or is it no more."""
    return lambda: (batch.tasks[0] is task) != led


def _told(error: BaseException, *, leads: bool) -> BaseException:
    """Returns the error that a run raises whose batch failed: an interrupt is for the thread alone that got it."""
    if leads:
        return error
    if isinstance(error, OpError):
        return type(error)(None, None, error.message)  # type: ignore[call-arg]  # classes of codes know theirs
    if isinstance(error, Exception):
        return InternalError(None, None, f"{type(error).__name__}: {error}")
    return CancelledError(None, None, _INTERRUPTED)


def _batcher(
    container: str,
    name: str,
    queue: str,
    num_batch_threads: int,
    max_batch_size: int,
    batch_timeout_micros: int,
    max_enqueued_batches: int,
    allowed_batch_sizes: list[int],
    splits: bool,
) -> Batcher:
    """Returns the batcher of a name; checks what it is made of."""
    if any(second <= first for first, second in itertools.pairwise(allowed_batch_sizes)):
        raise invalid_argument("allowed_batch_sizes entries must be monotonically increasing")
    if allowed_batch_sizes and not splits and allowed_batch_sizes[-1] != max_batch_size:
        raise invalid_argument("final entry in allowed_batch_sizes must equal max_batch_size")
    most = allowed_batch_sizes[-1] if splits and allowed_batch_sizes else max_batch_size
    if max_batch_size <= 0 or most <= 0:
        raise invalid_argument(f"input_batch_size_limit must be positive; was {max_batch_size}")
    if splits and max_batch_size < most:
        raise invalid_argument(
            f"input_batch_size_limit must be greater than or equal to max_execution_batch_size; were {max_batch_size} "
            f"and {most}"
        )
    if batch_timeout_micros < 0:
        raise invalid_argument(f"batch_timeout_micros must be non-negative; was {batch_timeout_micros}")
    if max_enqueued_batches < 0:
        raise invalid_argument(f"max_enqueued_batches must be non-negative; was {max_enqueued_batches}")
    seconds = batch_timeout_micros * _MICROSECONDS

    def create() -> Batcher:
        return Batcher(num_batch_threads, most, seconds, max_enqueued_batches, splits, max_batch_size)

    held = resource_handle(container, f"{name}/{queue}", Batcher, create).resource
    assert isinstance(held, Batcher)
    return held


def _check_rows(values: list[Array]) -> None:
    """Checks that arrays have rows, and equally many."""
    sizes = {value.shape[:1] for value in values}
    if () in sizes:
        problem = "Batching input tensors must have at least one dimension."
    elif len(sizes) > 1:
        problem = "Batching input tensors supplied in a given op invocation must have equal 0th-dimension size."
    else:
        return
    shapes = "".join(f"\n - input {number} has shape {shape_text(value.shape)}" for number, value in enumerate(values))
    raise invalid_argument(f"{problem}\nBelow are the input tensors: {shapes}")


def _stacked(tasks: list[_Task], padding: int = 0) -> list[Array]:
    """Joins the rows of tasks; as padding the first row is repeated."""
    joined = []
    for number in range(len(tasks[0].values)):
        parts = [task.values[number] for task in tasks]
        if padding:
            require_memory((padding, *parts[0].shape[1:]), parts[0].itemsize)
            parts.append(np.repeat(parts[0][:1], padding, axis=0))
        shapes = {part.shape[1:] for part in parts}
        if len(shapes) > 1:
            texts = " and ".join(sorted(shape_text(part.shape) for part in parts))
            raise invalid_argument(f"Input {number}: the rows of a batch must have one shape, got {texts}")
        joined.append(parts[0] if len(parts) == 1 else np.concatenate(parts))
    return joined


def _padding(rows: int, sizes: list[int]) -> int:
    """Returns how many rows are missing to the next size that is allowed."""
    return next((size - rows for size in sizes if size >= rows), 0)


def _ends(tasks: list[_Task]) -> list[tuple[int, int]]:
    ends = list(itertools.accumulate((task.rows for task in tasks), initial=0))
    return list(itertools.pairwise(ends))


# BatchFunction.


@op(
    "BatchFunction",
    "in_tensors: list(Tin), captured_tensors: list(Tcaptured) -> out_tensors: list(Tout)",
    tier="host",
    declared_pure=True,
    differentiable="missing",
    Tin=at_least(1),
    Tcaptured=at_least(0),
    Tout=at_least(1),
)
def batch_function_op(
    in_tensors,
    captured_tensors,
    *,
    f: Function,
    num_batch_threads: int,
    max_batch_size: int,
    batch_timeout_micros: int,
    max_enqueued_batches: int = 10,
    allowed_batch_sizes: list[int] = [],  # noqa: B006
    container: str = "",
    shared_name: str = "",
    batching_queue: str = "",
    low_priority_max_batch_size: int = 0,
    low_priority_batch_timeout_micros: int = 0,
    low_priority_allowed_batch_sizes: list[int] = [],  # noqa: B006
    low_priority_max_enqueued_batches: int = 0,
    mixed_priority_policy: Literal[
        "low_priority_padding_with_max_batch_size",
        "low_priority_padding_with_next_allowed_batch_size",
        "priority_isolation",
        "priority_merge",
    ] = "low_priority_padding_with_max_batch_size",
    batch_padding_policy: Literal["PAD_UP", "BATCH_DOWN", "MINIMIZE_TPU_COST_PER_REQUEST"] = "PAD_UP",
    enable_large_batch_splitting: bool = False,
    Tout: list[DType],
):
    """Calls a function on the rows that several runs bring at the same time; each gets those of its own.

    No run is of low priority here, so that what would hold for such ones says nothing.
    """
    sizes = list(allowed_batch_sizes)
    batcher = _batcher(
        container,
        shared_name or "BatchFunction",
        batching_queue,
        num_batch_threads,
        max_batch_size,
        batch_timeout_micros,
        max_enqueued_batches,
        sizes,
        enable_large_batch_splitting,
    )
    f.check_types([*in_tensors, *captured_tensors])
    _check_rows(in_tensors)
    if len(f.outputs) != len(Tout):
        raise InternalError(None, None, "Wrong number of batched output tensors")
    for output, dtype in zip(f.outputs, Tout, strict=True):
        if output.dtype.base_dtype is not dtype:
            raise invalid_argument(f"Type mismatch: actual {output.dtype.name} vs. expect {dtype.name}")
    if not len(in_tensors[0]):
        return [np.zeros(0, dtype.as_numpy_dtype) for dtype in Tout]

    def compute(tasks: list[_Task]) -> list[Any]:
        rows = sum(task.rows for task in tasks)
        padding = _padding(rows, sizes)
        results = [np.asarray(item) for item in f.run([*_stacked(tasks, padding), *captured_tensors])]
        for result in results:
            if not result.ndim:
                raise FailedPreconditionError(None, None, "Batched output tensor has 0 dimensions")
            if len(result) != rows + padding:
                raise FailedPreconditionError(
                    None,
                    None,
                    "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the "
                    f"input tensors. 0th dimension size: {len(result)}; batch size: {rows}; padding size: {padding}",
                )
        if len(tasks) == 1 and not padding:
            return [results]
        return [[owned(result[begin:end]) for result in results] for begin, end in _ends(tasks)]

    parts = batcher.run([owned(value) for value in in_tensors], f, compute, "BatchFunction")
    return parts[0] if len(parts) == 1 else [np.concatenate(items) for items in zip(*parts, strict=True)]


@batch_function_op.shape
def _batch_function_shape(in_tensors, captured_tensors, *, Tout):
    return [None] * len(Tout)


@batch_function_op.samples
def _batch_function_samples(s):
    def call(name: str, *inputs: Any) -> Any:
        operation: Any = OpDef.registry[name]
        return operation(*inputs)

    rows, row = ("float", (None, 2)), ("float", (2,))
    scaled = s.body("scaled", lambda x, y: [call("Mul", x, y), call("Sum", x, 1)], rows, row)
    total = s.body("total", lambda x: [call("Sum", x, 0)], ("float", (None, 3)))
    whole = s.body("whole", lambda x: [call("Sum", x, [0, 1])], ("float", (None, 3)))
    x, y = s.normal(3, 2), s.normal(2)
    common: dict[str, Any] = {"num_batch_threads": 1, "batch_timeout_micros": 0, "max_batch_size": 8}
    names = (f"sampled_batch_{number}" for number in itertools.count())
    types = ["float", "float"]
    # A full batch first: it waits for nobody, whatever is spoiled in it.
    yield s([x], [y], f=scaled, Tout=types, shared_name=next(names), **{**common, "max_batch_size": 3})
    yield s([x], [y], f=scaled, Tout=types, shared_name=next(names), **common)
    yield s([x], [y], f=scaled, Tout=types, shared_name=next(names), allowed_batch_sizes=[2, 4, 8], **common)
    yield s([s.empty(0, 2)], [y], f=scaled, Tout=types, shared_name=next(names), **common)
    small = {**common, "max_batch_size": 2}
    more = {**common, "enable_large_batch_splitting": True, "allowed_batch_sizes": [1, 2]}
    yield s([s.normal(7, 2)], [y], f=scaled, Tout=types, shared_name=next(names), **more)
    wrong = {"error": "InvalidArgumentError", "f": scaled, "Tout": types}
    yield s([x], [y], shared_name=next(names), **wrong, **small)
    yield s([x], [y], shared_name=next(names), allowed_batch_sizes=[8, 4], **wrong, **common)
    yield s([x], [y], shared_name=next(names), allowed_batch_sizes=[2, 4], **wrong, **common)
    yield s([x], [y], shared_name=next(names), **wrong, **{**common, "max_batch_size": 0})
    yield s([x], [y], shared_name=next(names), **wrong, **{**common, "batch_timeout_micros": -1})
    yield s([x, x], [y], shared_name=next(names), **wrong, **common)
    yield s([np.float32(1)], [y], shared_name=next(names), **wrong, **common)
    yield s([x, y], [], shared_name=next(names), **wrong, **common)
    yield s([s.array((3, 2), "int32")], [y], shared_name=next(names), **wrong, **common)
    failed = {"error": "FailedPreconditionError", "Tout": ["float"]}
    yield s([s.normal(2, 3)], [], f=total, shared_name=next(names), **failed, **common)
    yield s([s.normal(2, 3)], [], f=whole, shared_name=next(names), **failed, **common)


# Batch: a batch comes out of the operation, in one of the runs; Unbatch gives each run its rows.

_BATCH: dict[str, Any] = {"tier": "host", "declared_pure": True}
_KEYS = itertools.count(1)


@op(
    "Batch",
    "in_tensors: list(T) -> batched_tensors: list(T), batch_index: int64, id: int64",
    T=at_least(1),
    **_BATCH,
)
def batch_op(
    in_tensors,
    *,
    num_batch_threads: int,
    max_batch_size: int,
    max_enqueued_batches: int = 10,
    batch_timeout_micros: int,
    allowed_batch_sizes: list[int] = [],  # noqa: B006
    grad_timeout_micros: int,
    container: str = "",
    shared_name: str = "",
    batching_queue: str = "",
):
    """Joins the rows that several runs bring at the same time; the first run gets them all, the others get none."""
    batcher = _batcher(
        container,
        shared_name or "Batch",
        batching_queue,
        num_batch_threads,
        max_batch_size,
        batch_timeout_micros,
        max_enqueued_batches,
        list(allowed_batch_sizes),
        False,
    )
    _check_rows(in_tensors)
    nothing = np.zeros((0, 3), np.int64)
    if not len(in_tensors[0]):
        return [value.copy() for value in in_tensors], nothing, np.int64(next(_KEYS))

    def compute(tasks: list[_Task]) -> list[Any]:
        keys = [next(_KEYS) for _ in tasks]
        index = np.array([(key, *ends) for key, ends in zip(keys, _ends(tasks), strict=True)], np.int64)
        padding = _padding(sum(task.rows for task in tasks), list(allowed_batch_sizes))
        first = (_stacked(tasks, padding), index, np.int64(keys[0]))
        rest = [
            ([value[:0].copy() for value in task.values], nothing, np.int64(key))
            for task, key in zip(tasks[1:], keys[1:], strict=True)
        ]
        return [first, *rest]

    return batcher.run([owned(value) for value in in_tensors], None, compute, "Batch")[0]


@batch_op.shape
def _batch_shape(in_tensors):
    for shape in in_tensors:
        if shape == ():
            raise ValueError("Shape must be at least rank 1 but is rank 0")
    return [None if shape is None else (None, *shape[1:]) for shape in in_tensors], (None, 3), ()


@batch_op.gradient
def _batch_gradient(call, *gradients):
    *batched, index, key = call.outputs
    del batched
    name = call.outputs[0]._op.name if hasattr(call.outputs[0], "_op") else "eager"
    timeout = call.attr("grad_timeout_micros")
    return [
        raw.Unbatch(gradient, index, key, timeout_micros=timeout, shared_name=f"batch_gradient_{name}_{number}")
        for number, gradient in enumerate(gradients[:-2])
    ]


@batch_op.samples
def _batch_samples(s):
    common: dict[str, Any] = {
        "num_batch_threads": 1,
        "batch_timeout_micros": 0,
        "grad_timeout_micros": 10_000_000,
        "max_batch_size": 4,
    }
    names = (f"sampled_rows_{number}" for number in itertools.count())
    full = {**common, "max_batch_size": 3}  # waits for nobody, whatever is spoiled in it
    mixed = [s.normal(3, 2), s.array((3,), "int32"), s.strings((3, 1))]
    yield s(mixed, shared_name=next(names), gradient=False, **full)
    yield s(mixed, shared_name=next(names), gradient=False, **common)
    yield s([s.normal(1)], shared_name=next(names), allowed_batch_sizes=[2, 4], gradient=False, **common)
    wrong = "InvalidArgumentError"
    yield s([s.normal(5)], shared_name=next(names), error=wrong, **common)
    yield s([s.normal(2)], shared_name=next(names), allowed_batch_sizes=[1, 2], error=wrong, **common)
    yield s([s.normal(2), s.normal(3)], shared_name=next(names), error=wrong, **common)
    yield s([s.normal()], shared_name=next(names), error=wrong, **common)


class _Meeting:
    """Is where the runs of one batch meet, each with a key."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        #: What is there for a run, and what runs wait.
        self.values: dict[int, Any] = {}
        self.waiting: set[int] = set()
        self._moments: dict[int, float] = {}

    def put(self, pieces: dict[int, Any], seconds: float) -> None:
        """Lays down, with the lock held, values by key; those that nobody takes in time go away."""
        now = monotonic()
        for key in [key for key, moment in self._moments.items() if moment < now]:
            del self._moments[key]
            self.values.pop(key, None)
        if any(key in self.values for key in pieces):
            raise AlreadyExistsError(None, None, "Multiple tensors returned for same batch key.")
        self.values.update(pieces)
        self._moments.update(dict.fromkeys(pieces, now + seconds))
        self.changed.notify_all()

    def take(self, key: int, seconds: float, what: str) -> Any:
        """Waits, with the lock held, for the value of a key, and takes it out.

        Raises:
          DeadlineExceededError: it did not come in time.
        """
        limit = blocking.deadline()
        own = monotonic() + seconds
        moment = own if limit is None else min(limit, own)
        self.waiting.add(key)
        try:
            with blocking.until(moment):
                resources().interrupts.wait(self.changed, lambda: key in self.values, what)
        except DeadlineExceededError:
            if moment is limit:
                raise
            raise DeadlineExceededError(None, None, "Batched data did not arrive within timeout window.") from None
        finally:
            self.waiting.discard(key)
        self._moments.pop(key, None)
        return self.values.pop(key)


class _Pieces(_Meeting):
    """Is the meeting of ``Unbatch``."""


class _Gradients(_Meeting):
    """Is the meeting of ``UnbatchGrad``."""


def _index_rows(batch_index: Array) -> list[list[int]]:
    if batch_index.ndim != 2 or batch_index.shape[1] != 3:
        raise invalid_argument(
            "Wrong shape for index tensor. Expected 1st dimension size to be 3 ; Got: "
            f"{batch_index.shape[1] if batch_index.ndim == 2 else shape_text(batch_index.shape)}."
        )
    return batch_index.tolist()  # type: ignore[no-any-return]


@op("Unbatch", "batched_tensor: T, batch_index: int64, id: int64 -> unbatched_tensor: T", **_BATCH)
def unbatch_op(batched_tensor, batch_index, id, *, timeout_micros: int, container: str = "", shared_name: str = ""):
    """Gives each run the rows that came of those that it brought; waits for the run that has them."""
    key = int(scalar(id, "Input id"))
    rows = _index_rows(batch_index)
    if not batched_tensor.ndim:
        raise invalid_argument("The batched tensor must have at least one dimension, but is a scalar.")
    if len(rows) > len(batched_tensor):
        raise invalid_argument(
            "Wrong shape for index tensor. Expected 0th dimension size to be no greater than "
            f"{len(batched_tensor)}; Got: {len(rows)}."
        )
    sizes = [end - begin for _, begin, end in rows]
    if min(sizes, default=0) < 0:
        raise invalid_argument(f"The index tensor has a piece that ends before it begins: {rows}")
    if sum(sizes) > len(batched_tensor):
        raise invalid_argument("Sum of split sizes must not exceed dim0-size of input tensor")
    ends = itertools.pairwise(itertools.accumulate(sizes, initial=0))
    pieces: dict[int, Any] = {}
    for (piece_key, *_), (begin, end) in zip(rows, ends, strict=True):
        if piece_key in pieces and piece_key != key:
            raise AlreadyExistsError(None, None, "Multiple tensors returned for same batch key.")
        pieces.setdefault(piece_key, owned(batched_tensor[begin:end]))
    meeting = resource_handle(container, shared_name or "Unbatch", _Pieces, _Pieces).resource
    with meeting.changed:
        if key in meeting.waiting:
            raise AlreadyExistsError(None, None, "Multiple session runs with the same batch key.")
        seconds = timeout_micros * _MICROSECONDS
        meeting.put(pieces, seconds)
        return meeting.take(key, seconds, "Unbatch")


@unbatch_op.shape
def _unbatch_shape(batched_tensor, batch_index, id):
    if batched_tensor == ():
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    return None if batched_tensor is None else (None, *batched_tensor[1:])


@unbatch_op.gradient
def _unbatch_gradient(call, gradient):
    batched, index, key = call.inputs
    names = [item._op.name if hasattr(item, "_op") else "eager" for item in (call.outputs[0], batched)]
    return (
        unbatch_grad_op(batched, index, gradient, key, shared_name="_".join(["unbatch_gradient", *names])),
        None,
        None,
    )


@unbatch_op.samples
def _unbatch_samples(s):
    def index(*rows: Any) -> Any:
        return np.int64(rows).reshape(-1, 3)

    names = (f"sampled_pieces_{number}" for number in itertools.count())
    common: dict[str, Any] = {"timeout_micros": 50_000}
    yield s(s.normal(3, 2), index((7, 0, 3)), np.int64(7), shared_name=next(names), gradient=False, **common)
    yield s(s.strings((3,)), index((7, 0, 2)), np.int64(7), shared_name=next(names), gradient=False, **common)
    wrong = {"error": "InvalidArgumentError", **common}
    yield s(s.normal(3, 2), index((7, 0, 5)), np.int64(7), shared_name=next(names), **wrong)
    yield s(s.normal(1), index((7, 0, 1), (8, 1, 1)), np.int64(7), shared_name=next(names), **wrong)
    yield s(s.normal(3), np.int64([[7, 0]]), np.int64(7), shared_name=next(names), **wrong)
    yield s(s.normal(3), index((7, 0, 3)), np.int64([7]), shared_name=next(names), **wrong)
    short = {"timeout_micros": 1000, "error": "DeadlineExceededError"}
    yield s(s.normal(3), index((7, 0, 3)), np.int64(9), shared_name=next(names), **short)
    twice = index((7, 0, 1), (8, 1, 2), (8, 2, 3))
    yield s(s.normal(3), twice, np.int64(7), shared_name=next(names), error="AlreadyExistsError", **common)


@op(
    "UnbatchGrad",
    "original_input: T, batch_index: int64, grad: T, id: int64 -> batched_grad: T",
    differentiable="missing",
    **_BATCH,
)
def unbatch_grad_op(original_input, batch_index, grad, id, *, container: str = "", shared_name: str = ""):
    """Joins the gradients that the runs of a batch bring; the run that has the batch waits for those of the others."""
    if np.ndim(id):
        raise invalid_argument(f"Expected `id` to be scalar. Received shape {shape_text(np.shape(id))}")
    key = int(id)
    if not grad.ndim:
        raise invalid_argument("The gradient must have at least one dimension, but is a scalar.")
    rows: list[list[int]] = []
    if original_input.size:
        if not batch_index.size:
            raise invalid_argument("batch_index is empty while the tensor isn't.")
        if batch_index.ndim != 2 or batch_index.shape[1] != 3:
            raise invalid_argument(
                f"batch_index should contain {len(batch_index) * 3 if batch_index.ndim else 3} elements. "
                f"Received {batch_index.size}"
            )
        rows = batch_index.tolist()
        keys = [row[0] for row in rows]
        if len(set(keys)) != len(keys):
            raise InternalError(None, None, "bad bookkeeping of available tensors.")
    meeting = resource_handle(container, shared_name or "UnbatchGrad", _Gradients, _Gradients).resource
    with meeting.changed:
        if key in meeting.values:
            raise invalid_argument("Two runs with the same batch key.")
        meeting.values[key] = owned(grad)
        meeting.changed.notify_all()
        if not rows:
            return np.zeros((0, *grad.shape[1:]), grad.dtype)
        wanted = {row[0] for row in rows}
        if wanted & meeting.waiting:
            raise invalid_argument("Missing tensor wanted by more than one batch.")
        meeting.waiting |= wanted
        try:
            resources().interrupts.wait(meeting.changed, lambda: wanted <= meeting.values.keys(), "UnbatchGrad")
        finally:
            meeting.waiting -= wanted
        parts = [meeting.values.pop(row[0]) for row in rows]
    if len({part.shape[1:] for part in parts}) > 1:
        raise invalid_argument(
            f"The gradients of a batch must have rows of one shape, got {[list(part.shape) for part in parts]}"
        )
    return np.concatenate(parts)


@unbatch_grad_op.shape
def _unbatch_grad_shape(original_input, batch_index, grad, id):
    if grad == ():
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    return None if grad is None else (None, *grad[1:])


@unbatch_grad_op.samples
def _unbatch_grad_samples(s):
    names = (f"sampled_gradients_{number}" for number in itertools.count())
    x, index, key = s.normal(3, 2), np.int64([[7, 0, 3]]), np.int64(7)
    for count in (1, 0):
        name = next(names)
        nothing = s.empty(0, 2), np.zeros((0, 3), np.int64)
        other = s.of("UnbatchGrad", *nothing, s.normal(count, 2), np.int64(8), shared_name=name)
        both = np.int64([[8, 0, count], [7, count, 3]])
        yield s(x, both, s.normal(3 - count, 2), key, shared_name=name, before=[other])
    wrong = "InvalidArgumentError"
    yield s(x, np.zeros((0, 3), np.int64), s.normal(3, 2), key, shared_name=next(names), error=wrong)
    yield s(x, np.int64([[7, 0]]), s.normal(3, 2), key, shared_name=next(names), error=wrong)
    yield s(x, index, s.normal(3, 2), np.int64([7]), shared_name=next(names), error=wrong)
    twice = np.int64([[7, 0, 1], [7, 1, 3]])
    yield s(x, twice, s.normal(3, 2), key, shared_name=next(names), error="InternalError")
