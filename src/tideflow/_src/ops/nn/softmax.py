"""Softmax and its logarithm over the last dimension, and the public functions over any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import context
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.graph.types import FLOATING
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_integers, known_shape, with_rank_at_least
from tideflow._src.ops.math import partial_sums
from tideflow._src.ops.math.reduction_functions import one_of
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.lazy import jnp, lax
from tideflow._src.runtime.op import op


def widened(x: Any) -> Any:
    """Returns 16-bit floats as 32-bit ones: sums of exponentials need the bits."""
    return x.astype(np.float32) if x.dtype.itemsize == 2 else x


def host_exponentials(logits: Any) -> tuple[Any, Any, Any]:
    """Returns ``logits`` less their greatest element in each row, their exponentials, and the rows' sums of those."""
    shifted = logits - np.maximum.reduce(logits, -1, keepdims=True)
    exponentials = np.exp(shifted)
    return shifted, exponentials, np.add.reduce(exponentials, -1, keepdims=True)


def xla_exponentials(logits: Any) -> tuple[Any, Any, Any]:
    """Returns the same as :func:`host_exponentials` in a compiled program.

    The barriers keep XLA from computing the maximum and the sum again for each element that reads them.
    """
    shifted = logits - lax.optimization_barrier(logits.max(-1, keepdims=True))
    exponentials = jnp.exp(shifted)
    return (
        shifted,
        exponentials,
        lax.optimization_barrier(partial_sums.total(exponentials, (logits.ndim - 1,), keep_dims=True)),
    )


def exponentials(xp: Any, logits: Any) -> tuple[Any, Any, Any]:
    """Returns shifted logits, their exponentials and the rows' sums of those, on either tier."""
    return host_exponentials(logits) if xp is np else xla_exponentials(logits)


def _check_rank(logits: Any) -> None:
    if not logits.shape:
        raise InvalidArgumentError(None, None, "logits must have at least one dimension, but got a scalar")


def _softmax_shape(logits: Any) -> Any:
    return with_rank_at_least(logits, 1)


def _softmax_samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(s.normal(2, 4, dtype=dtype))
    yield s(s.normal(5))
    yield s(s.normal(2, 3, 4))
    yield s(s.empty(0, 3))
    yield s(s.empty(2, 0))
    yield s(np.float32([[1e4, -1e4, 0], [90, 89, 88], [-np.inf, 0, 1]]), gradient=False)


@op("Softmax", "logits: T -> softmax: T", T=FLOATING)
def softmax_op(xp, logits):
    """Turns each row of the last dimension into probabilities in proportion to its exponentials."""
    _check_rank(logits)
    if 0 in logits.shape:
        return xp.zeros(logits.shape, logits.dtype)
    _, powers, total = exponentials(xp, widened(logits))
    return (powers / total).astype(logits.dtype)


@softmax_op.host
def _softmax_host(logits):
    if not logits.size:
        _check_rank(logits)
        return np.zeros(logits.shape, logits.dtype)
    if logits.dtype.itemsize == 2:
        return softmax_op.kernel(np, logits)
    _check_rank(logits)
    powers = logits - np.maximum.reduce(logits, -1, keepdims=True)
    np.exp(powers, out=powers)
    powers /= np.add.reduce(powers, -1, keepdims=True)
    return powers


softmax_op.shape(_softmax_shape)


@softmax_op.gradient
def _softmax_gradient(call, dy):
    y = call.outputs[0]
    total = raw.Sum(raw.Mul(dy, y), -1, keep_dims=True)
    return raw.Mul(raw.Sub(dy, total), y)


softmax_op.samples(_softmax_samples)


@op("LogSoftmax", "logits: T -> logsoftmax: T", T=FLOATING)
def log_softmax_op(xp, logits):
    """Gives the logarithm of ``Softmax``, without its underflow."""
    _check_rank(logits)
    if 0 in logits.shape:
        return xp.zeros(logits.shape, logits.dtype)
    shifted, _, total = exponentials(xp, widened(logits))
    return (shifted - xp.log(total)).astype(logits.dtype)


log_softmax_op.shape(_softmax_shape)


