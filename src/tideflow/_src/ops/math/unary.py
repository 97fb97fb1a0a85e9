"""Functions of one tensor that everything uses: sign, square, roots, exponential, logarithm, tanh, sigmoid."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import COMPLEX, FLOATING, SIGNED, UNSIGNED
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.arithmetic import add_v2, conjugate, mul, sub
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.division import div_no_nan_op, real_div
from tideflow._src.ops.math.elementwise_functions import unary
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.lazy import lax
from tideflow._src.runtime.op import op

SMOOTH = (*FLOATING, *COMPLEX)
_SIGNED_NUMBERS = (*FLOATING, *SIGNED, *COMPLEX)


def unary_samples(s: Any, draw: Any = None, *, gradient: bool = True, special: bool = True) -> Any:
    """Yields every dtype, rank 0, empty and special values, drawn by ``draw(shape, dtype)``."""
    draw = draw or s.array
    for dtype in s.dtypes("T"):
        yield s(draw((2, 3), dtype), gradient=gradient)
    yield s(draw((), np.float32), gradient=gradient)
    yield s(s.empty(0, 2))
    if special:
        yield s(np.float32([0.0, -0.0, np.nan, np.inf, -np.inf]), gradient=False)


def between(s: Any, low: float, high: float) -> Any:
    """Returns a function that draws floating or complex numbers of a range."""

    def draw(shape: Any, dtype: Any) -> Any:
        values = s.uniform(low, high, shape, dtype)
        return values + values.dtype.type(0.25j) if values.dtype.kind == "c" else values

    return draw


# Sign and size.


@op("Neg", "x: T -> y: T", T=_SIGNED_NUMBERS, host=np.negative)
def neg_op(xp, x):
    """Gives ``-x``, element by element."""
    return xp.negative(x)


@neg_op.shape
def _neg_shape(x):
    return x


@neg_op.gradient
def _neg_gradient(call, dy):
    return neg_op(dy)


@neg_op.samples
def _neg_samples(s):
    yield from unary_samples(s)
    yield s(np.int8([-128]))


@op("Abs", "x: T -> y: T", T=(*FLOATING, *SIGNED), host=np.absolute)
def abs_op(xp, x):
    """Gives the absolute value, element by element."""
    return xp.abs(x)


@abs_op.shape
def _abs_shape(x):
    return x


@abs_op.gradient
def _abs_gradient(call, dy):
    return mul(dy, sign_op(call.inputs[0]))


@abs_op.samples
def _abs_samples(s):
    yield from unary_samples(s)
    yield s(np.int8([-128]))


@op(
    "ComplexAbs",
    "x: T -> y: Tout",
    T=default("complex64", COMPLEX),
    Tout=default("float", ("float", "double")),
)
def complex_abs_op(xp, x, *, Tout: DType):
    """Gives the modulus of complex numbers, element by element."""
    return xp.abs(x).astype(Tout.as_numpy_dtype)


@complex_abs_op.shape
def _complex_abs_shape(x):
    return x


@complex_abs_op.gradient
def _complex_abs_gradient(call, dy):
    x, y = call.inputs[0], call.outputs[0]
    zeros = mul(0, dy)
    return mul(
        raw.Complex(dy, zeros, Tout=x.dtype.base_dtype),
        div_no_nan_op(x, raw.Complex(y, mul(0, y), Tout=x.dtype.base_dtype)),
    )


@complex_abs_op.samples
def _complex_abs_samples(s):
    yield s(s.normal(2, 3, dtype="complex64"))
    yield s(s.normal(2, 3, dtype="complex128"), Tout="double")
    yield s(np.array([0j, 3 + 4j], np.complex64), gradient=False)


@op("Sign", "x: T -> y: T", T=_SIGNED_NUMBERS)
def sign_op(xp, x):
    """Gives -1, 0 or 1 by the sign, element by element; of a complex number, the number divided by its modulus."""
    if x.dtype.kind == "c":
        size = xp.abs(x)
        return xp.where(size == 0, x.dtype.type(0), x / xp.where(size == 0, size.dtype.type(1), size))
    return xp.sign(x)


@sign_op.shape
def _sign_shape(x):
    return x


@sign_op.gradient
def _sign_gradient(call, dy):
    return mul(0, dy)


@sign_op.samples
def _sign_samples(s):
    for sample in unary_samples(s):
        yield sample if sample.inputs[0].dtype.kind != "c" else s(*sample.inputs, gradient=False)


# Squares, roots and reciprocals.


@op("Square", "x: T -> y: T", T=(*FLOATING, *SIGNED, *UNSIGNED, *COMPLEX), host=np.square)
def square_op(xp, x):
    """Gives ``x * x``, element by element."""
    return xp.square(x)


@square_op.shape
def _square_shape(x):
    return x


@square_op.gradient
def _square_gradient(call, dy):
    return mul(dy, mul(2, conjugate(call.inputs[0])))


@square_op.samples
def _square_samples(s):
    yield from unary_samples(s)


@op("Sqrt", "x: T -> y: T", T=SMOOTH, host=np.sqrt)
def sqrt_op(xp, x):
    """Gives the square root, element by element; NaN of a negative number."""
    return xp.sqrt(x)


@sqrt_op.shape
def _sqrt_shape(x):
    return x


@sqrt_op.gradient
def _sqrt_gradient(call, dy):
    return sqrt_grad(call.outputs[0], dy)


@sqrt_op.samples
def _sqrt_samples(s):
    yield from unary_samples(s, between(s, 0.5, 3))


def _gradient_op_samples(s: Any, low: float = 0.5, high: float = 2.0) -> Any:
    draw = between(s, low, high)
    for dtype in s.dtypes("T"):
        yield s(draw((2, 3), dtype), s.array((2, 3), dtype), gradient=not dtype.is_complex)
    yield s(s.empty(0, 2), s.empty(0, 2))
    yield s(s.special(), np.zeros_like(s.special()), gradient=False)
    yield s(s.special(), np.ones_like(s.special()), gradient=False)


@op("SqrtGrad", "y: T, dy: T -> z: T", T=SMOOTH, broadcasts=True)
def sqrt_grad(xp, y, dy):
    """Gives the gradient of the square root ``y``: ``dy / (2 * y)``."""
    dy = _alike(y, dy)
    # Half of the smallest number would be flushed to zero, twice the largest one overflows.
    small = xp.abs(dy) < 1
    half = y.dtype.type(0.5)
    return _zero_kept(xp, dy, xp.where(small, dy, half * dy) / _conjugate(xp, xp.where(small, y + y, y)))


@sqrt_grad.gradient
def _sqrt_grad_gradient(call, dz):
    y, z = call.inputs[0], call.outputs[0]
    quotient = real_div(dz, y)
    return mul(neg_op(conjugate(quotient)), z), mul(0.5, quotient)


@sqrt_grad.samples
def _sqrt_grad_samples(s):
    yield from _gradient_op_samples(s)


def _alike(y: Any, dy: Any) -> Any:
    """Returns ``dy`` in the shape of ``y``; they must have the same number of elements."""
    if y.shape == dy.shape:
        return dy
    if y.size != dy.size:
        raise InvalidArgumentError(
            None,
            None,
            f"The two arguments to a cwise op must have same number of elements, got {y.size} and {dy.size}",
        )
    return dy.reshape(y.shape)


def _zero_kept(xp: Any, dy: Any, z: Any) -> Any:
    """Returns a gradient that is zero where the upstream one is, as TensorFlow's are, also at poles and beyond."""
    return xp.where(dy == 0, np.zeros((), z.dtype), z)


