"""Divisions and remainders: true, truncating, flooring, and those that give 0 instead of NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InternalError, InvalidArgumentError, invalid_argument
from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.core.type_spec import CompositeTensor
from tideflow._src.graph.types import COMPLEX, FLOATING, INTEGER
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.arithmetic import NUMERIC, add_v2, conjugate, mul, pow_op
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.elementwise_functions import binary
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.checks import require
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.lazy import jnp, lax
from tideflow._src.runtime.op import op


def _check_divisor(x: Any, y: Any, error: Any = InvalidArgumentError) -> None:
    """Refuses a zero among integers, if anything is divided by it; NumPy would warn and give 0."""
    if np.size(x) and not np.all(y):
        raise error(None, None, "Integer division by zero")


def _refuse_complex(x: Any) -> None:
    """Refuses complex numbers, which the signatures allow and which nothing rounds."""
    if x.dtype.kind == "c":
        raise invalid_argument(f"Quotients of {x.dtype.name} cannot be rounded.")


def _require_divisor(x: Any, y: Any) -> None:
    """Refuses a zero among integers in a compiled program."""
    if x.size and y.size:
        require(jnp.all(y != 0), "Integer division by zero")


def _truncated_quotient(x: Any, y: Any, error: Any = InvalidArgumentError) -> Any:
    _check_divisor(x, y, error)
    if y.dtype.kind == "u":
        return np.floor_divide(x, y)
    return np.floor_divide(np.subtract(x, np.fmod(x, y)), y)


def _xla_integer_quotient(x: Any, y: Any) -> Any:
    _require_divisor(x, y)
    return lax.div(*jnp.broadcast_arrays(x, y))


def _negative(x: Any) -> Any:
    return raw.Neg(x)


# True division.


def _true_gradient(call: Any, dz: Any) -> Any:
    x, y = (conjugate(item) for item in call.inputs)
    return real_div(dz, y), mul(dz, real_div(real_div(_negative(x), y), y))


def _nonzero_samples(s: Any, *, gradient: bool = True) -> Any:
    for dtype in s.dtypes("T"):
        name = dtype.name
        draw = s.array if name.startswith("complex") else s.nonzero
        floats = gradient and not name.startswith(("int", "uint"))
        yield s(s.array((2, 3), dtype), draw((2, 3), dtype), gradient=floats)
    yield s(s.normal(2, 1, 3), s.nonzero((4, 1)), gradient=gradient)
    yield s(s.normal(dtype="float32"), s.nonzero((3,)), gradient=gradient)
    yield s(s.empty(0, 3), s.nonzero((1, 3)), gradient=gradient)
    yield s(s.normal(2), s.nonzero((3,)), error="InvalidArgumentError")


@op("RealDiv", "x: T, y: T -> z: T", T=NUMERIC, broadcasts=True)
def real_div(xp, x, y):
    """Divides element by element; integers are truncated."""
    return xp.true_divide(x, y) if x.dtype.kind not in "iu" else _xla_integer_quotient(x, y)


@real_div.host
def _real_div_host(x, y):
    return np.true_divide(x, y) if x.dtype.kind not in "iu" else _truncated_quotient(x, y)


@real_div.gradient
def _real_div_gradient(call, dz):
    return _true_gradient(call, dz)


@real_div.samples
def _real_div_samples(s):
    yield from _nonzero_samples(s)
    yield s(np.float32([1, -1, 0, np.inf]), np.float32([0, 0, 0, np.inf]), gradient=False)


@op("Div", "x: T, y: T -> z: T", T=NUMERIC, broadcasts=True)
def div_op(xp, x, y):
    """Divides element by element as C does: integers are truncated."""
    return xp.true_divide(x, y) if x.dtype.kind not in "iu" else _xla_integer_quotient(x, y)


@div_op.host
def _div_host(x, y):
    return np.true_divide(x, y) if x.dtype.kind not in "iu" else _truncated_quotient(x, y)


@div_op.gradient
def _div_gradient(call, dz):
    return _true_gradient(call, dz)


@div_op.samples
def _div_samples(s):
    yield from _nonzero_samples(s)
    yield s(np.int32([-7, 7]), np.int32([3, -3]))
    yield s(np.int8([-128]), np.int8([-1]))
    yield s(np.int32([1, 2]), np.int32(0), error="InvalidArgumentError")


@op("DivNoNan", "x: T, y: T -> z: T", T=(*FLOATING, *COMPLEX), broadcasts=True)
def div_no_nan_op(xp, x, y):
    """Divides element by element; the quotient is 0 where the divisor is 0."""
    return xp.where(y == 0, x.dtype.type(0), xp.true_divide(x, y))


@div_no_nan_op.gradient
def _div_no_nan_gradient(call, dz):
    x, y = (conjugate(item) for item in call.inputs)
    return div_no_nan_op(dz, y), mul(dz, div_no_nan_op(div_no_nan_op(_negative(x), y), y))


@div_no_nan_op.samples
def _div_no_nan_samples(s):
    yield from _nonzero_samples(s)
    yield s(np.float32([1, 0, np.nan, np.inf]), np.float32(0), gradient=False)


# Truncation and flooring.


@op("TruncateDiv", "x: T, y: T -> z: T", T=NUMERIC, broadcasts=True)
def truncate_div(xp, x, y):
    """Divides element by element and rounds towards zero."""
    if x.dtype.kind in "iu":
        return _xla_integer_quotient(x, y)
    _refuse_complex(x)
    return xp.trunc(xp.true_divide(x, y))


@truncate_div.host
def _truncate_div_host(x, y):
    if x.dtype.kind in "iu":
        return _truncated_quotient(x, y, InternalError)  # TensorFlow's class, though the divisor is the cause
    _refuse_complex(x)
    return np.trunc(np.true_divide(x, y))


@truncate_div.gradient
def _truncate_div_gradient(call, dz):
    return None, None


def _without_complex(samples: Any) -> Any:
    return (sample for sample in samples if sample.inputs[0].dtype.kind != "c")


@truncate_div.samples
def _truncate_div_samples(s):
    yield from _without_complex(_nonzero_samples(s, gradient=False))
    yield s(np.int32([-7, 7, -(2**31)]), np.int32([3, -3, -1]))


@op("FloorDiv", "x: T, y: T -> z: T", T=NUMERIC, broadcasts=True)
def floor_div_op(xp, x, y):
    """Divides element by element and rounds towards minus infinity."""
    if x.dtype.kind in "iu":
        _require_divisor(x, y)
        return jnp.floor_divide(x, y)
    _refuse_complex(x)
    return xp.floor(xp.true_divide(x, y))


@floor_div_op.host
def _floor_div_host(x, y):
    if x.dtype.kind in "iu":
        _check_divisor(x, y)
        return np.floor_divide(x, y)
    _refuse_complex(x)
    return np.floor(np.true_divide(x, y))


@floor_div_op.gradient
def _floor_div_gradient(call, dz):
    return None, None


@floor_div_op.samples
def _floor_div_samples(s):
    yield from _without_complex(_nonzero_samples(s, gradient=False))
    yield s(np.int32([-7, 7, -(2**31)]), np.int32([3, -3, -1]))
    yield s(np.float32([1, -1, 0, 7, np.inf, 5, -5]), np.float32([0, 0, 0, -2, 2, np.inf, np.inf]), gradient=False)
    yield s(np.int32([1, 2]), np.int32(0), error="InvalidArgumentError")


def _floored_remainder(xp: Any, x: Any, y: Any) -> Any:
    remainder = xp.fmod(x, y)
    return xp.where((remainder != 0) & ((y < 0) != (remainder < 0)), remainder + y, remainder)


@op("FloorMod", "x: T, y: T -> z: T", T=(*INTEGER, *FLOATING), broadcasts=True)
def floor_mod(xp, x, y):
    """Gives what remains after flooring division; it has the sign of the divisor."""
    if x.dtype.kind in "iu":
        _require_divisor(x, y)
        return jnp.remainder(x, y)
    return _floored_remainder(xp, x, y)


@floor_mod.host
def _floor_mod_host(x, y):
    if x.dtype.kind in "iu":
        _check_divisor(x, y)
    return np.remainder(x, y)


@floor_mod.gradient
def _floor_mod_gradient(call, dz):
    x, y = call.inputs
    return dz, mul(dz, _negative(floor_div_op(x, y)))


@floor_mod.samples
def _floor_mod_samples(s):
    yield from _nonzero_samples(s)
    yield s(np.int32([-7, 7, -(2**31)]), np.int32([3, -3, -1]))
    yield s(np.float32([1, -1, 0, 7, np.inf, 5, -5]), np.float32([0, 0, 0, -2, 2, np.inf, np.inf]), gradient=False)
    yield s(np.int32([1, 2]), np.int32(0), error="InvalidArgumentError")


def _truncated_remainder(x: Any, y: Any, error: Any) -> Any:
    if y.dtype.kind == "i":
        _check_divisor(x, y, error)
    return np.fmod(x, y)


@op("Mod", "x: T, y: T -> z: T", T=("int32", "int64", *FLOATING), broadcasts=True, differentiable="missing")
def mod_op(xp, x, y):
    """Gives what remains after truncating division, as C's ``%`` does; it has the sign of the dividend."""
    if x.dtype.kind in "iu":
        _require_divisor(x, y)
    return xp.fmod(x, y)


