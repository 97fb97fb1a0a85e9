"""Sparse matrices in compressed rows, made of dense and sparse tensors and turned back into these."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import merge_dimensions, text, with_rank
from tideflow._src.ops.sparse import csr_matrix
from tideflow._src.ops.sparse.csr_matrix import CSRMatrix, matrix_of
from tideflow._src.ops.sparse.positions import all_inside, check_parts
from tideflow._src.runtime.checks import require_memory
from tideflow._src.runtime.op import op

TYPES = ("float", "double", "complex64", "complex128")
_MOST = (1 << 31) - 1


def short(dtype: DType) -> str:
    """Returns a dtype's name as messages of kernels have it."""
    return {"float32": "float", "float64": "double"}.get(dtype.name, dtype.name)


def _check_size(sizes: Any) -> tuple[int, ...]:
    """Returns the shape of a matrix as integers; rejects one whose row pointers would not fit 32 bits."""
    known = tuple(int(size) for size in sizes)
    if any(size < 0 for size in known):
        raise invalid_argument(f"Expected shape dimensions to be non-negative, got {min(known)}")
    pointers = (known[-2] + 1) * (known[0] if len(known) == 3 else 1)
    if pointers > _MOST:
        raise invalid_argument(
            "The csr row index size, computed based on the dense_shape, must be <= Int32Max, but is too large. Current "
            f"value is {pointers}"
        )
    if known[-1] > _MOST:
        raise invalid_argument(f"The number of columns must be <= Int32Max, but is {known[-1]}")
    require_memory((pointers,), 4)
    return known


def check_type(matrix: CSRMatrix, type: DType) -> CSRMatrix:
    """Returns a matrix whose values must be of a type."""
    if matrix.element_dtype is not type:
        raise invalid_argument(
            f"dtype of input is not equal to 'type': {short(matrix.element_dtype)} vs. {short(type)}"
        )
    return matrix


@op(
    "SparseTensorToCSRSparseMatrix",
    "indices: int64, values: T, dense_shape: int64 -> sparse_matrix: variant",
    tier="host",
    T=TYPES,
)
def sparse_tensor_to_csr_op(indices, values, dense_shape):
    """Makes a matrix, or a batch of matrices, of a sparse tensor."""
    check_parts(indices, values, dense_shape, inside=True)
    if indices.shape[1] not in (2, 3):
        raise invalid_argument(f"SparseTensor must have rank 2 or 3; but indices has rank: {indices.shape[1]}")
    return CSRMatrix.of_positions(indices, values, _check_size(dense_shape))


@op("DenseToCSRSparseMatrix", "dense_input: T, indices: int64 -> sparse_output: variant", tier="host", T=TYPES)
def dense_to_csr_op(dense_input, indices):
    """Makes a matrix of those elements of a dense one that stand at given positions."""
    if dense_input.ndim not in (2, 3):
        raise invalid_argument(f"params must have rank == 2 or 3; but saw shape: {text(dense_input.shape)}")
    if indices.ndim != 2:
        raise invalid_argument(f"indices must be a matrix, but saw shape: {text(indices.shape)}")
    if indices.shape[1] != dense_input.ndim:
        raise invalid_argument(
            f"indices.shape[1] must be equal to the rank of params, but saw: {indices.shape[1]} vs. {dense_input.ndim}"
        )
    if not all_inside(indices, dense_input.shape):
        row = int(np.argmax(((indices < 0) | (indices >= dense_input.shape)).any(1)))
        place = ", ".join(map(str, indices[row].tolist()))
        raise invalid_argument(
            f"indices[{row}] = [{place}] does not index into param shape {text(dense_input.shape)}, node name: "
            "DenseToCSRSparseMatrix"
        )
    return CSRMatrix.of_positions(indices, dense_input[tuple(indices.T)], _check_size(dense_input.shape))


@op("CSRSparseMatrixToDense", "sparse_input: variant -> dense_output: type", tier="host", type=TYPES)
def csr_to_dense_op(sparse_input, *, type: DType):
    """Makes a dense matrix, or a batch of those."""
    matrix = matrix_of(sparse_input)
    if matrix.element_dtype is not type:
        raise invalid_argument(
            f"Asked for a CSRSparseMatrix of type {short(type)} but saw dtype: {short(matrix.element_dtype)}"
        )
    require_memory(matrix.sizes, type.size)
    return matrix.dense()


