"""The operations of connectionist temporal classification: ``CTCLoss`` and the greedy decoder."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import FailedPreconditionError, InvalidArgumentError
from tideflow._src.graph.op_def import default
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import merge_dimensions, with_rank
from tideflow._src.ops.nn.ctc_kernels import loss_and_gradient
from tideflow._src.runtime.checks import require
from tideflow._src.runtime.lazy import jnp
from tideflow._src.runtime.op import op

_LOSS = "inputs: {0}, labels_indices: int64, labels_values: int32, sequence_length: int32 -> loss: {0}, gradient: {0}"


def _check_arguments(inputs: Any, indices: Any, values: Any, sequence_length: Any) -> None:
    """Rejects shapes that do not fit."""
    problem = ""
    if np.ndim(inputs) != 3:
        problem = f"inputs is not a 3-Tensor, got shape {list(np.shape(inputs))}"
    elif np.ndim(indices) != 2:
        problem = f"labels_indices is not a matrix, got shape {list(np.shape(indices))}"
    elif np.ndim(values) != 1:
        problem = f"labels_values is not a vector, got shape {list(np.shape(values))}"
    elif np.ndim(sequence_length) != 1:
        problem = f"sequence_length is not a vector, got shape {list(np.shape(sequence_length))}"
    elif indices.shape[0] != values.shape[0]:
        problem = (
            "labels_indices and labels_values must contain the same number of rows, but saw shapes: "
            f"{list(indices.shape)} vs. {list(values.shape)}"
        )
    elif indices.shape[1] != 2:
        problem = f"labels_indices must have 2 columns, got {indices.shape[1]}"
    elif inputs.shape[1] == 0:
        problem = "batch_size must not be 0"
    elif sequence_length.shape[0] != inputs.shape[1]:
        problem = (
            f"len(sequence_length) != batch_size.  len(sequence_length):  {sequence_length.shape[0]} "
            f"batch_size: {inputs.shape[1]}"
        )
    elif inputs.shape[0] == 0:
        problem = "Max time or first dimension of input cannot be 0."
    elif inputs.shape[2] == 0:
        problem = "num_classes, the last dimension of inputs, cannot be 0."
    if problem:
        raise InvalidArgumentError(None, None, problem)


def _reject(problem: str) -> None:
    raise InvalidArgumentError(None, None, problem)


def _check_lengths(sequence_length: Any, steps: int) -> None:
    for index in np.flatnonzero(sequence_length < 0)[:1]:
        _reject(f"seq_len({index}) < 0")
    for index in np.flatnonzero(sequence_length > steps)[:1]:
        _reject(f"sequence_length({index}) <= {steps} does not hold: it is {sequence_length[index]}")


def _check_places(indices: Any, batch: int) -> None:
    """Rejects places outside the batch, or not in order."""
    rows = indices[:, 0]
    width = int(indices[:, 1].max(initial=-1)) + 1
    bad = np.flatnonzero((rows < 0) | (rows >= batch) | (indices[:, 1] < 0))
    if bad.size:
        _reject(
            f"label SparseTensor is not valid: indices[{bad[0]}] = {indices[bad[0]].tolist()} is out of bounds: need "
            f"0 <= index < [{batch},{width}]"
        )
    steps = np.diff(rows) * max(width, 1) + np.diff(indices[:, 1])
    late = np.flatnonzero(steps <= 0)
    if late.size:
        what = "repeated" if steps[late[0]] == 0 else "out of order"
        _reject(
            f"label SparseTensor is not valid: indices[{late[0] + 1}] = {indices[late[0] + 1].tolist()} is {what}. "
            "Use `tf.sparse.reorder` to create a correctly ordered copy."
        )


def _labels(
    indices: Any, values: Any, batch: int, classes: int, blank: int, collapse: bool
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Returns the labels of each example, packed to the left, and how many there are.

    Labels from the number of classes less one on end a sequence.
    """
    rows = indices[:, 0]
    given = np.bincount(rows, minlength=batch)
    for row in np.flatnonzero(given == 0)[:1]:
        _reject(f"Labels length is zero in batch {row}")
    values = values.astype(np.int64)
    starts = np.cumsum(given) - given
    position = np.arange(rows.size) - starts[rows]
    kept = np.ones(rows.size, bool)
    if collapse:
        kept[1:] = (values[1:] != values[:-1]) | (rows[1:] != rows[:-1])
    null = values >= classes - 1 if blank else values >= classes
    # How many nulls stand before each label of its row: a label that follows one is a mistake.
    nulls = np.cumsum(null & kept)
    before = np.concatenate([[0], nulls])[starts]
    wrong = np.flatnonzero(kept & ~null & (nulls - before[rows] > 0))
    if wrong.size:
        row = rows[wrong[0]]
        _reject(
            "Saw a non-null label (index >= num_classes - 1) following a null label, batch: "
            f"{row} num_classes: {classes} labels: {values[rows == row].tolist()}"
        )
    kept &= ~null
    for index in np.flatnonzero(kept & (values < 0))[:1]:
        _reject(f"All labels must be nonnegative integers, batch: {rows[index]} labels: {values[index]}")
    rows, values, position = rows[kept], values[kept], position[kept]
    lengths = np.bincount(rows, minlength=batch)
    labels = np.zeros((batch, int(lengths.max(initial=0))), np.int64)
    labels[rows, np.arange(rows.size) - (np.cumsum(lengths) - lengths)[rows]] = values
    return labels, lengths


