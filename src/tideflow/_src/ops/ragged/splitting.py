"""``tf.split`` of ragged tensors."""

from __future__ import annotations

from typing import Any

from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.sequences import repeat
from tideflow._src.ops.control.assertions import assert_equal, assert_integer, assert_non_negative
from tideflow._src.ops.control.grouping import control_dependencies
from tideflow._src.ops.math.cumulative import cumsum
from tideflow._src.ops.math.division import floordiv
from tideflow._src.ops.ragged.ragged_parts import convert_to_tensor_or_ragged_tensor, positive_axis
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def split(value: Any, num_or_size_splits: Any, axis: Any = 0, num: Any = None, name: str | None = None) -> list[Any]:
    """Splits a ragged tensor along a dimension that is not ragged."""
    with name_scope(name, "RaggedSplit"):
        rt = convert_to_tensor_or_ragged_tensor(value, name="value")
        if isinstance(num_or_size_splits, int) and num_or_size_splits == 1:
            return [rt]
        assert_integer(
            num_or_size_splits,
            message="`num_or_size_splits` must be an `int` or 1-D list or `Tensor` of integers.",
        )
        axis = positive_axis(axis, rt.shape.rank, "axis", "rank(value)")
        size = _size(rt, axis)
        if isinstance(num_or_size_splits, int):
            count = num_or_size_splits
            if count < 1:
                raise ValueError(f"`num_or_size_splits` must be >=1 if it is an `int`.Received {num_or_size_splits}.")
            lengths = repeat(floordiv(size, count), count)
        else:
            lengths = convert_to_tensor(num_or_size_splits)
            rank = lengths.shape.rank
            if rank is not None and rank != 1:
                raise TypeError(
                    f"`num_or_size_splits` must be an `int` or 1-D list or `Tensor`. Received {num_or_size_splits}."
                )
            count = None if rank is None else lengths.shape[0]
            if count is None and num is None:
                raise ValueError(
                    "`num` must be specified as an `int` when the size of `num_or_size_split` is statically unknown. "
                    f"Received `num`: {num} and `num_or_size_split`: {num_or_size_splits}."
                )
            if count is not None and num not in (None, count):
                raise ValueError(
                    f"`num` does not match the size of `num_or_size_split`. Received `num`: {num} and size of "
                    f"`num_or_size_split`: {count}."
                )
            count = num if count is None else count
        splits = concat([raw.Fill([1], convert_to_tensor(0, lengths.dtype)), cumsum(lengths)], axis=0)
        checks = [
            assert_non_negative(num_or_size_splits, message="`num_or_size_splits` must be non-negative."),
            assert_equal(
                count, raw.Shape(lengths)[0], message="`num` is inconsistent with `num_or_size_split.shape[0]`."
            ),
            assert_equal(
                raw.Cast(convert_to_tensor(size), DstT=splits.dtype),
                splits[-1],
                message="Cannot exactly split the `axis` dimension of `value` with the given `num_or_size_split`.",
            ),
        ]
        with control_dependencies([check for check in checks if check is not None]):
            splits = raw.Identity(splits)
        before = [slice(None)] * axis
        return [rt[(*before, slice(splits[place], splits[place + 1]))] for place in range(count)]


def _size(rt: Any, axis: int) -> Any:
    """Returns the length of a dimension.

    Raises:
      ValueError: it is ragged.
    """
    levels = rt._nested_row_partitions
    if axis == 0:
        return rt.nrows()
    if axis > len(levels):
        return raw.Shape(rt.flat_values, out_type=levels[0].dtype)[axis - len(levels)]
    length = levels[axis - 1].uniform_row_length()
    if length is None:
        raise ValueError(f"Cannot split a ragged dimension. Got `value` with shape {rt.shape} and `axis` {axis}.")
    return length
