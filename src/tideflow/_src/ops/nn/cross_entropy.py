"""The two operations of softmax cross-entropy, for labels that are distributions and for labels that are classes.

Both give the loss and, computed on the way, its gradient; XLA leaves out the one that nobody reads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import default
from tideflow._src.graph.shape_inference import broadcast, shape_text
from tideflow._src.graph.types import FLOATING, INDEX
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import merge, merge_dimensions, with_rank
from tideflow._src.ops.nn.softmax import exponentials, log_softmax_op, softmax_op, widened
from tideflow._src.runtime.checks import require
from tideflow._src.runtime.op import op


def _times_rows(column: Any, matrix: Any) -> Any:
    """Multiplies each row of a matrix by an element of a vector."""
    return raw.Mul(raw.ExpandDims(column, -1), matrix)


def _logits_gradient(call: Any, dy: Any, dbackprop: Any) -> Any:
    """Gives the gradient of the logits: of the loss and, for second derivatives, of the gradient itself."""
    gradient = _times_rows(dy, call.outputs[1]) if dy is not None else None
    if dbackprop is not None:
        probabilities = softmax_op(call.inputs[0])
        inner = raw.Sum(raw.Mul(dbackprop, probabilities), [1], keep_dims=True)
        second = raw.Mul(raw.Sub(dbackprop, inner), probabilities)
        gradient = second if gradient is None else raw.AddV2(gradient, second)
    return gradient


# Labels that are distributions.


@op(
    "SoftmaxCrossEntropyWithLogits",
    "features: T, labels: T -> loss: T, backprop: T",
    T=FLOATING,
)
def softmax_cross_entropy_op(xp, features, labels):
    """Gives the cross-entropy between each row's softmax and labels, and its gradient."""
    features, labels = _broadcast(xp, features, labels)
    dtype = features.dtype
    if 0 in features.shape:
        return xp.zeros(features.shape[:1], dtype), xp.zeros(features.shape, dtype)
    features, labels = widened(features), widened(labels)
    shifted, powers, total = exponentials(xp, features)
    loss = (labels * (xp.log(total) - shifted)).sum(-1)
    return loss.astype(dtype), (powers / total - labels).astype(dtype)


def _broadcast(xp: Any, features: Any, labels: Any) -> tuple[Any, Any]:
    if features.ndim == 2 and features.shape == labels.shape:
        return features, labels
    try:
        shape = np.broadcast_shapes(features.shape, labels.shape)
    except ValueError:
        raise InvalidArgumentError(
            None,
            None,
            f"logits and labels must be broadcastable: logits_size={shape_text(features.shape)} "
            f"labels_size={shape_text(labels.shape)}",
        ) from None
    if len(shape) != 2:
        raise InvalidArgumentError(
            None,
            None,
            "logits and labels must be either 2-dimensional, or broadcasted to be 2-dimensional, but got shapes "
            f"{shape_text(features.shape)} and {shape_text(labels.shape)}",
        )
    return xp.broadcast_to(features, shape), xp.broadcast_to(labels, shape)


@softmax_cross_entropy_op.shape
def _softmax_cross_entropy_shape(features, labels):
    try:
        shape: Any = merge(with_rank(features, 2), labels)
    except ValueError:
        shape = broadcast(features, labels)
        if shape is None or len(shape) != 2:
            rank = "unknown" if shape is None else len(shape)
            raise ValueError(f"Shape must be broadcasted with rank 2, but is rank {rank}") from None
    return shape[:1], shape


@softmax_cross_entropy_op.gradient
def _softmax_cross_entropy_gradient(call, dy, dbackprop):
    of_features = _logits_gradient(call, dy, dbackprop)
    of_labels = None if dy is None else _times_rows(dy, raw.Neg(log_softmax_op(call.inputs[0])))
    return of_features, of_labels


softmax_cross_entropy_op.takes_missing_gradients = True


@softmax_cross_entropy_op.samples
def _softmax_cross_entropy_samples(s):
    # TensorFlow's derivative by the labels leaves out that the second output depends on them too.
    for dtype in s.dtypes("T"):
        labels = s.uniform(0.1, 0.5, (2, 4), dtype)
        yield s(s.normal(2, 4, dtype=dtype), labels, differences=False)
    yield s(np.float32([[1e3, -1e3], [0, 50]]), np.float32([[0, 1], [0.5, 0.5]]), gradient=False)
    yield s(s.normal(1, 4), s.uniform(0, 1, (3, 4)), gradient=False)
    yield s(s.normal(3, 4), s.uniform(0, 1, (3, 1)), gradient=False)
    yield s(s.empty(0, 3), s.empty(0, 3))
    yield s(s.empty(2, 0), s.empty(2, 0), gradient=False)
    yield s(s.normal(2, 3), s.normal(2, 4), error="InvalidArgumentError")
    yield s(s.normal(2, 3, 4), s.normal(2, 3, 4), error="InvalidArgumentError")


