"""Handles what operators are made of and applied to: parameters, shapes, batches that are broadcast, checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import context
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.graph.shape_inference import broadcast
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape, shape_of
from tideflow._src.ops.linalg.batches import adjoint
from tideflow._src.runtime.convert import convert_to_tensor

#: A shape as sizes: an array where it is known, else a tensor.
Sizes = Any
_AXIS = np.int32(0)


# Parameters.


def is_reference(value: Any) -> bool:
    """Tells whether a value is a variable, or stands for a tensor that is made when it is used."""
    if isinstance(value, Tensor | np.ndarray | np.generic):
        return False
    return hasattr(value, "_dense_var_to_tensor") and hasattr(value, "dtype") and hasattr(value, "shape")


def parameter(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Returns a parameter as a tensor; a variable stays one, so that the operator follows its changes."""
    return value if value is None or is_reference(value) else convert_to_tensor(value, dtype, name=name)


def read(value: Any) -> Any:
    """Returns the tensor that a parameter is now."""
    return value if isinstance(value, Tensor) else convert_to_tensor(value)


def reject_reference(value: Any, name: str) -> None:
    """Raises a TypeError if a parameter is a variable that must not change."""
    if is_reference(value):
        raise TypeError(f"Argument {name} cannot be reference type. Found: {type(value)}.")


