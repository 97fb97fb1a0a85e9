"""Placeholders: tensors of a graph whose values each run is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.graph.op_def import Shape
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.op import op
from tideflow._src.runtime.sparse_tensor import SparseTensor


def _not_fed(dtype: DType, shape: Any) -> InvalidArgumentError:
    described = f" and shape {[-1 if size is None else size for size in shape]}" if shape else ""
    return InvalidArgumentError(
        None,
        None,
        f"You must feed a value for placeholder tensor with dtype {dtype.name}{described}",
    )


@op("Placeholder", "-> output: dtype", tier="host", differentiable=False)
def placeholder_op(*, dtype: DType, shape: Shape = None):
    """Stands for a value that each run of the graph must be given."""
    raise _not_fed(dtype, shape)


@placeholder_op.shape
def _placeholder_shape(*, shape):
    return shape


@placeholder_op.samples
def _placeholder_samples(s):
    yield s(dtype="float32", shape=(2, 3), error="InvalidArgumentError")
    yield s(dtype="int32", shape=(None, 3), error="InvalidArgumentError")
    yield s(dtype="string", error="InvalidArgumentError")


@op("PlaceholderV2", "-> output: dtype", tier="host", differentiable=False)
def placeholder_v2_op(*, dtype: DType, shape: Shape):
    """Stands for a value of a given shape that each run of the graph must be given."""
    raise _not_fed(dtype, shape)


placeholder_v2_op.shape(_placeholder_shape)


@placeholder_v2_op.samples
def _placeholder_v2_samples(s):
    yield s(dtype="float32", shape=(2, 3), error="InvalidArgumentError")
    yield s(dtype="int32", shape=(None, 3), error="InvalidArgumentError")


@op("PlaceholderWithDefault", "input: dtype -> output: dtype", differentiable=True)
def placeholder_with_default_op(xp, input, *, shape: Shape):
    """Passes ``input`` on unless the run is given a value in its place."""
    return input


@placeholder_with_default_op.shape
def _placeholder_with_default_shape(input, *, shape):
    if input is not None and shape is not None:
        fits = len(input) == len(shape) and all(
            a is None or b is None or a == b for a, b in zip(input, shape, strict=True)
        )
        if not fits:
            raise ValueError(f"Input shape {list(input)} does not fit the placeholder's shape {list(shape)}")
    return shape


@placeholder_with_default_op.gradient
def _placeholder_with_default_gradient(call, dy):
    return dy


@placeholder_with_default_op.samples
def _placeholder_with_default_samples(s):
    for dtype in s.dtypes("dtype"):
        yield s(s.array((2, 3), dtype), shape=(2, 3))
    yield s(s.normal(2, 3), shape=(None, 3))
    yield s(np.float32(1), shape=None)


# Public functions.


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Any:
    """Returns a tensor of the graph whose value each run is given through ``feed_dict``.

    Args:
      dtype: the type of the values.
      shape: their shape, as far as it is fixed; any shape if None.
      name: the node's name.

    Raises:
      RuntimeError: operations run eagerly here.
    """
    if context.executing_eagerly():
        raise RuntimeError("tf.placeholder() is not compatible with eager execution.")
    return placeholder_op(dtype=dtypes.as_dtype(dtype).base_dtype, shape=shape, name=name or "Placeholder")


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Any:
    """Returns a tensor whose value is ``input`` unless a run is given another through ``feed_dict``.

    Args:
      input: the value used when none is fed.
      shape: the shape of what may be fed, as far as it is fixed.
      name: the node's name.
    """
    return placeholder_with_default_op(input, shape=shape, name=name)


def sparse_placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> SparseTensor:
    """Returns a sparse tensor of the graph whose value each run is given through ``feed_dict``.

    Args:
      dtype: the type of the elements.
      shape: the dense shape, as far as it is fixed; any shape if None.
      name: a prefix for the names of the nodes.

    Raises:
      RuntimeError: operations run eagerly here.
    """
    if context.executing_eagerly():
        raise RuntimeError("`sparse_placeholder` is not compatible with eager execution.")

    def named(part: str) -> str | None:
        return None if name is None else f"{name}/{part}"

    known = TensorShape(shape)
    rank = known.rank
    if rank is None:
        dense_shape = placeholder(dtypes.int64, [None], name=named("shape"))
    else:
        sizes = np.array([-1 if size is None else size for size in known.as_list()], np.int64)
        default = convert_to_tensor(sizes, name=named("shape_default"))
        dense_shape = placeholder_with_default(default, [rank], name=named("shape"))
    values = placeholder(dtype, [None], name=named("values"))
    indices = placeholder(dtypes.int64, [None, rank], name=named("indices"))
    result = SparseTensor(indices, values, dense_shape)
    result.set_shape(known)
    return result
