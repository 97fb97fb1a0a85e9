"""``tf.strings.join``, ``tf.strings.reduce_join`` and ``tf.strings.unsorted_segment_join``: strings put together."""

from __future__ import annotations

import math
import operator
from itertools import dropwhile
from typing import Any

import numpy as np

from tideflow._src.core.errors import OutOfRangeError, ResourceExhaustedError, invalid_argument
from tideflow._src.graph.op_def import at_least, default
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape, merge
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.strings.elements import array_of, items_of
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.op import op

_INDEX = ("int32", "int64")
_MOST_ELEMENTS = 1 << 36


@op("StringJoin", "inputs: N * string -> output: string", tier="host", differentiable=False, N=at_least(0))
def string_join_op(inputs, *, separator: str = ""):
    """Joins the strings at the same place of several tensors; scalars stand for a tensor of copies."""
    shape: tuple[int, ...] = ()
    for value in inputs:
        if np.ndim(value):
            if shape and np.shape(value) != shape:
                raise invalid_argument(
                    f"Input shapes do not match: {shape_text(shape)} vs. {shape_text(np.shape(value))}"
                )
            shape = np.shape(value)
    between = separator.encode("utf-8", "surrogateescape")
    count = math.prod(shape)
    if not inputs:
        return array_of([b""], ())
    columns = [items_of(value) if np.ndim(value) else items_of(value) * count for value in inputs]
    if len(columns) == 2 and not between:
        return array_of(list(map(operator.add, *columns)), shape)
    return array_of(list(map(between.join, zip(*columns, strict=True))), shape)


@string_join_op.shape
def _string_join_shape(inputs):
    if any(shape is None for shape in inputs):
        return None
    result = ()
    for shape in inputs:
        if shape:
            result = merge(result, shape) if result else shape
    return result


@string_join_op.samples
def _string_join_samples(s):
    yield s([s.strings((2, 3)), s.strings((2, 3))])
    yield s([s.strings((2, 3)), s.strings(()), s.strings((2, 3))], separator="-ä-")
    yield s([s.strings(()), s.strings(())], separator=",")
    yield s([s.strings((3,))], separator=",")
    yield s([np.empty((0, 2), object), s.strings(())])
    yield s([s.strings((2,)), s.strings((3,))], error="InvalidArgumentError")


@op(
    "ReduceJoin",
    "inputs: string, reduction_indices: static int32 -> output: string",
    tier="host",
    differentiable=False,
)
def reduce_join_op(inputs, reduction_indices, *, keep_dims: bool = False, separator: str = ""):
    """Joins the strings along some dimensions, of which the first given one varies fastest."""
    shape = np.shape(inputs)
    rank = len(shape)
    axes: list[int] = []
    for axis in np.ravel(reduction_indices).tolist():
        if not -rank <= axis < rank:
            raise OutOfRangeError(None, None, f"Invalid reduction dimension {axis} for input with {rank} dimension(s)")
        if axis % rank in axes:
            raise invalid_argument(f"Duplicate reduction dimension {axis}")
        axes.append(axis % rank)
    if not axes:
        return np.asarray(inputs, object)
    kept = [axis for axis in range(rank) if axis not in axes]
    width = math.prod(shape[axis] for axis in axes)
    rows = np.transpose(np.asarray(inputs, object), kept + axes[::-1]).reshape(-1).tolist()
    between = separator.encode("utf-8", "surrogateescape")
    sizes = [1 if axis in axes else size for axis, size in enumerate(shape)]
    result = sizes if keep_dims else [shape[axis] for axis in kept]
    joined = [between.join(rows[start * width : (start + 1) * width]) for start in range(math.prod(result))]
    return array_of(joined, result)


@reduce_join_op.shape
def _reduce_join_shape(inputs, reduction_indices, *, keep_dims):
    axes = reduction_indices.integers()
    if inputs is None or axes is None or None in axes:
        return (None,) * len(inputs) if keep_dims and inputs is not None else None
    rank = len(inputs)
    for axis in axes:
        if not -rank <= axis < rank:
            raise ValueError(f"Invalid reduction dimension {axis} for input with {rank} dimensions")
    reduced = {axis % rank for axis in axes}
    if keep_dims:
        return tuple(1 if axis in reduced else size for axis, size in enumerate(inputs))
    return tuple(size for axis, size in enumerate(inputs) if axis not in reduced)


