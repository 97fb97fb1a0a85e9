"""Metrics of the k most probable classes, where each item may have several labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.layers.metric_variables import Pair, collected, metric_variable, require_graph
from tideflow._src.layers.weights_broadcast import assert_broadcastable, broadcast_weights, waiting_for
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import expand_dims
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.division import div_no_nan
from tideflow._src.ops.math.reduction_functions import reduce_any, reduce_sum
from tideflow._src.ops.math.sorting import top_k
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.sparse_tensor import SparseTensor, is_sparse

#: Stands in the rows of labels that are shorter than others; no class has this number.
_MISSING = np.iinfo(np.int64).min


def _named(name: str, k: int | None = None, class_id: int | None = None) -> str:
    name = f"{name}_at_k" if k is None else f"{name}_at_{k}"
    return name if class_id is None else f"{name}_class{class_id}"


def _labels(labels: Any, predictions: Any) -> Any:
    """Returns labels as a dense tensor of the rank of the predictions."""
    if is_sparse(labels):
        labels = SparseTensor.from_value(labels)
        empty = raw.Fill(labels.dense_shape, convert_to_tensor(np.int64(_MISSING)))
        dense = raw.TensorScatterUpdate(empty, labels.indices, cast(labels.values, dtypes.int64))
        if labels.shape.rank is not None:
            dense.set_shape(labels.shape)
        labels = dense
    labels = cast(labels, dtypes.int64)
    mine, theirs = labels.shape.rank, predictions.shape.rank
    if mine is not None and theirs is not None and mine == theirs - 1:
        return expand_dims(labels, -1)
    return labels


def _selected(items: Any, class_id: Any) -> Any:
    """Keeps one class, and makes the others missing."""
    if class_id is None:
        return items
    chosen = convert_to_tensor(class_id, dtypes.int64)
    return raw.SelectV2(raw.Equal(items, chosen), items, convert_to_tensor(np.int64(_MISSING)))


def _in(items: Any, others: Any) -> Any:
    """Tells which items are among the others, row by row."""
    return reduce_any(raw.Equal(expand_dims(items, -1), expand_dims(others, -2)), -1)


def _distinct(items: Any) -> Any:
    """Tells which items are not missing and did not occur before in their row."""
    equal = raw.Equal(expand_dims(items, -1), expand_dims(items, -2))
    count = raw.Shape(items)[-1]
    places = raw.Range(0, count, 1)
    before = raw.Less(expand_dims(places, 0), expand_dims(places, 1))
    repeated = reduce_any(raw.LogicalAnd(equal, before), -1)
    return raw.LogicalAnd(raw.NotEqual(items, np.int64(_MISSING)), raw.LogicalNot(repeated))


def _size(kept: Any, weights: Any) -> Any:
    """Counts row by row, with weights, and adds the counts."""
    counts = reduce_sum(cast(kept, dtypes.float64), -1)
    if weights is not None:
        weights = cast(weights, dtypes.float64)
        with waiting_for(assert_broadcastable(weights, counts)):
            counts = raw.Mul(counts, weights)
    return reduce_sum(counts)


def _counted(kind: str, items: Any, k: Any, class_id: Any, weights: Any) -> Pair:
    with name_scope(None, _named(kind, k, class_id)) as scope:
        total = _size(items, weights)
        variable = metric_variable([], dtypes.float64, name=scope)
        return variable, variable.assign_add(total, name="update")


def _ratio(
    what: str, labels: Any, predictions_idx: Any, k: Any, class_id: Any, weights: Any, metrics_collections: Any,
    updates_collections: Any, name: str | None,
) -> Pair:  # fmt: skip
    with name_scope(name, _named(what, k, class_id)) as scope:
        chosen = cast(predictions_idx, dtypes.int64)
        labels = _labels(labels, chosen)
        chosen, labels = _selected(chosen, class_id), _selected(labels, class_id)
        picked = _distinct(chosen)
        right, new_right = _counted("true_positive", raw.LogicalAnd(picked, _in(chosen, labels)), k, class_id, weights)
        if what == "precision":
            missed = raw.LogicalAnd(picked, raw.LogicalNot(_in(chosen, labels)))
            wrong, new_wrong = _counted("false_positive", missed, k, class_id, weights)
        else:
            missed = raw.LogicalAnd(_distinct(labels), raw.LogicalNot(_in(labels, chosen)))
            wrong, new_wrong = _counted("false_negative", missed, k, class_id, weights)
        value = raw.Div(convert_to_tensor(right), raw.AddV2(right, wrong), name=scope)
        update = raw.Div(convert_to_tensor(new_right), raw.AddV2(new_right, new_wrong), name="update")
        return collected(value, update, metrics_collections, updates_collections)


def precision_at_k(
    labels: Any, predictions: Any, k: int, class_id: int | None = None, weights: Any = None,
    metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Computes which share of the k most probable classes are among the labels.

    Args:
      labels: the numbers of the true classes: a tensor or ``SparseTensor`` of shape ``[..., labels]``, or one of a
        rank less for a single label each.
      predictions: logits or probabilities of shape ``[..., classes]``.
      k: how many classes count as predicted.
      class_id: a class to look at alone.
      weights: what each item counts.
      metrics_collections: the collections to add the value to.
      updates_collections: the collections to add the update to.
      name: the name scope.

    Returns:
      The share so far, and an operation that counts and returns the new share.

    Raises:
      RuntimeError: operations run eagerly.
    """
    require_graph("sparse_precision_at_k")
    with name_scope(name, _named("precision", k, class_id)) as scope:
        _, chosen = top_k(predictions, k)
        return precision_at_top_k(
            labels, chosen, k, class_id, weights, metrics_collections, updates_collections, name=scope
        )


