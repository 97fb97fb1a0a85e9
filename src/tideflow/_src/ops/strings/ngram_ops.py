"""``tf.strings.ngrams``: runs of neighbouring strings joined into one."""

from __future__ import annotations

from itertools import chain, pairwise
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import at_least, default
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape
from tideflow._src.ops.ragged.ragged_parts import convert_to_tensor_or_ragged_tensor
from tideflow._src.ops.ragged.ragged_tensor import is_ragged
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.strings.elements import array_of, items_of
from tideflow._src.runtime.op import op

_LARGEST = 2**31 - 1

#: With more of it, rows are padded one after the other.
_LONGEST_PADDING = 16


@op(
    "StringNGrams",
    "data: string, data_splits: Tsplits -> ngrams: string, ngrams_splits: Tsplits",
    tier="host",
    differentiable="missing",
    ngram_widths=at_least(0),
    Tsplits=default("int64", ("int32", "int64")),
)
def string_ngrams_op(
    data,
    data_splits,
    *,
    separator: str,
    ngram_widths: list[int],
    left_pad: str,
    right_pad: str,
    pad_width: int,
    preserve_short_sequences: bool,
):
    """Joins each run of some length of neighbouring strings of each row of a ragged matrix."""
    if any(width <= 0 for width in ngram_widths):
        raise invalid_argument(f"ngram_widths must contain positive values, got {list(ngram_widths)}")
    items = items_of(data)
    splits = np.ravel(data_splits).tolist()
    if not splits:
        return array_of([b""] * len(items), (len(items),)), np.empty(0, data_splits.dtype)
    _check_splits(splits, len(items))
    if preserve_short_sequences and not ngram_widths and pad_width < 0:
        raise invalid_argument(
            f"Pad width should be >= 0 to preserve short sequences without ngram_widths, got {pad_width}"
        )
    for width in ngram_widths:
        if _padding(width, pad_width) > (_LARGEST - 1) // 2 - len(items):
            raise invalid_argument(
                f"Pad width could lead to integer overflow, got pad_width = {_padding(width, pad_width)} for "
                f"{len(items)} strings"
            )
    between, left, right = (text.encode("utf-8", "surrogateescape") for text in (separator, left_pad, right_pad))
    lengths = np.diff(splits)
    widths = {width: _padding(width, pad_width) for width in ngram_widths}
    counts = [np.maximum(lengths + 2 * padding - width + 1, 0) for width, padding in widths.items()]
    some = sum(counts, np.zeros(lengths.size, np.int64))
    if (
        len(widths) == len(ngram_widths) > 0
        and max(widths.values()) <= _LONGEST_PADDING
        and not (preserve_short_sequences and (some[lengths > 0] == 0).any())
    ):
        runs = [
            _runs(items, lengths, count, between, left, right, *width)
            for width, count in zip(widths.items(), counts, strict=True)
        ]
        found = list(chain.from_iterable(runs))
        if len(runs) > 1:  # by rows, of each those of the first width first
            rows = np.concatenate([np.repeat(np.arange(lengths.size), count) for count in counts])
            together = array_of(found, (len(found),))[np.argsort(rows, kind="stable")]
        else:
            together = array_of(found, (len(found),))
        ends = np.append(0, np.cumsum(some)).astype(data_splits.dtype)
        return together, ends.reshape(np.shape(data_splits))
    result: list[bytes] = []
    row_ends = [0]
    for start, end in pairwise(splits):
        row = items[start:end]
        before = len(result)
        for width in ngram_widths:
            padding = _padding(width, pad_width)
            padded = [left] * padding + row + [right] * padding if padding else row
            result += [between.join(padded[place : place + width]) for place in range(max(0, len(padded) - width + 1))]
        if preserve_short_sequences and len(result) == before and row:
            padding = max(pad_width, 0)
            result.append(between.join([left] * padding + row + [right] * padding))
        row_ends.append(len(result))
    return array_of(result, (len(result),)), np.array(row_ends, data_splits.dtype).reshape(np.shape(data_splits))


def _runs(
    items: list[bytes],
    lengths: Any,
    counts: Any,
    between: bytes,
    left: bytes,
    right: bytes,
    width: int,
    padding: int,
) -> Any:
    """Returns the runs of one width of all rows."""
    sizes = lengths + 2 * padding
    begins = np.cumsum(sizes) - sizes
    padded = np.full(len(items) + 2 * padding * lengths.size, right, object)
    for place in range(padding):
        padded[begins + place] = left
    inside = np.arange(len(items)) + np.repeat(padding * (1 + 2 * np.arange(lengths.size)), lengths)
    padded[inside] = array_of(items, (len(items),))
    firsts = np.repeat(begins - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))
    if not firsts.size:
        return []
    columns = [padded[firsts + place].tolist() for place in range(width)]
    return map(between.join, zip(*columns, strict=True))


def _padding(width: int, pad_width: int) -> int:
    """Returns how many strings to put on each side of a row: never so many that a run holds nothing else."""
    return width - 1 if pad_width < 0 else min(pad_width, width - 1)


def _check_splits(splits: list[int], size: int) -> None:
    if splits[0] != 0:
        raise invalid_argument(f"First split value must be 0, got {splits[0]}")
    for start, end in pairwise(splits):
        if not start <= end <= size:
            raise invalid_argument(f"Invalid split value {end}, must be in [{start}, {size}]")
    if splits[-1] != size:
        raise invalid_argument(f"Last split value must be data size. Expected {size}, got {splits[-1]}")


