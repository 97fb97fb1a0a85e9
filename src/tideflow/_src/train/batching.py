"""Batches from tensors that give one example at a time: ``batch``, ``shuffle_batch`` and their kin.

Each puts a queue behind the tensors, which a queue runner's threads fill, and takes batches from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.function.conditional import cond
from tideflow._src.graph.static_value import get_static_value
from tideflow._src.ops.array.identity import no_op
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.arithmetic import maximum
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.queues.queue_classes import FIFOQueue, PaddingFIFOQueue, QueueBase, RandomShuffleQueue
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.sparse_tensor import SparseTensor
from tideflow._src.train.input_producers import add_scalar_summary, fullness
from tideflow._src.train.queue_runner import QueueRunner, add_queue_runner


class _Form:
    """Is the form in which the tensors were given: one, a list, or a dictionary; batches come in the same."""

    def __init__(self, tensors: Any) -> None:
        self.keys: list[Any] | None = None
        if isinstance(tensors, dict):
            self.keys = sorted(tensors)
        self._many = isinstance(tensors, dict | list | tuple)

    def flat(self, tensors: Any) -> list[Any]:
        """Returns the tensors as a list."""
        if self.keys is not None:
            return [tensors[key] for key in self.keys]
        return list(tensors)

    def restored(self, tensors: Sequence[Any]) -> Any:
        """Returns tensors in the form."""
        if self.keys is not None:
            return dict(zip(self.keys, tensors, strict=True))
        return tensors[0] if len(tensors) == 1 else list(tensors)


def _converted(tensors: Sequence[Any]) -> list[Any]:
    return [tensor if isinstance(tensor, SparseTensor) else convert_to_tensor(tensor) for tensor in tensors]


def _keep(keep_input: Any, enqueue_many: bool) -> Any:
    """Returns what says which examples are kept: a boolean tensor, scalar or a vector."""
    keep = convert_to_tensor(keep_input, dtypes.bool)
    rank = keep.shape.rank
    if rank is None:
        raise ValueError("`keep_input` dimensions must be known at graph construction.")
    if not enqueue_many and rank == 1:
        raise ValueError("`keep_input` cannot be a vector when `enqueue_many=False`.")
    if rank > 1:
        raise ValueError(f"`keep_input` must be 0 or 1 dimensions, but has {rank}.")
    return keep


class _SparseMaps:
    """Stores sparse tensors beside the queue, which then holds their handles."""

    def __init__(self, tensor_lists: Sequence[Sequence[Any]], enqueue_many: bool, keep: Any) -> None:
        #: The operation that stores the sparse tensors of a component; None for dense components.
        self._stores: list[Any] = [None] * len(tensor_lists[0])
        self._ranks: list[Any] = [None] * len(tensor_lists[0])
        self._enqueue_many = enqueue_many
        self.lists = [
            [self._stored(index, tensor, keep) for index, tensor in enumerate(tensors)] for tensors in tensor_lists
        ]
        self.filtered = keep.shape.rank == 1

    def _stored(self, index: int, tensor: Any, keep: Any) -> Any:
        if not isinstance(tensor, SparseTensor):
            if self._stores[index] is not None:
                raise TypeError(f"Component {index} is sparse in one of the sets of tensors and dense in another.")
            return tensor
        first = self._stores[index]
        shared = first.name if first is not None else ""
        if self._enqueue_many:
            if keep.shape.rank == 1:
                tensor = _rows(tensor, keep)
            handle = raw.AddManySparseToTensorsMap(
                tensor.indices, tensor.values, tensor.dense_shape, shared_name=shared
            )
        else:
            handle = raw.AddSparseToTensorsMap(tensor.indices, tensor.values, tensor.dense_shape, shared_name=shared)
        if first is None:
            self._stores[index] = handle.op
            rank = tensor.dense_shape.shape[0] if tensor.dense_shape.shape.rank else None
            self._ranks[index] = None if rank is None else rank + (0 if self._enqueue_many else 1)
        return handle if self._enqueue_many else raw.ExpandDims(handle, 0)

    def is_sparse(self, index: int) -> bool:
        """Tells whether a component is sparse."""
        return self._stores[index] is not None

    def restored(self, batches: Any) -> list[Any]:
        """Returns what came out of the queue, handles turned into the sparse tensors they stand for."""
        batches = batches if isinstance(batches, list) else [batches]
        return [self._restored(index, batch) for index, batch in enumerate(batches)]

    def _restored(self, index: int, batch: Any) -> Any:
        store = self._stores[index]
        if store is None:
            return batch
        handles = batch if self._enqueue_many else raw.Squeeze(batch, axis=[1])
        parts = raw.TakeManySparseFromTensorsMap(
            handles, dtype=store.inputs[1].dtype, shared_name=store.name, name="TakeManySparseFromTensorsMap"
        )
        if self._ranks[index] is not None:
            parts[0].set_shape([None, self._ranks[index]])
            parts[2].set_shape([self._ranks[index]])
        return SparseTensor(*parts)


def _rows(tensor: SparseTensor, keep: Any) -> SparseTensor:
    """Returns the rows of a sparse tensor that are kept, numbered anew."""
    rows = tensor.indices[:, 0]
    kept = raw.GatherV2(keep, rows, 0)
    places = raw.Where(kept)[:, 0]
    numbers = raw.Cumsum(cast(keep, dtypes.int64), 0, exclusive=True)
    indices = raw.GatherV2(tensor.indices, places, 0)
    first = raw.ExpandDims(raw.GatherV2(numbers, indices[:, 0], 0), 1)
    count = raw.Sum(cast(keep, dtypes.int64), [0])
    return SparseTensor(
        raw.ConcatV2([first, indices[:, 1:]], 1),
        raw.GatherV2(tensor.values, places, 0),
        raw.ConcatV2([raw.ExpandDims(count, 0), tensor.dense_shape[1:]], 0),
    )


def _types(tensor_lists: Sequence[Sequence[Any]]) -> list[Any]:
    """Returns the dtypes of the components.

    Raises:
      TypeError: they differ between the sets of tensors.
    """
    for each in zip(*tensor_lists, strict=False):
        for tensor in each[1:]:
            if tensor.dtype.base_dtype != each[0].dtype.base_dtype:
                names = " vs. ".join(item.dtype.base_dtype.name for item in each)
                raise TypeError(f"Expected types to be consistent: {names}.")
    return [tensor.dtype.base_dtype for tensor in tensor_lists[0]]


def _shapes(tensor_lists: Sequence[Sequence[Any]], shapes: Any, enqueue_many: bool) -> list[Any]:
    """Returns the shapes of an example's components.

    Raises:
      ValueError: a rank is not known, or shapes differ between the sets of tensors.
    """
    if shapes is not None:
        return list(shapes)
    result = []
    for each in zip(*tensor_lists, strict=False):
        for tensor in each:
            if tensor.shape.rank is None:
                raise ValueError(f"Cannot infer Tensor's rank: {tensor}")
        inner = [tensor.shape.with_rank_at_least(1)[1:] if enqueue_many else tensor.shape for tensor in each]
        for shape in inner[1:]:
            inner[0].merge_with(shape)
        result.append(TensorShape(inner[0]))
    return result


def _enqueue(queue: QueueBase, tensors: Sequence[Any], enqueue_many: bool, keep: Any, maps: _SparseMaps) -> Any:
    """Returns the operation that adds examples to the queue, as far as they are kept."""
    add: Callable[[Any], Any] = queue.enqueue_many if enqueue_many else queue.enqueue
    if keep.shape.rank == 1:
        choice = cast(keep, dtypes.int32)
        chosen = [
            tensor if maps.is_sparse(index) else raw.DynamicPartition(tensor, choice, num_partitions=2)[1]
            for index, tensor in enumerate(tensors)
        ]
        return add(chosen)
    known = get_static_value(keep)
    if known is not None:
        return add(tensors) if bool(np.all(known)) else no_op()
    return cond(keep, lambda: add(tensors), no_op).op


def _taken(queue: QueueBase, batch_size: Any, smaller_final: bool, maps: _SparseMaps, form: _Form, scope: str) -> Any:
    """Returns the batches that come out of the queue."""
    take = queue.dequeue_up_to if smaller_final else queue.dequeue_many
    return form.restored(maps.restored(take(batch_size, name=scope)))


def _summarize(queue: QueueBase, capacity: int, least: int | None = None) -> None:
    """Adds the summary of how full the queue is, above what always stays in it."""
    if least is None:
        add_scalar_summary(f"fraction_of_{capacity}_full", fullness(queue, capacity))
        return
    room = capacity - least
    above = cast(maximum(0, queue.size() - least), dtypes.float32)
    add_scalar_summary(f"fraction_over_{least}_of_{room}_full", above * (1.0 / room))


def _batches(
    default_name: str,
    sets: Sequence[Any],
    keep_input: Any,
    batch_size: Any,
    capacity: int,
    enqueue_many: bool,
    shapes: Any,
    smaller_final: bool,
    shared_name: str | None,
    name: str | None,
    *,
    threads: int = 1,
    dynamic_pad: bool = False,
    least: int | None = None,
    seed: int | None = None,
) -> Any:
    """Puts a queue behind sets of tensors and returns the batches that come out of it.

    Args:
      default_name: the name of the operations where ``name`` is None.
      sets: the sets of tensors; threads fill the queue from each.
      keep_input, batch_size, capacity, enqueue_many, shapes, shared_name, name, dynamic_pad: as for ``maybe_batch``.
      smaller_final: whether the last batch may be smaller.
      threads: how many threads there are for each set.
      least: how many examples stay in the queue, whose order is then random; None for the order of arrival.
      seed: makes the random order repeatable.
    """
    if context.executing_eagerly():
        raise ValueError(
            "Input pipelines based on Queues are not supported when eager execution is enabled. "
            "Please use tf.data to ingest data into your model instead."
        )
    if least is not None and capacity <= least:
        raise ValueError(f"capacity {capacity} must be bigger than min_after_dequeue {least}.")
    form = _Form(sets[0])
    flat = [form.flat(tensors) for tensors in sets]
    if not flat[0]:
        raise ValueError("Expected at least one tensor in batch().")
    with name_scope(name, default_name, [*flat[0], keep_input]) as scope:
        lists = [_converted(tensors) for tensors in flat]
        keep = _keep(keep_input, enqueue_many)
        maps = _SparseMaps(lists, enqueue_many, keep)
        types = _types(maps.lists)
        of_queue: dict[str, Any] = {
            "capacity": capacity,
            "dtypes": types,
            "shapes": _shapes(maps.lists, shapes, enqueue_many),
            "shared_name": shared_name,
        }
        queue: QueueBase
        if least is not None:
            queue = RandomShuffleQueue(min_after_dequeue=least, seed=seed, **of_queue)
        else:
            queue = (PaddingFIFOQueue if dynamic_pad else FIFOQueue)(**of_queue)
        operations = [_enqueue(queue, tensors, enqueue_many, keep, maps) for tensors in maps.lists]
        add_queue_runner(QueueRunner(queue, operations * threads))
        _summarize(queue, capacity, least)
        return _taken(queue, batch_size, smaller_final, maps, form, scope)


def _joined(tensors_list: Any) -> list[Any]:
    """Returns the sets of tensors of a ``_join`` function.

    Raises:
      ValueError: there is none, or dictionaries among them have different keys.
    """
    sets = list(tensors_list)
    if not sets:
        raise ValueError("Expected at least one set of tensors")
    if isinstance(sets[0], dict):
        if not all(isinstance(tensors, dict) and set(tensors) == set(sets[0]) for tensors in sets):
            raise ValueError("All dictionaries in tensors_list must have the same keys")
    elif any(len(tensors) < len(sets[0]) for tensors in sets):
        raise ValueError(f"Every set must hold {len(sets[0])} tensors, got {[len(tensors) for tensors in sets]}.")
    else:
        sets = [list(tensors)[: len(sets[0])] for tensors in sets]
    return sets


def batch(
    tensors: Any,
    batch_size: Any,
    num_threads: int = 1,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Returns batches of the examples that tensors give one at a time.

    Args:
      tensors: a list or dictionary of tensors.
      batch_size: how many examples a batch has.
      num_threads: how many threads fill the queue.
      capacity: how many examples the queue holds.
      enqueue_many: whether each tensor gives many examples at a time, along its first dimension.
      shapes: the shapes of an example's components; as far as they are known, if None.
      dynamic_pad: whether sizes may vary; examples are filled up to the largest of the batch.
      allow_smaller_final_batch: whether the last batch may be smaller; else its examples are dropped.
      shared_name: queues of one shared name are the same queue, within a session.
      name: the name of the operations.

    Returns:
      Batches in the form of ``tensors``, with a dimension in front.

    Raises:
      ValueError: the shapes are not known, or called eagerly.
      OutOfRangeError: at run time, there are no more examples.
    """
    return _batches(
        "batch", [tensors], True, batch_size, capacity, enqueue_many, shapes,
        allow_smaller_final_batch, shared_name, name, threads=num_threads, dynamic_pad=dynamic_pad,
    )  # fmt: skip