@mod_op.host
def _mod_host(x, y):
    return _truncated_remainder(x, y, InvalidArgumentError)


@mod_op.samples
def _mod_samples(s):
    yield from _nonzero_samples(s, gradient=False)
    yield s(np.int32([-7, 7, -(2**31)]), np.int32([3, -3, -1]))
    yield s(np.int32([1, 2]), np.int32(0), error="InvalidArgumentError")


@op("TruncateMod", "x: T, y: T -> z: T", T=("int32", "int64", *FLOATING), broadcasts=True, differentiable="missing")
def truncate_mod(xp, x, y):
    """Gives what remains after truncating division; it has the sign of the dividend."""
    if x.dtype.kind in "iu":
        _require_divisor(x, y)
    return xp.fmod(x, y)


@truncate_mod.host
def _truncate_mod_host(x, y):
    return _truncated_remainder(x, y, InternalError)  # as TruncateDiv


@truncate_mod.samples
def _truncate_mod_samples(s):
    yield from _nonzero_samples(s, gradient=False)
    yield s(np.float32([1, -1, 0, np.inf, 5, -7]), np.float32([0, 0, 0, 2, np.inf, 2]), gradient=False)


# Products and quotients with x = 0 as the winner.


def _not_zero(x: Any) -> Any:
    return cast(raw.NotEqual(x, 0), x.dtype)


