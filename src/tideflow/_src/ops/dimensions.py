"""Checks and combines static shapes in shape rules, and gives the shapes of tensors to gradient rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core.tensor import EagerTensor, SymbolicTensor
from tideflow._src.graph.op_def import Shape
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw

Dimension = int | None


def text(shape: Shape) -> str:
    """Writes a shape as messages do: ``[2,?]``."""
    if shape is None:
        return "<unknown>"
    return f"[{','.join('?' if size is None else str(size) for size in shape)}]"


def with_rank(shape: Shape, rank: int) -> tuple[Dimension, ...]:
    """Returns the shape, of unknown dimensions if nothing is known; a ValueError if the rank differs."""
    if shape is None:
        return (None,) * rank
    if len(shape) != rank:
        raise ValueError(f"Shape must be rank {rank} but is rank {len(shape)}")
    return shape


def with_rank_at_least(shape: Shape, rank: int) -> Shape:
    """Returns the shape; a ValueError if its rank is known and less than ``rank``."""
    if shape is not None and len(shape) < rank:
        raise ValueError(f"Shape must be at least rank {rank} but is rank {len(shape)}")
    return shape


def with_rank_at_most(shape: Shape, rank: int) -> Shape:
    """Returns the shape; a ValueError if its rank is known and greater than ``rank``."""
    if shape is not None and len(shape) > rank:
        raise ValueError(f"Shape must be at most rank {rank} but is rank {len(shape)}")
    return shape


def merge_dimensions(first: Dimension, second: Dimension) -> Dimension:
    """Returns what two sources know of one dimension; a ValueError if they contradict each other."""
    if first is None:
        return second
    if second is None or first == second:
        return first
    raise ValueError(f"Dimensions must be equal, but are {first} and {second}")


def merge(first: Shape, second: Shape) -> Shape:
    """Returns what two sources know of one shape; a ValueError if they contradict each other."""
    if first is None:
        return second
    if second is None:
        return first
    if len(first) != len(second):
        raise ValueError(f"Shapes must be equal rank, but are {len(first)} and {len(second)}")
    return tuple(merge_dimensions(a, b) for a, b in zip(first, second, strict=True))


def known_shape(tensor: Any) -> Shape:
    """Returns the static shape of a tensor as a tuple, with None for unknown dimensions, or None."""
    if tensor.__class__ is EagerTensor:
        return tensor._value.shape  # type: ignore[no-any-return]
    if tensor.__class__ is SymbolicTensor:
        return tensor._shape  # type: ignore[no-any-return]
    dims = tensor.shape
    return None if dims.rank is None else tuple(dims.as_list())


def shape_of(tensor: Any) -> Any:
    """Returns the shape as something to pass on as a shape input: a constant where it is known, else a tensor."""
    shape = known_shape(tensor)
    if shape is None or None in shape:
        return raw.Shape(tensor)
    return np.array(shape, np.int32)


def known_integers(tensor: Any) -> list[int] | None:
    """Returns the elements of a tensor of integers as a flat list where they are known, else None."""
    value = static_value(tensor)
    return None if value is None else [int(item) for item in np.asarray(value).reshape(-1)]


def size_of(shape: Sequence[Dimension]) -> Dimension:
    """Returns the number of elements of a shape, or None where it is not known."""
    count = 1
    for size in shape:
        if size is None:
            return None
        count *= size
    return count
