"""The public cross-entropies, in the forms of TensorFlow 2, 1 and 0.x, and other losses of one call."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor import EagerTensor, SymbolicTensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.constants import zeros_like
from tideflow._src.ops.array.identity import stop_gradient
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import fully_known, raw, static_shape
from tideflow._src.ops.array.selection import where
from tideflow._src.ops.array.shape import rank, reshape, shape
from tideflow._src.ops.array.slicing import slice as slice_of
from tideflow._src.ops.math.arithmetic import add, subtract
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.reduction_functions import one_of
from tideflow._src.ops.math.unary import exp, log1p
from tideflow._src.ops.nn.activation import relu
from tideflow._src.ops.nn.cross_entropy import softmax_cross_entropy_op, sparse_softmax_cross_entropy_op
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

_SHORT = ("float16", "bfloat16")


def _require_both(name: str, labels: Any, logits: Any) -> None:
    if labels is None or logits is None:
        raise ValueError(f"Both `labels` and `logits` must be provided for {name}. Received: {labels=}, {logits=}")


def _check_same_shape(labels: Any, logits: Any) -> None:
    if not labels.shape.is_compatible_with(logits.shape):
        raise ValueError(
            f"`logits` and `labels` must have the same shape, received ({logits.shape} vs {labels.shape})."
        )


# Labels that are distributions over the classes.


def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: Any = -1, name: str | None = None) -> Any:
    """Computes the cross-entropy between softmax of logits and labels; gradients reach both.

    Args:
      labels: distributions along ``axis``, of the shape of ``logits``; they are cast to its type.
      logits: unnormalized logarithms of probabilities, of a floating type.
      axis: the dimension of the classes.
      name: the name of the node.

    Returns:
      The loss of each distribution: a tensor of the shape of ``logits`` without ``axis``.

    Raises:
      InvalidArgumentError: the shapes do not fit (ValueError while a graph is built).
    """
    _require_both("softmax_cross_entropy_with_logits", labels, logits)
    if logits.__class__ is EagerTensor and labels.__class__ is EagerTensor and context.current_graph() is None:
        have = logits._value.dtype
        two = logits._value.ndim == 2
        if two and have is labels._value.dtype and have.itemsize > 2 and axis in (-1, 1):
            return softmax_cross_entropy_op.call(logits, labels)[0]
    with name_scope(name, "softmax_cross_entropy_with_logits") as scope:
        logits = convert_to_tensor(logits, name="logits")
        labels = convert_to_tensor(labels, name="labels")
        kind = logits.dtype.base_dtype
        precise = cast(logits, dtypes.float32) if kind.name in _SHORT else logits
        labels = cast(labels, precise.dtype)
        known = static_shape(logits)
        dimensions = rank(precise)
        if axis != -1:
            precise = _axis_last(precise, axis, dimensions)
            labels = _axis_last(labels, axis, dimensions)
        sizes = shape(precise)
        precise, labels = _matrix(precise), _matrix(labels)
        loss = softmax_cross_entropy_op.call(precise, labels, name=scope)[0]
        outer = slice_of(sizes, [0], [subtract(dimensions, 1)])
        loss = reshape(loss, outer)
        if loss.__class__ is SymbolicTensor and known is not None:
            remaining = list(known)
            del remaining[axis]
            loss.set_shape(remaining)
        return cast(loss, kind) if kind.name in _SHORT else loss


def _axis_last(tensor: Any, axis: Any, dimensions: Any) -> Any:
    """Moves a dimension to the end; the others keep their order."""
    known = static_shape(tensor)
    if known is not None and isinstance(axis, int):
        order = list(range(len(known)))
        order.append(order.pop(axis))
        return raw.Transpose(tensor, np.array(order, np.int32))
    if isinstance(axis, int) and axis < 0:
        axis = dimensions + axis
    order = concat([raw.Range(0, axis, 1), raw.Range(axis + 1, dimensions, 1), [axis]], 0)
    return raw.Transpose(tensor, order)


def _matrix(tensor: Any) -> Any:
    """Returns a tensor as a matrix, all dimensions but the last made one."""
    dimensions = rank(tensor)
    last = slice_of(shape(tensor), [subtract(dimensions, 1)], [1])
    result = reshape(tensor, concat([[-1], last], 0))
    known = static_shape(tensor)
    if result.__class__ is SymbolicTensor and known is not None and fully_known(known[:-1]):
        result.set_shape([math.prod(known[:-1]), known[-1]])  # type: ignore[arg-type]
    return result


def softmax_cross_entropy_with_logits_v2(
    labels: Any, logits: Any, axis: Any = None, name: str | None = None, dim: Any = None
) -> Any:
    """Computes the cross-entropy of softmax with gradients to labels too: the name in TensorFlow 1's namespace.

    See :func:`softmax_cross_entropy_with_logits`.
    """
    axis = one_of("axis", axis, "dim", dim)
    return softmax_cross_entropy_with_logits(labels, logits, -1 if axis is None else axis, name)


def softmax_cross_entropy_with_logits_v1(
    labels: Any = None, logits: Any = None, dim: Any = -1, name: str | None = None, axis: Any = None
) -> Any:
    """Computes the cross-entropy of softmax as TensorFlow 1 does: no gradient reaches the labels.

    See :func:`softmax_cross_entropy_with_logits`.
    """
    dim = one_of("axis", axis, "dim", None if axis is not None and dim == -1 else dim)
    _require_both("softmax_cross_entropy_with_logits", labels, logits)
    with name_scope(name, "softmax_cross_entropy_with_logits_sg") as scope:
        labels = stop_gradient(labels, name="labels_stop_gradient")
    return softmax_cross_entropy_with_logits(labels, logits, dim, scope)


def softmax_cross_entropy_with_logits_v0(logits: Any, labels: Any, dim: Any = -1, name: str | None = None) -> Any:
    """Computes the cross-entropy of softmax with the order of arguments of TensorFlow 0.x.

    See :func:`softmax_cross_entropy_with_logits_v1`.
    """
    return softmax_cross_entropy_with_logits_v1(labels, logits, dim, name)


# Labels that are classes.


def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any, name: str | None = None) -> Any:
    """Computes the cross-entropy between softmax of logits and labels that are numbers of classes.

    Args:
      labels: classes, int32 or int64, of the shape of ``logits`` without the last dimension.
      logits: unnormalized logarithms of probabilities, classes in the last dimension.
      name: the name of the node.

    Returns:
      The loss for each label, of the shape of ``labels`` and the type of ``logits``.

    Raises:
      ValueError: the shapes do not fit, or ``logits`` is a scalar.
      InvalidArgumentError: a label is not the number of a class.
    """
    _require_both("sparse_softmax_cross_entropy_with_logits", labels, logits)
    with name_scope(name, "SparseSoftmaxCrossEntropyWithLogits"):
        labels = convert_to_tensor(labels)
        logits = convert_to_tensor(logits)
        half = logits.dtype.base_dtype is dtypes.float16
        precise = cast(logits, dtypes.float32) if half else logits
        of_labels, of_logits = static_shape(labels), static_shape(logits)
        sizes = shape(labels) if context.current_graph() is not None else of_labels
        if of_logits is not None:
            if not of_logits:
                raise ValueError(f"`logits` cannot be a scalar. Received logits={logits}")
            if of_labels is not None and len(of_labels) != len(of_logits) - 1:
                raise ValueError(
                    f"`labels.shape.rank` must equal `logits.shape.rank - 1`. Received: labels.shape={labels.shape} of "
                    f"rank {len(of_labels)} and logits.shape={logits.shape} of rank {len(of_logits)}"
                )
        both_known = of_labels is not None and of_logits is not None and fully_known((*of_labels, *of_logits[:-1]))
        if both_known and of_labels != of_logits[:-1]:  # type: ignore[index]
            raise ValueError(
                "`labels.shape` must equal `logits.shape` except for the last dimension. Received: "
                f"labels.shape={labels.shape} and logits.shape={logits.shape}"
            )
        if of_logits is not None and len(of_logits) == 2:
            loss = sparse_softmax_cross_entropy_op.call(precise, labels, name=name)[0]
            return cast(loss, dtypes.float16) if half else loss
        classes = shape(logits)[rank(logits) - 1]
        flat = reshape(precise, [-1, classes])
        loss = sparse_softmax_cross_entropy_op.call(flat, reshape(labels, [-1]), name=name)[0]
        loss = reshape(loss, sizes)
        if loss.__class__ is SymbolicTensor:
            loss.set_shape(TensorShape(of_labels))
        return cast(loss, dtypes.float16) if half else loss


def sparse_softmax_cross_entropy_with_logits_v1(labels: Any = None, logits: Any = None, name: str | None = None) -> Any:
    """Computes the cross-entropy of softmax with TensorFlow 1's arguments.

    See :func:`sparse_softmax_cross_entropy_with_logits`.
    """
    return sparse_softmax_cross_entropy_with_logits(labels, logits, name)


def sparse_softmax_cross_entropy_with_logits_v0(logits: Any, labels: Any, name: str | None = None) -> Any:
    """Computes the cross-entropy of softmax with the order of arguments of TensorFlow 0.x.

    See :func:`sparse_softmax_cross_entropy_with_logits`.
    """
    return sparse_softmax_cross_entropy_with_logits(labels, logits, name)


# Classes that do not exclude each other.


def sigmoid_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: str | None = None) -> Any:
    """Computes the cross-entropy between sigmoid of logits and labels, element by element, without overflow.

    Args:
      labels: probabilities, of the shape and type of ``logits``.
      logits: logarithms of odds.
      name: the name of the node.

    Returns:
      ``max(logits, 0) - logits * labels + log(1 + exp(-abs(logits)))``.

    Raises:
      ValueError: the shapes differ.
    """
    _require_both("sigmoid_cross_entropy_with_logits", labels, logits)
    with name_scope(name, "logistic_loss") as scope:
        logits = convert_to_tensor(logits, name="logits")
        labels = convert_to_tensor(labels, name="labels")
        _check_same_shape(labels, logits)
        zeros = zeros_like(logits, dtype=logits.dtype)
        positive = logits >= zeros
        rectified = raw.Select(positive, logits, zeros)
        below = raw.Select(positive, -logits, logits)
        return add(rectified - logits * labels, log1p(exp(below)), name=scope)


def sigmoid_cross_entropy_with_logits_v0(logits: Any, targets: Any, name: str | None = None) -> Any:
    """Computes the cross-entropy of sigmoid with the arguments of TensorFlow 0.x.

    See :func:`sigmoid_cross_entropy_with_logits`.
    """
    return sigmoid_cross_entropy_with_logits(targets, logits, name)


def weighted_cross_entropy_with_logits(labels: Any, logits: Any, pos_weight: Any, name: str | None = None) -> Any:
    """Computes the cross-entropy of sigmoid in which positive labels count ``pos_weight`` times.

    Args:
      labels: probabilities, of the shape and type of ``logits``.
      logits: logarithms of odds.
      pos_weight: the weight of positive labels.
      name: the name of the node.

    Raises:
      ValueError: the shapes differ.
    """
    with name_scope(name, "logistic_loss") as scope:
        logits = convert_to_tensor(logits, name="logits")
        labels = convert_to_tensor(labels, name="labels")
        _check_same_shape(labels, logits)
        weight = 1 + (pos_weight - 1) * labels
        negative = (1 - labels) * logits
        softened = log1p(exp(-raw.Abs(logits))) + relu(-logits)
        return add(negative, weight * softened, name=scope)


def weighted_cross_entropy_with_logits_v1(
    labels: Any = None, logits: Any = None, pos_weight: Any = None, name: str | None = None, targets: Any = None
) -> Any:
    """Computes the weighted cross-entropy with TensorFlow 1's arguments.

    See :func:`weighted_cross_entropy_with_logits`.
    """
    labels = one_of("labels", labels, "targets", targets)
    return weighted_cross_entropy_with_logits(labels, logits, pos_weight, name)


def weighted_cross_entropy_with_logits_v0(logits: Any, targets: Any, pos_weight: Any, name: str | None = None) -> Any:
    """Computes the weighted cross-entropy with the arguments of TensorFlow 0.x.

    See :func:`weighted_cross_entropy_with_logits`.
    """
    return weighted_cross_entropy_with_logits(targets, logits, pos_weight, name)


def log_poisson_loss(targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None) -> Any:
    """Computes the loss of counts under Poisson distributions with the logarithms of their rates.

    Args:
      targets: counts, of the shape and type of ``log_input``.
      log_input: logarithms of rates.
      compute_full_loss: whether to add Stirling's approximation of the logarithm of the factorials.
      name: the name of the scope.

    Raises:
      ValueError: the shapes differ.
    """
    with name_scope(name, "log_poisson_loss"):
        log_input = convert_to_tensor(log_input, name="log_input")
        targets = convert_to_tensor(targets, name="targets")
        if not targets.shape.is_compatible_with(log_input.shape):
            raise ValueError(
                f"`log_input` and `targets` must have the same shape, received ({log_input.shape} vs {targets.shape})."
            )
        result = exp(log_input) - log_input * targets
        if compute_full_loss:
            kind = targets.dtype.as_numpy_dtype
            half, circle = np.asarray(0.5, kind), np.asarray(2 * math.pi, kind)
            stirling = targets * raw.Log(targets) - targets + half * raw.Log(circle * targets)
            zeros = zeros_like(targets, dtype=targets.dtype)
            small = raw.LogicalAnd(raw.GreaterEqual(targets, zeros), raw.LessEqual(targets, np.asarray(1, kind)))
            result = result + where(small, zeros, stirling)
        return result