def precision_at_top_k(
    labels: Any, predictions_idx: Any, k: int | None = None, class_id: int | None = None, weights: Any = None,
    metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Computes which share of the predicted classes are among the labels; see :func:`precision_at_k`.

    Args:
      labels: the numbers of the true classes.
      predictions_idx: the numbers of the predicted ones, of shape ``[..., k]``.
      k: their number, for the default name only.
    """
    require_graph("precision_at_top_k")
    return _ratio(
        "precision", labels, predictions_idx, k, class_id, weights, metrics_collections, updates_collections, name
    )


def recall_at_k(
    labels: Any, predictions: Any, k: int, class_id: int | None = None, weights: Any = None,
    metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Computes which share of the labels are among the k most probable classes; see :func:`precision_at_k`."""
    require_graph("recall_at_k")
    with name_scope(name, _named("recall", k, class_id)) as scope:
        _, chosen = top_k(predictions, k)
        return recall_at_top_k(
            labels, chosen, k, class_id, weights, metrics_collections, updates_collections, name=scope
        )


def recall_at_top_k(
    labels: Any, predictions_idx: Any, k: int | None = None, class_id: int | None = None, weights: Any = None,
    metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Computes which share of the labels are among the predicted classes; see :func:`precision_at_top_k`."""
    require_graph("recall_at_top_k")
    return _ratio(
        "recall", labels, predictions_idx, k, class_id, weights, metrics_collections, updates_collections, name
    )


def average_precision_at_k(
    labels: Any, predictions: Any, k: int, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Averages precision over the ranks of the labels among the k most probable classes, and over items.

    Args:
      labels: the numbers of the true classes: a tensor or ``SparseTensor`` of shape ``[..., labels]``, or one of a
        rank less for a single label each. Numbers that are no class, such as -1, do not count; an item without labels
        has no average.
      predictions: logits or probabilities of shape ``[..., classes]``.
      k: how many classes count as predicted.
      weights: what each item counts.
      metrics_collections: the collections to add the value to.
      updates_collections: the collections to add the update to.
      name: the name scope.

    Returns:
      The mean so far, and an operation that counts and returns the new mean.

    Raises:
      RuntimeError: operations run eagerly.
      ValueError: ``k`` is less than one.
    """
    require_graph("sparse_average_precision_at_k")
    if k < 1:
        raise ValueError(f"Invalid k={k}.")
    with name_scope(name, _named("average_precision", k)) as scope:
        _, chosen = top_k(predictions, k)
        chosen = cast(chosen, dtypes.int64)
        found = _labels(labels, chosen)
        if is_sparse(labels):
            counted = _distinct(found)
        else:  # what is no class is padding
            classes = cast(raw.Shape(predictions)[-1], dtypes.int64)
            counted = raw.LogicalAnd(raw.GreaterEqual(found, np.int64(0)), raw.Less(found, classes))
        return _averaged(found, counted, chosen, k, weights, metrics_collections, updates_collections, scope)


def average_precision_at_top_k(
    labels: Any, predictions_idx: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Averages precision over the ranks of the labels among the predicted classes, and over items.

    Args:
      labels: the numbers of the true classes, as for :func:`average_precision_at_k`; a negative one does not count.
      predictions_idx: the numbers of the predicted classes, the most probable first, of shape ``[..., k]``.
      weights: what each item counts.
      metrics_collections: the collections to add the value to.
      updates_collections: the collections to add the update to.
      name: the name scope.

    Returns:
      The mean so far, and an operation that counts and returns the new mean.

    Raises:
      RuntimeError: operations run eagerly.
    """
    require_graph("sparse_average_precision_at_top_k")
    chosen = cast(convert_to_tensor(predictions_idx), dtypes.int64)
    k = chosen.shape.as_list()[-1] if chosen.shape.rank else None
    if k is None:
        raise ValueError(f"The last dimension of predictions_idx must be known, got shape {chosen.shape}.")
    with name_scope(name, _named("average_precision", k)) as scope:
        found = _labels(labels, chosen)
        counted = _distinct(found) if is_sparse(labels) else raw.GreaterEqual(found, np.int64(0))
        return _averaged(found, counted, chosen, k, weights, metrics_collections, updates_collections, scope)


def _averaged(
    labels: Any, counted: Any, chosen: Any, k: int, weights: Any, metrics_collections: Any, updates_collections: Any,
    scope: str,
) -> Pair:  # fmt: skip
    """Returns the mean of average precisions, and its update."""
    averages = _average_precision(labels, counted, chosen, k)
    if weights is not None:
        weights = broadcast_weights(cast(weights, dtypes.float64), averages)
        averages = raw.Mul(averages, weights)
    with name_scope(None, "max") as inner:
        most = metric_variable([], dtypes.float64, name=inner)
        added = cast(raw.Size(averages, name="batch_max"), dtypes.float64) if weights is None else reduce_sum(weights)
        new_most = most.assign_add(added, name="update")
    with name_scope(None, "total") as inner:
        total = metric_variable([], dtypes.float64, name=inner)
        new_total = total.assign_add(reduce_sum(averages), name="update")
    value = div_no_nan(total, raw.Maximum(most, np.float64(0)), name="mean")
    update = div_no_nan(new_total, raw.Maximum(new_most, np.float64(0)), name=scope)
    return collected(value, update, metrics_collections, updates_collections)


def _average_precision(labels: Any, counted: Any, chosen: Any, k: int) -> Any:
    """Returns the average precision of each item, given which of its labels count."""
    relevant = cast(_in(chosen, labels), dtypes.float64)
    ranks = cast(raw.Range(1, raw.Shape(chosen)[-1] + 1, 1), dtypes.float64)
    precision = raw.Div(raw.Cumsum(relevant, -1), ranks)
    total = reduce_sum(raw.Mul(precision, relevant), -1)
    count = reduce_sum(cast(counted, dtypes.float64), -1)
    return raw.Div(total, raw.Minimum(count, np.float64(k)))


def sparse_precision_at_k(
    labels: Any, predictions: Any, k: int, class_id: int | None = None, weights: Any = None,
    metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Is :func:`precision_at_k` by its old name."""
    return precision_at_k(labels, predictions, k, class_id, weights, metrics_collections, updates_collections, name)


def sparse_average_precision_at_k(
    labels: Any, predictions: Any, k: int, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Is :func:`average_precision_at_k` by its old name."""
    return average_precision_at_k(labels, predictions, k, weights, metrics_collections, updates_collections, name)
