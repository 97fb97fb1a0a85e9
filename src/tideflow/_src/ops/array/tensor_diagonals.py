"""Diagonals of tensors of any even rank, whose shape is that of the diagonal twice."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.dimensions import merge
from tideflow._src.runtime.op import op

_TYPES = ("bfloat16", "half", "float", "double", "int32", "int64", "complex64", "complex128")


@op("Diag", "diagonal: T -> output: T", T=_TYPES)
def diag_op(xp, diagonal):
    """Makes a tensor of twice the rank with ``diagonal`` on its diagonal and zeros elsewhere."""
    sizes = tuple(diagonal.shape)
    if not sizes:
        raise invalid_argument("Input must be at least rank 1, got 0")
    count = int(np.prod(sizes, dtype=np.int64))
    inside = np.eye(count, dtype=bool)
    matrix = xp.where(inside, diagonal.reshape((count, 1)), np.zeros((), diagonal.dtype))
    return matrix.reshape((*sizes, *sizes))


@diag_op.shape
def _diag_shape(diagonal):
    if diagonal is not None and not diagonal:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    return None if diagonal is None else (*diagonal, *diagonal)


@diag_op.gradient
def _diag_gradient(call, dy):
    return diag_part_op(dy)


@diag_op.samples
def _diag_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((3,), dtype))
    yield s(s.normal(2, 3))
    yield s(s.normal(), error="InvalidArgumentError")


@op("DiagPart", "input: T -> diagonal: T", T=_TYPES)
def diag_part_op(xp, input):
    """Gives the diagonal of a tensor whose shape is that of the diagonal twice."""
    sizes = tuple(input.shape)
    half = len(sizes) // 2
    if not sizes or len(sizes) % 2:
        raise invalid_argument(f"The rank of the tensor should be even and positive, got shape {shape_text(sizes)}")
    for place in range(half):
        if sizes[place] != sizes[place + half]:
            raise invalid_argument(
                f"Invalid shape {shape_text(sizes)}: dimensions {place} and {place + half} do not match."
            )
    count = int(np.prod(sizes[:half], dtype=np.int64))
    return xp.diagonal(input.reshape((count, count))).reshape(sizes[:half])


@diag_part_op.shape
def _diag_part_shape(input):
    if input is None:
        return None
    if not input or len(input) % 2:
        raise ValueError(f"Input must have even and non-zero rank, input rank is {len(input)}")
    half = len(input) // 2
    return merge(input[:half], input[half:])


@diag_part_op.gradient
def _diag_part_gradient(call, dy):
    return diag_op(dy)


@diag_part_op.samples
def _diag_part_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((3, 3), dtype))
    yield s(s.normal(2, 3, 2, 3))
    yield s(s.normal(2, 3), error="InvalidArgumentError")
    yield s(s.normal(2, 3, 4), error="InvalidArgumentError")


def tensor_diag(diagonal: Any, name: str | None = None) -> Any:
    """Returns a tensor of twice the rank with ``diagonal`` on its diagonal and zeros elsewhere."""
    return diag_op(diagonal, name=name)


def tensor_diag_part(input: Any, name: str | None = None) -> Any:
    """Returns the diagonal of a tensor whose shape is that of the diagonal twice."""
    return diag_part_op(input, name=name)