def _conjugate(xp: Any, x: Any) -> Any:
    return xp.conjugate(x) if x.dtype.kind == "c" else x


@op("Rsqrt", "x: T -> y: T", T=SMOOTH)
def rsqrt_op(xp, x):
    """Gives ``1 / sqrt(x)``, element by element."""
    return xp.true_divide(x.dtype.type(1), xp.sqrt(x))


@rsqrt_op.xla
def _rsqrt_xla(x):
    return lax.rsqrt(x)


@rsqrt_op.shape
def _rsqrt_shape(x):
    return x


@rsqrt_op.gradient
def _rsqrt_gradient(call, dy):
    return rsqrt_grad(call.outputs[0], dy)


@rsqrt_op.samples
def _rsqrt_samples(s):
    yield from unary_samples(s, between(s, 0.5, 3))


@op("RsqrtGrad", "y: T, dy: T -> z: T", T=SMOOTH, broadcasts=True)
def rsqrt_grad(xp, y, dy):
    """Gives the gradient of the reciprocal square root ``y``: ``dy * -0.5 * y**3``."""
    dy = _alike(y, dy)
    y = _conjugate(xp, y)
    # In this order nothing overflows, or is flushed to zero, that the gradient would not be.
    return _zero_kept(xp, dy, y.dtype.type(-0.5) * (dy * y) * (y * y))


@rsqrt_grad.gradient
def _rsqrt_grad_gradient(call, dz):
    y, dy = conjugate(call.inputs[0]), call.inputs[1]
    return mul(mul(mul(-1.5, conjugate(dz)), dy), square_op(y)), rsqrt_grad(y, dz)


@rsqrt_grad.samples
def _rsqrt_grad_samples(s):
    yield from _gradient_op_samples(s)


def _reciprocal(xp: Any, x: Any) -> Any:
    if x.dtype.kind == "i":
        # As integer division by x would give: 1 and -1 stay, larger numbers become 0.
        return xp.where(xp.abs(x) == 1, x, x.dtype.type(0))
    return xp.true_divide(x.dtype.type(1), x)


