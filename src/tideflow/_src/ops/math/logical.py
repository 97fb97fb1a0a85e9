"""Logic on truth values, and on the bits of integers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.graph.types import INTEGER
from tideflow._src.ops.math.elementwise_functions import binary, unary
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.op import op

# Truth values.


def _logical_samples(s: Any) -> Any:
    yield s(s.array((2, 3), "bool"), s.array((2, 3), "bool"))
    yield s(s.array((2, 1, 3), "bool"), s.array((4, 1), "bool"))
    yield s(s.array((), "bool"), s.array((3,), "bool"))
    yield s(s.empty(0, 3, dtype="bool"), s.array((1, 3), "bool"))
    yield s(s.array((2,), "bool"), s.array((3,), "bool"), error="InvalidArgumentError")


@op(
    "LogicalAnd",
    "x: bool, y: bool -> z: bool",
    commutative=True,
    broadcasts=True,
    differentiable=False,
    host=np.logical_and,
)
def logical_and_op(xp, x, y):
    """Tells where both are true."""
    return xp.logical_and(x, y)


@logical_and_op.samples
def _logical_and_samples(s):
    yield from _logical_samples(s)


@op(
    "LogicalOr",
    "x: bool, y: bool -> z: bool",
    commutative=True,
    broadcasts=True,
    differentiable=False,
    host=np.logical_or,
)
def logical_or_op(xp, x, y):
    """Tells where one or both are true."""
    return xp.logical_or(x, y)


@logical_or_op.samples
def _logical_or_samples(s):
    yield from _logical_samples(s)


@op("LogicalNot", "x: bool -> y: bool", differentiable=False, host=np.logical_not)
def logical_not_op(xp, x):
    """Tells where it is false."""
    return xp.logical_not(x)


@logical_not_op.shape
def _logical_not_shape(x):
    return x


@logical_not_op.samples
def _logical_not_samples(s):
    yield s(s.array((2, 3), "bool"))
    yield s(s.array((), "bool"))
    yield s(s.empty(0, 3, dtype="bool"))


# Bits.


def _bitwise_samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), s.array((2, 3), dtype))
        yield s(s.special(dtype), np.flip(s.special(dtype)))
    yield s(s.array((2, 1, 3), "int32"), s.array((4, 1), "int32"))
    yield s(s.array((), "int32"), s.array((3,), "int32"))
    yield s(s.array((2,), "int32"), s.array((3,), "int32"), error="InvalidArgumentError")


@op(
    "BitwiseAnd",
    "x: T, y: T -> z: T",
    T=INTEGER,
    commutative=True,
    broadcasts=True,
    differentiable=False,
    host=np.bitwise_and,
)
def bitwise_and_op(xp, x, y):
    """Gives the bits that are set in both."""
    return xp.bitwise_and(x, y)


@bitwise_and_op.samples
def _bitwise_and_samples(s):
    yield from _bitwise_samples(s)


@op(
    "BitwiseOr",
    "x: T, y: T -> z: T",
    T=INTEGER,
    commutative=True,
    broadcasts=True,
    differentiable=False,
    host=np.bitwise_or,
)
def bitwise_or_op(xp, x, y):
    """Gives the bits that are set in one or both."""
    return xp.bitwise_or(x, y)


@bitwise_or_op.samples
def _bitwise_or_samples(s):
    yield from _bitwise_samples(s)


@op(
    "BitwiseXor",
    "x: T, y: T -> z: T",
    T=INTEGER,
    commutative=True,
    broadcasts=True,
    differentiable=False,
    host=np.bitwise_xor,
)
def bitwise_xor_op(xp, x, y):
    """Gives the bits that are set in exactly one."""
    return xp.bitwise_xor(x, y)


@bitwise_xor_op.samples
def _bitwise_xor_samples(s):
    yield from _bitwise_samples(s)


@op("Invert", "x: T -> y: T", T=INTEGER, differentiable=False, host=np.invert)
def invert_op(xp, x):
    """Flips every bit."""
    return xp.invert(x)


@invert_op.shape
def _invert_shape(x):
    return x


@invert_op.samples
def _invert_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.special(dtype))
    yield s(s.array((), "int32"))


def _bounded(xp: Any, y: Any) -> Any:
    """Keeps the distance of a shift within the width of the type, as TensorFlow does."""
    return xp.clip(y, y.dtype.type(0), y.dtype.type(y.dtype.itemsize * 8 - 1))


def _shift_samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), s.integers(0, 7, (2, 3), dtype))
        yield s(s.special(dtype), np.flip(s.special(dtype)))
    yield s(s.array((2, 1, 3), "int32"), s.integers(0, 7, (4, 1)))
    yield s(s.array((2,), "int32"), s.array((3,), "int32"), error="InvalidArgumentError")


@op("LeftShift", "x: T, y: T -> z: T", T=INTEGER, broadcasts=True, differentiable=False)
def left_shift_op(xp, x, y):
    """Moves bits to the left by ``y``, at most the width of the type less one."""
    return xp.left_shift(x, _bounded(xp, y))


@left_shift_op.samples
def _left_shift_samples(s):
    yield from _shift_samples(s)


@op("RightShift", "x: T, y: T -> z: T", T=INTEGER, broadcasts=True, differentiable=False)
def right_shift_op(xp, x, y):
    """Moves bits to the right by ``y``, at most the width of the type less one; the sign stays."""
    return xp.right_shift(x, _bounded(xp, y))


@right_shift_op.samples
def _right_shift_samples(s):
    yield from _shift_samples(s)


@op("PopulationCount", "x: T -> y: uint8", T=INTEGER, differentiable=False)
def population_count_op(xp, x):
    """Counts the bits that are set."""
    # NumPy counts those of the absolute value, so that the bits are first read as an unsigned number.
    return xp.bitwise_count(x.view(f"uint{x.dtype.itemsize * 8}")).astype(np.uint8)


@population_count_op.shape
def _population_count_shape(x):
    return x


@population_count_op.samples
def _population_count_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.special(dtype))


# Public functions.

logical_and = binary(logical_and_op, "LogicalAnd", np.logical_and, function_name="logical_and")
logical_or = binary(logical_or_op, "LogicalOr", np.logical_or, function_name="logical_or")
logical_not = unary(logical_not_op, np.logical_not, function_name="logical_not")
bitwise_and = binary(bitwise_and_op, "BitwiseAnd", np.bitwise_and, function_name="bitwise_and")
bitwise_or = binary(bitwise_or_op, "BitwiseOr", np.bitwise_or, function_name="bitwise_or")
bitwise_xor = binary(bitwise_xor_op, "BitwiseXor", np.bitwise_xor, function_name="bitwise_xor")
invert = unary(invert_op, np.invert)
left_shift = binary(left_shift_op, "LeftShift", None, function_name="left_shift")
right_shift = binary(right_shift_op, "RightShift", None, function_name="right_shift")


def logical_xor(x: Any, y: Any, name: str | None = "LogicalXor") -> Any:
    """Tells where exactly one of two truth values is true."""
    if not isinstance(x, Tensor) and isinstance(y, Tensor):
        x, y = y, x
    if name is None:
        name = "LogicalXor"
    either = logical_or_op.call(x, y)
    return logical_and_op.call(either, logical_not_op.call(logical_and_op.call(x, y)), name=name)


# Operators: ``&``, ``|``, ``^`` and ``~`` are logic on truth values, and work on the bits of integers.


def _is_bool(x: Any) -> bool:
    return bool(x.dtype.is_bool)


def and_(x: Any, y: Any) -> Any:
    """Is ``x & y``."""
    if x.__class__ is EagerTensor:
        return logical_and(x, y) if _is_bool(x) else bitwise_and(x, y)
    if _is_bool(x):
        return logical_and(x, y, "and")
    with name_scope(None, "and", [x, y]):
        return bitwise_and(x, y)


def or_(x: Any, y: Any) -> Any:
    """Is ``x | y``."""
    if x.__class__ is EagerTensor:
        return logical_or(x, y) if _is_bool(x) else bitwise_or(x, y)
    if _is_bool(x):
        return logical_or(x, y, "or")
    with name_scope(None, "or", [x, y]):
        return bitwise_or(x, y)


def xor(x: Any, y: Any) -> Any:
    """Is ``x ^ y``."""
    with name_scope(None, "xor", [x, y]) as scope:
        return logical_xor(x, y, scope) if _is_bool(x) else bitwise_xor(x, y)


def inverse(x: Any) -> Any:
    """Is ``~x``."""
    return logical_not(x) if _is_bool(x) else invert(x)
