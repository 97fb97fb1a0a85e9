"""Reads the input ``shape`` of random operations: as a tensor, as numbers, and while a graph is built."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.dtypes import int32
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import Shape, StaticValue
from tideflow._src.ops.array.broadcasting import broadcast_dynamic_shape, broadcast_to
from tideflow._src.ops.array.shape import shape as shape_of
from tideflow._src.runtime.convert import convert_to_tensor


def shape_tensor(shape: Any, *, int32_only: bool = False) -> Any:
    """Returns the shape that a caller gave as a tensor; an empty list becomes int32.

    Args:
      shape: a tensor, a ``TensorShape``, or a sequence of integers, dimensions and scalar tensors.
      int32_only: whether a Python sequence may only become int32.
    """
    dtype = int32 if int32_only else None
    if isinstance(shape, tuple | list):
        shape = [getattr(item, "value", item) if type(item).__name__ == "Dimension" else item for item in shape]
        if not shape:
            dtype = int32
        if any(item is None for item in shape):
            raise TypeError(f"Failed to convert elements of {tuple(shape)} to Tensor: a dimension is unknown.")
    return convert_to_tensor(shape, dtype, name="shape")


def count_of(shape: Any) -> int:
    """Returns how many elements a tensor of the given shape has; 0 for what is not a shape."""
    if np.ndim(shape) != 1:
        return 0
    count = 1
    for size in np.asarray(shape).tolist():
        count *= max(size, 0)
    return count


def dimensions(shape: Any) -> tuple[int, ...]:
    """Returns the value of the input ``shape`` as a tuple.

    Raises:
      InvalidArgumentError: it is not a vector, or a dimension is negative.
    """
    if np.ndim(shape) != 1:
        raise InvalidArgumentError(
            None, None, f"shape must be a vector of {{int32,int64}}, got shape {list(np.shape(shape))}"
        )
    sizes = tuple(np.asarray(shape).tolist())
    for size in sizes:
        if size < 0:
            raise InvalidArgumentError(None, None, f"Dimension {size} must be >= 0")
    return sizes


def known_dimensions(shape: StaticValue) -> Shape:
    """Returns the static shape that the input ``shape`` stands for; -1 in it stands for any size.

    Raises:
      ValueError: it is not a vector, or a dimension is below -1.
    """
    require_rank(shape.shape, 1)
    sizes = shape.integers()
    if sizes is None:
        return None
    for size in sizes:
        if size is not None and size < -1:
            raise ValueError(f"Invalid value in tensor used for shape: {size}")
    return tuple(None if size == -1 else size for size in sizes)


def require_rank(shape: Shape, rank: int) -> None:
    """Raises a ``ValueError`` if a static shape is known to have another rank."""
    if shape is not None and len(shape) != rank:
        raise ValueError(f"Shape must be rank {rank} but is rank {len(shape)}")


def require_vector(shape: Shape, size: int) -> None:
    """Raises a ``ValueError`` if a static shape is known not to be that of a vector of ``size`` elements."""
    require_rank(shape, 1)
    if shape is not None and shape[0] is not None and shape[0] != size:
        raise ValueError(f"Dimension must be {size} but is {shape[0]}")


def require_scalar(shape: Shape, name: str) -> None:
    """Raises a ``ValueError`` if a static shape is known not to be that of a scalar."""
    if shape is not None and len(shape) != 0:
        sizes = ",".join("?" if size is None else str(size) for size in shape)
        raise ValueError(f"{name} must be a scalar; got a tensor of shape [{sizes}]")


def joined(first: Shape, second: Shape) -> Shape:
    """Returns the concatenation of two static shapes."""
    return None if first is None or second is None else (*first, *second)


def categorical_shape(logits: Shape, num_samples: StaticValue) -> Shape:
    """Returns the static shape of samples drawn for each row of ``logits``."""
    require_rank(logits, 2)
    require_rank(num_samples.shape, 0)
    known = num_samples.integers()
    count = known[0] if known else None
    if count is not None and count < 0:
        raise ValueError(f"Dimension size, given by scalar input 1, must be non-negative but is {count}")
    return (None if logits is None else logits[0], count)


def broadcast_with(tensor: Any, other: Any) -> Any:
    """Returns ``tensor`` broadcast to the shape that it has in an element-wise operation with ``other``."""
    return broadcast_to(tensor, broadcast_dynamic_shape(shape_of(tensor), shape_of(other)))