def _reciprocal_samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        draw = s.array if dtype.is_complex else s.nonzero
        yield s(draw((2, 3), dtype))
    yield s(s.nonzero((), np.float32))
    yield s(s.empty(0, 2))
    yield s(np.float32([0.0, -0.0, np.nan, np.inf, -np.inf]), gradient=False)


@op("Reciprocal", "x: T -> y: T", T=_SIGNED_NUMBERS)
def reciprocal_op(xp, x):
    """Gives ``1 / x``, element by element."""
    return _reciprocal(xp, x)


@reciprocal_op.shape
def _reciprocal_shape(x):
    return x


@reciprocal_op.gradient
def _reciprocal_gradient(call, dy):
    return reciprocal_grad(call.outputs[0], dy)


@reciprocal_op.samples
def _reciprocal_op_samples(s):
    yield from _reciprocal_samples(s)


@op("Inv", "x: T -> y: T", T=_SIGNED_NUMBERS)
def inv_op(xp, x):
    """Gives ``1 / x``, element by element."""
    return _reciprocal(xp, x)


@inv_op.shape
def _inv_shape(x):
    return x


@inv_op.gradient
def _inv_gradient(call, dy):
    return reciprocal_grad(call.outputs[0], dy)


@inv_op.samples
def _inv_samples(s):
    yield from _reciprocal_samples(s)


@op("ReciprocalGrad", "y: T, dy: T -> z: T", T=SMOOTH, broadcasts=True)
def reciprocal_grad(xp, y, dy):
    """Gives the gradient of the reciprocal ``y``: ``-dy * y * y``."""
    dy = _alike(y, dy)
    y = _conjugate(xp, y)
    return _zero_kept(xp, dy, -dy * y * y)


@reciprocal_grad.gradient
def _reciprocal_grad_gradient(call, dz):
    return _second_reciprocal_gradient(call, dz)


@reciprocal_grad.samples
def _reciprocal_grad_samples(s):
    yield from _gradient_op_samples(s)


@op("InvGrad", "y: T, dy: T -> z: T", T=SMOOTH, broadcasts=True)
def inv_grad(xp, y, dy):
    """Gives the gradient of the reciprocal ``y``: ``-dy * y * y``."""
    dy = _alike(y, dy)
    y = _conjugate(xp, y)
    return _zero_kept(xp, dy, -dy * y * y)


@inv_grad.gradient
def _inv_grad_gradient(call, dz):
    return _second_reciprocal_gradient(call, dz)


@inv_grad.samples
def _inv_grad_samples(s):
    yield from _gradient_op_samples(s)


def _second_reciprocal_gradient(call: Any, dz: Any) -> Any:
    y, dy = conjugate(call.inputs[0]), call.inputs[1]
    return mul(mul(mul(-2, conjugate(dz)), dy), y), reciprocal_grad(y, dz)


# Exponential and logarithm.


@op("Exp", "x: T -> y: T", T=SMOOTH, host=np.exp)
def exp_op(xp, x):
    """Gives e to the power ``x``, element by element."""
    return xp.exp(x)


@exp_op.shape
def _exp_shape(x):
    return x


@exp_op.gradient
def _exp_gradient(call, dy):
    return mul(dy, conjugate(call.outputs[0]))


@exp_op.samples
def _exp_samples(s):
    yield from unary_samples(s)


@op("Expm1", "x: T -> y: T", T=SMOOTH, host=np.expm1)
def expm1_op(xp, x):
    """Gives ``exp(x) - 1``, accurately near 0, element by element."""
    return xp.expm1(x)


@expm1_op.shape
def _expm1_shape(x):
    return x


@expm1_op.gradient
def _expm1_gradient(call, dy):
    return mul(dy, exp_op(conjugate(call.inputs[0])))


@expm1_op.samples
def _expm1_samples(s):
    yield from unary_samples(s)


@op("Log", "x: T -> y: T", T=SMOOTH, host=np.log)
def log_op(xp, x):
    """Gives the natural logarithm, element by element; NaN of a negative number."""
    return xp.log(x)


@log_op.shape
def _log_shape(x):
    return x


@log_op.gradient
def _log_gradient(call, dy):
    return mul(dy, reciprocal_op(conjugate(call.inputs[0])))


@log_op.samples
def _log_samples(s):
    yield from unary_samples(s, between(s, 0.5, 3))


@op("Log1p", "x: T -> y: T", T=SMOOTH, host=np.log1p)
def log1p_op(xp, x):
    """Gives ``log(1 + x)``, accurately near 0, element by element."""
    return xp.log1p(x)


@log1p_op.shape
def _log1p_shape(x):
    return x


