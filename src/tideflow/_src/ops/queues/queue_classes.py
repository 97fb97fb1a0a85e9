"""The classes of queues: ``tf.queue.FIFOQueue`` and its kin, over the queue operations."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.core.errors import invalid_argument
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.random.seeds import get_seed
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def _refusal(problem: str) -> Exception:
    """Returns what is raised: eagerly the operation refuses its arguments, where a graph is built Python does."""
    return invalid_argument(problem) if context.executing_eagerly() else ValueError(problem)


def as_type_list(types: Any) -> list[Any]:
    """Returns a dtype, or a list of dtypes, as a list of dtypes."""
    if not isinstance(types, list | tuple):
        types = [types]
    return [dtypes.as_dtype(dtype).base_dtype for dtype in types]


def as_shape_list(
    shapes: Any, types: Sequence[Any], unknown_dim_allowed: bool = False, unknown_rank_allowed: bool = False
) -> list[TensorShape] | None:
    """Returns shapes, one for each dtype, as ``TensorShape`` objects; None if there are none.

    Raises:
      ValueError: there is another number of them, or one is not known as far as it must be.
    """
    if shapes is None:
        return None
    if isinstance(shapes, TensorShape):
        shapes = [shapes]
    if not isinstance(shapes, tuple | list):
        raise TypeError(f"Shapes must be a TensorShape or a list or tuple of TensorShapes, got {type(shapes)} instead.")
    if all(item is None or isinstance(item, int) for item in shapes):
        shapes = [shapes]
    shapes = [TensorShape(shape) for shape in shapes]
    if not unknown_dim_allowed and any(not shape.is_fully_defined() for shape in shapes):
        raise ValueError(f"All shapes must be fully defined: {shapes}")
    if not unknown_rank_allowed and any(shape.dims is None for shape in shapes):
        raise ValueError(f"All shapes must have a defined rank: {shapes}")
    return shapes


def queue_shapes(
    shapes: Any, types: list[Any], unknown_dim_allowed: bool = False, unknown_rank_allowed: bool = False
) -> list[TensorShape] | None:
    """Returns the shapes given for a queue's components.

    Raises:
      ValueError: there is not one for each component; eagerly an InvalidArgumentError.
    """
    result = as_shape_list(shapes, types, unknown_dim_allowed, unknown_rank_allowed)
    if result is not None and len(result) != len(types):
        raise _refusal(
            "Queue shapes must have the same length as dtypes, "
            f"received len(shapes)={len(result)}, len(dtypes)={len(types)}"
        )
    return result


def component_names(names: Any, types: Sequence[Any]) -> Any:
    """Returns the names given for components.

    Raises:
      ValueError: there is not one for each component.
    """
    if names is None:
        return None
    if isinstance(names, str):
        names = [names]
    if isinstance(names, list | tuple) and len(names) != len(types):
        raise ValueError(
            "List of names must have the same length as the list of dtypes, "
            f"received len(names)={len(names)},len(dtypes)={len(types)}"
        )
    return names


class QueueBase:
    """Is a queue of tuples of tensors: the base class of the kinds of queues.

    Args:
      dtypes: the dtypes of the components of an element.
      shapes: their shapes, or None.
      names: names of the components, or None; elements of a queue with names are dictionaries.
      queue_ref: the handle of the queue.

    Raises:
      ValueError: there are more or fewer shapes or names than dtypes.
    """

    def __init__(self, dtypes: Any, shapes: Any, names: Any, queue_ref: Any) -> None:
        self._dtypes = list(dtypes)
        if shapes is not None:
            if len(shapes) != len(self._dtypes):
                raise _refusal(
                    "Queue shapes must have the same length as dtypes, "
                    f"received len(shapes)={len(shapes)}, len(dtypes)={len(self._dtypes)}"
                )
            self._shapes = [TensorShape(shape) for shape in shapes]
        else:
            self._shapes = [TensorShape(None) for _ in self._dtypes]
        if names is not None:
            if not self._dtypes or len(names) != len(self._dtypes):
                raise ValueError(
                    f"Queue names must have the same length as dtypes,received len(names)={len(names)},"
                    f"len {len(self._dtypes)}"
                )
            if len(set(names)) != len(names):
                raise ValueError(f"Queue names must be unique, but are {list(names)}.")
            self._names: list[str] | None = list(names)
        else:
            self._names = None
        self._queue_ref = queue_ref
        self._eager = context.executing_eagerly()
        self._name = "" if self._eager else queue_ref.op.name.split("/")[-1]

    @staticmethod
    def from_list(index: Any, queues: Sequence[QueueBase]) -> QueueBase:
        """Returns the queue that ``queues[index]`` is when the graph runs.

        Args:
          index: an int32 scalar tensor.
          queues: queues of the same component types.

        Raises:
          TypeError: something is not a queue, or their types differ.
        """
        if not queues or not isinstance(queues, list | tuple) or not all(isinstance(q, QueueBase) for q in queues):
            raise TypeError("A list of queues expected")
        types = queues[0].dtypes
        if not all(types == queue.dtypes for queue in queues[1:]):
            raise TypeError("Queues do not have matching component dtypes.")
        names = queues[0].names
        if not all(names == queue.names for queue in queues[1:]):
            raise TypeError("Queues do not have matching component names.")
        shapes = [_least_common(shapes) for shapes in zip(*[queue.shapes for queue in queues], strict=True)]
        if queues[0]._eager:
            handle = queues[int(index)].queue_ref
        else:
            handle = _selected([queue.queue_ref for queue in queues], index)
        return QueueBase(types, shapes, names, handle)

    @property
    def queue_ref(self) -> Any:
        """The handle of the queue."""
        return self._queue_ref

    @property
    def name(self) -> str:
        """The name of the queue's operation; empty if it was made eagerly."""
        return self._name if self._eager or context.executing_eagerly() else self._queue_ref.op.name

    @property
    def dtypes(self) -> list[Any]:
        """The dtypes of the components of an element."""
        return self._dtypes

    @property
    def shapes(self) -> list[TensorShape]:
        """The shapes of the components of an element."""
        return self._shapes

    @property
    def names(self) -> list[str] | None:
        """The names of the components, or None."""
        return self._names

    def _operation_name(self, operation: str) -> str:
        return f"{self._name}_{operation}" if self._name else operation

    def _components(self, vals: Any, name: str = "component") -> list[Any]:
        """Returns what a call gives as a list of tensors.

        Raises:
          ValueError: a queue with names gets no dictionary of those names, or one without names gets one.
        """
        if isinstance(vals, dict):
            if self._names is None:
                raise ValueError("Queue must have names to enqueue a dictionary")
            if sorted(self._names, key=str) != sorted(vals.keys(), key=str):
                raise ValueError(
                    "Keys in dictionary to enqueue do not match names of Queue.  "
                    f"Dictionary: {sorted(vals.keys(), key=str)},Queue: {sorted(self._names, key=str)}"
                )
            vals = [vals[key] for key in self._names]
        else:
            if self._names is not None:
                raise ValueError("You must enqueue a dictionary in a Queue with names")
            if not isinstance(vals, list | tuple):
                vals = [vals]
        if len(vals) != len(self._dtypes):
            # A single component may itself be given as a list.
            if len(self._dtypes) == 1:
                vals = [vals]
            else:
                raise _refusal(
                    f"Expected {len(self._dtypes)} components ({', '.join(d.name for d in self._dtypes)}), "
                    f"got {len(vals)}."
                )
        return [
            convert_to_tensor(value, dtype, name=f"{name}_{index}")
            for index, (value, dtype) in enumerate(zip(vals, self._dtypes, strict=True))
        ]

    def enqueue(self, vals: Any, name: str | None = None) -> Any:
        """Adds an element; the operation waits while the queue is full.

        Args:
          vals: a tensor, a list or tuple of tensors, or a dictionary if the components have names.
          name: the name of the operation.

        Returns:
          The operation; None eagerly.

        Raises:
          ValueError: the components do not fit the queue.
          CancelledError: at run time, the queue is closed.
        """
        with name_scope(name, self._operation_name("enqueue")) as scope:
            components = self._components(vals)
            for component, shape in zip(components, self._shapes, strict=True):
                if shape.dims is not None:
                    component.get_shape().assert_is_compatible_with(shape)
            return raw.QueueEnqueueV2(self._queue_ref, components, name=scope or None)

    def enqueue_many(self, vals: Any, name: str | None = None) -> Any:
        """Adds the slices of tensors along their first dimension as elements.

        Args:
          vals: a tensor, a list or tuple of tensors, or a dictionary if the components have names.
          name: the name of the operation.

        Returns:
          The operation; None eagerly.

        Raises:
          ValueError: the components do not fit the queue.
          CancelledError: at run time, the queue is closed.
        """
        with name_scope(name, self._operation_name("EnqueueMany")) as scope:
            components = self._components(vals)
            if not context.executing_eagerly():  # eagerly, the operation says the same
                batch = components[0].get_shape().with_rank_at_least(1)[:1]
                for component, shape in zip(components, self._shapes, strict=True):
                    batch = batch.merge_with(component.get_shape().with_rank_at_least(1)[:1])
                    component.get_shape()[1:].assert_is_compatible_with(shape)
            return raw.QueueEnqueueManyV2(self._queue_ref, components, name=scope or None)

    def _result(self, tensors: Any) -> Any:
        if self._names is not None:
            return dict(zip(self._names, tensors, strict=True))
        return tensors[0] if len(tensors) == 1 else list(tensors)

    def dequeue(self, name: str | None = None) -> Any:
        """Takes an element; the operation waits while there is none.

        Returns:
          A tensor, a list of tensors, or a dictionary if the components have names.

        Raises:
          OutOfRangeError: at run time, the queue is closed and empty.
        """
        name = name or self._operation_name("Dequeue")
        tensors = raw.QueueDequeueV2(self._queue_ref, component_types=self._dtypes, name=name)
        if not context.executing_eagerly():
            for tensor, shape in zip(tensors, self._shapes, strict=True):
                tensor.set_shape(shape)
        return self._result(tensors)

    def dequeue_many(self, n: Any, name: str | None = None) -> Any:
        """Takes ``n`` elements as a batch; the operation waits until there are so many.

        Args:
          n: a scalar.
          name: the name of the operation.

        Returns:
          A tensor, a list of tensors, or a dictionary if the components have names, each with a dimension of size
          ``n`` in front.

        Raises:
          OutOfRangeError: at run time, the queue is closed and has fewer elements.
        """
        name = name or self._operation_name("DequeueMany")
        tensors = raw.QueueDequeueManyV2(self._queue_ref, n, component_types=self._dtypes, name=name)
        if not context.executing_eagerly():
            count = static_value(tensors[0].op.inputs[1])
            batch = TensorShape([None if count is None else int(count)])
            for tensor, shape in zip(tensors, self._shapes, strict=True):
                tensor.set_shape(batch.concatenate(shape))
        return self._result(tensors)

    def dequeue_up_to(self, n: Any, name: str | None = None) -> Any:
        """Takes ``n`` elements as a batch, or fewer if the queue is closed and has no more.

        Args:
          n: a scalar.
          name: the name of the operation.

        Returns:
          A tensor, a list of tensors, or a dictionary if the components have names.

        Raises:
          OutOfRangeError: at run time, the queue is closed and empty.
        """
        name = name or self._operation_name("DequeueUpTo")
        tensors = raw.QueueDequeueUpToV2(self._queue_ref, n, component_types=self._dtypes, name=name)
        if not context.executing_eagerly():
            for tensor, shape in zip(tensors, self._shapes, strict=True):
                tensor.set_shape(TensorShape([None]).concatenate(shape))
        return self._result(tensors)

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Any:
        """Closes the queue: what is in can still be taken, nothing more goes in.

        Args:
          cancel_pending_enqueues: whether calls that wait for room fail; else they are done first.
          name: the name of the operation.
        """
        name = name or self._operation_name("Close")
        return raw.QueueCloseV2(self._queue_ref, cancel_pending_enqueues=cancel_pending_enqueues, name=name)

    def is_closed(self, name: str | None = None) -> Any:
        """Tells whether the queue is closed."""
        return raw.QueueIsClosedV2(self._queue_ref, name=name or self._operation_name("Is_Closed"))

    def size(self, name: str | None = None) -> Any:
        """Tells how many elements are in the queue."""
        return raw.QueueSizeV2(self._queue_ref, name=name or self._operation_name("Size"))