# Labels that are classes.


@op(
    "SparseSoftmaxCrossEntropyWithLogits",
    "features: T, labels: Tlabels -> loss: T, backprop: T",
    T=FLOATING,
    Tlabels=default("int64", INDEX),
)
def sparse_softmax_cross_entropy_op(xp, features, labels):
    """Gives the negative logarithm of the probability that each row's softmax gives to its label, and the gradient."""
    _check_sparse(features, labels)
    dtype = features.dtype
    if not features.shape[0]:
        return xp.zeros((0,), dtype), xp.zeros(features.shape, dtype)
    classes = features.shape[1]
    inside = ((labels >= 0) & (labels < classes)).all()
    require(inside, f"Received a label value which is outside the valid range of [0, {classes}).")
    shifted, powers, total = exponentials(xp, widened(features))
    chosen = xp.arange(classes) == labels[:, None]
    at_label = xp.where(chosen, shifted, shifted.dtype.type(0)).sum(-1)
    loss = xp.log(total)[:, 0] - at_label
    return loss.astype(dtype), (powers / total - chosen.astype(shifted.dtype)).astype(dtype)


@sparse_softmax_cross_entropy_op.host
def _sparse_softmax_cross_entropy_host(features, labels):
    _check_sparse(features, labels)
    rows, classes = features.shape
    if not rows:
        return np.zeros((0,), features.dtype), np.zeros(features.shape, features.dtype)
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        raise InvalidArgumentError(
            None,
            None,
            f"Received a label value of {labels[wrong][0]} which is outside the valid range of [0, {classes}).  "
            f"Label values: {' '.join(str(label) for label in labels)}",
        )
    shifted, powers, total = exponentials(np, widened(features))
    each = np.arange(rows)
    loss = np.log(total)[:, 0] - shifted[each, labels]
    powers /= total
    powers[each, labels] -= 1
    return loss.astype(features.dtype, copy=False), powers.astype(features.dtype, copy=False)


def _check_sparse(features: Any, labels: Any) -> None:
    if features.ndim != 2:
        raise InvalidArgumentError(None, None, f"logits must be 2-D, but got shape {shape_text(features.shape)}")
    if labels.ndim != 1:
        raise InvalidArgumentError(None, None, f"labels must be 1-D, but got shape {shape_text(labels.shape)}")
    if features.shape[0] != labels.shape[0]:
        raise InvalidArgumentError(
            None,
            None,
            "logits and labels must have the same first dimension, got logits shape "
            f"{shape_text(features.shape)} and labels shape {shape_text(labels.shape)}",
        )
    if not features.shape[1]:
        raise InvalidArgumentError(
            None, None, f"Must have at least one class, but got logits shape {shape_text(features.shape)}"
        )


@sparse_softmax_cross_entropy_op.shape
def _sparse_softmax_cross_entropy_shape(features, labels):
    features, labels = with_rank(features, 2), with_rank(labels, 1)
    rows = merge_dimensions(features[0], labels[0])
    return (rows,), (rows, features[1])


@sparse_softmax_cross_entropy_op.gradient
def _sparse_softmax_cross_entropy_gradient(call, dy, dbackprop):
    return _logits_gradient(call, dy, dbackprop), None


sparse_softmax_cross_entropy_op.takes_missing_gradients = True


@sparse_softmax_cross_entropy_op.samples
def _sparse_softmax_cross_entropy_samples(s):
    for dtype in s.dtypes("T"):
        for index in s.dtypes("Tlabels"):
            yield s(s.normal(3, 4, dtype=dtype), s.integers(0, 4, (3,), index))
    yield s(np.float32([[1e3, -1e3], [0, 50]]), np.int64([1, 1]), gradient=False)
    yield s(s.empty(0, 3), np.zeros(0, np.int64))
    yield s(s.normal(2, 3), np.int64([0, 3]), error="InvalidArgumentError")
    yield s(s.normal(2, 3), np.int64([-1, 0]), error="InvalidArgumentError")
    yield s(s.normal(2, 3), np.int64([0]), error="InvalidArgumentError")
    yield s(s.empty(2, 0), np.int64([0, 0]), error="InvalidArgumentError")
    yield s(s.normal(2, 3, 4), np.int64([0, 0]), error="InvalidArgumentError")
