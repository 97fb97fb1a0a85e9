"""Choosing elements: where a condition holds, and from which of two tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import default
from tideflow._src.graph.shape_inference import broadcast_all, shape_text
from tideflow._src.graph.types import NUMBER
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import merge
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.op import op


@op(
    "Where",
    "input: T -> index: int64",
    T=default("bool", (*NUMBER, "bool")),
    tier="host",
    differentiable=False,
)
def where_op(input):
    """Gives the coordinates of the elements that are not zero, in order, one in a row."""
    if not input.ndim:
        raise invalid_argument("WhereOp : Unhandled input dimensions: 0")
    return np.argwhere(input != 0)


@where_op.shape
def _where_shape(input):
    return (None, None if input is None else len(input))


@where_op.samples
def _where_samples(s):
    for dtype in s.dtypes("T"):
        if dtype.name != "float16":  # TensorFlow's kernel lacks it
            yield s(s.array((2, 3), dtype))
    yield s(np.array([1.0, 0.0, np.nan, -0.0], np.float32))
    yield s(np.zeros((2, 2), bool))
    yield s(s.empty(0, 2, dtype="bool"))
    yield s(np.bool_(True), error="InvalidArgumentError")


@op("Select", "condition: bool, t: T, e: T -> output: T")
def select_op(xp, condition, t, e):
    """Takes each element (or, if the condition is a vector, each row) from ``t`` where it holds, else from ``e``."""
    shape = t.shape
    if e.shape != shape:
        raise invalid_argument(
            f"Inputs to operation Select must have the same size and shape.  Input 1: {shape_text(shape)} != "
            f"input 2: {shape_text(e.shape)}"
        )
    if condition.shape != shape and condition.shape != ():
        if len(condition.shape) != 1 or not shape:
            raise invalid_argument(
                "Inputs to operation Select must have the same size and shape.  Input 0: "
                f"{shape_text(condition.shape)} != input 1: {shape_text(shape)}"
            )
        if condition.shape[0] != shape[0] or len(shape) == 1:
            raise invalid_argument(
                f"Number of batches of 'then' must match size of 'cond', but saw: {shape[0]} vs. {condition.shape[0]}"
            )
        condition = condition.reshape((shape[0], *(1,) * (len(shape) - 1)))
    return xp.where(condition, t, e)


@select_op.shape
def _select_shape(condition, t, e):
    shape = merge(t, e)
    if condition is None or shape is None or not condition:
        return shape
    if len(condition) == 1 and len(shape) > 1:
        first = merge(condition, shape[:1])
        return (*first, *shape[1:])
    return merge(condition, shape)


@select_op.gradient
def _select_gradient(call, dy):
    condition, t, _ = call.inputs
    zeros = raw.ZerosLike(t)
    return None, select_op(condition, dy, zeros), select_op(condition, zeros, dy)


@select_op.samples
def _select_samples(s):
    condition = np.array([True, False])
    for dtype in s.dtypes("T"):
        yield s(condition, s.array((2, 3), dtype), s.array((2, 3), dtype))
    yield s(np.array([[True, False, True]]), s.normal(1, 3), s.normal(1, 3))
    yield s(np.bool_(True), s.normal(2, 3), s.normal(2, 3))
    yield s(np.bool_(False), s.normal(), s.normal())
    yield s(condition, s.normal(3), s.normal(3), error="InvalidArgumentError")
    yield s(np.array([True]), s.normal(2, 3), s.normal(2, 3), error="InvalidArgumentError")
    yield s(condition, s.normal(2), s.normal(3), error="InvalidArgumentError")


@op("SelectV2", "condition: bool, t: T, e: T -> output: T", broadcasts=True)
def select_v2(xp, condition, t, e):
    """Takes each element from ``t`` where the condition holds, else from ``e``; all three broadcast."""
    return xp.where(condition, t, e)


@select_v2.gradient
def _select_v2_gradient(call, dy):
    condition = call.inputs[0]
    zero = convert_to_tensor(np.zeros((), dy.dtype.as_numpy_dtype))
    return None, select_v2(condition, dy, zero), select_v2(condition, zero, dy)


@select_v2.shape
def _select_v2_shape(condition, t, e):
    return broadcast_all((condition, t, e))


@select_v2.samples
def _select_v2_samples(s):
    condition = np.array([True, False, True])
    for dtype in s.dtypes("T"):
        yield s(condition, s.array((2, 3), dtype), s.array((2, 3), dtype))
    yield s(np.array([[True], [False]]), s.normal(3), s.normal())
    yield s(np.bool_(True), s.normal(2, 1), s.normal(1, 3))
    yield s(s.empty(0, 2, dtype="bool"), s.normal(2), s.normal())
    yield s(np.array([True, False]), s.normal(3), s.normal(3), error="InvalidArgumentError")


# Public functions.


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """Returns elements of ``x`` where ``condition`` holds, else of ``y``; without them, where it holds.

    Args:
      condition: a boolean tensor; without ``x`` and ``y`` also a numeric one, which holds where it is not zero.
      x, y: tensors of one dtype; all three broadcast against each other.
      name: the node's name.

    Returns:
      A tensor of the broadcast shape; or, without ``x`` and ``y``, int64 coordinates of shape ``[n, rank]``.

    Raises:
      ValueError: only one of ``x`` and ``y`` is given.
    """
    if x is None and y is None:
        return where_op(convert_to_tensor(condition, dtype_hint=dtypes.bool, name="condition"), name=name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return select_v2(condition, x, y, name=name)


where_v2 = where


def where_v1(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """Returns elements of ``x`` where ``condition`` holds, else of ``y``, without broadcasting.

    Args:
      condition: a boolean tensor of the shape of ``x``, or a vector that chooses whole rows, or a scalar.
      x, y: tensors of one dtype and shape.
      name: the node's name.

    Raises:
      ValueError: only one of ``x`` and ``y`` is given.
    """
    if x is None and y is None:
        return where(condition, name=name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return select_op(condition, x, y, name=name)


def select_v0(condition: Any, t: Any, e: Any, name: str | None = None) -> Any:
    """Returns elements of ``t`` where ``condition`` holds, else of ``e``, under the name of TensorFlow 0.x."""
    return select_op(condition, t, e, name=name)
