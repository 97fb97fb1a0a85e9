"""Positions of elements: what is in one list and not in another, and coordinates of flat positions."""

from __future__ import annotations

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.dimensions import size_of, text, with_rank
from tideflow._src.runtime.op import op


@op(
    "ListDiff",
    "x: T, y: T -> out: T, idx: out_idx",
    tier="host",
    out_idx=default("int32", INDEX),
    differentiable="missing",
)
def list_diff_op(x, y, *, out_idx: DType):
    """Finds the elements of a vector that another one does not have, in order, and their positions."""
    for name, value in (("x", x), ("y", y)):
        if value.ndim != 1:
            raise invalid_argument(f"{name} should be a 1D vector, but its shape is {text(value.shape)}.")
    if x.dtype.kind == "O" or x.dtype.names:
        known = set(y.tolist())
        absent = np.array([item not in known for item in x.tolist()], bool)
    else:
        absent = ~np.isin(x, y)
    places = np.flatnonzero(absent)
    return x[places], places.astype(out_idx.as_numpy_dtype)


@list_diff_op.shape
def _list_diff_shape(x, y):
    with_rank(x, 1)
    with_rank(y, 1)
    return (None,), (None,)


@list_diff_op.samples
def _list_diff_samples(s):
    for dtype in s.dtypes("T"):
        values = s.array((7,), dtype)
        yield s(values, values[2:5])
    yield s([1, 2, 3, 2, 5], [2, 7], out_idx="int64")
    yield s(np.float32([np.nan, 0.0, -0.0]), np.float32([np.nan, 0.0]))
    yield s(s.empty(0), s.normal(2))
    yield s([[1]], [1], error="InvalidArgumentError")
    yield s([1], 1, error="InvalidArgumentError")


@op("UnravelIndex", "indices: Tidx, dims: Tidx -> output: Tidx", Tidx=default("int32", INDEX), tier="host")
def unravel_index_op(indices, dims):
    """Converts positions in a flattened array to coordinates, one column for each position."""
    if indices.ndim > 1:
        raise invalid_argument(f'The indices can only be scalar or vector, got "{text(indices.shape)}"')
    if dims.ndim != 1:
        raise invalid_argument(f'The indices can only be 1-D, got "{text(dims.shape)}"')
    if not indices.size:
        raise invalid_argument("received empty tensor indices")
    if not dims.all():
        raise invalid_argument(
            "Input dims cannot contain a dim of zero, but dims contains zero at index "
            f"{int(np.flatnonzero(dims == 0)[0])}"
        )
    total = size_of([abs(int(size)) for size in dims]) or 0
    if total > np.iinfo(dims.dtype).max:
        raise invalid_argument(f"Input dims product is causing integer overflow: {dims.tolist()}")
    steps = np.append(np.cumprod(dims[::-1].astype(np.int64))[::-1], 1)
    if (dims < 0).any() or (indices >= steps[0]).any() or (indices < 0).any():
        raise invalid_argument(
            f"index is out of bound as with dims: indices must be from 0 up to {steps[0]}, dims {dims}"
        )
    places = indices.astype(np.int64).reshape(1, -1) % steps[:-1, None] // steps[1:, None]
    return places.reshape(-1, *indices.shape).astype(indices.dtype)


@unravel_index_op.shape
def _unravel_index_shape(indices, dims):
    count = with_rank(dims, 1)[0]
    if indices is None:
        return None
    return (count, size_of(indices)) if indices else (count,)


unravel_index_op.differentiable = "missing"


@unravel_index_op.samples
def _unravel_index_samples(s):
    for dtype in INDEX:
        yield s(np.array([2, 5, 7], dtype), np.array([3, 3], dtype))
    yield s(5, [3, 3])
    yield s(9, [3, 3], error="InvalidArgumentError")
    yield s([[1]], [3, 3], error="InvalidArgumentError")
    yield s([1], 3, error="InvalidArgumentError")
    yield s([1], [0, 3], error="InvalidArgumentError")