@string_ngrams_op.shape
def _string_ngrams_shape(data, data_splits):
    for shape in (data, data_splits):
        if shape is not None and len(shape) != 1:
            raise ValueError(f"Shape must be rank 1 but is rank {len(shape)}")
    return (None,), (None,) if data_splits is None else data_splits


@string_ngrams_op.samples
def _string_ngrams_samples(s):
    words = array_of([b"a", b"b", b"c", b"d"], (4,))
    fixed = {"separator": "|", "left_pad": "L", "right_pad": "R"}
    for widths in ([2], [1, 3], [5, 6], []):
        for padding in (-1, 0, 1, 5):
            for preserve in (False, True):
                options: dict[str, Any] = {"ngram_widths": widths, "pad_width": padding}
                options["preserve_short_sequences"] = preserve
                error = {} if widths or padding >= 0 or not preserve else {"error": "InvalidArgumentError"}
                yield s(words, np.array([0, 3, 3, 4]), **options, **fixed, **error)
    options = {"ngram_widths": [2], "pad_width": 0, "preserve_short_sequences": False, **fixed}
    yield s(words, np.array([0, 4], np.int32), **options)
    yield s(words, np.empty(0, np.int64), **options)
    yield s(np.empty(0, object), np.array([0]), **options)
    for splits in ([1, 4], [0, 3], [0, 5], [0, 2, 1, 4]):
        yield s(words, np.array(splits), **options, error="InvalidArgumentError")
    options["ngram_widths"] = [0]
    yield s(words, np.array([0, 4]), **options, error="InvalidArgumentError")


def ngrams(
    data: Any,
    ngram_width: Any,
    separator: str = " ",
    pad_values: Any = None,
    padding_width: int | None = None,
    preserve_short_sequences: bool = False,
    name: str | None = None,
) -> Any:
    """Joins each run of neighbouring strings along the last dimension.

    Args:
      data: a string tensor of known rank, at least 1, or a ragged one.
      ngram_width: the length of the runs, or several lengths.
      separator: what to put between the strings.
      pad_values: what to put before and after each row: one string, or a pair; nothing by default.
      padding_width: how many of them; by default one less than the length of the run.
      preserve_short_sequences: whether a row too short for every length gives one run of all of it.
      name: the name of the operation.

    Returns:
      A string tensor of the shape of ``data`` but for the last dimension; a ragged one of a ragged one.

    Raises:
      TypeError: ``pad_values`` or ``ngram_width`` is of another type.
      ValueError: a length that is not positive, a negative ``padding_width``, or padding without ``pad_values``.
    """
    with name_scope(name, "StringNGrams", [data]):
        if pad_values is None:
            left, right, padding = "", "", 0
        elif isinstance(pad_values, list | tuple):
            if len(pad_values) != 2 or not all(isinstance(value, str | bytes) for value in pad_values):
                raise TypeError("pad_values must be a string, tuple of strings, or None.")
            (left, right), padding = pad_values, -1
        elif isinstance(pad_values, str | bytes):
            left, right, padding = pad_values, pad_values, -1
        else:
            raise TypeError("pad_values must be a string, tuple of strings, or None.")
        if padding_width is not None:
            if padding_width < 1:
                raise ValueError(f"padding_width must be greater than 0, got {padding_width}")
            if pad_values is None:
                raise ValueError("pad_values must be provided if padding_width is set.")
            padding = padding_width
        widths = list(ngram_width) if isinstance(ngram_width, list | tuple) else [ngram_width]
        if not all(isinstance(width, int) and not isinstance(width, bool) for width in widths):
            raise TypeError(f"ngram_width must be an integer, or a tuple of integers, got {ngram_width!r}")
        if any(width < 1 for width in widths):
            raise ValueError(f"All ngram_widths must be greater than 0. Got {ngram_width}")
        options = {
            "separator": separator,
            "ngram_widths": widths,
            "left_pad": left,
            "right_pad": right,
            "pad_width": padding,
            "preserve_short_sequences": preserve_short_sequences,
        }
        data = convert_to_tensor_or_ragged_tensor(data, dtype=dtypes.string, name="data")
        if is_ragged(data):
            return _of_ragged(data, options)
        shape = known_shape(data)
        if shape is None:
            raise ValueError("Rank of data must be known.")
        if not shape:
            raise ValueError("Data must have rank>0")
        sizes = raw.Shape(data, out_type=dtypes.int64)
        length = raw.GatherV2(sizes, -1 + len(shape), 0)
        flat = raw.Reshape(data, [-1])
        prefix = raw.GatherV2(sizes, np.arange(len(shape) - 1, dtype=np.int32), 0)
        rows = raw.Prod(prefix, np.int32([0]))
        splits = raw.Mul(raw.Range(np.int64(0), raw.AddV2(rows, np.int64(1)), np.int64(1)), length)
        joined = string_ngrams_op(flat, splits, **options)
        # All rows are of one length, so each gives the same number of runs.
        count = raw.GatherV2(raw.ConcatV2([joined.ngrams_splits, np.int64([0])], 0), 1, 0)
        return raw.Reshape(joined.ngrams, raw.ConcatV2([prefix, raw.ExpandDims(count, 0)], 0))


def _of_ragged(data: Any, options: dict[str, Any]) -> Any:
    if data.ragged_rank > 1:
        return data.with_values(_of_ragged(data.values, options))
    joined = string_ngrams_op(data.flat_values, data.row_splits, **options)
    return type(data).from_row_splits(joined.ngrams, joined.ngrams_splits, validate=False)
