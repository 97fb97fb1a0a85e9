"""What identities, scaled identities and zeros share: they are given by numbers of rows and a shape of the batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape, shape_of
from tideflow._src.ops.linalg.operators.arguments import (
    broadcast_sizes,
    is_known,
    joined,
    known_sizes,
    reject_reference,
    require_all,
)
from tideflow._src.ops.linalg.operators.base import LinearOperator
from tideflow._src.runtime.convert import convert_to_tensor


class CountedOperator(LinearOperator):
    """Is an operator that is given by sizes."""

    _batch_shape_arg: Any = None
    _assert_proper_shapes = False

    def _read_size(self, value: Any, name: str) -> Any:
        """Returns a number of rows or columns: an array if it is known, else a tensor.

        Raises:
          TypeError: it is a variable, or no integer.
          ValueError: it is no scalar, or negative.
        """
        return self._checked(value, name, 0, "0-D")

    def _read_batch(self, value: Any) -> Any:
        """Returns the shape of the batch: None if there is none, an array if it is known, else a tensor."""
        if value is None:
            return None
        if isinstance(value, TensorShape):
            value = value.as_list()
        if isinstance(value, list | tuple) and not value:
            return np.zeros(0, np.int32)
        return self._checked(value, "batch_shape", 1, "1-D")

    def _checked(self, value: Any, name: str, rank: int, described: str) -> Any:
        reject_reference(value, name)
        tensor = convert_to_tensor(value, name=name)
        if not tensor.dtype.is_integer:
            raise TypeError(f"Argument {name} must be integer type.  Found: {tensor!s}")
        shape = known_shape(tensor)
        if shape is not None and len(shape) != rank:
            raise ValueError(f"Argument {name} must be a {described} Tensor. Found: {tensor!s}")
        sizes = known_sizes(tensor)
        if is_known(sizes):
            if np.any(sizes < 0):
                raise ValueError(f"Argument {name} must be non-negative. Found: {sizes}")
            return sizes
        sizes = raw.Cast(sizes, DstT="int32")
        if self._assert_proper_shapes:
            with _after([require_all(raw.GreaterEqual(sizes, np.int32(0)), f"Argument {name} must be non-negative.")]):
                sizes = raw.Identity(sizes)
        return sizes

    def _given_batch(self) -> Any:
        return np.zeros(0, np.int32) if self._batch_shape_arg is None else self._batch_shape_arg

    def _static_batch(self) -> TensorShape:
        batch = self._given_batch()
        if is_known(batch):
            return TensorShape(batch.tolist())
        shape = known_shape(batch)
        return TensorShape(None if shape is None or shape[0] is None else [None] * shape[0])

    def _with_checked_rows(self, x: Any) -> Any:
        """Returns a tensor; if asked for, only after its number of rows was compared with that of the columns."""
        if not self._assert_proper_shapes:
            return x
        rows = shape_of(x)[-2]
        message = "Dimensions are not compatible: shape[-2] of the argument must be the same as this operator's."
        columns = self._size(-1)
        columns = np.int32(columns) if isinstance(columns, int) else columns
        with _after([require_all(raw.Equal(columns, rows), message)]):
            return raw.Identity(x)

    def _broadcast_to_batch(self, x: Any) -> Any:
        """Broadcasts matrices to the batch of the operator."""
        if self._batch_shape_arg is None:
            return x
        sizes = shape_of(x)
        wanted = joined(broadcast_sizes(known_sizes(sizes[:-2]), known_sizes(self._given_batch())), sizes[-2:])
        if is_known(wanted) and is_known(known_sizes(sizes)) and tuple(wanted) == tuple(known_sizes(sizes)):
            return x
        return raw.BroadcastTo(x, wanted)

    def _least_size(self) -> Any:
        """Returns the length of the diagonal."""
        rows, columns = self._size(-2), self._size(-1)
        if isinstance(rows, int) and isinstance(columns, int):
            return min(rows, columns)
        return raw.Minimum(rows, columns)

    def _diagonal_sizes(self) -> Any:
        return joined(self._batch_sizes(), [self._least_size()])

    def _sliced_batch(self, slices: Any) -> Any:
        if self._batch_shape_arg is None:
            raise ValueError(
                f"The operator {self.name!r} was made without a batch_shape, so that there is no batch to slice."
            )
        batch = self._given_batch()
        if is_known(batch):
            try:
                return np.array(np.empty(tuple(batch), np.bool_)[slices].shape, np.int32)
            except IndexError as error:
                raise InvalidArgumentError(None, None, f"Cannot slice a batch of shape {batch}: {error}") from None
        return raw.Shape(raw.Fill(batch, np.float32(1))[slices])

    @property
    def _composite_tensor_prefer_static_fields(self) -> tuple[str, ...]:
        return ("num_rows", "num_columns", "batch_shape")


@contextmanager
def _after(assertions: list[Any]) -> Iterator[None]:
    """Opens a scope in which what is built comes after assertions; eagerly they have run."""
    operations = [item for item in assertions if item is not None]
    if not operations:
        yield
        return
    with operations[0].graph.control_dependencies(operations):
        yield
