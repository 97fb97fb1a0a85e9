"""Heads of numbers: any number, counts, and chances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.estimator.export_outputs import PredictOutput, RegressionOutput
from tideflow._src.estimator.heads import Head, as_column, asserted
from tideflow._src.estimator.specs import DEFAULT_SERVING_KEY
from tideflow._src.layers.metric_means import mean
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.nn.losses import log_poisson_loss, sigmoid_cross_entropy_with_logits


class RegressionHead(Head):
    """Is for numbers: their squared errors are the losses.

    Args:
      label_dimension: how many numbers a label is.
      weight_column: the name of a feature with a weight for each example, or a numeric column; or None.
      loss_reduction: what becomes of the losses of a batch.
      loss_fn: a function of ``labels`` and ``logits`` that gives losses of shape ``[batch, label_dimension]``.
      inverse_link_fn: makes predictions of logits; by default they are the same.
      name: what is put after the names of metrics and summaries.

    Raises:
      ValueError: an argument is none that can be used.

    >>> import tideflow as tf
    >>> tf.estimator.RegressionHead().loss(labels=[[43.0], [44.0]], logits=[[45.0], [41.0]]).numpy().item()
    6.5
    """

    def __init__(
        self,
        label_dimension: int = 1,
        weight_column: Any = None,
        loss_reduction: str = "sum_over_batch_size",
        loss_fn: Callable[..., Any] | None = None,
        inverse_link_fn: Callable[[Any], Any] | None = None,
        name: str | None = None,
    ) -> None:
        if label_dimension < 1:
            raise ValueError(f"Invalid label_dimension {label_dimension}.")
        super().__init__(weight_column, loss_reduction, loss_fn, name)
        self.logits_dimension = label_dimension
        self._inverse_link = inverse_link_fn

    def _losses_dimension(self) -> int:
        return self.logits_dimension

    def _predictions(self, logits: Any) -> dict[Any, Any]:
        if self._inverse_link is None:
            return {"predictions": logits}
        return {"predictions": self._inverse_link(logits), "logits": logits}

    def _export_outputs(self, predictions: dict[Any, Any]) -> dict[str, Any]:
        regression = RegressionOutput(predictions["predictions"])
        predict = PredictOutput(predictions)
        return {DEFAULT_SERVING_KEY: regression, "regression": regression, "predict": predict}

    def _checked_labels(self, labels: Any, logits: Any) -> Any:
        return cast(as_column(labels, self.logits_dimension, logits), dtypes.float32)

    def _losses(self, labels: Any, logits: Any) -> Any:
        return raw.SquaredDifference(labels, logits)

    def _metrics(self, labels: Any, predictions: dict[Any, Any], weights: Any) -> dict[str, Any]:
        return {
            "label/mean": mean(labels, weights),
            "prediction/mean": mean(predictions["predictions"], weights),
        }


class PoissonRegressionHead(RegressionHead):
    """Is for counts: logits are logarithms of expected counts, the losses those of Poisson's distribution.

    Args:
      label_dimension: how many numbers a label is.
      weight_column: the name of a feature with a weight for each example, or a numeric column; or None.
      loss_reduction: what becomes of the losses of a batch.
      compute_full_loss: whether Stirling's approximation of the part that depends on labels alone is added.
      name: what is put after the names of metrics and summaries.

    Raises:
      ValueError: an argument is none that can be used.
    """

    def __init__(
        self,
        label_dimension: int = 1,
        weight_column: Any = None,
        loss_reduction: str = "sum_over_batch_size",
        compute_full_loss: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(label_dimension, weight_column, loss_reduction, inverse_link_fn=raw.Exp, name=name)
        self._full = compute_full_loss

    def _losses(self, labels: Any, logits: Any) -> Any:
        return log_poisson_loss(labels, logits, self._full)


class LogisticRegressionHead(RegressionHead):
    """Is for chances: labels between 0 and 1, of which logits are log-odds; the losses are cross entropies.

    Args:
      weight_column: the name of a feature with a weight for each example, or a numeric column; or None.
      loss_reduction: what becomes of the losses of a batch.
      name: what is put after the names of metrics and summaries.

    Raises:
      ValueError: an argument is none that can be used.
    """

    def __init__(
        self, weight_column: Any = None, loss_reduction: str = "sum_over_batch_size", name: str | None = None
    ) -> None:
        super().__init__(1, weight_column, loss_reduction, inverse_link_fn=raw.Sigmoid, name=name)

    def _checked_labels(self, labels: Any, logits: Any) -> Any:
        labels = super()._checked_labels(labels, logits)
        check = raw.LogicalAnd(raw.LessEqual(labels, 1.0), raw.GreaterEqual(labels, 0.0))
        return asserted(check, labels, "Labels must be in range [0, 1]")

    def _losses(self, labels: Any, logits: Any) -> Any:
        return sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
