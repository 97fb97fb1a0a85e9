"""Complex numbers: making them, and taking them apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import COMPLEX
from tideflow._src.ops.array.constants import ones_like, zeros_like
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.arithmetic import mul
from tideflow._src.ops.math.unary import neg_op
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.lazy import jnp, lax
from tideflow._src.runtime.op import op

_PARTS = default("float", ("float", "double"))
_WHOLE = default("complex64", COMPLEX)


@op("Complex", "real: T, imag: T -> out: Tout", T=_PARTS, Tout=_WHOLE, broadcasts=True)
def complex_op(xp, real, imag, *, Tout: DType):
    """Makes complex numbers of their real and imaginary parts, element by element."""
    shape = xp.broadcast_shapes(real.shape, imag.shape)
    result = np.empty(shape, Tout.as_numpy_dtype)
    result.real = real
    result.imag = imag
    return result


@complex_op.xla
def _complex_xla(real, imag, *, Tout: DType):
    whole = lax.complex(*jnp.broadcast_arrays(real, imag))
    return whole.astype(Tout.as_numpy_dtype)


@complex_op.gradient
def _complex_gradient(call, dz):
    part = call.inputs[0].dtype.base_dtype
    return real_op(dz, Tout=part), imag_op(dz, Tout=part)


@complex_op.samples
def _complex_samples(s):
    yield s(s.normal(2, 3), s.normal(3))
    yield s(s.normal(2, dtype="double"), s.normal(2, dtype="double"), Tout="complex128")
    yield s(s.normal(), s.normal())
    yield s(s.normal(2), s.normal(3), error="InvalidArgumentError")


@op("Real", "input: T -> output: Tout", T=_WHOLE, Tout=_PARTS)
def real_op(xp, input, *, Tout: DType):
    """Gives the real part, element by element."""
    return xp.real(input).astype(Tout.as_numpy_dtype)


@real_op.shape
def _real_shape(input):
    return input


@real_op.gradient
def _real_gradient(call, dy):
    return complex_op(dy, mul(0, dy), Tout=call.inputs[0].dtype.base_dtype)


def _part_samples(s: Any) -> Any:
    yield s(s.normal(2, 3, dtype="complex64"))
    yield s(s.normal(2, 3, dtype="complex128"), Tout="double")
    yield s(s.normal(dtype="complex64"))
    yield s(s.empty(0, 2, dtype="complex64"))


@real_op.samples
def _real_samples(s):
    yield from _part_samples(s)


@op("Imag", "input: T -> output: Tout", T=_WHOLE, Tout=_PARTS)
def imag_op(xp, input, *, Tout: DType):
    """Gives the imaginary part, element by element."""
    return xp.imag(input).astype(Tout.as_numpy_dtype)


@imag_op.shape
def _imag_shape(input):
    return input


@imag_op.gradient
def _imag_gradient(call, dy):
    return complex_op(mul(0, dy), dy, Tout=call.inputs[0].dtype.base_dtype)


@imag_op.samples
def _imag_samples(s):
    yield from _part_samples(s)


@op("Angle", "input: T -> output: Tout", T=_WHOLE, Tout=_PARTS)
def angle_op(xp, input, *, Tout: DType):
    """Gives the argument of complex numbers, from -pi to pi, element by element."""
    return xp.arctan2(xp.imag(input), xp.real(input)).astype(Tout.as_numpy_dtype)


@angle_op.shape
def _angle_shape(input):
    return input


@angle_op.gradient
def _angle_gradient(call, dy):
    x = call.inputs[0]
    whole, part = x.dtype.base_dtype, dy.dtype.base_dtype
    # With y = atan2(im, re), the gradient is -dy / (im + i re).
    turned = complex_op(imag_op(x, Tout=part), real_op(x, Tout=part), Tout=whole)
    return mul(neg_op(complex_op(dy, mul(0, dy), Tout=whole)), raw.Reciprocal(turned))


@angle_op.samples
def _angle_samples(s):
    yield from _part_samples(s)


@op("Conj", "input: T -> output: T", T=default("complex64", (*COMPLEX, "variant")), host=np.conjugate)
def conj_op(xp, input):
    """Gives the complex conjugate, element by element."""
    return xp.conjugate(input)


@conj_op.shape
def _conj_shape(input):
    return input


@conj_op.gradient
def _conj_gradient(call, dy):
    return conj_op(dy)


@conj_op.samples
def _conj_samples(s):
    for dtype in COMPLEX:
        yield s(s.normal(2, 3, dtype=dtype))
    yield s(s.normal(dtype="complex64"))


# Public functions.


def complex(real: Any, imag: Any, name: str | None = None) -> Any:
    """Makes complex numbers of their real and imaginary parts.

    Args:
      real: a float32 or float64 tensor.
      imag: a tensor of the same type.
      name: a name for the operation.

    Raises:
      TypeError: the types differ, or are others.
    """
    real = convert_to_tensor(real, name="real")
    imag = convert_to_tensor(imag, name="imag")
    first, second = real.dtype.base_dtype, imag.dtype.base_dtype
    with name_scope(name, "Complex", [real, imag]) as scope:
        if first is dtypes.float64 and second is dtypes.float64:
            whole = dtypes.complex128
        elif first is dtypes.float32 and second is dtypes.float32:
            whole = dtypes.complex64
        else:
            raise TypeError(
                f"The `real` and `imag` components have incorrect types: {first.name} {second.name}. They must be "
                f"consistent, and one of {[dtypes.float32, dtypes.float64]}"
            )
        return complex_op.call(real, imag, Tout=whole, name=scope)


def real(input: Any, name: str | None = None) -> Any:
    """Gives the real part of a complex tensor; a real tensor itself.

    Args:
      input: a numeric tensor.
      name: a name for the operation.
    """
    with name_scope(name, "Real", [input]) as scope:
        input = convert_to_tensor(input, name="input")
        if input.dtype.is_complex:
            return real_op.call(input, Tout=input.dtype.real_dtype, name=scope)
        if input.dtype.is_numeric:
            return input
        raise TypeError(f"input must be a numeric tensor, but got tensor with dtype {input.dtype}")


def imag(input: Any, name: str | None = None) -> Any:
    """Gives the imaginary part of a complex tensor; zeros of a real one.

    Args:
      input: a tensor.
      name: a name for the operation.
    """
    with name_scope(name, "Imag", [input]) as scope:
        input = convert_to_tensor(input, name="input")
        if input.dtype.is_complex:
            return imag_op.call(input, Tout=input.dtype.real_dtype, name=scope)
        return zeros_like(input)


def angle(input: Any, name: str | None = None) -> Any:
    """Gives the argument of complex numbers, from -pi to pi; of a real number 0 or, if it is negative, pi.

    Args:
      input: a tensor.
      name: a name for the operation.
    """
    with name_scope(name, "Angle", [input]) as scope:
        input = convert_to_tensor(input, name="input")
        if input.dtype.is_complex:
            return angle_op.call(input, Tout=input.dtype.real_dtype, name=scope)
        negative = raw.Less(input, 0)
        return raw.Select(negative, np.pi * ones_like(input), zeros_like(input))


def conj(x: Any, name: str | None = None) -> Any:
    """Gives the complex conjugate of a complex tensor; a real tensor itself.

    Args:
      x: a numeric tensor.
      name: a name for the operation.

    Raises:
      TypeError: it is not numeric.
    """
    if isinstance(x, Tensor) and (x.dtype.is_floating or x.dtype.is_integer):
        return x
    with name_scope(name, "Conj", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        if x.dtype.is_complex or x.dtype.base_dtype is dtypes.variant:
            return conj_op.call(x, name=scope)
        if x.dtype.is_floating or x.dtype.is_integer:
            return x
        raise TypeError(f"Expected numeric or variant tensor, got dtype {x.dtype!r}.")
