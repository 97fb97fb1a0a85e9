"""Metrics of probabilities: what holds when they are cut at thresholds, and the areas below curves of that."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.layers.metric_means import aligned
from tideflow._src.layers.metric_variables import Pair, collected, metric_variable, require_graph
from tideflow._src.layers.weights_broadcast import broadcast_weights, waiting_for
from tideflow._src.ops.array.constants import ones_like
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import reshape
from tideflow._src.ops.control.assertions import assert_greater_equal_v1, assert_less_equal_v1
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.division import div_no_nan
from tideflow._src.ops.math.reduction_functions import reduce_min, reduce_sum
from tideflow._src.ops.math.unary import log
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.variable_scope import variable_scope

#: What thresholds 0 and 1 are moved by, so that they are below and above everything.
_MARGIN = 1e-7
_NAMES = {"tp": "true_positives", "fn": "false_negatives", "tn": "true_negatives", "fp": "false_positives"}


def _even_thresholds(count: int) -> list[float]:
    inner = [(index + 1) * 1.0 / (count - 1) for index in range(count - 2)]
    return [0.0 - _MARGIN, *inner, 1.0 + _MARGIN]


def _counts(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    includes: Sequence[str] | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Counts how often predictions cut at each threshold are right and wrong.

    Returns:
      The counts so far and the updated ones, by ``"tp"``, ``"fn"``, ``"tn"`` and ``"fp"``.

    Raises:
      InvalidArgumentError: a prediction is not between 0 and 1.
    """
    predictions = convert_to_tensor(predictions)
    with waiting_for(
        assert_greater_equal_v1(predictions, cast(0.0, predictions.dtype), message="predictions must be in [0, 1]"),
        assert_less_equal_v1(predictions, cast(1.0, predictions.dtype), message="predictions must be in [0, 1]"),
    ):
        predictions, labels, weights = aligned(cast(predictions, dtypes.float32), cast(labels, dtypes.bool), weights)
    column = reshape(convert_to_tensor(list(thresholds), dtypes.float32), [len(thresholds), 1])
    above = raw.Greater(reshape(predictions, [1, -1]), column)
    true = reshape(labels, [1, -1])
    below, false = raw.LogicalNot(above), raw.LogicalNot(true)
    if weights is not None:
        weights = reshape(broadcast_weights(cast(weights, dtypes.float32), predictions), [1, -1])
    holds = {"tp": (true, above), "fn": (true, below), "tn": (false, below), "fp": (false, above)}
    values, updates = {}, {}
    for kind in (kind for kind in _NAMES if includes is None or kind in includes):
        variable = metric_variable([len(thresholds)], dtypes.float32, name=_NAMES[kind])
        each = cast(raw.LogicalAnd(*holds[kind]), dtypes.float32)
        if weights is not None:
            each = raw.Mul(each, weights)
        updates[kind] = variable.assign_add(reduce_sum(each, 1))
        values[kind] = raw.Identity(variable)
    return values, updates


def _tensors(counts: dict[str, Any]) -> dict[str, Any]:
    return {kind: convert_to_tensor(count) for kind, count in counts.items()}


def _counted(
    kind: str, labels: Any, predictions: Any, thresholds: Any, weights: Any, metrics_collections: Any,
    updates_collections: Any, name: str | None,
) -> Pair:  # fmt: skip
    require_graph(f"{_NAMES[kind]}_at_thresholds")
    with variable_scope(name, _NAMES[kind], (predictions, labels, weights)):
        values, updates = _counts(labels, predictions, thresholds, weights, (kind,))
        return collected(values[kind], updates[kind], metrics_collections, updates_collections)


