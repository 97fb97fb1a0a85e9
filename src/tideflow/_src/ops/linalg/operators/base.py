"""Defines ``LinearOperator``: a matrix, or a batch of them, known by what it does, not by its elements.

A class of operators gives ``_shape``, ``_shape_tensor`` and ``_matmul``, and whatever it can do faster than the
defaults here, which make the dense matrix. Products, inverses and adjoints of operators are operators again; the
``_linop_...`` methods choose their class, so that a product of diagonal matrices is diagonal.
"""

from __future__ import annotations

import abc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tideflow._src.core import dtypes, nest
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.type_spec import CompositeTensor
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.sequences import eye
from tideflow._src.ops.linalg.batches import adjoint as adjoint_of
from tideflow._src.ops.linalg.batches import diagonal_of
from tideflow._src.ops.linalg.functions import cholesky_solve
from tideflow._src.ops.linalg.operators import composite, hints, slicing
from tideflow._src.ops.linalg.operators.arguments import (
    check_dtype,
    check_size,
    is_known,
    is_reference,
    joined,
    magnitude,
    maybe_adjoint,
    number,
    read,
    real_part,
    require_all,
    require_equal,
    require_positive,
    sizes_of,
    solve_broadcast,
)
from tideflow._src.ops.linalg.operators.shapes import HasShape
from tideflow._src.ops.math.reduction_functions import reduce_max, reduce_min, reduce_sum
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

#: The classes of operators by name, without "LinearOperator": how they find each other.
_kinds: dict[str, Any] = {}


def kind(name: str) -> Any:
    """Returns a class of operators, such as that of ``"Diag"``."""
    return _kinds[name]


