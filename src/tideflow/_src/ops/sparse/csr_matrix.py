"""Defines ``CSRMatrix``, the value of a sparse matrix, or batch of those, in compressed rows: a variant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.core.variant_array import Variant, items_of


class CSRMatrix(Variant):
    """Is a sparse matrix or a batch of those: for each one where its rows begin, its columns and its values.

    Attributes:
      sizes: the shape, of length 2, or 3 for a batch.
      row_pointers: for each matrix a vector of ``rows + 1`` numbers, ``int32``.
      columns: for each matrix the columns of its values, ``int32``.
      values: for each matrix its values, in the order of rows.
      element_dtype: the dtype of the values.
    """

    __slots__ = ("columns", "element_dtype", "row_pointers", "sizes", "values")

    def __init__(
        self,
        element_dtype: DType,
        sizes: tuple[int, ...],
        row_pointers: list[Any],
        columns: list[Any],
        values: list[Any],
    ) -> None:
        self.element_dtype, self.sizes = element_dtype, sizes
        self.row_pointers, self.columns, self.values = row_pointers, columns, values

    @classmethod
    def of_positions(cls, indices: Any, values: Any, sizes: tuple[int, ...]) -> CSRMatrix:
        """Returns the matrix with values at positions, which were checked; those of a row stay in their order."""
        is_batch = len(sizes) == 3
        count, rows = (sizes[0] if is_batch else 1), sizes[-2]
        row, column = indices[:, -2], indices[:, -1].astype(np.int32)
        cuts = np.searchsorted(indices[:, 0], np.arange(count + 1)) if is_batch else np.array([0, len(indices)])
        parts = [slice(begin, end) for begin, end in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)]
        pointers = [_pointers(row[part], rows) for part in parts]
        return cls(
            dtypes.as_dtype(values.dtype), sizes, pointers, [column[part] for part in parts], [values[p] for p in parts]
        )

    @classmethod
    def of_scipy(cls, like: CSRMatrix, matrices: list[Any]) -> CSRMatrix:
        """Returns the batch (or the one) of SciPy's matrices, of the dtype and rank of another one."""
        rows, columns = matrices[0].shape if matrices else like.sizes[-2:]
        return cls(
            like.element_dtype,
            (*like.sizes[:-2], rows, columns),
            [matrix.indptr.astype(np.int32) for matrix in matrices],
            [matrix.indices.astype(np.int32) for matrix in matrices],
            [matrix.data.astype(like.element_dtype.as_numpy_dtype) for matrix in matrices],
        )

    def scipy(self) -> list[Any]:
        """Returns each matrix as SciPy's."""
        from scipy.sparse import csr_array  # heavy: loaded with the first product

        return [
            csr_array((values, columns, pointers), shape=self.sizes[-2:])
            for values, columns, pointers in zip(self.values, self.columns, self.row_pointers, strict=True)
        ]

    def with_values(self, values: list[Any]) -> CSRMatrix:
        """Returns the matrix with other values in the same places."""
        return CSRMatrix(self.element_dtype, self.sizes, self.row_pointers, self.columns, values)

    def rows(self, number: int) -> Any:
        """Returns the row of each value of one matrix."""
        return np.repeat(np.arange(self.sizes[-2]), np.diff(self.row_pointers[number]))

    def positions(self) -> Any:
        """Returns the position of every value, one in each row."""
        parts = []
        for number, columns in enumerate(self.columns):
            batch = [np.full(len(columns), number)] if len(self.sizes) == 3 else []
            parts.append(np.stack([*batch, self.rows(number), columns], 1))
        return np.concatenate(parts).astype(np.int64) if parts else np.zeros((0, len(self.sizes)), np.int64)

    def all_values(self) -> Any:
        """Returns the values of all matrices."""
        return np.concatenate([np.zeros(0, self.element_dtype.as_numpy_dtype), *self.values])

    def dense(self) -> Any:
        """Returns the matrix with all its zeros."""
        result = np.zeros(self.sizes, self.element_dtype.as_numpy_dtype)
        result[tuple(self.positions().T)] = self.all_values()
        return result

    def __repr__(self) -> str:
        return f"<CSRMatrix(dtype={self.element_dtype.name}, shape={list(self.sizes)})>"

    def __add__(self, other: Any) -> CSRMatrix:
        if not isinstance(other, CSRMatrix):
            return NotImplemented
        return added(self, other, 1, 1)

    def zeros_like(self) -> CSRMatrix:
        """Returns a matrix of the same shape without values."""
        return zeros(self.element_dtype, self.sizes)


def _pointers(rows: Any, count: int) -> Any:
    return np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=count))]).astype(np.int32)


def zeros(dtype: DType, sizes: tuple[int, ...]) -> CSRMatrix:
    """Returns a matrix without values."""
    count = sizes[0] if len(sizes) == 3 else 1
    empty = np.zeros(0, dtype.as_numpy_dtype)
    pointers = np.zeros(sizes[-2] + 1, np.int32)
    return CSRMatrix(dtype, sizes, [pointers] * count, [np.zeros(0, np.int32)] * count, [empty] * count)


def added(a: CSRMatrix, b: CSRMatrix, alpha: Any, beta: Any) -> CSRMatrix:
    """Returns ``alpha * a + beta * b``, with a value wherever one of them has one."""
    if a.sizes != b.sizes:
        raise invalid_argument(f"The shapes of a and b must match, saw: {list(a.sizes)} vs. {list(b.sizes)}")
    kind = a.element_dtype.as_numpy_dtype
    columns = a.sizes[-1]
    pointers, places, values = [], [], []
    for number in range(len(a.values)):
        keys = [matrix.rows(number) * columns + matrix.columns[number] for matrix in (a, b)]
        every, inverse = np.unique(np.concatenate(keys), return_inverse=True)
        total = np.zeros(len(every), kind)
        np.add.at(total, inverse.reshape(-1), np.concatenate([a.values[number] * alpha, b.values[number] * beta]))
        pointers.append(_pointers(every // max(columns, 1), a.sizes[-2]))
        places.append((every % max(columns, 1)).astype(np.int32))
        values.append(total.astype(kind))
    return CSRMatrix(a.element_dtype, a.sizes, pointers, places, values)


def matrix_of(variant: Any, name: str = "input") -> CSRMatrix:
    """Returns the matrix that a variant holds.

    Raises:
      InvalidArgumentError: it holds something else.
    """
    items = items_of(variant)
    if len(items) != 1 or not isinstance(items[0], CSRMatrix):
        kind = type(items[0]).__name__ if items else "nothing"
        raise invalid_argument(f"Variant {name} does not hold a CSRSparseMatrix, but {kind}")
    return items[0]


def mapped(matrix: CSRMatrix, function: Callable[[Any], Any]) -> CSRMatrix:
    """Returns what a function of SciPy's matrices makes of each."""
    return CSRMatrix.of_scipy(matrix, [function(item) for item in matrix.scipy()])
