"""Blocks that are moved to where they fit: XLA's dynamic slices, whose starts may be any numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.constants import zeros_like
from tideflow._src.ops.array.shape import shape
from tideflow._src.runtime.checks import vector
from tideflow._src.runtime.lazy import lax
from tideflow._src.runtime.op import op


def _starts(starts: Any, extents: tuple[int, ...], sizes: tuple[int, ...], name: str) -> Any:
    """Returns where a block begins on the host, after it was moved to where it fits."""
    if starts.shape != (len(extents),):
        raise invalid_argument(
            f"{name} must be a vector with a value for each of the input's {len(extents)} dimensions, got shape "
            f"{shape_text(starts.shape)}"
        )
    if len(sizes) != len(extents) or any(size > extent for size, extent in zip(sizes, extents, strict=True)):
        raise invalid_argument(f"A block of shape {shape_text(sizes)} does not fit into shape {shape_text(extents)}")
    return np.clip(starts, 0, np.subtract(extents, sizes)) if extents else starts


def _block(starts: Any, sizes: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(int(start), int(start) + size) for start, size in zip(starts, sizes, strict=True))


def _check(starts: Any, extents: tuple[int, ...], sizes: tuple[int, ...], name: str) -> None:
    """Checks on the compiled tier what is known there: the shapes."""
    _starts(np.zeros(starts.shape, np.int64), extents, sizes, name)


def _rank_is(starts: Any, rank: int | None, name: str) -> None:
    if starts is not None and (len(starts) != 1 or (rank is not None and starts[0] not in (None, rank))):
        raise ValueError(f"{name} must be a vector with a value for each dimension of the input, got {starts}")


@op("XlaDynamicSlice", "input: T, start_indices: Tindices, size_indices: static Tindices -> output: T", Tindices=INDEX)
def dynamic_slice(xp, input, start_indices, size_indices):
    """Cuts out a block of a size; where it would reach over an edge, it begins earlier."""
    sizes = tuple(vector(size_indices, "size_indices").tolist())
    if any(size < 0 for size in sizes):
        raise invalid_argument(f"size_indices must not be negative, got {list(sizes)}")
    if xp is not np:
        _check(start_indices, tuple(input.shape), sizes, "start_indices")
        return lax.dynamic_slice(input, tuple(start_indices), sizes)
    return input[_block(_starts(start_indices, input.shape, sizes, "start_indices"), sizes)].copy()


@dynamic_slice.shape
def _dynamic_slice_shape(input, start_indices, size_indices):
    sizes = size_indices.integers()
    _rank_is(start_indices, None if input is None else len(input), "start_indices")
    if sizes is None:
        return None if input is None else (None,) * len(input)
    if input is not None and len(sizes) != len(input):
        raise ValueError(f"size_indices must have a value for each of {len(input)} dimensions, got {len(sizes)}")
    return tuple(sizes)


@dynamic_slice.gradient
def _dynamic_slice_gradient(call, dy):
    input, starts, _ = call.inputs
    return dynamic_update_slice(zeros_like(input), dy, starts), None, None


@dynamic_slice.samples
def _dynamic_slice_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((3, 4), dtype), [1, 2], [2, 1])
    yield s(s.normal(3, 4), np.array([-5, 3], np.int64), np.array([2, 3], np.int64))
    yield s(s.normal(3), [1], [0])
    yield s(s.normal(3), [1], [4], error="InvalidArgumentError")
    yield s(s.normal(3), [1, 1], [1], error="InvalidArgumentError")


@op("XlaDynamicUpdateSlice", "input: T, update: T, indices: Tindices -> output: T", Tindices=INDEX)
def dynamic_update_slice(xp, input, update, indices):
    """Gives the input with a block of it replaced; where that would reach over an edge, it begins earlier."""
    if xp is not np:
        _check(indices, tuple(input.shape), tuple(update.shape), "indices")
        return lax.dynamic_update_slice(input, update, tuple(indices))
    result = np.array(input)
    result[_block(_starts(indices, input.shape, update.shape, "indices"), update.shape)] = update
    return result


@dynamic_update_slice.shape
def _dynamic_update_slice_shape(input, update, indices):
    if input is not None and update is not None and len(input) != len(update):
        raise ValueError(f"The update must have the rank of the input: {shape_text(update)}, {shape_text(input)}")
    _rank_is(indices, None if input is None else len(input), "indices")
    return input


@dynamic_update_slice.gradient
def _dynamic_update_slice_gradient(call, dy):
    _, update, starts = call.inputs
    kept = dynamic_update_slice(dy, zeros_like(update), starts)
    return kept, dynamic_slice(dy, starts, shape(update, starts.dtype)), None


@dynamic_update_slice.samples
def _dynamic_update_slice_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((3, 4), dtype), s.array((2, 1), dtype), [1, 2])
    yield s(s.normal(3, 4), s.normal(2, 3), np.array([-5, 3], np.int64))
    yield s(s.normal(3), s.empty(0), [1])
    yield s(s.normal(3), s.normal(4), [1], error="InvalidArgumentError")
    yield s(s.normal(3), s.normal(1), [1, 1], error="InvalidArgumentError")