class LinearOperator(HasShape, CompositeTensor):
    """Is a (batch of) matrices ``A`` of shape ``[..., M, N]``, known by what it does.

    Args:
      dtype: the dtype of the elements.
      graph_parents: deprecated, without effect.
      is_non_singular: whether the matrices are regular; None if that is not known, as for all hints.
      is_self_adjoint: whether they equal their adjoints.
      is_positive_definite: whether the real part of ``x^H A x`` is positive for every ``x`` but 0.
      is_square: whether they are square.
      name: the name scope of what the methods build.
      parameters: the arguments of the constructor of the class.

    Raises:
      ValueError: the hints contradict each other.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__module__.startswith(__package__ or ""):
            _kinds[cls.__name__.removeprefix("LinearOperator")] = cls
        cls._spec_class = None

    _spec_class: Any = None

    def __init__(
        self,
        dtype: Any,
        graph_parents: Any = None,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str | None = None,
        parameters: Any = None,
    ) -> None:
        if is_positive_definite:
            if is_non_singular is False:
                raise ValueError("A positive definite matrix is always non-singular.")
            is_non_singular = True
        if is_non_singular:
            if is_square is False:
                raise ValueError("A non-singular matrix is always square.")
            is_square = True
        if is_self_adjoint:
            if is_square is False:
                raise ValueError("A self-adjoint matrix is always square.")
            is_square = True
        parents = [] if graph_parents is None else list(graph_parents)
        for position, item in enumerate(parents):
            if not (isinstance(item, Tensor) or is_reference(item)):
                raise ValueError(f"Graph parent item {position} is not a Tensor; {item}.")
        self._graph_parents = parents
        self._dtype = dtypes.as_dtype(dtype).base_dtype if dtype else dtype
        self._is_non_singular = is_non_singular
        self._is_self_adjoint = is_self_adjoint
        self._is_positive_definite = is_positive_definite
        self._is_square_set_or_implied_by_hints = is_square
        self._parameters = parameters
        self._name = name or type(self).__name__

    @contextmanager
    def _name_scope(self, name: str | None = None) -> Iterator[str]:
        with name_scope(self.name if name is None else f"{self.name}/{name}") as scope:
            yield scope

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}, shape={self.shape}, dtype={self.dtype.name}>"

    # What is known of it.

    @property
    def parameters(self) -> dict[str, Any]:
        """The arguments that the operator was made with."""
        return dict(self._parameters or {})

    @property
    def dtype(self) -> Any:
        """The dtype of the elements."""
        return self._dtype

    @property
    def name(self) -> str:
        """The name scope of what the methods build."""
        return self._name

    @property
    def graph_parents(self) -> list[Any]:
        """What the caller gave as ``graph_parents``, which is deprecated."""
        return self._graph_parents

    @property
    def is_non_singular(self) -> bool | None:
        """Whether the matrices are regular, if that is known."""
        return self._is_non_singular

    @property
    def is_self_adjoint(self) -> bool | None:
        """Whether the matrices equal their adjoints, if that is known."""
        return self._is_self_adjoint

    @property
    def is_positive_definite(self) -> bool | None:
        """Whether the matrices are positive definite, if that is known."""
        return self._is_positive_definite

    @property
    def is_square(self) -> bool | None:
        """Whether the matrices are square, if that is known.

        Raises:
          ValueError: the caller said that they are not, but they are.
        """
        hint = self._is_square_set_or_implied_by_hints
        rows, columns = self.range_dimension.value, self.domain_dimension.value
        known = None if rows is None or columns is None else rows == columns
        if hint is False and known:
            raise ValueError("User set is_square hint to False, but the operator was square.")
        return known if hint is None else hint

    # Its parts, as a module and as a composite tensor.

    @property
    def variables(self) -> tuple[Any, ...]:
        """The variables that the operator is made of."""
        found: list[Any] = []
        for value in nest.flatten(list(self.parameters.values())):
            items = value.variables if isinstance(value, LinearOperator) else [value] if is_reference(value) else []
            found.extend(item for item in items if all(item is not other for other in found))
        return tuple(found)

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """The variables that the operator is made of and that are trained."""
        return tuple(item for item in self.variables if getattr(item, "trainable", False))

    @property
    def non_trainable_variables(self) -> tuple[Any, ...]:
        """The variables that the operator is made of and that are not trained."""
        return tuple(item for item in self.variables if not getattr(item, "trainable", False))

    @property
    def submodules(self) -> tuple[Any, ...]:
        """The operators that this one is made of, and those that they are made of."""
        parts = [item for item in nest.flatten(list(self.parameters.values())) if isinstance(item, LinearOperator)]
        return tuple(found for part in parts for found in (part, *part.submodules))

    @property
    def _composite_tensor_fields(self) -> tuple[str, ...]:
        """The parameters besides hints and name; a class that gives none is one leaf to ``tf.nest``."""
        return ()

    @property
    def _composite_tensor_prefer_static_fields(self) -> tuple[str, ...]:
        return ()

    @property
    def _experimental_parameter_ndims_to_matrix_ndims(self) -> dict[str, Any]:
        """How many dimensions of each parameter are not of the batch."""
        return {}

    @property
    def _type_spec(self) -> Any:
        if type(self).__dict__.get("_spec_class") is None:
            type(self)._spec_class = composite.make_spec_class(type(self))
        return self._spec_class.from_operator(self)

    def _convert_variables_to_tensors(self) -> Any:
        spec = self._type_spec
        return spec._from_components(nest.map_structure(read, spec._to_components(self), expand_composites=True))

    def __getitem__(self, slices: Any) -> Any:
        return slicing.sliced(self, slices)

    # Assertions.

    def assert_non_singular(self, name: str = "assert_non_singular") -> Any:
        """Asserts that the matrices are regular, up to the precision of the dtype."""
        with self._name_scope(name):
            return self._assert_non_singular()

    def _assert_non_singular(self) -> Any:
        if self._can_use_cholesky():
            return self.assert_positive_definite()
        values = raw.Svd(self.to_dense(), compute_uv=False)[0]
        values = real_part(values)
        condition = raw.RealDiv(reduce_max(values, axis=-1), reduce_min(values, axis=-1))
        size = raw.Cast(raw.Max(joined([100, self._size(-1), self._size(-2)]), _ALL), DstT=values.dtype)
        epsilon = np.finfo(self.dtype.as_numpy_dtype).eps
        limit = raw.RealDiv(number(1.0 / float(epsilon), values), size)
        return require_all(raw.Less(condition, limit), "Singular matrix up to precision epsilon.", condition)

    def assert_positive_definite(self, name: str = "assert_positive_definite") -> Any:
        """Asserts that the matrices are positive definite."""
        with self._name_scope(name):
            return self._assert_positive_definite()

    def _assert_positive_definite(self) -> Any:
        if not self.is_self_adjoint:
            raise NotImplementedError("assert_positive_definite is not implemented.")
        diagonal = diagonal_of(raw.Cholesky(self.to_dense()))
        return require_positive(diagonal, "Matrix was not positive definite.")

    def assert_self_adjoint(self, name: str = "assert_self_adjoint") -> Any:
        """Asserts that the matrices equal their adjoints."""
        with self._name_scope(name):
            return self._assert_self_adjoint()

    def _assert_self_adjoint(self) -> Any:
        dense = self.to_dense()
        return require_equal(dense, adjoint_of(dense), "Matrix was not equal to its adjoint.")

    # Products.

    def _argument(self, value: Any, name: str) -> Any:
        """Returns an argument as a tensor of the dtype of the operator."""
        value = convert_to_tensor(value, name=name) if not isinstance(value, Tensor) else value
        check_dtype(self.dtype, value)
        return value

    def _static_size(self, axis: int) -> int | None:
        sizes = sizes_of(self.shape)
        return None if sizes is None else sizes[axis]

    def _pair(self, other: Any, adjoint: bool, adjoint_arg: bool, argument: str) -> tuple[Any, Any]:
        """Returns the two factors of a product of operators, which must fit."""
        left = self.adjoint() if adjoint else self
        right = other.adjoint() if adjoint_arg else other
        columns, rows = left.domain_dimension.value, right.range_dimension.value
        if None not in (columns, rows) and columns != rows:
            raise ValueError(
                f"Operators are incompatible. Expected `{argument}` to have dimension {columns} but got {rows}."
            )
        return left, right

    @abc.abstractmethod
    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        """Multiplies the matrices, or their adjoints, with those of a tensor, or their adjoints."""

    def matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "matmul") -> Any:
        """Multiplies the operator with matrices, or with another operator.

        Args:
          x: a tensor (..., N, R) of the same dtype, or an operator.
          adjoint: whether to multiply with the adjoint of the operator.
          adjoint_arg: whether to use the adjoint of ``x``.
          name: the name scope of the nodes.

        Returns:
          A tensor (..., M, R), or an operator.

        Raises:
          TypeError: the dtypes differ.
          ValueError: the shapes do not fit.
        """
        if isinstance(x, LinearOperator):
            left, right = self._pair(x, adjoint, adjoint_arg, "x")
            with self._name_scope(name):
                return left._linop_matmul(left, right)
        with self._name_scope(name):
            x = self._argument(x, "x")
            check_size(self._static_size(-2 if adjoint else -1), x, -1 if adjoint_arg else -2)
            return self._matmul(x, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _linop_matmul(self, left_operator: Any, right_operator: Any) -> Any:
        if isinstance(right_operator, kind("Identity")):
            return left_operator
        if isinstance(right_operator, kind("Zeros")):
            if not right_operator.is_square or not left_operator.is_square:
                raise ValueError("Matmul with non-square `LinearOperatorZeros` or operators is not supported.")
            return right_operator
        operators = [left_operator, right_operator]
        return kind("Composition")(operators, **hints.product_hints(left_operator, right_operator))

    def __matmul__(self, other: Any) -> Any:
        return self.matmul(other)

    def __rmatmul__(self, other: Any) -> Any:
        product = self.matmul(other, adjoint=True, adjoint_arg=True)
        return adjoint_of(product)

    def _matvec(self, x: Any, adjoint: bool = False) -> Any:
        return raw.Squeeze(self.matmul(raw.ExpandDims(x, _LAST), adjoint=adjoint), squeeze_dims=[-1])

    def matvec(self, x: Any, adjoint: bool = False, name: str = "matvec") -> Any:
        """Multiplies the operator, or its adjoint, with vectors (..., N).

        Raises:
          TypeError: the dtypes differ.
          ValueError: the shapes do not fit.
        """
        with self._name_scope(name):
            x = self._argument(x, "x")
            check_size(self._static_size(-2 if adjoint else -1), x, -1)
            return self._matvec(x, adjoint=adjoint)

    # Solutions.

    def _check_solvable(self) -> None:
        if self.is_non_singular is False:
            raise NotImplementedError("Exact solve not implemented for an operator that is expected to be singular.")
        if self.is_square is False:
            raise NotImplementedError("Exact solve not implemented for an operator that is expected to not be square.")

    def _dense_solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        rhs = maybe_adjoint(rhs, adjoint_arg)
        if self._can_use_cholesky():
            return cholesky_solve(raw.Cholesky(self.to_dense()), rhs)
        return solve_broadcast(self.to_dense(), rhs, adjoint=adjoint)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self._dense_solve(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "solve") -> Any:
        """Solves ``A X = rhs``, exactly up to rounding.

        Args:
          rhs: a tensor (..., M, R) of the same dtype, or an operator.
          adjoint: whether to solve with the adjoint of the operator.
          adjoint_arg: whether to use the adjoint of ``rhs``.
          name: the name scope of the nodes.

        Returns:
          A tensor (..., N, R), or an operator.

        Raises:
          NotImplementedError: the operator is known to be singular or not square.
        """
        self._check_solvable()
        if isinstance(rhs, LinearOperator):
            left, right = self._pair(rhs, adjoint, adjoint_arg, "rhs")
            with self._name_scope(name):
                return left._linop_solve(left, right)
        with self._name_scope(name):
            rhs = self._argument(rhs, "rhs")
            check_size(self._static_size(-1 if adjoint else -2), rhs, -1 if adjoint_arg else -2)
            return self._solve(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _linop_solve(self, left_operator: Any, right_operator: Any) -> Any:
        if isinstance(right_operator, kind("Identity")):
            return left_operator.inverse()
        operators = [kind("Inversion")(left_operator), right_operator]
        return kind("Composition")(operators, **hints.product_hints(left_operator, right_operator))

    def _solvevec(self, rhs: Any, adjoint: bool = False) -> Any:
        return raw.Squeeze(self.solve(raw.ExpandDims(rhs, _LAST), adjoint=adjoint), squeeze_dims=[-1])

    def solvevec(self, rhs: Any, adjoint: bool = False, name: str = "solve") -> Any:
        """Solves ``A x = rhs`` for vectors (..., M).

        Raises:
          NotImplementedError: the operator is known to be singular or not square.
        """
        with self._name_scope(name):
            rhs = self._argument(rhs, "rhs")
            check_size(self._static_size(-1 if adjoint else -2), rhs, -1)
            return self._solvevec(rhs, adjoint=adjoint)

    # Operators made of it.

    def adjoint(self, name: str = "adjoint") -> LinearOperator:
        """Returns the adjoint: the operator itself if it is known to be self-adjoint."""
        if self.is_self_adjoint is True:
            return self
        with self._name_scope(name):
            return self._linop_adjoint()

    H = property(adjoint, None, None, "The adjoint of the operator.")

    def _linop_adjoint(self) -> Any:
        return kind("Adjoint")(self, **{**hints.hints_of(self), "is_square": self.is_square})

    def inverse(self, name: str = "inverse") -> LinearOperator:
        """Returns the inverse.

        Raises:
          ValueError: the operator is known to be singular or not square.
        """
        if self.is_square is False:
            raise ValueError("Cannot take the Inverse: This operator represents a non square matrix.")
        if self.is_non_singular is False:
            raise ValueError("Cannot take the Inverse: This operator represents a singular matrix.")
        with self._name_scope(name):
            return self._linop_inverse()

    def _linop_inverse(self) -> Any:
        return kind("Inversion")(self, **{**hints.hints_of(self), "is_square": self.is_square})

    def cholesky(self, name: str = "cholesky") -> LinearOperator:
        """Returns the lower triangular factor ``L`` of ``A = L L^H``.

        Raises:
          ValueError: the operator is not known to be self-adjoint and positive definite.
        """
        if not self._can_use_cholesky():
            raise ValueError("Cannot take the Cholesky decomposition: Not a positive definite self adjoint matrix.")
        with self._name_scope(name):
            return self._linop_cholesky()

    def _linop_cholesky(self) -> Any:
        factor = raw.Cholesky(self.to_dense())
        return kind("LowerTriangular")(factor, is_non_singular=True, is_self_adjoint=False, is_square=True)

    # Numbers.

    def _can_use_cholesky(self) -> bool:
        return bool(self.is_self_adjoint and self.is_positive_definite)

    def _check_square_for_determinant(self) -> None:
        if self.is_square is False:
            raise NotImplementedError("Determinant not implemented for an operator that is expected to not be square.")

    def _determinant(self) -> Any:
        if self._can_use_cholesky():
            return raw.Exp(self.log_abs_determinant())
        return raw.MatrixDeterminant(self.to_dense())

    def determinant(self, name: str = "det") -> Any:
        """Computes the determinants.

        Raises:
          NotImplementedError: the operator is known not to be square.
        """
        self._check_square_for_determinant()
        with self._name_scope(name):
            return self._determinant()

    def _log_abs_determinant(self) -> Any:
        if self._can_use_cholesky():
            total = reduce_sum(raw.Log(diagonal_of(raw.Cholesky(self.to_dense()))), axis=[-1])
            return raw.Mul(number(2, total), total)
        return raw.LogMatrixDeterminant(self.to_dense())[1]

    def log_abs_determinant(self, name: str = "log_abs_det") -> Any:
        """Computes the logarithms of the magnitudes of the determinants.

        Raises:
          NotImplementedError: the operator is known not to be square.
        """
        self._check_square_for_determinant()
        with self._name_scope(name):
            return self._log_abs_determinant()

    def _to_dense(self) -> Any:
        batch, size = self._batch_sizes(), self._size(-1)
        return self.matmul(eye(size, batch_shape=batch if not is_known(batch) else batch.tolist(), dtype=self.dtype))

    def to_dense(self, name: str = "to_dense") -> Any:
        """Returns the matrices as a tensor (..., M, N)."""
        with self._name_scope(name):
            return self._to_dense()

    def _diag_part(self) -> Any:
        return diagonal_of(self.to_dense())

    def diag_part(self, name: str = "diag_part") -> Any:
        """Returns the diagonals, (..., min(M, N))."""
        with self._name_scope(name):
            return self._diag_part()

    def _trace(self) -> Any:
        return reduce_sum(self.diag_part(), axis=-1)

    def trace(self, name: str = "trace") -> Any:
        """Sums the diagonals."""
        with self._name_scope(name):
            return self._trace()

    def _add_to_tensor(self, x: Any) -> Any:
        return raw.AddV2(self.to_dense(), x)

    def add_to_tensor(self, x: Any, name: str = "add_to_tensor") -> Any:
        """Adds the matrices to those of a tensor of the same dtype."""
        with self._name_scope(name):
            return self._add_to_tensor(self._argument(x, "x"))

    def _eigvals(self) -> Any:
        return raw.SelfAdjointEigV2(self.to_dense(), compute_v=False)[0]

    def eigvals(self, name: str = "eigvals") -> Any:
        """Computes the eigenvalues of a self-adjoint operator, in no fixed order.

        Raises:
          NotImplementedError: the operator is not known to be self-adjoint.
        """
        if not self.is_self_adjoint:
            raise NotImplementedError("Only self-adjoint matrices are supported.")
        with self._name_scope(name):
            return self._eigvals()

    def _cond(self) -> Any:
        if self.is_self_adjoint:
            values = magnitude(self._eigvals())
        else:
            values = real_part(raw.Svd(self.to_dense(), compute_uv=False)[0])
        return raw.RealDiv(reduce_max(values, axis=-1), reduce_min(values, axis=-1))

    def cond(self, name: str = "cond") -> Any:
        """Computes the condition numbers: the greatest singular value divided by the least."""
        with self._name_scope(name):
            return self._cond()


_LAST = np.int32(-1)
_ALL = np.array([0], np.int32)
