"""Brings labels and predictions to one rank where they differ by a last dimension of size 1."""

from __future__ import annotations

from typing import Any

from tideflow._src.function.conditional import cond
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def remove_squeezable_dimensions(
    labels: Any, predictions: Any, expected_rank_diff: int = 0, name: str | None = None
) -> tuple[Any, Any]:
    """Removes the last dimension of the one of two tensors whose rank is one more than expected.

    Args:
      labels: a tensor.
      predictions: a tensor.
      expected_rank_diff: by how much the rank of ``predictions`` is to be the larger one.
      name: the name scope.

    Returns:
      The labels and the predictions.
    """
    with name_scope(name, "remove_squeezable_dimensions"):
        predictions = convert_to_tensor(predictions)
        labels = convert_to_tensor(labels)
        of_predictions, of_labels = predictions.shape, labels.shape
        if of_predictions.rank is not None and of_labels.rank is not None:
            difference = of_predictions.rank - of_labels.rank
            if difference == expected_rank_diff + 1 and of_predictions.as_list()[-1] in (1, None):
                predictions = raw.Squeeze(predictions, squeeze_dims=[-1])
            elif difference == expected_rank_diff - 1 and of_labels.as_list()[-1] in (1, None):
                labels = raw.Squeeze(labels, squeeze_dims=[-1])
            return labels, predictions
        found = raw.Sub(raw.Rank(predictions), raw.Rank(labels))
        if of_predictions.rank is None or (of_predictions.rank > 0 and of_predictions.as_list()[-1] in (1, None)):
            whole = predictions
            predictions = cond(
                raw.Equal(found, expected_rank_diff + 1),
                lambda: raw.Squeeze(whole, squeeze_dims=[-1]),
                lambda: raw.Identity(whole),
            )
        if of_labels.rank is None or (of_labels.rank > 0 and of_labels.as_list()[-1] in (1, None)):
            all_labels = labels
            labels = cond(
                raw.Equal(found, expected_rank_diff - 1),
                lambda: raw.Squeeze(all_labels, squeeze_dims=[-1]),
                lambda: raw.Identity(all_labels),
            )
        return labels, predictions


def squeezed_weights(weights: Any, values: Any) -> Any:
    """Brings weights to the rank of the values that they weigh, by a last dimension of size 1.

    Args:
      weights: a tensor, or None.
      values: a tensor.
    """
    weights = convert_to_tensor(weights)
    if weights.shape.rank == 0:
        return weights
    of_weights, of_values = weights.shape, values.shape
    if of_weights.rank is not None and of_values.rank is not None:
        if of_weights.rank - of_values.rank == 1:
            return raw.Squeeze(weights, squeeze_dims=[-1])
        if of_values.rank - of_weights.rank == 1:
            return raw.ExpandDims(weights, [-1])
        return weights
    difference = raw.Sub(raw.Rank(weights), raw.Rank(values))

    def adjusted() -> Any:
        return cond(raw.Equal(difference, -1), lambda: raw.ExpandDims(weights, [-1]), lambda: raw.Identity(weights))

    def fitting() -> Any:
        if of_weights.rank is not None and of_weights.as_list()[-1] not in (1, None):
            return adjusted()
        return cond(raw.Equal(difference, 1), lambda: raw.Squeeze(weights, squeeze_dims=[-1]), adjusted)

    if of_weights.rank is not None:
        return fitting()
    return cond(raw.Equal(raw.Rank(weights), 0), lambda: raw.Identity(weights), fitting)