@op(
    "CSRSparseMatrixToSparseTensor",
    "sparse_matrix: variant -> indices: int64, values: type, dense_shape: int64",
    tier="host",
    type=TYPES,
)
def csr_to_sparse_tensor_op(sparse_matrix, *, type: DType):
    """Makes a sparse tensor of a matrix, or of a batch of those."""
    matrix = check_type(matrix_of(sparse_matrix), type)
    return matrix.positions(), matrix.all_values(), np.array(matrix.sizes, np.int64)


@op(
    "CSRSparseMatrixComponents",
    "csr_sparse_matrix: variant, index: int32 -> row_ptrs: int32, col_inds: int32, values: type",
    tier="host",
    type=TYPES,
    differentiable="missing",
)
def csr_components_op(csr_sparse_matrix, index, *, type: DType):
    """Gives the parts of one matrix of a batch: where rows begin, columns, and values."""
    matrix = check_type(matrix_of(csr_sparse_matrix), type)
    if np.ndim(index):
        shown = " ".join(map(str, np.reshape(index, -1)[:3].tolist()))
        raise invalid_argument(
            f"index should be a scalar, but saw: Tensor<type: int32 shape: {text(np.shape(index))} values: {shown}>"
        )
    number = int(index)
    if not 0 <= number < len(matrix.values):
        raise invalid_argument(f"index ({number}) not in [0, {len(matrix.values)})")
    return matrix.row_pointers[number], matrix.columns[number], matrix.values[number]


@op("SparseMatrixZeros", "dense_shape: int64 -> sparse_matrix: variant", tier="host", type=TYPES, differentiable=False)
def sparse_matrix_zeros_op(dense_shape, *, type: DType):
    """Makes a matrix, or a batch of matrices, without values."""
    if dense_shape.ndim != 1 or len(dense_shape) not in (2, 3):
        raise invalid_argument(f"dense_shape must have 2 or 3 elements, but its shape is {text(dense_shape.shape)}")
    return csr_matrix.zeros(type, _check_size(dense_shape))


@op("SparseMatrixNNZ", "sparse_matrix: variant -> nnz: int32", tier="host", differentiable=False)
def sparse_matrix_nnz_op(sparse_matrix):
    """Counts the values of a matrix, or of each one of a batch."""
    matrix = matrix_of(sparse_matrix)
    counts = np.array([len(values) for values in matrix.values], np.int32)
    return counts if len(matrix.sizes) == 3 else counts[0]


# Shapes. What a variant holds tells its shape when it runs.


@sparse_tensor_to_csr_op.shape
def _sparse_tensor_to_csr_shape(indices, values, dense_shape):
    (rows, rank), (length,), (size,) = with_rank(indices, 2), with_rank(values, 1), with_rank(dense_shape, 1)
    merge_dimensions(rows, length)
    merge_dimensions(rank, size)
    return ()


def scalar_shape(*inputs: Any, **attributes: Any) -> Any:
    """Gives the shape of a variant."""
    return ()


dense_to_csr_op.shape(scalar_shape)
sparse_matrix_zeros_op.shape(scalar_shape)
csr_to_dense_op.shape(lambda sparse_input: None)
sparse_matrix_nnz_op.shape(lambda sparse_matrix: None)
csr_to_sparse_tensor_op.shape(lambda sparse_matrix: ((None, None), (None,), (None,)))
csr_components_op.shape(lambda csr_sparse_matrix, index: ((None,), (None,), (None,)))


# Gradients.


def values_at(matrix: Any, indices: Any, type: Any) -> Any:
    """Returns the values of a matrix at positions, zero where it has none."""
    given, values, _ = raw.CSRSparseMatrixToSparseTensor(matrix, type=type)
    numbers = raw.Range(np.int32(1), raw.Add(raw.Size(values), np.int32(1)), np.int32(1))
    rows, _ = raw.SparseAddGrad(numbers, indices, indices, given)
    zero = np.zeros(1, type.as_numpy_dtype)
    return raw.GatherV2(raw.ConcatV2([zero, values], np.int32(0)), rows, np.int32(0))


