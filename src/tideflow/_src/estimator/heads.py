"""Heads: what classifiers and regressors make of logits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.estimator.export_outputs import ClassificationOutput, PredictOutput, RegressionOutput
from tideflow._src.estimator.specs import DEFAULT_SERVING_KEY, EstimatorSpec, ModeKeys
from tideflow._src.feature_column.numeric import NumericColumn
from tideflow._src.io.vocabulary_tables import index_table_from_tensor, index_to_string_table_from_tensor
from tideflow._src.layers.losses import Reduction
from tideflow._src.layers.metric_classes import precision, recall
from tideflow._src.layers.metric_means import accuracy, mean
from tideflow._src.layers.metric_thresholds import auc
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.permuting import tile
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import expand_dims, squeeze
from tideflow._src.ops.control.assertions import Assert
from tideflow._src.ops.control.grouping import control_dependencies
from tideflow._src.ops.math.argument_extrema import argmax
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.reduction_functions import reduce_mean, reduce_sum
from tideflow._src.ops.nn.losses import sigmoid_cross_entropy_with_logits, sparse_softmax_cross_entropy_with_logits
from tideflow._src.ops.nn.softmax import softmax
from tideflow._src.ops.strings.functions import as_string
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.sparse_tensor import SparseTensor

#: What TensorFlow 2 calls reductions.
_SHORT_NAMES = {
    "auto": Reduction.SUM_OVER_BATCH_SIZE,
    "sum": Reduction.SUM,
    "sum_over_batch_size": Reduction.SUM_OVER_BATCH_SIZE,
}


class Head:
    """Makes losses, predictions and metrics of logits.

    Args:
      weight_column: the name of a feature with a weight for each example, or a numeric column; or None.
      loss_reduction: what becomes of the losses of a batch.
    """

    #: How many logits an example has.
    logits_dimension = 1

    def __init__(self, weight_column: Any = None, loss_reduction: str = Reduction.SUM) -> None:
        loss_reduction = _SHORT_NAMES.get(loss_reduction, loss_reduction)
        Reduction.validate(loss_reduction)
        if loss_reduction == Reduction.NONE:
            raise ValueError(f"Invalid loss_reduction: {loss_reduction}")
        self._weight_column = weight_column
        self._reduction = loss_reduction

    def create_estimator_spec(
        self, features: Any, mode: str, logits: Any, labels: Any = None, train_op_fn: Any = None
    ) -> EstimatorSpec:
        """Returns what a model function returns.

        Args:
          features: the features, for the weights.
          mode: one of `ModeKeys`.
          logits: ``float32`` of shape ``[batch, logits_dimension]``.
          labels: the labels.
          train_op_fn: makes the operation of a step of a loss.
        """
        logits = convert_to_tensor(logits)
        predictions = self._predictions(logits)
        if mode == ModeKeys.PREDICT:
            return EstimatorSpec(mode, predictions, export_outputs=self._export_outputs(predictions))
        if labels is None:
            raise ValueError(
                "You must provide a labels Tensor. Given: None. Suggested troubleshooting steps: Check that your "
                "input_fn returns labels."
            )
        labels = self._checked_labels(labels)
        losses = self._losses(labels, logits)
        weights = self._weights(features, losses)
        weighted = losses if weights is None else losses * weights
        loss = self._reduced(weighted, weights)
        if mode == ModeKeys.EVAL:
            metrics = {"average_loss": mean(losses, weights), **self._metrics(labels, predictions, weights)}
            return EstimatorSpec(mode, predictions, loss, eval_metric_ops=metrics)
        return EstimatorSpec(mode, predictions, loss, train_op_fn(loss))

    def _reduced(self, weighted: Any, weights: Any) -> Any:
        if self._reduction == Reduction.SUM:
            return reduce_sum(weighted)
        if self._reduction == Reduction.SUM_OVER_BATCH_SIZE:
            return reduce_mean(weighted)
        if self._reduction == Reduction.MEAN:
            return reduce_mean(weighted) if weights is None else reduce_sum(weighted) / reduce_sum(weights)
        return reduce_mean(weighted) if weights is None else reduce_sum(weighted) / _nonzero(weights)

    def _weights(self, features: Any, losses: Any) -> Any:
        column = self._weight_column
        if column is None:
            return None
        key = column.key if isinstance(column, NumericColumn) else column
        if not isinstance(features, Mapping) or key not in features:
            raise ValueError(f"Weights feature {key} is not in features.")
        weights = features[key]
        if isinstance(column, NumericColumn) and column.normalizer_fn is not None:
            weights = column.normalizer_fn(weights)
        weights = cast(convert_to_tensor(weights), dtypes.float32)
        return expand_dims(weights, -1) if weights.shape.rank == 1 else weights

    def _predictions(self, logits: Any) -> dict[str, Any]:
        raise NotImplementedError

    def _export_outputs(self, predictions: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def _checked_labels(self, labels: Any) -> Any:
        raise NotImplementedError

    def _losses(self, labels: Any, logits: Any) -> Any:
        """Returns a loss for each example, of shape ``[batch, 1]`` or that of the logits."""
        raise NotImplementedError

    def _metrics(self, labels: Any, predictions: dict[str, Any], weights: Any) -> dict[str, Any]:
        raise NotImplementedError


def _nonzero(weights: Any) -> Any:
    return reduce_sum(cast(raw.NotEqual(weights, 0.0), dtypes.float32))


def _as_column(labels: Any) -> Any:
    """Returns labels of one dimension as a matrix of one column."""
    if isinstance(labels, SparseTensor):
        raise ValueError("SparseTensor labels are not supported. Labels must be a Tensor of shape [D0, D1, ..., DN, 1]")
    labels = convert_to_tensor(labels)
    return expand_dims(labels, -1) if labels.shape.rank == 1 else labels


class _Classifying(Head):
    """Is what heads of classes have in common.

    Args:
      label_vocabulary: the names of the classes, where labels are names.
    """

    def __init__(self, n_classes: int, weight_column: Any, label_vocabulary: Any, loss_reduction: str) -> None:
        super().__init__(weight_column, loss_reduction)
        if label_vocabulary is not None and len(label_vocabulary) != n_classes:
            raise ValueError(
                f"Length of label_vocabulary must equal to n_classes. Given n_classes: {n_classes}, "
                f"label_vocabulary: {label_vocabulary}"
            )
        self._n_classes = n_classes
        self._vocabulary = None if label_vocabulary is None else tuple(label_vocabulary)

    def _numbers(self, labels: Any) -> Any:
        """Returns the numbers of the classes that labels name, int64 of shape ``[batch, 1]``."""
        labels = _as_column(labels)
        if self._vocabulary is None:
            if not labels.dtype.is_integer and not labels.dtype.is_floating and labels.dtype != dtypes.bool:
                raise ValueError(f"Labels dtype should be integer. Instead got {labels.dtype}.")
            return labels
        if labels.dtype != dtypes.string:
            raise ValueError(f"Labels dtype should be string if there is a vocabulary. Instead got {labels.dtype}")
        return index_table_from_tensor(list(self._vocabulary)).lookup(labels)

    def _names(self, numbers: Any) -> Any:
        if self._vocabulary is None:
            return as_string(numbers)
        return index_to_string_table_from_tensor(list(self._vocabulary)).lookup(numbers)

    def _of_all(self, logits: Any) -> dict[str, Any]:
        """Returns the numbers and names of all classes, for each example."""
        batch = raw.Shape(logits)[0]
        numbers = expand_dims(raw.Range(0, self._n_classes, 1), 0)
        names = self._vocabulary or [str(number) for number in range(self._n_classes)]
        repeats = raw.Pack([batch, 1])
        return {
            "all_class_ids": tile(numbers, repeats),
            "all_classes": tile(expand_dims(convert_to_tensor(list(names)), 0), repeats),
        }

    def _export_outputs(self, predictions: dict[str, Any]) -> dict[str, Any]:
        classification = ClassificationOutput(predictions["probabilities"], predictions["all_classes"])
        outputs = {
            DEFAULT_SERVING_KEY: classification,
            "classification": classification,
            "predict": PredictOutput(predictions),
        }
        if "logistic" in predictions:
            outputs["regression"] = RegressionOutput(predictions["logistic"])
        return outputs


class BinaryHead(_Classifying):
    """Is for two classes: one logit, that of the second."""

    def __init__(
        self, weight_column: Any = None, label_vocabulary: Any = None, loss_reduction: str = Reduction.SUM
    ) -> None:
        super().__init__(2, weight_column, label_vocabulary, loss_reduction)

    def _predictions(self, logits: Any) -> dict[str, Any]:
        both = concat([raw.ZerosLike(logits), logits], -1)
        numbers = expand_dims(argmax(both, -1), -1)
        return {
            "logits": logits,
            "logistic": raw.Sigmoid(logits),
            "probabilities": softmax(both),
            "class_ids": numbers,
            "classes": self._names(numbers),
            **self._of_all(logits),
        }

    def _checked_labels(self, labels: Any) -> Any:
        labels = cast(self._numbers(labels), dtypes.float32)
        check = raw.LogicalAnd(raw.LessEqual(labels, 1.0), raw.GreaterEqual(labels, 0.0))
        return _asserted(check, labels, "Labels must be <= n_classes - 1 and >= 0")

    def _losses(self, labels: Any, logits: Any) -> Any:
        return sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)

    def _metrics(self, labels: Any, predictions: dict[str, Any], weights: Any) -> dict[str, Any]:
        logistic, numbers = predictions["logistic"], predictions["class_ids"]
        label_mean = mean(labels, weights)
        # The accuracy of who always says the more frequent class.
        baseline = tuple(raw.Maximum(each, 1.0 - each) for each in mean(labels, weights))
        return {
            "accuracy": accuracy(labels, numbers, weights),
            "precision": precision(labels, numbers, weights),
            "recall": recall(labels, numbers, weights),
            "accuracy_baseline": baseline,
            "auc": auc(labels, logistic, weights),
            "auc_precision_recall": auc(
                labels, logistic, weights, curve="PR", summation_method="careful_interpolation"
            ),
            "label/mean": label_mean,
            "prediction/mean": mean(logistic, weights),
        }


class MultiClassHead(_Classifying):
    """Is for three classes or more: a logit for each."""

    def __init__(
        self,
        n_classes: int,
        weight_column: Any = None,
        label_vocabulary: Any = None,
        loss_reduction: str = Reduction.SUM,
    ) -> None:
        if n_classes is None or n_classes <= 2:
            raise ValueError(f"n_classes must be > 2: {n_classes}.")
        super().__init__(n_classes, weight_column, label_vocabulary, loss_reduction)
        self.logits_dimension = n_classes

    def _predictions(self, logits: Any) -> dict[str, Any]:
        numbers = expand_dims(argmax(logits, -1), -1)
        return {
            "logits": logits,
            "probabilities": softmax(logits),
            "class_ids": numbers,
            "classes": self._names(numbers),
            **self._of_all(logits),
        }

    def _checked_labels(self, labels: Any) -> Any:
        numbers = self._numbers(labels)
        if not numbers.dtype.is_integer:
            raise ValueError(f"Labels dtype should be integer. Instead got {numbers.dtype}.")
        check = raw.LogicalAnd(
            raw.Less(numbers, cast(self._n_classes, numbers.dtype)), raw.GreaterEqual(numbers, cast(0, numbers.dtype))
        )
        return _asserted(check, numbers, "Labels must be <= n_classes - 1 and >= 0")

    def _losses(self, labels: Any, logits: Any) -> Any:
        losses = sparse_softmax_cross_entropy_with_logits(labels=squeeze(labels, -1), logits=logits)
        return expand_dims(losses, -1)

    def _metrics(self, labels: Any, predictions: dict[str, Any], weights: Any) -> dict[str, Any]:
        return {"accuracy": accuracy(labels, predictions["class_ids"], weights)}


class RegressionHead(Head):
    """Is for numbers: their squared errors are the losses."""

    def __init__(
        self, weight_column: Any = None, label_dimension: int = 1, loss_reduction: str = Reduction.SUM
    ) -> None:
        if label_dimension < 1:
            raise ValueError(f"Invalid label_dimension {label_dimension}.")
        super().__init__(weight_column, loss_reduction)
        self.logits_dimension = label_dimension

    def _predictions(self, logits: Any) -> dict[str, Any]:
        return {"predictions": logits}

    def _export_outputs(self, predictions: dict[str, Any]) -> dict[str, Any]:
        regression = RegressionOutput(predictions["predictions"])
        predict = PredictOutput(predictions)
        return {DEFAULT_SERVING_KEY: regression, "regression": regression, "predict": predict}

    def _checked_labels(self, labels: Any) -> Any:
        labels = cast(_as_column(labels), dtypes.float32)
        if not labels.shape.is_compatible_with([None, self.logits_dimension]):
            raise ValueError(
                f"Mismatched label shape. Expected labels dimension={self.logits_dimension}. Received "
                f"{labels.shape[-1]}. Suggested Fix: If your regressor expects one-dimensional label, check your "
                "input_fn, else set label_dimension to match the shape of your label."
            )
        return labels

    def _losses(self, labels: Any, logits: Any) -> Any:
        return raw.SquaredDifference(labels, logits)

    def _metrics(self, labels: Any, predictions: dict[str, Any], weights: Any) -> dict[str, Any]:
        return {
            "label/mean": mean(labels, weights),
            "prediction/mean": mean(predictions["predictions"], weights),
        }


def _asserted(check: Any, labels: Any, message: str) -> Any:
    """Returns labels that are looked at before they are used."""
    with control_dependencies([Assert(raw.All(check, list(range(check.shape.rank or 2))), [message, labels])]):
        return raw.Identity(labels)
