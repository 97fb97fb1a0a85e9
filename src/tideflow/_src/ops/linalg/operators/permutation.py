"""Operators that put the elements of vectors in another order."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape, shape_of
from tideflow._src.ops.linalg.operators.arguments import (
    broadcast_sizes,
    filled,
    given,
    is_reference,
    joined,
    known_sizes,
    maybe_adjoint,
    nothing,
    parameter,
    read,
)
from tideflow._src.ops.linalg.operators.base import LinearOperator
from tideflow._src.ops.scopes import name_scope

_LAST = np.int32(-1)


class LinearOperatorPermutation(LinearOperator):
    """Is a (batch of) matrices with a single 1 in each row: row ``i`` of a product is row ``perm[i]`` of the factor.

    Args:
      perm: permutations of ``0 ... N - 1``, integers (..., N): a tensor or a variable.
      dtype: the dtype of the elements.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: see ``LinearOperator``.
      name: the name scope of what the methods build.

    Raises:
      TypeError: ``perm`` does not hold integers.
      ValueError: ``perm`` is known to be no permutation, or a hint is wrong.
    """

    def __init__(
        self,
        perm: Any,
        dtype: Any = dtypes.float32,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorPermutation",
    ) -> None:
        parameters = given(locals())
        with name_scope(name, values=[perm]):
            self._perm = parameter(perm, name="perm")
            self._check_perm()
            if is_non_singular is False:
                raise ValueError("A Permutation operator is always non-singular, but is_non_singular is False.")
            if is_square is False:
                raise ValueError("A Permutation operator is always square, but is_square is False.")
            super().__init__(
                dtype, None, is_non_singular, is_self_adjoint, is_positive_definite, True, name, parameters
            )

    def _check_perm(self) -> None:
        perm = self._perm
        sizes = known_shape(perm)
        if sizes is not None and not sizes:
            raise ValueError(f"Argument `perm` must have at least 1 dimension. Received: {perm}.")
        if not perm.dtype.is_integer:
            raise TypeError(f"Argument `perm` must be integer dtype. Received: {perm}.")
        value = None if is_reference(perm) else static_value(perm)
        if value is not None and np.any(np.sort(value, axis=-1) != np.arange(value.shape[-1])):
            raise ValueError(
                f"Argument `perm` must hold each integer from 0 to {value.shape[-1] - 1} once. Received: {value}"
            )

    @property
    def perm(self) -> Any:
        """The permutations."""
        return self._perm

    def _shape(self) -> TensorShape:
        shape = self._perm.shape
        return shape.concatenate(shape[-1:])

    def _shape_tensor(self) -> Any:
        sizes = shape_of(read(self._perm))
        return joined(sizes, sizes[-1:])

    def _assert_non_singular(self) -> Any:
        return nothing()

    def _numbers(self) -> Any:
        perm = read(self._perm)
        size = self._size(-1)
        return raw.Cast(raw.Range(np.int32(0), size, np.int32(1)), DstT=perm.dtype)

    def _inverse_of(self, perm: Any) -> Any:
        """Returns the inverse permutations: where each number stands."""
        here = raw.Equal(raw.ExpandDims(perm, np.int32(-2)), raw.ExpandDims(self._numbers(), _LAST))
        return raw.ArgMax(raw.Cast(here, DstT=dtypes.int32), _LAST, output_type=dtypes.int32)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        perm = read(self._perm)
        x = maybe_adjoint(x, adjoint_arg)
        if adjoint and not self.is_self_adjoint:
            perm = self._inverse_of(perm)
        sizes = known_sizes(shape_of(x))
        rows = broadcast_sizes(known_sizes(sizes[:-1]), known_sizes(shape_of(perm)))
        whole = joined(rows, sizes[-1:])
        x, perm = raw.BroadcastTo(x, whole), raw.BroadcastTo(perm, rows)
        flat = raw.Reshape(x, joined(np.array([-1], np.int32), whole[-2:]))
        order = raw.Reshape(perm, joined(np.array([-1], np.int32), rows[-1:]))
        return raw.Reshape(raw.GatherV2(flat, order, np.int32(1), batch_dims=1), whole)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self._matmul(rhs, adjoint=not adjoint, adjoint_arg=adjoint_arg)

    def _log_abs_determinant(self) -> Any:
        return filled(0, self._batch_sizes(), self.dtype)

    def _to_dense(self) -> Any:
        return raw.Cast(raw.Equal(self._numbers(), raw.ExpandDims(read(self._perm), _LAST)), DstT=self.dtype)

    def _diag_part(self) -> Any:
        return raw.Cast(raw.Equal(self._numbers(), read(self._perm)), DstT=self.dtype)

    def _cond(self) -> Any:
        return filled(1, self._batch_sizes(), self.dtype)

    @property
    def _composite_tensor_fields(self) -> tuple[str, ...]:
        return "perm", "dtype"

    @property
    def _experimental_parameter_ndims_to_matrix_ndims(self) -> dict[str, Any]:
        return {"perm": 1}