@log1p_op.gradient
def _log1p_gradient(call, dy):
    return mul(dy, reciprocal_op(add_v2(1, conjugate(call.inputs[0]))))


@log1p_op.samples
def _log1p_samples(s):
    yield from unary_samples(s, between(s, -0.4, 3))


# The two squashing functions.


@op("Tanh", "x: T -> y: T", T=SMOOTH, host=np.tanh)
def tanh_op(xp, x):
    """Gives the hyperbolic tangent, element by element."""
    return xp.tanh(x)


@tanh_op.shape
def _tanh_shape(x):
    return x


@tanh_op.gradient
def _tanh_gradient(call, dy):
    return tanh_grad(conjugate(call.outputs[0]), dy)


@tanh_op.samples
def _tanh_samples(s):
    yield from unary_samples(s)


@op("TanhGrad", "y: T, dy: T -> z: T", T=SMOOTH, broadcasts=True)
def tanh_grad(xp, y, dy):
    """Gives the gradient of the hyperbolic tangent ``y``: ``dy * (1 - y * y)``."""
    dy = _alike(y, dy)
    return dy * (y.dtype.type(1) - y * y)


@tanh_grad.gradient
def _tanh_grad_gradient(call, dz):
    y, dy = (conjugate(item) for item in call.inputs)
    return mul(mul(mul(dz, -2.0), dy), y), tanh_grad(y, dz)


@tanh_grad.samples
def _tanh_grad_samples(s):
    yield from _gradient_op_samples(s, -0.9, 0.9)


@op("Sigmoid", "x: T -> y: T", T=SMOOTH)
def sigmoid_op(xp, x):
    """Gives ``1 / (1 + exp(-x))``, element by element."""
    dtype = x.dtype
    if dtype.itemsize == 2:  # one rounding at the end, as TensorFlow does
        x = x.astype(np.float32)
    one = x.dtype.type(1)
    result = one / (one + xp.exp(-x))
    return result if result.dtype == dtype else result.astype(dtype)


@sigmoid_op.xla
def _sigmoid_xla(x):
    return lax.logistic(x)


@sigmoid_op.shape
def _sigmoid_shape(x):
    return x


@sigmoid_op.gradient
def _sigmoid_gradient(call, dy):
    return sigmoid_grad(conjugate(call.outputs[0]), dy)


@sigmoid_op.samples
def _sigmoid_samples(s):
    yield from unary_samples(s)
    yield s(np.float32([-100, 100, -30, -88]), gradient=False)


@op("SigmoidGrad", "y: T, dy: T -> z: T", T=SMOOTH, broadcasts=True)
def sigmoid_grad(xp, y, dy):
    """Gives the gradient of the sigmoid ``y``: ``dy * y * (1 - y)``."""
    dy = _alike(y, dy)
    return dy * y * (y.dtype.type(1) - y)


@sigmoid_grad.gradient
def _sigmoid_grad_gradient(call, dz):
    y, dy = (conjugate(item) for item in call.inputs)
    scaled = mul(dz, dy)
    return sub(scaled, mul(mul(2.0, scaled), y)), sigmoid_grad(y, dz)


@sigmoid_grad.samples
def _sigmoid_grad_samples(s):
    yield from _gradient_op_samples(s, 0.1, 0.9)


# Public functions.

negative = unary(neg_op, np.negative, function_name="negative")
neg = negative
square = unary(square_op, np.square)
sqrt = unary(sqrt_op, np.sqrt)
rsqrt = unary(rsqrt_op)
reciprocal = unary(reciprocal_op)
inv = unary(inv_op)
exp = unary(exp_op, np.exp)
expm1 = unary(expm1_op, np.expm1)
log = unary(log_op, np.log)
log1p = unary(log1p_op, np.log1p)
tanh = unary(tanh_op, np.tanh)
sigmoid = unary(sigmoid_op)


def _abs_slowly(x: Any, name: str | None) -> Any:
    x = convert_to_tensor(x, name="x")
    if x.dtype.is_complex:
        return complex_abs_op.call(x, Tout=x.dtype.real_dtype, name=name or "Abs")
    return abs_op.call(x, name=name)


abs = unary(abs_op, np.absolute, slow=_abs_slowly)


def complex_abs(x: Any, name: str | None = None) -> Any:
    """Gives the modulus of complex numbers, element by element."""
    x = convert_to_tensor(x, name="x")
    return complex_abs_op.call(x, Tout=x.dtype.real_dtype, name=name)


def _sign_slowly(x: Any, name: str | None) -> Any:
    x = convert_to_tensor(x)
    if x.dtype.is_complex:
        size = complex_abs_op.call(x, Tout=x.dtype.real_dtype)
        return div_no_nan_op.call(x, cast(size, x.dtype), name=name)
    return sign_op.call(x, name=name)


sign = unary(sign_op, slow=_sign_slowly)
