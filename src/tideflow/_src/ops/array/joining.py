"""Joining tensors: concatenation along a dimension, and stacking along a new one."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.errors import invalid_argument
from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.graph.op_def import at_least, default
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.static_value import static_value
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.identity import identity
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.array.shape import rank, reshape, shape
from tideflow._src.ops.dimensions import merge, merge_dimensions
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import constant_node, contains_tensor, convert_to_tensor, to_numpy
from tideflow._src.runtime.fast_path import fast_path
from tideflow._src.runtime.lazy import jnp, lax
from tideflow._src.runtime.op import op

_concatenate = np.concatenate


# Concatenation.


def _checked_axis(values: Any, axis: Any) -> int:
    if axis.size != 1:
        raise invalid_argument(f"axis tensor should be a scalar integer, but got shape {shape_text(axis.shape)}")
    position = int(axis.reshape(()))
    first = values[0].shape
    count = len(first)
    if not -count <= position < count:
        if not count:
            raise invalid_argument("ConcatOp : Can't concatenate scalars (use tf.stack instead)")
        raise invalid_argument(
            f"ConcatOp : Expected concatenating dimensions in the range [{-count}, {count}), but got {position}"
        )
    position %= count
    for index, value in enumerate(values):
        if len(value.shape) != count:
            raise invalid_argument(
                f"ConcatOp : Ranks of all input tensors should match: shape[0] = {shape_text(first)} vs. "
                f"shape[{index}] = {shape_text(value.shape)}"
            )
        if value.shape[:position] != first[:position] or value.shape[position + 1 :] != first[position + 1 :]:
            raise invalid_argument(
                f"ConcatOp : Dimensions of inputs should match: shape[0] = {shape_text(first)} vs. shape[{index}] = "
                f"{shape_text(value.shape)}"
            )
    return position


@op("ConcatV2", "values: N * T, axis: static Tidx -> output: T", N=at_least(2), Tidx=default("int32", INDEX))
def concat_v2(xp, values, axis):
    """Joins tensors along the dimension ``axis``."""
    return xp.concatenate(values, _checked_axis(values, axis))


@concat_v2.partly_known
def _concat_partly_known(values, axis):
    return np.concatenate(values, int(axis.reshape(())))


def _concat_shape(values: list[Any], axis: Any) -> Any:
    if axis.shape is not None and axis.shape not in ((), (1,)):
        raise ValueError(f"Shape must be rank 0 but is rank {len(axis.shape)}")
    known = [item for item in values if item is not None]
    if not known:
        return None
    count = len(known[0])
    if not count:
        raise ValueError("Can't concatenate scalars (use tf.stack instead)")
    for item in known:
        if len(item) != count:
            raise ValueError(f"Shapes must be equal rank, but are {count} and {len(item)}")
    position = axis.integers()
    if not position or position[0] is None:
        return (None,) * count
    place = position[0]
    if not -count <= place < count:
        raise ValueError(f"Shape must be at least rank {place + 1 if place >= 0 else -place} but is rank {count}")
    place %= count
    result = list(known[0])
    total: int | None = 0
    for item in values:
        size = None if item is None else item[place]
        total = None if total is None or size is None else total + size
        if item is None:
            continue
        for index in range(count):
            if index != place:
                try:
                    result[index] = merge_dimensions(result[index], item[index])
                except ValueError:
                    raise ValueError(
                        f"Dimension {index} in both shapes must be equal, but are {result[index]} and {item[index]}. "
                        f"Shapes are {shape_text(tuple(result))} and {shape_text(item)}."
                    ) from None
    result[place] = total
    return tuple(result)


concat_v2.shape(_concat_shape)


def _split_gradient(dy: Any, values: list[Any], axis: Any) -> list[Any]:
    """Cuts the gradient of a concatenation into those of its inputs."""
    place = static_value(axis)
    shapes = [static_shape(value) for value in values]
    if place is not None and all(item is not None for item in shapes):
        position = int(place.reshape(())) % len(shapes[0])
        sizes = [item[position] for item in shapes]
        if None not in sizes:
            if all(size == sizes[0] for size in sizes) and sizes[0]:
                return raw.Split(np.int32(position), dy, num_split=len(values))
            return raw.SplitV(dy, np.array(sizes, np.int64), np.int32(position), num_split=len(values))
    position = raw.FloorMod(raw.Cast(reshape(axis, []), DstT=dtypes.int32), rank(values[0]))
    sizes = raw.Pack([raw.GatherV2(shape(value), position, 0) for value in values], axis=0)
    return raw.SplitV(dy, sizes, position, num_split=len(values))


@concat_v2.gradient
def _concat_v2_gradient(call, dy):
    values, axis = call.inputs
    return _split_gradient(dy, values, axis), None


@concat_v2.samples
def _concat_v2_samples(s):
    for dtype in s.dtypes("T"):
        yield s([s.array((2, 3), dtype), s.array((1, 3), dtype)], 0)
    yield s([s.normal(2, 3), s.normal(2, 1), s.normal(2, 2)], -1)
    yield s([s.normal(2, 2), s.normal(2, 2)], np.int64(1))
    yield s([s.empty(0, 3), s.normal(2, 3)], 0)
    yield s([s.normal(2, 3), s.normal(2, 3)], 2, error="InvalidArgumentError")
    yield s([s.normal(2, 3), s.normal(3, 4)], 0, error="InvalidArgumentError")
    yield s([s.normal(2, 3), s.normal(3)], 0, error="InvalidArgumentError")
    yield s([s.normal(), s.normal()], 0, error="InvalidArgumentError")


@op("Concat", "concat_dim: static int32, values: N * T -> output: T", N=at_least(2), structural=True)
def concat_op(xp, concat_dim, values):
    """Joins tensors along the dimension ``concat_dim``; the older form of ``ConcatV2``."""
    return xp.concatenate(values, _checked_axis(values, concat_dim))


@concat_op.shape
def _concat_op_shape(concat_dim, values):
    return _concat_shape(values, concat_dim)


@concat_op.gradient
def _concat_op_gradient(call, dy):
    axis, values = call.inputs
    return None, _split_gradient(dy, values, axis)


@concat_op.samples
def _concat_op_samples(s):
    for dtype in s.dtypes("T"):
        yield s(0, [s.array((2, 3), dtype), s.array((1, 3), dtype)])
    yield s(-1, [s.normal(2, 3), s.normal(2, 1), s.normal(2, 2)])
    yield s(2, [s.normal(2, 3), s.normal(2, 3)], error="InvalidArgumentError")


@op(
    "ConcatOffset",
    "concat_dim: static int32, shape: static N * shape_type -> offset: N * shape_type",
    N=at_least(2),
    shape_type=default("int32", INDEX),
    differentiable=False,
)
def concat_offset(xp, concat_dim, shape):
    """Gives where each of several tensors of the given shapes begins in their concatenation."""
    if concat_dim.ndim:
        raise invalid_argument(f"Concat dim tensor should be a scalar integer, but got shape {list(concat_dim.shape)}")
    first = shape[0]
    if first.ndim != 1:
        raise invalid_argument(f"input 0 should be a vector, but got shape {list(first.shape)}")
    position, count = int(concat_dim), len(first)
    if not -count <= position < count:
        raise invalid_argument(f"Concat dim is out of range: {position} vs. {count}")
    position %= count
    others = np.arange(count) != position
    offsets, total = [], 0
    for index, sizes in enumerate(shape):
        if sizes.shape != first.shape:
            raise invalid_argument(f"input {index} should contain {count} elements, but got {sizes.size}")
        if (sizes[others] != first[others]).any():
            raise invalid_argument(
                f"All dimensions except {position} must match. Input {index} has shape {sizes.tolist()} and doesn't "
                f"match input 0 with shape {first.tolist()}"
            )
        offset = np.zeros(count, sizes.dtype)
        offset[position] = total
        total += int(sizes[position])
        offsets.append(offset)
    return offsets


@concat_offset.shape
def _concat_offset_shape(concat_dim, shape):
    return [item.shape for item in shape]


@concat_offset.samples
def _concat_offset_samples(s):
    yield s(0, [[2, 3], [4, 3]])
    yield s(-1, [np.array(item, np.int64) for item in ([2, 3], [2, 5], [2, 0])])
    yield s(0, [[2, 3], [4, 4]], error="InvalidArgumentError")
    yield s(3, [[2, 3], [4, 3]], error="InvalidArgumentError")


# Stacking.


@op("Pack", "values: N * T -> output: T", N=at_least(1))
def pack(xp, values, *, axis: int = 0):
    """Stacks tensors of one shape along a new dimension."""
    try:
        return xp.stack(values, axis=axis)
    except ValueError:
        _require_one_shape(values)
        raise


def _require_one_shape(values: Any) -> None:
    first, *others = (np.shape(value) for value in values)
    for index, other in enumerate(others, 1):
        if other != first:
            raise invalid_argument(
                f"Shapes of all inputs must match: values[0].shape = {shape_text(first)} != "
                f"values[{index}].shape = {shape_text(other)}"
            ) from None


@pack.partly_known
def _pack_partly_known(values, *, axis):
    return np.stack([np.asarray(value, object) for value in values], axis)


@pack.xla
def _pack_xla(values, *, axis):
    # Without the barrier XLA computes the producer of each piece once for every output element.
    return jnp.stack(lax.optimization_barrier([jnp.asarray(value) for value in values]), axis=axis)


@pack.shape
def _pack_shape(values, *, axis):
    merged: Any = None
    for index in range(len(values) - 1, -1, -1):
        try:
            merged = merge(values[index], merged)
        except ValueError as error:
            raise ValueError(f"Shapes of all inputs must match: {error}. From merging shape {index}") from None
    if merged is None:
        return None
    count = len(merged) + 1
    if not -count <= axis < count:
        raise ValueError(f"Invalid axis: {axis}; must be in [{-count},{count})")
    axis %= count
    return (*merged[:axis], len(values), *merged[axis:])


@pack.gradient
def _pack_gradient(call, dy):
    return (raw.Unpack(dy, num=len(call.inputs[0]), axis=call.attr("axis")),)


@pack.samples
def _pack_samples(s):
    for dtype in s.dtypes("T"):
        yield s([s.array((2, 3), dtype), s.array((2, 3), dtype)])
    for axis in (1, 2, -1, -3):
        yield s([s.normal(2, 3), s.normal(2, 3)], axis=axis)
    yield s([s.normal()])
    yield s([s.normal(2, 3), s.normal(2, 2)], error="InvalidArgumentError")
    yield s([s.normal(2), s.normal(2)], axis=2, error="InvalidArgumentError")


# Public functions.


@fast_path(
    concat_v2,
    when=(
        "axis.__class__ is int and values.__class__ is list"
        " and len(_arrays := [item._value for item in values if item.__class__ is EagerTensor]) == len(values) > 1"
        " and (_dtype := _arrays[0].dtype) is _arrays[-1].dtype"
        " and (len(_arrays) == 2 or not [1 for array in _arrays if array.dtype is not _dtype])"
    ),
    value="CONCATENATE(_arrays, axis)",
    inputs="([*values], WRAP(np.int32(axis)))",
    CONCATENATE=_concatenate,
)
def concat(values: Any, axis: Any, name: str | None = "concat") -> Any:
    """Joins tensors along one dimension.

    Args:
      values: a list of tensors that agree in all other dimensions.
      axis: the dimension, from ``-rank`` to ``rank - 1``.
      name: the node's name.

    Raises:
      InvalidArgumentError: (in a graph, ValueError) the shapes do not fit.

    >>> concat([raw.Range(0, 2, 1), raw.Range(5, 8, 1)], 0).numpy().tolist()
    [0, 1, 5, 6, 7]
    """
    if not isinstance(values, list | tuple):
        values = [values]
    if len(values) == 1:
        return _concat_one(values[0], axis, name)
    return concat_v2(list(values), axis, name=name)


def _concat_one(value: Any, axis: Any, name: str | None) -> Any:
    """Returns the concatenation of one tensor: itself, once the axis is known to be a scalar."""
    with name_scope(name, "concat"):
        position = static_shape(convert_to_tensor(axis, dtypes.int32, name="concat_dim"))
        if position is not None and position != ():
            raise ValueError(f"Shape {position} must have rank 0")
        return identity(value, name=name)


def concat_v0(concat_dim: Any, values: Any, name: str | None = "concat") -> Any:
    """Joins tensors along one dimension, as TensorFlow 0.x names and orders the arguments."""
    return concat(values, concat_dim, name)


def pack_scoped(values: Any, axis: int, name: str, dtype: Any = None) -> Any:
    """Stacks tensors and Python values; in a graph the latter become constants named below the result."""
    if dtype is None:
        dtype = next((dtypes.as_dtype(item.dtype).base_dtype for item in values if hasattr(item, "dtype")), None)
    if context.current_graph() is None:
        return pack([convert_to_tensor(item, dtype) for item in values], axis=axis)
    with name_scope(name) as scope:
        items = [
            item if isinstance(item, Tensor) else _element(item, dtype, str(index)) for index, item in enumerate(values)
        ]
        return pack(items, axis=axis, name=scope)


def _element(item: Any, dtype: Any, name: str) -> Any:
    if isinstance(item, list | tuple) and contains_tensor(item):
        return pack_scoped(item, 0, name, dtype)
    return convert_to_tensor(item, dtype, name=name)


def _rows(values: list[Any]) -> list[Any] | None:
    """Returns the arrays of eager tensors of one dtype and shape; None if they are anything else."""
    arrays = [value._value for value in values if value.__class__ is EagerTensor]
    if not arrays or len(arrays) != len(values):
        return None
    first = arrays[0]
    dtype, sizes = first.dtype, first.shape
    for array in arrays:
        if array.dtype is not dtype or array.shape != sizes:
            return None
    return arrays if sizes and first.__class__ is np.ndarray and dtype.kind != "O" else None


@fast_path(
    pack,
    when="axis.__class__ is int and axis == 0 and values.__class__ is list and (_arrays := ROWS(values)) is not None",
    value="CONCATENATE(_arrays).reshape((len(_arrays), *_arrays[0].shape))",
    inputs="([*values],)",
    attrs="{'axis': 0}",
    ROWS=_rows,
    CONCATENATE=_concatenate,
)
def stack(values: Any, axis: int = 0, name: str | None = "stack") -> Any:
    """Stacks tensors of one shape along a new dimension.

    Args:
      values: a list of tensors.
      axis: the position of the new dimension, from ``-rank - 1`` to ``rank``.
      name: the node's name.

    Raises:
      ValueError: ``axis`` is out of range.
      InvalidArgumentError: (in a graph, ValueError) the shapes differ.
    """
    if axis == 0:
        if isinstance(values, Tensor):
            return values
        if not isinstance(values, list | tuple) or not contains_tensor(values):
            try:
                return _constant_stack(values, name)
            except (TypeError, ValueError):
                pass  # such as arrays of different dtypes, which the operation explains
        elif not any(isinstance(item, list | tuple) and contains_tensor(item) for item in values):
            return pack_scoped(values, 0, name or "stack")
    first = static_shape(convert_to_tensor(values[0]))
    if first is not None:
        count = len(first) + 1
        if not -count <= axis < count:
            raise ValueError(f"Argument `axis` = {axis} not in range [{-count}, {count})")
    return pack(list(values), axis=axis, name=name)


def _constant_stack(values: Any, name: str | None) -> Any:
    graph = context.current_graph()
    if graph is not None and isinstance(values, list | tuple):
        return constant_node(graph, np.asarray(to_numpy(values)), name or "stack")
    return convert_to_tensor(values, name=name)


def pack_v0(values: Any, axis: int = 0, name: str | None = "pack") -> Any:
    """Stacks tensors along a new dimension, under the name of TensorFlow 0.x."""
    return stack(values, axis, name)


def parallel_stack(values: Any, name: str | None = "parallel_stack") -> Any:
    """Stacks tensors of one known shape along a new first dimension.

    Args:
      values: a list of tensors.
      name: the node's name.
    """
    return pack_scoped(list(values), 0, name or "parallel_stack")
