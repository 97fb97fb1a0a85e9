"""The rows of a `DenseHashTable` in the order in which TensorFlow keeps them, which takes them over from a checkpoint.

A table of 2**n buckets has the key whose hash is h in bucket h modulo 2**n, or if that is taken 1, 3, 6, 10... buckets
on (TensorFlow, ``core/kernels/lookup_table_op.cc``). The hash of an integer is the integer, that of a string
MurmurHash64A; the hashes of the elements of a vector are combined.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.ops.strings.hash_kernels import murmur64
from tideflow._src.ops.strings.packed import Packed

_MASK = (1 << 64) - 1
#: How much of the buckets may be taken.
_FULL = 0.8


def in_buckets(keys: Any, values: Any, empty_key: Any, least: int) -> tuple[Any, Any]:
    """Returns the keys and values of a table, a row for each bucket.

    Args:
      keys: an array of n keys, scalars or vectors.
      values: an array of their n values.
      empty_key: the key of buckets that are not taken.
      least: the least number of buckets, a power of two.

    Returns:
      An array of shape ``(buckets, size of a key)`` and one of shape ``(buckets, size of a value)``.
    """
    count = len(keys)
    buckets = least
    while count > buckets * _FULL:
        buckets *= 2
    keys = keys.reshape(count, -1) if count else keys.reshape(0, max(1, int(np.size(empty_key))))
    values = values.reshape(count, -1) if count else values.reshape(0, int(np.prod(values.shape[1:], dtype=int)))
    rows_of_keys = np.empty((buckets, keys.shape[1]), keys.dtype)
    rows_of_keys[:] = np.reshape(empty_key, -1)
    rows_of_values = np.zeros((buckets, values.shape[1]), values.dtype)
    if values.dtype == object:
        rows_of_values[:] = b""
    taken = bytearray(buckets)
    for row, number in enumerate(_hashes(keys)):
        place, probes = number & (buckets - 1), 0
        while taken[place]:
            probes += 1
            place = (place + probes) & (buckets - 1)
        taken[place] = 1
        rows_of_keys[place], rows_of_values[place] = keys[row], values[row]
    return rows_of_keys, rows_of_values


def _hashes(keys: Any) -> list[int]:
    """Returns the hashes of the rows of an array."""
    if keys.dtype == object:
        columns = [murmur64(Packed.of(keys[:, column].tolist())).tolist() for column in range(keys.shape[1])]
    else:
        columns = [keys[:, column].astype(np.int64).view(np.uint64).tolist() for column in range(keys.shape[1])]
    if len(columns) == 1:
        return [int(number) for number in columns[0]]
    combined = [0] * len(keys)
    for column in columns:
        combined = [_combined(one, int(other)) for one, other in zip(combined, column, strict=True)]
    return combined


def _combined(one: int, other: int) -> int:
    return one ^ (other + 0x9E3779B97F4A7800 + (one << 10 & _MASK) + (one >> 4)) & _MASK
