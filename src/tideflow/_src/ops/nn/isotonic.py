"""Isotonic regression: the nearest sequence that never rises."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import FLOATING, REAL
from tideflow._src.ops.array.permuting import transpose
from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.op import op

#: The combinations of types that TensorFlow has kernels for.
_KERNELS = {
    "float16": "float16",
    "bfloat16": "bfloat16",
    "float32": "float32",
    "float64": "float64",
    "int8": "float32",
    "int16": "float32",
    "int32": "float64",
    "int64": "float64",
}


@op(
    "IsotonicRegression",
    "input: T -> output: output_dtype, segments: int32",
    T=REAL,
    output_dtype=default("float", FLOATING),
    tier="host",
)
def isotonic_regression_op(input, *, output_dtype: DType):
    """Replaces each row by the nearest that never rises, and numbers the parts in which that is level.

    Blocks that rise belong together whatever comes of the others, so that every turn merges all runs of such blocks.
    """
    kind = output_dtype.as_numpy_dtype
    length = input.shape[-1] if input.ndim else 1
    if not input.size:
        return np.zeros(input.shape, kind), np.zeros(input.shape, np.int32)
    sums = input.reshape(-1).astype(np.float64)
    counts = np.ones(sums.shape, np.int64)
    rows = np.arange(sums.size) // length
    owner = np.arange(sums.size)
    while True:
        means = sums / counts
        starts = np.ones(means.shape, bool)
        starts[1:] = (rows[1:] != rows[:-1]) | ~(means[1:] > means[:-1])
        if starts.all():
            break
        owner = (np.cumsum(starts) - 1)[owner]
        first = np.flatnonzero(starts)
        sums, counts, rows = np.add.reduceat(sums, first), np.add.reduceat(counts, first), rows[first]
    first_of_row = np.searchsorted(rows, rows)
    segments = (np.arange(rows.size) - first_of_row)[owner]
    return means[owner].astype(kind).reshape(input.shape), segments.astype(np.int32).reshape(input.shape)


@isotonic_regression_op.shape
def _isotonic_regression_shape(input):
    return input, input


@isotonic_regression_op.gradient
def _isotonic_regression_gradient(call, dy, d_segments):
    """Gives each element the mean gradient of its segment."""
    x, segments = call.inputs[0], call.outputs[1]
    if not x.dtype.is_floating:
        return None
    flat = np.array([-1], np.int32)
    total = raw.Size(x, out_type=dtypes.int64)
    length = raw.Shape(x, out_type=dtypes.int64)[-1]
    rows = raw.FloorDiv(raw.Range(np.int64(0), total, np.int64(1)), length)
    places = raw.AddV2(raw.Mul(rows, length), raw.Reshape(raw.Cast(segments, DstT=dtypes.int64), flat))
    dy = raw.Reshape(dy, flat)
    sums = raw.UnsortedSegmentSum(dy, places, total)
    counts = raw.UnsortedSegmentSum(raw.OnesLike(dy), places, total)
    means = raw.DivNoNan(sums, counts)
    return raw.Reshape(raw.GatherV2(means, places, np.int64(0)), raw.Shape(x))


@isotonic_regression_op.samples
def _isotonic_regression_samples(s):
    for dtype in s.dtypes("T"):
        if dtype.name in _KERNELS:
            yield s(s.distinct((2, 5), dtype), output_dtype=_KERNELS[dtype.name])
    yield s(s.normal(3, 17))
    yield s(np.float32([[3, 1, 1, 2, 0, 0, 1]]), gradient=False)
    yield s(np.ones((1, 4), np.float32), gradient=False)
    yield s(s.empty(0, 3))
    yield s(s.empty(3, 0))


#: The type of the result, where it is neither the input's nor float64.
_RESULT_TYPES = {
    name: name if name in ("float32", "float16", "bfloat16") else "float32"
    for name in ("float32", "float16", "bfloat16", "int8", "int16")
}


def isotonic_regression(inputs: Any, decreasing: bool = True, axis: int = -1) -> Any:
    """Finds, along an axis, the nearest sequence that never rises, or never falls.

    Args:
      inputs: a tensor of real numbers.
      decreasing: False asks for a sequence that never falls.
      axis: the axis along which the sequences lie.

    Returns:
      The sequences, and for each element the number of the level part that it belongs to.
    """
    inputs = convert_to_tensor(inputs)
    output_dtype = dtypes.as_dtype(_RESULT_TYPES.get(inputs.dtype.base_dtype.name, "float64"))
    rank = len(inputs.shape)
    place = axis + rank if axis < 0 else axis
    if not 0 <= place < rank:
        raise ValueError(f"axis must be in range [{-rank}, {rank}), but is {axis}")
    order = [number for number in range(rank) if number != place] + [place]
    moved = inputs if place == rank - 1 else transpose(inputs, order)
    found = isotonic_regression_op(moved if decreasing else raw.Neg(moved), output_dtype=output_dtype)
    if decreasing and place == rank - 1:
        return found
    output, segments = found
    if not decreasing:
        output = raw.Neg(output)
    if place != rank - 1:
        back = np.argsort(order).tolist()
        output, segments = transpose(output, back), transpose(segments, back)
    return output, segments