def _ctc_loss(
    inputs: Any, indices: Any, values: Any, sequence_length: Any, blank: int, collapse: bool, merge: bool, ignore: bool
) -> tuple[Any, Any]:
    steps, batch, classes = inputs.shape
    _check_lengths(sequence_length, steps)
    _check_places(indices, batch)
    labels, lengths = _labels(indices, values, batch, classes, blank, collapse)
    lengths_in = sequence_length.astype(np.int64)
    short = np.flatnonzero(lengths_in < lengths)
    if short.size and not ignore:
        _reject(
            f"Not enough time for target transition sequence (required: {lengths[short[0]]}, available: "
            f"{lengths_in[short[0]]}), example {short[0]}. You can turn this error into a warning by using the flag "
            "ignore_longer_outputs_than_inputs"
        )
    lengths_in[short] = 0
    lengths[short] = 0
    loss, gradient = loss_and_gradient(np, inputs, labels, lengths, lengths_in, blank, merge)
    loss[lengths_in == 0] = 0
    return loss, gradient


def _ctc_loss_compiled(
    inputs: Any, indices: Any, values: Any, sequence_length: Any, blank: int, collapse: bool, merge: bool, ignore: bool
) -> tuple[Any, Any]:
    steps, batch, classes = inputs.shape
    count = values.shape[0]
    rows, columns = indices[:, 0], indices[:, 1]
    lengths_in = sequence_length.astype(np.int64)
    require(jnp.all((lengths_in >= 0) & (lengths_in <= steps)), f"sequence_length must be in [0, {steps}]")
    inside = (rows >= 0) & (rows < batch) & (columns >= 0)
    require(jnp.all(inside), "label SparseTensor is not valid: an index is out of bounds")
    ordered = (rows[1:] > rows[:-1]) | ((rows[1:] == rows[:-1]) & (columns[1:] > columns[:-1]))
    require(jnp.all(ordered), "label SparseTensor is not valid: its indices are not in order")
    of_row = rows == jnp.arange(batch)[:, None]
    require(jnp.all(of_row.any(axis=1)), "Labels length is zero in an example of the batch")
    kept = jnp.ones(count, bool)
    if collapse and count > 1:
        same = (values[1:] == values[:-1]) & (rows[1:] == rows[:-1])
        kept = jnp.concatenate([jnp.ones(1, bool), ~same])
    null = values >= (classes - 1 if blank else classes)
    last_label = jnp.where(of_row & kept & ~null, jnp.arange(count), -1).max(axis=1)
    first_null = jnp.where(of_row & kept & null, jnp.arange(count), count).min(axis=1)
    require(jnp.all(last_label < first_null), "Saw a non-null label (index >= num_classes - 1) following a null label")
    kept = kept & ~null
    require(jnp.all(~kept | (values >= 0)), "All labels must be nonnegative integers")
    order = jnp.cumsum(kept)
    lengths = (of_row & kept).sum(axis=1)
    position = order - 1 - (jnp.cumsum(lengths) - lengths)[rows]
    short = lengths > lengths_in
    if not ignore:
        require(~jnp.any(short), "Not enough time for target transition sequence")
    lengths = jnp.where(short, 0, lengths)
    lengths_in = jnp.where(short, 0, lengths_in)
    width = min(steps, count)
    labels = jnp.zeros((batch, width), np.int64)
    labels = labels.at[jnp.where(kept, rows, batch), position].set(values.astype(np.int64), mode="drop")
    loss, gradient = loss_and_gradient(jnp, inputs, labels, lengths, lengths_in, blank, merge)
    return jnp.where(lengths_in == 0, 0, loss), gradient