@reduce_join_op.samples
def _reduce_join_samples(s):
    words = s.strings((2, 3, 2))
    for axes in ([0], [1, 0], [0, 1], [-1, 0, 1], [2, 1], []):
        yield s(words, np.array(axes, np.int32))
        yield s(words, np.array(axes, np.int32), keep_dims=True, separator=", ")
    yield s(words, 1)
    yield s(s.strings(()), np.empty(0, np.int32))
    yield s(np.empty((2, 0), object), [1])
    yield s(np.empty((2, 0), object), [0])
    yield s(words, [0, 0], error="InvalidArgumentError")
    yield s(words, [3], error="OutOfRangeError")


@op(
    "UnsortedSegmentJoin",
    "inputs: string, segment_ids: Tindices, num_segments: static Tnumsegments -> output: string",
    tier="host",
    differentiable="missing",
    Tindices=_INDEX,
    Tnumsegments=default("int32", _INDEX),
)
def unsorted_segment_join_op(inputs, segment_ids, num_segments, *, separator: str = ""):
    """Joins the strings that have the same number."""
    if np.ndim(num_segments):
        raise invalid_argument(f"Number of segments must be a scalar, got shape {shape_text(np.shape(num_segments))}")
    count = int(num_segments)
    if count < 0:
        raise invalid_argument(f"Number of segments must be non-negative but got {count}")
    shape, prefix = np.shape(inputs), np.shape(segment_ids)
    if not prefix:
        raise invalid_argument("Segment_id cannot have rank 0")
    if len(prefix) > len(shape):
        raise OutOfRangeError(
            None, None, f"Segment_id's rank cannot be greater than inputs' rank: {len(prefix)} vs. {len(shape)}"
        )
    for axis, (wanted, size) in enumerate(zip(prefix, shape, strict=False)):
        if wanted != size:
            raise invalid_argument(f"Segment dimension is {wanted} while input dimension is {size} in rank {axis}")
    numbers = np.ravel(segment_ids)
    if numbers.size and (numbers.min() < 0 or numbers.max() >= count):
        raise invalid_argument(
            f"segment_ids are not allowed to exceed num_segments ({count}) or to have negative values, but they go "
            f"from {numbers.min()} to {numbers.max()}"
        )
    rest = shape[len(prefix) :]
    width = math.prod(rest)
    if count * max(width, 1) > _MOST_ELEMENTS:
        raise ResourceExhaustedError(None, None, f"OOM: {count} segments of {width} strings do not fit in memory")
    between = separator.encode("utf-8", "surrogateescape")
    order = np.argsort(numbers, kind="stable")
    rows = np.asarray(inputs, object).reshape(numbers.size, width)[order]
    ends = np.cumsum(np.bincount(numbers, minlength=count)) if numbers.size else np.zeros(count, np.int64)
    result = np.full((count, width), b"", object)
    for column in range(width):
        items, start = rows[:, column].tolist(), 0
        for segment in np.flatnonzero(np.diff(ends, prepend=0)).tolist():
            end = int(ends[segment])
            # TensorFlow separates from what is there already, so nothing stands between leading empty strings.
            result[segment, column] = between.join(dropwhile(operator.not_, items[start:end]))
            start = end
    return result.reshape(count, *rest)


@unsorted_segment_join_op.shape
def _unsorted_segment_join_shape(inputs, segment_ids, num_segments):
    if num_segments.shape is not None and len(num_segments.shape):
        raise ValueError(f"Shape must be rank 0 but is rank {len(num_segments.shape)}")
    if inputs is None or segment_ids is None:
        return None
    if len(segment_ids) > len(inputs):
        raise ValueError(f"Shape must be at least rank {len(segment_ids)} but is rank {len(inputs)}")
    merge(inputs[: len(segment_ids)], segment_ids)
    count = None if num_segments.value is None else int(num_segments.value)
    if count is not None and count < 0:
        raise ValueError(f"Dimension size, given by scalar input 2, must be non-negative but is {count}")
    return (count, *inputs[len(segment_ids) :])


