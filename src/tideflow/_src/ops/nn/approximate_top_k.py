"""The greatest or least elements along a dimension, where some may be missed: on the CPU none is."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import at_least
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.order_statistics import top_k_op
from tideflow._src.runtime.op import op


def _axis(rank: int, reduction_dimension: int) -> int:
    """Returns the dimension counted from the front; a ValueError if there is none such."""
    axis = reduction_dimension + rank if reduction_dimension < 0 else reduction_dimension
    if not 0 <= axis < rank:
        raise ValueError(f"reduction_dimension must be in range [{-rank}, {rank}), but is {reduction_dimension}")
    return axis


@op(
    "ApproxTopK",
    "input: T -> values: T, indices: int32",
    T=("half", "bfloat16", "float"),
    k=at_least(0),
)
def approx_top_k_op(
    xp,
    input,
    *,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    is_max_k: bool = True,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
):
    """Finds the greatest (or least) ``k`` elements along a dimension, in order, and their positions."""
    if not input.ndim:
        raise InvalidArgumentError(None, None, f"input must be >= 1-D, got shape {shape_text(())}")
    axis = _axis(input.ndim, reduction_dimension)
    rows = xp.moveaxis(input, axis, -1)
    values, indices = top_k_op.kernel(xp, rows if is_max_k else -rows, k=k)
    if not is_max_k:
        values = -values
    return xp.moveaxis(values, -1, axis), xp.moveaxis(indices, -1, axis)


@approx_top_k_op.shape
def _approx_top_k_shape(input, *, k, reduction_dimension):
    if input is None:
        return None, None
    if not input:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    axis = _axis(len(input), reduction_dimension)
    if input[axis] is not None and input[axis] < k:
        raise ValueError(f"input must have at least k columns. Had {input[axis]}, needed {k}")
    shape = (*input[:axis], k, *input[axis + 1 :])
    return shape, shape


@approx_top_k_op.gradient
def _approx_top_k_gradient(call, d_values, d_indices):
    """Puts each gradient where its value came from."""
    x, indices = call.inputs[0], call.outputs[1]
    rank = len(x.shape)
    axis = _axis(rank, call.attr("reduction_dimension"))
    last = [*(other for other in range(rank) if other != axis), axis]
    back = np.argsort(last).astype(np.int32)
    if axis != rank - 1:
        order = np.array(last, np.int32)
        x, indices, d_values = (raw.Transpose(item, order) for item in (x, indices, d_values))
    flat = np.array([-1], np.int32)
    sizes = raw.Shape(x, out_type=dtypes.int64)
    length, total = sizes[-1], raw.Size(x, out_type=dtypes.int64)
    rows = raw.FloorDiv(total, raw.Maximum(length, np.int64(1)))
    starts = raw.ExpandDims(raw.Mul(raw.Range(np.int64(0), rows, np.int64(1)), length), np.int32(1))
    places = raw.Reshape(raw.Cast(indices, DstT=dtypes.int64), np.array([-1, call.attr("k")], np.int32))
    places = raw.Reshape(raw.AddV2(places, starts), flat)
    result = raw.Reshape(raw.UnsortedSegmentSum(raw.Reshape(d_values, flat), places, total), sizes)
    return result if axis == rank - 1 else raw.Transpose(result, back)


@approx_top_k_op.samples
def _approx_top_k_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.distinct((2, 6), dtype), k=3, differences=dtype.name == "float32")
    yield s(s.distinct((2, 2, 6)), k=2, recall_target=0.5)
    yield s(s.distinct((7,)), k=7, reduction_dimension=-1)
    yield s(s.normal(2, 4), k=5, error="InvalidArgumentError")
    yield s(s.normal(), k=1, error="InvalidArgumentError")


def approx_max_k(
    operand: Any,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
    name: str | None = None,
) -> Any:
    """Finds the greatest ``k`` elements along a dimension, of which an accelerator may miss some.

    Args:
      operand: a tensor of floats.
      k: how many elements to find.
      reduction_dimension: the dimension to search along.
      recall_target: the share of the greatest elements that must be found; here all are.
      reduction_input_size_override: the length that the share counts for.
      aggregate_to_topk: False allows more than ``k`` results; here there are never more.
      name: the name of the node.

    Returns:
      The elements in descending order, and their positions.
    """
    return approx_top_k_op(
        operand,
        k=k,
        reduction_dimension=reduction_dimension,
        recall_target=recall_target,
        is_max_k=True,
        reduction_input_size_override=reduction_input_size_override,
        aggregate_to_topk=aggregate_to_topk,
        name=name,
    )


def approx_min_k(
    operand: Any,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
    name: str | None = None,
) -> Any:
    """Finds the least ``k`` elements along a dimension, in ascending order; see :func:`approx_max_k`."""
    return approx_top_k_op(
        operand,
        k=k,
        reduction_dimension=reduction_dimension,
        recall_target=recall_target,
        is_max_k=False,
        reduction_input_size_override=reduction_input_size_override,
        aggregate_to_topk=aggregate_to_topk,
        name=name,
    )
