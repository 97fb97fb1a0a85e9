"""Defines ``RaggedTensorValue``, a ragged tensor as NumPy arrays: what a run returns, and can be fed, for one."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from tideflow._src.ops.ragged import taking_over


class RaggedTensorValue:
    """Is the value of a ragged tensor as NumPy arrays.

    Args:
      values: the values of all rows, one after another: an array, or the value of a ragged tensor.
      row_splits: an int32 or int64 vector; row ``i`` is ``values[row_splits[i]:row_splits[i + 1]]``.

    Raises:
      TypeError: an argument is not of such a kind.
      ValueError: the splits of ``values`` have another type.
    """

    def __init__(self, values: Any, row_splits: Any) -> None:
        if not taking_over.loaded:
            taking_over.load()
        if not (
            isinstance(row_splits, np.ndarray | np.generic)
            and row_splits.dtype in (np.int64, np.int32)
            and row_splits.ndim == 1
        ):
            raise TypeError("row_splits must be a 1D int32 or int64 numpy array")
        if not isinstance(values, np.ndarray | np.generic | RaggedTensorValue):
            raise TypeError("values must be a numpy array or a RaggedTensorValue")
        if isinstance(values, RaggedTensorValue) and row_splits.dtype != values.row_splits.dtype:
            raise ValueError("row_splits and values.row_splits must have the same dtype")
        self._values = values
        self._row_splits = row_splits

    @property
    def row_splits(self) -> Any:
        """Where rows begin and end, a vector."""
        return self._row_splits

    @property
    def values(self) -> Any:
        """The values of all rows, one after another."""
        return self._values

    @property
    def dtype(self) -> Any:
        """NumPy's type of the elements."""
        return self._values.dtype

    @property
    def flat_values(self) -> Any:
        """The elements of all rows of all levels, as an array."""
        return self._values.flat_values if isinstance(self._values, RaggedTensorValue) else self._values

    @property
    def nested_row_splits(self) -> tuple[Any, ...]:
        """The row splits of all levels, the outermost first."""
        inner = self._values.nested_row_splits if isinstance(self._values, RaggedTensorValue) else ()
        return (self._row_splits, *inner)

    @property
    def ragged_rank(self) -> int:
        """The number of levels."""
        return len(self.nested_row_splits)

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape, with None where lengths differ."""
        return (self._row_splits.shape[0] - 1, None, *self._values.shape[1:])

    def to_list(self) -> list[Any]:
        """Returns the rows as nested lists."""
        return rows_as_lists(self.flat_values, self.nested_row_splits)

    def __str__(self) -> str:
        return f"<tf.RaggedTensorValue {self.to_list()}>"

    def __repr__(self) -> str:
        return f"tf.RaggedTensorValue(values={self._values!r}, row_splits={self._row_splits!r})"


def rows_as_lists(flat_values: Any, nested_row_splits: Any) -> list[Any]:
    """Returns the rows that splits of several levels cut an array into, as nested lists."""
    rows = flat_values.tolist()
    for splits in reversed(nested_row_splits):
        bounds = splits.tolist()
        rows = [rows[start:limit] for start, limit in itertools.pairwise(bounds)]
    return rows  # type: ignore[no-any-return]


def value_of_components(components: list[Any]) -> Any:
    """Returns the value that consists of the splits of all levels, the outermost first, and the elements."""
    *splits, value = components
    for each in reversed(splits):
        value = RaggedTensorValue(value, each)
    return value
