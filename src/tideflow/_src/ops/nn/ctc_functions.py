"""The public functions of connectionist temporal classification: losses, labels and decoders."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.permuting import transpose
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.array.selection import where
from tideflow._src.ops.array.shape import shape
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.reduction_functions import reduce_logsumexp
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.sparse_tensor import SparseTensor

__all__ = [
    "collapse_repeated",
    "ctc_beam_search_decoder",
    "ctc_beam_search_decoder_v1",
    "ctc_greedy_decoder",
    "ctc_loss",
    "ctc_loss_v1",
    "ctc_unique_labels",
]

_SHORT = ("float16", "bfloat16")
#: What TensorFlow's loss of dense labels starts from where there is no way: minus the logarithm of 1e-307.
_NO_WAY = 706.8936235410823


def ctc_loss_v1(
    labels: Any,
    inputs: Any = None,
    sequence_length: Any = None,
    preprocess_collapse_repeated: bool = False,
    ctc_merge_repeated: bool = True,
    ignore_longer_outputs_than_inputs: bool = False,
    time_major: bool = True,
    logits: Any = None,
) -> Any:
    """Computes the loss of connectionist temporal classification; the last class is the blank.

    Args:
      labels: an int32 ``SparseTensor``: row b holds the labels of example b.
      inputs: logits, shape ``[max_time, batch_size, num_classes]``.
      sequence_length: how many frames of each example count, int32 ``[batch_size]``.
      preprocess_collapse_repeated: whether repeated labels are one before anything else.
      ctc_merge_repeated: whether a label may last for several frames.
      ignore_longer_outputs_than_inputs: whether an example with more labels than frames has loss 0, not an error.
      time_major: whether the first dimension of ``inputs`` is time; else it is the batch.
      logits: another name of ``inputs``.

    Returns:
      The loss of each example, ``[batch_size]``.

    Raises:
      TypeError: ``labels`` is not sparse.
      ValueError: both ``inputs`` and ``logits`` are given.
      InvalidArgumentError: the labels do not fit.
    """
    if not isinstance(labels, SparseTensor):
        raise TypeError(
            f"Expected argument `labels` to be a SparseTensor. Received {labels=} of type: {type(labels).__name__}"
        )
    if logits is not None:
        if inputs is not None:
            raise ValueError("Cannot specify both 'inputs' and 'logits'.")
        inputs = logits
    inputs = convert_to_tensor(inputs, name="logits")
    if not time_major:
        inputs = transpose(inputs, [1, 0, 2])
    kind = inputs.dtype.base_dtype
    loss, _ = raw.CTCLoss(
        cast(inputs, dtypes.float32) if kind.name in _SHORT else inputs,
        labels.indices,
        labels.values,
        sequence_length,
        preprocess_collapse_repeated=preprocess_collapse_repeated,
        ctc_merge_repeated=ctc_merge_repeated,
        ignore_longer_outputs_than_inputs=ignore_longer_outputs_than_inputs,
        name="CTCLoss",
    )
    return cast(loss, kind)


def ctc_loss(
    labels: Any,
    logits: Any,
    label_length: Any,
    logit_length: Any,
    logits_time_major: bool = True,
    unique: Any = None,
    blank_index: int | None = None,
    name: str | None = None,
) -> Any:
    """Computes the loss of connectionist temporal classification of dense or sparse labels.

    Args:
      labels: integers ``[batch_size, max_label_length]``, or a ``SparseTensor`` of them.
      logits: shape ``[max_time, batch_size, num_classes]``.
      label_length: how many labels of each example count, ``[batch_size]``; not used for sparse labels.
      logit_length: how many frames of each example count, ``[batch_size]``.
      logits_time_major: whether the first dimension of ``logits`` is time; else it is the batch.
      unique: what ``ctc_unique_labels(labels)`` gave; accepted, but not needed here.
      blank_index: the class of the blank; 0 for dense labels by default. Negative ones count from the end.
      name: the name of the scope.

    Returns:
      The loss of each example, ``[batch_size]``; of dense labels that the frames cannot hold, about 707.

    Raises:
      ValueError: labels are sparse and there is no ``blank_index``.
    """
    del unique
    sparse = isinstance(labels, SparseTensor)
    if sparse and blank_index is None:
        raise ValueError("Argument `blank_index` must be provided when `labels` is a `SparseTensor`.")
    with name_scope(name, "ctc_loss" if sparse else "ctc_loss_dense"):
        logits = convert_to_tensor(logits, name="logits")
        if not logits_time_major:
            logits = transpose(logits, [1, 0, 2])
        blank = blank_index or 0
        known = static_shape(logits)
        classes = known[2] if known is not None else None
        last = (classes if classes is not None else shape(logits)[2]) - 1
        if blank < 0:
            blank = blank + last + 1
        in_place = isinstance(blank, int) and isinstance(last, int) and blank == last
        if not in_place:
            logits = concat([logits[:, :, :blank], logits[:, :, blank + 1 :], logits[:, :, blank : blank + 1]], 2)
        if sparse:
            if not in_place:
                values = labels.values
                values = where(values < cast(blank, values.dtype), values, values - 1)
                labels = SparseTensor(labels.indices, values, labels.dense_shape)
            return ctc_loss_v1(labels, logits, logit_length)
        return _dense_loss(labels, logits, label_length, logit_length, blank, last)


def _dense_loss(labels: Any, logits: Any, label_length: Any, logit_length: Any, blank: Any, last: Any) -> Any:
    """Computes the loss of dense labels; ``logits`` have the blank, once of number ``blank``, at the end.

    All labels are handed on, those that do not count as blanks, so that nothing has a shape that depends on values.

    A label of the blank's number is a label like others, as in TensorFlow. The operation takes none of these, so it
    gets the blank's class twice, the first time as a class of labels. Its softmax then sums the blank twice; what that
    adds to the loss, the logarithm of one plus the blank's probability for each frame, is taken off again.
    """
    labels = cast(convert_to_tensor(labels, name="labels"), dtypes.int32)
    label_length = cast(convert_to_tensor(label_length, name="label_length"), dtypes.int32)
    logit_length = cast(convert_to_tensor(logit_length, name="logit_length"), dtypes.int32)
    batch, width = _sizes(labels)
    columns = raw.Range(np.int32(0), cast(width, dtypes.int32), np.int32(1))
    counts = raw.Less(columns, raw.ExpandDims(label_length, np.int32(1)))
    blank, last = cast(blank, dtypes.int32), cast(last, dtypes.int32)
    moved = where(raw.Equal(labels, blank), last, where(labels > blank, labels - 1, labels))
    values = raw.Reshape(where(counts, moved, last + 1), np.array([-1], np.int32))
    steps = shape(logits)[0]
    frames = raw.Minimum(logit_length, steps)
    kind = logits.dtype.base_dtype
    if kind.name in _SHORT:
        logits = cast(logits, dtypes.float32)
    loss, _ = raw.CTCLoss(
        concat([logits, logits[:, :, -1:]], 2),
        _grid(batch, width),
        values,
        frames,
        ignore_longer_outputs_than_inputs=True,
        name="CTCLoss",
    )
    twice = raw.Softplus(logits[:, :, -1] - reduce_logsumexp(logits, 2))
    are_frames = raw.Less(raw.ExpandDims(raw.Range(np.int32(0), steps, np.int32(1)), np.int32(1)), frames)
    loss -= raw.Sum(where(are_frames, twice, raw.ZerosLike(twice)), np.int32(0))
    needed = raw.Sum(cast(counts, dtypes.int32), np.int32(1))
    possible = raw.LogicalAnd(raw.GreaterEqual(frames, needed), raw.Greater(frames, np.int32(0)))
    possible = raw.LogicalAnd(possible, raw.LogicalNot(raw.IsInf(loss)))
    return cast(where(possible, loss, cast(_NO_WAY, loss.dtype)), kind)


def _sizes(labels: Any) -> tuple[Any, Any]:
    known = static_shape(labels)
    if known is not None and len(known) != 2:
        raise ValueError(f"labels must be a matrix [batch_size, max_label_length], got shape {list(known)}")
    sizes: Any = known if known is not None and None not in known else shape(labels)
    return sizes[0], sizes[1]


def _grid(batch: Any, width: Any) -> Any:
    """Returns all places of a matrix, int64 ``[batch * width, 2]``."""
    if isinstance(batch, int) and isinstance(width, int):
        return np.stack(np.meshgrid(np.arange(batch), np.arange(width), indexing="ij"), axis=2).reshape(-1, 2)
    zero, one = np.int64(0), np.int64(1)
    batch, width = cast(batch, dtypes.int64), cast(width, dtypes.int64)
    size = raw.Pack([batch, width], axis=0)
    rows = raw.BroadcastTo(raw.ExpandDims(raw.Range(zero, batch, one), np.int32(1)), size)
    columns = raw.BroadcastTo(raw.Range(zero, width, one), size)
    return raw.Reshape(raw.Pack([rows, columns], axis=2), np.array([-1, 2], np.int32))


def ctc_unique_labels(labels: Any, name: str | None = None) -> tuple[Any, Any]:
    """Finds the distinct labels of each example, in the order in which they come.

    Args:
      labels: integers ``[batch_size, max_label_length]``.
      name: the name of the scope.

    Returns:
      The distinct labels of each row, padded with zeros, int64 of the shape of ``labels``; and for each label its place
      among them, int32.
    """
    with name_scope(name, "ctc_unique_labels"):
        labels = convert_to_tensor(labels, name="labels")
        width = shape(labels)[1]
        same = raw.Equal(raw.ExpandDims(labels, np.int32(2)), raw.ExpandDims(labels, np.int32(1)))
        # The first place of each label is where the first true value of its row is.
        first = raw.ArgMax(cast(same, dtypes.int32), np.int32(2), output_type=dtypes.int32)
        is_first = raw.Equal(first, raw.Range(np.int32(0), width, np.int32(1)))
        number = raw.Sub(raw.Cumsum(cast(is_first, dtypes.int32), np.int32(1)), np.int32(1))
        places = raw.GatherV2(number, first, np.int32(1), batch_dims=1)
        wide = cast(labels, dtypes.int64)
        kept = where(is_first, wide, raw.ZerosLike(wide))
        hot = raw.OneHot(number, width, np.int64(1), np.int64(0))
        return raw.Sum(raw.Mul(raw.ExpandDims(kept, np.int32(2)), hot), np.int32(1)), places


def collapse_repeated(labels: Any, seq_length: Any, name: str | None = None) -> tuple[Any, Any]:
    """Makes runs of equal labels one label.

    Args:
      labels: a tensor ``[batch_size, max_length]``.
      seq_length: how many labels of each row count, ``[batch_size]``.
      name: the name of the scope.

    Returns:
      The labels that are left, padded with zeros, and how many each row has.
    """
    with name_scope(name, "collapse_repeated_labels"):
        labels = convert_to_tensor(labels, name="labels")
        seq_length = convert_to_tensor(seq_length, name="seq_length")
        size = shape(labels)
        columns = raw.Range(np.int32(0), size[1], np.int32(1))
        counts = raw.Less(columns, raw.ExpandDims(cast(seq_length, dtypes.int32), np.int32(1)))
        starts = concat([raw.OnesLike(counts[:, :1]), raw.NotEqual(labels[:, 1:], labels[:, :-1])], 1)
        kept = raw.LogicalAnd(starts, counts)
        order = raw.Cumsum(cast(kept, dtypes.int32), np.int32(1))
        left = raw.Sum(cast(kept, dtypes.int32), np.int32(1))
        place = raw.Maximum(raw.Sub(order, np.int32(1)), np.int32(0))
        rows = raw.BroadcastTo(raw.ExpandDims(raw.Range(np.int32(0), size[0], np.int32(1)), np.int32(1)), size)
        # What is left out adds zero to where the label before it is.
        added = where(kept, labels, raw.ZerosLike(labels))
        packed = raw.ScatterNd(raw.Pack([rows, place], axis=2), added, size)
        width = raw.Max(left, np.array([0], np.int32))
        return packed[:, :width], cast(left, seq_length.dtype)


def ctc_greedy_decoder(
    inputs: Any, sequence_length: Any, merge_repeated: bool = True, blank_index: int | None = None
) -> tuple[list[SparseTensor], Any]:
    """Takes the likeliest class of each frame.

    Args:
      inputs: logits, shape ``[max_time, batch_size, num_classes]``.
      sequence_length: how many frames of each example count, int32 ``[batch_size]``.
      merge_repeated: whether a class that comes in several frames in a row is one label.
      blank_index: the class of the blank, the last by default; negative ones count from the end.

    Returns:
      A list of one ``SparseTensor`` with the labels of each example, and the sum of the negative logits of the classes
      taken, ``[batch_size, 1]``.

    Raises:
      InvalidArgumentError: ``blank_index`` is no class.
    """
    indices, values, dense_shape, score = raw.CTCGreedyDecoder(
        inputs,
        sequence_length,
        merge_repeated=merge_repeated,
        blank_index=-1 if blank_index is None else blank_index,
        name="CTCGreedyDecoder",
    )
    return [SparseTensor(indices, values, dense_shape)], score


def ctc_beam_search_decoder_v1(
    inputs: Any, sequence_length: Any, beam_width: int = 100, top_paths: int = 1, merge_repeated: bool = True
) -> tuple[list[SparseTensor], Any]:
    """Searches for the likeliest label sequences; see :func:`ctc_beam_search_decoder`.

    Args:
      inputs: logits, shape ``[max_time, batch_size, num_classes]``; the last class is the blank.
      sequence_length: how many frames of each example count, int32 ``[batch_size]``.
      beam_width: how many sequences are followed.
      top_paths: how many sequences are returned.
      merge_repeated: whether equal labels next to each other in a result become one: also those with a blank between.
    """
    indices, values, shapes, score = raw.CTCBeamSearchDecoder(
        inputs,
        sequence_length,
        beam_width=beam_width,
        top_paths=top_paths,
        merge_repeated=merge_repeated,
        name="CTCBeamSearchDecoder",
    )
    return [SparseTensor(*parts) for parts in zip(indices, values, shapes, strict=True)], score


def ctc_beam_search_decoder(
    inputs: Any, sequence_length: Any, beam_width: int = 100, top_paths: int = 1
) -> tuple[list[SparseTensor], Any]:
    """Searches for the likeliest label sequences.

    Args:
      inputs: logits, shape ``[max_time, batch_size, num_classes]``; the last class is the blank.
      sequence_length: how many frames of each example count, int32 ``[batch_size]``.
      beam_width: how many sequences are followed.
      top_paths: how many sequences are returned.

    Returns:
      A list of ``top_paths`` sparse tensors with the labels of each example, best first, and the logarithms of their
      probabilities, ``[batch_size, top_paths]``.

    Raises:
      InvalidArgumentError: ``top_paths`` is more than ``beam_width``, or than the sequences there are.
    """
    return ctc_beam_search_decoder_v1(inputs, sequence_length, beam_width, top_paths, merge_repeated=False)
