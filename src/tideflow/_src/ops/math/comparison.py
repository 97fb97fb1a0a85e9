"""Comparisons, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.shape_inference import broadcast, shape_text
from tideflow._src.graph.types import NUMBER, REAL
from tideflow._src.ops.math.elementwise_functions import binary
from tideflow._src.runtime.op import op


def _ordered_samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), s.array((2, 3), dtype))
    yield s(s.normal(2, 1, 3), s.normal(4, 1))
    yield s(s.normal(), s.normal(3))
    yield s(s.empty(0, 3), s.normal(1, 3))
    yield s(np.float32([1, np.nan, np.inf, 0.0]), np.float32([1, np.nan, np.inf, -0.0]))
    yield s(s.normal(2), s.normal(3), error="InvalidArgumentError")


@op("Less", "x: T, y: T -> z: bool", T=REAL, broadcasts=True, differentiable=False, host=np.less)
def less_op(xp, x, y):
    """Tells where ``x < y``."""
    return xp.less(x, y)


@less_op.samples
def _less_samples(s):
    yield from _ordered_samples(s)


@op("LessEqual", "x: T, y: T -> z: bool", T=REAL, broadcasts=True, differentiable=False, host=np.less_equal)
def less_equal_op(xp, x, y):
    """Tells where ``x <= y``."""
    return xp.less_equal(x, y)


@less_equal_op.samples
def _less_equal_samples(s):
    yield from _ordered_samples(s)


@op("Greater", "x: T, y: T -> z: bool", T=REAL, broadcasts=True, differentiable=False, host=np.greater)
def greater_op(xp, x, y):
    """Tells where ``x > y``."""
    return xp.greater(x, y)


@greater_op.samples
def _greater_samples(s):
    yield from _ordered_samples(s)


@op(
    "GreaterEqual",
    "x: T, y: T -> z: bool",
    T=REAL,
    broadcasts=True,
    differentiable=False,
    host=np.greater_equal,
)
def greater_equal_op(xp, x, y):
    """Tells where ``x >= y``."""
    return xp.greater_equal(x, y)


@greater_equal_op.samples
def _greater_equal_samples(s):
    yield from _ordered_samples(s)


# Equality, which also compares shapes if asked.


def _compare(xp: Any, x: Any, y: Any, function: Any, strict: bool, answer: bool) -> Any:
    """Compares; where the shapes do not fit, raises or gives ``answer`` by ``strict``."""
    if not strict:
        try:
            broadcast(x.shape, y.shape)
        except ValueError:
            return xp.asarray(answer)
    if x.dtype.names is not None:  # a quantized type holds its integers in the only field
        x, y = x[x.dtype.names[0]], y[y.dtype.names[0]]
    result = function(x, y)
    return result.astype(bool) if result.dtype.kind == "O" else result


def _equality_shape(x: Any, y: Any, incompatible_shape_error: bool) -> Any:
    if incompatible_shape_error:
        return broadcast(x, y)
    try:
        return broadcast(x, y)
    except ValueError:
        return ()


def _equality_samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        array = s.array((2, 3), dtype)
        yield s(array, np.where(s.array((2, 3), "bool"), array, s.array((2, 3), dtype)))
    yield s(s.normal(2, 1, 3), s.normal(4, 1))
    yield s(s.strings((2, 2)), s.strings(()))
    yield s(s.strings(()), s.strings(()))
    yield s(s.empty(0, 3), s.normal(1, 3))
    yield s(np.float32([1, np.nan, np.inf, 0.0]), np.float32([1, np.nan, np.inf, -0.0]))
    yield s(s.normal(2, 3), s.normal(3), incompatible_shape_error=False)
    yield s(s.normal(2), s.normal(3), error="InvalidArgumentError")


@op("Equal", "x: T, y: T -> z: bool", commutative=True, broadcasts=True, differentiable=False)
def equal_op(xp, x, y, *, incompatible_shape_error: bool = True):
    """Tells where two tensors are equal; whether they are, if their shapes may differ and do."""
    return _compare(xp, x, y, xp.equal, incompatible_shape_error, False)


@equal_op.shape
def _equal_shape(x, y, *, incompatible_shape_error):
    return _equality_shape(x, y, incompatible_shape_error)


@equal_op.samples
def _equal_samples(s):
    yield from _equality_samples(s)


@op("NotEqual", "x: T, y: T -> z: bool", commutative=True, broadcasts=True, differentiable=False)
def not_equal_op(xp, x, y, *, incompatible_shape_error: bool = True):
    """Tells where two tensors differ; whether they do, if their shapes may differ and do."""
    return _compare(xp, x, y, xp.not_equal, incompatible_shape_error, True)


@not_equal_op.shape
def _not_equal_shape(x, y, *, incompatible_shape_error):
    return _equality_shape(x, y, incompatible_shape_error)


@not_equal_op.samples
def _not_equal_samples(s):
    yield from _equality_samples(s)


@op("ApproximateEqual", "x: T, y: T -> z: bool", T=NUMBER, commutative=True, differentiable=False)
def approximate_equal_op(xp, x, y, *, tolerance: float = 1e-5):
    """Tells where two tensors of one shape differ by less than ``tolerance``."""
    if x.shape != y.shape:
        raise InvalidArgumentError(
            None,
            None,
            f"x and y must be of the same shape. x shape: {shape_text(x.shape)}. y shape: {shape_text(y.shape)}",
        )
    distance = xp.abs(xp.subtract(x, y))
    return xp.less(distance, distance.dtype.type(tolerance))


@approximate_equal_op.shape
def _approximate_equal_shape(x, y):
    if x is None:
        return y
    if y is None:
        return x
    if len(x) != len(y) or any(a != b and None not in (a, b) for a, b in zip(x, y, strict=True)):
        raise ValueError(f"Shapes must be equal, but are {shape_text(x)} and {shape_text(y)}")
    return tuple(b if a is None else a for a, b in zip(x, y, strict=True))


@approximate_equal_op.samples
def _approximate_equal_samples(s):
    for dtype in ("float32", "float64"):
        yield s(np.array([1, 2, 3], dtype), np.array([1, 2.000001, 3.1], dtype))
        yield s(np.array([1, 2, 3], dtype), np.array([1, 2.05, 3.2], dtype), tolerance=0.1)
    yield s(np.float32([1, 1]), np.float32([1]), error="InvalidArgumentError")


# Public functions.

less = binary(less_op, "Less", np.less)
less_equal = binary(less_equal_op, "LessEqual", np.less_equal, function_name="less_equal")
greater = binary(greater_op, "Greater", np.greater)
greater_equal = binary(greater_equal_op, "GreaterEqual", np.greater_equal, function_name="greater_equal")
equal = binary(equal_op, "Equal", None)
not_equal = binary(not_equal_op, "NotEqual", None, function_name="not_equal")
