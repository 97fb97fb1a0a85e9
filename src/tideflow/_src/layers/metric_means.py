"""Metrics that are means: of values, of errors, of how often something holds."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.layers.metric_variables import Pair, collected, metric_variable, require_graph
from tideflow._src.layers.squeezing import remove_squeezable_dimensions, squeezed_weights
from tideflow._src.layers.weights_broadcast import broadcast_weights, waiting_for
from tideflow._src.ops.array.constants import ones_like
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.division import div_no_nan
from tideflow._src.ops.math.reduction_functions import reduce_sum
from tideflow._src.ops.math.unary import sqrt
from tideflow._src.state.variable_scope import variable_scope


def aligned(predictions: Any, labels: Any, weights: Any) -> tuple[Any, Any, Any]:
    """Brings predictions, labels and weights to one rank where a last dimension of size 1 is in excess or missing."""
    if labels is not None:
        labels, predictions = remove_squeezable_dimensions(labels, predictions)
        predictions.shape.assert_is_compatible_with(labels.shape)
    if weights is not None:
        weights = squeezed_weights(weights, predictions)
    return predictions, labels, weights


def mean(
    values: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None,
    name: str | None = None,
) -> Pair:  # fmt: skip
    """Averages values over updates, with weights.

    Args:
      values: a tensor.
      weights: a scalar, or a tensor of the rank of ``values`` with each size the same or 1.
      metrics_collections: the collections to add the value to.
      updates_collections: the collections to add the update to.
      name: the variable scope.

    Returns:
      The mean so far, and an operation that counts ``values`` in and returns the new mean.

    Raises:
      RuntimeError: operations run eagerly.
      ValueError: ``weights`` do not fit.
    """
    require_graph("mean")
    with variable_scope(name, "mean", (values, weights)):
        values = cast(values, dtypes.float32)
        total = metric_variable([], dtypes.float32, name="total")
        count = metric_variable([], dtypes.float32, name="count")
        if weights is None:
            added = cast(raw.Size(values), dtypes.float32)
        else:
            values, _, weights = aligned(values, None, weights)
            weights = broadcast_weights(cast(weights, dtypes.float32), values)
            values = raw.Mul(values, weights)
            added = reduce_sum(weights)
        new_total = total.assign_add(reduce_sum(values))
        with waiting_for(values):
            new_count = count.assign_add(added)
        value = div_no_nan(total, raw.Maximum(count, 0.0), name="value")
        update = div_no_nan(new_total, raw.Maximum(new_count, 0.0), name="update_op")
        return collected(value, update, metrics_collections, updates_collections)


def mean_tensor(
    values: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None,
    name: str | None = None,
) -> Pair:  # fmt: skip
    """Averages tensors of one shape over updates, element by element; see :func:`mean` for the arguments."""
    require_graph("mean_tensor")
    with variable_scope(name, "mean", (values, weights)):
        values = cast(values, dtypes.float32)
        total = metric_variable(values.shape, dtypes.float32, name="total_tensor")
        count = metric_variable(values.shape, dtypes.float32, name="count_tensor")
        added = ones_like(values)
        if weights is not None:
            values, _, weights = aligned(values, None, weights)
            weights = broadcast_weights(cast(weights, dtypes.float32), values)
            values = raw.Mul(values, weights)
            added = raw.Mul(added, weights)
        new_total = total.assign_add(values)
        with waiting_for(values):
            new_count = count.assign_add(added)
        value = div_no_nan(total, raw.Maximum(count, 0.0), name="value")
        update = div_no_nan(new_total, raw.Maximum(new_count, 0.0), name="update_op")
        return collected(value, update, metrics_collections, updates_collections)


def accuracy(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Tells how often predictions are the labels; see :func:`mean` for the other arguments and what is returned.

    Args:
      labels: the true values.
      predictions: the predicted ones, of the same shape.
    """
    require_graph("accuracy")
    predictions, labels, weights = aligned(predictions, labels, weights)
    if labels.dtype.base_dtype is not predictions.dtype.base_dtype:
        predictions = cast(predictions, labels.dtype.base_dtype)
    correct = cast(raw.Equal(predictions, labels), dtypes.float32)
    return mean(correct, weights, metrics_collections, updates_collections, name or "accuracy")


def mean_absolute_error(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Averages the absolute differences of labels and predictions; see :func:`mean` for what is returned."""
    require_graph("mean_absolute_error")
    predictions, labels, weights = aligned(predictions, labels, weights)
    errors = raw.Abs(raw.Sub(predictions, labels))
    return mean(errors, weights, metrics_collections, updates_collections, name or "mean_absolute_error")


def mean_squared_error(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Averages the squares of the differences of labels and predictions; see :func:`mean` for what is returned."""
    require_graph("mean_squared_error")
    predictions, labels, weights = aligned(predictions, labels, weights)
    errors = raw.SquaredDifference(labels, predictions)
    return mean(errors, weights, metrics_collections, updates_collections, name or "mean_squared_error")


def root_mean_squared_error(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Takes the square root of the mean of squared differences; see :func:`mean` for what is returned."""
    require_graph("root_mean_squared_error")
    value, update = mean_squared_error(labels, predictions, weights, None, None, name or "root_mean_squared_error")
    return collected(sqrt(value), sqrt(update), metrics_collections, updates_collections)


def mean_relative_error(
    labels: Any, predictions: Any, normalizer: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Averages absolute differences divided by ``normalizer``, zero where that is; see :func:`mean`.

    Args:
      labels: the true values.
      predictions: the predicted ones, of the same shape.
      normalizer: a tensor of that shape.
    """
    require_graph("mean_relative_error")
    predictions, labels, weights = aligned(predictions, labels, weights)
    predictions, normalizer = remove_squeezable_dimensions(predictions, normalizer)
    predictions.shape.assert_is_compatible_with(normalizer.shape)
    distance = raw.Abs(raw.Sub(labels, predictions))
    errors = raw.Select(
        raw.Equal(normalizer, raw.ZerosLike(normalizer)), raw.ZerosLike(labels), raw.Div(distance, normalizer)
    )
    return mean(errors, weights, metrics_collections, updates_collections, name or "mean_relative_error")


def mean_cosine_distance(
    labels: Any, predictions: Any, dim: int, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Averages one minus the cosine of the angles between labels and predictions, both of length 1 already.

    Args:
      labels: the true vectors.
      predictions: the predicted ones, of the same shape.
      dim: the dimension of the vectors.
      weights, metrics_collections, updates_collections, name: see :func:`mean`, also for what is returned.
    """
    require_graph("mean_cosine_distance")
    predictions, labels, weights = aligned(predictions, labels, weights)
    cosines = reduce_sum(raw.Mul(predictions, labels), [dim], keepdims=True)
    value, update = mean(cosines, weights, None, None, name or "mean_cosine_distance")
    value, update = raw.Sub(1.0, value), raw.Sub(1.0, update)
    return collected(value, update, metrics_collections, updates_collections)


def percentage_below(
    values: Any, threshold: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Tells how often values are below a threshold; see :func:`mean` for the other arguments and what is returned."""
    require_graph("percentage_below")
    below = cast(raw.Less(values, threshold), dtypes.float32)
    return mean(below, weights, metrics_collections, updates_collections, name or "percentage_below_threshold")