def given(variables: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments of a constructor from its local variables."""
    return {key: value for key, value in variables.items() if key not in ("self", "__class__")}


# Shapes.


def sizes_of(shape: TensorShape) -> tuple[int | None, ...] | None:
    """Returns a static shape as a tuple, with None for unknown sizes, or None."""
    return None if shape.rank is None else tuple(shape.as_list())


def broadcast_shapes(*shapes: TensorShape) -> TensorShape:
    """Returns the static shape that several shapes broadcast to.

    Raises:
      ValueError: they do not.
    """
    result: Any = ()
    for shape in shapes:
        result = broadcast(result, sizes_of(shape))
    return TensorShape(result)


def is_known(sizes: Sizes) -> bool:
    """Tells whether sizes are known now."""
    return isinstance(sizes, np.ndarray)


def known_sizes(sizes: Any) -> Sizes:
    """Returns sizes, given in any form, as an array if they are known."""
    value = static_value(sizes) if isinstance(sizes, Tensor) else np.asarray(sizes)
    return sizes if value is None else np.asarray(value, np.int32)


def joined(*parts: Sizes) -> Sizes:
    """Puts sizes one after another; lists may mix numbers and scalar tensors."""
    vectors = [_vector(part) for part in parts]
    if all(is_known(vector) for vector in vectors):
        return np.concatenate(vectors).astype(np.int32)
    return raw.ConcatV2(vectors, _AXIS)


def _vector(part: Any) -> Sizes:
    if isinstance(part, TensorShape):
        return np.array(part.as_list(), np.int32)
    if isinstance(part, list | tuple):
        if any(isinstance(item, Tensor) and not isinstance(item, EagerTensor) for item in part):
            return raw.Pack([raw.Cast(read(item), DstT="int32") for item in part])
        return np.array([int(item) for item in part], np.int32)
    return known_sizes(part)


def broadcast_sizes(*parts: Sizes) -> Sizes:
    """Returns the sizes that several shapes broadcast to."""
    if all(is_known(part) for part in parts):
        return np.array(np.broadcast_shapes(*(tuple(part.tolist()) for part in parts)), np.int32)
    result = parts[0]
    for part in parts[1:]:
        result = raw.BroadcastArgs(result, part)
    return result


def batch_sizes_of(tensor: Any, count: int = 2) -> Sizes:
    """Returns the sizes of all dimensions of a tensor but the last ``count``."""
    return shape_of(tensor)[:-count]


def filled(value: float, sizes: Sizes, dtype: Any) -> Any:
    """Returns a tensor full of one number."""
    return raw.Fill(sizes, np.asarray(value, dtype.as_numpy_dtype))


def number(value: float, like: Any) -> Any:
    """Returns a constant of the dtype of ``like``, a tensor or an operator."""
    return np.asarray(value, like.dtype.as_numpy_dtype)


# Matrices.


def broadcast_batches(matrices: Sequence[Any]) -> list[Any]:
    """Broadcasts the batches of several tensors of matrices to one shape."""
    if len(matrices) < 2:
        return list(matrices)
    shapes = [known_shape(matrix) for matrix in matrices]
    if all(shape is not None and None not in shape[:-2] for shape in shapes):
        batch = np.broadcast_shapes(*(shape[:-2] for shape in shapes))  # type: ignore[index, misc]
        return [
            matrix if shape[:-2] == batch else raw.BroadcastTo(matrix, joined(list(batch), shape_of(matrix)[-2:]))  # type: ignore[index]
            for matrix, shape in zip(matrices, shapes, strict=True)
        ]
    sizes = broadcast_sizes(*(batch_sizes_of(matrix) for matrix in matrices))
    return [raw.BroadcastTo(matrix, joined(sizes, shape_of(matrix)[-2:])) for matrix in matrices]


def solve_broadcast(matrix: Any, rhs: Any, *, adjoint: bool = False) -> Any:
    """Solves systems with square matrices, the batches broadcast; one matrix meets all right sides at once."""
    shape, wide = known_shape(matrix), known_shape(rhs)
    if shape is not None and wide is not None and len(shape) == 2 < len(wide) and None not in wide:
        rank = len(wide)
        there = np.array([rank - 2, *range(rank - 2), rank - 1], np.int32)
        columns = raw.Reshape(raw.Transpose(rhs, there), np.array([wide[-2], -1], np.int32))
        solution = raw.MatrixSolve(matrix, columns, adjoint=adjoint)
        turned = raw.Reshape(solution, np.array([wide[-2], *wide[:-2], wide[-1]], np.int32))
        return raw.Transpose(turned, np.argsort(there).astype(np.int32))
    return raw.MatrixSolve(*broadcast_batches([matrix, rhs]), adjoint=adjoint)


def maybe_adjoint(x: Any, wanted: bool) -> Any:
    """Returns matrices, or their adjoints."""
    return adjoint(x) if wanted else x


def conjugated(x: Any, wanted: bool = True) -> Any:
    """Returns the complex conjugates, where the dtype has any."""
    return raw.Conj(x) if wanted and x.dtype.is_complex else x


def magnitude(x: Any) -> Any:
    """Returns absolute values, which are real."""
    return raw.ComplexAbs(x, Tout=x.dtype.real_dtype) if x.dtype.is_complex else raw.Abs(x)


def real_part(x: Any) -> Any:
    """Returns the real part of numbers."""
    return raw.Real(x, Tout=x.dtype.real_dtype) if x.dtype.is_complex else x


def cast(x: Any, dtype: Any) -> Any:
    """Converts a tensor to another dtype; of complex numbers that become real, the real part stays."""
    if x.dtype == dtype:
        return x
    if x.dtype.is_complex and not dtype.is_complex:
        x = real_part(x)
    return raw.Cast(x, DstT=dtype)


# Checks.


def check_size(size: int | None, argument: Any, axis: int) -> None:
    """Raises a ValueError if one dimension of an argument is known not to have the given size."""
    sizes = known_shape(argument)
    if sizes is None:
        return
    if len(sizes) < -axis:
        raise ValueError(f"Expected an argument of rank {-axis} or more, got shape {list(sizes)}.")
    if None not in (size, sizes[axis]) and size != sizes[axis]:
        raise ValueError(f"Dimensions {size} and {sizes[axis]} are not compatible")


def check_dtype(dtype: Any, argument: Any) -> None:
    """Raises a TypeError unless an argument has the dtype of the operator."""
    if argument.dtype.base_dtype != dtype:
        raise TypeError(f"Expected argument to have dtype {dtype}. Found: {argument.dtype} in tensor {argument}.")


def require_all(condition: Any, message: str, *data: Any) -> Any:
    """Asserts that all elements of a boolean tensor hold.

    Returns:
      None where the tensor is eager, else the operation that asserts.

    Raises:
      InvalidArgumentError: eagerly, one does not hold.
    """
    holds = raw.All(condition, raw.Range(np.int32(0), raw.Rank(condition), np.int32(1)))
    if isinstance(holds, EagerTensor) and context.current_graph() is None:
        if not bool(holds):
            shown = "".join(f"\n{np.asarray(item)}" for item in data)
            raise InvalidArgumentError(None, None, f"{message}{shown}")
        return None
    return raw.Assert(holds, [np.array(message.encode(), object), *data])


def require_nonzero(x: Any, message: str) -> Any:
    """Asserts that no element is zero."""
    sizes = magnitude(x)
    return require_all(raw.Greater(sizes, number(0, sizes)), message, x)


def require_positive(x: Any, message: str) -> Any:
    """Asserts that the real parts of all elements are positive."""
    x = real_part(x)
    return require_all(raw.Greater(x, number(0, x)), message, x)


def require_equal(x: Any, y: Any, message: str) -> Any:
    """Asserts that two tensors are equal."""
    return require_all(raw.Equal(x, y), message, x, y)


def require_real(x: Any, message: str) -> Any:
    """Asserts that no element has an imaginary part."""
    if not x.dtype.is_complex:
        return nothing()
    imaginary = raw.Imag(x, Tout=x.dtype.real_dtype)
    return require_equal(imaginary, number(0, imaginary), message)


def nothing() -> Any:
    """Returns an operation that does nothing; None eagerly."""
    return None if context.current_graph() is None else raw.NoOp()


def grouped(assertions: Sequence[Any]) -> Any:
    """Returns one operation that runs several; None eagerly."""
    graph = context.current_graph()
    if graph is None:
        return None
    with graph.control_dependencies([item for item in assertions if item is not None]):
        return raw.NoOp()
