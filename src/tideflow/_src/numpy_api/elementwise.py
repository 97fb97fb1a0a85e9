"""Functions that work element by element: arithmetic, powers, trigonometry, rounding, comparison, logic and bits.

Most are a row of one of the tables: the operation, which arguments it takes, and what it says of itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.function.loops import while_loop
from tideflow._src.numpy_api import promotion
from tideflow._src.numpy_api.arrays import array, as_array, as_floats, as_type, asarray, is_inexact, promoted
from tideflow._src.numpy_api.arrays import promoted_pair as pair
from tideflow._src.numpy_api.ranks import broadcast
from tideflow._src.ops.array.constants import fill, ones_like, zeros_like
from tideflow._src.ops.array.identity import identity
from tideflow._src.ops.array.selection import where_v2 as where
from tideflow._src.ops.array.shape import shape
from tideflow._src.ops.math import arithmetic, comparison, complex_numbers, division, logical, rounding, trigonometric
from tideflow._src.ops.math import unary as ops
from tideflow._src.ops.math.clip import clip_by_value
from tideflow._src.ops.math.reduction_functions import reduce_any
from tideflow._src.ops.nn.activation import relu
from tideflow._src.runtime.convert import convert_to_tensor

_TAIL = """

    Args:
      {arguments}

    Returns:
      A tensor of {shape}{dtype}.

    Example:
      >>> import tideflow as tf
      >>> {example}
      {result}
    """


def _describe(
    function: Any, name: str, summary: str, arguments: str, shape: str, dtype: str, example: str, result: str
) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = summary + _TAIL.format(
        arguments=arguments, shape=shape, dtype=dtype, example=example, result=result
    )
    return function


def _unary(
    name: str, operation: Callable[[Any], Any], summary: str, *, floats: bool = True, example: str, dtype: str = ""
) -> Any:
    """Returns the public function ``name(x)``.

    Args:
      name: its name.
      operation: what it does to a tensor.
      summary: the first sentence of its docstring.
      floats: whether integers and booleans become floats first.
      example: an argument, an arrow and the result as ``tolist`` gives it: ``"4 -> 2.0"``.
      dtype: what the docstring says of the result's dtype, in place of the rule that ``floats`` makes.
    """

    def function(x: Any) -> Any:
        return operation(as_floats(x) if floats else asarray(x))

    argument, _, result = example.partition(" -> ")
    of_dtype = dtype or (", of floats if `x` is of integers or booleans" if floats else " and dtype of `x`")
    return _describe(
        function,
        name,
        summary,
        "x: a number, an array or a tensor.",
        "the shape" if "dtype of `x`" in of_dtype else "the shape of `x`",
        of_dtype,
        f"tf.experimental.numpy.{name}({argument}).numpy().tolist()",
        result,
    )


def _binary(
    name: str, operation: Callable[[Any, Any], Any], summary: str, *, example: str, dtype: str = ""
) -> Callable[[Any, Any], Any]:
    """Returns the public function ``name(x1, x2)``; see ``_unary``."""

    def function(x1: Any, x2: Any) -> Any:
        return operation(*pair(x1, x2))

    argument, _, result = example.partition(" -> ")
    return _describe(
        function,
        name,
        summary,
        "x1, x2: numbers, arrays or tensors whose shapes broadcast; they are promoted to one dtype.",
        "the shape that both broadcast to, ",
        dtype or "of their common dtype",
        f"tf.experimental.numpy.{name}({argument}).numpy().tolist()",
        result,
    )


def _for_booleans(of_booleans: Callable[[Any, Any], Any], of_numbers: Callable[[Any, Any], Any]) -> Any:
    def operation(x: Any, y: Any) -> Any:
        return of_booleans(x, y) if x.dtype is dtypes.bool else of_numbers(x, y)

    return operation


def _as_bytes(of_numbers: Callable[[Any, Any], Any]) -> Any:
    """Returns an operation that computes with booleans as with numbers of eight bits."""

    def operation(x: Any, y: Any) -> Any:
        if x.dtype is dtypes.bool:
            x, y = as_type(x, dtypes.int8), as_type(y, dtypes.int8)
        return of_numbers(x, y)

    return operation


def _divided(x: Any, y: Any) -> Any:
    if x.dtype is dtypes.bool:
        x, y = as_type(x, promotion.result_type(float)), as_type(y, promotion.result_type(float))
    return division.truediv(x, y)


add = _binary(
    "add",
    _for_booleans(logical.logical_or, arithmetic.add),
    "Adds element by element; booleans by `or`.",
    example="[1, 2], 0.5 -> [1.5, 2.5]",
)
subtract = _binary("subtract", arithmetic.subtract, "Subtracts element by element.", example="[1, 2], 1 -> [0, 1]")
multiply = _binary(
    "multiply",
    _for_booleans(logical.logical_and, arithmetic.multiply),
    "Multiplies element by element; booleans by `and`.",
    example="[1, 2], 3 -> [3, 6]",
)
true_divide = _binary(
    "true_divide",
    _divided,
    "Divides element by element; integers give floats.",
    example="[1, 2], 2 -> [0.5, 1.0]",
    dtype="of floats",
)
divide = _binary(
    "divide",
    _divided,
    "Divides element by element; integers give floats.",
    example="[1, 2], 2 -> [0.5, 1.0]",
    dtype="of floats",
)
floor_divide = _binary(
    "floor_divide",
    _as_bytes(division.floordiv),
    "Divides element by element and rounds down.",
    example="[7, -7], 2 -> [3, -4]",
)
mod = _binary(
    "mod",
    _as_bytes(division.floor_mod),
    "Is the remainder of a division that rounds down, which has the sign of the divisor.",
    example="[7, -7], 3 -> [1, 2]",
)
remainder = _binary(
    "remainder",
    _as_bytes(division.floor_mod),
    "Is the remainder of a division that rounds down, which has the sign of the divisor.",
    example="[7, -7], 3 -> [1, 2]",
)
power = _binary("power", arithmetic.pow, "Raises to a power, element by element.", example="[2, 3], 2 -> [4, 9]")
float_power = _binary(
    "float_power", arithmetic.pow, "Raises to a power, as `power` does.", example="[2.0, 3.0], 2 -> [4.0, 9.0]"
)
arctan2 = _binary(
    "arctan2",
    arithmetic.atan2,
    "Is the angle, in radians, from the positive first axis to the point `(x2, x1)`.",
    example="1.0, 0.0 -> 1.5707963267948966",
)
nextafter = _binary(
    "nextafter",
    rounding.nextafter,
    "Is the next number after `x1` that its dtype has on the way to `x2`.",
    example="0.0, 1.0 -> 5e-324",
)
minimum = _binary(
    "minimum",
    _for_booleans(logical.logical_and, arithmetic.minimum),
    "Is the smaller of two elements.",
    example="[1, 5], 3 -> [1, 3]",
)


def divmod(x1: Any, x2: Any) -> Any:
    """Returns the quotient, rounded down, and the remainder.

    Args:
      x1, x2: numbers, arrays or tensors whose shapes broadcast.

    Returns:
      Two tensors: ``floor_divide(x1, x2)`` and ``mod(x1, x2)``.

    Example:
      >>> import tideflow as tf
      >>> [int(part) for part in tf.experimental.numpy.divmod(7, 3)]
      [2, 1]
    """
    return floor_divide(x1, x2), mod(x1, x2)


def maximum(x1: Any, x2: Any) -> Any:
    """Returns the greater of two elements; booleans by `or`.

    Args:
      x1, x2: numbers, arrays or tensors whose shapes broadcast; they are promoted to one dtype.

    Returns:
      A tensor; that of ``tf.nn.relu`` where ``x2`` is the number 0 and ``x1`` a tensor.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.maximum([1, 5], 3).numpy().tolist()
      [3, 5]
    """
    if isinstance(x1, Tensor) and x1.dtype is not dtypes.bool and x2.__class__ in (int, float) and x2 == 0:
        return relu(x1)
    x1, x2 = pair(x1, x2)
    return logical.logical_or(x1, x2) if x1.dtype is dtypes.bool else arithmetic.maximum(x1, x2)


def clip(a: Any, a_min: Any, a_max: Any) -> Any:
    """Limits elements to an interval.

    Args:
      a: an array or tensor.
      a_min, a_max: the bounds, which broadcast; one of them may be None.

    Returns:
      A tensor of the dtype that all three promote to.

    Raises:
      ValueError: both bounds are None.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.clip([1, 5, 9], 2, 6).numpy().tolist()
      [2, 5, 6]
    """
    if a_min is None and a_max is None:
        raise ValueError("Not more than one of `a_min` and `a_max` may be `None`.")
    if a_min is None:
        return minimum(a, a_max)
    if a_max is None:
        return maximum(a, a_min)
    return clip_by_value(*broadcast(*promoted(a, a_min, a_max)))


def heaviside(x1: Any, x2: Any) -> Any:
    """Is 0 where ``x1`` is negative, 1 where it is positive, and ``x2`` where it is zero.

    Args:
      x1, x2: numbers, arrays or tensors whose shapes broadcast.

    Returns:
      A tensor of floats.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.heaviside([-1.0, 0.0, 2.0], 0.5).numpy().tolist()
      [0.0, 0.5, 1.0]
    """
    x, y = pair(x1, x2)
    zero, one = (convert_to_tensor(value, y.dtype) for value in (0, 1))
    return as_floats(where(x < as_type(zero, x.dtype), zero, where(x > as_type(zero, x.dtype), one, y)))


def hypot(x1: Any, x2: Any) -> Any:
    """Is the length of the hypotenuse, ``sqrt(x1**2 + x2**2)``.

    Args:
      x1, x2: numbers, arrays or tensors whose shapes broadcast.

    Returns:
      A tensor of floats.

    Example:
      >>> import tideflow as tf
      >>> float(tf.experimental.numpy.hypot(3, 4))
      5.0
    """
    return sqrt(add(square(x1), square(x2)))


def logaddexp(x1: Any, x2: Any) -> Any:
    """Is ``log(exp(x1) + exp(x2))``, without overflow.

    Args:
      x1, x2: numbers, arrays or tensors whose shapes broadcast.

    Returns:
      A tensor of floats.

    Example:
      >>> import tideflow as tf
      >>> float(tf.experimental.numpy.logaddexp(0.0, 0.0))
      0.6931471805599453
    """
    x, y = _both_as_floats(x1, x2)
    difference = x - y
    return where(
        rounding.is_nan(difference),
        x + y,  # infinities of one sign, or NaN
        arithmetic.maximum(x, y) + ops.log1p(ops.exp(-ops.abs(difference))),
    )


def logaddexp2(x1: Any, x2: Any) -> Any:
    """Is ``log2(2**x1 + 2**x2)``, without overflow.

    Args:
      x1, x2: numbers, arrays or tensors whose shapes broadcast.

    Returns:
      A tensor of floats.

    Example:
      >>> import tideflow as tf
      >>> float(tf.experimental.numpy.logaddexp2(1.0, 1.0))
      2.0
    """
    x, y = _both_as_floats(x1, x2)
    difference = x - y
    total = arithmetic.maximum(x, y) + ops.log1p(exp2(-ops.abs(difference))) / np.log(2)
    return where(rounding.is_nan(difference), *pair(x + y, total))


def _both_as_floats(x1: Any, x2: Any) -> tuple[Any, Any]:
    x, y = pair(x1, x2)
    return as_floats(x), as_floats(y)


def _scaled(x: Any, factor: float) -> Any:
    return x * convert_to_tensor(float(factor), x.dtype)


# Functions of one argument.


def _complement(x: Any) -> Any:
    return logical.logical_not(x) if x.dtype is dtypes.bool else logical.invert(x)


def _sign_bit(x: Any) -> Any:
    if x.dtype is dtypes.bool:
        return fill(shape(x), False)
    return x < zeros_like(x)


def _cube_root(x: Any) -> Any:
    root = ops.abs(x) ** convert_to_tensor(1.0 / 3, x.dtype)
    return where(x < zeros_like(x), -root, root)


def _truncated(x: Any) -> Any:
    return where(x < zeros_like(x), rounding.ceil(x), rounding.floor(x))


def _sinc(x: Any) -> Any:
    scaled = _scaled(x, np.pi)
    return where(comparison.equal(x, zeros_like(x)), ones_like(x), trigonometric.sin(scaled) / scaled)


sin = _unary("sin", trigonometric.sin, "Is the sine of an angle in radians.", example="0.0 -> 0.0")
cos = _unary("cos", trigonometric.cos, "Is the cosine of an angle in radians.", example="0.0 -> 1.0")
tan = _unary("tan", trigonometric.tan, "Is the tangent of an angle in radians.", example="0.0 -> 0.0")
sinh = _unary("sinh", trigonometric.sinh, "Is the hyperbolic sine.", example="0.0 -> 0.0")
cosh = _unary("cosh", trigonometric.cosh, "Is the hyperbolic cosine.", example="0.0 -> 1.0")
tanh = _unary("tanh", ops.tanh, "Is the hyperbolic tangent.", example="0.0 -> 0.0")
arcsin = _unary("arcsin", trigonometric.asin, "Is the angle, in radians, of a sine.", example="0.0 -> 0.0")
arccos = _unary("arccos", trigonometric.acos, "Is the angle, in radians, of a cosine.", example="1.0 -> 0.0")
arctan = _unary("arctan", trigonometric.atan, "Is the angle, in radians, of a tangent.", example="0.0 -> 0.0")
arcsinh = _unary("arcsinh", trigonometric.asinh, "Is the inverse of `sinh`.", example="0.0 -> 0.0")
arccosh = _unary("arccosh", trigonometric.acosh, "Is the inverse of `cosh`.", example="1.0 -> 0.0")
arctanh = _unary("arctanh", trigonometric.atanh, "Is the inverse of `tanh`.", example="0.0 -> 0.0")
deg2rad = _unary(
    "deg2rad", lambda x: _scaled(x, np.pi / 180.0), "Turns degrees into radians.", example="180.0 -> 3.141592653589793"
)
rad2deg = _unary("rad2deg", lambda x: _scaled(x, 180.0 / np.pi), "Turns radians into degrees.", example="0.0 -> 0.0")
exp = _unary("exp", ops.exp, "Is the exponential function.", example="0 -> 1.0")
exp2 = _unary("exp2", lambda x: convert_to_tensor(2, x.dtype) ** x, "Is `2**x`.", example="[1, 3] -> [2.0, 8.0]")
expm1 = _unary("expm1", ops.expm1, "Is `exp(x) - 1`, exact near zero.", example="0 -> 0.0")
log = _unary("log", ops.log, "Is the natural logarithm.", example="1 -> 0.0")
log1p = _unary("log1p", ops.log1p, "Is `log(1 + x)`, exact near zero.", example="0 -> 0.0")
log2 = _unary("log2", lambda x: ops.log(x) / np.log(2), "Is the logarithm to base 2.", example="[1, 2] -> [0.0, 1.0]")
log10 = _unary(
    "log10",
    lambda x: ops.log(x) / np.log(10),
    "Is the logarithm to base 10.",
    example="[1, 10] -> [0.0, 1.0]",
)
sqrt = _unary("sqrt", ops.sqrt, "Is the square root.", example="[4, 9] -> [2.0, 3.0]")
cbrt = _unary("cbrt", _cube_root, "Is the cube root.", example="[0.0, -1.0] -> [0.0, -1.0]")
sinc = _unary("sinc", _sinc, "Is `sin(pi x) / (pi x)`, and 1 at zero.", example="0 -> 1.0")
ceil = _unary("ceil", rounding.ceil, "Rounds up.", example="[1.2, -1.2] -> [2.0, -1.0]")
floor = _unary("floor", rounding.floor, "Rounds down.", example="[1.2, -1.2] -> [1.0, -2.0]")
fix = _unary("fix", _truncated, "Rounds toward zero.", example="[1.7, -1.7] -> [1.0, -1.0]")
isnan = _unary(
    "isnan", rounding.is_nan, "Tells which elements are NaN.", example="[1.0] -> [False]", dtype=", of booleans"
)
isfinite = _unary(
    "isfinite",
    rounding.is_finite,
    "Tells which elements are neither infinite nor NaN.",
    example="[1.0] -> [True]",
    dtype=", of booleans",
)
abs = _unary(
    "abs",
    ops.abs,
    "Is the absolute value; of a complex number, its magnitude.",
    floats=False,
    example="[-1, 2] -> [1, 2]",
)
absolute = _unary(
    "absolute",
    ops.abs,
    "Is the absolute value; of a complex number, its magnitude.",
    floats=False,
    example="[-1, 2] -> [1, 2]",
)
fabs = _unary(
    "fabs",
    ops.abs,
    "Is the absolute value, as `abs`.",
    floats=False,
    example="[-1.5] -> [1.5]",
)
negative = _unary("negative", ops.negative, "Changes the sign.", floats=False, example="[1, -2] -> [-1, 2]")
positive = _unary("positive", identity, "Is `+x`: the value as it is.", floats=False, example="[1, -2] -> [1, -2]")
reciprocal = _unary("reciprocal", ops.reciprocal, "Is `1 / x`.", floats=False, example="[2.0, 4.0] -> [0.5, 0.25]")
square = _unary("square", ops.square, "Multiplies each element by itself.", floats=False, example="[2, 3] -> [4, 9]")
conj = _unary("conj", complex_numbers.conj, "Is the complex conjugate.", floats=False, example="[1 + 2j] -> [(1-2j)]")
conjugate = _unary(
    "conjugate", complex_numbers.conj, "Is the complex conjugate.", floats=False, example="[1 + 2j] -> [(1-2j)]"
)
bitwise_not = _unary(
    "bitwise_not",
    _complement,
    "Inverts every bit of integers; of booleans, it is `not`.",
    floats=False,
    example="[0, 1] -> [-1, -2]",
)
signbit = _unary(
    "signbit",
    _sign_bit,
    "Tells which elements are less than zero.",
    floats=False,
    example="[-1, 2] -> [True, False]",
    dtype=", of booleans",
)
real = _unary(
    "real", complex_numbers.real, "Is the real part.", floats=False, example="[1 + 2j] -> [1.0]", dtype=", real"
)
imag = _unary(
    "imag", complex_numbers.imag, "Is the imaginary part.", floats=False, example="[1 + 2j] -> [2.0]", dtype=", real"
)


def _with_parameter(function: Any, name: str) -> Any:
    """Gives the only parameter of a function the name that NumPy has for it."""
    code = function.__code__
    function.__code__ = code.replace(co_varnames=(name, *code.co_varnames[1:]))
    function.__doc__ = function.__doc__.replace("x: a number", f"{name}: a number").replace("`x`", f"`{name}`")
    return function


_with_parameter(real, "val")
_with_parameter(imag, "val")


def sign(x: Any, out: Any = None, where: Any = None, **kwargs: Any) -> Any:
    """Is -1, 0 or 1 by the sign of an element; of a complex number, the number of its direction and magnitude 1.

    Args:
      x: a number, an array or a tensor.
      out, where: must be None.

    Raises:
      ValueError: an argument is not supported.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.sign([-3, 0, 2]).numpy().tolist()
      [-1, 0, 1]
    """
    if out is not None:
        raise ValueError("tf.numpy doesnt support setting out.")
    if where is not None:
        raise ValueError("tf.numpy doesnt support setting where.")
    if kwargs:
        raise ValueError(f"tf.numpy doesnt support setting {kwargs.keys()}")
    return ops.sign(asarray(x))


def angle(z: Any, deg: bool = False) -> Any:
    """Is the angle of a complex number: 0 or pi for a real one.

    Args:
      z: a number, an array or a tensor.
      deg: whether to count in degrees, not radians.

    Returns:
      A tensor of float32, or float64 for complex128.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.angle([1j, -1j], deg=True).numpy().tolist()
      [90.0, -90.0]
    """
    z = as_floats(z)
    if z.dtype.is_floating:
        result = where(z < zeros_like(z), convert_to_tensor(np.pi), convert_to_tensor(0.0))
    else:
        result = complex_numbers.angle(z)
    return rad2deg(result) if deg else result


def around(a: Any, decimals: int = 0) -> Any:
    """Rounds to a number of decimals, halves to the even neighbour.

    Args:
      a: a number, an array or a tensor.
      decimals: how many digits behind the point stay; of a negative number, as many before it become zero.

    Returns:
      A tensor of the shape and dtype of ``a``.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.around([1.25, 2.75], 1).numpy().tolist()
      [1.2, 2.8]
    """
    a = asarray(a)
    working = a.dtype if is_inexact(a.dtype) else promotion.result_type(float)
    factor = as_type(convert_to_tensor(float(10.0**decimals), dtypes.float64), working)
    return as_type(rounding.round(as_type(a, working) * factor) / factor, a.dtype)


def round(a: Any, decimals: int = 0) -> Any:
    """Rounds to a number of decimals; see :func:`around`.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.round([1.4, 1.6]).numpy().tolist()
      [1.0, 2.0]
    """
    return around(a, decimals)


# Questions about elements.


def iscomplex(x: Any) -> Any:
    """Tells which elements have an imaginary part.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.iscomplex([1.0, 1j]).numpy().tolist()
      [False, True]
    """
    part = imag(x)
    return comparison.not_equal(part, zeros_like(part))


def isreal(x: Any) -> Any:
    """Tells which elements have no imaginary part.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.isreal([1.0, 1j]).numpy().tolist()
      [True, False]
    """
    part = imag(x)
    return comparison.equal(part, zeros_like(part))


def iscomplexobj(x: Any) -> bool:
    """Tells whether ``x`` is of a complex dtype, as a Python boolean.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.iscomplexobj([1j])
      True
    """
    return bool(asarray(x).dtype.is_complex)


def isrealobj(x: Any) -> bool:
    """Tells whether ``x`` is not of a complex dtype, as a Python boolean.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.isrealobj([1.0])
      True
    """
    return not iscomplexobj(x)


def _is_infinite(name: str, summary: str, test: Callable[[Any], Any], result: str) -> Any:
    def function(x: Any) -> Any:
        x = asarray(x)
        return test(x) if x.dtype.is_floating else False

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"{summary}; False for all of another dtype than floats.\n\n"
        "    Args:\n      x: a number, an array or a tensor.\n\n"
        "    Example:\n      >>> import tideflow as tf\n"
        f"      >>> tf.experimental.numpy.{name}([1.0, float('inf')]).numpy().tolist()\n      [False, {result}]\n    "
    )
    return function


def _equals(x: Any, value: float) -> Any:
    return comparison.equal(x, convert_to_tensor(value, x.dtype))


isinf = _is_infinite("isinf", "Tells which elements are infinite", rounding.is_inf, "True")
isposinf = _is_infinite("isposinf", "Tells which elements are plus infinity", lambda x: _equals(x, np.inf), "True")
isneginf = _is_infinite("isneginf", "Tells which elements are minus infinity", lambda x: _equals(x, -np.inf), "False")


def isclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    """Tells which elements are equal but for a tolerance: ``abs(a - b) <= atol + rtol * abs(b)``.

    Args:
      a, b: numbers, arrays or tensors whose shapes broadcast.
      rtol, atol: the tolerance, relative to ``b`` and absolute; of no effect for integers.
      equal_nan: whether NaN equals NaN.

    Returns:
      A tensor of booleans.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.isclose([1.0, 2.0], [1.0, 2.1]).numpy().tolist()
      [True, False]
    """
    a, b = pair(a, b)
    if not is_inexact(a.dtype):
        return comparison.equal(a, b)
    relative, absolute_part = (convert_to_tensor(value, a.dtype.real_dtype) for value in (rtol, atol))
    result = ops.abs(a - b) <= absolute_part + relative * ops.abs(b)
    if equal_nan:
        result = logical.logical_or(result, logical.logical_and(rounding.is_nan(a), rounding.is_nan(b)))
    return result


# Comparison.


def _comparison(name: str, operation: Callable[[Any, Any], Any], summary: str, example: str, *, ordered: bool) -> Any:
    def function(x1: Any, x2: Any) -> Any:
        x, y = comparable(x1, x2)
        if ordered and x.dtype is dtypes.bool:
            x, y = as_type(x, dtypes.int32), as_type(y, dtypes.int32)
        return operation(x, y)

    argument, _, result = example.partition(" -> ")
    return _describe(
        function,
        name,
        summary,
        "x1, x2: numbers, arrays or tensors whose shapes broadcast; they are promoted to one dtype.",
        "the shape that both broadcast to, ",
        "of booleans",
        f"tf.experimental.numpy.{name}({argument}).numpy().tolist()",
        result,
    )


def comparable(x1: Any, x2: Any) -> tuple[Any, Any]:
    """Returns two arguments as tensors of one dtype, as comparisons promote them."""
    if isinstance(x1, Tensor) and isinstance(x2, Tensor) and x1.dtype is x2.dtype:
        return x1, x2
    dtype = promotion.result_type(x1, x2)
    return array(x1, dtype), array(x2, dtype)


equal = _comparison(
    "equal", comparison.equal, "Tells where two elements are equal.", "[1, 2], 1 -> [True, False]", ordered=False
)
not_equal = _comparison(
    "not_equal", comparison.not_equal, "Tells where two elements differ.", "[1, 2], 1 -> [False, True]", ordered=False
)
greater = _comparison(
    "greater", comparison.greater, "Tells where `x1 > x2`.", "[1, 2], 1 -> [False, True]", ordered=True
)
greater_equal = _comparison(
    "greater_equal", comparison.greater_equal, "Tells where `x1 >= x2`.", "[1, 2], 2 -> [False, True]", ordered=True
)
less = _comparison("less", comparison.less, "Tells where `x1 < x2`.", "[1, 2], 2 -> [True, False]", ordered=True)
less_equal = _comparison(
    "less_equal", comparison.less_equal, "Tells where `x1 <= x2`.", "[1, 2], 1 -> [True, False]", ordered=True
)


# Logic and bits.


def _logic(name: str, operation: Callable[[Any, Any], Any], summary: str, example: str) -> Any:
    def function(x1: Any, x2: Any) -> Any:
        return operation(as_array(x1, dtypes.bool), as_array(x2, dtypes.bool))

    argument, _, result = example.partition(" -> ")
    return _describe(
        function,
        name,
        summary,
        "x1, x2: arguments whose shapes broadcast; a number is true if it is not zero.",
        "the shape that both broadcast to, ",
        "of booleans",
        f"tf.experimental.numpy.{name}({argument}).numpy().tolist()",
        result,
    )


logical_and = _logic(
    "logical_and", logical.logical_and, "Is true where both are.", "[True, False], True -> [True, False]"
)
logical_or = _logic(
    "logical_or", logical.logical_or, "Is true where either is.", "[True, False], False -> [True, False]"
)
logical_xor = _logic(
    "logical_xor", logical.logical_xor, "Is true where just one of them is.", "[True, False], True -> [False, True]"
)


def logical_not(x: Any) -> Any:
    """Is true where ``x`` is false or zero.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.logical_not([True, False]).numpy().tolist()
      [False, True]
    """
    return logical.logical_not(as_array(x, dtypes.bool))


def _on_bits(of_integers: Callable[[Any, Any], Any]) -> Any:
    def operation(x: Any, y: Any) -> Any:
        if x.dtype is dtypes.bool:
            return as_type(of_integers(as_type(x, dtypes.int8), as_type(y, dtypes.int8)), dtypes.bool)
        return of_integers(x, y)

    return operation


bitwise_and = _binary("bitwise_and", _on_bits(logical.bitwise_and), "Is `and` of each bit.", example="6, 3 -> 2")
bitwise_or = _binary("bitwise_or", _on_bits(logical.bitwise_or), "Is `or` of each bit.", example="6, 3 -> 7")
bitwise_xor = _binary(
    "bitwise_xor", _on_bits(logical.bitwise_xor), "Is exclusive `or` of each bit.", example="6, 3 -> 5"
)


# Divisors.


def _greatest_divisor(x: Any, y: Any) -> Any:
    """Is Euclid's algorithm, on all elements at once."""
    if not (x.dtype.is_integer and y.dtype.is_integer):
        raise ValueError("Arguments to gcd must be integers.")
    x, y = broadcast(x, y)
    zero, one = (convert_to_tensor(value, x.dtype) for value in (0, 1))

    def unfinished(x: Any, y: Any) -> Any:
        del x
        return reduce_any(comparison.not_equal(y, zero))

    def step(x: Any, y: Any) -> Any:
        going_on = comparison.not_equal(y, zero)
        divisor = where(going_on, y, one)
        return where(going_on, y, x), where(going_on, division.floor_mod(x, divisor), zero)

    return while_loop(unfinished, step, (_magnitude(x), _magnitude(y)))[0]


def _magnitude(x: Any) -> Any:
    return x if x.dtype.is_unsigned else ops.abs(x)


def _least_multiple(x: Any, y: Any) -> Any:
    divisor = _greatest_divisor(x, y)
    zero, one = (convert_to_tensor(value, x.dtype) for value in (0, 1))
    none = comparison.equal(divisor, zero)
    multiple = _magnitude(x) * division.floordiv(_magnitude(y), where(none, one, divisor))
    return where(none, zero, multiple)


gcd = _binary("gcd", _greatest_divisor, "Is the greatest common divisor of integers.", example="12, 18 -> 6")
lcm = _binary("lcm", _least_multiple, "Is the least common multiple of integers.", example="4, 6 -> 12")
