"""Sequences of numbers, and what is built of them: ranges, one-hot vectors, grids, repeated elements."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.errors import invalid_argument
from tideflow._src.core.tensor import EagerTensor, Tensor, wrap
from tideflow._src.graph.op_def import default
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.static_value import static_value
from tideflow._src.graph.types import FLOATING, INDEX
from tideflow._src.ops.array.constants import ones, zeros
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.masking import boolean_mask, sequence_mask
from tideflow._src.ops.array.raw import all_axes, raw, static_shape
from tideflow._src.ops.array.selection import where
from tideflow._src.ops.array.shape import expand_dims, rank, reshape, shape, size
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.checks import require_memory
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.op import op

_RANGE_TYPES = (
    *("bfloat16", "half", "float", "double", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64"),
)


def _range_count(start: Any, limit: Any, delta: Any) -> int:
    """Returns how many elements a range has.

    Raises:
      ValueError: ``delta`` is zero or leads away from ``limit``.
    """
    if delta == 0:
        raise ValueError(f"Requires delta != 0: {delta}")
    if delta > 0 and start > limit:
        raise ValueError(f"Requires start <= limit when delta > 0: {start}/{limit}")
    if delta < 0 and start < limit:
        raise ValueError(f"Requires start >= limit when delta < 0: {start}/{limit}")
    if np.asarray(start).dtype.kind in "iu":
        start, limit, delta = int(start), int(limit), int(delta)
        return -(-abs(limit - start) // abs(delta))
    return math.ceil(float(abs((limit - start) / delta)))  # in the precision of the numbers, as TensorFlow


@op(
    "Range",
    "start: static Tidx, limit: static Tidx, delta: static Tidx -> output: Tidx",
    Tidx=default("int32", _RANGE_TYPES),
    differentiable=False,
)
def range_op(xp, start, limit, delta):
    """Makes the sequence from ``start`` up to, but not including, ``limit`` in steps of ``delta``."""
    for name, value in (("start", start), ("limit", limit), ("delta", delta)):
        if value.size != 1 or value.ndim > 1:
            raise invalid_argument(f"{name} must be a scalar, not shape {shape_text(value.shape)}")
    start, limit, delta = (value.reshape(())[()] for value in (start, limit, delta))
    try:
        count = _range_count(start, limit, delta)
    except ValueError as error:
        raise invalid_argument(str(error)) from None
    steps = np.full(count, delta, start.dtype)
    if count:
        steps[0] = start
    return np.add.accumulate(steps, dtype=start.dtype)


@range_op.shape
def _range_shape(start, limit, delta):
    for item in (start, limit, delta):
        if item.shape:
            raise ValueError(f"Shape must be rank 0 but is rank {len(item.shape)}")
    if start.value is None or limit.value is None or delta.value is None:
        return (None,)
    return (_range_count(*(np.asarray(item.value).reshape(())[()] for item in (start, limit, delta))),)


@range_op.samples
def _range_samples(s):
    for dtype in s.dtypes("Tidx"):
        if dtype.name == "float16":  # TensorFlow's shape function lacks it
            continue
        kind = dtype.as_numpy_dtype
        yield s(kind(1), kind(9), kind(2))
    yield s(5, 0, -2)
    yield s(3, 3, 1)
    yield s(np.float32(0), np.float32(1), np.float32(0.1))
    yield s(5, 0, 1, error="InvalidArgumentError")
    yield s(0, 5, 0, error="InvalidArgumentError")
    yield s(0, 5, -1, error="InvalidArgumentError")


@op(
    "LinSpace",
    "start: T, stop: T, num: static Tidx -> output: T",
    T=FLOATING,
    Tidx=default("int32", INDEX),
    differentiable=False,
)
def lin_space(xp, start, stop, num):
    """Makes ``num`` evenly spaced numbers from ``start`` to ``stop``, both included."""
    for name, value in (("start", start), ("stop", stop), ("num", num)):
        if value.shape:
            raise invalid_argument(f"{name} must be a scalar, not shape {shape_text(value.shape)}")
    count = int(num)
    if count <= 0:
        raise invalid_argument(f"Requires num > 0: {count}")
    first = xp.reshape(xp.asarray(start), (1,))
    if count == 1:
        return first
    last = xp.reshape(xp.asarray(stop), (1,))
    step = ((last - first) / np.asarray(count - 1, start.dtype)).astype(start.dtype)
    inner = first + step * np.arange(1, count - 1).astype(start.dtype)
    return xp.concatenate([first, inner.astype(start.dtype), last])


@lin_space.shape
def _lin_space_shape(start, stop, num):
    for item in (start, stop, num.shape):
        if item:
            raise ValueError(f"Shape must be rank 0 but is rank {len(item)}")
    count = num.integers()
    if not count or count[0] is None:
        return (None,)
    if count[0] <= 0:
        raise ValueError(f"Requires num > 0: {count[0]}")
    return count


@lin_space.samples
def _lin_space_samples(s):
    for dtype in s.dtypes("T"):
        yield s(dtype.as_numpy_dtype(-1), dtype.as_numpy_dtype(2), 5)
    yield s(0.0, 1.0, np.int64(7))
    yield s(0.0, 1.0, 1)
    yield s(0.0, 1.0, 2)
    yield s(0.0, 1.0, 0, error="InvalidArgumentError")
    yield s([0.0], 1.0, 2, error="InvalidArgumentError")


@op(
    "OneHot",
    "indices: TI, depth: static int32, on_value: T, off_value: T -> output: T",
    TI=default("int64", ("uint8", "int8", "int32", "int64")),
    differentiable=False,
)
def one_hot_op(xp, indices, depth, on_value, off_value, *, axis: int = -1):
    """Puts ``on_value`` at the place that each index names along a new dimension, and ``off_value`` elsewhere."""
    rank = len(indices.shape)
    if not (axis == -1 or 0 <= axis <= rank):
        raise invalid_argument(f"Expected axis to be -1 or between [0, {rank + 1}).  But received: {axis}")
    if depth.shape:
        raise invalid_argument(f"depth must be a scalar, but got: {shape_text(depth.shape)}")
    if int(depth) < 0:
        raise invalid_argument(f"depth must be non-negative, got: {int(depth)}")
    for name, value in (("on_value", on_value), ("off_value", off_value)):
        if value.shape:
            raise invalid_argument(f"{name} must be a scalar, but got: {shape_text(value.shape)}")
    place = rank if axis == -1 else axis
    require_memory((*indices.shape, int(depth)), on_value.dtype.itemsize)
    places = np.arange(int(depth)).reshape((-1, *(1,) * (rank - place)))
    return xp.where(xp.expand_dims(indices, place) == places, on_value, off_value)


@one_hot_op.shape
def _one_hot_shape(indices, depth, on_value, off_value, *, axis):
    if axis < -1:
        raise ValueError(f"axis must be >= -1, got {axis}")
    for item in (depth.shape, on_value, off_value):
        if item:
            raise ValueError(f"Shape must be rank 0 but is rank {len(item)}")
    known = depth.integers()
    extent = known[0] if known else None
    if extent is not None and extent < 0:
        raise ValueError(f"depth must be non-negative, got: {extent}")
    if indices is None:
        return None
    place = len(indices) if axis == -1 else axis

    return (*indices[:place], extent, *indices[place:])


@one_hot_op.samples
def _one_hot_samples(s):
    indices = np.array([0, 2, -1, 5], np.int64)
    for dtype in s.dtypes("T"):
        yield s(indices, 3, s.array((), dtype), s.array((), dtype))
    for dtype in s.dtypes("TI"):
        yield s(np.array([[0, 2], [1, 1]], dtype.as_numpy_dtype), 3, 1.0, 0.0, axis=0)
    yield s(np.array([[0, 2], [1, 1]]), 3, 1.0, 0.0, axis=1)
    yield s(1, 3, 1.0, 0.0)
    yield s(indices, 0, 1.0, 0.0)
    yield s(indices, 3, 1.0, 0.0, axis=5, error="InvalidArgumentError")
    yield s(indices, -1, 1.0, 0.0, error="InvalidArgumentError")


# Public functions.

_RANGE_ORDER = ("int16", "uint32", "int32", "int64", "float16", "bfloat16", "float32", "float64")


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = "range") -> Any:
    """Returns a sequence of numbers.

    Args:
      start: the first number; if ``limit`` is None, the limit of a sequence that starts at 0.
      limit: the number before which the sequence ends.
      delta: the step.
      dtype: the type of the numbers; by default that of the arguments, the widest if they differ.
      name: the node's name.

    Raises:
      InvalidArgumentError: (in a graph, ValueError) ``delta`` is zero or leads away from ``limit``.

    >>> range(3, 9, 2).numpy().tolist()
    [3, 5, 7]
    """
    if limit is None:
        start, limit = 0, start
    if start.__class__ is int and limit.__class__ is int and delta.__class__ is int and dtype is None:
        if context.current_graph() is None and delta > 0 and start <= limit < 2**31 and start >= -(2**31):
            return wrap(np.arange(start, limit, delta, dtype=np.int32))
    with name_scope(name, "range") as scope:
        if dtype is not None:
            dtype = dtypes.as_dtype(dtype)
        parts = []
        for value, part in ((start, "start"), (limit, "limit"), (delta, "delta")):
            if isinstance(value, Tensor) or hasattr(value, "_dense_var_to_tensor"):
                parts.append(convert_to_tensor(value))
            else:
                parts.append(convert_to_tensor(value, dtype, name=part))
        if dtype is None:
            found = [part.dtype.base_dtype for part in parts]
            names = [kind.name for kind in found]
            if all(kind in _RANGE_ORDER for kind in names):
                dtype = dtypes.as_dtype(max(names, key=_RANGE_ORDER.index))
            else:
                dtype = found[0]
        parts = [part if part.dtype.base_dtype is dtype else raw.Cast(part, DstT=dtype) for part in parts]
        return range_op(*parts, name=scope if context.current_graph() is not None else None)


def linspace(start: Any, stop: Any, num: Any, name: str | None = None, axis: int = 0) -> Any:
    """Returns evenly spaced numbers over intervals, both ends included.

    Args:
      start, stop: the ends, tensors of one dtype that broadcast against each other.
      num: how many numbers, a non-negative integer.
      name: the scope of the nodes.
      axis: where the new dimension goes.

    Raises:
      InvalidArgumentError: ``num`` is negative.
    """
    with name_scope(name, "linspace"):
        start = convert_to_tensor(start, name="start")
        stop = convert_to_tensor(stop, start.dtype, name="stop")
        count = _integer_tensor(num, "num")
        both = raw.BroadcastArgs(shape(start), shape(stop))
        start = expand_dims(raw.BroadcastTo(start, both), axis)
        stop = expand_dims(raw.BroadcastTo(stop, both), axis)
        sizes = shape(start)
        place = axis if axis >= 0 else raw.Rank(start) + axis
        steps = raw.Maximum(count - 1, 1)
        delta = (stop - start) / raw.Cast(steps, DstT=stop.dtype)
        start, stop = (raw.Cast(item, DstT=delta.dtype) for item in (start, stop))
        # A negative count makes a range that fails.
        last = where(count >= 0, steps, -1)
        multiples = raw.Cast(raw.Range(*(raw.Cast(item, DstT=dtypes.int64) for item in (1, last, 1))), DstT=delta.dtype)
        here = raw.Equal(raw.Range(0, raw.Rank(start), 1), place)
        multiples = reshape(multiples, where(here, raw.Maximum(count - 2, 0), 1))
        inner = start + delta * multiples
        joined = concat([start, inner, stop], axis)
        return raw.Slice(joined, raw.ZerosLike(sizes), where(here, count, sizes))


def _integer_tensor(value: Any, name: str, dtype: Any = dtypes.int32) -> Any:
    tensor = convert_to_tensor(value, name=name)
    if not tensor.dtype.is_integer:
        raise TypeError(
            f"Argument `tensor` (name: {name}) must be of type integer. Received `tensor` = {value} of dtype: "
            f"{tensor.dtype!r}"
        )
    return raw.Cast(tensor, DstT=dtype)


def one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Any:
    """Returns vectors that hold one value at the place that an index names, and another elsewhere.

    Args:
      indices: the places; one that is out of range gives a vector without ``on_value``.
      depth: the length of the vectors.
      on_value: the value at the place; 1 by default.
      off_value: the value elsewhere; 0 by default.
      axis: the dimension of the vectors; the last by default.
      dtype: the type of the result; by default that of the values, or float32.
      name: the node's name.

    Raises:
      TypeError: the values and ``dtype`` do not agree.
    """
    if on_value is None and off_value is None and context.current_graph() is None:
        kind = dtypes.as_dtype(dtype or dtypes.float32)
        if kind is dtypes.string:
            raise TypeError("Cannot convert 1 to EagerTensor of dtype string: give on_value and off_value.")
        one, zero = (wrap(kind.as_numpy_dtype(value)) for value in (1, 0))
        indices = convert_to_tensor(indices, dtype_hint=dtypes.int64)
        depth = wrap(np.int32(depth)) if depth.__class__ is int and 0 <= depth < 2**31 else depth
        return one_hot_op.call(indices, depth, one, zero, axis=-1 if axis is None else axis)
    with name_scope(name, "one_hot") as scope:
        if dtype is not None:
            dtype = dtypes.as_dtype(dtype)
        found = {
            key: convert_to_tensor(value, dtype_hint=dtype)
            for key, value in (("on_value", on_value), ("off_value", off_value))
            if value is not None
        }
        kinds = {key: value.dtype.base_dtype for key, value in found.items()}
        if dtype is not None:
            for key, kind in kinds.items():
                if kind is not dtype:
                    raise TypeError(f"dtype {kind!r} of {key} does not match dtype parameter {dtype!r}")
        elif kinds:
            dtype = next(iter(kinds.values()))
            if len(set(kinds.values())) > 1:
                raise TypeError(
                    f"dtype {kinds['on_value']!r} of on_value does not match dtype {kinds['off_value']!r} of off_value"
                )
        else:
            dtype = dtypes.float32
        values = {
            key: found[key] if key in found else convert_to_tensor(standard, dtype, name=key)
            for key, standard in (("on_value", 1), ("off_value", 0))
        }
        return one_hot_op(
            indices,
            depth,
            values["on_value"],
            values["off_value"],
            axis=-1 if axis is None else axis,
            name=scope if context.current_graph() is not None else None,
        )


def meshgrid(*args: Any, **kwargs: Any) -> list[Any]:
    """Returns the coordinates of a grid: for each vector, a tensor in which it varies along its own dimension.

    Args:
      *args: vectors.
      indexing: ``"xy"`` (the first two dimensions exchanged, as for pictures; the default) or ``"ij"``.
      name: the scope of the nodes.

    Raises:
      TypeError: there is another keyword argument.
      ValueError: ``indexing`` is neither of the two.
    """
    indexing = kwargs.pop("indexing", "xy")
    name = kwargs.pop("name", "meshgrid")
    if kwargs:
        raise TypeError(f"{next(iter(kwargs))!r} is an invalid keyword argument for this function")
    if indexing not in ("xy", "ij"):
        raise ValueError(f"Argument `indexing` parameter must be either 'xy' or 'ij', got '{indexing}'")
    with name_scope(name, "meshgrid"):
        count = len(args)
        if not count:
            return []
        vectors = [
            reshape(convert_to_tensor(vector), [-1 if place == own else 1 for place in builtins.range(count)])
            for own, vector in enumerate(args)
        ]
        sizes = [size(vector) for vector in vectors]
        if indexing == "xy" and count > 1:
            order = [1, 0, *builtins.range(2, count)]
            vectors[0] = reshape(vectors[0], [1, -1] + [1] * (count - 2))
            vectors[1] = reshape(vectors[1], [-1, 1] + [1] * (count - 2))
        else:
            order = list(builtins.range(count))
        extent = raw.Pack([sizes[place] for place in order], axis=0)
        return [raw.BroadcastTo(vector, extent) for vector in vectors]


def repeat(input: Any, repeats: Any, axis: int | None = None, name: str | None = None) -> Any:
    """Returns a tensor in which each element (or slice along ``axis``) stands several times in a row.

    Args:
      input: the tensor.
      repeats: how many times: an integer, or one for each slice.
      axis: the dimension; by default the tensor is flattened first.
      name: the scope of the nodes.

    Raises:
      ValueError: ``axis`` is out of range, or ``repeats`` has another length than the dimension.
    """
    if axis is None:
        input, axis = reshape(input, [-1]), 0
    with name_scope(name, "Repeat"):
        data = convert_to_tensor(input, name="data")
        counts = convert_to_tensor(repeats, name="repeats")
        if not counts.dtype.is_integer:
            raise TypeError(f"`repeats` must be integers, got {counts.dtype.name}")
        counts = raw.Cast(counts, DstT=counts.dtype if counts.dtype.name in INDEX else dtypes.int32)
        sizes, lengths = static_shape(data), static_shape(counts)
        if lengths is not None and len(lengths) > 1:
            raise ValueError(f"Shape {lengths} must have rank at most 1")
        if sizes == ():
            data, sizes = reshape(data, [1]), (1,)
        if sizes is None:
            if axis < 0:
                raise ValueError("rank(data) must be known where axis is negative")
        elif not -len(sizes) <= axis < len(sizes):
            raise ValueError(f"axis={axis} out of bounds: expected {-len(sizes)}<=axis<{len(sizes)}")
        else:
            axis %= len(sizes)
        if lengths is not None and None not in lengths and int(np.prod(lengths)) == 1:
            return _repeat_evenly(data, reshape(counts, []), axis)
        if lengths and sizes is not None and None not in (lengths[0], sizes[axis]) and lengths[0] != sizes[axis]:
            raise ValueError(f"Dimensions {sizes[axis]} and {lengths[0]} are not compatible")
        if not context.SPECIAL and data.__class__ is EagerTensor:
            return wrap(np.repeat(np.asarray(data._value), np.asarray(counts._value), axis=axis))
        extent = shape(data, counts.dtype)
        counts = raw.BroadcastTo(counts, extent[axis : axis + 1])
        most = raw.Maximum(convert_to_tensor(0, counts.dtype), raw.Max(counts, all_axes(counts), keep_dims=False))
        mask = sequence_mask(counts, most)
        tiled = _tiled(expand_dims(data, axis + 1), axis + 1, most)
        return boolean_mask(tiled, mask, axis=axis)


def _tiled(data: Any, axis: int, count: Any) -> Any:
    """Repeats a tensor along one dimension."""
    sizes = static_shape(data)
    if sizes is not None:
        multiples: list[Any] = [1] * len(sizes)
        multiples[axis] = count
        return raw.Tile(data, multiples)
    here = raw.Equal(raw.Range(0, rank(data), 1), axis)
    return raw.Tile(data, where(here, count, convert_to_tensor(1, count.dtype)))


def _repeat_evenly(data: Any, count: Any, axis: int) -> Any:
    tiled = _tiled(expand_dims(data, axis + 1), axis + 1, count)
    extent = shape(data, count.dtype)
    wanted = concat([extent[:axis], expand_dims(extent[axis] * count, 0), extent[axis + 1 :]], 0)
    result = reshape(tiled, wanted)
    known, times = static_shape(data), static_value(count)
    if result.__class__ is not EagerTensor and known is not None:
        own = None if times is None or known[axis] is None else known[axis] * int(times)
        result.set_shape((*known[:axis], own, *known[axis + 1 :]))
    return result


def eye(
    num_rows: Any,
    num_columns: Any = None,
    batch_shape: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Any:
    """Returns an identity matrix, or a batch of them.

    Args:
      num_rows: the number of rows.
      num_columns: the number of columns; as many as rows by default.
      batch_shape: the leading dimensions.
      dtype: the type of the elements.
      name: the scope of the nodes.
    """
    with name_scope(name, "eye"):
        square = num_columns is None
        columns = num_rows if square else num_columns
        batch = [] if batch_shape is None else batch_shape
        known = [static_value(item) if isinstance(item, Tensor) else item for item in (num_rows, columns)]
        fixed = static_value(batch) if isinstance(batch, Tensor) else batch
        if all(item is not None for item in known) and fixed is not None and not _holds_tensor(fixed):
            height, width = (int(item) for item in known)
            lead = [int(item) for item in np.asarray(fixed).reshape(-1)]
            if context.current_graph() is None and min(height, width, *lead) >= 0:
                require_memory((*lead, height, width), dtypes.as_dtype(dtype).size)
            diagonal = ones([*lead, min(height, width)], dtype)
            if square:
                return _matrix_diag(diagonal)
            return raw.MatrixSetDiagV3(zeros([*lead, height, width], dtype), diagonal, 0)
        least = raw.Minimum(num_rows, columns)
        lead = convert_to_tensor(batch, dtypes.int32, name="shape")
        diagonal = ones(concat([lead, [least]], 0), dtype)
        if square:
            return _matrix_diag(diagonal)
        matrix = zeros(concat([lead, [num_rows, columns]], 0), dtype)
        return raw.MatrixSetDiagV3(matrix, diagonal, 0)


def _holds_tensor(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(isinstance(item, Tensor) for item in value)


def _matrix_diag(diagonal: Any) -> Any:
    zero = False if diagonal.dtype is dtypes.bool else 0
    return raw.MatrixDiagV3(diagonal, 0, -1, -1, zero, name="diag")
