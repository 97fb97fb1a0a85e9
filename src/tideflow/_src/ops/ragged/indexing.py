"""Indexing of ragged tensors with ``[]``: rows by number, slices of rows and within rows, new axes."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from tideflow._src.core import context
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.gathering import gather
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.selection import where_v2
from tideflow._src.ops.array.shape import size
from tideflow._src.ops.control.assertions import assert_greater_equal, assert_less
from tideflow._src.ops.control.grouping import control_dependencies
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

_slice_type = builtins.slice
_EVERYTHING = _slice_type(None, None, None)


def ragged_getitem(rt_input: Any, key: Any) -> Any:
    """Returns ``rt_input[key]`` for a ragged tensor.

    Args:
      rt_input: a ragged tensor.
      key: integers, slices, ``...``, ``tf.newaxis`` and scalar integer tensors, alone or several in a tuple or list.
        An integer selects a row; it may not select within an inner ragged dimension, whose rows need not have as many.

    Returns:
      A ragged tensor; a tensor where no ragged dimension is left.

    Raises:
      ValueError: an integer for an inner ragged dimension, or ``...`` for a tensor of unknown rank.
      TypeError: an index of another kind.
      IndexError: (eagerly) there is no such row, or there are too many indices.
    """
    keys = list(key) if isinstance(key, list | tuple) else [key]
    with name_scope(None, "RaggedGetItem"):
        return _getitem(rt_input, keys)


def _getitem(rt: Any, keys: list[Any]) -> Any:
    if not keys:
        return rt
    key, inner = keys[0], keys[1:]
    if key is Ellipsis:
        return _getitem(rt, _without_ellipsis(keys, rt.shape.rank))
    if key is None:
        row = _getitem(rt, inner)
        return type(rt).from_uniform_row_length(row, _row_count(row), nrows=1, validate=False)
    if isinstance(key, _slice_type):
        rows = _sliced_rows(rt, key)
        if rt.uniform_row_length is not None:
            rows = type(rt).from_uniform_row_length(rows.values, rt.uniform_row_length, nrows=rows.nrows())
        return _inner_getitem(rows, inner)
    starts, limits = rt.row_splits[:-1], rt.row_splits[1:]
    if context.executing_eagerly() and isinstance(key, int | np.integer | Tensor) and not np.ndim(key):
        if int(key) >= len(starts):  # what ends a loop over the rows
            raise IndexError(f"Row key {key} out of bounds")
    return rt.values[starts[key] : limits[key]][inner]


def _sliced_rows(rt: Any, key: Any) -> Any:
    """Returns the rows that a slice selects."""
    if key == _EVERYTHING:
        return rt
    starts, limits = rt.row_splits[:-1][key], rt.row_splits[1:][key]
    if key.step is not None and not (isinstance(key.step, int) and key.step == 1):
        return _of_ranges(rt, starts, limits, 1)
    zero = convert_to_tensor(np.zeros(1, rt.row_splits.dtype.as_numpy_dtype))
    # No rows leave a single split, 0; others the start of the first and the limit of each.
    splits = concat([zero[size(starts) :], starts[:1], limits], axis=0)
    return type(rt).from_row_splits(rt.values[splits[0] : splits[-1]], splits - splits[0], validate=False)


def _inner_getitem(rt: Any, keys: list[Any]) -> Any:
    """Applies indices to the dimensions after the first."""
    if not keys:
        return rt
    if not hasattr(rt, "row_splits"):
        return rt[[_EVERYTHING, *keys]]
    key, inner = keys[0], keys[1:]
    if key is Ellipsis:
        return _inner_getitem(rt, _without_ellipsis(keys, rt.values.shape.rank))
    if key is None:
        rows = _inner_getitem(rt, inner)
        return type(rt).from_uniform_row_length(rows, 1, nrows=_row_count(rows), validate=False)
    if isinstance(key, _slice_type):
        if key == _EVERYTHING:
            return rt.with_values(_inner_getitem(rt.values, inner))
        parts = _sliced_columns(rt, key)
        return parts.with_values(_inner_getitem(parts.values, inner))
    length = rt.uniform_row_length
    if length is None:
        raise ValueError("Cannot index into an inner ragged dimension.")
    column = raw.Cast(convert_to_tensor(key), DstT=length.dtype)
    message = "Index out of bounds when indexing into a ragged tensor"
    checks = [assert_greater_equal(column, -length, message=message), assert_less(column, length, message=message)]
    with control_dependencies([check for check in checks if check is not None]):
        offset = _by_sign(column, column, length + column)
        return _inner_getitem(rt.values[offset::length], inner)


def _sliced_columns(rt: Any, key: Any) -> Any:
    """Returns the part of each row that a slice selects."""
    for end in (key.start, key.stop):
        if not (end is None or isinstance(end, Tensor | int)):
            raise TypeError("slice offsets must be integers or None")
    starts, limits = rt.row_splits[:-1], rt.row_splits[1:]
    one = convert_to_tensor(1, starts.dtype)
    step = 1 if key.step is None else key.step
    before_first, before_last = starts - one, limits - one
    lowest, highest = _by_sign(step, starts, before_first), _by_sign(step, limits, before_last)

    def bound(offset: Any) -> Any:
        distance = raw.Cast(convert_to_tensor(offset), DstT=starts.dtype)
        return _by_sign(offset, raw.Minimum(starts + distance, highest), raw.Maximum(limits + distance, lowest))

    first = _by_sign(step, starts, before_last) if key.start is None else bound(key.start)
    last = _by_sign(step, limits, before_first) if key.stop is None else bound(key.stop)
    parts = _of_ranges(rt, first, last, step)
    if rt.uniform_row_length is None:
        return parts
    whole = raw.Fill(raw.ExpandDims(rt.uniform_row_length, 0), False)
    length = size(whole[key], out_type=rt.uniform_row_length.dtype)
    return type(rt).from_uniform_row_length(parts.values, length, rt.nrows())


def _of_ranges(rt: Any, starts: Any, limits: Any, step: Any) -> Any:
    """Returns the ragged tensor whose row ``i`` is ``rt.values[starts[i]:limits[i]:step]``."""
    step = convert_to_tensor(step, name="step")
    if not step.dtype.is_integer:
        raise TypeError("slice strides must be integers or None")
    kind = starts.dtype
    splits, positions = raw.RaggedRange(starts, limits, raw.Cast(step, DstT=kind), Tsplits=kind)
    return type(rt).from_row_splits(gather_rows(rt.values, positions), splits, validate=False)


def gather_rows(values: Any, positions: Any) -> Any:
    """Returns the rows of a tensor or ragged tensor at a vector of positions."""
    if not hasattr(values, "nested_row_splits"):
        return gather(values, positions)
    rank = values.ragged_rank
    splits, flat_values = raw.RaggedGather(
        list(values.nested_row_splits), values.flat_values, positions, OUTPUT_RAGGED_RANK=rank
    )
    return type(values).from_nested_row_splits(flat_values, splits, validate=False)


def _by_sign(number: Any, if_positive: Any, if_negative: Any) -> Any:
    """Returns the first of two values if a number, which may be known only to the running program, is not negative."""
    if isinstance(number, Tensor):
        known = static_value(number)
        if known is None:
            return where_v2(raw.GreaterEqual(number, convert_to_tensor(0, number.dtype)), if_positive, if_negative)
        number = int(known)
    return if_positive if number >= 0 else if_negative


def _row_count(rt: Any) -> Any:
    known = rt.row_splits.shape[0]
    if known is not None and getattr(known, "value", known) is not None:
        return int(known) - 1
    return raw.Shape(rt.row_splits, out_type=rt.row_splits.dtype)[0] - 1


def _without_ellipsis(keys: list[Any], rank: int | None) -> list[Any]:
    """Returns indices that begin with ``...`` with one slice in its place, or none if the others are enough."""
    if rank is None:
        raise ValueError("Ellipsis not supported for unknown shape RaggedTensors")
    count = sum(key is not None for key in keys)
    if count > rank + 1:
        raise IndexError("Too many indices for RaggedTensor")
    return keys[1:] if count == rank + 1 else [_EVERYTHING, *keys]