@log_softmax_op.gradient
def _log_softmax_gradient(call, dy):
    probabilities = raw.Exp(call.outputs[0])
    return raw.Sub(dy, raw.Mul(raw.Sum(dy, -1, keep_dims=True), probabilities))


log_softmax_op.samples(_softmax_samples)


# Public functions.


def _over_axis(operation: Callable[..., Any], logits: Any, axis: Any, name: str | None) -> Any:
    """Applies an operation on the last dimension to another one, which changes places with the last."""
    logits = convert_to_tensor(logits)
    shape = known_shape(logits)
    rank = None if shape is None else len(shape)
    axis_is_tensor = isinstance(axis, Tensor)
    if not axis_is_tensor and (axis == -1 or (rank is not None and axis == rank - 1)):
        return operation(logits, name=name)
    if rank is None:
        raise ValueError("softmax over a dimension other than the last needs logits of known rank.")
    value = axis
    if axis_is_tensor:
        known = known_integers(axis)
        value = None if known is None else known[0]
    if value is not None and not -rank <= value < rank:
        raise InvalidArgumentError(
            None,
            None,
            f"`dim` must be in the range [{-rank}, {rank}) where {rank} is the number of dimensions in the input. "
            f"Received: dim={value}",
        )
    if value is not None:
        value %= rank
        order: Any = list(range(rank))
        order[value], order[-1] = order[-1], order[value]
        permutation: Any = np.array(order, np.int32)
    else:
        place = raw.FloorMod(axis, rank)
        permutation = raw.ConcatV2(
            [raw.Range(0, place, 1), [rank - 1], raw.Range(raw.AddV2(place, 1), rank - 1, 1), [place]], 0
        )
        # The axis may itself be the last, which the three pieces above would name twice.
        permutation = raw.Slice(permutation, [0], [rank])
    result = raw.Transpose(operation(raw.Transpose(logits, permutation)), permutation, name=name)
    if result.__class__ is not EagerTensor:
        result.set_shape(shape)
    return result


def softmax(logits: Any, axis: Any = None, name: str | None = None) -> Any:
    """Turns logits into probabilities: ``exp(logits) / sum(exp(logits))`` along an axis.

    Args:
      logits: a tensor of a floating type, of rank 1 or more.
      axis: the dimension that sums to one; the last by default.
      name: the name of the node.

    Returns:
      A tensor of the same shape and type.

    Raises:
      InvalidArgumentError: ``logits`` is a scalar, or ``axis`` is not one of its dimensions.

    >>> import tideflow as tf
    >>> tf.nn.softmax([0.0, 0.0]).numpy()
    array([0.5, 0.5], dtype=float32)
    """
    if axis is None and logits.__class__ is EagerTensor and not context.SPECIAL:
        return softmax_op.call(logits)
    return _over_axis(softmax_op, logits, -1 if axis is None else axis, name)


def softmax_v1(logits: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Any:
    """Turns logits into probabilities, with TensorFlow 1's arguments; see :func:`softmax`."""
    return softmax(logits, one_of("axis", axis, "dim", dim), name)


def softmax_v0(logits: Any, dim: Any = -1, name: str | None = None) -> Any:
    """Turns logits into probabilities, with the arguments of TensorFlow 0.x; see :func:`softmax`."""
    return softmax(logits, dim, name)


def log_softmax(logits: Any, axis: Any = None, name: str | None = None) -> Any:
    """Gives the logarithm of :func:`softmax` along an axis, without its underflow.

    Args:
      logits: a tensor of a floating type, of rank 1 or more.
      axis: the dimension whose exponentials sum to one; the last by default.
      name: the name of the node.

    Raises:
      InvalidArgumentError: ``logits`` is a scalar, or ``axis`` is not one of its dimensions.
    """
    return _over_axis(log_softmax_op, logits, -1 if axis is None else axis, name)


def log_softmax_v1(logits: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Any:
    """Gives the logarithm of softmax, with TensorFlow 1's arguments; see :func:`log_softmax`."""
    return log_softmax(logits, one_of("axis", axis, "dim", dim), name)


def log_softmax_v0(logits: Any, dim: Any = -1, name: str | None = None) -> Any:
    """Gives the logarithm of softmax, with the arguments of TensorFlow 0.x; see :func:`log_softmax`."""
    return log_softmax(logits, dim, name)
