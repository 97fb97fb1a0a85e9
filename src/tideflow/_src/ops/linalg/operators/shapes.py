"""The sizes of linear operators, where they are known and where only a run tells."""

from __future__ import annotations

import abc
from typing import Any

import numpy as np

from tideflow._src.core.dimension import Dimension
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.linalg.operators.arguments import (
    Sizes,
    is_known,
    known_sizes,
    sizes_of,
)
from tideflow._src.runtime.convert import convert_to_tensor


class HasShape(abc.ABC):
    """Is what has the shape of a batch of matrices: a class gives ``_shape`` and ``_shape_tensor``."""

    @abc.abstractmethod
    def _name_scope(self, name: str | None = None) -> Any:
        """Returns the scope of the nodes that a method adds."""

    @abc.abstractmethod
    def _shape(self) -> TensorShape:
        """Returns the static shape."""

    def _shape_tensor(self) -> Any:
        raise NotImplementedError("_shape_tensor is not implemented.")

    def _sizes(self) -> Sizes:
        """Returns the shape as an array where it is known, else as a tensor."""
        shape = self.shape
        return known_sizes(shape.as_list() if shape.is_fully_defined() else self._shape_tensor())

    def _batch_sizes(self) -> Sizes:
        batch = self.batch_shape
        return np.array(batch.as_list(), np.int32) if batch.is_fully_defined() else self._sizes()[:-2]

    def _size(self, axis: int) -> Any:
        """Returns one size as an integer where it is known, else as a scalar tensor."""
        static = sizes_of(self.shape)
        known = None if static is None else static[axis]
        if known is not None:
            return known
        sizes = self._sizes()
        return int(sizes[axis]) if is_known(sizes) else sizes[axis]

    @property
    def shape(self) -> TensorShape:
        """The static shape ``[..., M, N]``."""
        return self._shape()

    def shape_tensor(self, name: str = "shape_tensor") -> Any:
        """Returns the shape as a tensor."""
        with self._name_scope(name):
            return convert_to_tensor(self._sizes())

    @property
    def batch_shape(self) -> TensorShape:
        """The static shape without the last two dimensions."""
        return self.shape[:-2]

    def batch_shape_tensor(self, name: str = "batch_shape_tensor") -> Any:
        """Returns the shape of the batch as a tensor."""
        with self._name_scope(name):
            return convert_to_tensor(self._batch_sizes())

    @property
    def tensor_rank(self) -> int | None:
        """The rank of the dense tensor, if it is known."""
        return self.shape.rank

    def tensor_rank_tensor(self, name: str = "tensor_rank_tensor") -> Any:
        """Returns the rank of the dense tensor as a tensor."""
        with self._name_scope(name):
            rank = self.tensor_rank
            return raw.Size(self._sizes()) if rank is None else convert_to_tensor(rank)

    @property
    def domain_dimension(self) -> Dimension:
        """The number of columns."""
        sizes = sizes_of(self.shape)
        return Dimension(None if sizes is None else sizes[-1])

    def domain_dimension_tensor(self, name: str = "domain_dimension_tensor") -> Any:
        """Returns the number of columns as a tensor."""
        with self._name_scope(name):
            return convert_to_tensor(self._size(-1))

    @property
    def range_dimension(self) -> Dimension:
        """The number of rows."""
        sizes = sizes_of(self.shape)
        return Dimension(None if sizes is None else sizes[-2])

    def range_dimension_tensor(self, name: str = "range_dimension_tensor") -> Any:
        """Returns the number of rows as a tensor."""
        with self._name_scope(name):
            return convert_to_tensor(self._size(-2))
