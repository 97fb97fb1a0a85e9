"""Sums of losses, scaled as training on several replicas needs it; here there is one."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.division import div_no_nan
from tideflow._src.ops.math.reduction_functions import reduce_sum
from tideflow._src.runtime.convert import convert_to_tensor


def compute_average_loss(per_example_loss: Any, sample_weight: Any = None, global_batch_size: Any = None) -> Any:
    """Adds up the losses of examples and divides by the size of the whole batch.

    Args:
      per_example_loss: a loss for each example.
      sample_weight: a weight for each example.
      global_batch_size: the number of examples on all replicas; the length of ``per_example_loss`` by default.

    Returns:
      A scalar.

    Raises:
      ValueError: the loss is a scalar, or the size of the batch is not an integer that is not negative.

    >>> float(compute_average_loss([1.0, 2.0, 3.0], global_batch_size=4))
    1.5
    """
    loss = convert_to_tensor(per_example_loss)
    kind = loss.dtype
    known = static_shape(loss)
    if known is not None and not known:
        raise ValueError(
            "Invalid value passed for `per_example_loss`. Expected a tensor with at least rank 1. "
            f"Received per_example_loss={per_example_loss} (rank 0)"
        )
    if sample_weight is not None:
        loss = _weighted(loss, convert_to_tensor(sample_weight))
    loss = cast(loss, kind)
    if global_batch_size is None:
        size = raw.Shape(loss)[0]
    else:
        size = convert_to_tensor(global_batch_size)
        sizes = static_shape(size)
        if sizes is not None and sizes:
            raise ValueError(f"global_batch_size must be scalar. Received: {global_batch_size} of shape {list(sizes)}")
        if not size.dtype.is_integer:
            raise TypeError(f"global_batch_size must be an integer. Received: {global_batch_size} of {size.dtype.name}")
        size = _checked(size)
    return div_no_nan(reduce_sum(loss), cast(size, kind))


def _checked(size: Any) -> Any:
    """Returns the size of the batch, after the check that it is not negative."""
    message = "global_batch_size must be non-negative."
    known = static_value(size)
    if known is not None:
        if known < 0:
            raise InvalidArgumentError(None, None, f"{message} Received: {known}")
        return size
    check = raw.Assert(raw.GreaterEqual(size, raw.ZerosLike(size)), [message, size])
    with size.graph.control_dependencies([check]):
        return raw.Identity(size)


def _weighted(loss: Any, weights: Any) -> Any:
    """Multiplies losses by weights, of which one or the other may have a last dimension of size 1 too many."""
    losses, given = static_shape(loss), static_shape(weights)
    if losses is not None and given is not None and given:
        if len(given) - len(losses) == 1 and given[-1] in (1, None):
            weights = raw.Squeeze(weights, squeeze_dims=[-1])
        elif len(losses) - len(given) == 1:
            if losses[-1] == 1:
                loss = raw.Squeeze(loss, squeeze_dims=[-1])
            else:
                weights = raw.ExpandDims(weights, -1)
    kind = loss.dtype if loss.dtype.is_floating else dtypes.float32
    return raw.Mul(cast(loss, kind), cast(weights, kind))


def scale_regularization_loss(regularization_loss: Any) -> Any:
    """Adds up regularization losses and divides by the number of replicas, which is one.

    >>> float(scale_regularization_loss([1.0, 2.0]))
    3.0
    """
    return reduce_sum(regularization_loss) / 1