@unsorted_segment_join_op.samples
def _unsorted_segment_join_samples(s):
    yield s(s.strings((4,)), [2, 0, 2, 1], 4)
    yield s(s.strings((4, 2)), np.array([2, 0, 2, 2]), np.int64(3), separator=", ")
    yield s(s.strings((2, 2, 2)), [[0, 1], [1, 0]], 2, separator="-")
    yield s(np.empty((0,), object), np.empty((0,), np.int32), 2)
    yield s(s.strings((2,)), [0, 2], 2, error="InvalidArgumentError")
    yield s(s.strings((2,)), [0, -1], 2, error="InvalidArgumentError")
    yield s(s.strings((2,)), [0, 1, 1], 2, error="InvalidArgumentError")
    yield s(s.strings((2,)), [0, 1], -2, error="InvalidArgumentError")


def string_join(inputs: Any, separator: str = "", name: str | None = None) -> Any:
    """Joins the strings at the same place of several tensors.

    Args:
      inputs: a list of string tensors of one shape; scalars among them stand for a tensor of copies.
      separator: what to put between the strings.
      name: the name of the operation.

    Returns:
      A string tensor of the common shape.
    """
    return string_join_op(inputs, separator=separator, name=name)


def reduce_join(
    inputs: Any, axis: Any = None, keepdims: bool = False, separator: str = "", name: str | None = None
) -> Any:
    """Joins the strings of a tensor along dimensions.

    Args:
      inputs: a string tensor.
      axis: the dimensions, of which the first one varies fastest; if None all of them, the last one fastest.
      keepdims: whether to keep them with size 1.
      separator: what to put between the strings.
      name: the name of the operation.

    Raises:
      InvalidArgumentError: a dimension is given twice.
      OutOfRangeError: there is no such dimension.
    """
    with name_scope(name, "ReduceJoin", [inputs, axis]):
        inputs = convert_to_tensor(inputs, name="inputs")
        if axis is None:
            shape = known_shape(inputs)
            if shape is None:
                axis = raw.Range(raw.Sub(raw.Rank(inputs), 1), -1, -1)
            else:
                axis = convert_to_tensor(np.arange(len(shape) - 1, -1, -1, dtype=np.int32))
        return reduce_join_op(inputs, axis, keep_dims=bool(keepdims), separator=separator)


def reduce_join_v1(
    inputs: Any,
    axis: Any = None,
    keep_dims: bool | None = None,
    separator: str = "",
    name: str | None = None,
    reduction_indices: Any = None,
    keepdims: bool | None = None,
) -> Any:
    """Joins the strings of a tensor along dimensions; ``keep_dims`` and ``reduction_indices`` are older names.

    Raises:
      ValueError: an argument is given under both names.
    """
    if keep_dims is not None and keepdims is not None:
        raise ValueError("Cannot specify both 'keep_dims' and 'keepdims'.")
    if reduction_indices is not None and axis is not None:
        raise ValueError("Cannot specify both 'reduction_indices' and 'axis'.")
    kept = keep_dims if keepdims is None else keepdims
    chosen = reduction_indices if axis is None else axis
    return reduce_join(inputs, chosen, bool(kept), separator, name)


def unsorted_segment_join(
    inputs: Any, segment_ids: Any, num_segments: Any, separator: str = "", name: str | None = None
) -> Any:
    """Joins the strings that have the same number, in their order.

    Args:
      inputs: a string tensor.
      segment_ids: the numbers, an int32 or int64 tensor whose shape is a prefix of that of ``inputs``.
      num_segments: how many numbers there are; those that do not occur give empty strings.
      separator: what to put between the strings.
      name: the name of the operation.

    Returns:
      A string tensor of shape ``[num_segments] + inputs.shape[segment_ids.ndim:]``.

    Raises:
      InvalidArgumentError: a number is negative, or not less than ``num_segments``.
    """
    return unsorted_segment_join_op(inputs, segment_ids, num_segments, separator=separator, name=name)
