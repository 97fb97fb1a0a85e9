"""Ranks, shapes and choices that are settled while a graph is built wherever what they depend on is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core.tensor import Tensor
from tideflow._src.function.conditional import cond
from tideflow._src.graph.static_value import get_static_value
from tideflow._src.ops.array.broadcasting import broadcast_dynamic_shape, broadcast_to
from tideflow._src.ops.array.shape import rank, shape, size


def known_rank(x: Any) -> int | None:
    """Returns the rank of a tensor, or None if it is not known."""
    found: int | None = x.shape.rank
    return found


def rank_of(x: Any) -> Any:
    """Returns the rank of a tensor: an integer if it is known, else a tensor."""
    found = x.shape.rank
    return rank(x) if found is None else found


def shape_of(x: Any) -> Any:
    """Returns the shape of a tensor: an int32 array if it is known, else a tensor."""
    found = x.shape
    if found.is_fully_defined():
        return np.array(found.as_list(), np.int32)
    return shape(x)


def size_of(x: Any, axis: Any) -> Any:
    """Returns a size of a tensor: an integer if it is known, else a tensor."""
    found = x.shape
    if found.rank is not None and isinstance(axis, int):
        known = found.as_list()[axis]
        if known is not None:
            return known
    return shape(x)[axis]


def elements_of(x: Any) -> Any:
    """Returns the number of elements of a tensor: an integer if it is known, else a tensor."""
    return int(x.shape.num_elements()) if x.shape.is_fully_defined() else size(x)


def static(x: Any) -> Any:
    """Returns the value of a tensor if it is known while a graph is built, else ``x`` itself; floats are left alone."""
    if not isinstance(x, Tensor) or x.dtype.is_floating or x.dtype.is_complex:
        return x
    value = get_static_value(x)
    return x if value is None else value


def choose(condition: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """Calls the one function or the other: at once if the condition is known, else when the graph runs."""
    condition = static(condition)
    if isinstance(condition, Tensor):
        return cond(condition, true_fn, false_fn)
    return true_fn() if condition else false_fn()


def canonical_axis(axis: Any, count: Any) -> Any:
    """Returns an axis, counted from the front, of ``count`` dimensions."""
    axis, count = static(axis), static(count)
    if isinstance(axis, Tensor):
        return choose(axis < 0, lambda: axis + count, lambda: axis)
    return axis + count if axis < 0 else axis


def broadcast(*tensors: Any) -> Any:
    """Returns tensors broadcast to the shape that they have in common."""
    if len(tensors) <= 1:
        return tensors
    common: Any = shape(tensors[0])
    for other in tensors[1:]:
        common = broadcast_dynamic_shape(common, shape(other))
    return [broadcast_to(one, common) for one in tensors]