def _least_common(shapes: Sequence[TensorShape]) -> TensorShape:
    """Returns what several shapes have in common."""
    result = shapes[0]
    for shape in shapes[1:]:
        if result.dims is None or shape.dims is None or result.rank != shape.rank:
            return TensorShape(None)
        result = TensorShape([a if a == b else None for a, b in zip(result.as_list(), shape.as_list(), strict=True)])
    return result


def _selected(handles: Sequence[Any], index: Any) -> Any:
    """Returns the handle of a number known only when the graph runs."""
    return raw.GatherV2(raw.Pack(list(handles), name="stack"), index, 0)


def _shape_attributes(shapes: list[TensorShape] | None) -> list[Any]:
    return [] if shapes is None else shapes


def _shared_name(shared_name: Any) -> str:
    """Returns the name under which queues are shared, as an attribute."""
    return shared_name if isinstance(shared_name, str) else ""


class FIFOQueue(QueueBase):
    """Is a queue that gives elements in the order in which they came.

    Args:
      capacity: how many elements it holds.
      dtypes: the dtypes of the components of an element.
      shapes: their shapes, fully known; None to take any.
      names: names of the components.
      shared_name: queues of one shared name are the same queue, within a session.
      name: the name of the operation.

    >>> queue = FIFOQueue(3, [dtypes.int32], shapes=[[]])
    >>> queue.enqueue_many([[1, 2, 3]])
    >>> queue.dequeue_many(2).numpy().tolist()
    [1, 2]
    """

    def __init__(
        self,
        capacity: int,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "fifo_queue",
    ) -> None:
        types = as_type_list(dtypes)
        shape_list = queue_shapes(shapes, types)
        names = component_names(names, types)
        handle = raw.FIFOQueueV2(
            component_types=types,
            shapes=_shape_attributes(shape_list),
            capacity=capacity,
            shared_name=_shared_name(shared_name),
            name=name,
        )
        super().__init__(types, shape_list, names, handle)