def true_positives_at_thresholds(
    labels: Any, predictions: Any, thresholds: Sequence[float], weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Counts at each threshold where the label is true and the prediction above it.

    Args:
      labels: what is true, converted to booleans.
      predictions: probabilities, of the same shape.
      thresholds: numbers between 0 and 1.
      weights: what each element counts.
      metrics_collections: the collections to add the value to.
      updates_collections: the collections to add the update to.
      name: the variable scope.

    Returns:
      The counts so far, a vector, and an operation that counts and returns the new counts.

    Raises:
      RuntimeError: operations run eagerly.
    """
    return _counted("tp", labels, predictions, thresholds, weights, metrics_collections, updates_collections, name)


def true_negatives_at_thresholds(
    labels: Any, predictions: Any, thresholds: Sequence[float], weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Counts where the label is false and the prediction not above; see :func:`true_positives_at_thresholds`."""
    return _counted("tn", labels, predictions, thresholds, weights, metrics_collections, updates_collections, name)


def false_positives_at_thresholds(
    labels: Any, predictions: Any, thresholds: Sequence[float], weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Counts where the label is false and the prediction above; see :func:`true_positives_at_thresholds`."""
    return _counted("fp", labels, predictions, thresholds, weights, metrics_collections, updates_collections, name)


def false_negatives_at_thresholds(
    labels: Any, predictions: Any, thresholds: Sequence[float], weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Counts where the label is true and the prediction not above; see :func:`true_positives_at_thresholds`."""
    return _counted("fn", labels, predictions, thresholds, weights, metrics_collections, updates_collections, name)


def _ratio(
    what: str, wrong: str, labels: Any, predictions: Any, thresholds: Any, weights: Any, metrics_collections: Any,
    updates_collections: Any, name: str | None,
) -> Pair:  # fmt: skip
    require_graph(f"{what}_at_thresholds")
    with variable_scope(name, f"{what}_at_thresholds", (predictions, labels, weights)):
        values, updates = map(_tensors, _counts(labels, predictions, thresholds, weights, ("tp", wrong)))

        def share(counts: dict[str, Any], name: str) -> Any:
            return raw.Div(counts["tp"], _MARGIN + counts["tp"] + counts[wrong], name=f"{what}_{name}")

        return collected(share(values, "value"), share(updates, "update_op"), metrics_collections, updates_collections)


def precision_at_thresholds(
    labels: Any, predictions: Any, thresholds: Sequence[float], weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Computes at each threshold which share of what is above is true; see :func:`true_positives_at_thresholds`."""
    return _ratio(
        "precision", "fp", labels, predictions, thresholds, weights, metrics_collections, updates_collections, name
    )


def recall_at_thresholds(
    labels: Any, predictions: Any, thresholds: Sequence[float], weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Computes at each threshold which share of what is true is above; see :func:`true_positives_at_thresholds`."""
    return _ratio(
        "recall", "fn", labels, predictions, thresholds, weights, metrics_collections, updates_collections, name
    )


def auc(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    num_thresholds: int = 200,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    curve: str = "ROC",
    name: str | None = None,
    summation_method: str = "trapezoidal",
    thresholds: Sequence[float] | None = None,
) -> Pair:
    """Approximates the area below a curve, from counts at thresholds.

    Args:
      labels: what is true, converted to booleans.
      predictions: probabilities, of the same shape.
      weights: what each element counts.
      num_thresholds: how many thresholds there are.
      metrics_collections: the collections to add the value to.
      updates_collections: the collections to add the update to.
      curve: ``"ROC"``, recall over the share of false alarms, or ``"PR"``, precision over recall.
      name: the variable scope.
      summation_method: ``"trapezoidal"``, ``"careful_interpolation"`` (Davis and Goadrich 2006; for PR only),
        ``"minoring"`` or ``"majoring"``.
      thresholds: the thresholds; by default evenly spaced.

    Returns:
      The area so far, and an operation that counts and returns the new area.

    Raises:
      RuntimeError: operations run eagerly.
      ValueError: ``curve`` or ``summation_method`` is none of those.
    """
    require_graph("auc")
    with variable_scope(name, "auc", (labels, predictions, weights)):
        if curve not in ("ROC", "PR"):
            raise ValueError(f"curve must be either ROC or PR, {curve} unknown")
        if summation_method not in ("trapezoidal", "careful_interpolation", "minoring", "majoring"):
            raise ValueError(f"Invalid summation_method: {summation_method}")
        if curve == "PR" and summation_method == "trapezoidal":
            warnings.warn(
                "The trapezoidal rule is known to give wrong areas below precision-recall curves; "
                'use summation_method="careful_interpolation".',
                stacklevel=2,
            )
        if thresholds is None:
            cuts = _even_thresholds(num_thresholds)
        else:
            cuts = [0.0 - _MARGIN, *sorted(thresholds), 1.0 + _MARGIN]
        values, updates = map(_tensors, _counts(labels, predictions, cuts, weights))
        value = _area(values, curve, summation_method, "value")
        update = _area(updates, curve, summation_method, "update_op")
        return collected(value, update, metrics_collections, updates_collections)


def _area(counts: dict[str, Any], curve: str, method: str, name: str) -> Any:
    tp, fn, tn, fp = (counts[kind] for kind in ("tp", "fn", "tn", "fp"))
    if curve == "PR" and method == "careful_interpolation":
        return _interpolated_area(tp, fp, fn)
    epsilon = 1.0e-6
    recall = raw.Div(tp + epsilon, tp + fn + epsilon)
    if curve == "ROC":
        x, y = raw.Div(fp, fp + tn + epsilon), recall
    else:
        x, y = recall, raw.Div(tp + epsilon, tp + fp + epsilon)
    heights: dict[str, Callable[[], Any]] = {
        "trapezoidal": lambda: (y[:-1] + y[1:]) / 2.0,
        "careful_interpolation": lambda: (y[:-1] + y[1:]) / 2.0,
        "minoring": lambda: raw.Minimum(y[:-1], y[1:]),
        "majoring": lambda: raw.Maximum(y[:-1], y[1:]),
    }
    return reduce_sum(raw.Mul(x[:-1] - x[1:], heights[method]()), name=name)


def _interpolated_area(tp: Any, fp: Any, fn: Any) -> Any:
    """Sums the areas below pieces in which true positives grow linearly with all positives."""
    gained = tp[:-1] - tp[1:]
    positives = tp + fp
    slope = div_no_nan(gained, raw.Maximum(positives[:-1] - positives[1:], 0.0), name="prec_slope")
    intercept = tp[1:] - raw.Mul(slope, positives[1:])
    ratio = raw.Select(
        raw.LogicalAnd(raw.Greater(positives[:-1], 0.0), raw.Greater(positives[1:], 0.0)),
        div_no_nan(positives[:-1], raw.Maximum(positives[1:], 0.0), name="recall_relative_ratio"),
        ones_like(positives[1:]),
    )
    pieces = div_no_nan(
        slope * (gained + intercept * log(ratio)), raw.Maximum(tp[1:] + fn[1:], 0.0), name="pr_auc_increment"
    )
    return reduce_sum(pieces, name="interpolate_pr_auc")


def _require_share(name: str, value: float) -> None:
    if value < 0 or value > 1:
        raise ValueError(f"`{name}` must be in the range [0, 1]. Currently, `{name}` got {value}.")


def sensitivity_at_specificity(
    labels: Any, predictions: Any, specificity: float, weights: Any = None, num_thresholds: int = 200,
    metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Computes the recall at the threshold where specificity is closest to a wanted one.

    Args:
      labels: what is true, converted to booleans.
      predictions: probabilities, of the same shape.
      specificity: the wanted share of what is false that is not above the threshold.
      weights: what each element counts.
      num_thresholds: how many thresholds there are.
      metrics_collections: the collections to add the value to.
      updates_collections: the collections to add the update to.
      name: the variable scope.

    Raises:
      RuntimeError: operations run eagerly.
      ValueError: ``specificity`` is not between 0 and 1.
    """
    require_graph("sensitivity_at_specificity")
    _require_share("specificity", specificity)
    with variable_scope(name, "sensitivity_at_specificity", (predictions, labels, weights)):
        values, updates = map(_tensors, _counts(labels, predictions, _even_thresholds(num_thresholds), weights))

        def found(counts: dict[str, Any], name: str) -> Any:
            specificities = raw.Div(counts["tn"], counts["tn"] + counts["fp"] + _MARGIN)
            index = raw.ArgMin(raw.Abs(specificities - specificity), 0, output_type=dtypes.int32)
            right = counts["tp"][index]
            return raw.Div(right, right + counts["fn"][index] + _MARGIN, name=name)

        return collected(found(values, "value"), found(updates, "update_op"), metrics_collections, updates_collections)


def specificity_at_sensitivity(
    labels: Any, predictions: Any, sensitivity: float, weights: Any = None, num_thresholds: int = 200,
    metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
) -> Pair:  # fmt: skip
    """Computes the specificity at the highest threshold where recall is closest to a wanted one.

    Args:
      labels: what is true, converted to booleans.
      predictions: probabilities, of the same shape.
      sensitivity: the wanted share of what is true that is above the threshold.
      weights: what each element counts.
      num_thresholds: how many thresholds there are.
      metrics_collections: the collections to add the value to.
      updates_collections: the collections to add the update to.
      name: the variable scope.

    Raises:
      RuntimeError: operations run eagerly.
      ValueError: ``sensitivity`` is not between 0 and 1.
    """
    require_graph("specificity_at_sensitivity")
    _require_share("sensitivity", sensitivity)
    with variable_scope(name, "specificity_at_sensitivity", (predictions, labels, weights)):
        values, updates = map(_tensors, _counts(labels, predictions, _even_thresholds(num_thresholds), weights))

        def found(counts: dict[str, Any], name: str) -> Any:
            sensitivities = raw.Div(counts["tp"], counts["tp"] + counts["fn"] + _MARGIN)
            distances = raw.Abs(sensitivities - sensitivity)
            closest = cast(raw.Equal(distances, reduce_min(distances)), dtypes.int64)
            # The last of equals: the counts of those up to each place are largest there first.
            index = raw.ArgMax(raw.Cumsum(closest, 0), 0, output_type=dtypes.int32)
            right = counts["tn"][index]
            return raw.Div(right, right + counts["fp"][index] + _MARGIN, name=name)

        return collected(found(values, "value"), found(updates, "update_op"), metrics_collections, updates_collections)
