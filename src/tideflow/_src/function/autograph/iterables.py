"""What a loop of the graph goes over: the rows of a tensor, its numbers, and what Python makes of several."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

from tideflow._src.core import context, dtypes, nest
from tideflow._src.core.errors import OperatorNotAllowedInGraphError
from tideflow._src.core.type_spec import CompositeTensor
from tideflow._src.function.autograph.staging import symbolic
from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops.control.tensor_array import TensorArray
from tideflow._src.runtime.convert import convert_to_tensor

_registry: Any = OpDef.registry


class Rows:
    """Is the rows of a tensor."""

    def __init__(self, tensor: Any) -> None:
        if tensor.shape.rank == 0:
            raise ValueError(f"cannot iterate over a scalar: {tensor}")
        sizes = tensor.shape._dims
        known = None if sizes is None else sizes[0]
        self.length = (
            known
            if known is not None
            else _registry["StridedSlice"](_registry["Shape"](tensor), [0], [1], [1], shrink_axis_mask=1)
        )
        self._array = TensorArray(tensor.dtype.base_dtype, size=self.length, element_shape=tensor.shape[1:]).unstack(
            tensor
        )

    def item(self, index: Any) -> Any:
        """Returns a row."""
        return self._array.read(index)


class RaggedRows:
    """Is the rows of a ragged tensor, each with a length of its own."""

    def __init__(self, ragged: Any) -> None:
        known = ragged.shape[0]
        self.length = known if known is not None else _registry["Cast"](ragged.nrows(), DstT=dtypes.int32)
        self._ragged = ragged

    def item(self, index: Any) -> Any:
        """Returns a row."""
        return self._ragged[index]


class Range:
    """Is ``tf.range``, whose numbers need not be kept."""

    def __init__(self, tensor: Any) -> None:
        self._start, _, self._delta = tensor._op.inputs
        size = tensor.shape._dims
        known = None if size is None else size[0]
        self.length = known if known is not None else _registry["Size"](tensor)

    def item(self, index: Any) -> Any:
        """Returns a number."""
        dtype = self._start.dtype.base_dtype
        turn = index if dtype is dtypes.int32 else _registry["Cast"](index, DstT=dtype)
        return _registry["AddV2"](self._start, _registry["Mul"](turn, self._delta))


class Stream:
    """Is a dataset or an iterator of one, whose end is known when it comes.

    Args:
      iterator: the iterator.
      is_reduction: whether TensorFlow makes a reduction of the loop, as of those over datasets: shapes of variables may
        be known less well after a turn than before, and names in the block begin anew, not with the scopes around.
    """

    def __init__(self, iterator: Any, is_reduction: bool) -> None:
        self._iterator = iterator
        self.is_reduction = is_reduction

    def next(self) -> Any:
        """Returns the next element as an optional."""
        return self._iterator.get_next_as_optional()

    def rehearsed(self) -> Any:
        """Returns what stands for an element in a turn that never runs."""
        return self._iterator.get_next()


def stream_of(items: Any) -> Stream | None:
    """Returns a dataset or iterator as a loop of the graph goes over it; None for anything else, and eagerly."""
    begin = getattr(type(items), "_stream_in_graph", None)
    if begin is None or context.executing_eagerly():
        return None
    return Stream(begin(items), is_reduction=not hasattr(items, "get_next"))


class Enumerated:
    """Is ``enumerate`` over what a loop of the graph goes over."""

    def __init__(self, items: Any, start: Any) -> None:
        self._items, self._start = items, start
        self.length = items.length

    def item(self, index: Any) -> Any:
        """Returns the number of an item, and the item."""
        return _registry["AddV2"](index, convert_to_tensor(self._start, dtypes.int32)), self._items.item(index)

    def __iter__(self) -> Iterator[Any]:
        raise _cannot_iterate("enumerate")


class Zipped:
    """Is ``zip`` over what a loop of the graph goes over."""

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = items
        self.length = functools.reduce(lambda a, b: _registry["Minimum"](a, b), [item.length for item in items])

    def item(self, index: Any) -> Any:
        """Returns the items of a turn."""
        return tuple(item.item(index) for item in self._items)

    def __iter__(self) -> Iterator[Any]:
        raise _cannot_iterate("zip")


class Mapped:
    """Is ``map`` over what a loop of the graph goes over."""

    def __init__(self, function: Any, items: Sequence[Any]) -> None:
        self._function, self._items = function, Zipped(items)
        self.length = self._items.length

    def item(self, index: Any) -> Any:
        """Returns what the function makes of the items of a turn."""
        return self._function(*self._items.item(index))

    def __iter__(self) -> Iterator[Any]:
        raise _cannot_iterate("map")


def _cannot_iterate(function: str) -> Exception:
    return OperatorNotAllowedInGraphError(
        f"{function}() over a symbolic tensor can only be gone over by a `for` statement that AutoGraph converts."
    )


def staged_items(items: Any) -> Any:
    """Returns what a loop of the graph goes over; None if a loop of Python does."""
    if isinstance(items, Enumerated | Zipped | Mapped | Rows | RaggedRows | Range | Stream):
        return items
    stream = stream_of(items)
    if stream is not None:
        return stream
    if isinstance(items, CompositeTensor) and hasattr(items, "nrows"):
        parts = nest.flatten(items, expand_composites=True)
        return None if all(symbolic(part) is None for part in parts) else RaggedRows(items)
    tensor = symbolic(items)
    if tensor is None:
        return None
    if tensor._op.type == "Range":
        return Range(tensor)
    return Rows(tensor)
