"""Metrics over classes: counted in a confusion matrix, or class by class."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.layers.metric_means import aligned
from tideflow._src.layers.metric_variables import Pair, collected, metric_variable, require_graph
from tideflow._src.layers.weights_broadcast import assert_broadcastable, waiting_for
from tideflow._src.ops.array.constants import ones
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import reshape
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.counting import confusion_matrix
from tideflow._src.ops.math.division import div_no_nan
from tideflow._src.ops.math.reduction_functions import reduce_mean, reduce_sum
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state import assignment
from tideflow._src.state.variable_scope import variable_scope


def _flat(tensor: Any) -> Any:
    return tensor if tensor.shape.rank in (None, 0, 1) else reshape(tensor, [-1])


def mean_iou(
    labels: Any, predictions: Any, num_classes: int, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Averages over classes the intersection of labels and predictions divided by their union.

    Args:
      labels: the numbers of the true classes.
      predictions: those of the predicted ones.
      num_classes: how many classes there are.
      weights: what each element counts.
      metrics_collections: the collections to add the value to.
      updates_collections: the collections to add the update to.
      name: the variable scope.

    Returns:
      The mean, and an operation that counts into the confusion matrix and returns it.

    Raises:
      RuntimeError: operations run eagerly.
    """
    require_graph("mean_iou")
    with variable_scope(name, "mean_iou", (predictions, labels, weights)):
        labels, predictions = convert_to_tensor(labels), convert_to_tensor(predictions)
        predictions.shape.assert_is_compatible_with(labels.shape)
        total = metric_variable([num_classes, num_classes], dtypes.float64, name="total_confusion_matrix")
        labels, predictions = cast(labels, dtypes.int64), cast(predictions, dtypes.int64)
        if weights is not None:
            weights = _flat(convert_to_tensor(weights))
        matrix = confusion_matrix(_flat(labels), _flat(predictions), num_classes, weights, dtype=dtypes.float64)
        update = total.assign_add(matrix)
        counts = convert_to_tensor(total)
        rows = cast(reduce_sum(counts, 0), dtypes.float32)
        columns = cast(reduce_sum(counts, 1), dtypes.float32)
        diagonal = cast(raw.MatrixDiagPart(counts), dtypes.float32)
        union = rows + columns - diagonal
        # A class that occurs in neither labels nor predictions does not count.
        entries = reduce_sum(cast(raw.NotEqual(union, 0.0), dtypes.float32))
        union = raw.Select(raw.Greater(union, 0.0), union, raw.OnesLike(union))
        shares = raw.Div(diagonal, union)
        value = raw.Select(raw.Greater(entries, 0.0), div_no_nan(reduce_sum(shares), entries), raw.ZerosLike(entries))
        return collected(value, update, metrics_collections, updates_collections)