class PaddingFIFOQueue(QueueBase):
    """Is a queue of elements whose sizes may vary: batches are filled up to the largest one.

    Args:
      capacity: how many elements it holds.
      dtypes: the dtypes of the components of an element.
      shapes: their shapes, of known ranks; None for a size that varies.
      names: names of the components.
      shared_name: queues of one shared name are the same queue, within a session.
      name: the name of the operation.
    """

    def __init__(
        self,
        capacity: int,
        dtypes: Any,
        shapes: Any,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "padding_fifo_queue",
    ) -> None:
        types = as_type_list(dtypes)
        shape_list = queue_shapes(shapes, types, unknown_dim_allowed=True)
        if shape_list is None:
            raise ValueError(f"PaddingFIFOQueue needs a shape for each of its {len(types)} components, got None.")
        names = component_names(names, types)
        handle = raw.PaddingFIFOQueueV2(
            component_types=types,
            shapes=_shape_attributes(shape_list),
            capacity=capacity,
            shared_name=_shared_name(shared_name),
            name=name,
        )
        super().__init__(types, shape_list, names, handle)


class RandomShuffleQueue(QueueBase):
    """Is a queue that gives elements at random.

    Args:
      capacity: how many elements it holds.
      min_after_dequeue: how many elements stay, so that there is always a choice; less than ``capacity``.
      dtypes: the dtypes of the components of an element.
      shapes: their shapes, fully known; None to take any.
      names: names of the components.
      seed: makes the choice repeatable.
      shared_name: queues of one shared name are the same queue, within a session.
      name: the name of the operation.
    """

    def __init__(
        self,
        capacity: int,
        min_after_dequeue: int,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        seed: int | None = None,
        shared_name: str | None = None,
        name: str = "random_shuffle_queue",
    ) -> None:
        types = as_type_list(dtypes)
        shape_list = queue_shapes(shapes, types)
        names = component_names(names, types)
        seed1, seed2 = get_seed(seed)
        if seed1 is None:
            seed1, seed2 = 0, 0
        elif seed is None and shared_name is not None:
            # Depends on the name, not on how many operations the graph has: who shares the queue agrees on it.
            digest = hashlib.md5(f"{seed1}{shared_name}".encode(), usedforsecurity=False).hexdigest()
            seed2 = int(digest[:8], 16) & 0x7FFFFFFF
        handle = raw.RandomShuffleQueueV2(
            component_types=types,
            shapes=_shape_attributes(shape_list),
            capacity=capacity,
            min_after_dequeue=min_after_dequeue,
            seed=int(seed1),
            seed2=int(seed2),
            shared_name=_shared_name(shared_name),
            name=name,
        )
        super().__init__(types, shape_list, names, handle)


class PriorityQueue(QueueBase):
    """Is a queue that gives the element of the least priority: an int64 scalar, the first component.

    Args:
      capacity: how many elements it holds.
      types: the dtypes of the components behind the priority.
      shapes: their shapes, fully known.
      names: names of all components.
      shared_name: queues of one shared name are the same queue, within a session.
      name: the name of the operation.
    """

    def __init__(
        self,
        capacity: int,
        types: Any,
        shapes: Any = None,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "priority_queue",
    ) -> None:
        if shapes is None:
            raise TypeError("Expected list for 'shapes' argument to 'priority_queue_v2' Op, not None.")
        type_list = as_type_list(types)
        shape_list = queue_shapes(shapes, type_list)
        assert shape_list is not None
        handle = raw.PriorityQueueV2(
            component_types=type_list,
            shapes=_shape_attributes(shape_list),
            capacity=capacity,
            shared_name=_shared_name(shared_name),
            name=name,
        )
        all_types = [dtypes.int64, *type_list]
        super().__init__(all_types, [TensorShape([]), *shape_list], component_names(names, all_types), handle)