def _zero_first_samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(s.positive((2, 3), dtype), s.positive((2, 3), dtype))
    yield s(s.normal(2, 1, 3), s.positive((4, 1)))
    yield s(s.empty(0, 3), s.positive((1, 3)))
    yield s(np.float32([0, 1, 0, 0]), np.float32([0, 0, np.nan, -1]), gradient=False)
    yield s(s.normal(2), s.positive((3,)), error="InvalidArgumentError")


@op("Xdivy", "x: T, y: T -> z: T", T=(*FLOATING, *COMPLEX), broadcasts=True)
def xdivy_op(xp, x, y):
    """Gives ``x / y``, and 0 where ``x`` is 0."""
    return xp.where(x == 0, x.dtype.type(0), xp.true_divide(x, y))


@xdivy_op.gradient
def _xdivy_gradient(call, dz):
    x, y = call.inputs
    return (
        mul(dz, xdivy_op(_not_zero(x), y)),
        mul(dz, xdivy_op(_negative(x), pow_op(y, 2))),
    )


@xdivy_op.samples
def _xdivy_samples(s):
    yield from _zero_first_samples(s)


@op("Xlogy", "x: T, y: T -> z: T", T=(*FLOATING, *COMPLEX), broadcasts=True)
def xlogy_op(xp, x, y):
    """Gives ``x * log(y)``, and 0 where ``x`` is 0."""
    return xp.where(x == 0, x.dtype.type(0), xp.multiply(x, xp.log(y)))


