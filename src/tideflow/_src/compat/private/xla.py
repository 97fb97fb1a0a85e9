"""Functions that make XLA's operations: ``tensorflow.compiler.tf2xla.python.xla``, those that have one of ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.ops.array import dynamic_slices
from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.convert import convert_to_tensor


def _of(operation: str) -> Any:
    def call(*arguments: Any, name: str | None = None) -> Any:
        first, *rest = arguments
        first = convert_to_tensor(first)
        others = [convert_to_tensor(each, first.dtype) for each in rest]
        return getattr(raw, operation)(first, *others, name=name)

    call.__name__ = call.__qualname__ = operation.lower()
    call.__doc__ = f"Makes the operation ``{operation}`` of tensors of one dtype."
    return call


abs, neg, sign, ceil, floor, round = map(_of, ("Abs", "Neg", "Sign", "Ceil", "Floor", "Round"))
exp, expm1, log, log1p, tanh, sin, cos, tan = map(_of, ("Exp", "Expm1", "Log", "Log1p", "Tanh", "Sin", "Cos", "Tan"))
erf, erfc, erfinv, lgamma, digamma = map(_of, ("Erf", "Erfc", "Erfinv", "Lgamma", "Digamma"))
real, imag, conj, is_finite, logical_not = map(_of, ("Real", "Imag", "Conj", "IsFinite", "LogicalNot"))
add, sub, mul, pow, max, min, atan2 = map(_of, ("AddV2", "Sub", "Mul", "Pow", "Maximum", "Minimum", "Atan2"))
eq, ne, ge, gt, le, lt = map(_of, ("Equal", "NotEqual", "GreaterEqual", "Greater", "LessEqual", "Less"))
igamma, igammac, zeta, polygamma = map(_of, ("Igamma", "Igammac", "Zeta", "Polygamma"))


def _of_kind(boolean: str, bits: str) -> Any:
    def call(x: Any, y: Any, name: str | None = None) -> Any:
        x = convert_to_tensor(x)
        return getattr(raw, boolean if x.dtype is dtypes.bool else bits)(x, convert_to_tensor(y, x.dtype), name=name)

    call.__doc__ = f"Makes ``{boolean}`` of booleans, and ``{bits}`` of integers."
    return call


logical_and = _of_kind("LogicalAnd", "BitwiseAnd")
logical_or = _of_kind("LogicalOr", "BitwiseOr")
logical_xor = _of_kind("NotEqual", "BitwiseXor")


def div(x: Any, y: Any, name: str | None = None) -> Any:
    """Divides; integers towards zero."""
    x = convert_to_tensor(x)
    operation = raw.TruncateDiv if x.dtype.is_integer else raw.RealDiv
    return operation(x, convert_to_tensor(y, x.dtype), name=name)


def rem(x: Any, y: Any, name: str | None = None) -> Any:
    """Gives the remainder of a division towards zero."""
    x = convert_to_tensor(x)
    return raw.TruncateMod(x, convert_to_tensor(y, x.dtype), name=name)


def clamp(a: Any, x: Any, b: Any, name: str | None = None) -> Any:
    """Gives ``x`` where it is between ``a`` and ``b``, and else the nearer of these."""
    return min(max(a, x), b, name=name)


def select(condition: Any, x: Any, y: Any, name: str | None = None) -> Any:
    """Gives the elements of ``x`` where a condition holds, and those of ``y`` elsewhere."""
    return raw.SelectV2(convert_to_tensor(condition), convert_to_tensor(x), convert_to_tensor(y), name=name)


def convert_element_type(x: Any, new_element_type: Any, name: str | None = None) -> Any:
    """Casts a tensor."""
    return raw.Cast(convert_to_tensor(x), DstT=dtypes.as_dtype(new_element_type), name=name)


def transpose(x: Any, permutation: Any, name: str | None = None) -> Any:
    """Permutes the dimensions."""
    return raw.Transpose(convert_to_tensor(x), permutation, name=name)


def reshape(x: Any, new_sizes: Any, dimensions: Any = None, name: str | None = None) -> Any:
    """Gives a tensor another shape, after its dimensions were permuted if ``dimensions`` says so."""
    x = convert_to_tensor(x)
    if dimensions is not None:
        x = raw.Transpose(x, dimensions)
    return raw.Reshape(x, new_sizes, name=name)


def rev(a: Any, dimensions: Sequence[int], name: str | None = None) -> Any:
    """Reverses dimensions."""
    return raw.ReverseV2(convert_to_tensor(a), list(dimensions), name=name)


def concatenate(operands: Sequence[Any], dimension: int, name: str | None = None) -> Any:
    """Joins tensors along a dimension."""
    return raw.ConcatV2([convert_to_tensor(each) for each in operands], dimension, name=name)


def dynamic_slice(x: Any, starts: Any, sizes: Any, name: str | None = None) -> Any:
    """Cuts out a block of a size that begins at ``starts``, or earlier where it would reach over an edge."""
    starts = convert_to_tensor(starts)
    return dynamic_slices.dynamic_slice(x, starts, convert_to_tensor(sizes, starts.dtype), name=name)


def dynamic_update_slice(x: Any, update: Any, indices: Any, name: str | None = None) -> Any:
    """Replaces a block that begins at ``indices``, or earlier where it would reach over an edge."""
    x = convert_to_tensor(x)
    return dynamic_slices.dynamic_update_slice(x, convert_to_tensor(update, x.dtype), indices, name=name)