def maybe_batch(
    tensors: Any,
    keep_input: Any,
    batch_size: Any,
    num_threads: int = 1,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Returns batches of those examples for which ``keep_input`` is true; else as ``batch``.

    Args:
      tensors, batch_size, num_threads, capacity, enqueue_many, shapes, dynamic_pad, allow_smaller_final_batch,
        shared_name, name: as for ``batch``.
      keep_input: a boolean scalar; with ``enqueue_many`` it may be a vector with a value for each example.
    """
    return _batches(
        "batch", [tensors], keep_input, batch_size, capacity, enqueue_many, shapes,
        allow_smaller_final_batch, shared_name, name, threads=num_threads, dynamic_pad=dynamic_pad,
    )  # fmt: skip


def batch_join(
    tensors_list: Any,
    batch_size: Any,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Returns batches of the examples of several sets of tensors, each read by a thread of its own.

    Args:
      tensors_list: a list of what ``batch`` takes.
      batch_size, capacity, enqueue_many, shapes, dynamic_pad, allow_smaller_final_batch, shared_name, name: as for
        ``batch``.
    """
    return _batches(
        "batch_join", _joined(tensors_list), True, batch_size, capacity, enqueue_many, shapes,
        allow_smaller_final_batch, shared_name, name, dynamic_pad=dynamic_pad,
    )  # fmt: skip


def maybe_batch_join(
    tensors_list: Any,
    keep_input: Any,
    batch_size: Any,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Returns batches of those examples of several sets for which ``keep_input`` is true; else as ``batch_join``."""
    return _batches(
        "batch_join", _joined(tensors_list), keep_input, batch_size, capacity, enqueue_many, shapes,
        allow_smaller_final_batch, shared_name, name, dynamic_pad=dynamic_pad,
    )  # fmt: skip


def shuffle_batch(
    tensors: Any,
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    num_threads: int = 1,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Returns batches of examples in random order.

    Args:
      tensors, batch_size, num_threads, capacity, enqueue_many, shapes, allow_smaller_final_batch, shared_name, name:
        as for ``batch``.
      min_after_dequeue: how many examples stay in the queue, so that there is always a choice.
      seed: makes the order repeatable.

    Raises:
      ValueError: ``capacity`` is not greater than ``min_after_dequeue``, shapes are not known, or called eagerly.
    """
    return _batches(
        "shuffle_batch", [tensors], True, batch_size, capacity, enqueue_many, shapes,
        allow_smaller_final_batch, shared_name, name, threads=num_threads, least=min_after_dequeue, seed=seed,
    )  # fmt: skip


def maybe_shuffle_batch(
    tensors: Any,
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    keep_input: Any,
    num_threads: int = 1,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Returns random batches of those examples for which ``keep_input`` is true; else as ``shuffle_batch``."""
    return _batches(
        "shuffle_batch", [tensors], keep_input, batch_size, capacity, enqueue_many, shapes,
        allow_smaller_final_batch, shared_name, name, threads=num_threads, least=min_after_dequeue, seed=seed,
    )  # fmt: skip


def shuffle_batch_join(
    tensors_list: Any,
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Returns random batches of the examples of several sets of tensors, each read by a thread of its own.

    Args:
      tensors_list: a list of what ``shuffle_batch`` takes.
      batch_size, capacity, min_after_dequeue, seed, enqueue_many, shapes, allow_smaller_final_batch, shared_name, name:
        as for ``shuffle_batch``.
    """
    return _batches(
        "shuffle_batch_join", _joined(tensors_list), True, batch_size, capacity, enqueue_many, shapes,
        allow_smaller_final_batch, shared_name, name, least=min_after_dequeue, seed=seed,
    )  # fmt: skip


def maybe_shuffle_batch_join(
    tensors_list: Any,
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    keep_input: Any,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Returns random batches of those examples of several sets for which ``keep_input`` is true."""
    return _batches(
        "shuffle_batch_join", _joined(tensors_list), keep_input, batch_size, capacity, enqueue_many, shapes,
        allow_smaller_final_batch, shared_name, name, least=min_after_dequeue, seed=seed,
    )  # fmt: skip
