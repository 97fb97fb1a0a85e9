"""Operators that are circulant matrices: convolutions on a circle, a torus, or in three dimensions.

The discrete Fourier transform makes them diagonal; the spectrum holds the diagonals.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape, shape_of
from tideflow._src.ops.linalg.batches import transposed
from tideflow._src.ops.linalg.operators.arguments import (
    broadcast_sizes,
    cast,
    conjugated,
    given,
    joined,
    known_sizes,
    magnitude,
    maybe_adjoint,
    number,
    parameter,
    read,
    real_part,
    require_all,
    require_nonzero,
    require_positive,
    require_real,
    sizes_of,
)
from tideflow._src.ops.linalg.operators.base import LinearOperator
from tideflow._src.ops.linalg.operators.hints import commuting, hints_of
from tideflow._src.ops.math.reduction_functions import reduce_max, reduce_min, reduce_prod, reduce_sum
from tideflow._src.ops.scopes import name_scope

_ANY = np.array([-1], np.int32)
_TRANSFORMS = {1: ("FFT", "IFFT"), 2: ("FFT2D", "IFFT2D"), 3: ("FFT3D", "IFFT3D")}


def _as_complex(x: Any) -> Any:
    if x.dtype.is_complex:
        return x
    return raw.Cast(x, DstT=dtypes.complex128 if x.dtype == dtypes.float64 else dtypes.complex64)


class BlockCirculant(LinearOperator):
    """Is what circulant operators of one, two and three dimensions share.

    Args:
      spectrum: the Fourier transform of the first column, reshaped to the block shape: a tensor or a variable.
      block_depth: how many dimensions the transform has.
      input_output_dtype: the dtype of the elements.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: see ``LinearOperator``.
      name: the name scope of what the methods build.
      parameters: the arguments of the constructor.

    Raises:
      ValueError: the spectrum has less dimensions than the transform, or a hint is wrong.
    """

    def __init__(
        self,
        spectrum: Any,
        block_depth: int,
        input_output_dtype: Any = dtypes.complex64,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = True,
        parameters: Any = None,
        name: str = "LinearOperatorCirculant",
    ) -> None:
        if block_depth not in _TRANSFORMS:
            raise ValueError(f"Argument `block_depth` must be one of [1, 2, 3]. Received: {block_depth}.")
        self._block_depth = block_depth
        with name_scope(name, values=[spectrum]):
            self._spectrum = parameter(spectrum, name="spectrum")
            sizes = known_shape(self._spectrum)
            if sizes is not None and len(sizes) < block_depth:
                raise ValueError(
                    f"Argument `spectrum` must have at least {block_depth} dimensions. Received: {self._spectrum}."
                )
            if not self._spectrum.dtype.is_complex:
                if is_self_adjoint is False:
                    raise ValueError(
                        "A real spectrum always corresponds to a self-adjoint operator, but is_self_adjoint is False."
                    )
                is_self_adjoint = True
            if is_square is False:
                raise ValueError("A [[nested] block] circulant operator is always square, but is_square is False.")
            super().__init__(
                dtypes.as_dtype(input_output_dtype),
                None,
                is_non_singular,
                is_self_adjoint,
                is_positive_definite,
                True,
                name,
                parameters,
            )

    def _like(self, spectrum: Any, hints: dict[str, bool | None]) -> Any:
        """Returns an operator of this class with another spectrum."""
        return type(self)(spectrum, input_output_dtype=self.dtype, **hints)

    @property
    def spectrum(self) -> Any:
        """The Fourier transform of the first column, reshaped to the block shape."""
        return self._spectrum

    @property
    def block_depth(self) -> int:
        """How many dimensions the Fourier transform has."""
        return self._block_depth

    @property
    def block_shape(self) -> TensorShape:
        """The static shape of a vector before it was flattened."""
        return self._spectrum.shape[-self._block_depth :]  # type: ignore[no-any-return]

    def _block_sizes(self) -> Any:
        return known_sizes(shape_of(read(self._spectrum)))[-self._block_depth :]

    def block_shape_tensor(self) -> Any:
        """Returns the shape of a vector before it was flattened, as a tensor."""
        return raw.Identity(self._block_sizes())

    def convolution_kernel(self, name: str = "convolution_kernel") -> Any:
        """Returns the first column, reshaped to the block shape: the inverse transform of the spectrum."""
        with self._name_scope(name):
            return cast(self._transform(_as_complex(read(self._spectrum)), inverse=True), self.dtype)

    def _transform(self, x: Any, *, inverse: bool = False) -> Any:
        return getattr(raw, _TRANSFORMS[self._block_depth][inverse])(x)

    def _shape(self) -> TensorShape:
        sizes = sizes_of(self._spectrum.shape)
        if sizes is None:
            return TensorShape(None)
        block = sizes[-self._block_depth :]
        size = None if None in block else int(np.prod(block, dtype=np.int64))  # type: ignore[arg-type]
        return TensorShape([*sizes[: -self._block_depth], size, size])

    def _shape_tensor(self) -> Any:
        sizes = known_sizes(shape_of(read(self._spectrum)))
        size = raw.Prod(sizes[-self._block_depth :], np.array([0], np.int32))
        return joined(sizes[: -self._block_depth], [size, size])

    # Operators made of it.

    def _linop_adjoint(self) -> Any:
        return self._like(conjugated(read(self._spectrum)), hints_of(self))

    def _linop_inverse(self) -> Any:
        spectrum = read(self._spectrum)
        return self._like(raw.RealDiv(number(1, spectrum), spectrum), hints_of(self))

    def _combined(self, operation: Any, left: Any, right: Any) -> Any:
        """Multiplies the spectra of two operators, or divides the second by the first; None if they do not fit."""
        if type(left) is not type(right) or left.dtype != right.dtype:
            return None
        spectra = read(right.spectrum), read(left.spectrum)
        if spectra[0].dtype != spectra[1].dtype:
            spectra = _as_complex(spectra[0]), _as_complex(spectra[1])
        return left._like(operation(*spectra), commuting(left, right))

    def _linop_matmul(self, left_operator: Any, right_operator: Any) -> Any:
        combined = self._combined(raw.Mul, left_operator, right_operator)
        return super()._linop_matmul(left_operator, right_operator) if combined is None else combined

    def _linop_solve(self, left_operator: Any, right_operator: Any) -> Any:
        combined = self._combined(raw.RealDiv, left_operator, right_operator)
        return super()._linop_solve(left_operator, right_operator) if combined is None else combined

    # Products and solutions.

    def _applied(self, operation: Any, x: Any, adjoint: bool, adjoint_arg: bool) -> Any:
        """Transforms the columns, multiplies or divides them with the spectrum, and transforms them back."""
        spectrum = conjugated(_as_complex(read(self._spectrum)), adjoint)
        x = cast(maybe_adjoint(x, adjoint_arg), spectrum.dtype)
        block = self._block_sizes()
        sizes = known_sizes(shape_of(x))
        batch = broadcast_sizes(sizes[:-2], known_sizes(shape_of(spectrum))[: -self._block_depth])
        columns = transposed(raw.BroadcastTo(x, joined(batch, sizes[-2:])))  # (..., R, N)
        vectors = raw.Reshape(columns, joined(batch, sizes[-1:], block))
        spectrum = raw.ExpandDims(spectrum, np.int32(-1 - self._block_depth))  # the same for all columns
        result = self._transform(operation(self._transform(vectors), spectrum), inverse=True)
        return cast(transposed(raw.Reshape(result, joined(batch, sizes[-1:], _ANY))), self.dtype)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self._applied(raw.Mul, x, adjoint, adjoint_arg)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self._applied(raw.RealDiv, rhs, adjoint, adjoint_arg)

    # Numbers.

    def _axes(self) -> list[int]:
        return list(range(-self._block_depth, 0))

    def _flat_spectrum(self) -> Any:
        spectrum = read(self._spectrum)
        sizes = known_sizes(shape_of(spectrum))
        return raw.Reshape(spectrum, joined(sizes[: -self._block_depth], _ANY))

    def assert_hermitian_spectrum(self, name: str = "assert_hermitian_spectrum") -> Any:
        """Asserts that the convolution kernel is real, so that real vectors become real vectors."""
        with self._name_scope(name):
            spectrum = read(self._spectrum)
            kernel = self._transform(_as_complex(spectrum), inverse=True)
            error = magnitude(raw.Imag(kernel, Tout=kernel.dtype.real_dtype))
            size = self._size(-1)
            size = number(size, error) if isinstance(size, int) else raw.Cast(size, DstT=error.dtype)
            epsilon = number(float(np.finfo(self.dtype.real_dtype.as_numpy_dtype).eps), error)
            return require_all(raw.Less(error, raw.Mul(epsilon, size)), "Spectrum was not Hermitian", error)

    def _assert_non_singular(self) -> Any:
        return require_nonzero(read(self._spectrum), "Singular operator: Spectrum contained zero values.")

    def _assert_positive_definite(self) -> Any:
        return require_positive(
            read(self._spectrum), "Not positive definite: Real part of spectrum was not all positive."
        )

    def _assert_self_adjoint(self) -> Any:
        return require_real(read(self._spectrum), "Not self-adjoint: The spectrum contained non-zero imaginary part.")

    def _determinant(self) -> Any:
        return cast(reduce_prod(read(self._spectrum), axis=self._axes()), self.dtype)

    def _log_abs_determinant(self) -> Any:
        return cast(reduce_sum(raw.Log(magnitude(read(self._spectrum))), axis=self._axes()), self.dtype)

    def _trace(self) -> Any:
        spectrum = read(self._spectrum)
        return cast(
            reduce_sum(real_part(spectrum) if self.is_self_adjoint else spectrum, axis=self._axes()), self.dtype
        )

    def _diag_part(self) -> Any:
        size = self._size(-1)
        trace = self.trace()
        size = number(size, self) if isinstance(size, int) else raw.Cast(size, DstT=self.dtype)
        entry = raw.ExpandDims(raw.RealDiv(trace, size), np.int32(-1))
        return raw.BroadcastTo(entry, self._sizes()[:-1])

    def _eigvals(self) -> Any:
        return self._flat_spectrum()

    def _cond(self) -> Any:
        values = magnitude(self._flat_spectrum())
        return raw.RealDiv(reduce_max(values, axis=-1), reduce_min(values, axis=-1))

    @property
    def _composite_tensor_fields(self) -> tuple[str, ...]:
        return "spectrum", "input_output_dtype"

    @property
    def _experimental_parameter_ndims_to_matrix_ndims(self) -> dict[str, Any]:
        return {"spectrum": self._block_depth}


class LinearOperatorCirculant(BlockCirculant):
    """Is a (batch of) circulant matrices: each column is the one before it, moved down by one.

    Args:
      spectrum: the Fourier transforms of the first columns, (..., N): a tensor or a variable.
      input_output_dtype: the dtype of the elements.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: see ``LinearOperator``.
      name: the name scope of what the methods build.
    """

    def __init__(
        self,
        spectrum: Any,
        input_output_dtype: Any = dtypes.complex64,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = True,
        name: str = "LinearOperatorCirculant",
    ) -> None:
        parameters = given(locals())
        super().__init__(block_depth=1, parameters=parameters, **parameters)


class LinearOperatorCirculant2D(BlockCirculant):
    """Is a (batch of) block circulant matrices with circulant blocks: convolutions on a torus.

    Args:
      spectrum: the Fourier transforms of the kernels, (..., N0, N1): a tensor or a variable.
      input_output_dtype: the dtype of the elements.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: see ``LinearOperator``.
      name: the name scope of what the methods build.
    """

    def __init__(
        self,
        spectrum: Any,
        input_output_dtype: Any = dtypes.complex64,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = True,
        name: str = "LinearOperatorCirculant2D",
    ) -> None:
        parameters = given(locals())
        super().__init__(block_depth=2, parameters=parameters, **parameters)


class LinearOperatorCirculant3D(BlockCirculant):
    """Is a (batch of) nested block circulant matrices: periodic convolutions in three dimensions.

    Args:
      spectrum: the Fourier transforms of the kernels, (..., N0, N1, N2): a tensor or a variable.
      input_output_dtype: the dtype of the elements.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: see ``LinearOperator``.
      name: the name scope of what the methods build.
    """

    def __init__(
        self,
        spectrum: Any,
        input_output_dtype: Any = dtypes.complex64,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = True,
        name: str = "LinearOperatorCirculant3D",
    ) -> None:
        parameters = given(locals())
        super().__init__(block_depth=3, parameters=parameters, **parameters)
