"""Works out what a strided slice selects: from begins, ends, strides and masks to an index that NumPy understands.

TensorFlow writes an index such as ``x[1:, ..., None, -1]`` as three vectors with an entry for each item, and five
masks whose bit ``i`` says that item ``i`` has no begin or no end, is the ellipsis, is a new axis, or is a single
position, which disappears from the shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

Size = int | None


class Masks(NamedTuple):
    """Is what is special about the items of an index; bit ``i`` of each mask tells of item ``i``.

    Attributes:
      begin_mask, end_mask: whether the item has no begin, or no end.
      ellipsis_mask: whether it is the ellipsis.
      new_axis_mask: whether it adds a dimension of size 1.
      shrink_axis_mask: whether it is a single position, whose dimension disappears.
    """

    begin_mask: int = 0
    end_mask: int = 0
    ellipsis_mask: int = 0
    new_axis_mask: int = 0
    shrink_axis_mask: int = 0


class StridedIndex(NamedTuple):
    """Is a strided slice applied to one shape.

    Attributes:
      index: slices, integers and None, for ``array[index]``; empty where something is unknown.
      shape: the shape of what is selected; None for unknown sizes.
    """

    index: tuple[Any, ...]
    shape: tuple[Size, ...]


def strided_index(
    shape: Sequence[Size],
    begin: Sequence[int] | None,
    end: Sequence[int] | None,
    strides: Sequence[int],
    masks: Masks,
) -> StridedIndex:
    """Applies a strided slice to a shape.

    Args:
      shape: the shape that is indexed; None for unknown sizes.
      begin, end: where each item begins and ends; None if not known.
      strides: the step of each item.
      masks: what is special about each item.

    Raises:
      ValueError: the slice does not fit the shape, or contradicts itself.
    """
    begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask = masks
    if ellipsis_mask & (ellipsis_mask - 1):
        raise ValueError("Multiple ellipses in slice spec not allowed")
    count, rank = len(strides), len(shape)
    has_ellipsis = any(ellipsis_mask >> item & 1 for item in range(count))
    used = sum(1 for item in range(count) if not (ellipsis_mask | new_axis_mask) >> item & 1)
    index: list[Any] = []
    sizes: list[Size] = []
    known = True
    axis = 0
    for item in range(count):
        if ellipsis_mask >> item & 1:
            for _ in range(rank - used):
                index.append(slice(None))
                sizes.append(shape[axis])
                axis += 1
            continue
        if new_axis_mask >> item & 1:
            index.append(None)
            sizes.append(1)
            continue
        if axis >= rank:
            raise ValueError(f"Index out of range using input dim {axis}; input has only {rank} dims")
        size = shape[axis]
        stride = strides[item]
        shrink = bool(shrink_axis_mask >> item & 1)
        if stride == 0:
            raise ValueError(f"strides[{axis}] must be non-zero")
        if shrink and stride <= 0 and size is not None:
            raise ValueError("only stride 1 allowed on non-range indexing.")
        first = None if begin is None else begin[item]
        last = None if end is None else end[item]
        masked = bool(begin_mask >> item & 1), bool(end_mask >> item & 1)
        if shrink:
            position = _position(first, size, axis)
            known = known and position is not None
            index.append(position)
        else:
            selected, length = _range(first, last, stride, masked, size)
            known = known and selected is not None
            index.append(selected)
            sizes.append(length)
        axis += 1
    if has_ellipsis or axis < rank:
        for size in shape[axis:]:
            index.append(slice(None))
            sizes.append(size)
    return StridedIndex(tuple(index) if known else (), tuple(sizes))


def _position(first: int | None, size: Size, axis: int) -> int | None:
    """Returns a single position counted from the start, or None if it is not known."""
    if first is None or size is None:
        return None
    position = first + size if first < 0 else first
    if not 0 <= position < size:
        raise ValueError(f"slice index {position} of dimension {axis} out of bounds.")
    return position


def _range(
    first: int | None, last: int | None, stride: int, masked: tuple[bool, bool], size: Size
) -> tuple[slice | None, Size]:
    """Returns the slice of one dimension and how many positions it selects, each None if not known."""
    if size is None:
        return None, None
    if masked == (True, True):
        return slice(None, None, stride), -(-size // abs(stride))
    if first is None or last is None:
        return None, None
    low, high = (0, size) if stride > 0 else (-1, size - 1)
    ends = (low, high) if stride > 0 else (high, low)
    start = ends[0] if masked[0] else min(max(first + size if first < 0 else first, low), high)
    stop = ends[1] if masked[1] else min(max(last + size if last < 0 else last, low), high)
    span = stop - start
    if span == 0 or (span < 0) != (stride < 0):
        return slice(0, 0), 0
    length = -(-abs(span) // abs(stride))
    return slice(start, None if stop < 0 else stop, stride), length
