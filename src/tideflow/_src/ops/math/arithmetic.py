"""Binary arithmetic: addition, subtraction, multiplication, powers, extrema and sums of many tensors.

The divisions and remainders are in :mod:`.division`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.graph.op_def import Shape, at_least
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.types import COMPLEX, FLOATING, INTEGER, NUMBER
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.elementwise_functions import binary, renamed
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.lazy import jnp
from tideflow._src.runtime.op import op

NUMERIC = (*FLOATING, *INTEGER, *COMPLEX)
_SIGNED_NUMBERS = (*FLOATING, "int8", "int16", "int32", "int64", *COMPLEX)


def binary_samples(s: Any, *, positive: bool = False, gradient: bool = True) -> Any:
    """Yields every dtype, broadcasting both ways, empty, scalars, and shapes that do not fit."""
    draw = s.positive if positive else s.array
    for dtype in s.dtypes("T"):
        yield s(draw((2, 3), dtype), draw((2, 3), dtype), gradient=gradient)
    yield s(draw((2, 1, 3), np.float32), draw((4, 1), np.float32), gradient=gradient)
    yield s(draw((), np.float64), draw((3,), np.float64), gradient=gradient)
    yield s(draw((0, 3), np.float32), draw((1, 3), np.float32))
    yield s(draw((2,), np.float32), draw((3,), np.float32), error="InvalidArgumentError")


def conjugate(x: Any) -> Any:
    """Returns the complex conjugate of a complex tensor, and a real tensor itself."""
    if x.__class__ is EagerTensor and x._value.dtype.kind == "f":
        return x
    return raw.Conj(x) if x.dtype.is_complex else x


def select(condition: Any, x: Any, y: Any) -> Any:
    """Takes elements of ``x`` where ``condition`` holds and of ``y`` elsewhere, all broadcast."""
    return raw.SelectV2(condition, x, y)


# Sums, differences and products.


@op("AddV2", "x: T, y: T -> z: T", T=NUMERIC, broadcasts=True, commutative=True, aggregate=True, host=np.add)
def add_v2(xp, x, y):
    """Adds two tensors element by element."""
    return xp.add(x, y)


@add_v2.gradient
def _add_v2_gradient(call, dz):
    return dz, dz


@add_v2.samples
def _add_v2_samples(s):
    yield from binary_samples(s)
    yield s(np.array([2**31 - 1], np.int32), np.array([1], np.int32))


@op(
    "Add",
    "x: T, y: T -> z: T",
    T=(*FLOATING, "uint8", "int8", "int16", "int32", "int64", *COMPLEX, "string"),
    broadcasts=True,
)
def add_op(xp, x, y):
    """Adds two tensors element by element; strings are joined."""
    return xp.add(x, y)


@add_op.host
def _add_host(x, y):
    result = np.add(x, y)
    return np.asarray(result, object) if x.dtype.kind == "O" else result


@add_op.gradient
def _add_gradient(call, dz):
    return dz, dz


@add_op.samples
def _add_samples(s):
    yield from binary_samples(s)
    yield s(s.strings((2, 2)), s.strings(()))
    yield s(s.strings(()), s.strings(()))


@op("Sub", "x: T, y: T -> z: T", T=NUMERIC, broadcasts=True, host=np.subtract)
def sub(xp, x, y):
    """Subtracts ``y`` from ``x`` element by element."""
    return xp.subtract(x, y)


@sub.gradient
def _sub_gradient(call, dz):
    return dz, raw.Neg(dz)


@sub.samples
def _sub_samples(s):
    yield from binary_samples(s)


@op("Mul", "x: T, y: T -> z: T", T=NUMERIC, broadcasts=True, commutative=True, host=np.multiply)
def mul(xp, x, y):
    """Multiplies two tensors element by element."""
    return xp.multiply(x, y)


@mul.gradient
def _mul_gradient(call, dz):
    x, y = call.inputs
    return mul(dz, conjugate(y)), mul(conjugate(x), dz)


@mul.samples
def _mul_samples(s):
    yield from binary_samples(s)


@op("MulNoNan", "x: T, y: T -> z: T", T=(*FLOATING, *COMPLEX), broadcasts=True)
def mul_no_nan(xp, x, y):
    """Multiplies element by element; the product is 0 where ``y`` is 0, even if ``x`` is infinite or NaN."""
    return xp.where(y == 0, x.dtype.type(0), xp.multiply(x, y))


@mul_no_nan.gradient
def _mul_no_nan_gradient(call, dz):
    x, y = call.inputs
    return mul_no_nan(dz, y), mul_no_nan(x, dz)


@mul_no_nan.samples
def _mul_no_nan_samples(s):
    for sample in binary_samples(s):  # TensorFlow's gradient of complex products lacks the conjugate
        yield s(*sample.inputs, gradient=False) if sample.inputs[0].dtype.kind == "c" else sample
    yield s(np.float32([np.nan, np.inf, 2, 0, 0]), np.float32([0, 0, 3, np.nan, np.inf]), gradient=False)


@op(
    "SquaredDifference",
    "x: T, y: T -> z: T",
    T=(*FLOATING, "int32", "int64", *COMPLEX),
    broadcasts=True,
    commutative=True,
)
def squared_difference_op(xp, x, y):
    """Gives the square of the difference, element by element; of complex numbers, its squared modulus."""
    difference = xp.subtract(x, y)
    if x.dtype.kind == "c":
        return xp.multiply(difference, xp.conjugate(difference))
    return xp.multiply(difference, difference)


@squared_difference_op.gradient
def _squared_difference_gradient(call, dz):
    x, y = call.inputs
    dx = mul(mul(2, dz), sub(x, y))
    return dx, raw.Neg(dx)


@squared_difference_op.samples
def _squared_difference_samples(s):
    for sample in binary_samples(s):
        if sample.inputs[0].dtype.kind != "c":
            yield sample
    yield s(s.normal(2, 3, dtype="complex64"), s.normal(3, dtype="complex64"), gradient=False)
    yield s(s.normal(2, 3, dtype="complex128"), s.normal(3, dtype="complex128"), gradient=False)


# Powers and angles.


@op("Pow", "x: T, y: T -> z: T", T=_SIGNED_NUMBERS, broadcasts=True, host=np.power)
def pow_op(xp, x, y):
    """Raises ``x`` to the power ``y``, element by element; integers only to powers that are not negative."""
    return xp.power(x, y)


@pow_op.xla
def _pow_xla(x, y):
    if x.dtype.kind in "iuc":
        return jnp.power(x, y)
    # XLA's power of a subnormal number is neither that nor the power of zero.
    return jnp.power(_without_subnormal(x), _without_subnormal(y))


def _without_subnormal(x: Any) -> Any:
    """Replaces subnormal numbers by zeros of their sign, for functions of XLA that take them for something else."""
    return jnp.where(jnp.abs(x) < jnp.finfo(x.dtype).tiny, x * 0, x)


@pow_op.gradient
def _pow_gradient(call, dz):
    x, y = call.inputs
    z = conjugate(call.outputs[0])
    x, y = conjugate(x), conjugate(y)
    dx = mul(mul(dz, y), pow_op(x, sub(y, 1)))
    # The logarithm of a base that is not positive counts as 0, which keeps NaN out of dy.
    positive = raw.NotEqual(x, 0) if x.dtype.is_complex else raw.Greater(x, 0)
    logarithm = select(positive, raw.Log(select(positive, x, 1)), 0)
    return dx, mul(mul(dz, z), logarithm)


@pow_op.samples
def _pow_samples(s):
    yield from binary_samples(s, positive=True)
    yield s(np.float32([-8, 0, 0, -2, 3]), np.float32([1 / 3, 0, -1, 3, 2]), gradient=False)
    yield s(np.float32([-2, -3, 2]), np.float32([3, 2, -2]), gradient=False)
    yield s(np.int32([2, -3, 7]), np.int32([40, 3, 0]))
    yield s(np.int32([2, 3]), np.int32([-1, 2]), error="InvalidArgumentError")


@op("Atan2", "y: T, x: T -> z: T", T=FLOATING, broadcasts=True, host=np.arctan2)
def atan2_op(xp, y, x):
    """Gives the angle of the point ``(x, y)``, from -pi to pi, element by element."""
    return xp.arctan2(y, x)


@atan2_op.xla
def _atan2_xla(y, x):
    return jnp.arctan2(_without_subnormal(y), _without_subnormal(x))


@atan2_op.gradient
def _atan2_gradient(call, dz):
    y, x = call.inputs
    scaled = raw.RealDiv(dz, add_v2(raw.Square(x), raw.Square(y)))
    return mul(x, scaled), mul(raw.Neg(y), scaled)


@atan2_op.samples
def _atan2_samples(s):
    yield from binary_samples(s)
    yield s(np.float32([0, -0.0, 0, 1, np.inf]), np.float32([-0.0, -0.0, 0, 0, np.inf]), gradient=False)


# Extrema.


@op("Maximum", "x: T, y: T -> z: T", T=(*FLOATING, *INTEGER), broadcasts=True, host=np.maximum)
def maximum_op(xp, x, y):
    """Gives the larger of two numbers, element by element; NaN if either is."""
    return xp.maximum(x, y)


@maximum_op.gradient
def _maximum_gradient(call, dz):
    x, y = call.inputs
    from_x = raw.GreaterEqual(x, y)
    return select(from_x, dz, 0), select(from_x, 0, dz)


@maximum_op.samples
def _maximum_samples(s):
    yield from binary_samples(s)
    yield s(np.float32([np.nan, 1, np.inf]), np.float32([1, np.nan, 2]), gradient=False)
    yield s(np.float32([1, 2]), np.float32([1, 2]), gradient=False)


@op("Minimum", "x: T, y: T -> z: T", T=(*FLOATING, *INTEGER), broadcasts=True, host=np.minimum)
def minimum_op(xp, x, y):
    """Gives the smaller of two numbers, element by element; NaN if either is."""
    return xp.minimum(x, y)


@minimum_op.gradient
def _minimum_gradient(call, dz):
    x, y = call.inputs
    from_x = raw.LessEqual(x, y)
    return select(from_x, dz, 0), select(from_x, 0, dz)


@minimum_op.samples
def _minimum_samples(s):
    yield from binary_samples(s)
    yield s(np.float32([np.nan, 1, np.inf]), np.float32([1, np.nan, 2]), gradient=False)
    yield s(np.float32([1, 2]), np.float32([1, 2]), gradient=False)


# Sums of many tensors.


@op("AddN", "inputs: N * T -> sum: T", T=(*NUMBER, "variant"), N=at_least(1), commutative=True, aggregate=True)
def add_n_op(xp, inputs):
    """Adds tensors of one shape; does not broadcast."""
    _check_same_shape("AddN", inputs)
    total = inputs[0]
    for item in inputs[1:]:
        total = total + item
    return total


@add_n_op.shape
def _add_n_shape(inputs):
    return _merge_shapes(inputs)


@add_n_op.gradient
def _add_n_gradient(call, dy):
    return ([dy] * len(call.inputs[0]),)


@add_n_op.samples
def _add_n_samples(s):
    for dtype in s.dtypes("T"):
        yield s([s.array((2, 3), dtype) for _ in range(3)])
    yield s([s.normal(2)])
    yield s([s.empty(0, 2), s.empty(0, 2)])
    yield s([s.normal(1), s.normal(2)], error="InvalidArgumentError")


@op("AccumulateNV2", "inputs: N * T -> sum: T", T=NUMBER, N=at_least(1), commutative=True, aggregate=True)
def accumulate_n_op(xp, inputs, *, shape: Shape):
    """Adds tensors of one shape, which the attribute ``shape`` gives."""
    _check_same_shape("AccumulateNV2", inputs)
    total = inputs[0]
    for item in inputs[1:]:
        total = xp.add(total, item)
    return total


@accumulate_n_op.shape
def _accumulate_n_shape(inputs, *, shape):
    return _merge_shapes([shape, *inputs])


@accumulate_n_op.gradient
def _accumulate_n_gradient(call, dy):
    return ([dy] * len(call.inputs[0]),)


@accumulate_n_op.samples
def _accumulate_n_samples(s):
    for dtype in s.dtypes("T"):
        yield s([s.array((2, 3), dtype) for _ in range(3)], shape=(2, 3))


def _check_same_shape(name: str, inputs: Any) -> None:
    first = inputs[0].shape
    if all([item.shape == first for item in inputs]):  # noqa: C419 - faster
        return
    for index, item in enumerate(inputs):
        if item.shape != first:
            raise InvalidArgumentError(
                None,
                None,
                f"Inputs to operation {name} must have the same size and shape. Input 0: {shape_text(first)} != "
                f"input {index}: {shape_text(item.shape)}",
            )


def _merge_shapes(shapes: Any) -> Shape:
    result: Shape = None
    for index, shape in enumerate(shapes):
        if result is None:
            result = shape
        elif shape is not None:
            if len(shape) != len(result):
                raise ValueError(f"Shapes must be equal rank, but are {len(shape)} and {len(result)}: From {index}")
            merged: list[int | None] = []
            for axis, (left, right) in enumerate(zip(result, shape, strict=True)):
                if left is not None and right is not None and left != right:
                    raise ValueError(
                        f"Dimension {axis} in both shapes must be equal, but are {left} and {right}. Shapes are "
                        f"{shape_text(result)} and {shape_text(shape)}: From merging shape {index} with other shapes."
                    )
                merged.append(right if left is None else left)
            result = tuple(merged)
    return result


# Public functions.


def _add_slowly(x: Any, y: Any, name: str | None) -> Any:
    if isinstance(x, Tensor):
        operation = add_op if x.dtype.base_dtype is dtypes.string else add_v2
        return operation.call(x, y, name=name or "Add")
    # Unlike the other functions, this one gives the left operand its natural type, whatever the right one is.
    with name_scope(name, "Add", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, dtype_hint=x.dtype.base_dtype, name="y")
        return (add_op if x.dtype.base_dtype is dtypes.string else add_v2).call(x, y, name=scope)


add = binary(add_v2, "Add", np.add, slow=_add_slowly)
subtract = binary(sub, "Sub", np.subtract, function_name="subtract")
multiply = binary(mul, "Mul", np.multiply, function_name="multiply")
multiply_no_nan = binary(mul_no_nan, "multiply_no_nan", None)
squared_difference = binary(squared_difference_op, "SquaredDifference", None, function_name="squared_difference")
maximum = binary(maximum_op, "Maximum", np.maximum)
minimum = binary(minimum_op, "Minimum", np.minimum)
pow = binary(pow_op, "Pow", np.power)
atan2 = renamed(binary(atan2_op, "Atan2", np.arctan2), "y", "x")


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Any:
    """Multiplies a scalar by a tensor or by the values of ``IndexedSlices``.

    Args:
      scalar: a number, or a tensor of rank 0; it is converted to the type of ``x``.
      x: a tensor or ``IndexedSlices``.
      name: a name for the operation.

    Raises:
      ValueError: ``scalar`` is not of rank 0.
    """
    with name_scope(name, "scalar_mul", [x]) as scope:
        return _scalar_mul(scalar, x, scope)


def scalar_mul_v1(scalar: Any, x: Any, name: str | None = None) -> Any:
    """Multiplies a scalar by a tensor or by the values of ``IndexedSlices``; see :func:`scalar_mul`."""
    return _scalar_mul(scalar, x, name)


def _scalar_mul(scalar: Any, x: Any, name: str | None) -> Any:
    dtype = getattr(x, "dtype", None) if not isinstance(x, Tensor) else x.dtype
    if dtype is None:
        x = convert_to_tensor(x)
        dtype = x.dtype
    scalar = convert_to_tensor(scalar, dtype=dtypes.as_dtype(dtype).base_dtype, name="scalar")
    shape = scalar.shape
    if shape.ndims != 0:
        raise ValueError(f"The input scalar must be a 0-D value. Received shape {shape}.")
    if isinstance(x, IndexedSlices):
        return IndexedSlices(mul.call(scalar, x.values, name=name), x.indices, x.dense_shape)
    return mul.call(scalar, x, name=name)


def add_n(inputs: Any, name: str | None = None) -> Any:
    """Adds a list of tensors of one shape; ``IndexedSlices`` in it are made dense.

    Args:
      inputs: tensors or ``IndexedSlices`` of one dtype and shape.
      name: a name for the operation.

    Raises:
      ValueError: the list is empty, or its entries cannot be tensors.
    """
    problem = "Inputs must be an iterable of at least one Tensor/IndexedSlices with the same dtype and shape."
    if inputs.__class__ is not list:
        inputs = list(inputs)
    if not inputs:
        raise ValueError(problem)
    if not all(isinstance(item, Tensor) for item in inputs):
        inputs = [item if isinstance(item, Tensor) else convert_to_tensor(item) for item in inputs]
    if len(inputs) == 1:
        if name:
            return raw.Identity(inputs[0], name=name)
        return inputs[0]
    return add_n_op.call(inputs, name=name)


def accumulate_n(inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None) -> Any:
    """Adds a list of tensors of one shape and dtype, which are checked first.

    Args:
      inputs: tensors.
      shape: the shape that all must have.
      tensor_dtype: the dtype that all must have.
      name: a name for the operation.

    Raises:
      ValueError: the shapes or dtypes differ, or the list is empty.
      TypeError: ``tensor_dtype`` differs from that of the inputs.
    """
    problem = "inputs must be a list of at least one Tensor with the same dtype and shape"
    if not inputs or not isinstance(inputs, list | tuple):
        raise ValueError(problem)
    tensors = [convert_to_tensor(item) for item in inputs]
    if any(tensor.dtype.base_dtype is not tensors[0].dtype.base_dtype for tensor in tensors):
        raise ValueError(problem)
    merged = TensorShape(shape) if shape is not None else TensorShape(None)
    for tensor in tensors:
        merged = merged.merge_with(tensor.shape)
    if tensor_dtype is not None and dtypes.as_dtype(tensor_dtype) is not tensors[0].dtype.base_dtype:
        raise TypeError(
            f"The `tensor_dtype` argument is {dtypes.as_dtype(tensor_dtype)}, but `input` is of type "
            f"{tensors[0].dtype}. These must be equal."
        )
    if len(tensors) == 1 and name is None:
        return tensors[0]
    if len(tensors) == 1:
        return raw.Identity(tensors[0], name=name)
    return add_n(tensors, name=name)
