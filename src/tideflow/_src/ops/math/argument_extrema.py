"""Where extrema are: positions of the greatest and least elements, and their public functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.graph.op_def import StaticValue, default
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.dimensions import text, with_rank
from tideflow._src.ops.math.nan_keeping_extrema import highest, lowest
from tideflow._src.ops.math.reduction_functions import one_of
from tideflow._src.runtime.lazy import jnp, lax
from tideflow._src.runtime.op import op

_TYPES = [
    "float",
    "double",
    "int32",
    "uint8",
    "int16",
    "int8",
    "int64",
    "bfloat16",
    "uint16",
    "half",
    "uint32",
    "uint64",
    "qint8",
    "quint8",
    "qint32",
    "qint16",
    "quint16",
    "bool",
]

#: Rows at least this long are searched in blocks by compiled programs.
_LONG_ROW = 1024
_BLOCK = 64


def _axis(input: Any, dimension: Any) -> int:
    rank = input.ndim
    axis = int(dimension)
    if not -rank <= axis < rank:
        raise InvalidArgumentError(None, None, f"Expected dimension in the range [{-rank}, {rank}), but got {axis}")
    axis %= rank
    if input.shape[axis] == 0 and 0 not in input.shape[:axis] + input.shape[axis + 1 :]:
        raise InvalidArgumentError(None, None, f"Reduction axis {axis} is empty in shape {text(input.shape)}")
    return axis


def _find(xp: Any, find: Any, worst: Any, input: Any, dimension: Any, output_type: DType) -> Any:
    axis = _axis(input, dimension)
    result = np.dtype(output_type.as_numpy_dtype)
    if input.shape[axis] == 0:
        return xp.zeros(input.shape[:axis] + input.shape[axis + 1 :], result)
    dtype = np.dtype(input.dtype)
    if dtype.kind not in "biu":  # not-a-number is never chosen
        if xp is np:
            if np.isnan(np.max(input)) if input.size else False:
                input = np.where(np.isnan(input), worst(dtype), input)
        else:
            input = jnp.where(jnp.isnan(input), worst(dtype), input)
    if xp is not np and input.shape[axis] >= _LONG_ROW:
        return _find_in_blocks(find, worst, input, axis).astype(result)
    return find(input, axis=axis).astype(result)


def _find_in_blocks(find: Any, worst: Any, input: Any, axis: int) -> Any:
    """Finds first the best block of each row, then the place in that block."""
    rows = jnp.moveaxis(input, axis, -1)
    length = rows.shape[-1]
    missing = -length % _BLOCK
    if missing:
        filler = np.bool_(worst is highest) if rows.dtype == np.bool_ else worst(np.dtype(rows.dtype))
        rows = jnp.pad(rows, [(0, 0)] * (rows.ndim - 1) + [(0, missing)], constant_values=filler)
    blocks = rows.reshape(*rows.shape[:-1], -1, _BLOCK)
    reduce = jnp.min if worst is highest else jnp.max
    best = lax.optimization_barrier(reduce(blocks, axis=-1))
    block = find(best, axis=-1)
    inside = jnp.take_along_axis(blocks, block[..., None, None], axis=-2)[..., 0, :]
    return block * _BLOCK + find(inside, axis=-1)


@op(
    "ArgMax",
    "input: T, dimension: static Tidx -> output: output_type",
    T=_TYPES,
    Tidx=default("int32", ("int16", "int32", "int64")),
    output_type=default("int64", ("int16", "uint16", "int32", "int64")),
    differentiable=False,
)
def arg_max(xp, input, dimension, *, output_type: DType):
    """Finds the position of the greatest element along an axis: of several, the first."""
    return _find(xp, xp.argmax, lowest, input, dimension, output_type)


@op(
    "ArgMin",
    "input: T, dimension: static Tidx -> output: output_type",
    T=_TYPES,
    Tidx=default("int32", INDEX),
    output_type=default("int64", INDEX),
    differentiable=False,
)
def arg_min(xp, input, dimension, *, output_type: DType):
    """Finds the position of the least element along an axis: of several, the first."""
    return _find(xp, xp.argmin, highest, input, dimension, output_type)


@arg_max.shape
def _position_shape(input: Any, dimension: StaticValue) -> Any:
    with_rank(dimension.shape, 0)
    if input is None:
        return None
    rank = len(input)
    if rank <= 1:
        return ()
    if dimension.value is None:
        return (None,) * (rank - 1)
    axis = int(dimension.value)
    if not -rank <= axis < rank:
        raise ValueError(f"Dimension must be in the range [{-rank}, {rank}), but got {axis}")
    axis %= rank
    return input[:axis] + input[axis + 1 :]


arg_min.shape(_position_shape)


@arg_max.samples
def _position_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), 1)
    yield s(s.normal(2, 3, 4), 1, output_type="int32")
    yield s(s.normal(2, 3, 4), np.int64(-3))
    yield s(np.array([3, 1, 3, 1], np.float32), 0)
    yield s(np.array([[np.nan, 1, 3], [2, np.nan, np.inf], [np.nan] * 3], np.float32), 1)
    yield s(s.empty(0, 3), 1)
    yield s(s.distinct((2, 1300)), 1)
    yield s(s.empty(0, 3), 0, error="InvalidArgumentError")
    yield s(s.normal(2), 1, error="InvalidArgumentError")
    yield s(s.normal(2), -2, error="InvalidArgumentError")


arg_min.samples(_position_samples)


def _position(operation: Any, default_name: str, input: Any, axis: Any, output_type: Any, name: str | None) -> Any:
    if axis is None:
        axis = 0
    elif isinstance(axis, list | tuple | float | str) or (isinstance(axis, Tensor) and not axis.dtype.is_integer):
        raise TypeError(f"axis must be int or Tensor with integer datatype, got {axis!r}")
    if input.__class__ is EagerTensor and axis.__class__ is int:
        axis = np.int32(axis)
    return operation(input, axis, output_type=dtypes.as_dtype(output_type), name=name or default_name)


def argmax(input: Any, axis: Any = None, output_type: Any = dtypes.int64, name: str | None = None) -> Any:
    """Finds the position of the greatest element along an axis: of several, the first.

    Args:
      input: the tensor to search.
      axis: the axis to search along; the first one if None.
      output_type: the dtype of the positions: ``int16``, ``uint16``, ``int32`` or ``int64``.
      name: the name of the node.

    Returns:
      A tensor of positions, with the shape of ``input`` without the axis.

    Raises:
      InvalidArgumentError: there is no such axis, or it is empty.
    """
    return _position(arg_max, "ArgMax", input, axis, output_type, name)


def argmin(input: Any, axis: Any = None, output_type: Any = dtypes.int64, name: str | None = None) -> Any:
    """Finds the position of the least element along an axis: of several, the first.

    Args:
      input: the tensor to search.
      axis: the axis to search along; the first one if None.
      output_type: the dtype of the positions: ``int32`` or ``int64``.
      name: the name of the node.

    Returns:
      A tensor of positions, with the shape of ``input`` without the axis.

    Raises:
      InvalidArgumentError: there is no such axis, or it is empty.
    """
    return _position(arg_min, "ArgMin", input, axis, output_type, name)


def argmax_v1(
    input: Any, axis: Any = None, name: str | None = None, dimension: Any = None, output_type: Any = dtypes.int64
) -> Any:
    """Finds the position of the greatest element, with TensorFlow 1's arguments; see ``argmax``."""
    return argmax(input, one_of("axis", axis, "dimension", dimension), output_type, name)


