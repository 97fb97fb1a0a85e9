"""Producers: queues that hold the elements of a tensor, again and again, for the input of a training."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import shape_v1, size_v1
from tideflow._src.ops.control.assertions import Assert
from tideflow._src.ops.control.grouping import control_dependencies
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.queues.queue_classes import FIFOQueue
from tideflow._src.ops.random.stateful_functions import random_shuffle
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.variable import VariableV1
from tideflow._src.train.queue_runner import QueueRunner, add_queue_runner


def add_scalar_summary(name: str, value: Any) -> None:
    """Adds a summary of a scalar, named after the scope it stands in, to the graph's summaries."""
    graph = context.current_graph()
    with graph.name_scope(None if not graph._name_stack else graph._name_stack + "/"):
        scope = graph.unique_name(name, mark_as_used=False)
        summary = raw.ScalarSummary(scope, value, name=name)
    graph.add_to_collection(GraphKeys.SUMMARIES, summary)


def fullness(queue: Any, capacity: int) -> Any:
    """Returns how full a queue is, from 0 to 1."""
    return cast(queue.size(), dtypes.float32) * (1.0 / capacity)


def limit_epochs(tensor: Any, num_epochs: int | None = None, name: str | None = None) -> Any:
    """Returns ``tensor`` as often as ``num_epochs`` says, and then fails with ``OutOfRangeError``.

    Args:
      tensor: any tensor.
      num_epochs: how often; None for no limit. The count is a local variable.
      name: the name of the result.

    Raises:
      ValueError: ``num_epochs`` is not positive.
    """
    if num_epochs is None:
        return tensor
    if num_epochs <= 0:
        raise ValueError(f"num_epochs must be > 0 not {num_epochs}.")
    with name_scope(name, "limit_epochs", [tensor]) as scope:
        zero = convert_to_tensor(0, dtypes.int64)
        epochs: Any = VariableV1(zero, name="epochs", trainable=False, collections=[GraphKeys.LOCAL_VARIABLES])
        counter = epochs.count_up_to(num_epochs)
        with control_dependencies([counter]):
            return raw.Identity(convert_to_tensor(tensor), name=scope)


def _check_graph() -> None:
    if context.executing_eagerly():
        raise RuntimeError(
            "Input pipelines based on Queues are not supported when eager execution is enabled. "
            "Please use tf.data to ingest data into your model instead."
        )


def input_producer(
    input_tensor: Any,
    element_shape: Any = None,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    summary_name: str | None = None,
    name: str | None = None,
    cancel_op: Any = None,
) -> FIFOQueue:
    """Makes a queue that a queue runner fills with the rows of a tensor, epoch after epoch.

    Args:
      input_tensor: the tensor, at least a vector.
      element_shape: the shape of a row, if that of the tensor does not tell.
      num_epochs: how often the rows come; None for no end. The count is a local variable.
      shuffle: whether each epoch has an order of its own.
      seed: makes the orders repeatable.
      capacity: how many rows the queue holds.
      shared_name: queues of one shared name are the same queue, within a session.
      summary_name: names a summary of how full the queue is; None for none.
      name: the name of the queue.
      cancel_op: what the queue runner runs to cancel; made if None.

    Returns:
      The queue.

    Raises:
      ValueError: the shape of a row is not known.
      RuntimeError: called eagerly.
    """
    _check_graph()
    with name_scope(name, "input_producer", [input_tensor]) as scope:
        input_tensor = convert_to_tensor(input_tensor, name="input_tensor")
        shape = input_tensor.shape.with_rank_at_least(1)[1:].merge_with(element_shape)
        if not shape.is_fully_defined():
            raise ValueError(
                "Either `input_tensor` must have a fully defined shape or `element_shape` must be specified: "
                f"the shape of an element is {shape}."
            )
        if shuffle:
            input_tensor = random_shuffle(input_tensor, seed=seed)
        input_tensor = limit_epochs(input_tensor, num_epochs)
        queue = FIFOQueue(
            capacity=capacity,
            dtypes=[input_tensor.dtype.base_dtype],
            shapes=[shape],
            shared_name=shared_name,
            name=scope,
        )
        enqueue = queue.enqueue_many([input_tensor])
        add_queue_runner(QueueRunner(queue, [enqueue], cancel_op=cancel_op))
        if summary_name is not None:
            add_scalar_summary(summary_name, fullness(queue, capacity))
        return queue


