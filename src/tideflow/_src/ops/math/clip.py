"""Clips values to a range, and tensors to a norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.types import NUMBER
from tideflow._src.ops.array.constants import ones_like
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import rank, size
from tideflow._src.ops.math.arithmetic import maximum_op, minimum_op, select
from tideflow._src.ops.math.reduction_functions import reduce_sum
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.op import op


@op("ClipByValue", "t: T, clip_value_min: T, clip_value_max: T -> output: T", T=NUMBER)
def clip_by_value_op(xp, t, clip_value_min, clip_value_max):
    """Clips to a range whose limits are scalars or of the shape of ``t``; the lower limit wins."""
    for limit in (clip_value_min, clip_value_max):
        if limit.shape != () and limit.shape != t.shape:
            raise InvalidArgumentError(
                None,
                None,
                "clip_value_min and clip_value_max must be either of the same shape as input, or a scalar. "
                f"input shape: {shape_text(t.shape)} clip_value_min shape: {shape_text(clip_value_min.shape)} "
                f"clip_value_max shape: {shape_text(clip_value_max.shape)}",
            )
    return xp.maximum(xp.minimum(t, clip_value_max), clip_value_min)


@clip_by_value_op.shape
def _clip_by_value_shape(t, clip_value_min, clip_value_max):
    return t


@clip_by_value_op.gradient
def _clip_by_value_gradient(call, dy):
    t, low, high = call.inputs
    below, above = raw.Less(t, low), raw.Greater(t, high)
    return (
        select(raw.LogicalOr(below, above), 0, dy),
        _of_shape(select(below, dy, 0), low),
        _of_shape(select(above, dy, 0), high),
    )


def _of_shape(gradient: Any, limit: Any) -> Any:
    """Sums a gradient if it is that of a scalar limit."""
    rank = limit.shape.rank
    if rank == 0:
        return reduce_sum(gradient)
    if rank is not None:
        return gradient
    shape = raw.Shape(limit)
    reduced, _ = raw.BroadcastGradientArgs(shape, raw.Shape(gradient))
    return raw.Reshape(raw.Sum(gradient, reduced, keep_dims=False), shape)


@clip_by_value_op.samples
def _clip_by_value_samples(s):
    for dtype in s.dtypes("T"):
        if not dtype.is_complex and dtype.name not in ("uint32", "uint64", "uint16"):
            low, high = (np.array(value, dtype.as_numpy_dtype) for value in (1, 3))
            yield s(s.array((2, 3), dtype), low, high)
    yield s(s.normal(4), s.uniform(-1, -0.5, (4,)), s.uniform(0.2, 0.5, (4,)))
    yield s(np.float32([1, np.nan, 5]), np.float32(2), np.float32(3), gradient=False)
    yield s(np.float32([1, 5]), np.float32(3), np.float32(2), gradient=False)
    yield s(s.empty(0, 2), np.float32(0), np.float32(1))
    yield s(s.normal(2), s.normal(3), np.float32(2), error="InvalidArgumentError")


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """Clips the values of a tensor to a range.

    Args:
      t: a tensor or ``IndexedSlices``.
      clip_value_min: the least value, a scalar or broadcastable to the shape of ``t``.
      clip_value_max: the largest value, likewise.
      name: a name for the operation.

    Raises:
      ValueError: the limits would broadcast ``t`` to a larger shape.
    """
    with name_scope(name, "clip_by_value", [t, clip_value_min, clip_value_max]) as scope:
        values = convert_to_tensor(t.values if isinstance(t, IndexedSlices) else t, name="t")
        capped = minimum_op.call(values, clip_value_max)
        values.shape.assert_is_compatible_with(capped.shape)
        clipped = maximum_op.call(capped, clip_value_min, name=scope)
        values.shape.assert_is_compatible_with(clipped.shape)
        return IndexedSlices(clipped, t.indices, t.dense_shape) if isinstance(t, IndexedSlices) else clipped


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """Scales a tensor down to a Euclidean norm, if it is longer.

    Args:
      t: a tensor or ``IndexedSlices``.
      clip_norm: the largest norm, a positive scalar.
      axes: the axes over which the norm is taken; all by default.
      name: a name for the operation.

    Raises:
      InvalidArgumentError: the norm is not positive.
    """
    with name_scope(name, "clip_by_norm", [t, clip_norm]) as scope:
        values = convert_to_tensor(t.values if isinstance(t, IndexedSlices) else t, name="t")
        squares = reduce_sum(values * values, axes, keepdims=True)
        # The square root has no derivative at 0, so that it is taken of 1 there.
        positive = squares > 0
        safe = raw.Select(positive, squares, ones_like(squares))
        norm = raw.Select(positive, raw.Sqrt(safe), squares)
        scaled = values * clip_norm
        values.shape.assert_is_compatible_with(scaled.shape)
        clipped = raw.Identity(scaled / raw.Maximum(norm, clip_norm), name=scope)
        return IndexedSlices(clipped, t.indices, t.dense_shape) if isinstance(t, IndexedSlices) else clipped


def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> Any:
    """Scales a tensor down to an average Euclidean norm (the norm over the number of elements), if it is above.

    Args:
      t: a tensor.
      clip_norm: the largest average norm, a positive scalar.
      name: a name for the operation.
    """
    with name_scope(name, "clip_by_average_norm", [t, clip_norm]) as scope:
        t = convert_to_tensor(t, name="t")
        count = raw.Cast(size(t), DstT=t.dtype.base_dtype)
        squares = t * t
        all_axes = raw.Range(0, rank(t), 1, name="range")
        inverse = raw.Rsqrt(reduce_sum(squares, all_axes))
        limit = raw.RealDiv(convert_to_tensor(1.0, dtype=t.dtype.base_dtype), clip_norm, name="truediv")
        return raw.Identity(t * clip_norm * raw.Minimum(inverse * count, limit), name=scope)


def _check_list(t_list: Any) -> list[Any]:
    if not isinstance(t_list, Sequence) or isinstance(t_list, str):
        raise TypeError(f"`t_list` should be a sequence of tensors. Received {type(t_list)}.")
    return [
        t if t is None or isinstance(t, IndexedSlices | Tensor) else convert_to_tensor(t, name=f"t_{index}")
        for index, t in enumerate(t_list)
    ]


def global_norm(t_list: Any, name: str | None = None) -> Any:
    """Gives the Euclidean norm of several tensors taken together.

    Args:
      t_list: tensors, ``IndexedSlices`` and None, which does not count.
      name: a name for the operation.

    Raises:
      TypeError: ``t_list`` is not a sequence.
    """
    t_list = list(t_list) if isinstance(t_list, tuple) else t_list
    with name_scope(name, "global_norm", t_list):
        tensors = [t.values if isinstance(t, IndexedSlices) else t for t in _check_list(t_list) if t is not None]
        halves = [raw.L2Loss(tensor) for tensor in tensors]
        half_square = reduce_sum(raw.Pack(halves, axis=0, name="stack"))
        two = convert_to_tensor(2.0, dtype=half_square.dtype.base_dtype)
        return raw.Sqrt(half_square * two, name="global_norm")


def clip_by_global_norm(
    t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Any]:
    """Scales several tensors by one factor so that their common Euclidean norm is at most ``clip_norm``.

    After Pascanu et al., "On the difficulty of training recurrent neural networks" (2012). An infinite norm makes
    every value NaN, so that the overflow is not hidden.

    Args:
      t_list: tensors, ``IndexedSlices`` and None, which stays None.
      clip_norm: the largest norm, a positive scalar.
      use_norm: their norm, if it is known already.
      name: a name for the operation.

    Returns:
      The scaled tensors and the norm that they had.

    Raises:
      TypeError: ``t_list`` is not a sequence.
    """
    if not isinstance(t_list, Sequence) or isinstance(t_list, str):
        raise TypeError(f"`t_list` should be a sequence of tensors. Received {type(t_list)}.")
    norm = global_norm(t_list, name) if use_norm is None else use_norm
    with name_scope(name, "clip_by_global_norm", [*t_list, clip_norm]) as scope:
        if not isinstance(norm, Tensor):
            norm = convert_to_tensor(norm)
        dtype = norm.dtype.base_dtype
        inverse = 1.0 / norm
        limit = convert_to_tensor(1.0, dtype=dtype) / clip_norm
        scale = clip_norm * raw.Minimum(inverse, limit)
        # Finite norms add 0, others NaN.
        factor = scale + (norm - norm)
        clipped: list[Any] = []
        for index, t in enumerate(_check_list(t_list)):
            if t is None:
                clipped.append(None)
                continue
            values = t.values if isinstance(t, IndexedSlices) else t
            have = values.dtype.base_dtype
            scaled = values * (factor if have is dtype else raw.Cast(factor, DstT=have))
            scaled = raw.Identity(scaled, name=f"{scope}_{index}" if scope else None)
            clipped.append(IndexedSlices(scaled, t.indices, t.dense_shape) if isinstance(t, IndexedSlices) else scaled)
        return clipped, norm
