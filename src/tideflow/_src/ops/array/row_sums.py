"""Adds rows up at given places, repeated ones in their order: what scattering and segment sums on the host share.

For large arrays this is a product with a sparse matrix that holds a one in each column: SciPy, which JAX requires, adds
the rows one after the other at the speed of memory, a hundred times faster than ``np.add.at`` and in the same order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: Elements from which on loading SciPy and making the matrix pay.
_LARGE = 1 << 14
#: The dtypes that SciPy's products take.
_DTYPES = frozenset("float32 float64 complex64 complex128 int32 int64 uint32 uint64".split())


def sum_rows(places: Any, rows: Any, count: int) -> Any:
    """Returns ``count`` rows: each is the sum of those of ``rows`` whose place it is, beginning with zero.

    Args:
      places: numbers below ``count``, one for each row.
      rows: an array; its rows lie along its first dimension.
      count: the number of rows of the result.
    """
    if rows.size < _LARGE or rows.dtype.name not in _DTYPES:
        result = np.zeros((count, *rows.shape[1:]), rows.dtype)
        np.add.at(result, places, rows)
        return result
    return _product(places, rows.reshape(len(rows), -1), count).reshape(count, *rows.shape[1:])


def add_rows(target: Any, places: Any, rows: Any) -> None:
    """Adds rows to those of ``target`` in place."""
    if rows.size < _LARGE or rows.dtype.name not in _DTYPES or target.dtype != rows.dtype:
        np.add.at(target, places, rows)
        return
    touched, inverse = np.unique(places, return_inverse=True)
    # The old rows come first, so that every sum is made in the order of its terms.
    terms = np.concatenate([target[touched], rows]).reshape(len(touched) + len(rows), -1)
    order = np.concatenate([np.arange(len(touched)), inverse.reshape(-1)])
    target[touched] = _product(order, terms, len(touched)).reshape(len(touched), *target.shape[1:])


def sum_picked_rows(rows: Any, indices: Any, places: Any, count: int) -> Any:
    """Returns ``count`` rows: each is the sum of those of ``rows[indices]`` whose place it is.

    Args:
      rows: an array; its rows lie along its first dimension.
      indices: the numbers of rows, a vector.
      places: numbers below ``count``, one for each index, which ascend.
      count: the number of rows of the result.
    """
    if not _is_large(rows, len(indices)):
        return sum_rows(places, rows[indices], count)
    from scipy.sparse import csr_array  # heavy: loaded for the first large array

    matrix = csr_array((np.ones(len(indices), rows.dtype), indices, _starts(places, count)), shape=(count, len(rows)))
    return np.ascontiguousarray(matrix @ rows.reshape(len(rows), -1)).reshape(count, *rows.shape[1:])


def sum_spread_rows(rows: Any, numbers: Any, places: Any, count: int) -> Any:
    """Returns ``count`` rows: each is the sum of those of ``rows[numbers]`` whose place it is.

    Args:
      rows: an array; its rows lie along its first dimension.
      numbers: the numbers of rows, a vector; they ascend, which the places need not.
      places: numbers below ``count``, one for each of ``numbers``.
      count: the number of rows of the result.
    """
    if not _is_large(rows, len(numbers)):
        return sum_rows(places, rows[numbers], count)
    from scipy.sparse import csc_array  # heavy: loaded for the first large array

    starts = _starts(numbers, len(rows))
    matrix = csc_array((np.ones(len(numbers), rows.dtype), places, starts), shape=(count, len(rows)))
    return np.ascontiguousarray(matrix @ rows.reshape(len(rows), -1)).reshape(count, *rows.shape[1:])


def _is_large(rows: Any, taken: int) -> bool:
    return len(rows) > 0 and taken * (rows.size // len(rows)) >= _LARGE and rows.dtype.name in _DTYPES


def _starts(ascending: Any, count: int) -> Any:
    return np.concatenate([[0], np.cumsum(np.bincount(ascending, minlength=count))])


def _product(places: Any, rows: Any, count: int) -> Any:
    from scipy.sparse import csc_array  # heavy: loaded for the first large array

    ones = np.ones(len(rows), rows.dtype)
    matrix = csc_array((ones, places, np.arange(len(rows) + 1)), shape=(count, len(rows)))
    return np.ascontiguousarray(matrix @ rows)
