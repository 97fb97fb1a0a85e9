"""Losses of TensorFlow 1.x, which weigh, reduce, and collect themselves: ``tf.losses``."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.layers.squeezing import remove_squeezable_dimensions, squeezed_weights
from tideflow._src.layers.weights_broadcast import assert_broadcastable, broadcast_weights, waiting_for
from tideflow._src.ops.array.constants import ones_like
from tideflow._src.ops.array.identity import stop_gradient
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.arithmetic import add_n
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.division import div_no_nan
from tideflow._src.ops.math.reduction_functions import one_of, reduce_sum
from tideflow._src.ops.nn.losses import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
)
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.graph_keys import GraphKeys


class Reduction:
    """Names the ways in which weighted losses become one number."""

    #: The weighted losses as they are.
    NONE = "none"
    #: Their sum.
    SUM = "weighted_sum"
    #: Their sum, divided by the number of losses.
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    #: Their sum, divided by the sum of the weights.
    MEAN = "weighted_mean"
    #: Their sum, divided by the number of weights that are not zero.
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    #: The same.
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """Returns all of them."""
        return (
            cls.NONE, cls.SUM, cls.MEAN, cls.SUM_OVER_BATCH_SIZE, cls.SUM_OVER_NONZERO_WEIGHTS,
            cls.SUM_BY_NONZERO_WEIGHTS,
        )  # fmt: skip

    @classmethod
    def validate(cls, key: Any) -> None:
        """Checks that ``key`` is one of them.

        Raises:
          ValueError: it is not.
        """
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}. Key should be one of {cls.all()}.")


def add_loss(loss: Any, loss_collection: Any = GraphKeys.LOSSES) -> None:
    """Adds a loss to a collection, unless ``loss_collection`` is empty or operations run eagerly."""
    if loss_collection and not context.executing_eagerly():
        context.default_graph().add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: Any = GraphKeys.LOSSES) -> list[Any]:
    """Returns the losses in a collection whose names match ``scope``."""
    return context.default_graph().get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Any]:
    """Returns the regularization losses whose names match ``scope``."""
    return context.default_graph().get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: str | None = None, name: str = "total_regularization_loss") -> Any:
    """Returns the sum of the regularization losses whose names match ``scope``; zero if there are none."""
    losses = get_regularization_losses(scope)
    return add_n(losses, name=name) if losses else convert_to_tensor(0.0, name="Const")


def get_total_loss(add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None) -> Any:
    """Returns the sum of all losses whose names match ``scope``.

    Args:
      add_regularization_losses: whether to add the regularization losses.
      name: the name of the sum.
      scope: what the names of the losses begin with.

    Raises:
      ValueError: there are none.
    """
    losses = get_losses(scope=scope)
    if add_regularization_losses:
        losses = losses + get_regularization_losses(scope=scope)
    return add_n(losses, name=name)


def _count(losses: Any) -> Any:
    with name_scope(None, "num_elements") as scope:
        return cast(raw.Size(losses), losses.dtype, name=scope or None)


def _present(losses: Any, weights: Any, per_batch: bool = False) -> Any:
    """Counts the losses whose weights are not zero."""
    if isinstance(weights, float) and weights != 0.0 and not per_batch:
        return _count(losses)
    with name_scope(None, "num_present") as scope:
        weights = cast(weights, dtypes.float32)
        present = raw.Select(raw.Equal(weights, 0.0), raw.ZerosLike(weights), ones_like(weights))
        present = broadcast_weights(present, losses)
        if per_batch:
            return reduce_sum(present, _all_but_first(present), keepdims=True, name=scope or None)
        return reduce_sum(present, name=scope or None)


def _all_but_first(tensor: Any) -> Any:
    rank = tensor.shape.rank
    return raw.Range(1, raw.Rank(tensor), 1) if rank is None else list(range(1, rank))


def compute_weighted_loss(
    losses: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Any:
    """Weighs losses, reduces them to one number, and adds that to a collection.

    Args:
      losses: a tensor of losses.
      weights: a scalar, or a tensor of the rank of ``losses`` with each size the same or 1.
      scope: the name scope.
      loss_collection: the collection to add to; None for none.
      reduction: one of :class:`Reduction`.

    Raises:
      ValueError: ``weights`` do not fit, or ``reduction`` is none of those.

    >>> import tideflow.compat.v1 as tf
    >>> float(tf.losses.compute_weighted_loss(tf.constant([1.0, 2.0, 6.0]), [1.0, 0.0, 2.0]))
    6.5
    """
    Reduction.validate(reduction)
    with name_scope(scope, "weighted_loss"), waiting_for(assert_broadcastable(weights, losses)):
        losses = convert_to_tensor(losses)
        dtype = losses.dtype.base_dtype
        losses = cast(losses, dtypes.float32)
        spread = cast(weights, dtypes.float32)
        losses = raw.Mul(losses, spread)
        if reduction == Reduction.NONE:
            loss = losses
        else:
            loss = reduce_sum(losses)
            if reduction == Reduction.MEAN:
                loss = div_no_nan(loss, reduce_sum(ones_like(losses) * spread), name="value")
            elif reduction == Reduction.SUM_BY_NONZERO_WEIGHTS:
                loss = div_no_nan(
                    loss, _present(losses, weights if isinstance(weights, float) else spread), name="value"
                )
            elif reduction == Reduction.SUM_OVER_BATCH_SIZE:
                loss = div_no_nan(loss, _count(losses), name="value")
        loss = cast(loss, dtype)
        add_loss(loss, loss_collection)
        return loss


def _check(first: str, one: Any, second: str, two: Any) -> None:
    if one is None:
        raise ValueError(f"Argument `{first}` must not be None.")
    if two is None:
        raise ValueError(f"Argument `{second}` must not be None.")


def _floats(labels: Any, predictions: Any) -> tuple[Any, Any]:
    predictions = cast(predictions, dtypes.float32)
    labels = cast(labels, dtypes.float32)
    predictions.shape.assert_is_compatible_with(labels.shape)
    return labels, predictions


def absolute_difference(
    labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Any:  # fmt: skip
    """Adds the absolute differences of labels and predictions.

    Args:
      labels: the true values.
      predictions: the predicted ones, of the same shape.
      weights, scope, loss_collection, reduction: see :func:`compute_weighted_loss`.
    """
    _check("labels", labels, "predictions", predictions)
    with name_scope(scope, "absolute_difference") as scope:
        labels, predictions = _floats(labels, predictions)
        losses = raw.Abs(raw.Sub(predictions, labels))
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


def cosine_distance(
    labels: Any, predictions: Any, axis: int | None = None, weights: Any = 1.0, scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    dim: int | None = None,
) -> Any:  # fmt: skip
    """Adds one minus the cosine of the angle between labels and predictions, both of length 1 already.

    Args:
      labels: the true vectors.
      predictions: the predicted ones, of the same shape.
      axis: the axis of the vectors.
      weights, scope, loss_collection, reduction: see :func:`compute_weighted_loss`.
      dim: the old name of ``axis``.
    """
    axis = one_of("axis", axis, "dim", dim)
    if axis is None:
        raise ValueError("You must specify argument `axis`.")
    _check("labels", labels, "predictions", predictions)
    with name_scope(scope, "cosine_distance_loss") as scope:
        labels, predictions = _floats(labels, predictions)
        losses = 1 - reduce_sum(raw.Mul(predictions, labels), (axis,), keepdims=True)
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


def hinge_loss(
    labels: Any, logits: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Any:  # fmt: skip
    """Adds ``max(0, 1 - y * logits)``, where y is -1 for the label 0 and 1 for the label 1.

    Args:
      labels: zeros and ones.
      logits: the predictions, of the same shape.
      weights, scope, loss_collection, reduction: see :func:`compute_weighted_loss`.
    """
    _check("labels", labels, "logits", logits)
    with name_scope(scope, "hinge_loss") as scope:
        labels, logits = _floats(labels, logits)
        one = ones_like(labels)
        signs = raw.Sub(2 * labels, one)
        losses = raw.Relu(raw.Sub(one, raw.Mul(signs, logits)))
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


def huber_loss(
    labels: Any, predictions: Any, weights: Any = 1.0, delta: float = 1.0, scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Any:  # fmt: skip
    """Adds half the square of differences up to ``delta``, and beyond that ``delta`` times what they exceed it by.

    Args:
      labels: the true values.
      predictions: the predicted ones, of the same shape.
      delta: where the loss becomes linear (https://en.wikipedia.org/wiki/Huber_loss).
      weights, scope, loss_collection, reduction: see :func:`compute_weighted_loss`.
    """
    _check("labels", labels, "predictions", predictions)
    with name_scope(scope, "huber_loss") as scope:
        labels, predictions = _floats(labels, predictions)
        distance = raw.Abs(raw.Sub(predictions, labels))
        quadratic = raw.Minimum(distance, delta)
        linear = raw.Sub(distance, quadratic)
        losses = raw.AddV2(
            raw.Mul(convert_to_tensor(0.5, quadratic.dtype), raw.Mul(quadratic, quadratic)), raw.Mul(delta, linear)
        )
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


def log_loss(
    labels: Any, predictions: Any, weights: Any = 1.0, epsilon: float = 1e-7, scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Any:  # fmt: skip
    """Adds the cross entropy of probabilities: ``-y log(p) - (1 - y) log(1 - p)``.

    Args:
      labels: the true probabilities.
      predictions: the predicted ones, of the same shape.
      epsilon: a small number added to what logarithms are taken of.
      weights, scope, loss_collection, reduction: see :func:`compute_weighted_loss`.
    """
    _check("labels", labels, "predictions", predictions)
    with name_scope(scope, "log_loss") as scope:
        labels, predictions = _floats(labels, predictions)
        losses = -raw.Mul(labels, raw.Log(predictions + epsilon)) - raw.Mul(
            (1 - labels), raw.Log(1 - predictions + epsilon)
        )
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


def mean_pairwise_squared_error(
    labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES,
) -> Any:  # fmt: skip
    """Adds the squared errors of the differences between all pairs of elements of each item of a batch.

    Args:
      labels: the true values.
      predictions: the predicted ones, of the same shape.
      weights: a scalar, or a weight for each item.
      scope: the name scope.
      loss_collection: the collection to add to; None for none.
    """
    _check("labels", labels, "predictions", predictions)
    with name_scope(scope, "mean_pairwise_squared_error"):
        weights = cast(weights, dtypes.float32)
        labels = cast(labels, dtypes.float32)
        with waiting_for(assert_broadcastable(weights, labels)):
            labels, predictions = _floats(labels, predictions)
            difference = raw.Sub(predictions, labels)
            axes = _all_but_first(difference)
            squares = reduce_sum(raw.Square(difference), axes, keepdims=True)
            present = _present(difference, weights, per_batch=True)
            first = 2.0 * div_no_nan(squares, raw.Maximum(present - 1, 0.0), name="value")
            total = reduce_sum(difference, axes, keepdims=True)
            pairs = raw.Maximum(raw.Mul(present, present - 1), 0.0)
            second = 2.0 * div_no_nan(raw.Square(total), pairs, name="value")
            loss = reduce_sum(raw.Mul(first - second, weights))
            result = raw.Select(raw.Greater(reduce_sum(present), 0.0), loss, raw.ZerosLike(loss), name="value")
            add_loss(result, loss_collection)
            return result


def mean_squared_error(
    labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Any:  # fmt: skip
    """Adds the squares of the differences of labels and predictions.

    Args:
      labels: the true values.
      predictions: the predicted ones, of the same shape.
      weights, scope, loss_collection, reduction: see :func:`compute_weighted_loss`.
    """
    _check("labels", labels, "predictions", predictions)
    with name_scope(scope, "mean_squared_error") as scope:
        labels, predictions = _floats(labels, predictions)
        losses = raw.SquaredDifference(predictions, labels)
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


def sigmoid_cross_entropy(
    multi_class_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Any:  # fmt: skip
    """Adds the cross entropy of independent probabilities, given their logits.

    Args:
      multi_class_labels: the true probabilities.
      logits: the logits of the predicted ones, of the same shape.
      label_smoothing: how far labels move towards one half.
      weights, scope, loss_collection, reduction: see :func:`compute_weighted_loss`.
    """
    _check("multi_class_labels", multi_class_labels, "logits", logits)
    with name_scope(scope, "sigmoid_cross_entropy_loss") as scope:
        logits = convert_to_tensor(logits)
        labels = cast(multi_class_labels, logits.dtype)
        logits.shape.assert_is_compatible_with(labels.shape)
        if label_smoothing > 0:
            labels = labels * (1 - label_smoothing) + 0.5 * label_smoothing
        losses = sigmoid_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


def softmax_cross_entropy(
    onehot_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Any:  # fmt: skip
    """Adds the cross entropy of the probabilities of classes, given their logits.

    Args:
      onehot_labels: the true probabilities, of shape ``[batch, classes]``.
      logits: the logits of the predicted ones, of the same shape.
      label_smoothing: how far labels move towards all classes being as probable.
      weights, scope, loss_collection, reduction: see :func:`compute_weighted_loss`.
    """
    _check("onehot_labels", onehot_labels, "logits", logits)
    with name_scope(scope, "softmax_cross_entropy_loss") as scope:
        logits = convert_to_tensor(logits)
        labels = cast(onehot_labels, logits.dtype)
        logits.shape.assert_is_compatible_with(labels.shape)
        if label_smoothing > 0:
            classes = cast(raw.Shape(labels)[-1], logits.dtype)
            labels = labels * (1.0 - label_smoothing) + label_smoothing / classes
        labels = stop_gradient(labels, name="labels_stop_gradient")
        losses = softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


def sparse_softmax_cross_entropy(
    labels: Any, logits: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Any:  # fmt: skip
    """Adds the cross entropy of true classes, given the logits of all of them.

    Args:
      labels: the numbers of the true classes.
      logits: the logits, of one dimension more.
      weights, scope, loss_collection, reduction: see :func:`compute_weighted_loss`.
    """
    _check("labels", labels, "logits", logits)
    with name_scope(scope, "sparse_softmax_cross_entropy_loss") as scope:
        labels, logits = remove_squeezable_dimensions(labels, logits, expected_rank_diff=1)
        if not isinstance(weights, float | int):
            weights = squeezed_weights(weights, labels)
        losses = sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)
