"""Arranges the elements of ragged tensors: tiles, reverses, adds and removes dimensions, masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array import masking, sequences
from tideflow._src.ops.array import shape as shapes
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.sequences import repeat
from tideflow._src.ops.control.assertions import Assert, assert_equal
from tideflow._src.ops.control.grouping import control_dependencies
from tideflow._src.ops.math import casting
from tideflow._src.ops.math.cumulative import cumprod
from tideflow._src.ops.math.reduction_functions import count_nonzero
from tideflow._src.ops.ragged.functional import integers, splits_of_lengths
from tideflow._src.ops.ragged.ragged_parts import convert_to_tensor_or_ragged_tensor, positive_axis
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor, match_row_splits_dtypes
from tideflow._src.ops.ragged.reductions import reduce_sum
from tideflow._src.ops.ragged.row_partition import RowPartition
from tideflow._src.ops.ragged.row_walk import same_rows
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def boolean_mask(data: Any, mask: Any, name: str | None = None) -> Any:
    """Keeps the elements of a (ragged) tensor where a mask is true, each in its row.

    >>> import tideflow as tf
    >>> print(tf.ragged.boolean_mask([[1, 2, 3], [4, 5, 6]], [[True, False, True], [False, False, True]]))
    <tf.RaggedTensor [[1, 3], [6]]>

    Args:
      data: a tensor or ragged tensor.
      mask: a boolean one of known rank, not a scalar, whose shape is that of the first dimensions of ``data``.
      name: the name scope.

    Returns:
      A ragged tensor of the ragged rank ``max(data.ragged_rank, mask.rank - 1)``; a tensor where that is 0.

    Raises:
      ValueError: the rank of the mask is not known, or 0.
      InvalidArgumentError: the rows of the mask are not those of the data.
    """
    with name_scope(name, "RaggedMask"):
        data = convert_to_tensor_or_ragged_tensor(data, name="data")
        mask = convert_to_tensor_or_ragged_tensor(mask, dtypes.bool, name="mask")
        dtype, _ = match_row_splits_dtypes(data, mask, return_dtype=True)
        return _masked(data, mask, dtype)


def _masked(data: Any, mask: Any, dtype: Any) -> Any:
    rank = mask.shape.rank
    if rank is None:
        raise ValueError("mask.shape.ndims must be known statically.")
    if rank == 0:
        raise ValueError("mask cannot be scalar.")
    if not isinstance(mask, RaggedTensor):
        if not isinstance(data, RaggedTensor):
            return _masked_tensor(data, mask, rank, dtype)
        if rank == 1:
            kept = masking.boolean_mask(data.row_lengths(), mask)
            values = _masked(data.values, raw.GatherV2(mask, data.value_rowids(), 0), dtype)
            return RaggedTensor.from_row_splits(values, splits_of_lengths(kept), validate=False)
        mask = RaggedTensor.from_tensor(
            mask, ragged_rank=min(data.ragged_rank, rank - 1), row_splits_dtype=data.row_splits.dtype
        )
    if not isinstance(data, RaggedTensor):
        data = RaggedTensor.from_tensor(data, ragged_rank=mask.ragged_rank, row_splits_dtype=mask.row_splits.dtype)
    levels = zip(mask._nested_row_partitions, data._nested_row_partitions, strict=False)
    checks = [
        assert_equal(mine.row_splits(), other.row_splits(), message="Inputs must have identical ragged splits")
        for mine, other in levels
        if not same_rows(mine, other)
    ]
    with control_dependencies([check for check in checks if check is not None]):
        splits = []
        while isinstance(mask, RaggedTensor):
            if mask.shape.rank > 2:  # type: ignore[operator]
                splits.append(mask.row_splits)
            else:
                ones = mask.with_flat_values(raw.Cast(mask.flat_values, DstT=dtype))
                splits.append(splits_of_lengths(reduce_sum(ones, axis=1)))
            mask, data = mask.values, data.values
        return RaggedTensor.from_nested_row_splits(_masked(data, mask, dtype), splits, validate=False)


def _masked_tensor(data: Any, mask: Any, rank: int, dtype: Any) -> Any:
    result = masking.boolean_mask(data, mask)
    if rank < 2:
        return result
    counts = raw.Reshape(count_nonzero(mask, axis=-1, dtype=dtype), [-1])
    result = RaggedTensor.from_row_lengths(result, counts, validate=False)
    if rank > 2:
        sizes = raw.Shape(mask, out_type=dtype)
        rows = cumprod(sizes)
        one = convert_to_tensor(1, dtype)
        for axis in range(rank - 3, -1, -1):
            numbers = raw.Range(convert_to_tensor(0, dtype), raw.AddV2(rows[axis], one), one)
            result = RaggedTensor.from_row_splits(result, raw.Mul(numbers, sizes[axis + 1]), validate=False)
    return result


def tile(input: Any, multiples: Any, name: str | None = None) -> Any:
    """Repeats a ragged tensor along its dimensions."""
    with name_scope(name, "RaggedTile"):
        rt = convert_to_tensor_or_ragged_tensor(input, name="input")
        multiples = integers(multiples, "multiples", rt.row_splits.dtype)
        multiples.shape.assert_has_rank(1)
        known = static_value(multiples)
        times = [multiples[axis] for axis in range(rt.ragged_rank + 1)]
        values = rt.flat_values
        inner = np.ones(0) if known is None else known[rt.ragged_rank + 1 :]
        if known is None or known.size != rt.shape.rank or (inner != 1).any():
            one = np.ones(1, multiples.dtype.as_numpy_dtype)
            values = raw.Tile(values, concat([one, multiples[rt.ragged_rank + 1 :]], axis=0))
        if known is None or known[0] != 1:
            times_known = None if known is None else int(known[0])
            rt = _repeated_whole(rt.with_flat_values(values), times[0], times_known)
        else:
            rt = rt.with_flat_values(values)
        return _tiled_rows(rt, times[1:], None if known is None else known[1:])


def _repeated_whole(rt: Any, times: Any, known: int | None) -> Any:
    """Repeats all rows of a ragged tensor, or a tensor, one copy behind the other."""
    if not isinstance(rt, RaggedTensor):
        ones = raw.Fill(raw.ExpandDims(raw.Sub(raw.Rank(rt), 1), 0), convert_to_tensor(1, times.dtype))
        return raw.Tile(rt, concat([raw.ExpandDims(times, 0), ones], axis=0))
    partition = rt._row_partition
    lengths = raw.Tile(partition.row_lengths(), raw.ExpandDims(times, 0))
    if known is not None and partition.static_nrows is not None:
        lengths.set_shape([known * partition.static_nrows])
    values = _repeated_whole(rt.values, times, known)
    return RaggedTensor.from_row_lengths(values, lengths, validate=False)


def _tiled_rows(rt: Any, times: Sequence[Any], known: Any) -> Any:
    """Repeats the values of each row; the first of ``times`` is for the outermost rows."""
    if not times:
        return rt
    partition = rt._row_partition
    values = _tiled_rows(rt.values, times[1:], None if known is None else known[1:])
    if known is not None and known[0] == 1:
        return rt.with_values(values)
    # Each row's values lie where they began, so many times over.
    starts = repeat(partition.row_starts(), times[0])
    lengths = repeat(partition.row_lengths(), times[0])
    one = convert_to_tensor(1, starts.dtype)
    places = raw.RaggedRange(starts, raw.AddV2(starts, lengths), one, Tsplits=dtypes.int64).rt_dense_values
    rows = RowPartition.from_row_lengths(raw.Mul(partition.row_lengths(), times[0]), validate=False)
    return RaggedTensor._from_row_partition(_rows_at(values, places), rows, validate=False)


def _rows_at(values: Any, places: Any) -> Any:
    if not isinstance(values, RaggedTensor):
        return raw.GatherV2(values, places, 0)
    found = raw.RaggedGather(
        list(values.nested_row_splits), values.flat_values, places, OUTPUT_RAGGED_RANK=values.ragged_rank
    )
    return RaggedTensor._from_components(found.output_dense_values, found.output_nested_splits)


def expand_dims(input: Any, axis: Any, name: str | None = None) -> Any:
    """Adds a dimension of length 1 to a ragged tensor."""
    with name_scope(name, "RaggedExpandDims"):
        rt = convert_to_tensor_or_ragged_tensor(input, name="input")
        if not isinstance(rt, RaggedTensor):
            return shapes.expand_dims(rt, axis)
        rank = rt.shape.rank
        axis = positive_axis(axis, None if rank is None else rank + 1, "axis", "rank(input)")
        if axis == 0:
            return RaggedTensor.from_uniform_row_length(rt, rt.nrows(), nrows=1, validate=False)
        if axis == 1:
            return RaggedTensor.from_uniform_row_length(rt, 1, nrows=rt.nrows(), validate=False)
        return rt.with_values(expand_dims(rt.values, axis - 1))


def expand_dims_v1(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Any:
    """Does the same with the name that ``axis`` had first."""
    return expand_dims(input, axis if dim is None else dim, name)


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Any:
    """Removes dimensions of length 1 of a ragged tensor."""
    with name_scope(name, "RaggedSqueeze"):
        rt = convert_to_tensor_or_ragged_tensor(input)
        if axis is None:
            raise ValueError("Ragged.squeeze must have an axis argument.")
        if isinstance(axis, int):
            axis = [axis]
        elif not isinstance(axis, list | tuple) or not all(isinstance(each, int) for each in axis):
            raise TypeError("Axis must be a list or tuple of integers.")
        rank = rt.shape.rank
        axes = {positive_axis(each, rank, f"axis[{place}]", "rank(input)") for place, each in enumerate(axis)}
        levels = rt.ragged_rank
        checks = [
            Assert(
                raw.All(raw.Equal(lengths, convert_to_tensor(1, lengths.dtype)), [0]),
                [f"the given axis (axis = {level}) is not squeezable!"],
            )
            for level, lengths in enumerate(rt.nested_row_lengths(), start=1)
            if level in axes
        ]
        if 0 in axes:
            one = convert_to_tensor(1, rt.row_splits.dtype)
            checks.append(Assert(raw.Equal(rt.nrows(), one), ["the given axis (axis = 0) is not squeezable!"]))
        with control_dependencies([check for check in checks if check is not None]):
            values = raw.Identity(rt.flat_values)
        inner = sorted(each - levels for each in axes if each > levels)
        if inner:
            values = shapes.squeeze(values, inner)
        rest = [partition for level, partition in enumerate(rt._nested_row_partitions, start=1) if level not in axes]
        if rest and 0 in axes:
            del rest[0]
        result = RaggedTensor._from_nested_row_partitions(values, rest, validate=False)
        if axes.issuperset(range(levels + 1)):
            return shapes.squeeze(result, [0])
        return result


def squeeze_v1(input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None) -> Any:
    """Does the same with the name that ``axis`` had first.

    Raises:
      ValueError: both are given.
    """
    if squeeze_dims is not None:
        if axis is not None:
            raise ValueError("Cannot specify both 'axis' and 'squeeze_dims'.")
        axis = squeeze_dims
    return squeeze(input, axis, name)


def size(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> Any:
    """Tells how many elements a ragged tensor has."""
    rt = convert_to_tensor_or_ragged_tensor(input)
    return shapes.size(rt.flat_values, out_type=out_type, name=name)


def size_v1(input: Any, name: str | None = None, out_type: Any = dtypes.int32) -> Any:
    """Does the same with the parameters in the order of TensorFlow 1.x."""
    return size(input, out_type, name)


def rank(input: Any, name: str | None = None) -> Any:
    """Tells how many dimensions a ragged tensor has."""
    with name_scope(name, "RaggedRank"):
        rt = convert_to_tensor_or_ragged_tensor(input)
        return raw.AddV2(convert_to_tensor(rt.ragged_rank), raw.Rank(rt.flat_values))


def one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: Any = None,
    dtype: Any = None,
    name: str | None = None,
) -> Any:
    """Makes a vector with one element on of each element of a ragged tensor."""
    rt = convert_to_tensor_or_ragged_tensor(indices, name="indices")
    if isinstance(axis, int) and axis >= 0:
        if axis <= rt.ragged_rank:
            raise ValueError(f"axis ({axis}) must be greater than indices.ragged_rank ({rt.ragged_rank}).")
        axis -= rt.ragged_rank
    with name_scope(name, "RaggedOneHot"):
        return rt.with_flat_values(sequences.one_hot(rt.flat_values, depth, on_value, off_value, axis, dtype))


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Any:
    """Reverses a ragged tensor along dimensions."""
    problem = "`axis` must be a list of int or a constant tensorwhen reversing axes in a ragged tensor"
    with name_scope(name, "Reverse"):
        if isinstance(axis, Tensor):
            axis = static_value(axis)
            if axis is None:
                raise TypeError(problem)
            axis = np.asarray(axis).tolist()
        elif not isinstance(axis, list | tuple) or not all(isinstance(each, int) for each in axis):
            raise TypeError(problem)
        rt = convert_to_tensor_or_ragged_tensor(tensor, name="tensor")
        axes = [positive_axis(each, rt.shape.rank, f"axis[{place}]", "rank(tensor)") for place, each in enumerate(axis)]
        slices = [slice(None)] * (max(axes) + 1 if axes else 0)
        for each in axes:
            slices[each] = slice(None, None, -1)
        return rt[tuple(slices)]


def bitcast(input: Any, type: Any, name: str | None = None) -> Any:
    """Takes the bits of the elements of a ragged tensor for another type."""
    type = dtypes.as_dtype(type)
    with name_scope(name, "Bitcast"):
        rt = convert_to_tensor_or_ragged_tensor(input, name="input")
        inner = rt.flat_values.shape.rank
        if rt.dtype.size < type.size and inner is not None and inner < 2:
            raise ValueError(
                "`input.flat_values` is required to have rank >= 2 when input.dtype.size < type.size. Actual rank: "
                f"{inner}"
            )
        return rt.with_flat_values(casting.bitcast(rt.flat_values, type))