@xlogy_op.gradient
def _xlogy_gradient(call, dz):
    x, y = call.inputs
    return mul(dz, xlogy_op(_not_zero(x), y)), mul(dz, xdivy_op(x, y))


@xlogy_op.samples
def _xlogy_samples(s):
    yield from _zero_first_samples(s)


@op("Xlog1py", "x: T, y: T -> z: T", T=(*FLOATING, *COMPLEX), broadcasts=True)
def xlog1py_op(xp, x, y):
    """Gives ``x * log(1 + y)``, and 0 where ``x`` is 0."""
    return xp.where(x == 0, x.dtype.type(0), xp.multiply(x, xp.log1p(y)))


@xlog1py_op.gradient
def _xlog1py_gradient(call, dz):
    x, y = call.inputs
    return mul(dz, xlog1py_op(_not_zero(x), y)), mul(dz, xdivy_op(x, add_v2(y, 1)))


@xlog1py_op.samples
def _xlog1py_samples(s):
    yield from _zero_first_samples(s)


# Public functions.

_TRUE_DIVISION_TYPES = {
    dtypes.uint8: dtypes.float32,
    dtypes.int8: dtypes.float32,
    dtypes.uint16: dtypes.float32,
    dtypes.int16: dtypes.float32,
    dtypes.uint32: dtypes.float64,
    dtypes.int32: dtypes.float64,
    dtypes.uint64: dtypes.float64,
    dtypes.int64: dtypes.float64,
    dtypes.bfloat16: None,
    dtypes.float16: None,
    dtypes.float32: None,
    dtypes.float64: None,
    dtypes.complex64: None,
    dtypes.complex128: None,
}


def convert_operands(x: Any, y: Any) -> tuple[Any, Any]:
    """Converts the operands of a division; a number takes the type of the tensor beside it.

    Raises:
      TypeError: their types differ.
    """
    if isinstance(x, Tensor) or not isinstance(y, Tensor):
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, dtype_hint=x.dtype.base_dtype, name="y")
    else:
        y = convert_to_tensor(y, name="y")
        x = convert_to_tensor(x, dtype_hint=y.dtype.base_dtype, name="x")
    first, second = x.dtype.base_dtype, y.dtype.base_dtype
    if first is not second:
        raise TypeError(f"`x` and `y` must have the same dtype, got {first!r} != {second!r}.")
    return x, y


def cast_for_true_division(x: Any, y: Any) -> tuple[Any, Any]:
    """Casts two integer tensors of one type to the floating type in which they are divided."""
    dtype = x.dtype.base_dtype
    try:
        target = _TRUE_DIVISION_TYPES[dtype]
    except KeyError:
        raise TypeError(
            f"Invalid dtype {dtype!r} in __truediv__. Expected one of {{{', '.join(map(repr, _TRUE_DIVISION_TYPES))}}}."
        ) from None
    return (x, y) if target is None else (cast(x, target), cast(y, target))


def _truediv_slowly(x: Any, y: Any, name: str | None) -> Any:
    with name_scope(name, "truediv", [x, y]) as scope:
        x, y = cast_for_true_division(*convert_operands(x, y))
        return real_div.call(x, y, name=scope)