@op("CTCLoss", _LOSS.format("T"), T=default("float32", ("float", "double")), tier="host")
def ctc_loss_op(
    inputs,
    labels_indices,
    labels_values,
    sequence_length,
    *,
    preprocess_collapse_repeated: bool = False,
    ctc_merge_repeated: bool = True,
    ignore_longer_outputs_than_inputs: bool = False,
):
    """Computes the loss of connectionist temporal classification and its gradient; the last class is the blank."""
    _check_arguments(inputs, labels_indices, labels_values, sequence_length)
    return _ctc_loss(
        inputs,
        labels_indices,
        labels_values,
        sequence_length,
        inputs.shape[2] - 1,
        preprocess_collapse_repeated,
        ctc_merge_repeated,
        ignore_longer_outputs_than_inputs,
    )


@ctc_loss_op.xla
def _ctc_loss_xla(
    inputs,
    labels_indices,
    labels_values,
    sequence_length,
    *,
    preprocess_collapse_repeated=False,
    ctc_merge_repeated=True,
    ignore_longer_outputs_than_inputs=False,
):
    _check_arguments(inputs, labels_indices, labels_values, sequence_length)
    return _ctc_loss_compiled(
        inputs,
        labels_indices,
        labels_values,
        sequence_length,
        inputs.shape[2] - 1,
        preprocess_collapse_repeated,
        ctc_merge_repeated,
        ignore_longer_outputs_than_inputs,
    )


@op("CTCLossV2", _LOSS.format("float32"), tier="host")
def ctc_loss_v2_op(
    inputs,
    labels_indices,
    labels_values,
    sequence_length,
    *,
    preprocess_collapse_repeated: bool = False,
    ctc_merge_repeated: bool = True,
    ignore_longer_outputs_than_inputs: bool = False,
):
    """Computes the loss of connectionist temporal classification and its gradient; class 0 is the blank."""
    _check_arguments(inputs, labels_indices, labels_values, sequence_length)
    return _ctc_loss(
        inputs,
        labels_indices,
        labels_values,
        sequence_length,
        0,
        preprocess_collapse_repeated,
        ctc_merge_repeated,
        ignore_longer_outputs_than_inputs,
    )


@ctc_loss_op.shape
@ctc_loss_v2_op.shape
def _ctc_loss_shape(inputs, labels_indices, labels_values, sequence_length):
    steps, batch, classes = with_rank(inputs, 3)
    merge_dimensions(with_rank(labels_indices, 2)[0], with_rank(labels_values, 1)[0])
    batch = merge_dimensions(batch, with_rank(sequence_length, 1)[0])
    return (batch,), (steps, batch, classes)