def string_input_producer(
    string_tensor: Any,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
    cancel_op: Any = None,
) -> FIFOQueue:
    """Makes a queue of strings, such as names of files, epoch after epoch.

    Args:
      string_tensor: a vector of strings.
      num_epochs: how often the strings come; None for no end. The count is a local variable.
      shuffle: whether each epoch has an order of its own.
      seed: makes the orders repeatable.
      capacity: how many strings the queue holds.
      shared_name: queues of one shared name are the same queue, within a session.
      name: the name of the queue.
      cancel_op: what the queue runner runs to cancel; made if None.

    Returns:
      The queue.

    Raises:
      ValueError: there are no strings.
      InvalidArgumentError: at run time, there are no strings.
      RuntimeError: called eagerly.
    """
    _check_graph()
    empty = "string_input_producer requires a non-null input tensor"
    if not isinstance(string_tensor, Tensor) and not hasattr(string_tensor, "dtype") and not string_tensor:
        raise ValueError(empty)
    with name_scope(name, "input_producer", [string_tensor]) as scope:
        string_tensor = convert_to_tensor(string_tensor, dtype=dtypes.string)
        count = size_v1(string_tensor)
        with control_dependencies([Assert(count > 0, [empty])]):
            string_tensor = raw.Identity(string_tensor)
        return input_producer(
            input_tensor=string_tensor,
            element_shape=[],
            num_epochs=num_epochs,
            shuffle=shuffle,
            seed=seed,
            capacity=capacity,
            shared_name=shared_name,
            name=scope,
            summary_name=f"fraction_of_{capacity}_full",
            cancel_op=cancel_op,
        )


def range_input_producer(
    limit: Any,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
) -> FIFOQueue:
    """Makes a queue of the integers from 0 to ``limit - 1``, epoch after epoch.

    Args:
      limit: an int32 scalar.
      num_epochs: how often the integers come; None for no end. The count is a local variable.
      shuffle: whether each epoch has an order of its own.
      seed: makes the orders repeatable.
      capacity: how many integers the queue holds.
      shared_name: queues of one shared name are the same queue, within a session.
      name: the name of the queue.

    Returns:
      The queue.

    Raises:
      RuntimeError: called eagerly.
    """
    _check_graph()
    with name_scope(name, "input_producer", [limit]) as scope:
        numbers = raw.Range(0, limit, 1, name="range")
        return input_producer(
            numbers, [], num_epochs, shuffle, seed, capacity, shared_name, f"fraction_of_{capacity}_full", scope
        )


def slice_input_producer(
    tensor_list: Any,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
) -> list[Any]:
    """Returns one row of each tensor at a time, the same row of all, epoch after epoch.

    Args:
      tensor_list: tensors of one size in the first dimension.
      num_epochs: how often the rows come; None for no end. The count is a local variable.
      shuffle: whether each epoch has an order of its own.
      seed: makes the orders repeatable.
      capacity: how many numbers of rows the queue holds.
      shared_name: queues of one shared name are the same queue, within a session.
      name: the name scope.

    Returns:
      A row of each tensor.

    Raises:
      ValueError: there are no tensors.
      RuntimeError: called eagerly.
    """
    _check_graph()
    with name_scope(name, "input_producer", tensor_list):
        if not tensor_list:
            raise ValueError("Expected at least one tensor in slice_input_producer().")
        tensors = [convert_to_tensor(tensor) for tensor in tensor_list]
        for tensor in tensors:
            TensorShape(tensor.shape).with_rank_at_least(1)
        rows = shape_v1(tensors[0])[0]
        queue = range_input_producer(rows, num_epochs, shuffle, seed, capacity, shared_name)
        index = queue.dequeue()
        return [raw.GatherV2(tensor, index, 0) for tensor in tensors]