def pruned(matrix: Any, pattern: Any, type: Any) -> Any:
    """Returns the matrix with values only where another one has values."""
    indices, _, sizes = raw.CSRSparseMatrixToSparseTensor(pattern, type=type)
    return raw.SparseTensorToCSRSparseMatrix(indices, values_at(matrix, indices, type), sizes)


@sparse_tensor_to_csr_op.gradient
def _sparse_tensor_to_csr_gradient(call, d_matrix):
    indices, values, _ = call.inputs
    return None, values_at(d_matrix, indices, values.dtype), None


@dense_to_csr_op.gradient
def _dense_to_csr_gradient(call, d_matrix):
    return raw.CSRSparseMatrixToDense(d_matrix, type=call.inputs[0].dtype), None


@csr_to_dense_op.gradient
def _csr_to_dense_gradient(call, dy):
    indices, _, sizes = raw.CSRSparseMatrixToSparseTensor(call.inputs[0], type=dy.dtype)
    return (raw.SparseTensorToCSRSparseMatrix(indices, raw.GatherNd(dy, indices), sizes),)


@csr_to_sparse_tensor_op.gradient
def _csr_to_sparse_tensor_gradient(call, d_indices, d_values, d_shape):
    indices, _, sizes = call.outputs
    return (raw.SparseTensorToCSRSparseMatrix(indices, d_values, sizes),)


# Samples.

PLACES = np.int64([[0, 1], [1, 0], [1, 2]])
BATCH = np.int64([[0, 0, 1], [1, 1, 0], [1, 1, 2]])
SIZES = np.int64([2, 3])
BATCH_SIZES = np.int64([2, 2, 3])


def sampled(s: Any, dtype: Any = "float32", *, batch: bool = False) -> Any:
    """Returns an input that is a matrix, or a batch of those."""
    places, sizes = (BATCH, BATCH_SIZES) if batch else (PLACES, SIZES)
    return s.produced("SparseTensorToCSRSparseMatrix", places, s.array((3,), dtype), sizes)


@sparse_tensor_to_csr_op.samples
def _sparse_tensor_to_csr_samples(s):
    for dtype in s.dtypes("T"):
        yield s(PLACES, s.array((3,), dtype), SIZES, gradient=False)
    yield s(BATCH, s.normal(3), BATCH_SIZES, gradient=False)
    bad = {"error": "InvalidArgumentError"}
    yield s(PLACES + 1, s.normal(3), SIZES, **bad)
    yield s(PLACES[:, :1], s.normal(3), SIZES[:1], **bad)
    yield s(PLACES, s.normal(2), SIZES, **bad)


@dense_to_csr_op.samples
def _dense_to_csr_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), PLACES, gradient=False)
    yield s(s.normal(2, 2, 3), BATCH, gradient=False)
    bad = {"error": "InvalidArgumentError"}
    yield s(s.normal(2, 3), PLACES + 1, **bad)
    yield s(s.normal(2), PLACES, **bad)
    yield s(s.normal(2, 3), PLACES[:, :1], **bad)


def typed_samples(s: Any, *more: Any) -> Any:
    """Yields calls on matrices of each type, and on a batch."""
    for dtype in ("float32", "float64", "complex64", "complex128"):
        yield s(sampled(s, dtype), *more, type=dtype, gradient=False)
    yield s(sampled(s, batch=True), *more, type="float32", gradient=False)
    yield s(sampled(s), *more, type="float64", error="InvalidArgumentError")


csr_to_dense_op.samples(typed_samples)
csr_to_sparse_tensor_op.samples(typed_samples)


@csr_components_op.samples
def _csr_components_samples(s):
    yield from typed_samples(s, 0)
    yield s(sampled(s, batch=True), 1, type="float32")
    yield s(sampled(s), 1, type="float32", error="InvalidArgumentError")
    yield s(sampled(s), [0], type="float32", error="InvalidArgumentError")


@sparse_matrix_zeros_op.samples
def _sparse_matrix_zeros_samples(s):
    yield s(SIZES, type="float32")


@sparse_matrix_nnz_op.samples
def _sparse_matrix_nnz_samples(s):
    yield s(sampled(s))
    yield s(sampled(s, batch=True))