@ctc_loss_op.gradient
@ctc_loss_v2_op.gradient
def _ctc_loss_gradient(call, d_loss, d_gradient):
    message = "Currently there is no way to take the second derivative of ctc_loss."
    gradient = raw.PreventGradient(call.outputs[1], message=message)
    return raw.Mul(raw.ExpandDims(d_loss, np.int32(-1)), gradient), None, None, None


def _places(*lengths: int) -> np.ndarray[Any, Any]:
    return np.array([(row, column) for row, length in enumerate(lengths) for column in range(length)], np.int64)


def _int32(*values: int) -> np.ndarray[Any, Any]:
    return np.array(values, np.int32)


@ctc_loss_op.samples
def _ctc_loss_samples(s):
    where, lengths = _places(3, 2), _int32(6, 4)
    labels = _int32(0, 0, 2, 1, 2)
    once = {"gradient": False, "tolerance": 2e-5}
    for dtype in s.dtypes("T"):
        yield s(s.normal(6, 2, 4, dtype=dtype), where, labels, lengths, **once)
    yield s(s.normal(6, 2, 4), where, labels, lengths, preprocess_collapse_repeated=True, **once)
    yield s(s.normal(6, 2, 4), where, labels, lengths, ctc_merge_repeated=False, **once)
    yield s(s.normal(6, 2, 4), where, _int32(0, 3, 3, 1, 9), lengths, **once)
    longer = {"ignore_longer_outputs_than_inputs": True, "gradient": False, "tolerance": 1e-4}
    yield s(s.normal(6, 2, 4), where, labels, _int32(2, 4), **longer)
    yield s(s.normal(6, 2, 4), where, labels, _int32(0, 4), **longer)
    yield s(s.normal(6, 2, 4), where, _int32(0, 0, 0, 1, 1), _int32(4, 4), **once)
    yield s(s.normal(12, 1, 3) * 300, _places(4), _int32(0, 1, 1, 0), _int32(12), **once)
    error = {"error": "InvalidArgumentError"}
    yield s(s.normal(6, 2, 4), where, labels, _int32(2, 4), **error)
    yield s(s.normal(6, 2, 4), where, labels, _int32(7, 4), **error)
    yield s(s.normal(6, 2, 4), where, labels, _int32(-1, 4), **error)
    yield s(s.normal(6, 2, 4), where, labels, _int32(6), **error)
    yield s(s.normal(6, 3, 4), where, labels, _int32(6, 4, 4), **error)
    yield s(s.normal(6, 2, 4), where, _int32(3, 0, 1, 1, 1), lengths, **error)
    yield s(s.normal(6, 2, 4), where, _int32(0, -1, 1, 1, 1), lengths, **error)
    yield s(s.normal(6, 2, 4), where + 1, labels, lengths, **error)
    yield s(s.normal(6, 2, 4), where[::-1], labels, lengths, **error)
    yield s(s.normal(6, 2, 4), where[:3], labels, lengths, **error)
    yield s(s.normal(6, 4), where, labels, lengths, **error)
    yield s(s.empty(0, 2, 4), where, labels, lengths, **error)
    yield s(s.empty(6, 0, 4), where[:0], labels[:0], lengths[:0], **error)


@ctc_loss_v2_op.samples
def _ctc_loss_v2_samples(s):
    where, lengths = _places(3, 2), _int32(6, 4)
    yield s(s.normal(6, 2, 4), where, _int32(1, 1, 3, 2, 3), lengths, gradient=False)
    yield s(s.normal(6, 2, 4), where, _int32(1, 1, 3, 2, 3), _int32(7, 4), error="InvalidArgumentError")


# Decoding.