def mean_per_class_accuracy(
    labels: Any, predictions: Any, num_classes: int, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Averages over classes how often each is predicted where it is the true one.

    Args:
      labels: the numbers of the true classes.
      predictions: those of the predicted ones.
      num_classes: how many classes there are.
      weights: what each element counts.
      metrics_collections: the collections to add the value to.
      updates_collections: the collections to add the update to.
      name: the variable scope.

    Returns:
      The mean, and an operation that counts and returns the accuracy of each class.

    Raises:
      RuntimeError: operations run eagerly.
    """
    require_graph("mean_per_class_accuracy")
    with variable_scope(name, "mean_accuracy", (predictions, labels, weights)):
        labels = cast(labels, dtypes.int64)
        labels = _flat(labels)
        total = metric_variable([num_classes], dtypes.float32, name="total")
        count = metric_variable([num_classes], dtypes.float32, name="count")
        each = ones([raw.Size(labels)], dtypes.float32)
        predictions = convert_to_tensor(predictions)
        if labels.dtype.base_dtype is not predictions.dtype.base_dtype:
            predictions = cast(predictions, labels.dtype.base_dtype)
        correct = cast(raw.Equal(_flat(predictions), labels), dtypes.float32)
        if weights is not None:
            weights = cast(_flat(convert_to_tensor(weights)), dtypes.float32)
            correct = correct * weights
            each = each * weights
        new_total = assignment.scatter_add(total, labels, each)
        new_count = assignment.scatter_add(count, labels, correct)
        value = reduce_mean(div_no_nan(count, raw.Maximum(total, 0.0)), name="mean_accuracy")
        update = div_no_nan(new_count, raw.Maximum(new_total, 0.0), name="update_op")
        return collected(value, update, metrics_collections, updates_collections)


def _count(holds: Any, weights: Any, metrics_collections: Any, updates_collections: Any) -> Pair:
    """Counts how often something holds, with weights."""
    count = metric_variable([], dtypes.float32, name="count")
    values = cast(holds, dtypes.float32)
    if weights is not None:
        with waiting_for(assert_broadcastable(weights, values)):
            weights = cast(weights, dtypes.float32)
            values = raw.Mul(values, weights)
    value = raw.Identity(count)
    update = count.assign_add(reduce_sum(values))
    return collected(value, update, metrics_collections, updates_collections)


def _counted(
    kind: str, labels: Any, predictions: Any, weights: Any, metrics_collections: Any, updates_collections: Any,
    name: str | None,
) -> Pair:  # fmt: skip
    require_graph(kind)
    with variable_scope(name, kind, (predictions, labels, weights)):
        predictions, labels, weights = aligned(cast(predictions, dtypes.bool), cast(labels, dtypes.bool), weights)
        rightly, positive = kind.split("_")[0] == "true", kind.endswith("positives")
        holds = raw.LogicalAnd(
            raw.Equal(labels, positive if rightly else not positive), raw.Equal(predictions, positive)
        )
        return _count(holds, weights, metrics_collections, updates_collections)


def true_positives(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Counts where both label and prediction are true.

    Args:
      labels: what is true, converted to booleans.
      predictions: what was predicted, of the same shape, converted to booleans.
      weights: what each element counts.
      metrics_collections: the collections to add the value to.
      updates_collections: the collections to add the update to.
      name: the variable scope.

    Returns:
      The count so far, and an operation that counts and returns the new count.

    Raises:
      RuntimeError: operations run eagerly.
    """
    return _counted("true_positives", labels, predictions, weights, metrics_collections, updates_collections, name)


def true_negatives(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Counts where both label and prediction are false; see :func:`true_positives`."""
    return _counted("true_negatives", labels, predictions, weights, metrics_collections, updates_collections, name)


def false_positives(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Counts where the label is false and the prediction true; see :func:`true_positives`."""
    return _counted("false_positives", labels, predictions, weights, metrics_collections, updates_collections, name)


def false_negatives(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Counts where the label is true and the prediction false; see :func:`true_positives`."""
    return _counted("false_negatives", labels, predictions, weights, metrics_collections, updates_collections, name)


def _ratio(
    kind: str, default_name: str, labels: Any, predictions: Any, weights: Any, metrics_collections: Any,
    updates_collections: Any, name: str | None,
) -> Pair:  # fmt: skip
    """Computes the true positives' share among those with ``kind`` errors."""
    require_graph(default_name)
    with variable_scope(name, default_name, (predictions, labels, weights)):
        predictions, labels, weights = aligned(cast(predictions, dtypes.bool), cast(labels, dtypes.bool), weights)
        right, new_right = true_positives(labels, predictions, weights)
        wrong, new_wrong = _counted(kind, labels, predictions, weights, None, None, None)
        value = _share(right, wrong, "value")
        update = _share(new_right, new_wrong, "update_op")
        return collected(value, update, metrics_collections, updates_collections)


def _share(right: Any, wrong: Any, name: str) -> Any:
    right, wrong = convert_to_tensor(right), convert_to_tensor(wrong)
    whole = raw.AddV2(right, wrong)
    return raw.Select(raw.Greater(whole, 0.0), raw.Div(right, whole), raw.ZerosLike(whole), name=name)


def precision(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Computes which share of what was predicted as true is true; see :func:`true_positives` for the arguments."""
    return _ratio(
        "false_positives", "precision", labels, predictions, weights, metrics_collections, updates_collections, name
    )


def recall(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Computes which share of what is true was predicted as true; see :func:`true_positives` for the arguments."""
    return _ratio(
        "false_negatives", "recall", labels, predictions, weights, metrics_collections, updates_collections, name
    )
