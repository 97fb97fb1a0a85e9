"""Where values enter a graph: constants, placeholders, and the operations that only pass a value on."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import Shape
from tideflow._src.graph.op_def import TensorValue as Tensor
from tideflow._src.runtime.op import op


@op("Const", "-> output: dtype")
def const(xp, *, value: Tensor, dtype: DType):
    """Is a value fixed while the graph is built."""
    return value


@const.shape
def _const_shape(*, value):
    return value.shape


@const.samples
def _const_samples(s):
    for dtype in s.dtypes("dtype"):
        array = s.array((2, 3), dtype)
        yield s(value=array, dtype=dtype)


@op("Identity", "input: T -> output: T", structural=True)
def identity(xp, input):
    """Passes a value on."""
    return input


@identity.shape
def _identity_shape(input):
    return input


@identity.gradient
def _identity_gradient(call, dy):
    return dy


@identity.samples
def _identity_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype))
    yield s(s.array((), np.float32))


@op("Placeholder", "-> output: dtype", tier="host", differentiable=False)
def placeholder_op(*, dtype: DType, shape: Shape = None):
    """Stands for a value that each run of the graph must be given."""
    raise InvalidArgumentError(
        None,
        None,
        f"You must feed a value for placeholder tensor with dtype {dtype.name}"
        + (f" and shape {list(shape)}" if shape else ""),
    )


@placeholder_op.shape
def _placeholder_shape(*, shape):
    return shape


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Any:
    """Returns a tensor of the graph whose value each run is given through ``feed_dict``.

    Args:
      dtype: the type of the values.
      shape: their shape, as far as it is fixed; any shape if None.
      name: the node's name.

    Raises:
      RuntimeError: operations run eagerly here.
    """
    from tideflow._src.core import context

    if context.executing_eagerly():
        raise RuntimeError("tf.placeholder() is not compatible with eager execution.")
    return placeholder_op(dtype=dtypes.as_dtype(dtype), shape=shape, name=name or "Placeholder")
