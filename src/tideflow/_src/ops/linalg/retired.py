"""Operations that TensorFlow retired long ago, which graphs of TensorFlow 0.x still hold.

They are imported and run like any other. A new call is refused, as TensorFlow refuses it, with the name of what to use
instead. Before version 0.10 operations for one matrix and for a batch were different ones.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tideflow._src.ops.array import diagonals
from tideflow._src.ops.array.band_part import matrix_band_part_op
from tideflow._src.ops.dimensions import with_rank_at_least
from tideflow._src.ops.linalg import decompositions, solving
from tideflow._src.ops.linalg.batches import LINALG_TYPES, check_square, square_shape, widened
from tideflow._src.ops.retirement import retire
from tideflow._src.runtime.lazy import jax
from tideflow._src.runtime.op import Op, op

_REAL = ("double", "float")


def _again(name: str, signature: str, base: Op, version: int, advice: str, example: Any, types: Any = _REAL) -> Op:
    """Defines a retired operation that does what another one does.

    Args:
      name: its name.
      signature: its inputs and outputs.
      base: the operation whose kernels it has.
      version: the version of GraphDefs from which on it is not available.
      advice: what to use instead.
      example: makes the inputs of a sample call.
      types: the types that it allows; any if None.
    """
    constraints = {} if types is None else {"T": types}

    @functools.wraps(base.kernel)
    def kernel(*inputs: Any, **attributes: Any) -> Any:
        return base.kernel(*inputs, **attributes)

    kernel.__module__ = __name__
    definition: Op = op(name, signature, differentiable="missing", **constraints)(kernel)
    definition.host_kernel, definition.xla_kernel = base.host_kernel, base.xla_kernel
    outputs = len(signature.partition("->")[2].split(","))
    definition.shape(lambda *_: None if outputs == 1 else (None,) * outputs)
    definition.samples(lambda s: iter([s(*example(s), error="UnimplementedError")]))
    retire(definition, version, advice)
    return definition


def _square(s: Any) -> Any:
    return (s.normal(2, 3, 3),)


def _system(s: Any) -> Any:
    return s.normal(2, 3, 3), s.normal(2, 3, 1)


# Bands and diagonals.

_again(
    "BatchMatrixBandPart",
    "input: T, num_lower: static int64, num_upper: static int64 -> band: T",
    matrix_band_part_op,
    14,
    "Use MatrixBandPart",
    lambda s: (s.normal(2, 3, 3), np.int64(0), np.int64(0)),
    None,
)
_again(
    "BatchMatrixDiag",
    "diagonal: T -> output: T",
    diagonals.matrix_diag_op,
    14,
    "Use MatrixDiag",
    lambda s: (s.normal(2, 3),),
    None,
)
_again(
    "BatchMatrixDiagPart",
    "input: T -> diagonal: T",
    diagonals.matrix_diag_part_op,
    14,
    "Use MatrixDiagPart",
    _square,
    None,
)
_again(
    "BatchMatrixSetDiag",
    "input: T, diagonal: T -> output: T",
    diagonals.matrix_set_diag_op,
    14,
    "Use MatrixSetDiag",
    lambda s: (s.normal(2, 3, 3), s.normal(2, 3)),
    None,
)


# Systems and decompositions.

_INSTEAD = "Use {} instead."
_COMPLEX = ("double", "float", "complex64", "complex128")

_again(
    "BatchMatrixDeterminant",
    "input: T -> output: T",
    solving.matrix_determinant_op,
    13,
    _INSTEAD.format("MatrixDeterminant"),
    _square,
    _COMPLEX,
)
_again(
    "BatchMatrixInverse",
    "input: T -> output: T",
    solving.matrix_inverse_op,
    13,
    _INSTEAD.format("MatrixInverse"),
    _square,
)
_again(
    "BatchMatrixSolve",
    "matrix: T, rhs: T -> output: T",
    solving.matrix_solve_op,
    13,
    _INSTEAD.format("MatrixSolve"),
    _system,
)
_again(
    "BatchMatrixSolveLs",
    "matrix: T, rhs: T, l2_regularizer: double -> output: T",
    solving.matrix_solve_ls_op,
    13,
    _INSTEAD.format("MatrixSolveLs"),
    lambda s: (*_system(s), np.float64(0)),
)
_again(
    "BatchMatrixTriangularSolve",
    "matrix: T, rhs: T -> output: T",
    solving.matrix_triangular_solve_op,
    13,
    _INSTEAD.format("MatrixTriangularSolve"),
    _system,
)
_again(
    "BatchCholesky",
    "input: T -> output: T",
    decompositions.cholesky_op,
    13,
    _INSTEAD.format("Cholesky"),
    _square,
)
_again(
    "BatchCholeskyGrad",
    "l: T, grad: T -> output: T",
    decompositions.cholesky_grad_op,
    13,
    _INSTEAD.format("CholeskyGrad"),
    lambda s: (s.normal(2, 3, 3), s.normal(2, 3, 3)),
)
_again(
    "BatchSelfAdjointEigV2",
    "input: T -> e: T, v: T",
    decompositions.self_adjoint_eig_v2,
    13,
    _INSTEAD.format("SelfAdjointEigV2"),
    _square,
)
_again(
    "BatchSvd",
    "input: T -> s: T, u: T, v: T",
    decompositions.svd_op,
    13,
    _INSTEAD.format("Svd"),
    _square,
    _COMPLEX,
)


@op("SelfAdjointEig", "input: T -> output: T", T=("double", "float", "half"), differentiable="missing")
def self_adjoint_eig(xp, input):
    """Gives the eigenvalues of self-adjoint matrices in a first row, and the eigenvectors below."""
    values, vectors = decompositions.self_adjoint_eig_v2.kernel(xp, input)
    return xp.concatenate([values[..., None, :], vectors], -2)


@self_adjoint_eig.shape
def _self_adjoint_eig_shape(input):
    input = square_shape(with_rank_at_least(input, 2))
    if input is None:
        return None
    *batch, size, _ = input
    return (*batch, None if size is None else size + 1, size)


@self_adjoint_eig.samples
def _self_adjoint_eig_samples(s):
    yield s(s.normal(3, 3), error="UnimplementedError")


retire(self_adjoint_eig, 11, _INSTEAD.format("SelfAdjointEigV2"))
_again(
    "BatchSelfAdjointEig",
    "input: T -> output: T",
    self_adjoint_eig,
    11,
    _INSTEAD.format("SelfAdjointEigV2"),
    _square,
)


@op("MatrixExponential", "input: T -> output: T", T=LINALG_TYPES, differentiable="missing")
def matrix_exponential(xp, input):
    """Computes the exponentials of square matrices."""
    check_square(input)
    return jax.scipy.linalg.expm(widened(input)).astype(input.dtype) if input.size else input


@matrix_exponential.host
def _matrix_exponential_host(input):
    check_square(input)
    from scipy.linalg import expm  # loads SciPy, which JAX requires

    return expm(widened(np.asarray(input))).astype(input.dtype) if input.size else input


matrix_exponential.shape(square_shape)


@matrix_exponential.samples
def _matrix_exponential_samples(s):
    yield s(s.normal(3, 3), error="UnimplementedError")


retire(matrix_exponential, 27, "Use Python implementation tf.linalg.matrix_exponential instead.")
