"""Checks row splits and expands them, as the operations on ragged tensors need it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import ResourceExhaustedError, invalid_argument

Array = np.ndarray[Any, Any]

_MOST_ELEMENTS = 1 << 33


def check_size(shape: Any, operation: str) -> None:
    """Rejects a result that has more elements than any memory holds, before it is made.

    Raises:
      InvalidArgumentError: the number of elements exceeds 64 bits.
      ResourceExhaustedError: it exceeds what is ever allocated.
    """
    count = 1
    for size in shape:
        count *= int(size)
    shown = ",".join(str(int(size)) for size in shape)
    if count >= 1 << 63:
        raise invalid_argument(f"Shape [{shown}] would have more than 2**63 - 1 elements")
    if count > _MOST_ELEMENTS:
        raise ResourceExhaustedError(None, None, f"OOM when allocating tensor with shape[{shown}] for {operation}")


def splits_of(lengths: Array, dtype: Any = np.int64) -> Array:
    """Returns the row splits of rows of the given lengths."""
    splits = np.zeros(lengths.size + 1, dtype)
    np.cumsum(lengths, out=splits[1:])
    return splits


def positions_of(starts: Array, lengths: Array, splits: Array | None = None) -> Array:
    """Returns the positions that rows hold: ``starts[i] ... starts[i] + lengths[i] - 1``, row after row."""
    if splits is None:
        splits = splits_of(lengths)
    positions = np.repeat(starts - splits[:-1], lengths)
    positions += np.arange(positions.size, dtype=positions.dtype)
    return positions


def row_ids_of(splits: Array) -> Array:
    """Returns for each value the number of its row."""
    return np.repeat(np.arange(splits.size - 1), np.diff(splits))


def check_encoded_splits(splits: Array, count: int) -> None:
    """Rejects row splits that do not divide ``count`` values, as operations on variants and crosses do.

    Raises:
      InvalidArgumentError: what is wrong with them.
    """
    problem = ""
    if splits.ndim != 1:
        problem = f"ragged splits must be rank 1 but is rank {splits.ndim}"
    elif not splits.size:
        problem = "ragged splits must have at least one splits, but is empty"
    elif splits[0] != 0:
        problem = f"first element of ragged splits  must be 0 but is {splits[0]}"
    else:
        falls = np.flatnonzero(splits[1:] < splits[:-1])
        if falls.size:
            place = falls[0] + 1
            problem = (
                f"ragged splits must be monotonically increasing, but ragged_splits[{place}]={splits[place]} is "
                f"smaller than row_splits[{place - 1}]={splits[place - 1]}"
            )
        elif splits[-1] != count:
            problem = f"last element of ragged splits must be the number of ragged values({count}) but is {splits[-1]}"
    if problem:
        raise invalid_argument(f"Invalid ragged splits: {problem}")