truediv = binary(real_div, "truediv", np.true_divide, slow=_truediv_slowly)
truediv.__doc__ = """Divides element by element; integers become float64 (8 and 16 bits: float32) first."""

realdiv = binary(real_div, "RealDiv", None)
truncatediv = binary(truncate_div, "TruncateDiv", None)
truncatemod = binary(truncate_mod, "TruncateMod", None)
floormod = binary(floor_mod, "FloorMod", None)
mod = floormod
floor_div_v1 = binary(floor_div_op, "FloorDiv", None, function_name="floor_div")
floor_div_v1.__qualname__ = "floor_div_v1"
xlogy = binary(xlogy_op, "Xlogy", None)


def divide(x: Any, y: Any, name: str | None = None) -> Any:
    """Divides element by element as Python's ``/`` does.

    Args:
      x: the dividend.
      y: the divisor.
      name: a name for the operation.
    """
    if x.__class__ is EagerTensor:
        return truediv(x, y, name)
    if name is not None:
        return truediv(x, y, name)
    if isinstance(x, CompositeTensor):
        return x / y  # type: ignore[operator]
    if not isinstance(x, Tensor):
        x = convert_to_tensor(x, dtype=y.dtype.base_dtype if isinstance(y, Tensor) else None)
    return truediv(x, y)


def floordiv(x: Any, y: Any, name: str | None = None) -> Any:
    """Divides element by element and rounds towards minus infinity.

    Args:
      x: the dividend.
      y: the divisor, of the same type.
      name: a name for the operation.
    """
    if x.__class__ is EagerTensor and y.__class__ is EagerTensor:
        return floor_div_op.call(x, y, name=name or "floordiv")
    with name_scope(name, "floordiv", [x, y]) as scope:
        return floor_div_op.call(x, y, name=scope)


def div(x: Any, y: Any, name: str | None = None) -> Any:
    """Divides as Python 2 does: integers are floored, other numbers divided exactly.

    Args:
      x: the dividend.
      y: the divisor, of the same type.
      name: a name for the operation.
    """
    with name_scope(name, "div", [x, y]) as scope:
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, dtype=x.dtype.base_dtype, name="y")
        if x.dtype.base_dtype is not y.dtype.base_dtype:
            raise TypeError(f"`x` and `y` must have the same dtype, got {x.dtype!r} != {y.dtype!r}.")
        if x.dtype.is_floating or x.dtype.is_complex:
            return real_div.call(x, y, name=scope)
        return floor_div_op.call(x, y, name=scope)


def div_no_nan(x: Any, y: Any, name: str | None = None) -> Any:
    """Divides element by element; the quotient is 0 where the divisor is 0.

    Args:
      x: the dividend; integers become float64 (8 and 16 bits: float32).
      y: the divisor.
      name: a name for the operation.
    """
    with name_scope(name, "div_no_nan", [x, y]) as scope:
        x, y = convert_operands(x, y)
        return div_no_nan_op.call(*cast_for_true_division(x, y), name=scope)


divide_no_nan = div_no_nan


def reciprocal_no_nan(x: Any, name: str | None = None) -> Any:
    """Gives ``1 / x`` element by element, and 0 where ``x`` is 0.

    Args:
      x: a floating or complex tensor.
      name: a name for the operation.
    """
    with name_scope(name, "reciprocal_no_nan", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        one = convert_to_tensor(1, dtype=x.dtype.base_dtype, name="one")
        return div_no_nan_op.call(one, x, name=scope)


def xdivy(x: Any, y: Any, name: str | None = None) -> Any:
    """Gives ``x / y``, and 0 where ``x`` is 0."""
    with name_scope(name, "xdivy", [x]):
        return xdivy_op.call(x, y)


def xlog1py(x: Any, y: Any, name: str | None = None) -> Any:
    """Gives ``x * log(1 + y)``, and 0 where ``x`` is 0."""
    with name_scope(name, "xlog1py", [x]):
        return xlog1py_op.call(x, y)
