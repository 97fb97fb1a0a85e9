"""The base of heads: what becomes of logits in training, evaluation and prediction."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tideflow._src.core import dtypes
from tideflow._src.estimator.specs import EstimatorSpec, ModeKeys
from tideflow._src.estimator.updates import is_optimizer, minimize
from tideflow._src.feature_column.numeric import NumericColumn
from tideflow._src.layers.losses import Reduction, compute_weighted_loss
from tideflow._src.layers.metric_means import mean
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import expand_dims
from tideflow._src.ops.control.assertions import Assert
from tideflow._src.ops.control.grouping import control_dependencies, group
from tideflow._src.ops.math.arithmetic import add_n
from tideflow._src.ops.math.casting import cast
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.sparse_tensor import SparseTensor
from tideflow._src.summary.graph_summaries import scalar
from tideflow._src.train.global_step import get_global_step

#: What TensorFlow 2 calls reductions.
_SHORT_NAMES = {
    "auto": Reduction.SUM_OVER_BATCH_SIZE,
    "sum": Reduction.SUM,
    "sum_over_batch_size": Reduction.SUM_OVER_BATCH_SIZE,
}

_NO_LABELS = (
    "You must provide a labels Tensor. Given: None. Suggested troubleshooting steps: Check that your input_fn returns "
    "labels."
)


class Head:
    """Makes losses, predictions and metrics of logits: the base class of heads.

    Args:
      weight_column: the name of a feature with a weight for each example, or a numeric column; or None.
      loss_reduction: what becomes of the losses of a batch.
      loss_fn: a function of ``labels`` and ``logits``, and of ``features`` if it takes them, that gives a loss for
        each example; or None for the head's own.
      name: what is put after the names of metrics and summaries, behind a slash.

    Raises:
      ValueError: there is no such reduction, or ``loss_fn`` takes other arguments.
    """

    #: How many logits an example has.
    logits_dimension = 1

    def __init__(
        self,
        weight_column: Any = None,
        loss_reduction: str = "sum_over_batch_size",
        loss_fn: Callable[..., Any] | None = None,
        name: str | None = None,
    ) -> None:
        reduction = _SHORT_NAMES.get(loss_reduction, loss_reduction)
        if reduction == Reduction.NONE or reduction not in Reduction.all():
            raise ValueError(f"Invalid loss_reduction: {loss_reduction}. See `tf.losses.Reduction` for valid options.")
        if loss_fn is not None:
            _check_loss_function(loss_fn)
        self._weight_column = weight_column
        self._loss_reduction, self._reduction = loss_reduction, reduction
        self._loss_fn = loss_fn
        self._name = name

    @property
    def name(self) -> str | None:
        """What is put after the names of metrics and summaries."""
        return self._name

    @property
    def loss_reduction(self) -> str:
        """What becomes of the losses of a batch."""
        return self._loss_reduction

    def loss(
        self,
        labels: Any,
        logits: Any,
        features: Any = None,
        mode: str | None = None,
        regularization_losses: Sequence[Any] | None = None,
    ) -> Any:
        """Returns the loss of a batch, a scalar ``float32``.

        Args:
          labels: the labels.
          logits: of shape ``[batch, ..., logits_dimension]``.
          features: the features, where examples have weights.
          mode: one of `ModeKeys`; heads do not look at it.
          regularization_losses: scalars to add.

        Raises:
          ValueError: labels are None, or shapes do not fit.
        """
        del mode
        logits = self._checked_logits(logits)
        return regularized(self._parts(labels, logits, features).loss, regularization_losses)

    def predictions(self, logits: Any, keys: Sequence[str] | None = None) -> dict[Any, Any]:
        """Returns predictions by name.

        Args:
          logits: of shape ``[batch, ..., logits_dimension]``.
          keys: which of them; all by default.

        Raises:
          ValueError: a key is none of the head's predictions, or the shape of logits does not fit.
        """
        predictions = self._predictions(self._checked_logits(logits))
        for key in keys or ():
            if key not in predictions:
                raise ValueError(
                    f"Prediction key must be in PredictionKeys, given: {key}. Valid prediction keys include: "
                    f"{sorted(predictions)}"
                )
        return {key: predictions[key] for key in keys} if keys else predictions

    def create_estimator_spec(
        self,
        features: Any,
        mode: str,
        logits: Any,
        labels: Any = None,
        optimizer: Any = None,
        trainable_variables: Sequence[Any] | None = None,
        train_op_fn: Callable[[Any], Any] | None = None,
        update_ops: Sequence[Any] | None = None,
        regularization_losses: Sequence[Any] | None = None,
    ) -> EstimatorSpec:
        """Returns what a model function returns.

        Args:
          features: the features, for the weights.
          mode: one of `ModeKeys`.
          logits: of shape ``[batch, ..., logits_dimension]``.
          labels: the labels, but for predictions.
          optimizer: an optimizer, which makes the operation of a step and counts it.
          trainable_variables: the variables that it changes.
          train_op_fn: makes the operation of a step of a loss, instead of an optimizer.
          update_ops: operations of each step.
          regularization_losses: scalars to add to the loss.

        Raises:
          ValueError: both an optimizer and a function are given, or neither; an optimizer without variables; labels
            are None; or shapes do not fit.
        """
        logits = self._checked_logits(logits)
        predictions = self._predictions(logits)
        if mode == ModeKeys.PREDICT:
            return EstimatorSpec(mode, predictions, export_outputs=self._export_outputs(predictions))
        parts = self._parts(labels, logits, features)
        loss = regularized(parts.loss, regularization_losses)
        if mode == ModeKeys.EVAL:
            metrics = {
                "average_loss": mean(parts.losses, parts.weights),
                **self._metrics(parts.labels, predictions, parts.weights),
            }
            if regularization_losses is not None:
                metrics["regularization_loss"] = mean(add_n(list(regularization_losses)))
            named = {self._key(key): value for key, value in metrics.items()}
            return EstimatorSpec(mode, predictions, loss, eval_metric_ops=named)
        step = step_operation(loss, optimizer, trainable_variables, train_op_fn, update_ops)
        if regularization_losses is not None:
            scalar(self._key("regularization_loss"), add_n(list(regularization_losses)))
        if self._name is not None:
            scalar(self._key("loss"), loss)
        return EstimatorSpec(mode, predictions, loss, step)

    def _key(self, key: str) -> str:
        return key if self._name is None else f"{key}/{self._name}"

    def _parts(self, labels: Any, logits: Any, features: Any) -> _Parts:
        """Returns what training and evaluation need of a batch."""
        if labels is None:
            raise ValueError(_NO_LABELS)
        labels = self._checked_labels(labels, logits)
        losses = self._losses(labels, logits) if self._loss_fn is None else self._own_losses(labels, logits, features)
        weights = self._weights(features)
        factors = 1.0 if weights is None else weights
        loss = compute_weighted_loss(losses, factors, loss_collection=None, reduction=self._reduction)
        return _Parts(labels, losses, weights, loss)

    def _own_losses(self, labels: Any, logits: Any, features: Any) -> Any:
        assert self._loss_fn is not None
        named = {"features": features} if "features" in _parameters(self._loss_fn) else {}
        losses = convert_to_tensor(self._loss_fn(labels=labels, logits=logits, **named))
        expected = [*logits.shape.as_list()[:-1], self._losses_dimension()]
        if not losses.shape.is_compatible_with(expected):
            raise ValueError(
                f"loss_fn must return Tensor of shape [D0, D1, ... DN, {expected[-1]}]. logits_shape: {logits.shape}, "
                f"loss_shape: {losses.shape}"
            )
        return losses

    def _losses_dimension(self) -> int:
        """Returns how many losses an example has."""
        return 1

    def _weights(self, features: Any) -> Any:
        column = self._weight_column
        if column is None:
            return None
        key = column.key if isinstance(column, NumericColumn) else column
        if not isinstance(key, str):
            raise TypeError(f"Weight column must be either a string or NumericColumn. Given type: {type(column)}.")
        if not isinstance(features, Mapping) or key not in features:
            raise ValueError(f"Weights feature {key} is not in features.")
        weights = features[key]
        if isinstance(column, NumericColumn) and column.normalizer_fn is not None:
            weights = column.normalizer_fn(weights)
        weights = cast(convert_to_tensor(weights), dtypes.float32)
        return expand_dims(weights, -1) if weights.shape.rank == 1 else weights

    def _checked_logits(self, logits: Any) -> Any:
        logits = cast(convert_to_tensor(logits), dtypes.float32)
        shape = logits.shape
        if shape.rank is not None:
            if shape.rank < 2:
                raise ValueError(
                    f"logits must have rank at least 2.  Received rank {shape.rank}, shape {tuple(shape.as_list())}"
                )
            if shape[-1] not in (None, self.logits_dimension):
                raise ValueError(
                    f"logits shape must be [D0, D1, ... DN, logits_dimension], got {shape}, where logits_dimension is "
                    f"{self.logits_dimension}."
                )
        return logits

    def _predictions(self, logits: Any) -> dict[Any, Any]:
        raise NotImplementedError

    def _export_outputs(self, predictions: dict[Any, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def _checked_labels(self, labels: Any, logits: Any) -> Any:
        raise NotImplementedError

    def _losses(self, labels: Any, logits: Any) -> Any:
        """Returns a loss for each example, of shape ``[batch, 1]`` or that of the logits."""
        raise NotImplementedError

    def _metrics(self, labels: Any, predictions: dict[Any, Any], weights: Any) -> dict[str, Any]:
        raise NotImplementedError


class _Parts(NamedTuple):
    """Is what a head makes of a batch: labels as its losses take them, losses of examples, weights, and one loss."""

    labels: Any
    losses: Any
    weights: Any
    loss: Any


def step_operation(
    loss: Any,
    optimizer: Any,
    trainable_variables: Sequence[Any] | None,
    train_op_fn: Callable[[Any], Any] | None,
    update_ops: Sequence[Any] | None,
) -> Any:
    """Returns the operation of a step: an optimizer's, which is counted, or a function's, and other updates.

    Raises:
      ValueError: both an optimizer and a function are given, or neither; or an optimizer without variables.
    """
    if update_ops is not None and not isinstance(update_ops, list | tuple):
        raise ValueError(f"update_ops should be a list or a tuple. Given type: {type(update_ops)}.")
    if optimizer is None:
        if train_op_fn is None:
            raise ValueError("train_op_fn and optimizer cannot both be None.")
        step = train_op_fn(loss)
    else:
        if train_op_fn is not None:
            raise ValueError("train_op_fn and optimizer cannot both be set.")
        step = _step_of(optimizer, loss, trainable_variables)
    return step if update_ops is None else group(step, *update_ops)


def _step_of(optimizer: Any, loss: Any, variables: Any) -> Any:
    if not is_optimizer(optimizer):
        raise ValueError(
            "The given optimizer is not a tf.keras.optimizers.Optimizer instance. Received optimizer of type "
            f"{type(optimizer)}"
        )
    if variables is None:
        raise ValueError(f"trainable_variables cannot be None. Given {variables}")
    if not isinstance(variables, list | tuple):
        raise ValueError(f"trainable_variables should be a list or a tuple. Given type: {type(variables)}.")
    return minimize(optimizer, loss, variables, get_global_step())


def regularized(loss: Any, regularization_losses: Sequence[Any] | None) -> Any:
    return loss if regularization_losses is None else loss + add_n(list(regularization_losses))


def _parameters(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


def _check_loss_function(loss_fn: Callable[..., Any]) -> None:
    names = _parameters(loss_fn)
    for required in ("labels", "logits"):
        if required not in names:
            raise ValueError(f"loss_fn must contain argument: {required}. Given arguments: {tuple(names)}")
    others = [name for name in names if name not in ("labels", "logits", "features", "loss_reduction")]
    if others:
        raise ValueError(f"loss_fn has unexpected args: {others}")


def as_column(labels: Any, dimension: int, logits: Any) -> Any:
    """Returns labels whose last dimension is ``dimension``: of one dimension less than logits, they get it.

    Raises:
      ValueError: labels are sparse, or of another shape.
    """
    if isinstance(labels, SparseTensor):
        raise ValueError(
            f"SparseTensor labels are not supported. Labels must be a Tensor of shape [D0, D1, ..., DN, {dimension}], "
            f"e.g. [batch_size, {dimension}]. Suggested Fix: In your input_fn, use tf.sparse.to_dense() to turn labels "
            "into a Tensor."
        )
    labels = convert_to_tensor(labels)
    rank = labels.shape.rank
    if rank is None:
        return labels
    if rank == (logits.shape.rank or 2) - 1:
        labels = expand_dims(labels, -1)
    if labels.shape.rank < 2:
        raise ValueError(f"labels must have rank at least 2.  Received rank {rank}, shape {labels.shape}")
    if labels.shape[-1] not in (None, dimension):
        raise ValueError(
            f"Mismatched label shape. Expected labels dimension={dimension}.  Received {labels.shape[-1]}. Suggested "
            "Fix: If your classifier expects one-hot encoding label, check your n_classes argument to the estimator "
            "and/or the shape of your label. Otherwise, check the shape of your label."
        )
    if not labels.shape.is_compatible_with([*logits.shape.as_list()[:-1], dimension]):
        raise ValueError(
            f"labels shape must be [D0, D1, ... DN, {dimension}]. Suggested Fix: check your n_classes argument to the "
            f"head and/or the shape of your label, logits_shape: {logits.shape}. labels_shape: {labels.shape}."
        )
    return labels


def asserted(check: Any, labels: Any, message: str) -> Any:
    """Returns labels that are looked at before they are used."""
    with control_dependencies([Assert(raw.All(check, list(range(check.shape.rank or 2))), [message, labels])]):
        return raw.Identity(labels)