def argmin_v1(
    input: Any, axis: Any = None, name: str | None = None, dimension: Any = None, output_type: Any = dtypes.int64
) -> Any:
    """Finds the position of the least element, with TensorFlow 1's arguments; see ``argmin``."""
    return argmin(input, one_of("axis", axis, "dimension", dimension), output_type, name)


def argmax_v0(input: Any, dimension: Any, name: str | None = None) -> Any:
    """Finds the position of the greatest element, with the arguments of TensorFlow 0.x; see ``argmax``."""
    return argmax(input, dimension, name=name)


def argmin_v0(input: Any, dimension: Any, name: str | None = None) -> Any:
    """Finds the position of the least element, with the arguments of TensorFlow 0.x; see ``argmin``."""
    return argmin(input, dimension, name=name)


def arg_max_function(input: Any, dimension: Any, output_type: Any = dtypes.int64, name: str | None = None) -> Any:
    """Finds the position of the greatest element along a dimension, under TensorFlow 1's older name; see ``argmax``."""
    return arg_max(input, dimension, output_type=output_type, name=name)


def arg_min_function(input: Any, dimension: Any, output_type: Any = dtypes.int64, name: str | None = None) -> Any:
    """Finds the position of the least element along a dimension, under TensorFlow 1's older name; see ``argmin``."""
    return arg_min(input, dimension, output_type=output_type, name=name)
