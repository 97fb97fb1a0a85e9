"""Broadcasting made explicit: tensors repeated to a shape, and the shapes that broadcasting gives."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import tensor_shape
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import default
from tideflow._src.graph.shape_inference import broadcast, shape_text
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.raw import fully_known, raw, static_shape
from tideflow._src.ops.array.shape import reshape, shape
from tideflow._src.runtime.op import op


@op("BroadcastTo", "input: T, shape: static Tidx -> output: T", Tidx=default("int32", INDEX))
def broadcast_to_op(xp, input, shape):
    """Repeats a tensor along dimensions of size 1 and new leading ones until it has ``shape``."""
    return xp.broadcast_to(input, _target(input, shape))


@broadcast_to_op.host
def _broadcast_to_host(input, shape):
    sizes = shape.tolist() if shape.ndim == 1 and not input.shape else None
    if sizes is None or (sizes and min(sizes) < 0):
        sizes = _target(input, shape)
    result = np.empty(sizes, input.dtype)
    result[...] = input
    return result


def _target(input: Any, shape: Any) -> tuple[int, ...]:
    if shape.ndim != 1:
        if shape.ndim or input.shape or shape != -1:
            raise InvalidArgumentError(None, None, f"shape must be a vector, got shape {list(shape.shape)}")
    sizes = tuple(shape.reshape(-1).tolist())
    if not input.shape and all(size >= 0 for size in sizes):
        return sizes
    if len(input.shape) > len(sizes):
        raise InvalidArgumentError(
            None,
            None,
            f"Rank of input ({len(input.shape)}) must be no greater than rank of output shape ({len(sizes)}).",
        )
    for size in sizes:
        if size < 0:
            raise InvalidArgumentError(None, None, f"Dimension {size} must be >= 0")
    for have, want in zip(reversed(input.shape), reversed(sizes), strict=False):
        if have not in (1, want):
            raise InvalidArgumentError(
                None, None, f"Incompatible shapes: {shape_text(input.shape)} vs. {shape_text(sizes)}"
            )
    return sizes


@broadcast_to_op.shape
def _broadcast_to_shape(input, shape):
    sizes = shape.integers()
    if sizes is None:
        return None
    if any(size is not None and size < -1 for size in sizes):
        raise ValueError(f"Dimensions must be at least 0, got shape {list(sizes)}")
    result = tuple(None if size == -1 else size for size in sizes)
    if input is None:
        return result
    if len(input) > len(result):
        raise ValueError(f"Shape must be at least rank {len(input)} but is rank {len(result)}")
    for have, want in zip(reversed(input), reversed(result), strict=False):
        if have is not None and want is not None and have not in (1, want):
            raise ValueError(f"Incompatible shapes: {shape_text(input)} vs. {shape_text(result)}")
    padded = (None,) * (len(result) - len(input)) + tuple(None if size == 1 else size for size in input)
    return tuple(have if want is None else want for have, want in zip(padded, result, strict=True))


@broadcast_to_op.gradient
def _broadcast_to_gradient(call, dy):
    input = call.inputs[0]
    have, want = static_shape(input), static_shape(dy)
    if fully_known(have) and fully_known(want):
        extra = len(want) - len(have)
        axes = [
            *range(extra),
            *(axis + extra for axis, size in enumerate(have) if size == 1 and want[axis + extra] != 1),
        ]
        if not axes:
            return dy, None
        return reshape(raw.Sum(dy, np.array(axes, np.int32), keep_dims=True), have), None
    sizes = shape(input)
    axes, _ = broadcast_gradient_args(sizes, shape(dy))
    return reshape(raw.Sum(dy, axes, keep_dims=True), sizes), None


@broadcast_to_op.samples
def _broadcast_to_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((1, 3), dtype), [2, 3])
    yield s(s.normal(2, 1), np.array([4, 2, 3], np.int64))
    yield s(s.normal(), [2])
    yield s(s.normal(2, 3), [2, 3])
    yield s(s.normal(1, 3), [0, 3])
    yield s(s.normal(2, 3), [3, 3], error="InvalidArgumentError")
    yield s(s.normal(2, 3), [3], error="InvalidArgumentError")


def _broadcast_sizes(first: Any, second: Any) -> tuple[int | None, ...]:
    try:
        return broadcast(tuple(first), tuple(second))  # type: ignore[return-value]
    except ValueError:
        raise InvalidArgumentError(
            None, None, f"Incompatible shapes: {shape_text(tuple(first))} vs. {shape_text(tuple(second))}"
        ) from None


@op("BroadcastArgs", "s0: static T, s1: static T -> r0: T", T=default("int32", INDEX), differentiable=False)
def broadcast_args(xp, s0, s1):
    """Gives the shape of two tensors of shapes ``s0`` and ``s1`` broadcast against each other."""
    _check_vectors(s0, s1)
    return np.array(_broadcast_sizes(s0.tolist(), s1.tolist()), s0.dtype)


def _check_vectors(*vectors: Any) -> None:
    for position, vector in enumerate(vectors):
        if vector.ndim != 1:
            raise InvalidArgumentError(None, None, f"In[{position}] must be a vector, got {list(vector.shape)}")


@broadcast_args.partly_known
def _broadcast_args_partly_known(s0, s1):
    return np.array(_partial_broadcast(s0.tolist(), s1.tolist()), object)


def _partial_broadcast(first: list[Any], second: list[Any]) -> list[Any]:
    count = max(len(first), len(second))
    pairs = zip([1] * (count - len(first)) + first, [1] * (count - len(second)) + second, strict=True)
    return [b if a == 1 else a if b == 1 or a == b else (b if a is None else a) for a, b in pairs]


@broadcast_args.shape
def _broadcast_args_shape(s0, s1):
    for item in (s0, s1):
        if item.shape is not None and len(item.shape) != 1:
            raise ValueError(f"Shape must be rank 1 but is rank {len(item.shape)}")
    if s0.shape is None or s1.shape is None or None in (*s0.shape, *s1.shape):
        return (None,)
    return (max(s0.shape[0], s1.shape[0]),)


@broadcast_args.samples
def _broadcast_args_samples(s):
    yield s([2, 1, 3], [4, 1])
    yield s(np.array([2, 3], np.int64), np.array([3], np.int64))
    yield s(np.zeros([0], np.int32), [2])
    yield s([2, 3], [4, 3], error="InvalidArgumentError")


@op(
    "BroadcastGradientArgs",
    "s0: static T, s1: static T -> r0: T, r1: T",
    T=default("int32", INDEX),
    differentiable=False,
)
def broadcast_gradient_args(xp, s0, s1):
    """Gives the axes along which the gradients of two tensors that were broadcast must be summed."""
    _check_vectors(s0, s1)
    first, second = s0.tolist(), s1.tolist()
    if first == second:
        return np.zeros(0, s0.dtype), np.zeros(0, s0.dtype)
    _broadcast_sizes(first, second)
    rank = max(len(first), len(second))
    first = [1] * (rank - len(first)) + first
    second = [1] * (rank - len(second)) + second
    axes = range(rank)
    return (
        np.array([axis for axis in axes if first[axis] == 1], s0.dtype),
        np.array([axis for axis in axes if second[axis] == 1], s0.dtype),
    )


@broadcast_gradient_args.shape
def _broadcast_gradient_args_shape(s0, s1):
    return (None,), (None,)


@broadcast_gradient_args.samples
def _broadcast_gradient_args_samples(s):
    yield s([2, 3], [1])
    yield s([2, 3], [2, 3])
    yield s([1, 1, 3], [1, 4, 3])
    yield s(np.zeros([0], np.int64), np.array([1, 4, 3], np.int64))
    yield s([1, 2], [2, 1])
    yield s([2], [3], error="InvalidArgumentError")


# Public functions.


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Any:
    """Returns ``input`` repeated along dimensions of size 1, and along new leading ones, until it has ``shape``.

    Args:
      input: a tensor.
      shape: the wanted shape, int32 or int64.
      name: the name of the node.

    Raises:
      InvalidArgumentError: ``input`` does not broadcast to ``shape``.
    """
    return broadcast_to_op.call(input, shape, name=name)


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Any:
    """Returns the shape, as a vector, of tensors of shapes ``shape_x`` and ``shape_y`` broadcast together.

    Args:
      shape_x: a vector of integers.
      shape_y: another.

    Raises:
      InvalidArgumentError: the shapes do not broadcast.
    """
    return broadcast_args(shape_x, shape_y)


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> Any:
    """Returns the ``TensorShape`` of tensors of two static shapes broadcast together.

    Raises:
      ValueError: the shapes do not broadcast.
    """
    first, second = tensor_shape.as_shape(shape_x)._dims, tensor_shape.as_shape(shape_y)._dims
    return tensor_shape.TensorShape(tensor_shape.broadcast_static_shape(first, second))
