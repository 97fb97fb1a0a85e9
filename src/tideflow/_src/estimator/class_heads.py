"""Heads of classes: one of two, one of several, and any number of several at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.estimator.export_outputs import ClassificationOutput, PredictOutput, RegressionOutput
from tideflow._src.estimator.heads import Head, as_column, asserted
from tideflow._src.estimator.specs import DEFAULT_SERVING_KEY
from tideflow._src.io.vocabulary_tables import index_table_from_tensor, index_to_string_table_from_tensor
from tideflow._src.layers.metric_classes import precision, recall
from tideflow._src.layers.metric_means import accuracy, mean
from tideflow._src.layers.metric_thresholds import auc
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.permuting import tile
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import expand_dims, squeeze
from tideflow._src.ops.math.argument_extrema import argmax
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.reduction_functions import reduce_mean
from tideflow._src.ops.nn.losses import sigmoid_cross_entropy_with_logits, sparse_softmax_cross_entropy_with_logits
from tideflow._src.ops.nn.softmax import softmax
from tideflow._src.ops.sparse.ids import to_indicator
from tideflow._src.ops.strings.functions import as_string
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.sparse_tensor import SparseTensor


class _Classifying(Head):
    """Is what heads of classes have in common.

    Args:
      n_classes: how many classes there are.
      label_vocabulary: the names of the classes, where labels are names.
      weight_column, loss_reduction, loss_fn, name: as of `Head`.
    """

    def __init__(
        self,
        n_classes: int,
        label_vocabulary: Any,
        weight_column: Any,
        loss_reduction: str,
        loss_fn: Callable[..., Any] | None,
        name: str | None,
    ) -> None:
        super().__init__(weight_column, loss_reduction, loss_fn, name)
        if label_vocabulary is not None:
            if not isinstance(label_vocabulary, list | tuple):
                raise ValueError(f"label_vocabulary should be a list or a tuple. Given type: {type(label_vocabulary)}")
            if len(label_vocabulary) != n_classes:
                raise ValueError(
                    f"Length of label_vocabulary must equal to n_classes. Given n_classes: {n_classes}, "
                    f"label_vocabulary: {label_vocabulary}"
                )
        self._n_classes = n_classes
        self._vocabulary = None if label_vocabulary is None else tuple(label_vocabulary)

    def _numbered(self, labels: Any) -> Any:
        """Returns the numbers of the classes that labels name."""
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

    def _all_class_ids(self, logits: Any) -> Any:
        """Returns the numbers of all classes, for each example."""
        numbers = expand_dims(raw.Range(0, self._n_classes, 1), 0)
        return tile(numbers, raw.Pack([raw.Shape(logits)[0], 1]))

    def _all_classes(self, logits: Any) -> Any:
        """Returns the names of all classes, for each example."""
        names = self._vocabulary or [str(number) for number in range(self._n_classes)]
        return tile(expand_dims(convert_to_tensor(list(names)), 0), raw.Pack([raw.Shape(logits)[0], 1]))

    def _export_outputs(self, predictions: dict[Any, Any]) -> dict[str, Any]:
        classification = ClassificationOutput(predictions["probabilities"], predictions["all_classes"])
        outputs = {
            DEFAULT_SERVING_KEY: classification,
            "classification": classification,
            "predict": PredictOutput(predictions),
        }
        if "logistic" in predictions:
            outputs["regression"] = RegressionOutput(predictions["logistic"])
        return outputs


def _checked_thresholds(thresholds: Sequence[float] | None) -> tuple[float, ...]:
    found = tuple(thresholds or ())
    for threshold in found:
        if not 0.0 < threshold < 1.0:
            raise ValueError(f"thresholds must be in (0, 1) range. Given: {threshold}.")
    return found


def _at_thresholds(thresholds: Sequence[float], labels: Any, probabilities: Any, weights: Any) -> dict[str, Any]:
    """Returns accuracy, precision and recall of what has a probability above each threshold."""
    found: dict[str, Any] = {}
    for threshold in thresholds:
        positive = cast(raw.Greater(probabilities, threshold), dtypes.float32)
        found[f"accuracy/positive_threshold_{threshold:g}"] = accuracy(labels, positive, weights)
        found[f"precision/positive_threshold_{threshold:g}"] = precision(labels, positive, weights)
        found[f"recall/positive_threshold_{threshold:g}"] = recall(labels, positive, weights)
    return found


def _precision_recall_area(labels: Any, probabilities: Any, weights: Any) -> Any:
    return auc(labels, probabilities, weights, curve="PR", summation_method="careful_interpolation")


class BinaryClassHead(_Classifying):
    """Is for two classes: one logit, that of the second.

    Args:
      weight_column: the name of a feature with a weight for each example, or a numeric column; or None.
      thresholds: probabilities between 0 and 1, at each of which accuracy, precision and recall are counted.
      label_vocabulary: the names of the classes, where labels are names.
      loss_reduction: what becomes of the losses of a batch.
      loss_fn: a function of ``labels`` and ``logits`` that gives losses of shape ``[batch, 1]``.
      name: what is put after the names of metrics and summaries.

    Raises:
      ValueError: a threshold, the vocabulary, the reduction or the function is none that can be used.

    >>> import tideflow as tf
    >>> head = tf.estimator.BinaryClassHead()
    >>> round(head.loss(labels=[[1], [0]], logits=[[2.0], [-1.0]]).numpy().item(), 3)
    0.22
    """

    def __init__(
        self,
        weight_column: Any = None,
        thresholds: Sequence[float] | None = None,
        label_vocabulary: Any = None,
        loss_reduction: str = "sum_over_batch_size",
        loss_fn: Callable[..., Any] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(2, label_vocabulary, weight_column, loss_reduction, loss_fn, name)
        self._thresholds = _checked_thresholds(thresholds)

    def _predictions(self, logits: Any) -> dict[Any, Any]:
        both = concat([raw.ZerosLike(logits), logits], -1)
        numbers = expand_dims(argmax(both, -1), -1)
        return {
            "logits": logits,
            "logistic": raw.Sigmoid(logits),
            "probabilities": softmax(both),
            "class_ids": numbers,
            "classes": self._names(numbers),
            "all_class_ids": self._all_class_ids(logits),
            "all_classes": self._all_classes(logits),
        }

    def _checked_labels(self, labels: Any, logits: Any) -> Any:
        labels = cast(self._numbered(as_column(labels, 1, logits)), dtypes.float32)
        check = raw.LogicalAnd(raw.LessEqual(labels, 1.0), raw.GreaterEqual(labels, 0.0))
        return asserted(check, labels, "Labels must be <= n_classes - 1 and >= 0")

    def _losses(self, labels: Any, logits: Any) -> Any:
        return sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)

    def _metrics(self, labels: Any, predictions: dict[Any, Any], weights: Any) -> dict[str, Any]:
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
            "auc_precision_recall": _precision_recall_area(labels, logistic, weights),
            "label/mean": label_mean,
            "prediction/mean": mean(logistic, weights),
            **_at_thresholds(self._thresholds, labels, logistic, weights),
        }


class MultiClassHead(_Classifying):
    """Is for three classes or more: a logit for each.

    Args:
      n_classes: how many classes there are, three or more.
      weight_column: the name of a feature with a weight for each example, or a numeric column; or None.
      label_vocabulary: the names of the classes, where labels are names.
      loss_reduction: what becomes of the losses of a batch.
      loss_fn: a function of ``labels`` and ``logits`` that gives losses of shape ``[batch, 1]``.
      name: what is put after the names of metrics and summaries.

    Raises:
      ValueError: there are fewer classes, or an argument is none that can be used.

    >>> import tideflow as tf
    >>> head = tf.estimator.MultiClassHead(3)
    >>> head.predictions([[0.1, 2.0, -1.0]], keys=["class_ids"])["class_ids"].numpy().tolist()
    [[1]]
    """

    def __init__(
        self,
        n_classes: int,
        weight_column: Any = None,
        label_vocabulary: Any = None,
        loss_reduction: str = "sum_over_batch_size",
        loss_fn: Callable[..., Any] | None = None,
        name: str | None = None,
    ) -> None:
        if n_classes is None or n_classes <= 2:
            raise ValueError(f"n_classes must be > 2: {n_classes}.")
        super().__init__(n_classes, label_vocabulary, weight_column, loss_reduction, loss_fn, name)
        self.logits_dimension = n_classes

    def _predictions(self, logits: Any) -> dict[Any, Any]:
        numbers = expand_dims(argmax(logits, -1), -1)
        return {
            "logits": logits,
            "probabilities": softmax(logits),
            "class_ids": numbers,
            "classes": self._names(numbers),
            "all_class_ids": self._all_class_ids(logits),
            "all_classes": self._all_classes(logits),
        }

    def _checked_labels(self, labels: Any, logits: Any) -> Any:
        numbers = self._numbered(as_column(labels, 1, logits))
        if not numbers.dtype.is_integer:
            raise ValueError(f"Labels dtype should be integer. Instead got {numbers.dtype}.")
        check = raw.LogicalAnd(
            raw.Less(numbers, cast(self._n_classes, numbers.dtype)), raw.GreaterEqual(numbers, cast(0, numbers.dtype))
        )
        return asserted(check, numbers, "Labels must be <= n_classes - 1 and >= 0")

    def _losses(self, labels: Any, logits: Any) -> Any:
        losses = sparse_softmax_cross_entropy_with_logits(labels=squeeze(labels, -1), logits=logits)
        return expand_dims(losses, -1)

    def _metrics(self, labels: Any, predictions: dict[Any, Any], weights: Any) -> dict[str, Any]:
        return {"accuracy": accuracy(labels, predictions["class_ids"], weights)}


class MultiLabelHead(_Classifying):
    """Is for several classes of which an example has any number: a logit for each, independent of the others.

    Args:
      n_classes: how many classes there are, two or more.
      weight_column: the name of a feature with a weight for each example, or a numeric column; or None.
      thresholds: probabilities between 0 and 1, at each of which accuracy, precision and recall are counted.
      label_vocabulary: the names of the classes, where labels are names.
      loss_reduction: what becomes of the losses of a batch, each the mean over the classes.
      loss_fn: a function of ``labels`` and ``logits`` that gives losses of shape ``[batch, 1]``.
      classes_for_class_based_metrics: the numbers or names of classes that have metrics of their own.
      name: what is put after the names of metrics and summaries.

    Labels are of shape ``[batch, n_classes]``, ones and zeros, or a sparse tensor of numbers or names of classes.

    Raises:
      ValueError: there are fewer classes, or an argument is none that can be used.

    >>> import tideflow as tf
    >>> head = tf.estimator.MultiLabelHead(2)
    >>> head.loss(labels=[[1, 0], [1, 1]], logits=[[-10.0, 10.0], [-15.0, 10.0]]).numpy().round(2).item()
    8.75
    """

    def __init__(
        self,
        n_classes: int,
        weight_column: Any = None,
        thresholds: Sequence[float] | None = None,
        label_vocabulary: Any = None,
        loss_reduction: str = "sum_over_batch_size",
        loss_fn: Callable[..., Any] | None = None,
        classes_for_class_based_metrics: Sequence[Any] | None = None,
        name: str | None = None,
    ) -> None:
        if n_classes is None or n_classes < 2:
            raise ValueError(f"n_classes must be > 1 for multi-label classification. Given: {n_classes}")
        super().__init__(n_classes, label_vocabulary, weight_column, loss_reduction, loss_fn, name)
        self.logits_dimension = n_classes
        self._thresholds = _checked_thresholds(thresholds)
        self._followed = [self._number_of(each) for each in classes_for_class_based_metrics or ()]

    def _number_of(self, given: Any) -> int:
        if isinstance(given, str):
            if self._vocabulary is None:
                raise ValueError("label_vocabulary must be provided when classes_for_class_based_metrics are strings.")
            if given not in self._vocabulary:
                raise ValueError(
                    f"All classes_for_class_based_metrics must be in label_vocabulary {self._vocabulary}. Given: "
                    f"{given}"
                )
            return self._vocabulary.index(given)
        if not 0 <= given < self._n_classes:
            raise ValueError(
                f"All classes_for_class_based_metrics must be in range [0, {self._n_classes - 1}]. Given: {given}"
            )
        return int(given)

    def _predictions(self, logits: Any) -> dict[Any, Any]:
        return {"logits": logits, "probabilities": raw.Sigmoid(logits), "classes": self._all_classes(logits)}

    def _export_outputs(self, predictions: dict[Any, Any]) -> dict[str, Any]:
        classification = ClassificationOutput(predictions["probabilities"], predictions["classes"])
        return {
            DEFAULT_SERVING_KEY: classification,
            "classification": classification,
            "predict": PredictOutput(predictions),
        }

    def _checked_labels(self, labels: Any, logits: Any) -> Any:
        if isinstance(labels, SparseTensor):
            return as_column(cast(self._indicator(labels), dtypes.int64), self._n_classes, logits)
        labels = as_column(labels, self._n_classes, logits)
        one = cast(1, labels.dtype)
        check = raw.LogicalAnd(raw.LessEqual(labels, one), raw.GreaterEqual(labels, raw.Sub(one, one)))
        return asserted(check, labels, "labels must be an integer indicator Tensor with values in [0, 1]")

    def _indicator(self, labels: SparseTensor) -> Any:
        """Returns which classes each example has, where their numbers or names are listed."""
        values = labels.values
        if labels.dtype == dtypes.string:
            if self._vocabulary is None:
                raise ValueError("label_vocabulary must be provided when labels are strings.")
            values = index_table_from_tensor(list(self._vocabulary)).lookup(values)
        elif not values.dtype.is_integer:
            raise ValueError(f"Labels dtype should be integer. Instead got {values.dtype}.")
        else:
            most = cast(self._n_classes, values.dtype)
            check = raw.LogicalAnd(raw.Less(values, most), raw.GreaterEqual(values, raw.Sub(most, most)))
            message = f"labels must be an integer SparseTensor with values in [0, {self._n_classes})"
            values = asserted(check, values, message)
        return to_indicator(SparseTensor(labels.indices, values, labels.dense_shape), self._n_classes)

    def _losses(self, labels: Any, logits: Any) -> Any:
        losses = sigmoid_cross_entropy_with_logits(labels=cast(labels, logits.dtype), logits=logits)
        return reduce_mean(losses, axis=-1, keepdims=True)

    def _metrics(self, labels: Any, predictions: dict[Any, Any], weights: Any) -> dict[str, Any]:
        probabilities = predictions["probabilities"]
        everywhere = weights
        if weights is not None:  # the weight of an example is that of all its classes
            everywhere = raw.Mul(weights, raw.OnesLike(probabilities))
        labels = cast(labels, dtypes.float32)
        metrics = {
            "auc": auc(labels, probabilities, everywhere),
            "auc_precision_recall": _precision_recall_area(labels, probabilities, everywhere),
            **_at_thresholds(self._thresholds, labels, probabilities, everywhere),
        }
        for number in self._followed:
            label = f"class{number}" if self._vocabulary is None else self._vocabulary[number]
            of_class, chance = labels[..., number : number + 1], probabilities[..., number : number + 1]
            metrics[f"probability_mean/{label}"] = mean(chance, weights)
            metrics[f"auc/{label}"] = auc(of_class, chance, weights)
            metrics[f"auc_precision_recall/{label}"] = _precision_recall_area(of_class, chance, weights)
        return metrics