def check_sequence_length(inputs: Any, sequence_length: Any) -> None:
    """Rejects what no decoder takes: wrong ranks, and lengths that do not fit the frames."""
    if inputs.ndim != 3 or sequence_length.ndim != 1:
        _reject(
            "inputs must be a 3-Tensor and sequence_length a vector, got shapes "
            f"{list(inputs.shape)} and {list(sequence_length.shape)}"
        )
    steps, batch, classes = inputs.shape
    if 0 in (steps, batch, classes):
        _reject(f"max_time, batch_size and num_classes cannot be 0, got inputs of shape {list(inputs.shape)}")
    problem = ""
    if sequence_length.shape[0] != batch:
        problem = (
            f"len(sequence_length) != batch_size.  len(sequence_length):  {sequence_length.shape[0]} "
            f"batch_size: {batch}"
        )
    else:
        for index in np.flatnonzero(sequence_length > steps)[:1]:
            problem = f"sequence_length({index}) <= {steps} does not hold: it is {sequence_length[index]}"
    if problem:
        raise FailedPreconditionError(None, None, problem)


def packed(kept: Any, classes: Any) -> tuple[Any, Any, Any]:
    """Returns, as the parts of a sparse matrix, what is kept of each row of ``classes``."""
    rows, columns = np.nonzero(kept)
    order = np.cumsum(kept, axis=1)[rows, columns] - 1
    width = int(kept.sum(axis=1).max(initial=0))
    shape = np.array([kept.shape[0], width], np.int64)
    return np.stack([rows, order], axis=1).astype(np.int64), classes[rows, columns].astype(np.int64), shape


@op(
    "CTCGreedyDecoder",
    "inputs: T, sequence_length: int32 -> decoded_indices: int64, decoded_values: int64, decoded_shape: int64, "
    "log_probability: T",
    T=default("float32", ("float", "double")),
    tier="host",
    differentiable=False,
)
def ctc_greedy_decoder_op(inputs, sequence_length, *, merge_repeated: bool = False, blank_index: int = -1):
    """Takes the likeliest class of each frame, and leaves blanks and, if asked, repetitions out."""
    check_sequence_length(inputs, sequence_length)
    steps, _, classes = inputs.shape
    if not -classes <= blank_index < classes:
        _reject(f"blank_index expected to be between {-classes} and {classes - 1} but was {blank_index}")
    # What is not a number never beats what came before it.
    ordered = np.where(np.isnan(inputs), -np.inf, inputs)
    best = np.where(np.isnan(inputs[:, :, 0]), 0, ordered.argmax(axis=2))
    highest = np.take_along_axis(inputs, best[:, :, None], axis=2)[:, :, 0].T
    best = best.T
    counts = np.arange(steps) < sequence_length[:, None]
    score = np.where(counts, -highest, 0).sum(axis=1, dtype=inputs.dtype)
    kept = counts & (best != blank_index % classes)
    if merge_repeated:
        kept[:, 1:] &= best[:, 1:] != best[:, :-1]
    return *packed(kept, best), score[:, None]


@ctc_greedy_decoder_op.shape
def _ctc_greedy_decoder_shape(inputs, sequence_length):
    batch = merge_dimensions(with_rank(inputs, 3)[1], with_rank(sequence_length, 1)[0])
    return (None, 2), (None,), (2,), (batch, 1)


@ctc_greedy_decoder_op.samples
def _ctc_greedy_decoder_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.distinct((9, 3, 4), dtype), _int32(9, 5, 0))
    yield s(s.distinct((9, 3, 3)), _int32(9, 5, 1), merge_repeated=True)
    yield s(s.distinct((9, 3, 3)), _int32(9, 5, -2), merge_repeated=True, blank_index=0)
    yield s(s.distinct((5, 1, 1)), _int32(5))
    yield s(s.distinct((5, 2, 3)), _int32(5, 6), error="FailedPreconditionError")
    yield s(s.distinct((5, 2, 3)), _int32(5, 2, 2), error="FailedPreconditionError")
    yield s(s.distinct((5, 2, 3)), _int32(5, 2), blank_index=3, error="InvalidArgumentError")
    yield s(s.distinct((5, 3)), _int32(5, 2), error="InvalidArgumentError")
