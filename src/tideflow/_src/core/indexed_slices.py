"""Defines ``IndexedSlices``: some rows of a larger tensor, as the gradient of a gather is."""

from __future__ import annotations

from typing import Any

from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor_shape import TensorShape


class IndexedSlices:
    """Is a sparse stand-in for a tensor: ``dense[indices[i]]`` is the sum of the ``values[i]`` with that index.

    Args:
      values: the slices, of shape ``[n, ...]``.
      indices: the index of each slice in the first dimension, an integer tensor of shape ``[n]``.
      dense_shape: the shape of the dense tensor, a vector, or None if it is not known.
    """

    __slots__ = ("_values", "_indices", "_dense_shape", "__weakref__")

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None) -> None:
        self._values = values
        self._indices = indices
        self._dense_shape = dense_shape

    @property
    def values(self) -> Any:
        """The slices."""
        return self._values

    @property
    def indices(self) -> Any:
        """The index of each slice."""
        return self._indices

    @property
    def dense_shape(self) -> Any:
        """The shape of the dense tensor as a tensor, or None."""
        return self._dense_shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._values.dtype  # type: ignore[no-any-return]

    @property
    def shape(self) -> TensorShape:
        """The shape of the dense tensor, as far as it is known."""
        rest = self._values.shape[1:]
        first = None
        known = getattr(self._dense_shape, "_value", None)
        if known is None:
            known = getattr(self._dense_shape, "_static", None)
        if known is not None:
            first = int(known[0])
        return TensorShape([first]).concatenate(rest)

    @property
    def name(self) -> str:
        """The name of the values."""
        return str(self._values.name)

    @property
    def device(self) -> str:
        """The device of the values."""
        return str(self._values.device)

    @property
    def op(self) -> Any:
        """The operation that produces the values."""
        return self._values.op

    @property
    def graph(self) -> Any:
        """The graph that the values belong to."""
        return self._values.graph

    def consumers(self) -> list[Any]:
        """Returns the operations that take the values."""
        return list(self._values.consumers())

    def __neg__(self) -> IndexedSlices:
        return IndexedSlices(-self._values, self._indices, self._dense_shape)

    def __str__(self) -> str:
        dense = "" if self._dense_shape is None else f", dense_shape={self._dense_shape!s}"
        return f"IndexedSlices(indices={self._indices!s}, values={self._values!s}{dense})"
