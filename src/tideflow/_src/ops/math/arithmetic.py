"""Binary arithmetic: addition, subtraction, multiplication, the divisions, remainders, powers, extrema."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.graph.types import COMPLEX, FLOATING, INTEGER
from tideflow._src.ops.math.fast import binary
from tideflow._src.runtime.op import op

_NUMBERS = (*FLOATING, *INTEGER, *COMPLEX)


def _binary_samples(s: Any, *, positive: bool = False) -> Any:
    """Every dtype, broadcasting both ways, empty, scalars, special values, shapes that do not fit."""
    draw = s.positive if positive else s.array
    for dtype in s.dtypes("T"):
        yield s(draw((2, 3), dtype), draw((2, 3), dtype))
    yield s(draw((2, 1, 3), np.float32), draw((4, 1), np.float32))
    yield s(draw((), np.float64), draw((3,), np.float64))
    yield s(draw((0, 3), np.float32), draw((1, 3), np.float32))
    yield s(draw((2,), np.float32), draw((3,), np.float32), error="InvalidArgumentError")


@op("AddV2", "x: T, y: T -> z: T", T=_NUMBERS, broadcasts=True, commutative=True, aggregate=True, host=np.add)
def add_v2(xp, x, y):
    """Adds two tensors element by element."""
    return xp.add(x, y)


@add_v2.gradient
def _add_v2_gradient(call, dz):
    return dz, dz


@add_v2.samples
def _add_v2_samples(s):
    yield from _binary_samples(s)


@op("Sub", "x: T, y: T -> z: T", T=_NUMBERS, broadcasts=True, host=np.subtract)
def sub(xp, x, y):
    """Subtracts ``y`` from ``x`` element by element."""
    return xp.subtract(x, y)


@sub.gradient
def _sub_gradient(call, dz):
    return dz, -dz


@sub.samples
def _sub_samples(s):
    yield from _binary_samples(s)


@op("Mul", "x: T, y: T -> z: T", T=_NUMBERS, broadcasts=True, commutative=True, host=np.multiply)
def mul(xp, x, y):
    """Multiplies two tensors element by element."""
    return xp.multiply(x, y)


@mul.gradient
def _mul_gradient(call, dz):
    x, y = call.inputs
    return mul(dz, conjugate(y)), mul(conjugate(x), dz)


@mul.samples
def _mul_samples(s):
    yield from _binary_samples(s)


def conjugate(x: Any) -> Any:
    """Returns the complex conjugate of a complex tensor, and a real tensor itself."""
    if x.dtype.is_complex:
        from tideflow._src.ops.math.complex_numbers import conj  # complex gradients are rare

        return conj(x)
    return x


add = binary(add_v2, "Add", np.add)
subtract = binary(sub, "Sub", np.subtract)
multiply = binary(mul, "Mul", np.multiply)
